//! The app's icon from its SVG drawings: PNGs, one `.ico` for Windows, one `.icns` for macOS.
//!
//! Both containers hold PNGs as they are (Windows since Vista, macOS since 10.7), so packing them
//! is a header and a table. Must not know anything of the app. Called by `tasks`.

use std::path::Path;
use std::process::Command;

/// Sides in pixels that are kept as PNG files.
const SIZES: [u32; 9] = [16, 24, 32, 48, 64, 128, 256, 512, 1024];

/// Up to this side the drawing with fewer, thicker lines is used.
const SMALL: u32 = 32;

/// What goes into the `.ico`; its table has one byte a side, so 256 is the largest.
const ICO: [u32; 7] = [16, 24, 32, 48, 64, 128, 256];

/// Type codes of the `.icns`, with the side in pixels; the second rows are for Retina displays.
const ICNS: [(&[u8; 4], u32); 10] = [
    (b"icp4", 16),
    (b"icp5", 32),
    (b"ic07", 128),
    (b"ic08", 256),
    (b"ic09", 512),
    (b"ic11", 32),
    (b"ic12", 64),
    (b"ic13", 256),
    (b"ic14", 512),
    (b"ic10", 1024),
];

/// Draws `tableglow.svg` and `tableglow-small.svg` of `folder` at every size and packs them.
/// Needs `rsvg-convert`.
pub(crate) fn remake(folder: &Path) -> Result<(), String> {
    let mut pictures = Vec::new();
    for size in SIZES {
        let drawing = if size <= SMALL {
            "tableglow-small.svg"
        } else {
            "tableglow.svg"
        };
        let file = folder.join(format!("tableglow-{size}.png"));
        let side = size.to_string();
        let done = Command::new("rsvg-convert")
            .args(["--width", &side, "--height", &side, "--output"])
            .arg(&file)
            .arg(folder.join(drawing))
            .status();
        match done {
            Ok(status) if status.success() => {}
            Ok(status) => return Err(format!("rsvg-convert failed on {drawing} ({status}).")),
            Err(error) => {
                return Err(format!(
                    "rsvg-convert could not be started ({error}): install librsvg2-bin."
                ));
            }
        }
        let bytes = std::fs::read(&file)
            .map_err(|error| format!("{} cannot be read: {error}.", file.display()))?;
        pictures.push((size, bytes));
    }
    write(&folder.join("tableglow.ico"), &ico(&pick(&pictures, ICO)))?;
    write(&folder.join("tableglow.icns"), &icns(&pictures))?;
    println!(
        "{} pictures, tableglow.ico and tableglow.icns in {}",
        pictures.len(),
        folder.display()
    );
    Ok(())
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), String> {
    std::fs::write(file, bytes)
        .map_err(|error| format!("{} cannot be written: {error}.", file.display()))
}

type Picture = (u32, Vec<u8>);

fn pick<const N: usize>(pictures: &[Picture], sizes: [u32; N]) -> Vec<&Picture> {
    sizes
        .iter()
        .filter_map(|size| pictures.iter().find(|(side, _)| side == size))
        .collect()
}

/// An `.ico`: ICONDIR, one ICONDIRENTRY a picture, then the pictures; little-endian.
fn ico(pictures: &[&Picture]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend([0, 0, 1, 0]); // reserved, type 1 = icon
    out.extend((pictures.len() as u16).to_le_bytes());
    let mut offset = 6 + 16 * pictures.len() as u32;
    for (side, bytes) in pictures {
        let side_or_0_for_256 = (side % 256) as u8;
        out.extend([side_or_0_for_256, side_or_0_for_256, 0, 0]); // no palette, reserved
        out.extend([1, 0, 32, 0]); // planes, bits a pixel
        out.extend((bytes.len() as u32).to_le_bytes());
        out.extend(offset.to_le_bytes());
        offset += bytes.len() as u32;
    }
    for (_, bytes) in pictures {
        out.extend(bytes);
    }
    out
}

/// An `.icns`: magic and total length, then for each type its code, length with this header, and
/// the PNG; big-endian.
fn icns(pictures: &[Picture]) -> Vec<u8> {
    let mut body = Vec::new();
    for (code, wanted) in ICNS {
        if let Some((_, bytes)) = pictures.iter().find(|(side, _)| *side == wanted) {
            body.extend(code);
            body.extend((bytes.len() as u32 + 8).to_be_bytes());
            body.extend(bytes);
        }
    }
    let mut out = b"icns".to_vec();
    out.extend((body.len() as u32 + 8).to_be_bytes());
    out.extend(body);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pictures() -> Vec<Picture> {
        SIZES
            .iter()
            .map(|&side| (side, side.to_be_bytes().repeat(2)))
            .collect()
    }

    #[test]
    fn an_ico_entry_points_at_its_picture() {
        let pictures = pictures();
        let bytes = ico(&pick(&pictures, ICO));
        assert_eq!(&bytes[..6], [0, 0, 1, 0, 7, 0]);
        let last = &bytes[6 + 16 * 6..6 + 16 * 7];
        assert_eq!(&last[..2], [0, 0], "256 is written as 0");
        let offset = u32::from_le_bytes([last[12], last[13], last[14], last[15]]) as usize;
        assert_eq!(&bytes[offset..], 256u32.to_be_bytes().repeat(2));
    }

    #[test]
    fn an_icns_adds_up() {
        let bytes = icns(&pictures());
        assert_eq!(&bytes[..4], b"icns");
        let mut at = 8;
        let mut codes = 0;
        while at < bytes.len() {
            let length =
                u32::from_be_bytes([bytes[at + 4], bytes[at + 5], bytes[at + 6], bytes[at + 7]]);
            at += length as usize;
            codes += 1;
        }
        assert_eq!((at, codes), (bytes.len(), ICNS.len()));
    }
}
