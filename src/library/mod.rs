//! The library: parties, game sessions and scenes on this machine, and their pictures.
//!
//! Owns assets, tile pyramids, thumbnails, backups and archives on top of [`crate::storage`]. Must
//! not know: sockets, GPU, egui. Called by [`crate::session`] and [`crate::cli`].

pub mod catalog;
