//! Open ground: grass, trodden earth, sand and ploughed fields.

use crate::canvas::Texel;
use crate::noise::{cellular, fbm, hash, hash_point, noise, smooth, unit, wobble};
use crate::palette::{EARTH, GRASS, SAND, mix, ramp};
use glam::{IVec2, Vec2, Vec3};

/// A meadow painted in dabs: each tuft is a small leaning stroke over the ones behind it.
pub fn grass(p: Vec2, seed: u32) -> Texel {
    let wash = fbm(p * 0.16, 4, seed) + 0.45 * fbm(p * 0.9, 3, seed ^ 1);
    let dry = 0.5 * smooth(0.05, 0.55, fbm(p * 0.22 + 40.0, 4, seed ^ 6));
    let tinted = |t: f32| mix(ramp(&GRASS, t), EARTH[2] * 0.95, dry);
    let ground = tinted(0.46 + 0.6 * wash) * (1.0 + 0.06 * fbm(p * 7.0, 3, seed ^ 2));
    let mut out = Texel::new(ground, 0.02 * wash);
    for (layer, scale) in [(0u32, 5.5f32), (1, 9.0)] {
        let q = p * scale;
        let base = q.floor().as_ivec2();
        for dy in -1..=1 {
            for dx in -1..=1 {
                let cell = base + IVec2::new(dx, dy);
                let salt = seed ^ (layer * 977 + 13);
                let at = cell.as_vec2() + hash_point(cell, salt);
                let tone = unit(hash(cell, salt ^ 5));
                let lean =
                    Vec2::from_angle(-1.57 + (tone - 0.5) * 2.2 + 0.7 * noise(at * 0.08, seed));
                let d = q - at;
                let (x, y) = (d.dot(lean), d.dot(lean.perp()));
                let blade = 1.0 - ((x / 0.62).powi(2) + (y / (0.16 + 0.10 * tone)).powi(2));
                if blade > 0.0 {
                    let local = tinted(0.40 + 0.6 * wash + 0.36 * (tone - 0.45));
                    let colour = local * (0.90 + 0.20 * (x * 0.8 + 0.4).clamp(0.0, 1.0));
                    let tuft = Texel::new(colour, out.height.max(0.02 * wash) + 0.012 * blade);
                    out = out.under(tuft, smooth(0.0, 0.35, blade) * 0.62);
                }
            }
        }
    }
    out
}

/// Trodden earth with pebbles.
pub fn earth(p: Vec2, seed: u32) -> Texel {
    let wash = fbm(p * 0.5, 4, seed);
    let grain = fbm(p * 6.0, 4, seed ^ 1);
    let mut texel = Texel::new(
        ramp(&EARTH, 0.5 + 0.6 * wash + 0.18 * grain),
        0.03 * wash + 0.022 * grain,
    );
    let stone = cellular(p * 4.5 + wobble(p * 3.0, 0.3, seed), 1.0, seed ^ 2);
    if unit(stone.id) < 0.22 {
        let radius = 0.12 + 0.22 * unit(stone.id.rotate_left(8));
        let inside = radius - stone.centre_distance;
        let pebble = Texel::new(
            mix(
                Vec3::new(0.56, 0.53, 0.48),
                Vec3::new(0.70, 0.66, 0.58),
                unit(stone.id.rotate_left(16)),
            ) * (0.75 + 0.35 * smooth(0.0, radius, inside)),
            texel.height + 0.03 + 0.05 * smooth(0.0, radius, inside),
        );
        texel = texel.under(pebble, smooth(0.0, 0.07, inside));
    }
    texel
}

/// Sand and shingle.
pub fn sand(p: Vec2, seed: u32) -> Texel {
    let wash = fbm(p * 0.7, 4, seed);
    let grain = fbm(p * 11.0, 3, seed ^ 1);
    let ripple = (p.y * 14.0 + 4.0 * fbm(p * 0.9, 3, seed ^ 4)).sin() * 0.3;
    Texel::new(
        mix(
            SAND[0],
            SAND[1],
            0.5 + 0.6 * wash + 0.2 * grain + 0.06 * ripple,
        ),
        0.015 * grain + 0.006 * ripple,
    )
}

/// A ploughed or sown field, furrows along x; `crop` is the colour of what grows on the ridges.
pub fn field(p: Vec2, crop: Vec3, growth: f32, seed: u32) -> Texel {
    let y = p.y + 0.05 * noise(p * 0.6, seed);
    let furrow = (y * std::f32::consts::TAU / 0.5).sin() * 0.5 + 0.5;
    let soil = earth(p, seed).shaded(0.82 + 0.12 * furrow);
    let ragged = fbm(p * Vec2::new(4.0, 6.0), 3, seed ^ 3);
    let gap = smooth(-0.55, -0.25, fbm(p * 0.35, 3, seed ^ 5));
    let leaf = smooth(0.30, 0.62, furrow + 0.4 * ragged) * growth * gap;
    let plant = Texel::new(
        crop * (0.86 + 0.25 * ragged + 0.12 * fbm(p * 0.3, 2, seed ^ 9)),
        soil.height + 0.10 + 0.06 * ragged,
    );
    soil.raised(0.05 * furrow).under(plant, leaf)
}
