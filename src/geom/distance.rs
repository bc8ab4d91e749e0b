//! Distance rules: how many cells a way is, and how that is said.
//!
//! A leg is `dx` and `dy` in cells (fractions are fine: tokens also stand on corners); with
//! `lo` the smaller and `hi` the larger of both, `lo` of its steps are diagonal. Rules that
//! charge every second diagonal more count over all legs of a way, so that a waypoint never
//! makes it shorter.

/// How diagonal steps count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DistanceRule {
    /// `hi`: every diagonal is one cell. The default of D&D 5e.
    Chebyshev,
    /// `hi + ⌊lo/2⌋`: diagonals cost 1, 2, 1, 2 … The 5-10-5 variant of the Dungeon Master's
    /// Guide (page 252), of 3.5 and of both Pathfinders; Table Slayer's.
    #[default]
    Alternating,
    /// `hi + ⌈lo/2⌉`: diagonals cost 2, 1, 2, 1 …
    AlternatingLongFirst,
    /// `hi + lo/2`: every diagonal is one cell and a half. Not rounded.
    Approximate,
    /// The straight line.
    Euclidean,
    /// `(hi - lo) + √2·lo`: along the grid, each diagonal its true length.
    Exact,
    /// `hi + lo`: a diagonal is two steps.
    Manhattan,
    /// As [`DistanceRule::Manhattan`]; a diagonal step is not a legal move.
    NoDiagonals,
}

impl DistanceRule {
    /// Every rule, in the order to offer them.
    pub const ALL: [Self; 8] = [
        Self::Chebyshev,
        Self::Alternating,
        Self::AlternatingLongFirst,
        Self::Approximate,
        Self::Euclidean,
        Self::Exact,
        Self::Manhattan,
        Self::NoDiagonals,
    ];

    /// Whether a token may step diagonally.
    #[must_use]
    pub const fn allows_diagonals(self) -> bool {
        !matches!(self, Self::NoDiagonals)
    }

    /// Length of a single leg in cells.
    #[must_use]
    pub fn leg(self, dx: f64, dy: f64) -> f64 {
        let mut measure = Measure::new(self);
        measure.add_leg(dx, dy);
        measure.cells()
    }
}

/// Pairs of diagonals are counted with this tolerance, so that two cells that come out of pixels
/// as 1.9999999 are two.
const PAIR_TOLERANCE: f64 = 1e-6;

/// Adds up the legs of one way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measure {
    rule: DistanceRule,
    /// Sum of `hi`, or of whole leg lengths for rules that look at nothing else.
    longer: f64,
    /// Sum of `lo`.
    diagonals: f64,
    /// Sum of straight lengths.
    straight: f64,
}

impl Measure {
    /// A way without legs.
    #[must_use]
    pub const fn new(rule: DistanceRule) -> Self {
        Self {
            rule,
            longer: 0.0,
            diagonals: 0.0,
            straight: 0.0,
        }
    }

    /// Adds a leg in cells. One that is not a number adds nothing.
    pub fn add_leg(&mut self, dx: f64, dy: f64) {
        let (dx, dy) = (dx.abs(), dy.abs());
        if dx.is_finite() && dy.is_finite() {
            self.longer += dx.max(dy);
            self.diagonals += dx.min(dy);
            self.straight += (dx * dx + dy * dy).sqrt();
        }
    }

    /// Length of the way so far, in cells.
    #[must_use]
    pub fn cells(&self) -> f64 {
        let pairs = self.diagonals * 0.5;
        match self.rule {
            DistanceRule::Chebyshev => self.longer,
            DistanceRule::Alternating => self.longer + (pairs + PAIR_TOLERANCE).floor(),
            DistanceRule::AlternatingLongFirst => self.longer + (pairs - PAIR_TOLERANCE).ceil(),
            DistanceRule::Approximate => self.longer + pairs,
            DistanceRule::Euclidean => self.straight,
            DistanceRule::Exact => {
                self.longer - self.diagonals + std::f64::consts::SQRT_2 * self.diagonals
            }
            DistanceRule::Manhattan | DistanceRule::NoDiagonals => self.longer + self.diagonals,
        }
    }
}

/// Length of a way in cells, from its legs.
#[must_use]
pub fn path_cells(rule: DistanceRule, legs: impl IntoIterator<Item = [f64; 2]>) -> f64 {
    let mut measure = Measure::new(rule);
    for [dx, dy] in legs {
        measure.add_leg(dx, dy);
    }
    measure.cells()
}

/// What a cell stands for in the world of the game.
#[derive(Clone, Debug, PartialEq)]
pub struct CellUnit {
    /// Units per cell.
    pub per_cell: f64,
    /// The unit's name as it is shown.
    pub name: String,
}

impl Default for CellUnit {
    /// Five feet.
    fn default() -> Self {
        Self {
            per_cell: 5.0,
            name: "ft".to_owned(),
        }
    }
}

impl CellUnit {
    /// A length as it is shown: "15 ft", "21.2 ft".
    #[must_use]
    pub fn label(&self, cells: f64) -> String {
        format!("{} {}", short_number(cells * self.per_cell), self.name)
    }
}

/// A number of hexes as it is shown: "1 hex", "3 hexes".
#[must_use]
pub fn hex_label(steps: f64) -> String {
    let number = short_number(steps);
    let noun = if number == "1" { "hex" } else { "hexes" };
    format!("{number} {noun}")
}

/// As a whole number where it is one to a tenth, else with one decimal.
fn short_number(value: f64) -> String {
    let tenths = (value * 10.0).round() / 10.0;
    if tenths == tenths.trunc() {
        format!("{tenths:.0}")
    } else {
        format!("{tenths:.1}")
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "whole and half cells are exact")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use DistanceRule::*;

    #[test]
    fn each_rule_for_a_way_of_five_by_three() {
        let expected = [
            (Chebyshev, 5.0),
            (Alternating, 6.0),
            (AlternatingLongFirst, 7.0),
            (Approximate, 6.5),
            (Euclidean, 34f64.sqrt()),
            (Exact, 2.0 + 3.0 * std::f64::consts::SQRT_2),
            (Manhattan, 8.0),
            (NoDiagonals, 8.0),
        ];
        for (rule, cells) in expected {
            for (dx, dy) in [(5.0, 3.0), (-3.0, 5.0), (3.0, -5.0)] {
                assert!((rule.leg(dx, dy) - cells).abs() < 1e-12, "{rule:?}");
            }
        }
        assert_eq!(expected.map(|(rule, _)| rule), DistanceRule::ALL);
        assert!(!NoDiagonals.allows_diagonals() && Manhattan.allows_diagonals());
    }

    #[test]
    fn diagonals_are_counted_over_the_whole_way() {
        // Three legs of one diagonal each: 1 + 2 + 1, not 1 + 1 + 1.
        let legs = [[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0]];
        assert_eq!(path_cells(Alternating, legs), 4.0);
        assert_eq!(path_cells(AlternatingLongFirst, legs), 5.0);
        assert_eq!(path_cells(Chebyshev, legs), 3.0);
        assert_eq!(path_cells(Alternating, []), 0.0);
    }

    #[test]
    fn two_cells_that_are_nearly_two_are_two() {
        assert_eq!(Alternating.leg(2.0 - 1e-9, 2.0).round(), 3.0);
        assert!(Alternating.leg(2.0 - 1e-9, 2.0) > 2.999);
        assert!(AlternatingLongFirst.leg(2.0 + 1e-9, 2.0) < 3.001);
    }

    #[test]
    fn what_is_not_a_number_adds_nothing() {
        assert_eq!(path_cells(Euclidean, [[3.0, 4.0], [f64::NAN, 1.0]]), 5.0);
    }

    #[test]
    fn labels_are_short() {
        let feet = CellUnit::default();
        assert_eq!(feet.label(3.0), "15 ft");
        assert_eq!(feet.label(18f64.sqrt()), "21.2 ft");
        assert_eq!(feet.label(3.000_000_1), "15 ft");
        assert_eq!(feet.label(0.0), "0 ft");
        let metres = CellUnit {
            per_cell: 1.5,
            name: "m".to_owned(),
        };
        assert_eq!(metres.label(3.0), "4.5 m");
        assert_eq!(hex_label(1.0), "1 hex");
        assert_eq!(hex_label(4.0), "4 hexes");
        assert_eq!(hex_label(0.0), "0 hexes");
    }

    proptest! {
        #[test]
        fn a_waypoint_on_whole_cells_never_shortens_a_way(
            a in (-20i32..20, -20i32..20),
            b in (-20i32..20, -20i32..20),
        ) {
            let leg = |(x, y): (i32, i32)| [f64::from(x), f64::from(y)];
            for rule in DistanceRule::ALL {
                let direct = path_cells(rule, [leg((a.0 + b.0, a.1 + b.1))]);
                let around = path_cells(rule, [leg(a), leg(b)]);
                prop_assert!(around >= direct - 1e-9, "{:?}", rule);
            }
        }
    }
}
