//! The head of a JPEG up to its first scan: size, form, orientation, profile.
//!
//! Read here and not by the decoder, because it decides whether the decoder can give rows in
//! bounded memory. Markers are found the way libjpeg finds them, so that both see the same ones.
//! Source: ITU-T T.81 annex B; ICC.1 annex B.4 (profiles in JPEG); EXIF 2.32 (APP1).

use std::io::Read;

use image::metadata::Orientation;

use super::{PictureError, PictureFormat};

const FORMAT: PictureFormat = PictureFormat::Jpeg;

/// What the head says.
pub(super) struct JpegHeader {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) components: u8,
    /// All pixels are in one scan: rows come out in memory that depends on the width alone.
    pub(super) one_scan: bool,
    /// Ink amounts are stored inverted, as Adobe's programs do.
    pub(super) adobe: bool,
    pub(super) orientation: Orientation,
    pub(super) icc: Option<Vec<u8>>,
}

struct Frame {
    width: u32,
    height: u32,
    components: u8,
    sequential: bool,
}

pub(super) fn scan(source: &mut impl Read) -> Result<JpegHeader, PictureError> {
    let mut start = [0; 2];
    read(source, &mut start)?;
    let mut frame: Option<Frame> = None;
    let mut adobe = false;
    let mut orientation = None;
    let mut icc = IccParts::default();
    loop {
        let marker = next_marker(source)?;
        // TEM and restart markers stand alone.
        if matches!(marker, 0x01 | 0xd0..=0xd8) {
            continue;
        }
        if marker == 0xd9 {
            return Err(PictureError::EndsEarly(FORMAT));
        }
        let data = segment(source)?;
        match marker {
            0xc4 | 0xc8 | 0xcc => {}
            0xc0..=0xcf => {
                if frame.is_some() {
                    return Err(PictureError::damaged(FORMAT, "two heads"));
                }
                frame = Some(read_frame(marker, &data)?);
            }
            0xe1 if orientation.is_none() => {
                orientation = data
                    .strip_prefix(b"Exif\0\0")
                    .and_then(Orientation::from_exif_chunk);
            }
            0xe2 => icc.take(&data),
            0xee if data.starts_with(b"Adobe") => adobe = true,
            0xda => {
                let frame =
                    frame.ok_or_else(|| PictureError::damaged(FORMAT, "pixels before the head"))?;
                let in_scan = data.first().copied().unwrap_or(0);
                return Ok(JpegHeader {
                    width: frame.width,
                    height: frame.height,
                    components: frame.components,
                    one_scan: frame.sequential && in_scan == frame.components,
                    adobe,
                    orientation: orientation.unwrap_or(Orientation::NoTransforms),
                    icc: icc.join(),
                });
            }
            _ => {}
        }
    }
}

fn read_frame(marker: u8, data: &[u8]) -> Result<Frame, PictureError> {
    let unsupported = |feature: &str| PictureError::Unsupported {
        format: FORMAT,
        feature: feature.to_owned(),
    };
    let &[precision, h1, h0, w1, w0, components, ..] = data else {
        return Err(PictureError::damaged(FORMAT, "a head that is too short"));
    };
    let sequential = match marker {
        0xc0 | 0xc1 => true,
        0xc2 => false,
        0xc9 | 0xca | 0xcb | 0xcd..=0xcf => return Err(unsupported("arithmetic coding")),
        _ => return Err(unsupported("lossless or hierarchical coding")),
    };
    if precision != 8 {
        return Err(unsupported("more than 8 bits a channel"));
    }
    if !matches!(components, 1 | 3 | 4) {
        return Err(unsupported("an unusual number of channels"));
    }
    Ok(Frame {
        width: u32::from(u16::from_be_bytes([w1, w0])),
        height: u32::from(u16::from_be_bytes([h1, h0])),
        components,
        sequential,
    })
}

/// The pieces of a profile: at most 255, numbered from 1.
#[derive(Default)]
struct IccParts(Vec<(u8, Vec<u8>)>);

impl IccParts {
    fn take(&mut self, data: &[u8]) {
        if let Some([number, _count, rest @ ..]) = data.strip_prefix(b"ICC_PROFILE\0")
            && self.0.len() < 255
        {
            self.0.push((*number, rest.to_vec()));
        }
    }

    fn join(mut self) -> Option<Vec<u8>> {
        self.0.sort_by_key(|(number, _)| *number);
        let whole: Vec<u8> = self.0.into_iter().flat_map(|(_, part)| part).collect();
        (!whole.is_empty()).then_some(whole)
    }
}

/// Skips to the next marker as libjpeg does: other bytes, then any number of `ff`.
fn next_marker(source: &mut impl Read) -> Result<u8, PictureError> {
    loop {
        while byte(source)? != 0xff {}
        let mut code = 0xff;
        while code == 0xff {
            code = byte(source)?;
        }
        if code != 0 {
            return Ok(code);
        }
    }
}

fn segment(source: &mut impl Read) -> Result<Vec<u8>, PictureError> {
    let mut length = [0; 2];
    read(source, &mut length)?;
    let length = usize::from(u16::from_be_bytes(length));
    let Some(length) = length.checked_sub(2) else {
        return Err(PictureError::damaged(
            FORMAT,
            "a block of impossible length",
        ));
    };
    let mut data = vec![0; length];
    read(source, &mut data)?;
    Ok(data)
}

fn byte(source: &mut impl Read) -> Result<u8, PictureError> {
    let mut one = [0];
    read(source, &mut one)?;
    Ok(one[0])
}

fn read(source: &mut impl Read, bytes: &mut [u8]) -> Result<(), PictureError> {
    source.read_exact(bytes).map_err(|e| {
        if e.kind() == std::io::ErrorKind::UnexpectedEof {
            PictureError::EndsEarly(FORMAT)
        } else {
            PictureError::Io(e)
        }
    })
}
