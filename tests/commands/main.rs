//! `tableglow run` and `tableglow play`, with the real binary.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod place;
#[cfg(feature = "render")]
mod play;
mod run;
