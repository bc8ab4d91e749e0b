//! Small things every room needs: ids, revisions, the clock, the log, the HTTP client, sentences.
//!
//! Must not know the domain.

pub mod clock;
pub mod date;
pub mod id;
pub mod log;
pub mod revision;
pub mod text;
pub mod web;
