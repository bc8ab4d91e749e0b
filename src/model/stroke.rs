//! Strokes: the immutable records that fog and drawings are made of.
//!
//! A picture is base ⊕ ordered strokes, so peers that hold the same records hold the same pixels.
//! Points are whole numbers in 1/16 of a unit of the target's space, map-centred, y up: map pixels
//! for fog and for drawings of scenes whose grid is the map's own, display pixels for other
//! drawings. Resolution-independent: the mask's own size only decides how fine the picture is.

use super::id::RowId;

/// Units of a stroke's points in one pixel of its space.
pub const STROKE_UNITS_PER_PX: f64 = 16.0;

/// Which mask a stroke draws on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MaskTarget {
    /// The scene's fog of war. Set = fogged.
    Fog,
    /// A drawing layer. Set = ink.
    Annotation(RowId),
}

/// The form of a stroke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StrokeShape {
    /// A round brush along the points.
    Brush {
        /// Radius in stroke units.
        radius: i32,
    },
    /// The box of the first and last point.
    Rectangle,
    /// The ellipse in the box of the first and last point.
    Ellipse,
    /// The polygon of the points, even-odd.
    Polygon,
    /// The whole mask: clear or reset.
    Everything,
    /// A whole mask that a foreign client wrote: replaces what was there. Holds the mask's bytes
    /// (header and run lengths).
    Replace(std::sync::Arc<[u8]>),
}

/// What a stroke does to the pixels it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StrokeMode {
    /// Clears: reveals, or rubs ink out.
    Erase,
    /// Sets: fogs, or inks.
    Add,
}

/// A stroke before it is in a document: what a tool hands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStroke {
    /// Form and size.
    pub shape: StrokeShape,
    /// Erase or add.
    pub mode: StrokeMode,
    /// `[x, y]` in stroke units; see the module for the space.
    pub points: Vec<[i32; 2]>,
}

/// The place of a stroke in the order of all strokes of its mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StrokeStamp {
    /// Lamport clock.
    pub clock: u64,
    /// Replica that drew it.
    pub client: u64,
    /// Running number at that replica.
    pub n: u32,
}
