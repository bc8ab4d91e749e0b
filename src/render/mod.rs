//! The renderer: snapshots in, pictures out.
//!
//! One file per primitive, draw phases, views, textures, headless read-back. Must not know: egui,
//! Y types, sockets, disk. Called by [`crate::app`] and [`crate::cli`].
