//! Walls and doors of a scene: kept in our own root map, the DM's alone.
//!
//! Points are map pixels, map-centred, y up, of the map picture's natural size.

use serde::{Deserialize, Serialize};

/// A wall: a line that blocks sight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wall {
    /// The polyline, `[x, y]` in map pixels; closed when the first point equals the last.
    pub points: Vec<[f64; 2]>,
    /// An object (pillar, tree) that is seen itself but hides what is behind it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub object: bool,
}

/// A door or window between two points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Door {
    /// One end, map pixels.
    pub a: [f64; 2],
    /// The other end, map pixels.
    pub b: [f64; 2],
    /// Closed (blocks) or an opening.
    pub closed: bool,
    /// Stands alone, not cut into a wall.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub freestanding: bool,
    /// Players see a wall here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
}
