//! How a guest finds a game: an address and a code that somebody typed ([`ask`]), or a list of the
//! games on this network ([`network`]).
//!
//! Must not know documents, egui and wgpu. Called by [`crate::session`], the app and the command
//! line.

mod ask;
pub mod network;

pub use ask::{Answer, AskError, DEFAULT_PORT, ask, server_of};
