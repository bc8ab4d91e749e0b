//! "The Long Road": a river valley with a castle, a village and a day's ride of road.
//!
//! The large map: 128 by 96 cells, painted cell for cell like the others.

use crate::canvas::{Area, Canvas, Texel};
use crate::field::{Field, Flow};
use crate::light::Light;
use crate::material::foliage::{self, AMBER, DEEP, GREEN, RUSSET};
use crate::material::roof::{self, Ridge, Roof, SHINGLES, SLATES, THATCH, TILES, chimney};
use crate::material::{ground, stone, water, wood};
use crate::noise::{Dice, fbm, noise, smooth, wobble};
use crate::palette::{EARTH, GRASS, INK, mix, ramp, rgb};
use crate::picture::Scene;
use crate::shape::{circle, curve, polygon, rect, segment};
use glam::{Vec2, Vec3};
use std::f32::consts::{FRAC_PI_2, TAU};

/// Columns and rows of the map.
pub const CELLS: (u32, u32) = (128, 96);

const SEED: u32 = 9109;

/// The castle's curtain wall.
const WALL: [Vec2; 6] = [
    Vec2::new(72.0, 20.0),
    Vec2::new(83.0, 13.0),
    Vec2::new(95.0, 17.0),
    Vec2::new(98.0, 30.0),
    Vec2::new(90.0, 39.0),
    Vec2::new(75.0, 38.0),
];
const GATE: Vec2 = Vec2::new(82.0, 38.5);
const WALL_HALF: f32 = 0.75;
const BRIDGE: Vec2 = Vec2::new(63.6, 58.6);

/// Fields about the village: corners, crop, growth, furrows across.
const FIELDS: [(Vec2, Vec2, Vec3, f32, bool); 10] = [
    (
        Vec2::new(8.0, 56.0),
        Vec2::new(21.0, 66.0),
        rgb(0xb79b4f),
        0.95,
        false,
    ),
    (
        Vec2::new(22.5, 52.0),
        Vec2::new(33.0, 61.0),
        rgb(0x6f7d3c),
        0.9,
        true,
    ),
    (
        Vec2::new(9.0, 44.0),
        Vec2::new(20.0, 54.5),
        rgb(0x7f8a45),
        0.8,
        true,
    ),
    (
        Vec2::new(22.0, 41.5),
        Vec2::new(34.0, 50.5),
        rgb(0xc4a858),
        0.95,
        false,
    ),
    (
        Vec2::new(36.0, 44.0),
        Vec2::new(46.0, 54.0),
        rgb(0x8d7c4a),
        0.15,
        false,
    ),
    (
        Vec2::new(24.0, 77.0),
        Vec2::new(37.0, 88.0),
        rgb(0xbea153),
        0.95,
        true,
    ),
    (
        Vec2::new(39.5, 76.0),
        Vec2::new(51.0, 84.0),
        rgb(0x74803f),
        0.85,
        false,
    ),
    (
        Vec2::new(40.0, 85.5),
        Vec2::new(52.0, 94.0),
        rgb(0x8a7a48),
        0.2,
        true,
    ),
    (
        Vec2::new(84.0, 68.0),
        Vec2::new(98.0, 78.0),
        rgb(0xbb9f50),
        0.95,
        false,
    ),
    (
        Vec2::new(100.0, 69.0),
        Vec2::new(110.0, 80.0),
        rgb(0x6d7b3c),
        0.85,
        true,
    ),
];

struct Plant {
    at: Vec2,
    radius: f32,
    seed: u32,
    kind: u32,
}

/// The map.
pub struct LongRoad {
    river: Field,
    flow: Flow,
    road: Field,
    lanes: Field,
    moat: Field,
    forest: Field,
    plants: Vec<Plant>,
}

impl Default for LongRoad {
    fn default() -> Self {
        Self::new()
    }
}

impl LongRoad {
    /// Lays out the valley.
    pub fn new() -> Self {
        let cells = Vec2::new(CELLS.0 as f32, CELLS.1 as f32);
        let v = Vec2::new;
        let course = curve(
            &[
                v(47.0, -4.0),
                v(53.0, 9.0),
                v(47.5, 22.0),
                v(55.0, 34.0),
                v(63.5, 46.0),
                v(63.6, 60.0),
                v(56.5, 72.0),
                v(63.0, 84.0),
                v(60.0, 100.0),
            ],
            12,
        );
        let high_road = curve(
            &[
                v(-3.0, 85.0),
                v(9.0, 79.0),
                v(20.0, 71.5),
                v(33.0, 67.0),
                v(46.0, 62.0),
                v(57.0, 58.9),
                v(70.0, 58.2),
                v(82.0, 56.0),
                v(93.0, 61.5),
                v(109.0, 60.5),
                v(131.0, 66.0),
            ],
            12,
        );
        let castle_way = curve(
            &[
                v(80.0, 56.4),
                v(83.5, 51.0),
                v(82.4, 45.0),
                v(82.0, 38.0),
                v(82.5, 31.0),
            ],
            10,
        );
        let lanes = [
            curve(
                &[v(38.0, 65.0), v(39.5, 72.0), v(38.2, 79.0), v(38.2, 97.0)],
                8,
            ),
            curve(
                &[
                    v(35.0, 66.2),
                    v(34.8, 57.0),
                    v(35.0, 46.0),
                    v(21.4, 40.0),
                    v(5.0, 41.0),
                    v(-2.0, 38.0),
                ],
                8,
            ),
            curve(&[v(47.0, 61.6), v(52.0, 66.5), v(53.6, 70.5)], 8),
            curve(
                &[
                    v(97.0, 62.2),
                    v(99.0, 70.0),
                    v(99.0, 82.0),
                    v(108.0, 90.0),
                    v(112.0, 98.0),
                ],
                8,
            ),
        ];
        let nearest = |lines: &[Vec2], p: Vec2| {
            lines
                .windows(2)
                .map(|s| segment(p, s[0], s[1]))
                .fold(f32::MAX, f32::min)
        };
        let river = Field::new(cells, 3.0, |p| {
            let q = p + wobble(p * 0.16, 1.1, SEED) + wobble(p * 0.7, 0.25, SEED ^ 1);
            nearest(&course, q) - (2.5 + 0.9 * fbm(p * 0.1, 2, SEED ^ 2))
        });
        let road = Field::new(cells, 3.0, |p| {
            let q = p + wobble(p * 0.3, 0.35, SEED ^ 3);
            (nearest(&high_road, q) - 1.0).min(nearest(&castle_way, q) - 0.85)
        });
        let lanes = Field::new(cells, 3.0, |p| {
            let q = p + wobble(p * 0.3, 0.35, SEED ^ 4);
            lanes
                .iter()
                .map(|lane| nearest(lane, q))
                .fold(f32::MAX, f32::min)
                - 0.55
        });
        let moat = Field::new(cells, 3.0, |p| {
            let q = p + wobble(p * 0.22, 0.7, SEED ^ 5);
            (polygon(q, &WALL) - 4.3).abs() - 1.5
        });
        let mut map = Self {
            flow: Flow::new(cells, &course),
            river,
            road,
            lanes,
            moat,
            forest: Field::new(cells, 2.0, |_| 0.0),
            plants: Vec::new(),
        };
        map.forest = Field::new(cells, 2.0, |p| map.wooded(p));
        map.plant();
        map
    }

    fn wooded(&self, p: Vec2) -> f32 {
        let noise = fbm(p * 0.055, 4, SEED ^ 10);
        let wild = |from: Vec2, to: Vec2| smooth(0.0, 14.0, -rect(p, from, to) + 9.0 * noise);
        let woods = wild(Vec2::new(-20.0, -20.0), Vec2::new(44.0, 38.0))
            .max(wild(Vec2::new(102.0, -20.0), Vec2::new(150.0, 56.0)))
            .max(wild(Vec2::new(66.0, 80.0), Vec2::new(106.0, 120.0)))
            .max(wild(Vec2::new(112.0, 72.0), Vec2::new(150.0, 120.0)))
            .max(wild(Vec2::new(-20.0, 88.0), Vec2::new(22.0, 120.0)));
        let groves = 0.8 * smooth(0.22, 0.6, fbm(p * 0.11, 3, SEED ^ 11));
        let clear = smooth(0.3, 2.2, self.road.at(p))
            * smooth(0.2, 1.4, self.lanes.at(p))
            * smooth(0.2, 2.0, self.river.at(p))
            * smooth(7.5, 11.0, polygon(p, &WALL))
            * smooth(0.4, 1.6, field_distance(p))
            * smooth(12.0, 16.0, p.distance(Vec2::new(40.0, 66.0)))
            * smooth(5.0, 7.0, p.distance(Vec2::new(53.5, 70.5)));
        woods.max(groves) * clear
    }

    fn plant(&mut self) {
        let mut dice = Dice::new(u64::from(SEED));
        let mut plants: Vec<Plant> = Vec::new();
        for (tries, least, from, to) in [
            (11_000, 0.5, 1.3, 2.2),
            (11_000, 0.25, 0.8, 1.25),
            (9_000, 0.08, 0.35, 0.65),
        ] {
            for _ in 0..tries {
                let at = dice.point(
                    Vec2::splat(-1.0),
                    Vec2::new(CELLS.0 as f32, CELLS.1 as f32) + 1.0,
                );
                let (radius, chance) = (dice.between(from, to), dice.roll());
                let (seed, kind) = (dice.seed(), dice.seed() % 100);
                let wooded = self.forest.at(at);
                if wooded < least || chance > wooded {
                    continue;
                }
                if plants.iter().all(|other| {
                    other.at.distance_squared(at) > ((other.radius + radius) * 0.72).powi(2)
                }) {
                    plants.push(Plant {
                        at,
                        radius,
                        seed,
                        kind,
                    });
                }
            }
        }
        // Hedges round the fields, with gaps.
        for (min, max, ..) in FIELDS {
            let corners = [
                min,
                Vec2::new(max.x, min.y),
                max,
                Vec2::new(min.x, max.y),
                min,
            ];
            for pair in corners.windows(2) {
                let steps = (pair[0].distance(pair[1]) / 0.62) as u32;
                for step in 0..steps {
                    let at = pair[0].lerp(pair[1], step as f32 / steps as f32)
                        + dice.point(Vec2::splat(-0.15), Vec2::splat(0.15));
                    let (radius, roll, seed) = (dice.between(0.36, 0.6), dice.roll(), dice.seed());
                    if fbm(at * 0.2, 2, SEED ^ 12) > -0.35
                        && self.lanes.at(at) > 0.5
                        && self.road.at(at) > 0.8
                    {
                        plants.push(Plant {
                            at,
                            radius: if roll < 0.05 { 1.3 } else { radius },
                            seed,
                            kind: 30,
                        });
                    }
                }
            }
        }
        // An orchard in rows south of the village.
        for row in 0..5 {
            for column in 0..5 {
                let at = Vec2::new(42.0 + 1.9 * column as f32, 68.0 + 1.45 * row as f32)
                    + dice.point(Vec2::splat(-0.2), Vec2::splat(0.2));
                plants.push(Plant {
                    at,
                    radius: dice.between(0.55, 0.75),
                    seed: dice.seed(),
                    kind: 70,
                });
            }
        }
        plants.sort_by(|a, b| a.radius.total_cmp(&b.radius));
        self.plants = plants;
    }

    fn terrain(&self, p: Vec2) -> Texel {
        let (river, road, lane) = (self.river.at(p), self.road.at(p), self.lanes.at(p));
        let castle = polygon(p, &WALL);
        let mut texel = ground::grass(p, SEED ^ 20);
        for (i, (min, max, crop, growth, across)) in FIELDS.into_iter().enumerate() {
            let d = rect(p + wobble(p * 0.4, 0.2, SEED ^ 21), min, max);
            if d < 0.0 {
                let q = if across { p.perp() } else { p };
                texel = texel.under(
                    ground::field(q, crop, growth, SEED ^ i as u32),
                    smooth(0.0, -0.35, d),
                );
            }
        }
        let litter = smooth(0.35, 0.9, self.forest.at(p));
        if litter > 0.0 {
            texel = texel.under(ground::earth(p, SEED ^ 22).shaded(0.68), 0.6 * litter);
        }
        let (hill, steep) = hill(p);
        texel.height += hill;
        if steep > 0.0 {
            let mut crag = stone::rock(p, -0.2, SEED ^ 23);
            crag.colour = crag.colour * 0.9 + rgb(0x7a7263) * 0.55;
            texel = texel.under(crag.raised(hill - 0.6), steep);
        }
        let ragged = 0.2 * fbm(p * 1.8, 3, SEED ^ 24);
        let way = smooth(0.2, -0.3, road + ragged).max(smooth(0.15, -0.3, lane + ragged));
        let green = smooth(
            0.5,
            -2.0,
            p.distance(Vec2::new(37.6, 65.4)) - 4.6 + 4.0 * ragged,
        );
        let trodden = way.max(0.75 * green);
        if trodden > 0.0 {
            let mut dirt = ground::earth(p, SEED ^ 25);
            let rut = (1.0 - smooth(0.06, 0.22, (road + 0.52).abs())) * smooth(0.2, -0.3, road);
            dirt.height -= 0.06 * rut;
            texel = texel.under(dirt.shaded(1.07 - 0.13 * rut).raised(hill), trodden);
        }
        if castle < -0.2 {
            texel = texel.under(courtyard(p), smooth(-0.2, -0.5, castle));
        }
        let moat = self.moat.at(p);
        if moat < 0.8 {
            texel = bank(p, texel, moat, Vec2::ZERO);
        }
        if river < 1.2 {
            texel = bank(p, texel, river, self.flow.at(p));
        }
        texel
    }
}

/// A shore and the water beyond it; `d` is the distance to the waterline, negative in the water.
fn bank(p: Vec2, below: Texel, d: f32, flow: Vec2) -> Texel {
    let cover = smooth(0.75, 0.05, d + 0.3 * fbm(p * 0.9, 3, SEED ^ 30));
    let mut shore = ground::sand(p, SEED ^ 31).shaded(0.9);
    shore.height -= 0.3 * smooth(0.6, -0.1, d);
    let mut texel = below.under(shore, cover);
    if d < 0.12 {
        let mut bed = ground::sand(p, SEED ^ 32).shaded(0.75);
        bed.height -= 0.3;
        // Half as fine as elsewhere: the river is broad.
        let flooded = water::water(p * 0.6, bed, -d * 0.55, flow, SEED ^ 33);
        texel = texel.under(flooded, smooth(0.1, -0.03, d));
    }
    texel
}

fn courtyard(p: Vec2) -> Texel {
    let paved = smooth(
        -0.1,
        0.25,
        fbm(p * 0.22, 3, SEED ^ 40) + 0.3 - 0.05 * p.distance(Vec2::new(83.0, 31.0)),
    );
    let earth = ground::earth(p, SEED ^ 41);
    earth.under(
        stone::cobbles(
            p,
            2.6,
            SEED ^ 42,
            &[rgb(0x847c70), rgb(0x978e80), rgb(0xa59b8a)],
        )
        .shaded(0.98),
        paved,
    )
}

fn hill(p: Vec2) -> (f32, f32) {
    let mound = |centre: Vec2, reach: f32| 1.0 - p.distance(centre) / reach;
    let broad = mound(Vec2::new(120.0, 10.0), 26.0)
        .max(mound(Vec2::new(8.0, 10.0), 20.0))
        .max(mound(Vec2::new(122.0, 90.0), 17.0))
        .max(mound(Vec2::new(70.0, 3.0), 9.0));
    if broad < -0.3 {
        return (0.0, 0.0);
    }
    let rough = broad + 0.20 * fbm(p * 0.14, 4, SEED ^ 50);
    let (mut height, mut steep) = (0.0, 0.0f32);
    for level in [0.08, 0.30, 0.52, 0.70] {
        height += 0.9 * smooth(level, level + 0.03, rough);
        steep = steep.max(
            smooth(level - 0.008, level + 0.004, rough)
                * smooth(level + 0.048, level + 0.03, rough),
        );
    }
    (height, steep)
}

fn field_distance(p: Vec2) -> f32 {
    FIELDS
        .iter()
        .map(|(min, max, ..)| rect(p, *min, *max))
        .fold(f32::MAX, f32::min)
}

fn castle(canvas: &mut Canvas) {
    canvas.paint(
        Area::new(Vec2::new(70.0, 11.0), Vec2::new(100.0, 41.0)),
        |p, below| {
            let d = polygon(p + wobble(p * 1.2, 0.03, SEED ^ 60), &WALL);
            if d.abs() > WALL_HALF || (p - GATE).abs().x < 1.0 && (p.y - GATE.y).abs() < 2.0 {
                return below;
            }
            let nearest = WALL
                .iter()
                .zip(WALL.iter().cycle().skip(1))
                .min_by(|a, b| segment(p, *a.0, *a.1).total_cmp(&segment(p, *b.0, *b.1)));
            let along = nearest.map_or(0.0, |(a, b)| (p - *a).dot((*b - *a).normalize_or_zero()));
            rampart(p, along, WALL_HALF - d, WALL_HALF + d, 1.9)
        },
    );
    for (i, at) in WALL.into_iter().enumerate() {
        round_tower(canvas, at, 1.9, 2.5, i % 2 == 0, SEED ^ (70 + i as u32));
    }
    for side in [-1.7, 1.7] {
        round_tower(
            canvas,
            GATE + Vec2::new(side, 0.1),
            1.15,
            2.4,
            false,
            SEED ^ (80 + side.to_bits()),
        );
    }
    drawbridge(canvas);
    let building = |x0: f32, y0: f32, x1: f32, y1: f32, ridge, tiles, eaves, seed| Roof {
        area: Area::new(Vec2::new(x0, y0), Vec2::new(x1, y1)),
        ridge,
        tiles,
        eaves,
        seed: SEED ^ seed,
    };
    for house in [
        building(75.0, 22.0, 78.0, 33.0, Ridge::AlongY, TILES, 0.9, 90),
        building(79.0, 17.0, 84.0, 20.0, Ridge::AlongX, SHINGLES, 0.8, 91),
        building(93.0, 22.0, 96.0, 29.0, Ridge::AlongY, SLATES, 0.9, 92),
        building(86.0, 33.0, 92.0, 36.0, Ridge::AlongX, SHINGLES, 0.8, 93),
    ] {
        roof::roof(canvas, &house);
    }
    keep(
        canvas,
        Area::new(Vec2::new(83.0, 21.0), Vec2::new(91.0, 29.0)),
    );
    well(canvas, Vec2::new(80.5, 27.5));
}

/// The walk on a wall between its two parapets, merlons on the outer one.
fn rampart(p: Vec2, along: f32, from_outside: f32, from_inside: f32, height: f32) -> Texel {
    let walk = stone::flags(p * 1.6, SEED ^ 61).shaded(1.12);
    let mut texel = Texel::new(walk.colour, height + walk.height * 0.6);
    let merlon = smooth(
        0.44,
        0.40,
        ((along / 0.9).rem_euclid(1.0) - 0.5).abs() * 1.25,
    );
    let outer = smooth(0.34, 0.30, from_outside);
    let inner = smooth(0.20, 0.16, from_inside);
    let parapet = stone::wall_top(p, along, from_outside.min(from_inside), 0.4, SEED ^ 62);
    texel.colour = mix(texel.colour, parapet.colour, outer.max(inner));
    texel.height += (0.18 + 0.34 * merlon) * outer + 0.15 * inner;
    texel
}

fn round_tower(canvas: &mut Canvas, at: Vec2, radius: f32, height: f32, roofed: bool, seed: u32) {
    canvas.lay(
        at,
        0.0,
        radius + 0.1,
        |p| p.length() - radius,
        |p, d| {
            let along = p.to_angle() * radius;
            rampart(
                p + at,
                along / (TAU * radius) * (TAU * radius / 0.9).round() * 0.9,
                -d,
                9.0,
                height,
            )
        },
    );
    if roofed {
        let cone = radius * 0.98;
        canvas.lay(
            at,
            0.0,
            cone + 0.1,
            |p| p.length() - cone,
            |p, d| {
                let course = (-d / 0.22).floor();
                let lap = -d / 0.22 - course;
                let turn = p.to_angle() / TAU;
                let slate = noise(
                    Vec2::new((turn * (40.0 - course * 2.0)).floor() * 3.1, course * 7.7),
                    seed,
                );
                let colour = ramp(&SLATES, 0.45 + 0.5 * slate)
                    * (0.95 + 0.1 * fbm(p * 3.0, 2, seed))
                    * (0.82 + 0.18 * smooth(0.0, 0.25, lap));
                Texel::new(colour, height * 0.2 - 0.35 * d * 3.0 + 0.03 * (1.0 - lap))
            },
        );
    }
}

fn drawbridge(canvas: &mut Canvas) {
    let half = Vec2::new(3.6, 0.95);
    canvas.lay(
        GATE + Vec2::new(0.05, 4.0),
        FRAC_PI_2,
        4.0,
        |p| crate::shape::block(p, half),
        |p, d| {
            let mut texel = wood::planks(p.perp() + 40.0, 0.34, 5.0, SEED ^ 63);
            texel.height = 0.35 + 0.16 * smooth(0.16, 0.12, -d);
            texel
        },
    );
    canvas.lay(
        GATE,
        0.0,
        2.0,
        |p| crate::shape::block(p, Vec2::new(1.0, 1.0)),
        |p, d| {
            rampart(
                p + GATE,
                p.x,
                1.0 + d.min(0.0) + p.y * 0.0,
                1.0 - p.y.abs(),
                2.1,
            )
        },
    );
}

fn keep(canvas: &mut Canvas, area: Area) {
    let (centre, half) = ((area.min + area.max) * 0.5, (area.max - area.min) * 0.5);
    canvas.lay(
        centre,
        0.0,
        half.length(),
        |p| crate::shape::block(p, half),
        |p, d| {
            let along = if p.x.abs() > p.y.abs() { p.y } else { p.x };
            rampart(p + centre, along, -d, 9.0, 2.9)
        },
    );
    for corner in [
        Vec2::new(-1.0, -1.0),
        Vec2::new(1.0, -1.0),
        Vec2::new(-1.0, 1.0),
        Vec2::new(1.0, 1.0),
    ] {
        round_tower(
            canvas,
            centre + corner * half,
            1.2,
            3.3,
            true,
            SEED ^ corner.x.to_bits() ^ corner.y.to_bits().rotate_left(3),
        );
    }
    let hall = Roof {
        area: Area::new(centre - half * 0.55, centre + half * 0.55),
        ridge: Ridge::Hip,
        tiles: SLATES,
        eaves: 3.0,
        seed: SEED ^ 64,
    };
    roof::roof(canvas, &hall);
    canvas.lay(
        centre,
        0.3,
        0.5,
        |p| {
            circle(p, Vec2::ZERO, 0.12)
                .min(segment(p, Vec2::ZERO, Vec2::new(1.0, 0.2)) - 0.2 * (1.0 - p.x))
        },
        |_, _| Texel::new(rgb(0x8c2f2a), 1.4),
    );
}

fn well(canvas: &mut Canvas, at: Vec2) {
    canvas.lay(
        at,
        0.0,
        0.8,
        |p| p.length() - 0.7,
        |p, d| {
            let ring = stone::wall_top(p + at, p.to_angle() * 0.6, -d, 0.28, SEED ^ 65);
            let shaft = Texel::new(INK, 0.0);
            shaft.under(ring.raised(-0.25), smooth(0.30, 0.27, -d))
        },
    );
}

fn village(canvas: &mut Canvas) {
    let cottages: [(f32, f32, f32, f32, bool, [Vec3; 3]); 19] = [
        (31.0, 61.0, 34.0, 65.0, false, THATCH),
        (27.0, 64.0, 30.0, 67.0, true, SHINGLES),
        (36.5, 58.0, 40.0, 61.0, true, THATCH),
        (42.0, 57.0, 46.0, 60.0, true, TILES),
        (48.0, 56.0, 52.0, 59.0, true, THATCH),
        (33.0, 70.0, 37.0, 73.0, true, THATCH),
        (27.0, 70.0, 30.0, 74.0, false, TILES),
        (22.0, 73.0, 25.0, 76.0, true, THATCH),
        (40.5, 64.5, 44.0, 67.0, true, SHINGLES),
        (46.0, 64.5, 49.0, 67.5, false, THATCH),
        (22.0, 66.0, 25.0, 69.0, false, THATCH),
        (16.0, 69.0, 19.0, 72.0, true, THATCH),
        (33.0, 75.0, 36.0, 77.0, true, THATCH),
        (68.0, 60.5, 72.0, 63.5, true, TILES),
        (69.0, 53.0, 72.0, 56.5, false, THATCH),
        (75.0, 60.0, 78.0, 64.0, false, SHINGLES),
        (95.0, 64.5, 98.0, 67.5, true, THATCH),
        (100.5, 64.0, 105.0, 67.0, true, TILES),
        (87.0, 63.5, 90.0, 66.5, true, THATCH),
    ];
    for (i, (x0, y0, x1, y1, along_x, tiles)) in cottages.into_iter().enumerate() {
        let area = Area::new(Vec2::new(x0, y0), Vec2::new(x1, y1));
        let ridge = if along_x {
            Ridge::AlongX
        } else {
            Ridge::AlongY
        };
        roof::roof(
            canvas,
            &Roof {
                area,
                ridge,
                tiles,
                eaves: 0.8,
                seed: SEED ^ (200 + i as u32),
            },
        );
        chimney(
            canvas,
            area.min + (area.max - area.min) * Vec2::new(0.62, 0.40),
            Vec2::new(0.22, 0.18),
            2.0,
            i as u32,
        );
    }
    church(canvas, Vec2::new(38.5, 68.8));
    mill(canvas, Vec2::new(53.4, 71.5));
    well(canvas, Vec2::new(37.4, 64.2));
    stone_bridge(canvas);
    for (i, (x, y)) in [
        (20.2, 60.4),
        (18.6, 61.7),
        (12.2, 58.0),
        (27.6, 45.2),
        (30.0, 47.5),
        (90.3, 71.4),
        (93.0, 74.8),
        (28.3, 80.5),
    ]
    .into_iter()
    .enumerate()
    {
        hay(canvas, Vec2::new(x, y), i as u32);
    }
}

fn church(canvas: &mut Canvas, at: Vec2) {
    let nave = Roof {
        area: Area::new(
            at + Vec2::new(1.4, 0.0) - Vec2::new(1.6, 1.4),
            at + Vec2::new(3.5, 1.4),
        ),
        ridge: Ridge::AlongX,
        tiles: SLATES,
        eaves: 1.3,
        seed: SEED ^ 300,
    };
    roof::roof(canvas, &nave);
    let tower = Roof {
        area: Area::new(at - Vec2::new(1.7, 1.1), at + Vec2::new(0.5, 1.1)),
        ridge: Ridge::Hip,
        tiles: SLATES,
        eaves: 2.3,
        seed: SEED ^ 301,
    };
    roof::roof(canvas, &tower);
}

/// The water mill and its wheel.
fn mill(canvas: &mut Canvas, at: Vec2) {
    let wheel = at + Vec2::new(2.3, 0.0);
    canvas.lay(
        wheel,
        0.0,
        2.0,
        |p| crate::shape::block(p, Vec2::new(0.45, 1.6)),
        |p, _| {
            let paddle = smooth(0.4, 0.34, ((p.y / 0.4).rem_euclid(1.0) - 0.5).abs());
            wood::board(p, 0.2, 3)
                .shaded(0.5 + 0.5 * paddle)
                .raised(0.7 - 0.35 * (p.y / 1.6).powi(2) + 0.1 * paddle)
        },
    );
    roof::roof(
        canvas,
        &Roof {
            area: Area::new(at - Vec2::new(2.0, 1.8), at + Vec2::new(1.8, 1.8)),
            ridge: Ridge::AlongX,
            tiles: SHINGLES,
            eaves: 1.0,
            seed: SEED ^ 310,
        },
    );
}

fn hay(canvas: &mut Canvas, at: Vec2, seed: u32) {
    canvas.lay(
        at,
        0.0,
        0.8,
        |p| p.length() - 0.6 - 0.05 * noise(p * 4.0, seed),
        |p, d| {
            let straw = fbm(Vec2::new(p.to_angle() * 6.0, p.length() * 4.0), 3, seed);
            Texel::new(
                ramp(&THATCH, 0.6 + 0.5 * straw),
                0.8 * smooth(0.0, 0.6, -d) + 0.05 * straw,
            )
        },
    );
}

fn stone_bridge(canvas: &mut Canvas) {
    let half = Vec2::new(5.4, 1.35);
    canvas.lay(
        BRIDGE,
        -0.06,
        6.0,
        |p| crate::shape::block(p, half),
        |p, d| {
            let rise = 0.5 * (1.0 - (p.x / half.x).powi(2)).max(0.0);
            let side = half.y - p.y.abs();
            let mut texel = if side < 0.32 {
                stone::wall_top(p + BRIDGE, p.x, side, 0.32, SEED ^ 320).raised(-0.30)
            } else {
                stone::cobbles(
                    p,
                    2.6,
                    SEED ^ 321,
                    &[rgb(0x857d70), rgb(0x978e80), rgb(0xa59b8a)],
                )
            };
            texel.height += rise + 0.05 * smooth(0.0, 0.1, -d);
            texel
        },
    );
}

impl Scene for LongRoad {
    fn cells(&self) -> Vec2 {
        Vec2::new(CELLS.0 as f32, CELLS.1 as f32)
    }

    fn light(&self) -> Light {
        Light {
            towards_sun: Vec3::new(-0.72, -0.58, 0.9),
            sun: Vec3::new(0.78, 0.71, 0.60),
            ambient: Vec3::new(0.44, 0.47, 0.54),
            shadow: 0.92,
            shadow_reach: 3.0,
            occlusion: 0.45,
            saturation: 0.92,
            relief: 1.0,
            lamps: Vec::new(),
        }
    }

    fn paint(&self, canvas: &mut Canvas) {
        canvas.fill(|p, _| self.terrain(p));
        self.verge(canvas);
        village(canvas);
        castle(canvas);
        for plant in &self.plants {
            let Plant {
                at,
                radius,
                seed,
                kind,
            } = *plant;
            if radius > 0.7 && kind < 75 && kind != 30 && fbm(at * 0.06, 2, SEED ^ 51) > 0.10 {
                foliage::fir(canvas, at, radius * 0.85, hill(at).0, seed);
                continue;
            }
            let leaves = match kind {
                0..=3 => &AMBER,
                4..=6 => &RUSSET,
                7..=48 => &DEEP,
                _ => &GREEN,
            };
            foliage::tree(canvas, at, radius, hill(at).0, leaves, seed);
        }
    }
}

impl LongRoad {
    fn verge(&self, canvas: &mut Canvas) {
        let mut dice = Dice::new(31);
        for _ in 0..7000 {
            let at = dice.point(Vec2::ZERO, self.cells());
            let (seed, roll) = (dice.seed(), dice.roll());
            let (river, moat) = (self.river.at(at), self.moat.at(at));
            let open = self.road.at(at) > 0.6
                && self.lanes.at(at) > 0.4
                && field_distance(at) > 0.3
                && polygon(at, &WALL) > 2.0;
            if !open {
                continue;
            }
            if (-0.2..0.35).contains(&river) || (-0.2..0.35).contains(&moat) {
                foliage::reeds(canvas, at, 0.55, GRASS[2], seed);
            } else if river > 1.0 && moat > 1.0 {
                if roll < 0.05 {
                    let colours = [rgb(0xd8c65a), rgb(0xcfc8d8), rgb(0xb56a7c), rgb(0x8a86c4)];
                    foliage::flowers(canvas, at, 0.9, colours[seed as usize % 4], seed);
                } else if roll < 0.45 {
                    foliage::reeds(canvas, at, 0.3, mix(GRASS[2], EARTH[2], 0.3), seed);
                }
            }
        }
    }
}
