//! Immutable snapshots of a scene, for the DM and for the players.
//!
//! Must not know: sockets, GPU, egui. Derived by [`crate::session`], read by [`crate::render`] and
//! [`crate::app`].
