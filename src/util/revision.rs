//! Revisions: numbers that only grow, so that a reader can tell whether what it holds is stale.

use std::sync::atomic::{AtomicU64, Ordering};

/// A point in this process's history of one published thing. Two parts with equal revisions hold
/// equal values; a later value has a greater revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Revision(u64);

impl Revision {
    /// A revision greater than every one handed out before in this process.
    #[must_use]
    pub fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// A value with the revision at which it last changed.
#[derive(Debug, Clone, Default)]
pub struct Part<T> {
    /// Grows with every change of `value`.
    pub revision: Revision,
    /// What is held.
    pub value: T,
}

impl<T> Part<T> {
    /// A part that has just changed to `value`.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self {
            revision: Revision::next(),
            value,
        }
    }
}

impl<T> std::ops::Deref for Part<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
