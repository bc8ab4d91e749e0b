//! Grid sizes in the file names of pictures: `cave_30x22.png`, `g-30x20`, `30_20`, `[10x15]`.
//!
//! Table Slayer reads the first three, Owlbear Rodeo 1 the last. A pair of numbers is a grid only
//! when the picture has its shape and a cell has a plausible size, so that `1920x1080`, a date or
//! a version never becomes one.

/// How far the two sides of a cell may differ, as a share.
const MAX_SKEW: f64 = 0.02;
/// Pixels of a cell that are plausible: from a small web picture to a print scan.
const CELL_PX: std::ops::RangeInclusive<f64> = 16.0..=1024.0;

/// A grid found in a file name that fits the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GridHint {
    /// Cells across the picture.
    pub columns: u32,
    /// Cells down the picture.
    pub rows: u32,
    /// Side of a cell in picture pixels: the mean of both axes.
    pub cell_px: f64,
    /// The name has the numbers the other way round than the picture.
    pub turned: bool,
}

/// A pair of numbers in a name and where it stands (byte range, decoration included).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Candidate {
    first: u32,
    second: u32,
    /// 2: in brackets; 1: with a prefix `g` or `grid`; 0: bare.
    weight: u8,
    range: std::ops::Range<usize>,
}

/// The hint in `name` that fits a picture of this size; bracketed before prefixed before bare,
/// and of equal ones the last.
#[must_use]
pub fn grid_hint(name: &str, width: u32, height: u32) -> Option<GridHint> {
    candidates(name)
        .iter()
        .filter_map(|c| fit(c, width, height).map(|hint| (c.weight, hint)))
        .max_by_key(|(weight, _)| *weight)
        .map(|(_, hint)| hint)
}

/// The name without its hints, whether they fit or not, as a scene's name. Bare pairs stay unless
/// they are `AxB`.
#[must_use]
pub fn without_hints(name: &str) -> String {
    let mut rest = name.to_owned();
    for candidate in candidates(name).iter().rev() {
        let text = name.get(candidate.range.clone()).unwrap_or_default();
        if candidate.weight > 0 || text.contains(['x', 'X', '×']) {
            rest.replace_range(candidate.range.clone(), " ");
        }
    }
    rest
}

fn fit(candidate: &Candidate, width: u32, height: u32) -> Option<GridHint> {
    let fit_one = |columns: u32, rows: u32, turned: bool| {
        if columns == 0 || rows == 0 {
            return None;
        }
        let cell_x = f64::from(width) / f64::from(columns);
        let cell_y = f64::from(height) / f64::from(rows);
        let skew = (cell_x / cell_y - 1.0).abs();
        let cell_px = f64::midpoint(cell_x, cell_y);
        (skew <= MAX_SKEW && CELL_PX.contains(&cell_px)).then_some(GridHint {
            columns,
            rows,
            cell_px,
            turned,
        })
    };
    let Candidate { first, second, .. } = *candidate;
    fit_one(first, second, false).or_else(|| fit_one(second, first, true))
}

/// All pairs in the name, in their order.
fn candidates(name: &str) -> Vec<Candidate> {
    let bytes = name.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = (at..bytes.len()).find(|i| is_digit(bytes, *i)) {
        let end = digits_end(bytes, start);
        at = end;
        let separator = name.get(end..).and_then(|rest| rest.chars().next());
        let Some(separator) = separator.filter(|c| matches!(c, 'x' | 'X' | '×' | '-' | '_'))
        else {
            continue;
        };
        let second = end + separator.len_utf8();
        let second_end = digits_end(bytes, second);
        if second_end == second {
            continue;
        }
        // A chain such as 2026-11-20 is a date or a version; an `x` binds closer than a dash.
        let crossed = matches!(separator, 'x' | 'X' | '×');
        let chained_before =
            start >= 2 && is_separator(bytes, start - 1, crossed) && is_digit(bytes, start - 2);
        let chained_after =
            is_separator(bytes, second_end, crossed) && is_digit(bytes, second_end + 1);
        if chained_before || chained_after {
            continue;
        }
        at = second_end;
        let number = |range: std::ops::Range<usize>| {
            name.get(range)
                .filter(|digits| digits.len() <= 4)
                .and_then(|digits| digits.parse().ok())
        };
        if let (Some(first), Some(second)) = (number(start..end), number(second..second_end)) {
            let (weight, range) = decoration(name, start..second_end);
            found.push(Candidate {
                first,
                second,
                weight,
                range,
            });
        }
    }
    found
}

/// Brackets or a prefix around a pair.
fn decoration(name: &str, pair: std::ops::Range<usize>) -> (u8, std::ops::Range<usize>) {
    let before = name.get(..pair.start).unwrap_or_default();
    let after = name.get(pair.end..).unwrap_or_default();
    if before.ends_with('[') && after.starts_with(']') {
        return (2, pair.start - 1..pair.end + 1);
    }
    let word = before.trim_end_matches(['-', '_', ' ']);
    let lower = word.to_ascii_lowercase();
    for prefix in ["grid", "g"] {
        if let Some(rest) = lower.strip_suffix(prefix)
            && !rest.ends_with(|c: char| c.is_alphanumeric())
        {
            return (1, rest.len()..pair.end);
        }
    }
    (0, pair)
}

fn digits_end(bytes: &[u8], start: usize) -> usize {
    (start..bytes.len())
        .find(|i| !is_digit(bytes, *i))
        .unwrap_or(bytes.len())
}

fn is_digit(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_some_and(u8::is_ascii_digit)
}

/// Whether a pair goes on at this place; one with an `x` only by another or by a point.
fn is_separator(bytes: &[u8], at: usize, crossed: bool) -> bool {
    bytes.get(at).is_some_and(|b| match b {
        b'x' | b'X' | b'.' => true,
        b'-' | b'_' => !crossed,
        _ => false,
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(name: &str, width: u32, height: u32) -> Option<(u32, u32, bool)> {
        grid_hint(name, width, height).map(|h| (h.columns, h.rows, h.turned))
    }

    #[test]
    fn the_known_spellings_are_read() {
        for name in [
            "cave 30x22.png",
            "cave_30X22",
            "cave-g-30x22",
            "grid30x22 cave",
            "Cave [30x22] night",
            "30_22",
            "cave 30-22",
            "30×22",
            "cave_v2_30x22",
        ] {
            assert_eq!(found(name, 4200, 3080), Some((30, 22, false)), "{name}");
        }
        assert_eq!(grid_hint("30x22", 4200, 3080).unwrap().cell_px, 140.0);
    }

    #[test]
    fn a_pair_the_other_way_round_is_turned() {
        assert_eq!(found("tower 30x22", 3080, 4200), Some((22, 30, true)));
    }

    #[test]
    fn what_does_not_fit_the_picture_is_no_grid() {
        for name in [
            "map 1920x1080",
            "map 30x20",
            "2026-11-20",
            "map 30x22x4",
            "v1.30_22.5",
            "3022",
            "x22",
            "30x",
            "0x0",
            "99999999999x22",
        ] {
            assert_eq!(found(name, 1920, 1080), None, "{name}");
        }
    }

    #[test]
    fn two_per_cent_is_the_line() {
        assert!(found("10x10", 1000, 1019).is_some());
        assert!(found("10x10", 1000, 1030).is_none());
    }

    #[test]
    fn a_bracket_outweighs_a_bare_pair() {
        assert_eq!(found("[10x10] 20x20", 1000, 1000), Some((10, 10, false)));
    }

    #[test]
    fn hints_leave_the_scene_name() {
        assert_eq!(without_hints("Cave [30x22] night").trim(), "Cave   night");
        assert_eq!(without_hints("cave g-30x22").trim(), "cave");
        assert_eq!(without_hints("Level 1-2"), "Level 1-2");
    }

    proptest! {
        #[test]
        fn any_name_survives(name in ".{0,40}", w in 1u32..40_000, h in 1u32..40_000) {
            if let Some(hint) = grid_hint(&name, w, h) {
                prop_assert!(CELL_PX.contains(&hint.cell_px));
            }
            prop_assert!(without_hints(&name).len() <= name.len() + 40);
        }
    }
}
