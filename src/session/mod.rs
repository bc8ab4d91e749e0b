//! The session: the one owner of documents.
//!
//! [`workspace::Workspace`] holds the open documents and opens the only write transactions;
//! [`actor::Session`] runs one on a thread of its own, takes requests ([`api::Request`]) and
//! publishes snapshots and status ([`api::Published`]). Must not know: egui, wgpu. Called by
//! [`crate::app`] and [`crate::cli`].

pub mod actor;
pub mod apart;
pub mod api;
pub mod courier;
pub mod diagnostics;
pub mod discovery;
pub mod export;
pub mod guest;
pub mod hosting;
pub mod jobs;
pub mod lease;
pub mod new_scene;
pub mod picture_address;
pub mod plan_edits;
pub mod room;
pub mod script;
pub mod workspace;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod testing;

pub use actor::{Remote, Session};
pub use workspace::Workspace;
