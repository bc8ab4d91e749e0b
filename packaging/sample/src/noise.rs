//! Seeded noise and dice: the only source of irregularity in the pictures.
//!
//! Everything here is a pure function of position and seed, so that a map can be painted in
//! bands, in parallel and again next year, and comes out the same. Positions are in cells.

use glam::{IVec2, Vec2};

/// Mixes a lattice point and a seed into 32 well spread bits.
pub fn hash(cell: IVec2, seed: u32) -> u32 {
    let mut h = seed.wrapping_mul(0x9E37_79B9) ^ (cell.x as u32).wrapping_mul(0x85EB_CA6B);
    h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
    h ^= (cell.y as u32).wrapping_mul(0xC2B2_AE35);
    h = (h ^ (h >> 13)).wrapping_mul(0x297A_2D39);
    h = (h ^ (h >> 16)).wrapping_mul(0x7FEB_352D);
    h ^ (h >> 15)
}

/// A number in 0..1 from 32 bits of hash.
pub fn unit(bits: u32) -> f32 {
    (bits >> 8) as f32 / (1u32 << 24) as f32
}

/// A number in 0..1 that belongs to a lattice point.
pub fn hash_unit(cell: IVec2, seed: u32) -> f32 {
    unit(hash(cell, seed))
}

/// A point in the unit square that belongs to a lattice point.
pub fn hash_point(cell: IVec2, seed: u32) -> Vec2 {
    let bits = hash(cell, seed);
    Vec2::new((bits & 0xffff) as f32, (bits >> 16) as f32) / 65536.0
}

/// The lattice point up and left of a position.
fn lattice(p: Vec2) -> IVec2 {
    let cut = p.as_ivec2();
    cut - IVec2::new(i32::from(p.x < cut.x as f32), i32::from(p.y < cut.y as f32))
}

/// Hermite step from 0 at `from` to 1 at `to`; `from` may be above `to`.
pub fn smooth(from: f32, to: f32, x: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Gradient noise in about -1..1, with features about one unit wide.
pub fn noise(p: Vec2, seed: u32) -> f32 {
    let cell = lattice(p);
    let f = p - cell.as_vec2();
    let fade = f * f * f * (f * (f * 6.0 - 15.0) + 10.0);
    let corner = |dx: i32, dy: i32| {
        // Eight directions are enough: the picture shows sums of several octaves.
        const DIAGONAL: f32 = std::f32::consts::FRAC_1_SQRT_2;
        const GRADIENTS: [(f32, f32); 8] = [
            (1.0, 0.0),
            (DIAGONAL, DIAGONAL),
            (0.0, 1.0),
            (-DIAGONAL, DIAGONAL),
            (-1.0, 0.0),
            (-DIAGONAL, -DIAGONAL),
            (0.0, -1.0),
            (DIAGONAL, -DIAGONAL),
        ];
        let (gx, gy) = GRADIENTS[(hash(cell + IVec2::new(dx, dy), seed) & 7) as usize];
        gx * (f.x - dx as f32) + gy * (f.y - dy as f32)
    };
    let top = corner(0, 0) + (corner(1, 0) - corner(0, 0)) * fade.x;
    let bottom = corner(0, 1) + (corner(1, 1) - corner(0, 1)) * fade.x;
    (top + (bottom - top) * fade.y) * 1.5
}

/// Octaves of [`noise`], each half as wide and half as strong; about -1..1.
pub fn fbm(p: Vec2, octaves: u32, seed: u32) -> f32 {
    let (mut sum, mut strength, mut total) = (0.0, 1.0, 0.0);
    let mut q = p;
    for octave in 0..octaves {
        sum += noise(q, seed.wrapping_add(octave * 101)) * strength;
        total += strength;
        strength *= 0.5;
        // Turned a little at each octave, so that the lattice does not show.
        q = Vec2::new(q.x * 1.6 - q.y * 1.2, q.x * 1.2 + q.y * 1.6) + Vec2::new(17.3, -9.1);
    }
    sum / total
}

/// [`fbm`] stretched to 0..1.
pub fn fbm01(p: Vec2, octaves: u32, seed: u32) -> f32 {
    (fbm(p, octaves, seed) * 0.5 + 0.5).clamp(0.0, 1.0)
}

/// A displacement that makes straight edges look drawn by hand.
pub fn wobble(p: Vec2, amount: f32, seed: u32) -> Vec2 {
    Vec2::new(
        noise(p, seed),
        noise(p + Vec2::new(31.7, 11.9), seed ^ 0xABCD),
    ) * amount
}

/// What cellular noise knows about a position.
#[derive(Clone, Copy, Debug)]
pub struct Cellular {
    /// Bits that belong to the nearest stone.
    pub id: u32,
    /// Distance to the nearest stone's seed point.
    pub centre_distance: f32,
    /// Distance to the border with the next stone.
    pub border_distance: f32,
    /// From the seed point of the nearest stone to the position.
    pub from_centre: Vec2,
}

/// Cellular (Worley) noise with one stone per unit square; `jitter` 0 is a regular grid, 1 free.
pub fn cellular(p: Vec2, jitter: f32, seed: u32) -> Cellular {
    let base = lattice(p);
    let mut nearest = Cellular {
        id: 0,
        centre_distance: f32::MAX,
        border_distance: f32::MAX,
        from_centre: Vec2::ZERO,
    };
    let mut seeds = [Vec2::ZERO; 25];
    let mut count = 0;
    for dy in -2..=2 {
        for dx in -2..=2 {
            let cell = base + IVec2::new(dx, dy);
            let at = cell.as_vec2() + 0.5 + (hash_point(cell, seed) - 0.5) * jitter;
            seeds[count] = at;
            count += 1;
            let distance = at.distance_squared(p);
            if distance < nearest.centre_distance {
                nearest.centre_distance = distance;
                nearest.from_centre = p - at;
                nearest.id = hash(cell, seed ^ 0x51ed_270b);
            }
        }
    }
    let own = p - nearest.from_centre;
    for at in seeds {
        let across = at - own;
        if across.length_squared() > 1e-6 {
            let middle = (at + own) * 0.5;
            nearest.border_distance = nearest
                .border_distance
                .min((middle - p).dot(across.normalize()));
        }
    }
    nearest.centre_distance = nearest.centre_distance.sqrt();
    nearest
}

/// A stream of random numbers for placing things, from a seed.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// A stream that is always the same for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    /// The next number in 0..1 (SplitMix64).
    pub fn roll(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        unit((z >> 32) as u32)
    }

    /// The next number in `from..to`.
    pub fn between(&mut self, from: f32, to: f32) -> f32 {
        from + (to - from) * self.roll()
    }

    /// The next point in the rectangle from `min` to `max`.
    pub fn point(&mut self, min: Vec2, max: Vec2) -> Vec2 {
        Vec2::new(self.between(min.x, max.x), self.between(min.y, max.y))
    }

    /// The next bits, to seed something with.
    pub fn seed(&mut self) -> u32 {
        (self.roll() * 16_777_216.0) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_stays_in_range_and_repeats() {
        for i in 0..4000 {
            let p = Vec2::new(i as f32 * 0.37 - 700.0, i as f32 * -0.73);
            let value = noise(p, 7);
            assert!(value.abs() <= 1.2, "{value}");
            assert_eq!(value.to_bits(), noise(p, 7).to_bits());
            assert!(fbm01(p, 4, 3) >= 0.0 && fbm01(p, 4, 3) <= 1.0);
        }
    }

    #[test]
    fn a_stone_is_nearest_to_its_own_seed() {
        let stone = cellular(Vec2::new(3.4, -8.9), 0.8, 5);
        assert!(stone.border_distance >= 0.0);
        assert!(stone.centre_distance <= 2f32.sqrt());
        assert!((stone.from_centre.length() - stone.centre_distance).abs() < 1e-5);
    }
}
