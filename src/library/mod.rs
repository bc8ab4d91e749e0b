//! The library: parties, game sessions and scenes on this machine, and their pictures.
//!
//! [`open::Library`] is a folder: its list of parties and games, its documents ([`saved`]), assets,
//! tile pyramids, thumbnails, backups and archives, on top of [`crate::storage`]; [`ipc`] is how other
//! processes on this machine reach the one that writes it. Must not know: network
//! sockets, GPU, egui. Called by [`crate::session`] and [`crate::cli`].

pub mod agreed;
pub mod archive;
pub mod catalog;
mod catalog_rows;
pub mod contents;
pub mod error;
pub mod exchange;
pub mod ipc;
pub mod named;
pub mod open;
pub mod passing;
pub mod pictures;
mod recover;
pub mod removed;
pub mod sample;
pub mod saved;
mod tile_cache;
pub mod tiles;
mod whole;

pub use error::LibraryError;
pub use open::{Library, Mode};
pub use saved::{DocumentId, LoadedDocument};

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
