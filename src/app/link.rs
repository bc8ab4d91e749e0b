//! The app's end of the session: sends requests, reads the newest state, never waits.

use std::sync::Arc;

use crate::session::api::{Published, Request};
use crate::session::room::People;

/// What the app needs of a session.
pub trait SessionLink: Send + Sync {
    /// Hands a request over. `false` when the session is too busy to take it now; it is tried again
    /// with the next frame.
    fn send(&self, request: Request) -> bool;

    /// The newest state.
    fn published(&self) -> Arc<Published>;

    /// Who else is in the room of the open game.
    fn people(&self) -> Arc<People>;
}
