//! "Hexwild": a ford in the wild wood, for hexes one cell wide with their corners up and down.
//!
//! A hex centre lies in the middle of the picture, as the display's own hex grid has it; the
//! ruined tower and the standing stones are built on it.

use crate::canvas::{Area, Canvas, Texel};
use crate::field::{Field, Flow};
use crate::light::Light;
use crate::material::foliage::{self, AMBER, DEEP, GREEN, RUSSET};
use crate::material::{ground, stone, thing, water, wood};
use crate::noise::{Dice, fbm, smooth, unit, wobble};
use crate::palette::{GRASS, rgb};
use crate::picture::Scene;
use crate::shape::{curve, hexagon, rounded, segment};
use glam::{Vec2, Vec3};

/// Size of the map in cells: a display of 34.86 by 19.6 inches.
pub const CELLS: (f32, f32) = (34.86, 19.61);

const SEED: u32 = 4407;

/// The map.
pub struct Hexwild {
    river: Field,
    road: Field,
    flow: Flow,
    trees: Vec<Plant>,
}

struct Plant {
    at: Vec2,
    radius: f32,
    seed: u32,
    kind: u32,
}

/// Centre of the hex `column`, `row` counted from the middle of the map.
pub fn hex_centre(column: i32, row: i32) -> Vec2 {
    let shift = if row.rem_euclid(2) == 1 { 0.5 } else { 0.0 };
    Vec2::new(CELLS.0, CELLS.1) * 0.5 + Vec2::new(column as f32 + shift, row as f32 * 0.866_025_4)
}

impl Default for Hexwild {
    fn default() -> Self {
        Self::new()
    }
}

impl Hexwild {
    /// Lays out river, road and wood.
    pub fn new() -> Self {
        let cells = Vec2::new(CELLS.0, CELLS.1);
        let flow = curve(
            &[
                Vec2::new(20.5, -2.0),
                Vec2::new(21.6, 2.2),
                Vec2::new(19.2, 5.6),
                Vec2::new(20.4, 9.2),
                Vec2::new(17.2, 12.4),
                Vec2::new(13.0, 14.0),
                Vec2::new(11.6, 17.0),
                Vec2::new(12.6, 22.0),
            ],
            14,
        );
        let road = curve(
            &[
                Vec2::new(-2.0, 7.4),
                Vec2::new(3.5, 8.6),
                Vec2::new(8.0, 7.4),
                Vec2::new(12.5, 8.9),
                Vec2::new(16.5, 8.3),
                Vec2::new(20.1, 8.0),
                Vec2::new(24.5, 9.6),
                Vec2::new(28.0, 12.4),
                Vec2::new(31.0, 13.2),
                Vec2::new(37.0, 12.0),
            ],
            14,
        );
        let river = Field::new(cells, 6.0, |p| {
            let q = p + wobble(p * 0.45, 0.4, SEED) + wobble(p * 1.7, 0.10, SEED ^ 1);
            flow.windows(2)
                .map(|s| segment(q, s[0], s[1]))
                .fold(f32::MAX, f32::min)
                - (1.25 + 0.35 * fbm(p * 0.3, 2, SEED ^ 2))
        });
        let road = Field::new(cells, 6.0, |p| {
            let q = p + wobble(p * 0.6, 0.22, SEED ^ 3);
            road.windows(2)
                .map(|s| segment(q, s[0], s[1]))
                .fold(f32::MAX, f32::min)
                - 0.62
        });
        let flow = Flow::new(cells, &flow);
        let mut map = Self {
            river,
            road,
            flow,
            trees: Vec::new(),
        };
        map.plant();
        map
    }

    /// How thick the wood stands: 0 open to 1 closed.
    fn wooded(&self, p: Vec2) -> f32 {
        let edge = (p / Vec2::new(CELLS.0, CELLS.1) - 0.5).abs() * 2.0;
        let rim = smooth(0.55, 1.0, edge.y) * 0.55 + smooth(0.72, 1.05, edge.x) * 0.4;
        let groves = smooth(-0.05, 0.45, fbm(p * 0.17, 3, SEED ^ 10));
        let clear = smooth(0.4, 2.0, self.road.at(p))
            * smooth(0.35, 1.4, self.river.at(p))
            * smooth(3.2, 5.0, p.distance(TOWER))
            * smooth(2.2, 3.4, p.distance(stones()))
            * smooth(2.8, 4.2, p.distance(hex_centre(-10, 2)));
        (rim + groves * 0.85).min(1.0) * clear
    }

    fn plant(&mut self) {
        let mut dice = Dice::new(u64::from(SEED));
        let mut plants: Vec<Plant> = Vec::new();
        for pass in 0..3 {
            for _ in 0..2600 {
                let at = dice.point(Vec2::splat(-1.0), Vec2::new(CELLS.0 + 1.0, CELLS.1 + 1.0));
                let wooded = self.wooded(at);
                let (least, radius) = match pass {
                    0 => (0.55, dice.between(0.85, 1.45)),
                    1 => (0.28, dice.between(0.55, 0.85)),
                    _ => (0.10, dice.between(0.22, 0.42)),
                };
                let chance = dice.roll();
                let (seed, kind) = (dice.seed(), dice.seed() % 100);
                if wooded < least || chance > wooded {
                    continue;
                }
                if plants
                    .iter()
                    .all(|other| other.at.distance(at) > (other.radius + radius) * 0.74)
                {
                    plants.push(Plant {
                        at,
                        radius,
                        seed,
                        kind,
                    });
                }
            }
        }
        // Low things first, and those farther up the picture behind those below them.
        plants.sort_by(|a, b| a.radius.total_cmp(&b.radius));
        self.trees = plants;
    }

    fn terrain(&self, p: Vec2) -> Texel {
        let river = self.river.at(p);
        let road = self.road.at(p);
        let hills = hill_height(p);
        let mut texel = ground::grass(p, SEED ^ 20);
        let leaf_litter = smooth(0.35, 0.9, self.wooded(p) + 0.3 * fbm(p * 0.9, 3, SEED ^ 21));
        if leaf_litter > 0.0 {
            texel = texel.under(ground::earth(p, SEED ^ 22).shaded(0.72), 0.55 * leaf_litter);
        }
        let (height, steep) = hills;
        texel.height += height;
        if steep > 0.0 {
            let rock = crag(p);
            texel = texel.under(rock.raised(height - 0.6), steep);
        }
        let ragged = 0.16 * fbm(p * 2.6, 3, SEED ^ 23);
        let track = smooth(0.16, -0.22, road + ragged);
        if track > 0.0 {
            let mut way = ground::earth(p, SEED ^ 24);
            // Two ruts worn by carts, with grass between them.
            let rut = 1.0 - smooth(0.05, 0.16, (road + 0.30).abs());
            way.height -= 0.05 * rut;
            way = way.shaded(1.08 - 0.13 * rut);
            let middle = smooth(-0.45, -0.58, road + ragged * 0.5);
            way = way.under(ground::grass(p, SEED ^ 20).shaded(0.96), 0.55 * middle);
            texel = texel.under(way.raised(height * 0.5), track);
        }
        if river < 0.9 {
            let bank = smooth(0.55, 0.02, river + 0.22 * fbm(p * 1.3, 3, SEED ^ 25));
            let mut shore = ground::sand(p, SEED ^ 26).shaded(0.92);
            shore = stone::rubble(p, shore, 0.20 * bank, SEED ^ 27);
            shore.height -= 0.22 * smooth(0.5, -0.1, river);
            texel = texel.under(shore, bank);
            if river < 0.12 {
                let ford = smooth(1.5, 0.2, road.max(0.0));
                let depth = -river * (1.0 - 0.55 * ford);
                let mut bed = ground::sand(p, SEED ^ 28).shaded(0.8);
                bed = stone::rubble(p, bed, 0.10 + 0.42 * ford, SEED ^ 29);
                bed.height -= 0.30;
                let mut flooded = water::water(p, bed, depth, self.flow.at(p), SEED ^ 30);
                // Stones of the ford break the surface.
                let dry = smooth(0.06, 0.16, bed.height + 0.30) * ford;
                flooded = flooded.under(bed.shaded(1.15), 0.75 * dry);
                texel = texel.under(flooded, smooth(0.10, -0.02, river));
            }
        }
        texel
    }
}

/// Where the ruined tower stands: on a hex.
const TOWER: Vec2 = Vec2::new(CELLS.0 * 0.5 + 9.0, CELLS.1 * 0.5 - 4.330_127);

fn stones() -> Vec2 {
    hex_centre(-13, 6)
}

/// Terraced hills: height, and how much bare rock shows.
fn hill_height(p: Vec2) -> (f32, f32) {
    let mound = |centre: Vec2, reach: f32| 1.0 - p.distance(centre) / reach;
    let broad = mound(TOWER, 5.6)
        .max(mound(Vec2::new(5.0, 2.0), 5.2))
        .max(mound(Vec2::new(29.0, 18.5), 4.5));
    let rough = broad + 0.16 * fbm(p * 0.45, 3, SEED ^ 40);
    let mut height = 0.0;
    let mut steep: f32 = 0.0;
    for level in [0.12, 0.42] {
        height += 0.55 * smooth(level, level + 0.055, rough);
        let face = smooth(level - 0.012, level + 0.004, rough)
            * smooth(level + 0.085, level + 0.055, rough);
        steep = steep.max(face);
    }
    (height + 0.25 * smooth(0.0, 0.8, rough), steep)
}

fn crag(p: Vec2) -> Texel {
    let mut rock = stone::rock(p * 1.3, -0.2, SEED ^ 41);
    rock.colour = rock.colour * 0.9 + rgb(0x7a7263) * 0.55;
    rock
}

impl Scene for Hexwild {
    fn cells(&self) -> Vec2 {
        Vec2::new(CELLS.0, CELLS.1)
    }

    fn light(&self) -> Light {
        Light {
            towards_sun: Vec3::new(-0.70, -0.62, 0.85),
            sun: Vec3::new(0.76, 0.70, 0.60),
            ambient: Vec3::new(0.44, 0.47, 0.54),
            shadow: 0.92,
            shadow_reach: 2.4,
            occlusion: 0.55,
            saturation: 0.92,
            relief: 1.1,
            lamps: Vec::new(),
        }
    }

    fn paint(&self, canvas: &mut Canvas) {
        canvas.fill(|p, _| self.terrain(p));
        self.verge(canvas);
        tower(canvas);
        standing_stones(canvas);
        camp(canvas);
        for plant in &self.trees {
            let Plant {
                at,
                radius,
                seed,
                kind,
            } = *plant;
            let high = fbm(at * 0.13, 2, SEED ^ 50);
            if radius > 0.5 && high > 0.12 && kind < 62 {
                foliage::fir(canvas, at, radius * 0.92, hill_height(at).0, seed);
                continue;
            }
            let leaves = match kind {
                0..=6 => &AMBER,
                7..=11 => &RUSSET,
                12..=48 => &DEEP,
                _ => &GREEN,
            };
            foliage::tree(canvas, at, radius, hill_height(at).0, leaves, seed);
        }
    }
}

impl Hexwild {
    /// Reeds on the bank, flowers in the meadow, boulders here and there.
    fn verge(&self, canvas: &mut Canvas) {
        let mut dice = Dice::new(77);
        for _ in 0..1500 {
            let at = dice.point(Vec2::ZERO, self.cells());
            let (seed, roll) = (dice.seed(), dice.roll());
            let river = self.river.at(at);
            let road = self.road.at(at);
            if (-0.12..0.22).contains(&river) && road > 0.9 && roll < 0.75 {
                foliage::reeds(canvas, at, 0.42, GRASS[2], seed);
            } else if river > 0.8 && road > 0.5 && self.wooded(at) < 0.2 {
                if roll < 0.10 {
                    let colours = [rgb(0xd8c65a), rgb(0xcfc8d8), rgb(0xb56a7c), rgb(0x8a86c4)];
                    foliage::flowers(canvas, at, 0.55, colours[seed as usize % 4], seed);
                } else if roll < 0.16 {
                    boulder(canvas, at, 0.14 + 0.3 * unit(seed.wrapping_mul(97)), seed);
                } else if roll < 0.5 {
                    foliage::reeds(canvas, at, 0.24, GRASS[2], seed);
                }
            }
        }
        for (x, y, r) in [
            (19.0, 6.4, 0.5),
            (21.6, 10.0, 0.42),
            (15.2, 12.4, 0.55),
            (13.4, 13.3, 0.35),
            (20.6, 3.2, 0.45),
        ] {
            boulder(canvas, Vec2::new(x, y), r, (x * 31.0) as u32);
        }
    }
}

/// A weathered boulder.
fn boulder(canvas: &mut Canvas, at: Vec2, radius: f32, seed: u32) {
    canvas.lay(
        at,
        unit(seed) * 6.3,
        radius * 1.5,
        |p| {
            p.length() * (1.0 + 0.18 * (p.x * 3.0 / radius).sin())
                - radius * (0.92 + 0.14 * fbm(p * 2.0 / radius, 2, seed))
        },
        |p, d| {
            let facet = fbm(p * 2.2 / radius + 9.0, 3, seed);
            let dome = (1.0 - (1.0 + d / radius).clamp(0.0, 1.0).powi(2))
                .max(0.0)
                .sqrt();
            let colour = rgb(0x8f897b) * (0.92 + 0.16 * facet + 0.10 * fbm(p * 9.0, 3, seed));
            stone::mossed(
                p + at,
                Texel::new(colour, radius * (0.75 * dome + 0.22 * facet)),
                0.35,
                seed,
            )
        },
    );
}

/// A six-sided tower, fallen in on one side; three hexes wide.
fn tower(canvas: &mut Canvas) {
    canvas.paint(Area::around(TOWER, 2.4), |p, below| {
        let q = p - TOWER;
        let drawn = q + wobble(p * 2.5, 0.03, SEED ^ 60);
        let outer = hexagon(drawn, 1.5);
        let wall = 0.36;
        let angle = q.to_angle();
        // What still stands: highest in the north west, gone in the south east.
        let stands = 0.55
            + 0.62 * (angle + 2.3).cos()
            + 0.30 * fbm(Vec2::new(angle * 2.5, 3.0), 3, SEED ^ 61);
        let base = below.height;
        if outer < -wall {
            let mut floor = stone::flags(p + Vec2::new(0.06, 0.2), SEED ^ 62);
            floor.height += base;
            let floor = stone::mossed(p, floor, 0.5, SEED ^ 63);
            let litter = smooth(0.7, -0.2, stands) + smooth(0.6, 1.3, q.length()) * 0.3;
            return below.under(stone::rubble(p, floor, 0.55 * litter, SEED ^ 64), 0.95);
        }
        if outer < 0.0 {
            let side = (angle / std::f32::consts::FRAC_PI_3).round();
            let along = q.dot(Vec2::from_angle(side * std::f32::consts::FRAC_PI_3).perp());
            let mut top = stone::wall_top(p, along, -outer, wall, SEED ^ 65);
            top.height = base + (top.height - 0.62) + 0.15 + 1.25 * stands.max(0.0);
            let top = stone::mossed(p, top, 0.45, SEED ^ 66);
            if stands > 0.05 {
                return top;
            }
            return stone::rubble(p, below, 0.9, SEED ^ 64);
        }
        let spill = smooth(0.9, 0.0, outer) * smooth(0.5, -0.2, stands);
        stone::rubble(p, below, 0.8 * spill, SEED ^ 64)
    });
    let fire = TOWER + Vec2::new(0.1, 0.2);
    thing::bones(canvas, fire + Vec2::new(0.5, 0.3), 0.3, 4, SEED ^ 67);
}

/// A ring of standing stones, one to each hex about an empty one.
fn standing_stones(canvas: &mut Canvas) {
    let centre = stones();
    for i in 0..6 {
        let angle = i as f32 * std::f32::consts::FRAC_PI_3;
        let at = centre + Vec2::from_angle(angle) * 1.0;
        if i == 4 {
            thing::fallen_drum(canvas, at + Vec2::new(0.1, 0.0), angle, 0.5, 0.2, SEED ^ 70);
            continue;
        }
        let half = Vec2::new(0.13 + 0.03 * unit(i * 7919), 0.26);
        canvas.lay(
            at,
            angle,
            0.5,
            |p| rounded(p, half, 0.07) + 0.03 * fbm(p * 5.0, 2, i),
            |p, d| {
                let colour = rgb(0x8d887d) * (0.95 + 0.15 * fbm(p * 7.0, 3, i));
                let texel = Texel::new(
                    colour,
                    0.95 + 0.2 * fbm(p * 3.0, 2, i) + 0.1 * smooth(0.0, 0.1, -d),
                );
                stone::mossed(p + at, texel, 0.4, SEED ^ i)
            },
        );
    }
    canvas.lay(
        centre,
        0.0,
        0.5,
        |p| p.length() - 0.34 - 0.05 * fbm(p * 5.0, 2, SEED),
        |p, d| {
            let ash = Vec3::splat(0.22 + 0.10 * fbm(p * 8.0, 3, SEED));
            Texel::new(ash, -0.06 * smooth(0.0, 0.15, -d))
        },
    );
}

/// A travellers' camp by the road: a tent, a cart, logs about a cold fire.
fn camp(canvas: &mut Canvas) {
    let fire = hex_centre(-10, 2);
    canvas.lay(
        fire,
        0.0,
        0.4,
        |p| p.length() - 0.3,
        |p, d| {
            let ember = fbm(p * 9.0, 3, SEED ^ 80);
            Texel::new(
                Vec3::new(0.30, 0.24, 0.20) * (1.0 + 0.5 * ember),
                -0.05 * smooth(0.0, 0.1, -d),
            )
        },
    );
    for i in 0..9 {
        boulder(
            canvas,
            fire + Vec2::from_angle(i as f32 * 0.7) * 0.34,
            0.09,
            900 + i,
        );
    }
    for (turn, reach) in [(0.4f32, 0.95f32), (2.5, 1.0), (4.3, 0.95)] {
        let at = fire + Vec2::from_angle(turn) * reach;
        let along = Vec2::from_angle(turn + 1.57) * 0.42;
        wood::beam(
            canvas,
            at - along,
            at + along,
            0.11,
            0.16,
            (turn * 10.0) as u32,
        );
    }
    tent(canvas, fire + Vec2::new(-1.9, 0.9), 0.35, rgb(0x9b8a62));
    tent(canvas, fire + Vec2::new(-0.6, 2.2), -0.9, rgb(0x7d5a44));
    cart(canvas, fire + Vec2::new(1.7, -1.15), 0.18);
}

fn tent(canvas: &mut Canvas, at: Vec2, angle: f32, cloth: Vec3) {
    let half = Vec2::new(0.85, 0.62);
    canvas.lay(
        at,
        angle,
        1.2,
        |p| rounded(p, half, 0.05) + 0.03 * (p.x * 7.0).cos() * (p.y / half.y).abs(),
        |p, _| {
            let pitch = 1.0 - p.y.abs() / half.y;
            let fold = fbm(Vec2::new(p.x * 4.0, p.y * 1.3), 3, SEED ^ 90);
            let stripe =
                1.0 - 0.10 * smooth(0.3, 0.5, ((p.x / 0.34).rem_euclid(1.0) - 0.5).abs() * 2.0);
            Texel::new(
                cloth * (0.98 + 0.10 * fold) * stripe,
                0.1 + 0.75 * pitch + 0.03 * fold,
            )
        },
    );
}

fn cart(canvas: &mut Canvas, at: Vec2, angle: f32) {
    let turn = Vec2::from_angle(angle);
    for side in [-0.46, 0.46] {
        let wheel = Vec2::new(0.30, 0.05);
        canvas.lay(
            at + turn.rotate(Vec2::new(-0.1, side)),
            angle,
            0.4,
            |p| rounded(p, wheel, 0.03),
            |p, _| wood::board(p, 0.1, 5).raised(0.36),
        );
    }
    for side in [-0.2, 0.2] {
        wood::beam(
            canvas,
            at + turn.rotate(Vec2::new(0.6, side)),
            at + turn.rotate(Vec2::new(1.5, side * 0.9)),
            0.035,
            0.25,
            7,
        );
    }
    wood::table(canvas, at, angle, Vec2::new(0.72, 0.38), 12);
    wood::crate_box(
        canvas,
        at + turn.rotate(Vec2::new(-0.35, 0.02)),
        angle + 0.1,
        0.24,
        3,
    );
    wood::barrel(canvas, at + turn.rotate(Vec2::new(0.25, -0.1)), 0.2, 4);
}
