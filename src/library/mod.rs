//! The library: parties, game sessions and scenes on this machine, and their pictures.
//!
//! [`open::Library`] is a folder: its list of parties and games, its documents ([`saved`]), assets,
//! tile pyramids, thumbnails, backups and archives, on top of [`crate::storage`]. Must not know:
//! sockets, GPU, egui. Called by [`crate::session`] and [`crate::cli`].

pub mod catalog;
mod catalog_rows;
pub mod error;
pub mod open;
pub mod pictures;
pub mod saved;
mod tile_cache;
pub mod tiles;
mod whole;

pub use error::LibraryError;
pub use open::{Library, Mode};
pub use saved::{DocumentId, LoadedDocument};
