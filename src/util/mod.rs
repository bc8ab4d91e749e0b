//! Small things every room needs: ids, revisions, the clock.
//!
//! Must not know the domain.
