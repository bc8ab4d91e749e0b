//! Stone: flags, dressed walls, living rock, cobbles, rubble and moss.

use crate::canvas::Texel;
use crate::noise::{cellular, fbm, fbm01, hash, hash_unit, noise, smooth, unit, wobble};
use crate::palette::{FLAG_STONES, INK, MOSS, ROCK, WALL_STONES, mix, ramp};
use glam::{IVec2, Vec2, Vec3};

/// A flag of the floor: where the position lies in it, and how far from its edge.
struct Flag {
    id: u32,
    edge: f32,
    from_centre: Vec2,
}

/// The flag at a position. Each cell is one flag, two or four, so that joints fall on the grid.
fn flag_at(p: Vec2, seed: u32) -> Flag {
    let cell = p.floor().as_ivec2();
    let f = p - p.floor();
    let bits = hash(cell, seed);
    let cut = 0.42 + 0.16 * unit(bits.rotate_left(7));
    let (mut min, mut max, mut part) = (Vec2::ZERO, Vec2::ONE, 0);
    let kind = bits % 16;
    if matches!(kind, 7..=9 | 13..=15) {
        if f.x < cut {
            max.x = cut
        } else {
            (min.x, part) = (cut, 1)
        }
    }
    if kind >= 10 {
        let cut = if part == 0 { cut } else { 1.0 - cut };
        if f.y < cut {
            max.y = cut
        } else {
            (min.y, part) = (cut, part + 2)
        }
    }
    let half = (max - min) * 0.5;
    let from_centre = f - (min + max) * 0.5;
    let corner = 0.05 + 0.08 * unit(bits.rotate_left(part * 5 + 3));
    Flag {
        id: bits ^ (part * 0x9E37),
        edge: -crate::shape::rounded(from_centre, half, corner),
        from_centre,
    }
}

/// A floor of worn flags with its joints on the cell lines.
pub fn flags(p: Vec2, seed: u32) -> Texel {
    let flag = flag_at(
        p + wobble(p * 3.1, 0.018, seed) + wobble(p * 9.0, 0.006, seed),
        seed,
    );
    let tone = unit(flag.id.wrapping_mul(0x2545_F491));
    let stain = fbm(p * 0.55, 4, seed ^ 3);
    let grain = fbm(p * 5.5, 4, seed ^ 5);
    let mut colour = ramp(&FLAG_STONES, tone + 0.12 * stain);
    colour *= 1.0 + 0.13 * stain + 0.13 * grain;
    // Pits and flecks of the chisel.
    let pits = smooth(0.35, 0.62, fbm(p * 13.0, 2, seed ^ 8));
    colour *= 1.0 - 0.16 * pits;
    let tilt = Vec2::from_angle(tone * 40.0) * (0.035 + 0.05 * unit(flag.id.wrapping_mul(77)));
    let mut height =
        smooth(0.0, 0.075, flag.edge) * 0.035 + flag.from_centre.dot(tilt) + grain * 0.014
            - pits * 0.006;
    // One flag in four is cracked across.
    if flag.id.is_multiple_of(4) {
        let across = Vec2::from_angle(tone * 17.0);
        let line = flag.from_centre.dot(across) + 0.10 * fbm(p * 3.0, 3, flag.id);
        let crack = 1.0 - smooth(0.006, 0.02, line.abs());
        colour = mix(colour, INK, 0.6 * crack);
        height -= 0.02 * crack;
    }
    let joint = 1.0 - smooth(0.006, 0.032, flag.edge);
    colour = mix(colour, mix(INK, MOSS, 0.18), 0.78 * joint);
    // The rim of each flag is worn paler.
    colour *= 1.0 + 0.10 * (1.0 - smooth(0.02, 0.11, flag.edge)) * (1.0 - joint);
    Texel::new(colour, height - 0.02)
}

/// The top of a dressed wall. `along` runs along the wall, `across` from its face (0) to its
/// back (`thickness`); both in cells.
pub fn wall_top(p: Vec2, along: f32, across: f32, thickness: f32, seed: u32) -> Texel {
    let course = along + 0.03 * noise(p * 2.0, seed);
    let stone = course.div_euclid(0.62) as i32;
    let bits = hash(IVec2::new(stone, 0), seed);
    let start = 0.12 * (unit(bits) - 0.5);
    let next = 0.12 * (hash_unit(IVec2::new(stone + 1, 0), seed) - 0.5);
    let x = course - stone as f32 * 0.62;
    let end = (x - start).min(0.62 + next - x);
    let edge = end.min(across).min(thickness - across);
    let grain = fbm(p * 6.0, 4, seed ^ 11);
    let mut colour = ramp(&WALL_STONES, unit(bits.rotate_left(9)));
    colour *= 0.93 + 0.14 * grain + 0.10 * fbm(p * 0.7, 2, seed ^ 2);
    colour = mix(colour, INK, 0.62 * (1.0 - smooth(0.0, 0.04, end)));
    let tilt = (unit(bits.rotate_left(17)) - 0.5) * 0.10 * x;
    Texel::new(
        colour,
        0.62 + smooth(0.0, 0.07, edge) * 0.05 + grain * 0.02 + tilt,
    )
}

/// Living rock at `depth` cells behind a wall: lit roughly near the rooms, black far inside.
pub fn rock(p: Vec2, depth: f32, seed: u32) -> Texel {
    let q = p + wobble(p * 0.8, 0.35, seed);
    let slab = cellular(q * 1.15, 0.9, seed);
    let chip = cellular(q * 3.4, 0.95, seed ^ 21);
    let rough = fbm(p * 4.0, 4, seed ^ 7);
    let facet = Vec2::from_angle(unit(slab.id) * 6.3).dot(slab.from_centre) * 0.14
        + Vec2::from_angle(unit(chip.id) * 6.3).dot(chip.from_centre) * 0.035;
    let lit = (1.0 - smooth(-0.1, 1.5, depth)) * 0.85 + 0.13 * unit(slab.id) + 0.14 * rough;
    let joint = 1.0 - smooth(0.0, 0.07, slab.border_distance);
    let colour = ramp(&ROCK, lit) * (1.0 + 0.1 * unit(chip.id)) * (1.0 - 0.26 * joint);
    Texel::new(
        colour,
        0.66 + facet + rough * 0.05 - joint * 0.06 + 0.15 * smooth(0.0, 1.2, depth),
    )
}

/// Round cobbles, `scale` to a cell, wet in the hollows.
pub fn cobbles(p: Vec2, scale: f32, seed: u32, tones: &[Vec3]) -> Texel {
    // Laid in rows: every second one shifted by half a stone.
    let q = p * scale + wobble(p * 0.9, 0.25, seed);
    let row = q.y.floor();
    let q = Vec2::new(q.x * 0.86 + 0.5 * row.rem_euclid(2.0), q.y);
    let stone = cellular(q, 0.52, seed);
    let edge = stone.border_distance / scale;
    let tone = unit(stone.id);
    let grain = fbm(p * 9.0, 3, seed ^ 4);
    let wear = fbm(p * 0.45, 3, seed ^ 6);
    let mut colour = ramp(tones, tone + 0.25 * wear) * (1.0 + 0.12 * grain + 0.10 * wear);
    let joint = 1.0 - smooth(0.004, 0.03, edge);
    colour = mix(colour, INK, 0.72 * joint);
    let crown = 1.0 - (1.0 - (edge / 0.10).min(1.0)).powi(2);
    let tilt = Vec2::from_angle(tone * 50.0).dot(stone.from_centre) / scale * 0.16;
    Texel {
        colour,
        height: crown * 0.05 + tilt + grain * 0.008 - 0.03,
        wet: 0.55 + 0.45 * smooth(-0.2, 0.4, fbm(p * 0.8, 3, seed ^ 9)),
    }
}

/// Fallen stones over what is below; `amount` 0 none to 1 heaped.
pub fn rubble(p: Vec2, below: Texel, amount: f32, seed: u32) -> Texel {
    let mut out = below;
    for (scale, size) in [(6.5, 0.55), (3.4, 0.75), (2.0, 0.8)] {
        let q = p * scale + wobble(p * 4.0, 0.15, seed);
        let stone = cellular(q, 0.9, seed ^ scale.to_bits());
        let tone = unit(stone.id);
        if tone > amount * size * 1.25 {
            continue;
        }
        let edge = stone.border_distance / scale;
        let coverage = smooth(0.008, 0.03, edge - 0.03 * noise(p * 11.0, seed));
        let facet = Vec2::from_angle(tone * 90.0).dot(stone.from_centre) / scale * 0.5;
        let colour = ramp(&WALL_STONES, unit(stone.id.rotate_left(13)))
            * (0.96 + 0.16 * fbm(p * 8.0, 3, seed));
        let line = 1.0 - smooth(0.010, 0.035, edge);
        let height = below.height + (0.06 + 0.35 / scale * smooth(0.0, 0.18, edge)) + facet;
        out = out.under(Texel::new(colour * (1.0 - 0.45 * line), height), coverage);
    }
    out
}

/// Moss and damp over stone; `amount` 0 none to 1 much.
pub fn mossed(p: Vec2, below: Texel, amount: f32, seed: u32) -> Texel {
    let patch = fbm01(p * 1.4, 4, seed) + 0.35 * fbm(p * 9.0, 2, seed ^ 1);
    let cover = smooth(1.0 - amount * 0.75, 1.15 - amount * 0.55, patch);
    let tuft = fbm(p * 16.0, 2, seed ^ 2);
    let moss = Texel::new(
        MOSS * (0.85 + 0.35 * tuft),
        below.height + 0.02 + 0.015 * tuft,
    );
    below.under(moss, cover * 0.8)
}
