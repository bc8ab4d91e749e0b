//! The shared documents: the only room that names Y types.
//!
//! Owns the schema, typed reads with defaults, field-level writes, observers, origins, undo and the
//! reader of the legacy layout. Must not know: sockets, throttling, the GPU. Called by
//! [`crate::scene`] through plain types, and by [`crate::session`].
