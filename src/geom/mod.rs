//! Geometry: coordinate spaces, grids, snapping, distance rules, masks, tile layout.
//!
//! Must not know: colours, Y types. Pure functions and plain values; everybody may call it.

pub mod distance;
pub mod grid;
pub mod mask;
pub mod pyramid;
pub mod raster;
pub mod rect;
pub mod space;

pub use distance::{CellUnit, DistanceRule};
pub use glam::{DAffine2, DVec2};
pub use grid::{Cell, Grid, GridMode, GridParams, GridShape, SnapTarget};
pub use mask::{MASK_MAX_SIDE, Mask, MaskError};
pub use pyramid::{PyramidLayout, TileAddress};
pub use rect::{DRect, IRect};
pub use space::{Camera, CoordUpgrade, MapPlacement};
