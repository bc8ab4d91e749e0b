//! A map file as it is written: geometry in grid cells, y down, x right, from the origin of the
//! whole map (a crop's picture begins at `map_origin`).

use serde::{Deserialize, Serialize};

/// A point in cells.
pub type CellPoint = [f64; 2];

/// The value of `format`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum UvttFormat {
    /// The usual form, and what a string that is a number becomes.
    Number(f64),
    /// Anything else that a writer put there.
    Text(String),
}

/// Everything in a map file but the picture's bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UvttDocument {
    /// Version of the format; 0.2, 0.3 and 1.0 are known.
    pub format: Option<UvttFormat>,
    /// The program that wrote it.
    pub software: Option<String>,
    /// Size of map and picture.
    pub resolution: UvttResolution,
    /// Walls: polylines of at least two different points, closed only where the last point
    /// equals the first.
    pub line_of_sight: Vec<Vec<CellPoint>>,
    /// Things that block sight, such as pillars and trees.
    pub objects_line_of_sight: Vec<Vec<CellPoint>>,
    /// Doors and windows.
    pub portals: Vec<UvttPortal>,
    /// Lights.
    pub lights: Vec<UvttLight>,
    /// Light of the whole map.
    pub environment: Environment,
}

/// `resolution`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct UvttResolution {
    /// The map's cell at the picture's top left.
    pub map_origin: CellPoint,
    /// The picture's size in cells, both above 0.
    pub map_size: Option<CellPoint>,
    /// Picture pixels per cell, above 0.
    pub pixels_per_grid: Option<f64>,
}

/// One of `portals`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UvttPortal {
    /// The centre.
    pub position: CellPoint,
    /// The two ends, which differ: the segment to use.
    pub bounds: [CellPoint; 2],
    /// Radians; says nothing that the ends do not.
    pub rotation: f64,
    /// Closed door (blocks sight) or opening.
    pub closed: bool,
    /// Not cut into a wall; otherwise the wall has a gap where this is.
    pub freestanding: bool,
}

/// One of `lights`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UvttLight {
    /// The centre.
    pub position: CellPoint,
    /// Outer radius in cells, above 0.
    pub range: f64,
    /// Strength, 0 to 10; there is no agreed meaning.
    pub intensity: f64,
    /// Red, green, blue.
    pub color: [u8; 3],
    /// The first two digits of the colour.
    pub alpha: u8,
    /// Whether walls block it.
    pub shadows: bool,
}

/// `environment`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Light is painted in the picture already.
    pub baked_lighting: bool,
    /// Base light: alpha, red, green, blue; `ffffffff` is day.
    pub ambient_light: Option<[u8; 4]>,
}

/// A picture to write into a map file.
pub type UvttPicture<'a> = &'a mut dyn std::io::Read;

/// Reads `AARRGGBB` or `RRGGBB`, a leading `#` allowed, as alpha, red, green, blue.
pub(super) fn parse_color(text: &str) -> Option<[u8; 4]> {
    let digits = text.trim();
    let digits = digits.strip_prefix('#').unwrap_or(digits);
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let value = u32::from_str_radix(digits, 16).ok()?;
    match digits.len() {
        8 => Some(value.to_be_bytes()),
        6 => Some((value | 0xff00_0000).to_be_bytes()),
        _ => None,
    }
}

/// Writes `AARRGGBB`, lower case.
pub(super) fn format_color(argb: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(argb))
}
