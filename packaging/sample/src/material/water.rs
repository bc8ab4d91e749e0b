//! Water: still and running, over its bed.

use crate::canvas::Texel;
use crate::noise::{cellular, fbm, smooth, wobble};
use crate::palette::{WATER, mix, ramp};
use glam::{Vec2, Vec3};

/// Water `depth` cells from the shore over `bed`; `flow` is the direction in which it runs, zero
/// for still water.
pub fn water(p: Vec2, bed: Texel, depth: f32, flow: Vec2, seed: u32) -> Texel {
    if depth <= -0.1 {
        return bed;
    }
    let along = flow.normalize_or(Vec2::X);
    let local = Vec2::new(p.dot(along), p.dot(along.perp()));
    // Running water draws everything out along its way.
    let stretch = if flow == Vec2::ZERO {
        Vec2::ONE
    } else {
        Vec2::new(0.38, 1.25)
    };
    let q = local * stretch + wobble(local * 0.7, 0.5, seed);
    let swell = fbm(q * 1.1, 4, seed);
    let web = cellular(q * 1.5 + wobble(q * 2.3, 0.45, seed ^ 2), 0.9, seed ^ 3);
    let caustic = (1.0 - smooth(0.0, 0.10, web.border_distance)) * smooth(-0.25, 0.5, swell);
    let deep = smooth(0.0, 1.5, depth + 0.25 * swell);
    let mut colour = ramp(&WATER, 1.0 - deep) * (1.0 + 0.12 * swell);
    colour = mix(
        bed.colour * Vec3::new(0.55, 0.66, 0.68),
        colour,
        0.42 + 0.55 * smooth(0.0, 0.75, depth),
    );
    colour += Vec3::new(0.10, 0.14, 0.14) * caustic * (0.35 + 0.65 * (1.0 - deep));
    // Foam where it licks the bank, in two broken lines.
    let lap = depth + 0.05 * fbm(q * 4.0, 3, seed ^ 5);
    let foam = (1.0 - smooth(0.012, 0.05, (lap - 0.06).abs()))
        * smooth(-0.2, 0.25, fbm(q * 2.2, 2, seed ^ 6))
        + 0.5
            * (1.0 - smooth(0.01, 0.04, (lap - 0.26).abs()))
            * smooth(0.0, 0.4, fbm(q * 1.7, 2, seed ^ 7));
    colour = mix(colour, Vec3::new(0.83, 0.89, 0.84), 0.55 * foam.min(1.0));
    let surface = Texel {
        colour,
        height: -0.10 + 0.03 * swell + 0.01 * caustic,
        wet: 1.0,
    };
    bed.under(surface, smooth(-0.02, 0.02, depth))
}
