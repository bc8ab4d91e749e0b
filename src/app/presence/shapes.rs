//! Outlines and labels of measurements, as Table Slayer's clients draw them.
//!
//! Types are Line 1, Beam 2, Cone 3, Circle 4, Square 5; anything else is a line. Must not know
//! windows. Called by [`super::paint`].

use std::f64::consts::TAU;

use glam::DVec2;

use crate::geom::distance::{CellUnit, DistanceRule, hex_label};
use crate::geom::grid::{Grid, GridShape};
use crate::model::presence::Measurement;

/// Corners of a whole circle.
const CIRCLE_CORNERS: u32 = 64;
/// A cone without an angle of its own, degrees.
const CONE_DEG: f64 = 60.0;
/// A beam without a width of its own, feet.
const BEAM_FT: f64 = 10.0;
/// What a cell stands for in measurements, feet.
const CELL_FT: f64 = 5.0;

/// The outline of a measurement, world pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    /// Its corners in order.
    pub corners: Vec<DVec2>,
    /// They enclose an area.
    pub is_closed: bool,
}

fn arc(center: DVec2, radius: f64, from: f64, angle: f64) -> impl Iterator<Item = DVec2> {
    let steps = (f64::from(CIRCLE_CORNERS) * (angle / TAU)).ceil().max(2.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most the corners of a circle"
    )]
    let count = steps as u32;
    (0..=count).map(move |n| {
        let at = from + angle * f64::from(n) / f64::from(count);
        center + DVec2::from_angle(at) * radius
    })
}

/// The outline of a measurement over a grid.
#[must_use]
pub fn outline(measurement: &Measurement, grid: &Grid) -> Outline {
    let (start, end) = (measurement.start_world, measurement.end_world);
    let way = end - start;
    let length = way.length();
    let direction = way.normalize_or_zero();
    let corners = match measurement.shape {
        2 => {
            let feet = measurement.beam_width.unwrap_or(BEAM_FT);
            let aside = direction.perp() * (feet / CELL_FT * grid.cell_px() / 2.0);
            vec![start + aside, end + aside, end - aside, start - aside]
        }
        3 => {
            let angle = measurement.cone_angle_deg.unwrap_or(CONE_DEG).to_radians();
            let from = direction.to_angle() - angle / 2.0;
            std::iter::once(start)
                .chain(arc(start, length, from, angle))
                .collect()
        }
        4 => arc(start, length, 0.0, TAU).collect(),
        5 => {
            let corner = DVec2::splat(length);
            let turned = DVec2::new(length, -length);
            vec![
                start - corner,
                start + turned,
                start + corner,
                start - turned,
            ]
        }
        _ => {
            return Outline {
                corners: vec![start, end],
                is_closed: false,
            };
        }
    };
    Outline {
        corners,
        is_closed: true,
    }
}

/// What stands beside a measurement: "15 ft", "3 hexes".
#[must_use]
pub fn label(measurement: &Measurement, grid: &Grid) -> String {
    let way = [measurement.start_world, measurement.end_world];
    let snaps = measurement.snaps_to_grid;
    let is_hex = grid.shape() != GridShape::Square;
    if is_hex && snaps {
        return hex_label(grid.path_length_cells(&way, DistanceRule::default()));
    }
    let rule = if snaps && measurement.is_dmg_252 {
        DistanceRule::Alternating
    } else {
        DistanceRule::Euclidean
    };
    CellUnit::default().label(grid.path_length_cells(&way, rule))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::grid::GridParams;

    fn of(shape: i64, end: DVec2) -> Measurement {
        Measurement {
            shape,
            ..Measurement::new("u", DVec2::ZERO, end, 0)
        }
    }

    #[test]
    fn each_shape_lies_where_the_web_draws_it() {
        let grid = Grid::new(&GridParams::default());
        let cell = grid.cell_px();
        let end = DVec2::new(4.0 * cell, 0.0);
        assert_eq!(outline(&of(1, end), &grid).corners, [DVec2::ZERO, end]);
        assert!(!outline(&of(77, end), &grid).is_closed);
        // Ten feet are two cells: one to each side.
        let beam = outline(&of(2, end), &grid).corners;
        assert_eq!(beam[0], DVec2::new(0.0, cell));
        let square = outline(&of(5, end), &grid).corners;
        assert_eq!(square[2], DVec2::splat(4.0 * cell));
        for shape in [3, 4] {
            let round = outline(&of(shape, end), &grid);
            let far = round
                .corners
                .iter()
                .map(|at| at.length())
                .fold(0.0, f64::max);
            assert!((far - 4.0 * cell).abs() < 1e-6, "{shape}");
        }
    }

    #[test]
    fn the_label_counts_as_the_sender_does() {
        let grid = Grid::new(&GridParams::default());
        let diagonal = DVec2::splat(3.0 * grid.cell_px());
        assert_eq!(label(&of(1, diagonal), &grid), "20 ft");
        let straight = Measurement {
            is_dmg_252: false,
            ..of(1, diagonal)
        };
        assert_eq!(label(&straight, &grid), "21.2 ft");
    }

    #[test]
    fn nothing_that_was_sent_breaks_an_outline() {
        let grid = Grid::new(&GridParams::default());
        for shape in -2..8 {
            for end in [DVec2::ZERO, DVec2::splat(1e9)] {
                let mut odd = of(shape, end);
                odd.cone_angle_deg = Some(0.0);
                odd.beam_width = Some(0.0);
                assert!(outline(&odd, &grid).corners.iter().all(|at| at.is_finite()));
                assert!(!label(&odd, &grid).is_empty());
            }
        }
    }
}
