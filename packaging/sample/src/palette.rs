//! The colours of the whole campaign: muted, warm in the light and cool in the shade.
//!
//! Colours are sRGB-encoded components in 0..1, as a painter mixes them.

use glam::Vec3;

/// A colour from its usual hexadecimal form.
pub const fn rgb(hex: u32) -> Vec3 {
    Vec3::new(
        ((hex >> 16) & 0xff) as f32 / 255.0,
        ((hex >> 8) & 0xff) as f32 / 255.0,
        (hex & 0xff) as f32 / 255.0,
    )
}

/// A colour between two.
pub fn mix(a: Vec3, b: Vec3, t: f32) -> Vec3 {
    a + (b - a) * t.clamp(0.0, 1.0)
}

/// A colour on a ramp of evenly spaced stops; `t` in 0..1.
pub fn ramp(stops: &[Vec3], t: f32) -> Vec3 {
    let spans = stops.len().saturating_sub(1);
    let x = t.clamp(0.0, 1.0) * spans as f32;
    let i = (x as usize).min(spans.saturating_sub(1));
    match (stops.get(i), stops.get(i + 1)) {
        (Some(a), Some(b)) => mix(*a, *b, x - i as f32),
        (Some(a), None) => *a,
        _ => Vec3::ZERO,
    }
}

/// A colour with its saturation scaled by `amount`.
pub fn saturated(colour: Vec3, amount: f32) -> Vec3 {
    let grey = Vec3::splat(colour.dot(Vec3::new(0.3, 0.59, 0.11)));
    grey + (colour - grey) * amount
}

/// Ink of outlines and joints.
pub const INK: Vec3 = rgb(0x1a1614);
/// Crypt flags, from shade to worn face.
pub const FLAG_STONES: [Vec3; 4] = [rgb(0x6f6a63), rgb(0x857d72), rgb(0x948b7d), rgb(0x7b7c7b)];
/// Dressed blocks of walls.
pub const WALL_STONES: [Vec3; 3] = [rgb(0x8b857b), rgb(0x9d968a), rgb(0xaaa294)];
/// Living rock between the rooms, from depth to lit face.
pub const ROCK: [Vec3; 3] = [rgb(0x17161a), rgb(0x2a272a), rgb(0x4b4543)];
/// Pale limestone of tombs and altars.
pub const TOMB_STONE: Vec3 = rgb(0xb9b1a2);
/// Moss and lichen.
pub const MOSS: Vec3 = rgb(0x5d6a3c);
/// Oak, from heart to sun-bleached.
pub const OAK: [Vec3; 4] = [rgb(0x5b3d26), rgb(0x70502f), rgb(0x84623c), rgb(0x96744a)];
/// Wrought iron.
pub const IRON: Vec3 = rgb(0x3b3d42);
/// Brass and old gold.
pub const GOLD: Vec3 = rgb(0xc99a3e);
/// Faded red cloth.
pub const RED_CLOTH: Vec3 = rgb(0x6b302b);
/// Bone and old paper.
pub const BONE: Vec3 = rgb(0xd8cdb0);
/// Grass, from shade to sun.
pub const GRASS: [Vec3; 4] = [rgb(0x565c36), rgb(0x6c7043), rgb(0x858451), rgb(0x9e9967)];
/// Trodden earth.
pub const EARTH: [Vec3; 3] = [rgb(0x6b5138), rgb(0x8a6b4a), rgb(0xa68a63)];
/// Sand and shingle of banks.
pub const SAND: [Vec3; 2] = [rgb(0xa4946b), rgb(0xc2b287)];
/// Water, from deep to shore.
pub const WATER: [Vec3; 4] = [rgb(0x2b4a55), rgb(0x3b6369), rgb(0x5b8080), rgb(0x93a58f)];
/// Ember and torch light.
pub const FLAME: Vec3 = rgb(0xffa54a);
