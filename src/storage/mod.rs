//! Bytes on disk: SQLite, blobs, atomic files.
//!
//! Must not know: Y types and the meaning of properties. Called by [`crate::library`] and
//! [`crate::session`].

pub mod agreed;
pub mod atomic;
pub mod backup;
pub mod blobs;
pub mod catalogue;
pub mod database;
pub mod documents;
pub mod error;
pub mod lock;
mod log;
pub mod removed;
pub mod salvage;
mod schema;
pub mod writer;
mod writer_thread;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
