//! Wood: planked floors, tables and doors, beams, crates and barrels.

use crate::canvas::{Canvas, Texel};
use crate::noise::{fbm, hash, smooth, unit};
use crate::palette::{INK, IRON, OAK, mix, ramp};
use crate::shape::{block, rounded};
use glam::{IVec2, Vec2, Vec3};

/// Planks that run along x, `width` cells wide; joints are staggered, nails sit at the ends.
pub fn planks(p: Vec2, width: f32, length: f32, seed: u32) -> Texel {
    let row = (p.y / width).floor();
    let shift = unit(hash(IVec2::new(row as i32, 7), seed)) * length;
    let run = (p.x + shift) / length;
    let plank = hash(IVec2::new(run.floor() as i32, row as i32), seed);
    let tone = unit(plank);
    let x = (run - run.floor()) * length;
    let y = p.y - row * width;
    let edge = y.min(width - y).min(x.min(length - x));
    let offset = Vec2::new(tone * 91.0, tone * 37.0);
    // Grain: long fibres that bend round a knot now and then.
    let bend = fbm(Vec2::new(p.x * 0.9, p.y * 2.0) + offset, 3, seed ^ 1) * 0.5;
    let fibre = fbm(
        Vec2::new(p.x * 1.3, p.y * 22.0 / (width * 4.0).max(0.6) + bend * 5.0) + offset,
        4,
        seed ^ 2,
    );
    let rings = ((p.y / width * 2.6 + bend * 3.2 + tone * 9.0) * 6.3).sin();
    let mut colour = ramp(&OAK, tone * 0.8 + 0.12 + 0.20 * fibre);
    colour *= 0.97 + 0.11 * fibre + 0.045 * rings + 0.10 * fbm(p * 0.5, 3, seed ^ 3);
    let gap = 1.0 - smooth(0.004, 0.022, edge);
    colour = mix(colour, INK, 0.75 * gap);
    let nail = Vec2::new(
        x.min(length - x) - 0.07,
        (y - width * 0.5).abs() - width * 0.28,
    )
    .length();
    colour = mix(colour, INK, 0.7 * (1.0 - smooth(0.012, 0.024, nail)));
    let cup = (y / width - 0.5) * (unit(plank.rotate_left(11)) - 0.5) * 0.03;
    Texel::new(
        colour,
        smooth(0.0, 0.03, edge) * 0.022 + fibre * 0.008 + cup - 0.012,
    )
}

/// A board of one piece with its grain along x.
pub fn board(p: Vec2, tone: f32, seed: u32) -> Texel {
    let bend = fbm(p * Vec2::new(0.8, 1.6), 3, seed) * 0.6;
    let fibre = fbm(Vec2::new(p.x * 1.5, p.y * 14.0 + bend * 5.0), 4, seed ^ 2);
    let colour = ramp(&OAK, tone + 0.22 * fibre) * (0.98 + 0.10 * fibre);
    Texel::new(colour, fibre * 0.008)
}

/// A closed door of planks with iron bands, lying across a passage: `half` is half its size with
/// its long side along x; `angle` turns it.
pub fn door(canvas: &mut Canvas, centre: Vec2, angle: f32, length: f32, seed: u32) {
    let half = Vec2::new(length * 0.5, 0.13);
    canvas.lay(
        centre,
        angle,
        length,
        |p| rounded(p, half, 0.02),
        |p, d| {
            let mut texel = planks(p + 20.0, 0.13, 3.0, seed);
            texel.height += 0.50 + smooth(0.0, 0.05, -d) * 0.04;
            let band = (p.x.abs() - half.x * 0.62).abs();
            let iron = 1.0 - smooth(0.035, 0.045, band);
            texel.colour = mix(texel.colour, IRON, iron);
            texel.height += iron * 0.025;
            texel
        },
    );
}

/// A crate seen from above.
pub fn crate_box(canvas: &mut Canvas, centre: Vec2, angle: f32, half: f32, seed: u32) {
    let size = Vec2::splat(half);
    canvas.lay(
        centre,
        angle,
        half * 1.5,
        |p| rounded(p, size, 0.02),
        |p, d| {
            let mut texel = planks(p + seed as f32, half * 0.5, 9.0, seed);
            let frame = smooth(half * 0.22, half * 0.18, -d);
            let brace = 1.0 - smooth(half * 0.11, half * 0.14, (p.x - p.y).abs() * 0.7);
            let rail = frame.max(brace);
            let rim = board(if p.x.abs() > p.y.abs() { p.perp() } else { p }, 0.75, seed);
            texel.colour = mix(texel.colour * 0.85, rim.colour, rail);
            texel.height += half * 1.4 + rail * 0.045;
            texel
        },
    );
}

/// A barrel that stands on its end.
pub fn barrel(canvas: &mut Canvas, centre: Vec2, radius: f32, seed: u32) {
    canvas.lay(
        centre,
        unit(hash(IVec2::ZERO, seed)) * 3.0,
        radius * 1.2,
        |p| p.length() - radius,
        |p, _| {
            let r = p.length() / radius;
            let mut texel = planks(p + 30.0, radius * 0.34, 9.0, seed);
            let hoop = smooth(0.76, 0.80, r) * (1.0 - smooth(0.90, 0.93, r));
            texel.colour = mix(
                texel.colour * (1.0 - 0.3 * smooth(0.72, 0.78, r)),
                IRON * 1.25,
                hoop,
            );
            texel.height += radius * 2.0 + 0.06 * smooth(0.70, 0.80, r) - 0.1 * smooth(0.9, 1.0, r);
            texel
        },
    );
}

/// A rectangular table; the long side along x.
pub fn table(canvas: &mut Canvas, centre: Vec2, angle: f32, half: Vec2, seed: u32) {
    canvas.lay(
        centre,
        angle,
        half.length(),
        |p| rounded(p, half, 0.05),
        |p, d| {
            let mut texel = planks(p + 50.0, half.y / 2.5, 40.0, seed).shaded(1.12);
            texel.height += 0.42 + 0.02 * smooth(0.0, 0.05, -d);
            texel
        },
    );
}

/// A round table.
pub fn round_table(canvas: &mut Canvas, centre: Vec2, radius: f32, seed: u32) {
    let angle = unit(hash(IVec2::ONE, seed)) * 3.0;
    canvas.lay(
        centre,
        angle,
        radius,
        |p| p.length() - radius,
        |p, d| {
            let mut texel = planks(p + 70.0, radius / 2.6, 40.0, seed).shaded(1.10);
            let rim = 1.0 - smooth(radius * 0.10, radius * 0.13, -d);
            let ring = board(Vec2::new(p.to_angle() * radius, d), 0.7, seed);
            texel.colour = mix(texel.colour, ring.colour, rim);
            texel.height += 0.42 + 0.02 * smooth(0.0, 0.04, -d);
            texel
        },
    );
}

/// A stool, or with `back` a chair whose back is turned by `angle` from up.
pub fn seat(canvas: &mut Canvas, centre: Vec2, angle: f32, back: bool, seed: u32) {
    let half = Vec2::splat(0.19);
    if back {
        canvas.lay(
            centre,
            angle,
            0.4,
            |p| rounded(p, half, 0.05),
            |p, d| {
                let mut texel = planks(p + 90.0, 0.1, 9.0, seed);
                texel.height += 0.24 + 0.02 * smooth(0.0, 0.04, -d);
                texel
            },
        );
        let rest = Vec2::new(0.2, 0.045);
        let behind = centre + Vec2::from_angle(angle).rotate(Vec2::new(0.0, -0.17));
        canvas.lay(
            behind,
            angle,
            0.3,
            |p| rounded(p, rest, 0.03),
            |p, _| board(p, 0.4, seed).raised(0.26),
        );
    } else {
        canvas.lay(
            centre,
            angle,
            0.3,
            |p| p.length() - 0.17,
            |p, d| board(p, 0.75, seed).raised(0.24 + 0.03 * smooth(0.0, 0.05, -d)),
        );
    }
}

/// A squared beam from `a` to `b`.
pub fn beam(canvas: &mut Canvas, a: Vec2, b: Vec2, half_width: f32, height: f32, seed: u32) {
    let half = Vec2::new(a.distance(b) * 0.5, half_width);
    canvas.lay(
        (a + b) * 0.5,
        (b - a).to_angle(),
        half.length(),
        |p| block(p, half),
        |p, d| {
            let texel = board(p + seed as f32 * 0.37, 0.25, seed);
            texel.raised(height + 0.04 * smooth(0.0, half_width * 0.7, -d))
        },
    );
}

/// The colour of a plank on its side, for things drawn elsewhere.
pub fn oak(tone: f32) -> Vec3 {
    ramp(&OAK, tone)
}
