//! Formats that are only decoded whole: WebP, BMP, TIFF, GIF, by the `image` crate within its
//! and our limits.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::metadata::Orientation;
use image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageReader};

use super::colour::Layout;
use super::rows::Whole;
use super::{Limits, PictureError, PictureFormat, check_side, check_whole, rewind};

/// A file whose head was read and whose pixels were not.
pub(super) struct Encoded<R> {
    source: BufReader<R>,
    format: PictureFormat,
    limits: Limits,
}

/// What the head said.
pub(super) struct Opened<R: Read + Seek> {
    pub(super) whole: Whole<R>,
    pub(super) size: [u32; 2],
    pub(super) orientation: Orientation,
    pub(super) layout: Layout,
    pub(super) icc: Option<Vec<u8>>,
}

pub(super) fn open<R: Read + Seek>(
    mut source: BufReader<R>,
    format: PictureFormat,
    limits: &Limits,
) -> Result<Opened<R>, PictureError> {
    if format == PictureFormat::WebP {
        check_riff(&mut source)?;
    }
    rewind(&mut source)?;
    let (size, orientation, icc, color) = contained(
        format,
        || {
            let mut reader = ImageReader::with_format(&mut source, image_format(format));
            // The sides are checked right below, and nothing is allocated by them before.
            reader.no_limits();
            let mut decoder = reader.into_decoder()?;
            let (width, height) = decoder.dimensions();
            let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
            let icc = decoder.icc_profile().unwrap_or(None);
            Ok(([width, height], orientation, icc, decoder.color_type()))
        },
        limits,
    )?;
    let [width, height] = size;
    check_side(width, height, limits)?;
    let form = match format {
        PictureFormat::WebP => "a WebP",
        PictureFormat::Bmp => "a BMP",
        PictureFormat::Tiff => "a TIFF",
        PictureFormat::Gif => "a GIF",
        PictureFormat::Png => "a PNG",
        PictureFormat::Jpeg => "a JPEG",
    };
    let advice = "PNG (not interlaced) or baseline JPEG";
    check_whole(width, height, form, advice, limits)?;
    let layout = match color {
        ColorType::L8 => Layout::Gray8,
        ColorType::La8 => Layout::GrayAlpha8,
        ColorType::Rgb8 => Layout::Rgb8,
        ColorType::Rgba8 => Layout::Rgba8,
        ColorType::L16 => Layout::Gray16,
        ColorType::La16 => Layout::GrayAlpha16,
        ColorType::Rgb16 => Layout::Rgb16,
        ColorType::Rgba16 => Layout::Rgba16,
        _ => {
            return Err(PictureError::Unsupported {
                format,
                feature: "floating-point pixels".to_owned(),
            });
        }
    };
    let encoded = Encoded {
        source,
        format,
        limits: *limits,
    };
    Ok(Opened {
        whole: Whole::of_encoded(encoded, size, layout, orientation),
        size,
        orientation,
        layout,
        icc,
    })
}

/// The pixels, in the layout that [`open`] said, `bytes` in all.
pub(super) fn decode<R: Read + Seek>(
    encoded: Encoded<R>,
    bytes: usize,
) -> Result<Vec<u8>, PictureError> {
    let Encoded {
        mut source,
        format,
        limits,
    } = encoded;
    if bytes as u64 > limits.whole_bytes {
        return Err(memory(format, &limits));
    }
    rewind(&mut source)?;
    contained(
        format,
        || {
            let mut reader = ImageReader::with_format(&mut source, image_format(format));
            let mut allowed = image::Limits::default();
            allowed.max_image_width = Some(limits.max_side);
            allowed.max_image_height = Some(limits.max_side);
            allowed.max_alloc = Some(limits.whole_bytes);
            reader.limits(allowed);
            let decoder = reader.into_decoder()?;
            let mut pixels = vec![0; bytes];
            if decoder.total_bytes() != bytes as u64 {
                return Ok(Vec::new());
            }
            decoder.read_image(&mut pixels)?;
            Ok(pixels)
        },
        &limits,
    )
    .and_then(|pixels| {
        if pixels.is_empty() {
            Err(PictureError::damaged(format, "two sizes"))
        } else {
            Ok(pixels)
        }
    })
}

/// Decoders of foreign bytes are not trusted to return: a panic is damage, too.
fn contained<T>(
    format: PictureFormat,
    run: impl FnOnce() -> Result<T, ImageError>,
    limits: &Limits,
) -> Result<T, PictureError> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(result) => result.map_err(|e| image_error(format, e, limits)),
        Err(_) => Err(PictureError::damaged(format, "the decoder failed")),
    }
}

const fn image_format(format: PictureFormat) -> ImageFormat {
    match format {
        PictureFormat::Png => ImageFormat::Png,
        PictureFormat::Jpeg => ImageFormat::Jpeg,
        PictureFormat::WebP => ImageFormat::WebP,
        PictureFormat::Bmp => ImageFormat::Bmp,
        PictureFormat::Tiff => ImageFormat::Tiff,
        PictureFormat::Gif => ImageFormat::Gif,
    }
}

const fn memory(format: PictureFormat, limits: &Limits) -> PictureError {
    PictureError::Memory {
        format,
        limit_mib: limits.whole_bytes >> 20,
    }
}

fn image_error(format: PictureFormat, error: ImageError, limits: &Limits) -> PictureError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(e) = cause {
        if let Some(io) = e.downcast_ref::<std::io::Error>()
            && io.kind() == std::io::ErrorKind::UnexpectedEof
        {
            return PictureError::EndsEarly(format);
        }
        cause = e.source();
    }
    match error {
        ImageError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            PictureError::EndsEarly(format)
        }
        ImageError::IoError(e) if e.raw_os_error().is_some() => PictureError::Io(e),
        ImageError::Limits(_) => memory(format, limits),
        ImageError::Unsupported(e) => PictureError::Unsupported {
            format,
            feature: e.to_string().chars().take(160).collect(),
        },
        // The GIF decoder has its own word for it.
        other
            if other
                .to_string()
                .to_ascii_lowercase()
                .contains("unexpected end") =>
        {
            PictureError::EndsEarly(format)
        }
        other => PictureError::damaged(format, other),
    }
}

/// Checks that the blocks of a WebP lie within the file, so that no length in it can ask for
/// memory that the file does not fill. Source: RFC 9649, section 2.
fn check_riff<R: BufRead + Seek>(source: &mut R) -> Result<(), PictureError> {
    let format = PictureFormat::WebP;
    let length = source.seek(SeekFrom::End(0)).map_err(PictureError::Io)?;
    let mut at = 12;
    let mut head = [0; 8];
    let mut read_at = |at: u64, head: &mut [u8; 8]| {
        source.seek(SeekFrom::Start(at)).map_err(PictureError::Io)?;
        source
            .read_exact(head)
            .map_err(|_| PictureError::EndsEarly(format))
    };
    let size_in = |[_, _, _, _, a, b, c, d]: [u8; 8]| u64::from(u32::from_le_bytes([a, b, c, d]));
    read_at(0, &mut head)?;
    let end = 8 + size_in(head);
    // The last block may lack its padding byte.
    if end > length + 1 {
        return Err(PictureError::EndsEarly(format));
    }
    while at + 8 <= end.min(length) {
        read_at(at, &mut head)?;
        let size = size_in(head);
        at += 8 + size;
        if at > length {
            return Err(PictureError::EndsEarly(format));
        }
        at += size % 2;
    }
    Ok(())
}
