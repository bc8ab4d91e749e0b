//! A walk over the chunks of a PNG, without unpacking any: finds a cut file at once, the size,
//! and the orientation, which may stand after the pixels.
//!
//! Source: PNG specification, third edition, sections 5 and 11.

use std::io::{BufRead, Read, Seek, SeekFrom};

use image::metadata::Orientation;

use super::{PictureError, PictureFormat};

/// EXIF blocks longer than this are passed over.
const MAX_EXIF_BYTES: u32 = 1 << 20;

/// What the walk found.
pub(super) struct PngChunks {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) file_bytes: u64,
    pub(super) interlaced: bool,
    pub(super) says_srgb: bool,
    pub(super) orientation: Orientation,
}

pub(super) fn scan<R: BufRead + Seek>(source: &mut R) -> Result<PngChunks, PictureError> {
    let length = source.seek(SeekFrom::End(0)).map_err(PictureError::Io)?;
    let mut at = source.seek(SeekFrom::Start(8)).map_err(PictureError::Io)?;
    let damaged = |detail: &str| PictureError::damaged(PictureFormat::Png, detail);
    let mut found: Option<PngChunks> = None;
    loop {
        let mut head = [0; 8];
        read(source, &mut head)?;
        let [a, b, c, d, kind @ ..] = head;
        let size = u32::from_be_bytes([a, b, c, d]);
        if !kind.iter().all(u8::is_ascii_alphabetic) {
            return Err(damaged("a block without a name"));
        }
        // Name and length, the data, and the checksum.
        let next = at + 12 + u64::from(size);
        if next > length {
            return Err(PictureError::EndsEarly(PictureFormat::Png));
        }
        match (&kind, &mut found) {
            (b"IHDR", None) => {
                let mut ihdr = [0; 13];
                if size != 13 {
                    return Err(damaged("a head of the wrong length"));
                }
                read(source, &mut ihdr)?;
                let [w0, w1, w2, w3, h0, h1, h2, h3, .., interlace] = ihdr;
                found = Some(PngChunks {
                    width: u32::from_be_bytes([w0, w1, w2, w3]),
                    height: u32::from_be_bytes([h0, h1, h2, h3]),
                    file_bytes: length,
                    interlaced: interlace != 0,
                    says_srgb: false,
                    orientation: Orientation::NoTransforms,
                });
            }
            (_, None) => return Err(damaged("no head")),
            (b"sRGB", Some(found)) => found.says_srgb = true,
            (b"eXIf", Some(found)) if size <= MAX_EXIF_BYTES => {
                let mut exif = vec![0; size as usize];
                read(source, &mut exif)?;
                found.orientation =
                    Orientation::from_exif_chunk(&exif).unwrap_or(Orientation::NoTransforms);
            }
            (b"IEND", _) => break,
            _ => {}
        }
        let position = source.stream_position().map_err(PictureError::Io)?;
        let forward = next.saturating_sub(position);
        let forward = i64::try_from(forward).map_err(|_| damaged("a block too long"))?;
        source.seek_relative(forward).map_err(PictureError::Io)?;
        at = next;
    }
    found.ok_or_else(|| damaged("no head"))
}

fn read(source: &mut impl Read, bytes: &mut [u8]) -> Result<(), PictureError> {
    source.read_exact(bytes).map_err(|e| {
        if e.kind() == std::io::ErrorKind::UnexpectedEof {
            PictureError::EndsEarly(PictureFormat::Png)
        } else {
            PictureError::Io(e)
        }
    })
}
