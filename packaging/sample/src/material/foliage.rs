//! Plants: crowns of trees, firs, bushes, reeds and flowers.

use crate::canvas::{Area, Canvas, Texel};
use crate::noise::{Dice, cellular, fbm, noise, smooth, unit};
use crate::palette::{mix, ramp, rgb};
use glam::{Vec2, Vec3};

/// What a crown is painted with, from its shaded rim to its lit top.
pub type Leaves = [Vec3; 4];

/// Oaks and beeches.
pub const GREEN: Leaves = [rgb(0x353f24), rgb(0x535f34), rgb(0x727a44), rgb(0x989659)];
/// Darker, older wood.
pub const DEEP: Leaves = [rgb(0x2a3a2a), rgb(0x435539), rgb(0x5f7047), rgb(0x848b58)];
/// Birches that turn.
pub const AMBER: Leaves = [rgb(0x4d3a20), rgb(0x7a5b2e), rgb(0xa27d3f), rgb(0xbf9f5a)];
/// Heather, thorn and vine.
pub const RUSSET: Leaves = [rgb(0x43291f), rgb(0x693f2c), rgb(0x8b583a), rgb(0xa8794f)];

/// A broad-leaved crown of `radius` cells that stands on ground `ground` cells high.
pub fn tree(
    canvas: &mut Canvas,
    centre: Vec2,
    radius: f32,
    ground: f32,
    leaves: &Leaves,
    seed: u32,
) {
    let tint = unit(seed.wrapping_mul(0x9E37_79B9)) - 0.5;
    let offset = Vec2::new((seed % 613) as f32, (seed % 389) as f32) * 3.7;
    let pixel = canvas.pixel();
    canvas.paint(Area::around(centre, radius * 1.35), |p, below| {
        let q = (p - centre) / radius;
        let r = q.length();
        if r > 1.3 {
            return below;
        }
        let lobes = noise(q.normalize_or_zero() * 1.7 + offset, seed) * 0.16
            + fbm(q * 3.3 + offset, 3, seed ^ 1) * 0.13;
        let rim = 0.97 + lobes - r;
        if rim <= -0.02 {
            return below;
        }
        let dome = (1.0 - (r / (0.97 + lobes)).min(1.0).powi(2)).sqrt();
        let boughs = cellular(q * 2.5 + offset, 0.85, seed ^ 2);
        let bough = 1.0 - smooth(0.0, 0.75, boughs.centre_distance);
        // Leaves: flecks about a twelfth of a cell across whatever the size of the tree.
        let fleck = cellular(p * 9.0 + offset, 1.0, seed ^ 3);
        let leaf = unit(fleck.id);
        let fleck_edge = smooth(0.0, 0.25, fleck.border_distance);
        let height = radius * (0.62 * dome + 0.22 * bough) + 0.055 * leaf + 0.03 * fleck_edge + 0.1;
        let tone = 0.10 + 0.40 * dome + 0.32 * (bough - 0.45) + 0.30 * (leaf - 0.45) + 0.18 * tint;
        let mut colour = ramp(leaves, tone) * (0.88 + 0.14 * fleck_edge);
        // Gaps between the boughs let the dark through.
        let gap = smooth(0.10, 0.0, boughs.border_distance)
            * smooth(0.15, -0.25, fbm(q * 4.0 + offset, 2, seed ^ 6));
        colour = mix(colour, leaves[0] * 0.7, 0.65 * gap);
        colour = mix(leaves[0] * 0.55, colour, smooth(-0.01, 0.06, rim));
        below.under(
            Texel::new(
                colour,
                ground + 0.2 * (below.height - ground).max(0.0) + height * (1.0 - 0.35 * gap),
            ),
            (rim * radius / pixel + 0.5).clamp(0.0, 1.0),
        )
    });
}

/// A fir from above: tiers of branches about a bright tip.
pub fn fir(canvas: &mut Canvas, centre: Vec2, radius: f32, ground: f32, seed: u32) {
    let leaves = [rgb(0x22332b), rgb(0x34493a), rgb(0x4d6449), rgb(0x7b8a60)];
    let turn = unit(seed.wrapping_mul(0x85EB_CA6B)) * 6.3;
    let arms = 9.0 + (seed % 4) as f32;
    let pixel = canvas.pixel();
    canvas.paint(Area::around(centre, radius * 1.15), |p, below| {
        let q = (p - centre) / radius;
        let r = q.length();
        let angle = q.to_angle() + turn;
        let saw = |tier: f32| {
            let phase = (angle + tier * 0.9) * arms / std::f32::consts::TAU;
            let tooth = 1.0 - (phase - phase.floor() - 0.5).abs() * 2.0;
            tooth + 0.25 * noise(Vec2::new(phase.floor(), tier) * 7.3, seed)
        };
        let rim = 0.72 + 0.30 * saw(0.0) - r;
        if rim <= -0.05 {
            return below;
        }
        let mut tier_light = 0.0f32;
        for tier in 1..4 {
            let reach = 0.78 - 0.22 * tier as f32;
            let inside = reach * (0.72 + 0.34 * saw(tier as f32)) - r;
            tier_light += 0.22 * smooth(-0.02, 0.05, inside)
                - 0.20 * smooth(-0.10, -0.02, inside) * smooth(0.02, -0.02, inside);
        }
        let needle = fbm(Vec2::new(angle * 14.0, r * 4.0), 3, seed);
        let colour = ramp(
            &leaves,
            0.16 + tier_light + 0.22 * needle + 0.15 * (1.0 - r),
        );
        let height = radius * 1.5 * (1.0 - r).max(0.0) + 0.06 * needle + 0.12 * tier_light + 0.1;
        below.under(
            Texel::new(colour, ground + height),
            (rim * radius / pixel + 0.5).clamp(0.0, 1.0),
        )
    });
}

/// A tuft of reeds or tall grass: thin strokes that fan out.
pub fn reeds(canvas: &mut Canvas, centre: Vec2, radius: f32, colour: Vec3, seed: u32) {
    let mut dice = Dice::new(u64::from(seed));
    let blades: Vec<(Vec2, Vec2, f32)> = (0..14)
        .map(|_| {
            let angle = dice.between(-2.7, -0.4);
            let root = centre + dice.point(Vec2::splat(-0.3), Vec2::splat(0.3)) * radius;
            (
                root,
                root + Vec2::from_angle(angle) * radius * dice.between(0.5, 1.0),
                dice.roll(),
            )
        })
        .collect();
    let pixel = canvas.pixel();
    canvas.paint(Area::around(centre, radius * 1.5), |p, below| {
        let mut out = below;
        for (root, tip, tone) in &blades {
            let d = crate::shape::segment(p, *root, *tip) - 0.016;
            let rise = ((p - *root).length() / radius).min(1.0);
            let blade = Texel::new(
                colour * (0.65 + 0.35 * tone + 0.3 * rise),
                below.height + 0.25 * rise,
            );
            out = out.under(blade, 0.5 - d / pixel);
        }
        out
    });
}

/// Flowers strewn over a disc.
pub fn flowers(canvas: &mut Canvas, centre: Vec2, radius: f32, colour: Vec3, seed: u32) {
    let mut dice = Dice::new(u64::from(seed));
    for _ in 0..(radius * radius * 14.0) as usize {
        let at = centre + Vec2::from_angle(dice.between(0.0, 6.3)) * radius * dice.roll().sqrt();
        let size = dice.between(0.02, 0.045);
        let tone = dice.between(0.85, 1.15);
        canvas.lay(
            at,
            0.0,
            size * 1.5,
            |p| p.length() - size,
            |p, _| {
                Texel::new(
                    mix(
                        Vec3::new(0.9, 0.8, 0.4),
                        colour * tone,
                        smooth(0.2, 0.5, p.length() / size),
                    ),
                    0.05,
                )
            },
        );
    }
}
