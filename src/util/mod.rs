//! Small things every room needs: ids, revisions, the clock.
//!
//! Must not know the domain.

pub mod clock;
pub mod id;
pub mod revision;
