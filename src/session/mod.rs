//! The session actor: the one owner of documents.
//!
//! Takes requests ([`api::Request`]), opens the only write transactions, publishes snapshots and
//! status ([`api::Published`]). Must not know: egui, wgpu. Called by [`crate::app`] and
//! [`crate::cli`].

pub mod api;
pub mod new_scene;
