//! Large maps go through in little memory. Run by hand, in release, on Linux:
//! `cargo test --release --test import_large -- --ignored --nocapture --test-threads 1`
//!
//! Each test makes its file in a temporary folder first, row by row, so that the peak that is
//! told (VmHWM, reset after that) is the import's own.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a measurement that prints what it measured"
)]

use std::convert::Infallible;
use std::fs::File;
use std::io::{BufWriter, Cursor, Read, Seek, SeekFrom, Write};
use std::time::Instant;

use tableglow::import::picture::{Limits, PictureError, PictureReader};
use tableglow::import::pyramid::{PyramidBuilder, PyramidError};
use tableglow::import::{open_map, uvtt};

const SIDE: u32 = 16_384;
/// What an import of such a map may have in memory.
const ALLOWED_MIB: u64 = 256;

fn row(y: u32, out: &mut Vec<u8>) {
    out.clear();
    let mut noise = y.wrapping_mul(2_654_435_761) | 1;
    for x in 0..SIDE {
        noise ^= noise << 13;
        noise ^= noise >> 17;
        noise ^= noise << 5;
        let grain = (noise & 15) as u8;
        let line = if x.is_multiple_of(128) || y.is_multiple_of(128) {
            60
        } else {
            0
        };
        out.push(((x >> 7) as u8).wrapping_add(grain));
        out.push(((y >> 7) as u8).wrapping_add(grain));
        out.push(90 + grain + line);
    }
}

fn write_png(to: &mut File) {
    let mut encoder = png::Encoder::new(BufWriter::new(&mut *to), SIDE, SIDE);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().unwrap();
    let mut stream = writer.stream_writer().unwrap();
    let mut pixels = Vec::new();
    for y in 0..SIDE {
        row(y, &mut pixels);
        stream.write_all(&pixels).unwrap();
    }
    stream.finish().unwrap();
    writer.finish().unwrap();
    to.seek(SeekFrom::Start(0)).unwrap();
}

fn write_jpeg(to: &mut File) {
    let mut encoder = mozjpeg::Compress::new(mozjpeg::ColorSpace::JCS_RGB);
    encoder.set_size(SIDE as usize, SIDE as usize);
    encoder.set_fastest_defaults();
    encoder.set_quality(85.0);
    let mut started = encoder.start_compress(BufWriter::new(&mut *to)).unwrap();
    let mut pixels = Vec::new();
    for y in 0..SIDE {
        row(y, &mut pixels);
        started.write_scanlines(&pixels).unwrap();
    }
    started.finish().unwrap();
    to.seek(SeekFrom::Start(0)).unwrap();
}

fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib / 1024
}

fn through_the_pyramid(name: &str, source: impl Read + Seek) {
    forget_peak();
    let begun = Instant::now();
    let mut reader = PictureReader::open(source, &Limits::default()).unwrap();
    assert!(reader.info().row_wise);
    let mut builder = PyramidBuilder::new(SIDE, SIDE).unwrap();
    let (mut tiles, mut sum) = (0u64, 0u64);
    reader
        .read_rows(16, |_, rows| {
            builder
                .push_rows(rows, |_, pixels| {
                    tiles += 1;
                    sum = sum.wrapping_add(u64::from(pixels[pixels.len() / 2]));
                    Ok::<_, Infallible>(())
                })
                .map_err(|e: PyramidError<Infallible>| {
                    PictureError::Io(std::io::Error::other(e.to_string()))
                })
        })
        .unwrap();
    let layout = builder.finish::<Infallible>().unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    assert_eq!(tiles, layout.tile_count() as u64);
    let megapixels = f64::from(SIDE) * f64::from(SIDE) / 1e6;
    let peak = peak_mib();
    eprintln!(
        "{name} {SIDE}²: {seconds:.2} s, {:.0} MP/s, {tiles} tiles, peak {peak} MiB",
        megapixels / seconds
    );
    assert!(peak <= ALLOWED_MIB, "{name}: {peak} MiB");
}

#[test]
#[ignore = "makes a picture of 268 megapixels"]
fn a_png_of_16384_goes_through_in_bands() {
    let mut file = tempfile::tempfile().unwrap();
    write_png(&mut file);
    through_the_pyramid("PNG", file);
}

#[test]
#[ignore = "makes a picture of 268 megapixels"]
fn a_jpeg_of_16384_goes_through_in_bands() {
    let mut file = tempfile::tempfile().unwrap();
    write_jpeg(&mut file);
    through_the_pyramid("JPEG", file);
}

#[test]
#[ignore = "makes a map file of 500 MB"]
fn a_map_file_of_500_mb_is_never_held() {
    /// The head of a PNG, then bytes that do not matter.
    struct Big(Cursor<Vec<u8>>, u64);
    impl Read for Big {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let n = self.0.read(buffer)?;
            if n > 0 || self.1 == 0 {
                return Ok(n);
            }
            let n = (buffer.len() as u64).min(self.1) as usize;
            for (i, byte) in buffer[..n].iter_mut().enumerate() {
                *byte = (i * 31) as u8;
            }
            self.1 -= n as u64;
            Ok(n)
        }
    }
    let mut file = tempfile::tempfile().unwrap();
    let document = uvtt::UvttDocument::default();
    let mut picture = Big(Cursor::new(b"\x89PNG\r\n\x1a\n".to_vec()), 375_000_000);
    uvtt::write(&document, Some(&mut picture), BufWriter::new(&mut file)).unwrap();
    let length = file.stream_position().unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    let spool = tempfile::tempfile().unwrap();
    forget_peak();
    let begun = Instant::now();
    let opened = open_map("big.uvtt", file, spool, &Limits::default()).unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    let peak = peak_mib();
    eprintln!(
        "map file of {} MB: {seconds:.2} s, {:.0} MB/s, peak {peak} MiB",
        length / 1_000_000,
        length as f64 / 1e6 / seconds
    );
    assert!(opened.plan.picture.is_none());
    assert!(peak <= 64, "{peak} MiB");
}
