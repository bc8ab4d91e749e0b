//! Roofs and the town seen from above: shingles, slates, thatch, chimneys, awnings.

use crate::canvas::{Area, Canvas, Texel};
use crate::noise::{fbm, hash, noise, smooth, unit, wobble};
use crate::palette::{INK, mix, ramp, rgb};
use crate::shape::{rect, rounded};
use glam::{IVec2, Vec2, Vec3};

/// Fired tiles.
pub const TILES: [Vec3; 3] = [rgb(0x7a4a38), rgb(0x935b42), rgb(0xa97052)];
/// Blue slate.
pub const SLATES: [Vec3; 3] = [rgb(0x4a515c), rgb(0x5b626d), rgb(0x717681)];
/// Weathered wooden shingles.
pub const SHINGLES: [Vec3; 3] = [rgb(0x5e5346), rgb(0x746654), rgb(0x8b7b65)];
/// Straw.
pub const THATCH: [Vec3; 3] = [rgb(0x8a7345), rgb(0xa38a55), rgb(0xbba269)];

/// How the slopes of a roof meet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ridge {
    /// A gable roof whose ridge runs along x.
    AlongX,
    /// A gable roof whose ridge runs along y.
    AlongY,
    /// Four slopes.
    Hip,
}

/// A roof.
#[derive(Clone, Copy, Debug)]
pub struct Roof {
    /// Outline at the eaves, in cells.
    pub area: Area,
    /// How its slopes meet.
    pub ridge: Ridge,
    /// Its tiles, from dark to light.
    pub tiles: [Vec3; 3],
    /// Height of the eaves above the ground, in cells.
    pub eaves: f32,
    /// Seed of its irregularity.
    pub seed: u32,
}

/// Paints a roof of tiles or slates.
pub fn roof(canvas: &mut Canvas, roof: &Roof) {
    let Roof {
        area,
        ridge,
        tiles,
        eaves,
        seed,
    } = *roof;
    let (min, max) = (area.min, area.max);
    let (centre, half) = ((min + max) * 0.5, (max - min) * 0.5);
    let pixel = canvas.pixel();
    canvas.paint(Area::new(min - 0.1, max + 0.1), |p, below| {
        let q = p - centre + wobble(p * 1.3, 0.02, seed);
        let edge = rect(p + wobble(p * 2.5, 0.015, seed ^ 1), min, max);
        let coverage = 0.5 - edge / pixel;
        if coverage <= 0.0 {
            return below;
        }
        // Distance down the slope from the eaves, and along them.
        let (inward, along, span) = match ridge {
            Ridge::AlongX => (half.y - q.y.abs(), q.x, half.y),
            Ridge::AlongY => (half.x - q.x.abs(), q.y, half.x),
            Ridge::Hip => {
                let (x, y) = (half.x - q.x.abs(), half.y - q.y.abs());
                if x < y {
                    (x, q.y, half.min_element())
                } else {
                    (y, q.x, half.min_element())
                }
            }
        };
        let side = match ridge {
            Ridge::AlongX => i32::from(q.y > 0.0),
            Ridge::AlongY => i32::from(q.x > 0.0),
            Ridge::Hip => i32::from(q.x > q.y) + 2 * i32::from(q.x > -q.y),
        };
        const COURSE: f32 = 0.19;
        const TILE: f32 = 0.24;
        let sag = inward + 0.015 * noise(p * 3.0, seed ^ 2);
        let course = (sag / COURSE).floor();
        let down = 1.0 - (sag / COURSE - course);
        let shifted = along / TILE + 0.5 * course.rem_euclid(2.0);
        let id = hash(
            IVec2::new(shifted.floor() as i32, course as i32 * 5 + side),
            seed,
        );
        let across = shifted - shifted.floor();
        let tone = unit(id);
        let weather = fbm(p * 0.8, 4, seed ^ 3);
        let mut colour = ramp(&tiles, 0.5 + 0.7 * (tone - 0.5) + 0.35 * weather);
        colour *= 0.96 + 0.10 * fbm(p * 8.0, 2, seed ^ 4);
        let gap =
            (1.0 - smooth(0.03, 0.10, across.min(1.0 - across))).max(smooth(0.86, 0.98, down));
        colour = mix(colour, INK, 0.42 * gap);
        let mut height = eaves + inward * 0.62 + 0.035 * down - 0.015 * gap + 0.012 * (tone - 0.5);
        // Ridge tiles, and boards along the gables.
        let cap = if ridge == Ridge::Hip {
            let (x, y) = (half.x - q.x.abs(), half.y - q.y.abs());
            (x - y)
                .abs()
                .min(if x.min(y) > span - 0.09 { 0.0 } else { 9.0 })
        } else {
            (span - inward).abs()
        };
        let capped = 1.0 - smooth(0.06, 0.085, cap);
        colour = mix(
            colour,
            tiles[2] * (0.95 + 0.1 * (along * 22.0).sin().signum() * 0.5),
            0.85 * capped,
        );
        height += 0.05 * capped;
        let verge = match ridge {
            Ridge::AlongX => half.x - q.x.abs(),
            Ridge::AlongY => half.y - q.y.abs(),
            Ridge::Hip => 9.0,
        };
        let board = 1.0 - smooth(0.07, 0.09, verge);
        colour = mix(colour, rgb(0x4a3a2c), 0.8 * board);
        height += 0.03 * board;
        colour *= 1.0 - 0.5 * (1.0 - smooth(0.0, 0.05, -edge));
        below.under(
            Texel {
                colour,
                height,
                wet: 0.25,
            },
            coverage,
        )
    });
}

/// A chimney stack.
pub fn chimney(canvas: &mut Canvas, at: Vec2, half: Vec2, top: f32, seed: u32) {
    canvas.lay(
        at,
        0.0,
        half.length() + 0.1,
        |p| rounded(p, half, 0.03),
        |p, d| {
            let flue = rounded(p, half * 0.42, 0.03);
            let brick = ramp(&TILES, 0.3 + 0.5 * fbm(p * 5.0, 3, seed)) * 0.9;
            let mut texel = Texel::new(mix(INK * 0.8, brick, smooth(-0.02, 0.02, flue)), top);
            texel.height += 0.06 * smooth(0.10, 0.06, -d);
            texel
        },
    );
}

/// A striped cloth awning, its stripes along y, that falls from -y to +y.
pub fn awning(
    canvas: &mut Canvas,
    at: Vec2,
    angle: f32,
    half: Vec2,
    colours: [Vec3; 2],
    seed: u32,
) {
    let hem = |p: Vec2| rounded(p, half, 0.03).max(p.y - half.y + 0.06 * (p.x * 16.0).sin().abs());
    canvas.lay(at, angle, half.length() + 0.1, hem, |p, _| {
        let stripe = smooth(-0.1, 0.1, (p.x * std::f32::consts::TAU / 0.44).sin());
        let fold = fbm(Vec2::new(p.x * 5.0, p.y), 3, seed);
        let height = 0.85 - 0.22 * (p.y / half.y)
            + 0.05 * fold
            + 0.03 * (p.x * std::f32::consts::TAU / 0.88).cos();
        Texel::new(
            mix(colours[0], colours[1], stripe) * (0.95 + 0.12 * fold),
            height,
        )
    });
}
