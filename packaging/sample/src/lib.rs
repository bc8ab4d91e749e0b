//! Tableglow's sample campaign, drawn by code alone.
//!
//! The maps are painted as colour and height (`canvas`), from surfaces (`material`) and outlines
//! (`shape`), all irregularity coming from seeded noise (`noise`); light and shadow are computed
//! last (`light`). The crate knows nothing of the app's windows; the app knows only the archive.

pub mod campaign;
pub mod canvas;
pub mod field;
pub mod light;
pub mod material;
pub mod noise;
pub mod palette;
pub mod picture;
pub mod scenes;
pub mod shape;
pub mod tokens;
