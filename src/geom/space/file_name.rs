//! Cell counts in the file names of maps.

/// Cell counts that a map's file name tells, such as `crypt_30x22.png` or `inn [10x15].webp`,
/// in the order of the picture's width and height.
///
/// A pair of numbers counts only when it agrees with the picture's shape: cells at least 16
/// pixels a side and square within 5%. When only the swapped pair agrees, that is taken.
#[must_use]
pub fn cell_counts_in_file_name(name: &str, size_px: [u32; 2]) -> Option<[u32; 2]> {
    let agrees = |counts: [u32; 2]| {
        let [w, h] = size_px.map(f64::from);
        let (cell_w, cell_h) = (w / f64::from(counts[0]), h / f64::from(counts[1]));
        cell_w.min(cell_h) >= 16.0 && (cell_w / cell_h - 1.0).abs() <= 0.05
    };
    // The last pair that agrees: names end in their size more often than they begin with it.
    number_pairs(name)
        .flat_map(|[a, b]| [[b, a], [a, b]])
        .filter(|&counts| counts[0] > 0 && counts[1] > 0 && agrees(counts))
        .last()
}

/// One to four leading digits, and what follows them.
fn leading_number(text: &str) -> Option<(&str, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    (1..=4).contains(&end).then(|| text.split_at(end))
}

/// `12x34`, `12X34`, `12×34`, `12-34` or `12_34` anywhere in the text.
fn number_pairs(text: &str) -> impl Iterator<Item = [u32; 2]> + '_ {
    let starts = text.char_indices().filter(|&(at, c)| {
        c.is_ascii_digit() && !text[..at].ends_with(|before: char| before.is_ascii_digit())
    });
    starts.filter_map(|(at, _)| {
        let (first, rest) = leading_number(&text[at..])?;
        let mut rest = rest.chars();
        matches!(rest.next()?, 'x' | 'X' | '×' | '-' | '_').then_some(())?;
        let (second, _) = leading_number(rest.as_str())?;
        Some([first.parse().ok()?, second.parse().ok()?])
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn file_names_tell_cells_only_when_the_picture_agrees() {
        let cases = [
            ("crypt_30x22.png", [4200, 3080], Some([30, 22])),
            ("inn [10x15].webp", [1000, 1500], Some([10, 15])),
            ("swapped 22x30.jpg", [3000, 2200], Some([30, 22])),
            ("g24×17 night.png", [2400, 1700], Some([24, 17])),
            ("cellar-8-12.png", [800, 1200], Some([8, 12])),
            ("desktop 1920x1080.png", [1920, 1080], None),
            ("cave_30x22.png", [4000, 4000], None),
            ("session-2026-07.png", [4200, 3080], None),
            ("30x22 (4200x3080).png", [4200, 3080], Some([30, 22])),
            ("0x0.png", [100, 100], None),
            ("99999999999x3.png", [100, 100], None),
            ("x12.png", [100, 100], None),
            ("ü5x5ß.png", [500, 500], Some([5, 5])),
        ];
        for (name, size, expected) in cases {
            assert_eq!(cell_counts_in_file_name(name, size), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn names_of_any_kind_do_no_harm(name in ".*", w in 0u32..9000, h in 0u32..9000) {
            let _ = cell_counts_in_file_name(&name, [w, h]);
        }
    }
}
