//! Foreign bytes to an import plan, and the way back.
//!
//! Pictures and Universal VTT. Pure and size-limited: no disk, no documents, no UI: whoever calls
//! gives readers to read from and a spool to unpack into. Called by [`crate::library`],
//! [`crate::session`] and [`crate::cli`].
//!
//! [`sniff()`] says what a file is, [`open_map`] turns a picture or a map file into an
//! [`ImportPlan`] and the picture's bytes, [`picture`] reads those row by row, [`pyramid`] cuts
//! the rows into tiles.

pub mod hints;
pub mod open;
pub mod picture;
pub mod plan;
pub mod pyramid;
pub mod pyramid_patch;
pub mod report;
pub mod sniff;
pub mod uvtt;

pub use open::{ImportError, OpenedMap, PictureBytes, SpoolBytes, open_map};
pub use plan::ImportPlan;
pub use report::{Report, ReportKind, ReportLine};
pub use sniff::{InputKind, sniff};

/// A number for JSON: without a point where it is whole, as every writer of these formats and
/// Table Slayer has them. What is not finite becomes `null`.
#[must_use]
pub fn json_number(value: f64) -> serde_json::Value {
    // Above this not every whole number is a float.
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= WHOLE {
        serde_json::Value::from(value as i64)
    } else {
        serde_json::Value::from(value)
    }
}
