//! "The Sunken Crypt": a drowned burial hall under an abbey, 34 by 19 cells.
//!
//! Walls stand outside of whole cells, so that every floor ends on a grid line.

use crate::canvas::{Area, Canvas, Texel};
use crate::light::{Lamp, Light};
use crate::material::{stone, thing, water, wood};
use crate::noise::{fbm, smooth, wobble};
use crate::palette::{GOLD, INK, RED_CLOTH, TOMB_STONE, mix, rgb};
use crate::picture::Scene;
use crate::shape::{circle, rect};
use glam::{Vec2, Vec3};
use std::f32::consts::{FRAC_PI_2, PI};

/// Columns and rows of the map.
pub const CELLS: (u32, u32) = (34, 19);

const SEED: u32 = 1301;
const WALL: f32 = 0.40;

/// Rooms and passages, from their top left to their bottom right corner.
const ROOMS: [[f32; 4]; 13] = [
    [2.0, 12.0, 8.0, 17.0],   // porch at the foot of the stairs
    [4.0, 9.0, 6.0, 12.0],    // passage north
    [2.0, 2.0, 9.0, 9.0],     // guard room
    [9.0, 5.0, 12.0, 7.0],    // passage east
    [12.0, 2.0, 24.0, 12.0],  // the sunken nave
    [24.0, 4.0, 27.0, 5.0],   // passage to the tombs
    [27.0, 2.0, 32.0, 8.0],   // tombs of the abbots
    [8.0, 15.0, 11.0, 16.0],  // passage to the ossuary
    [11.0, 14.0, 17.0, 17.0], // ossuary
    [19.0, 12.0, 21.0, 14.0], // stair landing south of the nave
    [19.0, 14.0, 25.5, 16.0], // passage to the shrine
    [29.0, 8.0, 30.0, 11.0],  // hidden way from the tombs to the shrine
    [17.0, 15.0, 19.0, 16.0], // crawl from the ossuary
];
const SHRINE: Vec2 = Vec2::new(28.5, 14.0);
const SHRINE_RADIUS: f32 = 3.5;
/// The flooded middle of the nave.
const POOL: [f32; 4] = [15.0, 4.0, 21.0, 10.0];

const BRAZIERS: [Vec2; 6] = [
    Vec2::new(13.5, 3.5),
    Vec2::new(22.5, 3.5),
    Vec2::new(13.5, 10.5),
    Vec2::new(22.5, 10.5),
    Vec2::new(3.5, 13.5),
    Vec2::new(6.5, 13.5),
];

/// The map.
pub struct Crypt;

fn room_distance(p: Vec2) -> f32 {
    let rooms = ROOMS
        .iter()
        .map(|[x0, y0, x1, y1]| rect(p, Vec2::new(*x0, *y0), Vec2::new(*x1, *y1)))
        .fold(f32::MAX, f32::min);
    rooms.min(circle(p, SHRINE, SHRINE_RADIUS))
}

fn pool_distance(p: Vec2) -> f32 {
    rect(p, Vec2::new(POOL[0], POOL[1]), Vec2::new(POOL[2], POOL[3]))
}

/// Floor, walls and rock.
fn fabric(p: Vec2) -> Texel {
    let drawn = p + wobble(p * 2.2, 0.022, SEED);
    let d = room_distance(drawn);
    if d <= 0.0 {
        return floor(p, d);
    }
    if d >= WALL {
        return stone::rock(p, d - WALL, SEED);
    }
    let step = 0.02;
    let slope = Vec2::new(
        room_distance(drawn + Vec2::X * step) - room_distance(drawn - Vec2::X * step),
        room_distance(drawn + Vec2::Y * step) - room_distance(drawn - Vec2::Y * step),
    );
    let round = circle(p, SHRINE, SHRINE_RADIUS);
    let along = if (round - d).abs() < 0.1 {
        (p - SHRINE).to_angle() * SHRINE_RADIUS
    } else if slope.y.abs() > slope.x.abs() {
        drawn.x
    } else {
        drawn.y + 0.31
    };
    stone::wall_top(p, along, d, WALL, SEED)
}

fn floor(p: Vec2, d: f32) -> Texel {
    let mut texel = stone::flags(p, SEED);
    let round = circle(p, SHRINE, SHRINE_RADIUS);
    if round < 0.0 {
        texel = shrine_floor(p, texel);
    }
    // Dirt gathers along the walls, damp around the pool.
    let dirt = smooth(-0.55, 0.0, d + 0.25 * fbm(p * 1.7, 3, SEED ^ 40));
    texel = texel.tinted(rgb(0x3a322b), 0.42 * dirt);
    let pool = pool_distance(p);
    let damp = smooth(2.6, 0.0, pool + 0.9 * fbm(p * 0.8, 3, SEED ^ 41));
    texel = stone::mossed(p, texel, 0.24 + 0.62 * damp, SEED ^ 42);
    texel.wet = 0.7 * damp;
    texel
}

/// Rings and rays of inlaid stone round the shrine's altar.
fn shrine_floor(p: Vec2, below: Texel) -> Texel {
    let q = p - SHRINE;
    let r = q.length();
    let ring =
        |radius: f32, width: f32| 1.0 - smooth(width * 0.5, width * 0.5 + 0.02, (r - radius).abs());
    let sector = (q.to_angle() / PI * 4.0).rem_euclid(1.0);
    let ray = 1.0 - smooth(0.03, 0.05, (sector - 0.5).abs() * r * PI / 4.0);
    let star = {
        let angle = q.to_angle();
        let points = (angle * 4.0).cos().abs();
        1.0 - smooth(0.03, 0.055, (r - 1.25 - 1.0 * points.powi(3)).abs())
    };
    let worn = 0.72 + 0.28 * fbm(p * 1.8, 3, SEED ^ 50);
    let inlay = ring(3.1, 0.12).max(ring(2.75, 0.05)).max(ring(1.12, 0.10));
    let rays = ray * smooth(1.15, 1.25, r) * smooth(2.75, 2.65, r);
    let texel = below.tinted(rgb(0x5b5f6e), 0.35 * smooth(3.1, 3.0, r));
    texel
        .tinted(mix(GOLD, TOMB_STONE, 0.4), 0.75 * worn * inlay.max(star))
        .tinted(INK, 0.28 * rays)
}

fn pool(canvas: &mut Canvas) {
    canvas.paint(
        Area::new(
            Vec2::new(POOL[0] - 0.6, POOL[1] - 0.6),
            Vec2::new(POOL[2] + 0.6, POOL[3] + 0.6),
        ),
        |p, below| {
            let drawn = p + wobble(p * 2.2, 0.02, SEED ^ 60);
            let d = pool_distance(drawn);
            if d > 0.30 {
                return below;
            }
            if d > 0.0 {
                let centre = Vec2::new((POOL[0] + POOL[2]) * 0.5, (POOL[1] + POOL[3]) * 0.5);
                let q = (p - centre).abs();
                let along = if q.x > q.y { p.y } else { p.x };
                let mut kerb =
                    stone::wall_top(p, along, d, 0.30, SEED ^ 61).tinted(TOMB_STONE, 0.35);
                kerb.height = kerb.height - 0.62 + 0.08;
                return stone::mossed(p, kerb, 0.42, SEED ^ 62);
            }
            // Three drowned steps lead down into the dark.
            let step = (-d / 0.5).floor().min(3.0);
            let lip = smooth(0.08, 0.0, -d - step * 0.5);
            let mut bed = stone::flags(p, SEED ^ 63).shaded(0.80 - 0.13 * step);
            bed.height = -0.10 - 0.10 * step;
            bed.colour *= 1.0 + 0.35 * lip;
            let flood = water::water(p, bed, 0.12 - d * 0.42, Vec2::ZERO, SEED ^ 64);
            Texel {
                height: flood.height + 0.25 * (bed.height + 0.10),
                ..flood
            }
        },
    );
}

impl Scene for Crypt {
    fn cells(&self) -> Vec2 {
        Vec2::new(CELLS.0 as f32, CELLS.1 as f32)
    }

    fn light(&self) -> Light {
        let fire = |at: Vec2, reach: f32, strength: f32| Lamp {
            at,
            height: 0.75,
            reach,
            colour: Vec3::new(1.0, 0.60, 0.26) * strength,
        };
        let mut lamps: Vec<Lamp> = BRAZIERS.iter().map(|at| fire(*at, 6.5, 0.8)).collect();
        lamps.push(fire(Vec2::new(4.6, 4.3), 5.0, 0.85));
        lamps.push(fire(Vec2::new(28.0, 2.7), 5.0, 0.7));
        lamps.push(fire(Vec2::new(31.0, 2.7), 5.0, 0.7));
        lamps.push(fire(Vec2::new(14.0, 14.4), 4.5, 0.8));
        // Something cold glows over the altar, and in the deep of the pool.
        lamps.push(Lamp {
            at: SHRINE,
            height: 1.1,
            reach: 5.0,
            colour: Vec3::new(0.34, 0.78, 0.86) * 0.85,
        });
        lamps.push(Lamp {
            at: Vec2::new(18.0, 7.0),
            height: 2.4,
            reach: 5.5,
            colour: Vec3::new(0.20, 0.62, 0.60) * 0.30,
        });
        Light {
            towards_sun: Vec3::new(-0.55, -0.75, 0.95),
            sun: Vec3::new(0.50, 0.48, 0.46),
            ambient: Vec3::new(0.38, 0.41, 0.48),
            shadow: 0.85,
            shadow_reach: 1.0,
            occlusion: 1.0,
            saturation: 1.0,
            relief: 1.25,
            lamps,
        }
    }

    fn paint(&self, canvas: &mut Canvas) {
        canvas.fill(|p, _| fabric(p));
        pool(canvas);
        rubble_heaps(canvas);
        furnish(canvas);
    }
}

fn rubble_heaps(canvas: &mut Canvas) {
    let heaps = [
        (Vec2::new(16.2, 16.3), 1.5, 0.95),
        (Vec2::new(17.6, 15.5), 1.2, 0.85),
        (Vec2::new(8.3, 2.6), 1.2, 0.7),
        (Vec2::new(23.2, 7.6), 1.4, 0.65),
        (Vec2::new(12.6, 8.6), 1.0, 0.6),
        (Vec2::new(31.4, 7.3), 1.0, 0.7),
        (Vec2::new(24.4, 15.4), 0.9, 0.6),
        (Vec2::new(2.5, 8.4), 0.9, 0.5),
    ];
    for (at, reach, amount) in heaps {
        canvas.paint(Area::around(at, reach), |p, below| {
            if room_distance(p) > 0.05 {
                return below;
            }
            let near = 1.0 - p.distance(at) / reach + 0.25 * fbm(p * 1.5, 3, SEED ^ 70);
            stone::rubble(p, below, amount * smooth(0.0, 0.8, near), SEED ^ 71)
        });
    }
}

fn furnish(canvas: &mut Canvas) {
    // Porch: stairs up to the abbey.
    thing::stairs(
        canvas,
        Vec2::new(5.0, 16.0),
        FRAC_PI_2,
        Vec2::new(1.0, 1.0),
        6,
        0.75,
        SEED ^ 80,
    );
    for x in [3.8, 6.2] {
        thing::slab(
            canvas,
            Vec2::new(x, 16.0),
            0.0,
            Vec2::new(0.2, 1.0),
            0.36,
            rgb(0x9d968a),
            SEED ^ 81,
        );
    }
    thing::rug(
        canvas,
        Vec2::new(5.0, 13.4),
        FRAC_PI_2,
        Vec2::new(1.3, 0.62),
        RED_CLOTH,
        true,
        SEED ^ 82,
    );

    // Guard room: a table where the dice still lie, weapon rack, beds of straw.
    wood::table(
        canvas,
        Vec2::new(4.5, 4.5),
        0.06,
        Vec2::new(0.95, 0.48),
        SEED ^ 90,
    );
    for (x, y, turn) in [
        (3.8, 3.75, 0.1),
        (5.1, 3.8, -0.3),
        (4.2, 5.3, 3.3),
        (5.5, 5.6, 2.3),
    ] {
        wood::seat(
            canvas,
            Vec2::new(x, y),
            turn,
            true,
            SEED ^ 91 ^ (x * 10.0) as u32,
        );
    }
    thing::candles(canvas, Vec2::new(4.6, 4.4), 3, SEED ^ 92);
    wood::barrel(canvas, Vec2::new(2.45, 2.5), 0.36, SEED ^ 93);
    wood::barrel(canvas, Vec2::new(3.25, 2.42), 0.33, SEED ^ 94);
    wood::crate_box(canvas, Vec2::new(7.5, 8.4), 0.12, 0.38, SEED ^ 95);
    wood::crate_box(canvas, Vec2::new(8.4, 8.5), -0.2, 0.32, SEED ^ 96);
    wood::crate_box(canvas, Vec2::new(8.35, 7.6), 0.5, 0.26, SEED ^ 97);
    thing::chest(canvas, Vec2::new(2.5, 6.5), -FRAC_PI_2, SEED ^ 98);

    // Nave: two rows of pillars, two of them down, and the braziers.
    for (i, x) in [14.5, 17.0, 19.0, 21.5].into_iter().enumerate() {
        for (j, y) in [3.0, 11.0].into_iter().enumerate() {
            let seed = SEED ^ (100 + i as u32 * 2 + j as u32);
            if (i, j) == (3, 1) || (i, j) == (0, 0) {
                thing::broken_pillar(canvas, Vec2::new(x, y), 0.44, seed);
            } else {
                thing::pillar(canvas, Vec2::new(x, y), 0.44, seed);
            }
        }
    }
    thing::fallen_drum(canvas, Vec2::new(22.6, 9.0), -0.9, 0.55, 0.34, SEED ^ 120);
    thing::fallen_drum(canvas, Vec2::new(13.0, 4.9), 0.5, 0.42, 0.34, SEED ^ 121);
    thing::slab(
        canvas,
        Vec2::new(23.0, 7.0),
        0.0,
        Vec2::new(0.5, 1.0),
        0.10,
        rgb(0x8e887d),
        SEED ^ 122,
    );
    for (i, at) in BRAZIERS.into_iter().enumerate() {
        thing::brazier(canvas, at, 0.27, SEED ^ (130 + i as u32));
    }
    thing::bones(canvas, Vec2::new(16.4, 8.9), 0.8, 7, SEED ^ 140);

    // Tombs of the abbots.
    for (i, (x, y, open)) in [(28.0, 4.5, false), (29.5, 4.5, false), (31.0, 4.5, true)]
        .into_iter()
        .enumerate()
    {
        thing::sarcophagus(canvas, Vec2::new(x, y), 0.0, open, SEED + i as u32 * 2);
    }
    thing::candles(canvas, Vec2::new(28.0, 2.6), 5, SEED ^ 150);
    thing::candles(canvas, Vec2::new(31.0, 2.6), 4, SEED ^ 151);
    thing::cobweb(
        canvas,
        Vec2::new(27.0, 8.0),
        Vec2::new(1.0, -1.0),
        1.1,
        SEED ^ 152,
    );
    thing::cobweb(
        canvas,
        Vec2::new(32.0, 2.0),
        Vec2::new(-1.0, 1.0),
        0.9,
        SEED ^ 153,
    );
    thing::cobweb(
        canvas,
        Vec2::new(9.0, 2.0),
        Vec2::new(-1.0, 1.0),
        1.2,
        SEED ^ 154,
    );

    // Ossuary.
    thing::bones(canvas, Vec2::new(12.4, 14.8), 0.75, 22, SEED ^ 160);
    thing::bones(canvas, Vec2::new(13.4, 16.4), 0.7, 26, SEED ^ 161);
    thing::bones(canvas, Vec2::new(15.6, 14.7), 0.7, 18, SEED ^ 162);
    thing::skeleton(canvas, Vec2::new(11.8, 16.0), 0.5, 0.55, SEED ^ 163);
    thing::candles(canvas, Vec2::new(14.0, 14.4), 3, SEED ^ 164);

    // Shrine.
    thing::slab(
        canvas,
        SHRINE,
        0.0,
        Vec2::splat(0.92),
        0.12,
        rgb(0x8e887d),
        SEED ^ 170,
    );
    thing::slab(
        canvas,
        SHRINE,
        0.0,
        Vec2::new(0.7, 0.42),
        0.42,
        TOMB_STONE,
        SEED ^ 171,
    );
    crystal(canvas, SHRINE);
    for i in 0..8 {
        let at = SHRINE + Vec2::from_angle(PI / 8.0 + PI / 4.0 * i as f32) * 2.92;
        thing::candles(canvas, at, 2, SEED ^ (180 + i));
    }
    thing::chest(canvas, SHRINE + Vec2::new(1.9, -1.6), 0.8, SEED ^ 190);

    // Doors.
    for (x, y, turn, length) in [
        (10.5, 6.0, FRAC_PI_2, 2.0),
        (25.5, 4.5, FRAC_PI_2, 1.0),
        (9.5, 15.5, FRAC_PI_2, 1.0),
        (5.0, 10.5, 0.0, 2.0),
        (22.5, 15.0, FRAC_PI_2, 2.0),
        (29.5, 9.5, 0.0, 1.0),
    ] {
        wood::door(
            canvas,
            Vec2::new(x, y),
            turn,
            length,
            SEED ^ (x * 8.0) as u32,
        );
    }
}

/// The glowing shard on the altar.
fn crystal(canvas: &mut Canvas, at: Vec2) {
    let outline = |p: Vec2| (p.x.abs() * 1.7 + p.y.abs() * 0.9) - 0.26;
    canvas.lay(at, 0.35, 0.4, outline, |p, _| {
        let facet = if p.x > 0.03 * (p.y * 9.0).sin() {
            1.0
        } else {
            0.72
        };
        Texel::new(Vec3::new(0.5, 0.95, 1.05) * facet, 0.22 - 0.5 * p.x.abs())
    });
}
