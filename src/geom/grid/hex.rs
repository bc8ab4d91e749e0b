//! The hex lattice in its own units: neighbouring centres are 1 apart.
//!
//! Lattice positions are `(along, across)`: rows of touching hexes run along the first axis, and
//! √3/2 lies between rows. A pointy-top grid has `along` to the right and `across` down; a
//! flat-top grid is the same lattice with the axes swapped. Cells are axial: `(q, r)` has its
//! centre at `along = q + r/2`, `across = r·√3/2`; the third cube coordinate is `-q - r`.

use glam::DVec2;

/// Distance between rows of centres.
pub(super) const ROW_PITCH: f64 = 0.866_025_403_784_438_6;
/// Distance from a centre to its corners, 1/√3.
pub(super) const CORNER_RADIUS: f64 = 0.577_350_269_189_625_8;

/// The corners around a centre: first the two on the axis across, then the other four.
const CORNERS: [DVec2; 6] = [
    DVec2::new(0.0, -CORNER_RADIUS),
    DVec2::new(0.5, -CORNER_RADIUS * 0.5),
    DVec2::new(0.5, CORNER_RADIUS * 0.5),
    DVec2::new(0.0, CORNER_RADIUS),
    DVec2::new(-0.5, CORNER_RADIUS * 0.5),
    DVec2::new(-0.5, -CORNER_RADIUS * 0.5),
];

/// Where the centre of a cell lies.
pub(super) fn center(q: i32, r: i32) -> DVec2 {
    let (q, r) = (f64::from(q), f64::from(r));
    DVec2::new(q + r * 0.5, r * ROW_PITCH)
}

/// The corners of a cell, in order around it.
pub(super) fn corners(q: i32, r: i32) -> [DVec2; 6] {
    let center = center(q, r);
    CORNERS.map(|corner| center + corner)
}

/// The cell with the nearest centre. A position exactly between two belongs to the one further
/// along, whatever the rounding noise of what led to it.
pub(super) fn cell_at(p: DVec2) -> (i32, i32) {
    let r = p.y / ROW_PITCH;
    let q = p.x + 1e-9 - r * 0.5;
    let s = -q - r;
    let (rq, rr, rs) = (q.round(), r.round(), s.round());
    let (dq, dr, ds) = ((rq - q).abs(), (rr - r).abs(), (rs - s).abs());
    // Of the three rounded coordinates the least certain one follows from the others.
    let (q, r) = if dq > dr && dq > ds {
        (-rr - rs, rr)
    } else if dr > ds {
        (rq, -rq - rs)
    } else {
        (rq, rr)
    };
    (q as i32, r as i32)
}

/// The nearest of all centres and corners.
pub(super) fn nearest_center_or_corner(p: DVec2) -> DVec2 {
    let (q, r) = cell_at(p);
    corners(q, r)
        .into_iter()
        .fold(center(q, r), |best, candidate| {
            if candidate.distance_squared(p) < best.distance_squared(p) {
                candidate
            } else {
                best
            }
        })
}

/// Steps between two cells: the true cube distance. (Table Slayer's own number is too small in
/// steep directions; it is only ever shown, never transmitted.)
pub(super) fn distance(a: (i32, i32), b: (i32, i32)) -> u64 {
    let dq = i64::from(a.0) - i64::from(b.0);
    let dr = i64::from(a.1) - i64::from(b.1);
    (dq.unsigned_abs() + dr.unsigned_abs() + (dq + dr).unsigned_abs()) / 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn steps_between_hexes() {
        // (along in half cells, row) of a cell, and its true distance from the origin.
        let cases = [
            ((1, 0), 1),
            ((0, 1), 1),
            ((-1, 1), 1),
            ((1, 1), 2),
            ((-1, 2), 2),
            ((-1, 3), 3),
            ((-2, 4), 4),
            ((3, -6), 6),
            ((0, 6), 6),
        ];
        for (cell, steps) in cases {
            assert_eq!(distance((0, 0), cell), steps, "{cell:?}");
        }
        assert_eq!(
            distance((i32::MIN, i32::MIN), (i32::MAX, i32::MAX)),
            2 * u64::from(u32::MAX)
        );
    }

    proptest! {
        #[test]
        fn the_nearest_centre_is_the_nearest(x in -50.0..50.0f64, y in -50.0..50.0f64) {
            let p = DVec2::new(x, y);
            let (q, r) = cell_at(p);
            let found = center(q, r).distance(p);
            for dq in -2..=2 {
                for dr in -2..=2 {
                    prop_assert!(found <= center(q + dq, r + dr).distance(p) + 1e-8);
                }
            }
            prop_assert!(found <= CORNER_RADIUS + 1e-8);
            // Centres and corners together are a lattice of pitch 1/√3.
            let snapped = nearest_center_or_corner(p);
            prop_assert!(snapped.distance(p) <= CORNER_RADIUS * CORNER_RADIUS + 1e-8);
        }

        #[test]
        fn centres_lie_in_their_own_cell(q in -1000i32..1000, r in -1000i32..1000) {
            prop_assert_eq!(cell_at(center(q, r)), (q, r));
        }
    }
}
