//! Immutable snapshots of a scene, for the DM and for the players.
//!
//! [`snapshot`] is what the editor and the renderer read, [`derive`] how it is made of a document,
//! [`player`] what a table may see, [`picture`] how pictures are named and asked for, [`tiled`] how
//! servers name those that players may see a part of.
//!
//! Must not know: sockets, GPU, egui. Derived by [`crate::session`], read by [`crate::render`] and
//! [`crate::app`].

pub mod derive;
mod fog_rooms;
pub mod grid_mode;
mod lay;
pub mod picture;
pub mod player;
pub mod snapshot;
pub mod tiled;

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::float_cmp, reason = "tests")]
mod tests;
