//! "Lantern Alley": a canal quarter after the rain, by night.
//!
//! Houses and quays keep to the display's own square grid: the picture is as large as the
//! display, so its grid starts `MARGIN` cells in from the top left corner.

use crate::canvas::{Area, Canvas, Texel};
use crate::light::{Lamp, Light};
use crate::material::roof::{self, Ridge, Roof, SHINGLES, SLATES, TILES, chimney};
use crate::material::{foliage, stone, thing, water, wood};
use crate::noise::{Dice, fbm, noise, smooth};
use crate::palette::{IRON, RED_CLOTH, mix, rgb};
use crate::picture::Scene;
use crate::shape::{circle, rect, rounded, segment};
use glam::{Vec2, Vec3};
use std::f32::consts::{FRAC_PI_2, PI};

/// Size of the map in cells: a display of 34.86 by 19.6 inches.
pub const CELLS: (f32, f32) = (34.86, 19.61);

/// From the picture's corner to the first grid lines, in cells.
pub const MARGIN: Vec2 = Vec2::new(0.43, 0.305);

const SEED: u32 = 7703;

/// The canal, from its north to its south quay (grid rows).
const CANAL: [f32; 2] = [13.0, 17.0];
const BRIDGE: [f32; 2] = [20.0, 23.0];
const FOUNTAIN: Vec2 = Vec2::new(16.0, 8.5);

/// Street lamps and lanterns over doors, on the grid.
pub const LANTERNS: [Vec2; 12] = [
    Vec2::new(4.0, 12.4),
    Vec2::new(11.5, 12.4),
    Vec2::new(19.5, 12.5),
    Vec2::new(23.5, 12.5),
    Vec2::new(30.5, 12.4),
    Vec2::new(12.5, 5.6),
    Vec2::new(20.4, 6.3),
    Vec2::new(7.9, 3.4),
    Vec2::new(26.4, 3.4),
    Vec2::new(33.2, 7.6),
    Vec2::new(2.2, 6.9),
    Vec2::new(21.5, 17.6),
];

/// Lit windows: place on a wall and the way they look.
const WINDOWS: [(Vec2, Vec2); 9] = [
    (Vec2::new(3.0, 6.0), Vec2::Y),
    (Vec2::new(5.5, 6.0), Vec2::Y),
    (Vec2::new(15.5, 4.0), Vec2::Y),
    (Vec2::new(18.0, 4.0), Vec2::Y),
    (Vec2::new(23.0, 8.5), Vec2::NEG_X),
    (Vec2::new(29.5, 6.0), Vec2::Y),
    (Vec2::new(31.5, 6.0), Vec2::Y),
    (Vec2::new(9.0, 9.4), Vec2::X),
    (Vec2::new(25.5, 11.0), Vec2::Y),
];

/// The map.
pub struct LanternAlley;

/// A place on the grid in map cells.
pub fn on_grid(x: f32, y: f32) -> Vec2 {
    Vec2::new(x, y) + MARGIN
}

fn houses() -> Vec<Roof> {
    let house = |x0: f32, y0: f32, x1: f32, y1: f32, ridge, tiles, eaves, seed| Roof {
        area: Area::new(on_grid(x0, y0), on_grid(x1, y1)),
        ridge,
        tiles,
        eaves,
        seed: SEED ^ seed,
    };
    vec![
        house(-3.0, -3.0, 2.0, 6.0, Ridge::AlongY, SLATES, 1.3, 1),
        house(2.0, -2.0, 7.0, 6.0, Ridge::AlongY, TILES, 1.5, 2),
        house(9.0, -3.0, 13.0, 5.0, Ridge::AlongY, SHINGLES, 1.4, 3),
        house(13.0, -2.0, 20.0, 4.0, Ridge::AlongX, SLATES, 1.7, 4),
        house(20.0, -3.0, 25.0, 5.0, Ridge::AlongY, TILES, 1.4, 5),
        house(27.0, -2.0, 33.0, 6.0, Ridge::Hip, SLATES, 1.6, 6),
        house(-3.0, 8.0, 4.0, 11.0, Ridge::AlongX, SHINGLES, 1.2, 7),
        house(5.0, 8.0, 9.0, 11.0, Ridge::AlongX, TILES, 1.3, 8),
        house(23.0, 7.0, 28.0, 11.0, Ridge::AlongX, TILES, 1.5, 9),
        house(28.0, 8.0, 32.0, 11.0, Ridge::Hip, SHINGLES, 1.1, 10),
        house(-3.0, 18.0, 6.0, 22.0, Ridge::AlongX, SLATES, 1.3, 11),
        house(7.0, 18.0, 13.0, 22.0, Ridge::AlongX, TILES, 1.3, 12),
        house(13.0, 18.0, 19.0, 23.0, Ridge::AlongX, SHINGLES, 1.2, 13),
        house(24.0, 18.0, 30.0, 22.0, Ridge::AlongX, SLATES, 1.3, 14),
        house(30.0, 18.0, 37.0, 23.0, Ridge::AlongX, TILES, 1.3, 15),
    ]
}

const STREET_STONES: [Vec3; 4] = [rgb(0x5a5c66), rgb(0x6b6c73), rgb(0x7c7b7e), rgb(0x6a6660)];

fn street(p: Vec2) -> Texel {
    let g = p - MARGIN;
    let mut texel = stone::cobbles(p, 3.6, SEED, &STREET_STONES);
    // Kerbs of long stones along the quays; flags round the fountain.
    let square = rect(g, Vec2::new(13.0, 5.0), Vec2::new(19.0, 12.0));
    if square < 0.0 {
        let mut paved = stone::flags(p - MARGIN, SEED ^ 20).tinted(rgb(0x6f727c), 0.45);
        let ring = (1.0 - smooth(0.06, 0.09, (circle(g, FOUNTAIN, 2.4)).abs()))
            .max(1.0 - smooth(0.03, 0.06, (circle(g, FOUNTAIN, 2.1)).abs()));
        paved = paved.tinted(rgb(0x9a9488), 0.6 * ring);
        paved.wet = 0.55;
        texel = texel.under(paved, smooth(0.0, -0.03, square));
    }
    // A gutter down the middle of the lanes, and puddles where the ground sinks.
    let hollow = fbm(p * 0.42, 4, SEED ^ 21) + 0.12 * fbm(p * 2.5, 2, SEED ^ 22);
    let puddle = smooth(0.30, 0.36, hollow);
    if puddle > 0.0 {
        let mirror = Texel {
            colour: texel.colour * 0.45 + rgb(0x1d2433) * 0.35,
            height: -0.02 + 0.004 * noise(p * 3.0, SEED),
            wet: 1.0,
        };
        texel = texel.under(mirror, puddle * 0.88);
    }
    let grime = smooth(0.1, 0.7, fbm(p * 0.6, 4, SEED ^ 23));
    texel.shaded(1.0 - 0.22 * grime)
}

fn canal(p: Vec2, below: Texel) -> Texel {
    let g = p - MARGIN;
    let y = g.y + 0.015 * noise(p * 2.5, SEED ^ 30);
    let inside = (y - CANAL[0]).min(CANAL[1] - y);
    if inside < -0.5 {
        return below;
    }
    if inside < 0.0 {
        let mut kerb = stone::wall_top(p, p.x, -inside, 0.5, SEED ^ 31).tinted(rgb(0x77767a), 0.5);
        kerb.height -= 0.60;
        kerb.wet = 0.5;
        return kerb;
    }
    let bed = Texel {
        colour: rgb(0x29312f),
        height: -0.6,
        wet: 1.0,
    };
    let mut flood = water::water(p, bed, 0.5 + inside * 0.8, Vec2::new(1.0, 0.06), SEED ^ 32);
    flood.height = -0.55 + 0.05 * fbm(p * Vec2::new(0.8, 2.4), 4, SEED ^ 33);
    flood.colour *= 0.62;
    flood
}

fn bridge(canvas: &mut Canvas) {
    let (min, max) = (
        on_grid(BRIDGE[0], CANAL[0] - 0.9),
        on_grid(BRIDGE[1], CANAL[1] + 0.9),
    );
    let centre = (min + max) * 0.5;
    canvas.paint(Area::new(min, max), |p, _| {
        let across = (p.x - min.x).min(max.x - p.x);
        let rise = 0.34 * (1.0 - ((p.y - centre.y) / (max.y - centre.y)).powi(2)).max(0.0);
        if across < 0.28 {
            let mut wall =
                stone::wall_top(p, p.y, across, 0.28, SEED ^ 40).tinted(rgb(0x77767a), 0.3);
            wall.height += rise - 0.15;
            return wall;
        }
        stone::cobbles(p.perp(), 3.2, SEED ^ 41, &STREET_STONES)
            .shaded(1.1)
            .raised(rise)
    });
}

impl Scene for LanternAlley {
    fn cells(&self) -> Vec2 {
        Vec2::new(CELLS.0, CELLS.1)
    }

    fn light(&self) -> Light {
        let mut lamps: Vec<Lamp> = LANTERNS
            .iter()
            .map(|at| Lamp {
                at: *at + MARGIN,
                height: 1.25,
                reach: 4.8,
                colour: Vec3::new(1.0, 0.66, 0.30) * 1.15,
            })
            .collect();
        lamps.extend(WINDOWS.iter().map(|(at, looks)| Lamp {
            at: *at + MARGIN + *looks * 0.16,
            height: 0.55,
            reach: 2.3,
            colour: Vec3::new(1.0, 0.72, 0.36) * 0.85,
        }));
        lamps.push(Lamp {
            at: FOUNTAIN + MARGIN,
            height: 1.0,
            reach: 3.2,
            colour: Vec3::new(0.42, 0.70, 0.85) * 0.42,
        });
        Light {
            towards_sun: Vec3::new(0.55, -0.62, 1.0),
            sun: Vec3::new(0.31, 0.36, 0.49),
            ambient: Vec3::new(0.22, 0.25, 0.35),
            shadow: 0.85,
            shadow_reach: 2.2,
            occlusion: 0.75,
            saturation: 1.0,
            relief: 1.1,
            lamps,
        }
    }

    fn paint(&self, canvas: &mut Canvas) {
        canvas.fill(|p, _| canal(p, street(p)));
        bridge(canvas);
        fountain(canvas);
        wares(canvas);
        boats(canvas);
        let mut dice = Dice::new(u64::from(SEED));
        for house in houses() {
            roof::roof(canvas, &house);
            let (min, max) = (house.area.min, house.area.max);
            let at = match house.ridge {
                Ridge::AlongX => Vec2::new(
                    dice.between(min.x + 0.8, max.x - 0.8),
                    (min.y + max.y) * 0.5 + 0.3,
                ),
                Ridge::AlongY => Vec2::new(
                    (min.x + max.x) * 0.5 + 0.35,
                    dice.between(min.y.max(0.0) + 0.8, max.y - 0.8),
                ),
                Ridge::Hip => (min + max) * 0.5 + Vec2::new(0.5, 0.0),
            };
            let span = (max - min).min_element() * 0.5;
            chimney(
                canvas,
                at,
                Vec2::new(0.24, 0.20),
                house.eaves + span * 0.62 + 0.35,
                dice.seed(),
            );
        }
        for (at, looks) in WINDOWS {
            window(canvas, at + MARGIN, looks);
        }
        for at in LANTERNS {
            lantern(canvas, at + MARGIN);
        }
        for (x, y, r) in [
            (14.0, 11.2, 0.75),
            (18.2, 5.7, 0.7),
            (33.6, 12.2, 0.6),
            (10.4, 6.0, 0.42),
        ] {
            planter(canvas, on_grid(x, y), r);
        }
    }
}

fn window(canvas: &mut Canvas, at: Vec2, looks: Vec2) {
    let half = Vec2::new(0.34, 0.05);
    canvas.lay(
        at + looks * 0.02,
        looks.to_angle() - FRAC_PI_2,
        0.5,
        |p| rounded(p, half, 0.02),
        |p, _| {
            let bar = 1.0 - smooth(0.012, 0.02, (p.x.abs() - 0.17).abs().min(p.x.abs()));
            let glass = Vec3::new(1.9, 1.35, 0.62) * (1.0 - 0.6 * bar);
            Texel::new(glass, 0.75)
        },
    );
}

fn lantern(canvas: &mut Canvas, at: Vec2) {
    canvas.lay(
        at,
        0.0,
        0.3,
        |p| rounded(p, Vec2::splat(0.15), 0.03),
        |p, _| {
            let frame = smooth(0.085, 0.10, p.abs().max_element())
                .max(1.0 - smooth(0.012, 0.02, (p.x.abs() - p.y.abs()).abs()));
            Texel::new(mix(Vec3::new(2.2, 1.5, 0.66), IRON, frame * 0.9), 1.15)
        },
    );
}

fn fountain(canvas: &mut Canvas) {
    let at = FOUNTAIN + MARGIN;
    canvas.lay(
        at,
        0.0,
        1.6,
        |p| p.length() - 1.5,
        |p, d| {
            let along = p.to_angle() * 1.4;
            let mut texel = stone::wall_top(p + at, along, -d, 0.34, SEED ^ 50);
            texel.height -= 0.28;
            texel.wet = 0.5;
            texel
        },
    );
    canvas.lay(
        at,
        0.0,
        1.3,
        |p| p.length() - 1.16,
        |p, d| {
            let bed = Texel::new(rgb(0x4d5a5c), 0.1);
            let mut pool = water::water(p + at, bed, 0.1 - d * 0.8, Vec2::ZERO, SEED ^ 51);
            let ripple = (p.length() * 26.0 + 1.2 * noise(p * 3.0, SEED)).sin()
                * smooth(1.1, 0.4, p.length());
            pool.height = 0.16 + 0.012 * ripple;
            pool.colour *= 1.0 + 0.10 * ripple;
            pool
        },
    );
    thing::pillar(canvas, at, 0.30, SEED ^ 52);
    canvas.lay(
        at,
        0.4,
        0.5,
        |p| p.length() - 0.22 - 0.05 * (p.to_angle() * 5.0).cos(),
        |p, _| {
            Texel::new(
                rgb(0x8ba39a) * (0.9 + 0.2 * fbm(p * 8.0, 2, SEED)),
                0.35 + 0.3 * smooth(0.25, 0.0, p.length()),
            )
        },
    );
}

fn planter(canvas: &mut Canvas, at: Vec2, radius: f32) {
    thing::slab(
        canvas,
        at,
        0.0,
        Vec2::splat(radius * 0.62),
        0.18,
        rgb(0x7d7a76),
        SEED ^ 60,
    );
    foliage::tree(
        canvas,
        at,
        radius,
        0.18,
        &foliage::DEEP,
        (radius * 991.0) as u32,
    );
}

/// Market stalls, carts, barrels and what else stands about.
fn wares(canvas: &mut Canvas) {
    let canvas_white = rgb(0xb9ae93);
    for (x, y, turn, cloth) in [
        (10.7, 9.3, FRAC_PI_2, RED_CLOTH),
        (21.4, 9.0, -FRAC_PI_2, rgb(0x47607a)),
        (11.2, 11.6, 0.05, rgb(0x7a6a3e)),
    ] {
        let at = on_grid(x, y);
        wood::table(
            canvas,
            at + Vec2::from_angle(turn + FRAC_PI_2) * 0.5,
            turn,
            Vec2::new(0.95, 0.3),
            SEED ^ 70,
        );
        roof::awning(
            canvas,
            at,
            turn,
            Vec2::new(1.1, 0.55),
            [cloth, canvas_white],
            SEED ^ 71,
        );
    }
    for (x, y, r) in [
        (7.5, 0.9, 0.32),
        (8.3, 1.2, 0.28),
        (7.4, 1.7, 0.26),
        (25.5, 1.0, 0.33),
        (26.4, 1.5, 0.27),
        (4.5, 8.6, 0.26),
        (32.5, 9.5, 0.32),
        (32.6, 10.3, 0.28),
        (17.0, 17.5, 0.28),
    ] {
        wood::barrel(canvas, on_grid(x, y), r, (x * 13.0 + y) as u32);
    }
    for (x, y, turn, half) in [
        (25.4, 4.2, 0.1, 0.36),
        (12.4, 12.0, 0.1, 0.33),
        (13.2, 12.2, 0.5, 0.26),
        (27.4, 12.2, 0.2, 0.36),
        (28.3, 12.1, -0.1, 0.32),
        (27.9, 11.4, 0.4, 0.28),
        (6.3, 17.5, 0.2, 0.3),
        (10.5, 5.4, 0.7, 0.3),
    ] {
        wood::crate_box(canvas, on_grid(x, y), turn, half, (x * 17.0 + y) as u32);
    }
}

/// Boats on the canal and the mooring posts of the quay.
fn boats(canvas: &mut Canvas) {
    for (x, y, turn, length) in [
        (7.2, 13.9, 0.05, 1.7),
        (14.5, 16.0, -0.08, 1.5),
        (29.0, 14.1, 0.10, 1.9),
    ] {
        boat(canvas, on_grid(x, y), turn, length);
    }
    for (x, y) in [
        (5.6, 12.75),
        (9.2, 12.75),
        (13.2, 17.25),
        (16.2, 17.25),
        (27.2, 12.75),
        (31.2, 12.75),
    ] {
        canvas.lay(
            on_grid(x, y),
            0.0,
            0.2,
            |p| p.length() - 0.11,
            |p, _| wood::board(p, 0.2, 3).raised(0.5),
        );
    }
}

fn boat(canvas: &mut Canvas, at: Vec2, angle: f32, half_length: f32) {
    let beam = half_length * 0.34;
    let hull = move |p: Vec2| {
        let t = (p.x / half_length).clamp(-1.0, 1.0);
        let width = beam * (1.0 - t.abs().powf(2.4));
        (p.y.abs() - width).max(p.x.abs() - half_length) * 0.8
    };
    canvas.lay(at, angle, half_length + 0.1, hull, |p, d| {
        let gunwale = smooth(0.09, 0.07, -d);
        let mut texel = wood::planks(p + 33.0, 0.14, 3.0, 8).shaded(0.85);
        texel.height = -0.02 + 0.35 * gunwale;
        texel.colour = mix(texel.colour, rgb(0x8a6a44), gunwale);
        texel
    });
    for x in [-0.45, 0.05, 0.5] {
        let across = Vec2::from_angle(angle).rotate(Vec2::new(x * half_length, 0.0));
        let reach = beam * 0.85 * (1.0 - x.abs().powf(2.4));
        let side = Vec2::from_angle(angle + PI * 0.5) * reach;
        wood::beam(
            canvas,
            at + across - side,
            at + across + side,
            0.09,
            0.18,
            21,
        );
    }
    canvas.lay(
        at,
        angle + 0.2,
        half_length,
        |p| segment(p, Vec2::new(-0.9, 0.1), Vec2::new(0.8, -0.1)) - 0.028,
        |p, _| wood::board(p, 0.9, 2).raised(0.36),
    );
}
