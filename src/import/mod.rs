//! Foreign bytes to an import plan, and the way back.
//!
//! Pictures and Universal VTT. Pure and size-limited: no disk, no documents, no UI: whoever calls
//! gives readers to read from and a spool to unpack into. Called by [`crate::library`],
//! [`crate::session`] and [`crate::cli`].

pub mod picture;
