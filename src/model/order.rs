//! The order of rows: numbers between numbers, so that a move writes one row.

/// An order value between two neighbours; `None` means that there is none on that side.
///
/// between(none, none) = 1, before n = n - 1, after p = p + 1, else the middle (tableslayer.md 2.7).
#[must_use]
pub fn between(before: Option<f64>, after: Option<f64>) -> f64 {
    match (before, after) {
        (None, None) => 1.0,
        (None, Some(next)) => next - 1.0,
        (Some(previous), None) => previous + 1.0,
        (Some(previous), Some(next)) => f64::midpoint(previous, next),
    }
}
