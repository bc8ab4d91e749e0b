//! Fresh identifiers.
//!
//! Row, scene and document ids are UUID v4 text, as the web clients make them. Replica ids of a
//! document are random 32-bit numbers, made anew at each opening (never stored, never reused).

/// A fresh UUID v4 as lower-case text with hyphens.
#[must_use]
pub fn fresh_uuid() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// A fresh replica id for an opened document: random, 32 bits, never zero.
#[must_use]
pub fn fresh_client_id() -> u32 {
    #[cfg(test)]
    if let Some(id) = seeded::next() {
        return id;
    }
    rand::random::<u32>().max(1)
}

/// Declares a cheap-to-clone text id of one kind of thing.
#[macro_export]
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// Wraps an existing id.
            #[must_use]
            pub fn new(id: &str) -> Self {
                Self(id.into())
            }

            /// A fresh id.
            #[must_use]
            pub fn fresh() -> Self {
                Self($crate::util::id::fresh_uuid().into())
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

/// Replica ids that a seed decides, so that a simulation can be run again.
#[cfg(test)]
pub(crate) mod seeded {
    use std::cell::RefCell;

    use rand::rngs::StdRng;
    use rand::{Rng as _, SeedableRng as _};

    thread_local! {
        static IDS: RefCell<Option<StdRng>> = const { RefCell::new(None) };
    }

    /// From now on, in this thread; `None`: at random again.
    pub(crate) fn set(seed: Option<u64>) {
        IDS.with_borrow_mut(|ids| *ids = seed.map(StdRng::seed_from_u64));
    }

    pub(super) fn next() -> Option<u32> {
        IDS.with_borrow_mut(|ids| Some(ids.as_mut()?.random::<u32>().max(1)))
    }
}
