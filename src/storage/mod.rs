//! Bytes on disk: SQLite, blobs, atomic files.
//!
//! Must not know: Y types and the meaning of properties. Called by [`crate::library`] and
//! [`crate::session`].
