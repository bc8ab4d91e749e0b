//! Immutable snapshots of a scene, for the DM and for the players.
//!
//! [`snapshot`] is what the editor and the renderer read, [`player`] what a table may see,
//! [`picture`] how pictures are named and asked for.
//!
//! Must not know: sockets, GPU, egui. Derived by [`crate::session`], read by [`crate::render`] and
//! [`crate::app`].

pub mod picture;
pub mod player;
pub mod snapshot;
