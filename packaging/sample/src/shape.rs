//! Signed distances of the shapes that things are made of: negative inside, in cells.
//!
//! The formulas are the usual exact ones for two-dimensional primitives. A distance gives all
//! that painting needs: coverage at the edge, a bevel inside, an outline, a halo outside.

use glam::Vec2;

/// A disc.
pub fn circle(p: Vec2, centre: Vec2, radius: f32) -> f32 {
    p.distance(centre) - radius
}

/// An axis-aligned rectangle from `min` to `max`.
pub fn rect(p: Vec2, min: Vec2, max: Vec2) -> f32 {
    block(p - (min + max) * 0.5, (max - min) * 0.5)
}

/// A rectangle of half size `half` about the origin.
pub fn block(p: Vec2, half: Vec2) -> f32 {
    let d = p.abs() - half;
    d.max(Vec2::ZERO).length() + d.x.max(d.y).min(0.0)
}

/// A rectangle about the origin with corners of `radius`.
pub fn rounded(p: Vec2, half: Vec2, radius: f32) -> f32 {
    block(p, half - radius) - radius
}

/// Distance to the segment from `a` to `b`.
pub fn segment(p: Vec2, a: Vec2, b: Vec2) -> f32 {
    let (pa, ba) = (p - a, b - a);
    let t = (pa.dot(ba) / ba.length_squared().max(1e-9)).clamp(0.0, 1.0);
    (pa - ba * t).length()
}

/// A regular hexagon about the origin with its corners up and down; `inradius` to the flat sides.
pub fn hexagon(p: Vec2, inradius: f32) -> f32 {
    let q = p.abs();
    let slanted = q.x * 0.5 + q.y * 0.866_025_4;
    q.x.max(slanted) - inradius
}

/// A closed polygon.
pub fn polygon(p: Vec2, corners: &[Vec2]) -> f32 {
    let mut distance = f32::MAX;
    let mut inside = false;
    let mut previous = match corners.last() {
        Some(last) => *last,
        None => return distance,
    };
    for &corner in corners {
        distance = distance.min(segment(p, previous, corner));
        if (corner.y > p.y) != (previous.y > p.y) {
            let x = corner.x + (p.y - corner.y) / (previous.y - corner.y) * (previous.x - corner.x);
            inside ^= p.x < x;
        }
        previous = corner;
    }
    if inside { -distance } else { distance }
}

/// Turns a point by `angle` radians the other way, into the frame of something so turned.
pub fn turned(p: Vec2, angle: f32) -> Vec2 {
    Vec2::from_angle(-angle).rotate(p)
}

/// Points along a smooth curve through `knots` (Catmull-Rom), about `per_span` to a span.
pub fn curve(knots: &[Vec2], per_span: usize) -> Vec<Vec2> {
    let mut points = Vec::new();
    let last = knots.len().saturating_sub(1);
    for i in 0..last {
        let (a, b, c, d) = (
            knots[i.saturating_sub(1)],
            knots[i],
            knots[i + 1],
            knots[(i + 2).min(last)],
        );
        for step in 0..per_span {
            let t = step as f32 / per_span as f32;
            points.push(
                (b * 2.0
                    + (c - a) * t
                    + (a * 2.0 - b * 5.0 + c * 4.0 - d) * (t * t)
                    + (b * 3.0 - a - c * 3.0 + d) * (t * t * t))
                    * 0.5,
            );
        }
    }
    points.extend(knots.last());
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_negative_inside_and_exact_outside() {
        assert!((rect(Vec2::new(4.0, 1.0), Vec2::ZERO, Vec2::new(2.0, 2.0)) - 2.0).abs() < 1e-6);
        assert!(rect(Vec2::ONE, Vec2::ZERO, Vec2::new(2.0, 2.0)) < 0.0);
        assert!(
            hexagon(Vec2::new(0.49, 0.0), 0.5) < 0.0 && hexagon(Vec2::new(0.51, 0.0), 0.5) > 0.0
        );
        let square = [Vec2::ZERO, Vec2::X, Vec2::ONE, Vec2::Y];
        assert!((polygon(Vec2::splat(0.5), &square) + 0.5).abs() < 1e-6);
        assert!((polygon(Vec2::new(2.0, 0.5), &square) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_curve_goes_through_its_knots() {
        let knots = [Vec2::ZERO, Vec2::new(3.0, 1.0), Vec2::new(5.0, -2.0)];
        let points = curve(&knots, 8);
        for knot in knots {
            assert!(points.iter().any(|p| p.distance(knot) < 1e-5));
        }
    }
}
