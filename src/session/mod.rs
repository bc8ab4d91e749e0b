//! The session actor: the one owner of documents.
//!
//! Takes requests, opens the only write transactions, publishes snapshots and status. Must not
//! know: egui, wgpu. Called by [`crate::app`] and [`crate::cli`].
