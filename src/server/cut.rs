//! Maps as players get them: black wherever fog is.
//!
//! A map pixel that any fogged pixel of the mask touches is black, so that nothing of what lies under
//! the fog is in the file. The picture keeps its size, because positions and masks are in its pixels.
//! It is read and written row by row, so the memory depends on its width alone where its format
//! allows that ([`crate::import::picture`]).
//!
//! Must not know rooms or documents. Called by [`super::cuts`].

use std::io::{self, BufWriter, Read, Seek, Write};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::geom::mask::Mask;
use crate::geom::pyramid::{PyramidLayout, TILE_STORED_PX, TileAddress};
use crate::geom::rect::IRect;
use crate::import::picture::{Limits, PictureError, PictureFormat, PictureInfo, PictureReader};
use crate::import::pyramid::{PyramidBuilder, PyramidError};

/// As good as the eye asks for at a table.
const JPEG_QUALITY: f32 = 88.0;
/// The longest side of a coarse picture.
pub(super) const COARSE_SIDE_PX: u32 = 512;

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

/// How a picture for players is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    is_lossy: bool,
    has_alpha: bool,
}

impl Form {
    /// That of a picture.
    pub(super) const fn of(info: &PictureInfo) -> Self {
        // What was compressed with losses already is so again; it would be many times as large.
        let is_lossy = matches!(info.format, PictureFormat::Jpeg | PictureFormat::WebP);
        Self {
            is_lossy: is_lossy && !info.has_alpha,
            has_alpha: info.has_alpha,
        }
    }

    /// That of a picture that stands for a better one for a moment.
    pub(super) const fn of_coarse(info: &PictureInfo) -> Self {
        Self {
            is_lossy: !info.has_alpha,
            has_alpha: info.has_alpha,
        }
    }

    /// The ending of its files.
    pub(super) const fn ending(self) -> &'static str {
        if self.is_lossy { "jpg" } else { "png" }
    }
}

/// Writes the picture in `source` into `target`, black where `fog` is set (`None`: everywhere).
///
/// # Errors
/// When it cannot be read or written; what was written is then of no use.
pub(super) fn cut<R: Read + Seek, W: Write>(
    source: R,
    fog: Option<&Mask>,
    target: W,
) -> Result<(), CutError> {
    let mut rows = CutRows::open(source, Fog::Cut(fog))?;
    let (size, form) = (rows.size(), Form::of(&rows.info));
    write(&mut rows, size, form, BufWriter::new(target))
}

/// The level of a picture's pyramid that stands for the picture until it is there: the first that is
/// small enough.
fn coarse_level(layout: &PyramidLayout) -> u8 {
    let is_small = |level: &u8| {
        let [width, height] = layout.level_size_px(*level);
        width.max(height) <= COARSE_SIDE_PX
    };
    let level = (0..layout.level_count()).find(is_small);
    level.unwrap_or_else(|| layout.coarsest_level())
}

/// The picture in `source` in small, as a file: a level of its pyramid, of what may be seen.
///
/// # Errors
/// When it cannot be read or written.
pub(super) fn coarse<R: Read + Seek>(source: R, fog: Fog<'_>) -> Result<Vec<u8>, CutError> {
    let mut rows = CutRows::open(source, fog)?;
    let form = Form::of_coarse(&rows.info);
    let [width, height] = rows.size();
    let too_large = || CutError::Written(io::ErrorKind::FileTooLarge.into());
    let mut builder = PyramidBuilder::new(width, height).map_err(|_| too_large())?;
    let layout = *builder.layout();
    let level = coarse_level(&layout);
    let [small_width, small_height] = layout.level_size_px(level);
    let stride = small_width as usize * 4;
    let mut small = vec![0; stride * small_height as usize];
    let mut keep = |tile: TileAddress, rgba: &[u8]| -> Result<(), CutError> {
        if tile.level == level {
            let rect = layout.content_level_px(tile);
            let wide = rect.width() as usize * 4;
            for (n, y) in (rect.min[1]..rect.max[1]).enumerate() {
                let from = ((n + 1) * TILE_STORED_PX as usize + 1) * 4;
                let to = y as usize * stride + rect.min[0] as usize * 4;
                if let (Some(from), Some(to)) =
                    (rgba.get(from..from + wide), small.get_mut(to..to + wide))
                {
                    to.copy_from_slice(from);
                }
            }
        }
        Ok(())
    };
    let ended = |error: PyramidError<CutError>| match error {
        PyramidError::Sink(error) => error,
        PyramidError::Rows { .. } => io::Error::from(io::ErrorKind::UnexpectedEof).into(),
    };
    while let Some(row) = rows.next()? {
        builder.push_rows(row, &mut keep).map_err(ended)?;
    }
    builder.finish().map_err(ended)?;
    encode(&small, [small_width, small_height], form)
}

/// Pixels as a file.
///
/// # Errors
/// When the encoder cannot.
pub(super) fn encode(rgba: &[u8], size: [u32; 2], form: Form) -> Result<Vec<u8>, CutError> {
    let mut file = Vec::new();
    let mut rows = Pixels(rgba.chunks_exact(size[0].max(1) as usize * 4));
    write(&mut rows, size, form, &mut file)?;
    Ok(file)
}

fn write(
    rows: &mut impl Rows,
    size: [u32; 2],
    form: Form,
    target: impl Write,
) -> Result<(), CutError> {
    if form.is_lossy {
        write_jpeg(rows, size, target)
    } else {
        write_png(rows, size, form.has_alpha, target)
    }
}

fn write_png(
    rows: &mut impl Rows,
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

fn write_jpeg(
    rows: &mut impl Rows,
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

/// Rows of RGBA from the top.
trait Rows {
    fn next(&mut self) -> Result<Option<&[u8]>, CutError>;
}

/// Rows that are in memory.
struct Pixels<'p>(std::slice::ChunksExact<'p, u8>);

impl Rows for Pixels<'_> {
    fn next(&mut self) -> Result<Option<&[u8]>, CutError> {
        Ok(self.0.next())
    }
}

/// What covers a picture.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fog<'m> {
    /// Nothing does: it may be seen by whoever gets it.
    Open,
    /// What the mask has set; `None`: all of it.
    Cut(Option<&'m Mask>),
}

/// The rows of a picture with what is covered blackened.
struct CutRows<'m, R: Read + Seek> {
    reader: PictureReader<R>,
    info: PictureInfo,
    cover: Option<Cover<'m>>,
    row: Vec<u8>,
    y: u32,
}

impl<'m, R: Read + Seek> CutRows<'m, R> {
    fn open(source: R, fog: Fog<'m>) -> Result<Self, CutError> {
        let reader = PictureReader::open(source, &Limits::default())?;
        let info = *reader.info();
        let size = [info.width, info.height];
        let cover = match fog {
            Fog::Open => None,
            Fog::Cut(fog) => Some(Cover::new(size, 0..info.width, fog)),
        };
        Ok(Self {
            reader,
            info,
            cover,
            row: vec![0; info.width as usize * 4],
            y: 0,
        })
    }

    const fn size(&self) -> [u32; 2] {
        [self.info.width, self.info.height]
    }
}

impl<R: Read + Seek> Rows for CutRows<'_, R> {
    fn next(&mut self) -> Result<Option<&[u8]>, CutError> {
        if !self.reader.next_row(&mut self.row)? {
            return Ok(None);
        }
        if let Some(cover) = &mut self.cover {
            cover.blacken(&mut self.row, self.y);
        }
        self.y += 1;
        Ok(Some(&self.row))
    }
}

/// How much of a part of a picture is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    Nothing,
    Part,
    All,
}

/// The pixels of a mask that a part of a picture of this size touches.
pub(super) fn touched(part: IRect, size: [u32; 2], fog: &Mask) -> IRect {
    let of = fog.size_px();
    let line = |axis: usize| {
        let pixels = |n: i32| u32::try_from(n).unwrap_or(0);
        let [first, last] = [part.min[axis], part.max[axis] - 1].map(pixels);
        [
            span(first, size[axis], of[axis])[0],
            span(last, size[axis], of[axis])[1],
        ]
        .map(whole)
    };
    let ([left, right], [top, bottom]) = (line(0), line(1));
    IRect::new([left, top], [right, bottom])
}

/// How much of a part is seen, as far as the mask says without looking at pixels.
pub(super) fn seen(part: IRect, size: [u32; 2], fog: &Mask) -> Seen {
    let touched = touched(part, size, fog);
    if fog.all_set_in(touched) {
        Seen::Nothing
    } else if fog.any_set_in(touched) {
        Seen::Part
    } else {
        Seen::All
    }
}

/// Blackens what is covered of a part of a picture of this size; whether anything of it is left.
pub(super) fn blacken(rgba: &mut [u8], part: IRect, size: [u32; 2], fog: &Mask) -> bool {
    let pixels = |n: i32| u32::try_from(n).unwrap_or(0);
    let mut cover = Cover::new(size, pixels(part.min[0])..pixels(part.max[0]), Some(fog));
    let mut is_seen = false;
    let rows = rgba.chunks_exact_mut((part.width() as usize * 4).max(1));
    for (y, row) in (pixels(part.min[1])..).zip(rows) {
        is_seen |= cover.blacken(row, y);
    }
    is_seen
}

/// Which pixels of a row are covered.
struct Cover<'m> {
    size: [u32; 2],
    columns: Range<u32>,
    fog: Option<&'m Mask>,
    covered: Vec<bool>,
    /// The mask's rows that `covered` is of.
    of_rows: Option<[u32; 2]>,
}

impl<'m> Cover<'m> {
    fn new(size: [u32; 2], columns: Range<u32>, fog: Option<&'m Mask>) -> Self {
        Self {
            size,
            covered: vec![true; columns.len()],
            columns,
            fog,
            of_rows: None,
        }
    }

    /// Whether anything of the row is left.
    fn blacken(&mut self, row: &mut [u8], y: u32) -> bool {
        let mut is_seen = false;
        for (pixel, covered) in row.chunks_exact_mut(4).zip(self.row(y)) {
            if *covered {
                // What is transparent may have a colour all the same.
                pixel.copy_from_slice(&[0, 0, 0, 255]);
            } else {
                is_seen = true;
            }
        }
        is_seen
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
            for (x, covered) in self.columns.clone().zip(&mut self.covered) {
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

    fn cut_out(file: Vec<u8>, fog: Option<&Mask>) -> (image::RgbImage, image::ImageFormat) {
        let mut out = Vec::new();
        cut(Cursor::new(file), fog, &mut out).unwrap();
        let format = image::guess_format(&out).unwrap();
        (image::load_from_memory(&out).unwrap().to_rgb8(), format)
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
            let (seen, format) = cut_out(secret(60, 40, image::ImageFormat::Png), Some(&fog));
            let png = image::ImageFormat::Png;
            assert_eq!((seen.dimensions(), format), ((60, 40), png));
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
        let (seen, format) = cut_out(file.into_inner(), Some(&fog));
        assert_eq!(format, image::ImageFormat::Jpeg);
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
