//! Small picture files of every form, made here, and what is put into them.

use super::*;

/// Smooth, so that JPEG keeps it, and different in every corner.
pub(super) fn rgb(width: u32, height: u32) -> Vec<u8> {
    (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .flat_map(|(x, y)| {
            [
                (x * 200 / width) as u8 + 20,
                (y * 200 / height) as u8 + 20,
                ((x + y) * 90 / (width + height)) as u8,
            ]
        })
        .collect()
}

pub(super) fn rgba_of_rgb(rgb: &[u8]) -> Vec<u8> {
    rgb.chunks(3)
        .flat_map(|p| [p[0], p[1], p[2], 255])
        .collect()
}

pub(super) fn png_with(
    width: u32,
    height: u32,
    color: png::ColorType,
    depth: png::BitDepth,
    data: &[u8],
    change: impl FnOnce(&mut png::Info<'_>),
) -> Vec<u8> {
    let mut info = png::Info::with_size(width, height);
    info.color_type = color;
    info.bit_depth = depth;
    change(&mut info);
    let mut out = Vec::new();
    let mut writer = png::Encoder::with_info(&mut out, info)
        .unwrap()
        .write_header()
        .unwrap();
    writer.write_image_data(data).unwrap();
    writer.finish().unwrap();
    out
}

pub(super) fn png_rgb(width: u32, height: u32) -> Vec<u8> {
    let data = rgb(width, height);
    png_with(
        width,
        height,
        png::ColorType::Rgb,
        png::BitDepth::Eight,
        &data,
        |_| {},
    )
}

/// Puts a block right after the head of a PNG.
pub(super) fn with_chunk(png: &[u8], kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    [&png[..33], &chunk(kind, data), &png[33..]].concat()
}

fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u32).to_be_bytes();
    let checked = [&kind, data].concat();
    let sum = crc32fast::hash(&checked).to_be_bytes();
    [&length, checked.as_slice(), &sum].concat()
}

pub(super) fn exif(orientation: u8) -> Vec<u8> {
    let mut exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend_from_slice(&[orientation, 0, 0, 0, 0, 0, 0]);
    exif
}

pub(super) fn jpeg_with(
    width: u32,
    height: u32,
    space: mozjpeg::ColorSpace,
    data: &[u8],
    change: impl FnOnce(&mut mozjpeg::Compress),
) -> Vec<u8> {
    let mut encoder = mozjpeg::Compress::new(space);
    encoder.set_size(width as usize, height as usize);
    encoder.set_quality(95.0);
    encoder.set_fastest_defaults();
    change(&mut encoder);
    let mut started = encoder.start_compress(Vec::new()).unwrap();
    started.write_scanlines(data).unwrap();
    started.finish().unwrap()
}

pub(super) fn jpeg_rgb(width: u32, height: u32) -> Vec<u8> {
    let data = rgb(width, height);
    jpeg_with(width, height, mozjpeg::ColorSpace::JCS_RGB, &data, |_| {})
}

/// Puts an APP block right after the start of a JPEG.
pub(super) fn with_app(jpeg: &[u8], app: u8, data: &[u8]) -> Vec<u8> {
    let mut out = jpeg[..2].to_vec();
    out.extend_from_slice(&[0xff, 0xe0 + app]);
    out.extend_from_slice(&(data.len() as u16 + 2).to_be_bytes());
    out.extend_from_slice(data);
    out.extend_from_slice(&jpeg[2..]);
    out
}

pub(super) fn encode(format: image::ImageFormat, width: u32, height: u32) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    image::RgbImage::from_raw(width, height, rgb(width, height))
        .unwrap()
        .write_to(&mut out, format)
        .unwrap();
    out.into_inner()
}

/// One small file of each form.
pub(super) fn samples() -> &'static [(&'static str, PictureFormat, Vec<u8>)] {
    static SAMPLES: std::sync::OnceLock<Vec<(&'static str, PictureFormat, Vec<u8>)>> =
        std::sync::OnceLock::new();
    SAMPLES.get_or_init(make_samples)
}

fn make_samples() -> Vec<(&'static str, PictureFormat, Vec<u8>)> {
    let interlaced = adam7_png();
    let progressive = jpeg_with(31, 23, mozjpeg::ColorSpace::JCS_RGB, &rgb(31, 23), |e| {
        e.set_progressive_mode();
    });
    vec![
        ("png", PictureFormat::Png, png_rgb(31, 23)),
        ("interlaced png", PictureFormat::Png, interlaced),
        ("jpeg", PictureFormat::Jpeg, jpeg_rgb(31, 23)),
        ("progressive jpeg", PictureFormat::Jpeg, progressive),
        (
            "webp",
            PictureFormat::WebP,
            encode(image::ImageFormat::WebP, 31, 23),
        ),
        (
            "bmp",
            PictureFormat::Bmp,
            encode(image::ImageFormat::Bmp, 31, 23),
        ),
        (
            "tiff",
            PictureFormat::Tiff,
            encode(image::ImageFormat::Tiff, 31, 23),
        ),
        (
            "gif",
            PictureFormat::Gif,
            encode(image::ImageFormat::Gif, 31, 23),
        ),
    ]
}

/// A 2 × 1 Adam7 picture: red, blue. The `png` crate does not write interlaced ones.
fn adam7_png() -> Vec<u8> {
    // Pass 1 holds pixel 0, pass 6 pixel 1: one row of one pixel each. Stored, not compressed.
    let raw = [0, 255, 0, 0, 0, 0, 0, 255];
    let (mut a, mut b) = (1u32, 0u32);
    for byte in raw {
        a = (a + u32::from(byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    let mut zlib = vec![0x78, 0x01, 1, 8, 0, 247, 255];
    zlib.extend_from_slice(&raw);
    zlib.extend_from_slice(&((b << 16) | a).to_be_bytes());
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    png.extend(chunk(*b"IHDR", &[0, 0, 0, 2, 0, 0, 0, 1, 8, 2, 0, 0, 1]));
    png.extend(chunk(*b"IDAT", &zlib));
    png.extend(chunk(*b"IEND", &[]));
    png
}
