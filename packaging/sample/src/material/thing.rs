//! Furnishings of halls and tombs: pillars, sarcophagi, fires, bones, rugs and the like.

use super::stone;
use crate::canvas::{Canvas, Texel};
use crate::noise::{Dice, fbm, noise, smooth};
use crate::palette::{BONE, FLAME, GOLD, INK, IRON, TOMB_STONE, WALL_STONES, mix};
use crate::shape::{block, circle, rounded, segment};
use glam::{Vec2, Vec3};

/// Dressed pale stone at a position, for tombs, altars and pillars.
fn dressed(p: Vec2, tone: Vec3, seed: u32) -> Texel {
    let grain = fbm(p * 6.0, 4, seed);
    let stain = fbm(p * 1.3, 3, seed ^ 1);
    Texel::new(tone * (0.96 + 0.10 * grain + 0.12 * stain), 0.01 * grain)
}

/// A round pillar on a square base.
pub fn pillar(canvas: &mut Canvas, centre: Vec2, radius: f32, seed: u32) {
    let base = Vec2::splat(radius * 1.12);
    canvas.lay(
        centre,
        0.0,
        radius * 1.7,
        |p| rounded(p, base, 0.04),
        |p, d| {
            dressed(p + centre, WALL_STONES[0], seed).raised(0.13 + 0.05 * smooth(0.0, 0.06, -d))
        },
    );
    canvas.lay(
        centre,
        0.0,
        radius * 1.1,
        |p| p.length() - radius * 0.9,
        |p, d| {
            let ring = 1.0 - smooth(0.015, 0.03, (d + radius * 0.22).abs());
            let mut texel = dressed(p + centre, WALL_STONES[2], seed ^ 2);
            texel.height += 0.72 + 0.10 * smooth(0.0, radius * 0.6, -d);
            texel.shaded(1.0 - 0.30 * ring)
        },
    );
}

/// The stump of a fallen pillar.
pub fn broken_pillar(canvas: &mut Canvas, centre: Vec2, radius: f32, seed: u32) {
    let base = Vec2::splat(radius * 1.12);
    canvas.lay(
        centre,
        0.0,
        radius * 1.7,
        |p| rounded(p, base, 0.04),
        |p, d| {
            dressed(p + centre, WALL_STONES[0], seed).raised(0.13 + 0.05 * smooth(0.0, 0.06, -d))
        },
    );
    canvas.lay(
        centre,
        0.0,
        radius * 1.1,
        |p| p.length() - radius * (0.84 + 0.14 * noise(p * 6.0, seed)),
        |p, _| {
            let jag = fbm(p * 3.5, 3, seed ^ 5);
            dressed(p + centre, WALL_STONES[1], seed ^ 2).raised(0.28 + 0.22 * jag)
        },
    );
}

/// A drum of a pillar that lies on its side, along `angle`.
pub fn fallen_drum(
    canvas: &mut Canvas,
    centre: Vec2,
    angle: f32,
    half_length: f32,
    radius: f32,
    seed: u32,
) {
    let half = Vec2::new(half_length, radius);
    canvas.lay(
        centre,
        angle,
        half.length(),
        |p| rounded(p, half, 0.03) + 0.02 * noise(p * 7.0, seed),
        |p, _| {
            let round = (1.0 - (p.y / radius).powi(2)).max(0.0).sqrt();
            let flute = ((p.y / radius).clamp(-1.0, 1.0).asin() * 9.0).cos();
            let mut texel = dressed(p + centre, WALL_STONES[1], seed);
            texel.height += radius * (0.3 + 1.1 * round) + 0.012 * flute;
            texel.shaded(0.95 + 0.05 * flute)
        },
    );
}

/// A stone coffin with its long side along y; the lid carries a carved figure, or is `open`.
pub fn sarcophagus(canvas: &mut Canvas, centre: Vec2, angle: f32, open: bool, seed: u32) {
    let half = Vec2::new(0.46, 0.92);
    let plinth = half + 0.10;
    canvas.lay(
        centre,
        angle,
        1.3,
        |p| rounded(p, plinth, 0.03),
        |p, d| {
            dressed(p + centre, TOMB_STONE * 0.78, seed).raised(0.10 + 0.04 * smooth(0.0, 0.05, -d))
        },
    );
    canvas.lay(
        centre,
        angle,
        1.2,
        |p| rounded(p, half, 0.03),
        |p, d| {
            let rim = smooth(0.09, 0.075, -d);
            let inside = dressed(p, INK * 1.6, seed).raised(0.02);
            let wall = dressed(p + centre, TOMB_STONE * 0.92, seed ^ 3)
                .raised(0.34 + 0.02 * smooth(0.0, 0.03, -d));
            if open { inside.under(wall, rim) } else { wall }
        },
    );
    if open {
        skeleton(
            canvas,
            centre + Vec2::from_angle(angle).rotate(Vec2::new(0.0, -0.05)),
            angle,
            0.62,
            seed,
        );
    }
    let (lid_at, lid_turn) = if open {
        (
            centre + Vec2::from_angle(angle).rotate(Vec2::new(0.58, 0.22)),
            angle + 0.42,
        )
    } else {
        (centre, angle)
    };
    let lid = half - 0.03;
    let lift = 0.10;
    canvas.lay(
        lid_at,
        lid_turn,
        1.2,
        |p| rounded(p, lid, 0.04),
        |p, d| {
            let mut texel = dressed(p + lid_at, TOMB_STONE, seed ^ 7);
            let groove = 1.0 - smooth(0.010, 0.022, (d + 0.09).abs());
            // The effigy: head, shoulders, crossed hands on a sword, robe.
            let head = circle(p, Vec2::new(0.0, -0.56), 0.115);
            let shoulders = rounded(p - Vec2::new(0.0, -0.30), Vec2::new(0.21, 0.13), 0.11);
            let robe = rounded(
                p - Vec2::new(0.0, 0.16),
                Vec2::new(0.16 + 0.05 * p.y, 0.50),
                0.08,
            );
            let body = head.min(shoulders).min(robe);
            let sword = block(p - Vec2::new(0.0, 0.15), Vec2::new(0.022, 0.44))
                .min(block(p - Vec2::new(0.0, -0.16), Vec2::new(0.10, 0.02)));
            let relief = smooth(0.02, -0.09, body) * 0.13 + smooth(0.01, -0.015, sword) * 0.035;
            let outline = 1.0 - smooth(0.008, 0.022, body.abs());
            let crack = 1.0
                - smooth(
                    0.005,
                    0.014,
                    (p.y - 0.2 + 0.5 * p.x + 0.06 * noise(p * 5.0, seed)).abs(),
                );
            let cracked = if seed.is_multiple_of(3) { crack } else { 0.0 };
            texel.height +=
                lift + 0.05 * smooth(0.0, 0.06, -d) + relief - 0.02 * groove - 0.02 * cracked;
            texel.shaded(1.0 - 0.32 * groove - 0.30 * outline - 0.45 * cracked)
        },
    );
}

/// A skeleton that lies along y, its head up; `scale` is half its length.
pub fn skeleton(canvas: &mut Canvas, centre: Vec2, angle: f32, scale: f32, seed: u32) {
    let mut bones: Vec<(Vec2, Vec2, f32)> = vec![
        (Vec2::new(0.0, -0.55), Vec2::new(0.0, 0.10), 0.035),
        (Vec2::new(-0.22, -0.46), Vec2::new(0.22, -0.46), 0.028),
        (Vec2::new(-0.14, 0.12), Vec2::new(0.14, 0.12), 0.060),
    ];
    for side in [-1.0, 1.0] {
        let mirrored = |x: f32, y: f32| Vec2::new(x * side, y);
        for rib in 0..4 {
            let y = -0.38 + 0.11 * rib as f32;
            bones.push((
                mirrored(0.02, y),
                mirrored(0.17 - 0.02 * rib as f32, y + 0.05),
                0.018,
            ));
        }
        bones.push((mirrored(0.23, -0.45), mirrored(0.30, -0.12), 0.026));
        bones.push((mirrored(0.30, -0.12), mirrored(0.16, 0.14), 0.022));
        bones.push((mirrored(0.11, 0.16), mirrored(0.15, 0.54), 0.036));
        bones.push((mirrored(0.15, 0.54), mirrored(0.12, 0.93), 0.030));
    }
    let outline = move |p: Vec2| {
        let q = p / scale;
        let skull = circle(q, Vec2::new(0.0, -0.76), 0.15).min(rounded(
            q - Vec2::new(0.0, -0.63),
            Vec2::new(0.085, 0.07),
            0.03,
        ));
        bones
            .iter()
            .map(|(a, b, r)| segment(q, *a, *b) - r)
            .fold(skull, f32::min)
            * scale
    };
    canvas.lay(centre, angle, scale * 1.1, outline, |p, d| {
        let q = p / scale;
        let eyes = circle(Vec2::new(q.x.abs(), q.y), Vec2::new(0.06, -0.76), 0.038);
        let bone = BONE * (0.95 + 0.08 * noise(p * 9.0, seed));
        Texel::new(
            mix(INK, bone, smooth(-0.01, 0.02, eyes)),
            0.03 + 0.05 * smooth(0.0, 0.03, -d),
        )
    });
}

/// Loose bones and a skull or two, strewn over a disc.
pub fn bones(canvas: &mut Canvas, centre: Vec2, radius: f32, count: usize, seed: u32) {
    let mut dice = Dice::new(u64::from(seed));
    for i in 0..count {
        let at = centre + Vec2::from_angle(dice.between(0.0, 6.3)) * radius * dice.roll().sqrt();
        let angle = dice.between(0.0, 6.3);
        let tone = dice.between(0.8, 1.0);
        if i % 5 == 0 {
            canvas.lay(
                at,
                angle,
                0.2,
                |p| {
                    circle(p, Vec2::ZERO, 0.10).min(rounded(
                        p - Vec2::new(0.0, 0.09),
                        Vec2::new(0.058, 0.05),
                        0.02,
                    ))
                },
                |p, d| {
                    let eyes = circle(Vec2::new(p.x.abs(), p.y), Vec2::new(0.042, 0.02), 0.027);
                    Texel::new(
                        mix(INK, BONE * tone, smooth(-0.005, 0.012, eyes)),
                        0.04 + 0.09 * smooth(0.0, 0.08, -d),
                    )
                },
            );
        } else {
            let half = dice.between(0.08, 0.15);
            canvas.lay(
                at,
                angle,
                0.25,
                |p| {
                    let q = Vec2::new(p.x.abs(), p.y.abs());
                    (segment(p, Vec2::new(-half, 0.0), Vec2::new(half, 0.0)) - 0.018).min(circle(
                        q,
                        Vec2::new(half, 0.018),
                        0.024,
                    ))
                },
                |_, d| Texel::new(BONE * tone, 0.03 + 0.04 * smooth(0.0, 0.03, -d)),
            );
        }
    }
}

/// An iron fire basket; put a lamp over it.
pub fn brazier(canvas: &mut Canvas, centre: Vec2, radius: f32, seed: u32) {
    canvas.lay(
        centre,
        0.3,
        radius * 1.6,
        |p| {
            let leg = segment(p.abs(), Vec2::ZERO, Vec2::splat(radius)) - 0.035;
            leg.min(p.length() - radius)
        },
        |p, _| {
            let r = p.length() / radius;
            let ember = fbm(p * 9.0, 3, seed);
            let coals = mix(
                Vec3::new(0.85, 0.30, 0.08),
                Vec3::new(1.0, 0.68, 0.30),
                0.5 + ember,
            ) * (0.75 - 0.35 * r);
            let rim = smooth(0.68, 0.76, r);
            Texel::new(
                mix(coals, IRON * 1.15, rim),
                0.42 + 0.06 * rim + 0.05 * ember * (1.0 - rim),
            )
        },
    );
}

/// A cluster of candles.
pub fn candles(canvas: &mut Canvas, centre: Vec2, count: usize, seed: u32) {
    let mut dice = Dice::new(u64::from(seed));
    for _ in 0..count {
        let at = centre + dice.point(Vec2::splat(-0.18), Vec2::splat(0.18));
        let radius = dice.between(0.035, 0.055);
        let height = dice.between(0.12, 0.3);
        canvas.lay(
            at,
            0.0,
            0.1,
            |p| p.length() - radius,
            |p, _| {
                let flame = smooth(0.03, 0.008, p.length());
                Texel::new(mix(Vec3::new(0.86, 0.80, 0.64), FLAME * 1.6, flame), height)
            },
        );
    }
}

/// A chest with iron corners; the lock to the front (+y).
pub fn chest(canvas: &mut Canvas, centre: Vec2, angle: f32, seed: u32) {
    let half = Vec2::new(0.34, 0.22);
    canvas.lay(
        centre,
        angle,
        0.5,
        |p| rounded(p, half, 0.03),
        |p, _| {
            let mut texel = super::wood::planks(p + 11.0, 0.11, 9.0, seed);
            let band = (1.0 - smooth(0.03, 0.04, (p.x.abs() - 0.20).abs())).max(smooth(
                0.04,
                0.03,
                half.x - p.x.abs(),
            ));
            let lock = rounded(p - Vec2::new(0.0, 0.17), Vec2::new(0.05, 0.05), 0.01);
            texel.colour = mix(texel.colour, GOLD * 0.85, band);
            texel.colour = mix(texel.colour, GOLD * 1.2, smooth(0.01, -0.01, lock));
            let round = (1.0 - (p.y / half.y).powi(2)).max(0.0).sqrt();
            texel.height += 0.30 + 0.14 * round + 0.02 * band;
            texel
        },
    );
}

/// A woven rug with a border, its long side along x, worn through at the edges when `torn`.
pub fn rug(
    canvas: &mut Canvas,
    centre: Vec2,
    angle: f32,
    half: Vec2,
    cloth: Vec3,
    torn: bool,
    seed: u32,
) {
    let ragged = if torn { 0.09 } else { 0.01 };
    canvas.lay(
        centre,
        angle,
        half.length() + 0.1,
        |p| {
            block(p, half)
                + ragged * (noise(p * 2.6, seed) + 0.6 * noise(p * 8.0, seed ^ 1)).max(-0.2)
        },
        |p, _| {
            let d = block(p, half);
            let weave = ((p.x * 90.0).sin() * (p.y * 90.0).sin()) * 0.05;
            let wear = smooth(0.05, 0.6, fbm(p * 1.1, 4, seed ^ 2));
            let band = 1.0 - smooth(0.035, 0.05, (d + 0.20).abs());
            let fringe = smooth(-0.10, -0.085, d);
            let lozenge =
                ((p.x / 0.8).rem_euclid(1.0) - 0.5).abs() + (p.y / half.y.min(0.9)).abs() * 0.5;
            let figure = 1.0 - smooth(0.02, 0.045, (lozenge - 0.34).abs());
            let mut colour = cloth * (0.95 + weave + 0.14 * fbm(p * 2.0, 3, seed));
            colour = mix(
                colour,
                GOLD * 0.85,
                0.75 * band.max(figure * smooth(-0.26, -0.3, d)),
            );
            colour = mix(colour, cloth * 0.55, fringe);
            colour = mix(colour, Vec3::splat(0.42) * (0.7 + cloth * 0.6), 0.45 * wear);
            Texel::new(
                colour,
                0.03 + weave * 0.08 + 0.02 * fbm(p * 0.9, 2, seed ^ 4),
            )
        },
    );
}

/// A raised slab, an altar or a dais: dressed stone of half size `half`.
pub fn slab(
    canvas: &mut Canvas,
    centre: Vec2,
    angle: f32,
    half: Vec2,
    height: f32,
    tone: Vec3,
    seed: u32,
) {
    canvas.lay(
        centre,
        angle,
        half.length(),
        |p| rounded(p, half, 0.04),
        |p, d| {
            let groove = 1.0 - smooth(0.008, 0.02, (d + 0.10).abs());
            dressed(p + centre, tone, seed)
                .raised(height + 0.05 * smooth(0.0, 0.06, -d))
                .shaded(1.0 - 0.25 * groove)
        },
    );
}

/// Steps that fall towards +x in the frame turned by `angle`; `fall` cells of drop in all.
pub fn stairs(
    canvas: &mut Canvas,
    centre: Vec2,
    angle: f32,
    half: Vec2,
    steps: u32,
    fall: f32,
    seed: u32,
) {
    canvas.lay(
        centre,
        angle,
        half.length(),
        |p| block(p, half),
        |p, _| {
            let run = ((p.x + half.x) / (2.0 * half.x)).clamp(0.0, 0.999) * steps as f32;
            let step = run.floor();
            let nosing = run - step;
            let mut texel =
                stone::wall_top(p + centre, p.y + 0.31 * step, 0.3, 0.6, seed ^ step as u32);
            let worn = 0.04 * smooth(0.6, 0.0, (p.y / half.y).abs());
            texel.height = -fall * step / (steps - 1).max(1) as f32 - worn;
            let lip = smooth(0.80, 0.93, nosing);
            let foot = smooth(0.16, 0.0, nosing);
            texel.shaded(
                (1.0 + 0.16 * lip - 0.34 * foot)
                    * (1.0 - 0.5 * step / steps as f32 * fall.min(1.0)),
            )
        },
    );
}

/// A cobweb in a corner whose walls run along +x and +y from `corner`, mirrored by `flip`.
pub fn cobweb(canvas: &mut Canvas, corner: Vec2, flip: Vec2, reach: f32, seed: u32) {
    let pixel = canvas.pixel();
    canvas.paint(crate::canvas::Area::around(corner, reach), |p, below| {
        let q = (p - corner) * flip;
        if q.x < 0.0 || q.y < 0.0 || q.length() > reach {
            return below;
        }
        let angle = q.to_angle() / std::f32::consts::FRAC_PI_2;
        let spoke = ((angle * 5.0).fract() - 0.5).abs() - 0.5;
        let spoke = spoke.abs() * q.length() * 0.31;
        let sag = 1.0 + 0.16 * (angle * 5.0 * std::f32::consts::PI).sin().abs();
        let ring = (((q.length() * sag / reach * 6.0 + 0.15 * noise(q * 4.0, seed)).fract() - 0.5)
            .abs()
            - 0.5)
            .abs()
            * reach
            / 6.0;
        let thread =
            (0.9 - spoke.min(ring) / pixel).clamp(0.0, 1.0) * smooth(1.0, 0.7, q.length() / reach);
        below.tinted(Vec3::splat(0.86), 0.34 * thread)
    });
}
