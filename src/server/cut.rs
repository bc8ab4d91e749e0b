//! Maps as players get them: black wherever fog is.
//!
//! A map pixel that any fogged pixel of the mask touches is black, so that nothing of what lies under
//! the fog is in the file. The picture keeps its size, because positions and masks are in its pixels.
//! It is read and written row by row, so the memory depends on its width alone where its format
//! allows that ([`crate::import::picture`]).
//!
//! Must not know rooms or documents. Called by [`super::showing`].

use std::io::{self, BufWriter, Read, Seek, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::geom::mask::Mask;
use crate::geom::rect::IRect;
use crate::import::picture::{Limits, PictureError, PictureFormat, PictureReader};

/// As good as the eye asks for at a table.
const JPEG_QUALITY: f32 = 88.0;

/// Why a map was not cut out.
#[derive(Debug, thiserror::Error)]
pub enum CutError {
    /// It cannot be read.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The result cannot be written.
    #[error("the picture for players could not be written: {0}")]
    Written(#[from] io::Error),
}

/// Writes the picture in `source` into `target`, black where `fog` is set (`None`: everywhere). The
/// ending of the format that was written.
///
/// # Errors
/// When it cannot be read or written; what was written is then of no use.
pub fn cut<R: Read + Seek, W: Write>(
    source: R,
    fog: Option<&Mask>,
    target: W,
) -> Result<&'static str, CutError> {
    let mut reader = PictureReader::open(source, &Limits::default())?;
    let info = *reader.info();
    let size = [info.width, info.height];
    let mut rows = Rows {
        cover: Cover::new(size, fog),
        reader: &mut reader,
        row: vec![0; info.width as usize * 4],
        y: 0,
    };
    let target = BufWriter::new(target);
    // What was compressed with losses already is so again; it would be many times as large.
    let is_lossy = matches!(info.format, PictureFormat::Jpeg | PictureFormat::WebP);
    if is_lossy && !info.has_alpha {
        write_jpeg(&mut rows, size, target)?;
        return Ok("jpg");
    }
    write_png(&mut rows, size, info.has_alpha, target)?;
    Ok("png")
}

fn write_png<R: Read + Seek>(
    rows: &mut Rows<'_, R>,
    [width, height]: [u32; 2],
    has_alpha: bool,
    target: impl Write,
) -> Result<(), CutError> {
    let failed = |error: png::EncodingError| CutError::Written(io::Error::other(error));
    let mut encoder = png::Encoder::new(target, width, height);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.set_color(if has_alpha {
        png::ColorType::Rgba
    } else {
        png::ColorType::Rgb
    });
    let mut writer = encoder.write_header().map_err(failed)?;
    let mut stream = writer.stream_writer().map_err(failed)?;
    let mut rgb = Vec::with_capacity(width as usize * 3);
    while let Some(row) = rows.next()? {
        if has_alpha {
            stream.write_all(row)?;
        } else {
            opaque(row, &mut rgb);
            stream.write_all(&rgb)?;
        }
    }
    stream.finish().map_err(failed)?;
    writer.finish().map_err(failed)
}

fn write_jpeg<R: Read + Seek>(
    rows: &mut Rows<'_, R>,
    [width, height]: [u32; 2],
    target: impl Write,
) -> Result<(), CutError> {
    // The encoder tells of what it cannot do by unwinding.
    let written = catch_unwind(AssertUnwindSafe(|| -> Result<(), CutError> {
        let mut encoder = mozjpeg::Compress::new(mozjpeg::ColorSpace::JCS_RGB);
        encoder.set_size(width as usize, height as usize);
        encoder.set_fastest_defaults();
        encoder.set_quality(JPEG_QUALITY);
        let mut encoder = encoder.start_compress(target)?;
        let mut rgb = Vec::with_capacity(width as usize * 3);
        while let Some(row) = rows.next()? {
            opaque(row, &mut rgb);
            encoder.write_scanlines(&rgb)?;
        }
        encoder.finish()?.flush()?;
        Ok(())
    }));
    written.unwrap_or_else(|_| Err(io::Error::other("the JPEG encoder gave up").into()))
}

fn opaque(rgba: &[u8], rgb: &mut Vec<u8>) {
    rgb.clear();
    for pixel in rgba.chunks_exact(4) {
        rgb.extend_from_slice(pixel.get(..3).unwrap_or_default());
    }
}

/// The rows of the picture with what is covered blackened.
struct Rows<'r, R: Read + Seek> {
    reader: &'r mut PictureReader<R>,
    cover: Cover<'r>,
    row: Vec<u8>,
    y: u32,
}

impl<R: Read + Seek> Rows<'_, R> {
    fn next(&mut self) -> Result<Option<&[u8]>, PictureError> {
        if !self.reader.next_row(&mut self.row)? {
            return Ok(None);
        }
        let covered = self.cover.row(self.y);
        for (pixel, covered) in self.row.chunks_exact_mut(4).zip(covered) {
            if *covered {
                // What is transparent may have a colour all the same.
                pixel.copy_from_slice(&[0, 0, 0, 255]);
            }
        }
        self.y += 1;
        Ok(Some(&self.row))
    }
}

/// Which pixels of a row are covered.
struct Cover<'m> {
    size: [u32; 2],
    fog: Option<&'m Mask>,
    covered: Vec<bool>,
    /// The mask's rows that `covered` is of.
    of_rows: Option<[u32; 2]>,
}

impl<'m> Cover<'m> {
    fn new(size: [u32; 2], fog: Option<&'m Mask>) -> Self {
        Self {
            size,
            fog,
            covered: vec![true; size[0] as usize],
            of_rows: None,
        }
    }

    fn row(&mut self, y: u32) -> &[bool] {
        let Some(fog) = self.fog else {
            return &self.covered;
        };
        let [mask_width, mask_height] = fog.size_px();
        let [width, height] = self.size;
        let rows = span(y, height, mask_height);
        if self.of_rows != Some(rows) {
            self.of_rows = Some(rows);
            for (x, covered) in (0..).zip(&mut self.covered) {
                let columns = span(x, width, mask_width);
                let touched = IRect::new(
                    [whole(columns[0]), whole(rows[0])],
                    [whole(columns[1]), whole(rows[1])],
                );
                *covered = fog.any_set_in(touched);
            }
        }
        &self.covered
    }
}

/// The pixels of a line of `of` that pixel `at` of a line of `count` touches: first, and behind the
/// last.
fn span(at: u32, count: u32, of: u32) -> [u32; 2] {
    let (at, count, of) = (u64::from(at), u64::from(count.max(1)), u64::from(of));
    let first = at * of / count;
    let end = ((at + 1) * of).div_ceil(count).max(first + 1).min(of);
    [first, end].map(|n| u32::try_from(n).unwrap_or(u32::MAX))
}

fn whole(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::io::Cursor;

    const SECRET: [u8; 3] = [200, 30, 90];

    /// A picture that is all of one colour.
    fn secret(width: u32, height: u32, format: image::ImageFormat) -> Vec<u8> {
        let picture = image::RgbImage::from_pixel(width, height, image::Rgb(SECRET));
        let mut file = Cursor::new(Vec::new());
        picture.write_to(&mut file, format).unwrap();
        file.into_inner()
    }

    fn cut_out(file: Vec<u8>, fog: Option<&Mask>) -> (image::RgbImage, &'static str) {
        let mut out = Vec::new();
        let ending = cut(Cursor::new(file), fog, &mut out).unwrap();
        (image::load_from_memory(&out).unwrap().to_rgb8(), ending)
    }

    #[test]
    fn what_lies_under_fog_is_black_and_the_rest_as_it_was() {
        // Masks as fine as the map, coarser, finer, and of a size that does not divide it.
        for mask_size in [[60, 40], [6, 4], [120, 80], [7, 9]] {
            let mut fog = Mask::new(mask_size[0], mask_size[1]).unwrap();
            fog.fill_rect(
                IRect::new([0, 0], [whole(mask_size[0] / 2), whole(mask_size[1])]),
                true,
            );
            let (seen, ending) = cut_out(secret(60, 40, image::ImageFormat::Png), Some(&fog));
            assert_eq!((seen.dimensions(), ending), ((60, 40), "png"));
            for (x, _, pixel) in seen.enumerate_pixels() {
                let edge = f64::from(mask_size[0] / 2) / f64::from(mask_size[0]) * 60.0;
                let expected = if f64::from(x) < edge { [0; 3] } else { SECRET };
                assert_eq!(pixel.0, expected, "{mask_size:?} at {x}");
            }
        }
    }

    #[test]
    fn without_a_mask_everything_is_black_in_every_format() {
        use image::ImageFormat::{Bmp, Gif, Jpeg, Png, WebP};
        for format in [Png, Jpeg, WebP, Bmp, Gif] {
            let (seen, _) = cut_out(secret(33, 17, format), None);
            assert_eq!(seen.dimensions(), (33, 17));
            assert!(seen.pixels().all(|pixel| pixel.0 == [0; 3]), "{format:?}");
        }
    }

    #[test]
    fn a_lossy_map_leaks_nothing_over_the_edge_of_the_fog() {
        let mut fog = Mask::new_filled(64, 64).unwrap();
        fog.fill_rect(IRect::new([13, 0], [64, 64]), false);
        let mut picture = image::RgbImage::from_pixel(64, 64, image::Rgb([0; 3]));
        for (x, _, pixel) in picture.enumerate_pixels_mut() {
            if x < 13 {
                *pixel = image::Rgb([255; 3]);
            }
        }
        let mut file = Cursor::new(Vec::new());
        picture
            .write_to(&mut file, image::ImageFormat::Jpeg)
            .unwrap();
        let (seen, ending) = cut_out(file.into_inner(), Some(&fog));
        assert_eq!(ending, "jpg");
        // What is left of the white is what the original has of it beyond the fog.
        let brightest = |from: u32| {
            let column = seen.enumerate_pixels().filter(|(x, ..)| *x < from);
            column.map(|(_, _, pixel)| pixel.0[0]).max()
        };
        assert!(brightest(12) < Some(40), "{:?}", brightest(12));
    }

    #[test]
    fn what_is_no_picture_is_no_map() {
        assert!(cut(Cursor::new(b"hello".to_vec()), None, Vec::new()).is_err());
    }
}
