//! Light and shade: turns a painted canvas into the finished picture.
//!
//! One low sun (or moon) from the upper left with a cast shadow, lamps with their own shadows,
//! and ambient occlusion that lays soft shade along walls. The ground truth is the height of
//! the canvas; nothing that is painted brings shadows of its own.

use crate::canvas::Canvas;
use crate::noise::{fbm, smooth};
use crate::palette::saturated;
use glam::{Vec2, Vec3};
use rayon::prelude::*;

/// A lamp, torch or fire.
#[derive(Clone, Copy, Debug)]
pub struct Lamp {
    /// Where it stands, in cells.
    pub at: Vec2,
    /// How high its flame is, in cells.
    pub height: f32,
    /// How far it reaches, in cells.
    pub reach: f32,
    /// Colour times strength.
    pub colour: Vec3,
}

/// The light of a scene.
#[derive(Clone, Debug)]
pub struct Light {
    /// From the ground towards the sun; x right, y down, z up.
    pub towards_sun: Vec3,
    /// Sun light on flat ground.
    pub sun: Vec3,
    /// Light in the deepest cast shadow.
    pub ambient: Vec3,
    /// 0 no cast shadows to 1 full ones.
    pub shadow: f32,
    /// Longest cast shadow, in cells.
    pub shadow_reach: f32,
    /// Strength of the shade along walls.
    pub occlusion: f32,
    /// Richness of the colours: 1 as painted.
    pub saturation: f32,
    /// How much slopes show.
    pub relief: f32,
    /// Lamps of the scene.
    pub lamps: Vec<Lamp>,
}

/// Margin in cells around a band that its light depends on.
pub const MARGIN_CELLS: f32 = 3.0;

/// Heights of a canvas, blurred or not, read at positions in its own pixels.
struct Heights<'a> {
    width: usize,
    rows: usize,
    values: &'a [f32],
}

impl Heights<'_> {
    fn at(&self, x: f32, y: f32) -> f32 {
        let x = (x.max(0.0) as usize).min(self.width - 1);
        let y = (y.max(0.0) as usize).min(self.rows - 1);
        self.values[y * self.width + x]
    }

    /// How much of a light is hidden from a point `(x, y, height)`: steps along `direction`
    /// (pixels), while the ray climbs `climb` per pixel.
    fn hidden(&self, x: f32, y: f32, height: f32, ray: &Ray) -> f32 {
        let mut hidden = 0.0f32;
        let mut t = 1.5;
        while t < ray.length_px {
            let over = self.at(x + ray.direction.x * t, y + ray.direction.y * t)
                - (height + ray.climb * t);
            // The penumbra widens with the distance from what casts the shadow.
            hidden = hidden.max(over / (ray.softness * (0.35 + t * ray.softness_per_px)));
            if hidden >= 1.0 {
                return 1.0;
            }
            t += (t * 0.06).max(1.0);
        }
        smooth(0.0, 1.0, hidden)
    }
}

struct Ray {
    direction: Vec2,
    climb: f32,
    length_px: f32,
    softness: f32,
    softness_per_px: f32,
}

/// Three passes of a running mean: close to a Gaussian of about `radius` pixels.
fn blurred(values: &[f32], width: usize, radius: usize) -> Vec<f32> {
    let rows = values.len() / width;
    let mean = |line: &mut [f32], copy: &mut Vec<f32>| {
        copy.clear();
        copy.extend_from_slice(line);
        let last = copy.len() - 1;
        let span = (2 * radius + 1) as f32;
        let at = |i: isize| copy[i.clamp(0, last as isize) as usize];
        let mut sum: f32 = (-(radius as isize)..=radius as isize).map(at).sum();
        for (i, out) in line.iter_mut().enumerate() {
            *out = sum / span;
            let i = i as isize;
            sum += at(i + radius as isize + 1) - at(i - radius as isize);
        }
    };
    let pass = |lines: &mut [f32], length: usize| {
        lines
            .par_chunks_mut(length)
            .for_each_init(Vec::new, |copy, line| {
                for _ in 0..3 {
                    mean(line, copy);
                }
            });
    };
    let mut across = values.to_vec();
    pass(&mut across, width);
    let mut down = transposed(&across, width, rows);
    pass(&mut down, rows);
    transposed(&down, rows, width)
}

fn transposed(values: &[f32], width: usize, rows: usize) -> Vec<f32> {
    let mut out = vec![0.0; values.len()];
    out.par_chunks_mut(rows)
        .enumerate()
        .for_each(|(x, column)| {
            for (y, value) in column.iter_mut().enumerate() {
                *value = values[y * width + x];
            }
        });
    out
}

/// Lights a canvas; answers RGB bytes, row by row.
pub fn render(canvas: &Canvas, light: &Light) -> Vec<u8> {
    let (width, rows) = (canvas.size.x as usize, canvas.size.y as usize);
    let px = canvas.px_per_cell;
    let raw: Vec<f32> = canvas.texels.par_iter().map(|texel| texel.height).collect();
    let radius = |cells: f32| ((cells * px) as usize).max(1);
    let near = blurred(&raw, width, radius(0.05));
    let wide = blurred(&raw, width, radius(0.22));
    let heights = Heights {
        width,
        rows,
        values: &raw,
    };
    let soft_values = blurred(&raw, width, radius(0.012));
    let soft = Heights {
        width,
        rows,
        values: &soft_values,
    };

    let towards_sun = light.towards_sun.normalize();
    let flat = towards_sun.truncate();
    let sun_ray = Ray {
        direction: flat.normalize(),
        climb: towards_sun.z / flat.length() / px,
        length_px: light.shadow_reach * px,
        softness: 0.16,
        softness_per_px: 0.9 / px,
    };

    let mut picture = vec![0u8; width * rows * 3];
    picture
        .par_chunks_mut(width * 3)
        .enumerate()
        .for_each(|(y, line)| {
            for (x, out) in line.chunks_exact_mut(3).enumerate() {
                let texel = &canvas.texels[y * width + x];
                let (fx, fy) = (x as f32, y as f32);
                let p = canvas.position(x, y);
                let slope = Vec2::new(
                    heights.at(fx + 1.0, fy) - heights.at(fx - 1.0, fy),
                    heights.at(fx, fy + 1.0) - heights.at(fx, fy - 1.0),
                ) * (0.5 * px);
                let slope = (slope * light.relief).clamp_length_max(1.6);
                let normal = Vec3::new(-slope.x, -slope.y, 1.0).normalize();

                let step_near = near[y * width + x] - texel.height;
                let step_wide = wide[y * width + x] - texel.height;
                let shade = (step_near.max(0.0) * 3.0 + step_wide.max(0.0) * 2.6) * light.occlusion;
                let open = (-shade).exp() * (1.0 + 0.5 * (-step_near).clamp(0.0, 0.12));

                let shadow = if light.shadow > 0.0 {
                    soft.hidden(fx, fy, texel.height + 0.012, &sun_ray) * light.shadow
                } else {
                    0.0
                };
                let facing = (normal.dot(towards_sun) / towards_sun.z).clamp(0.0, 1.7);
                let mut incoming = light.ambient * open * (0.75 + 0.25 * facing.min(1.2))
                    + light.sun * (facing * (1.0 - shadow) * open.powf(0.6));
                let mut glint = Vec3::ZERO;
                for lamp in &light.lamps {
                    let (lit, mirrored) = lamp_light(
                        lamp,
                        p,
                        texel.height,
                        normal,
                        texel.wet,
                        |direction, far, climb| {
                            soft.hidden(
                                fx,
                                fy,
                                texel.height + 0.015,
                                &Ray {
                                    direction,
                                    climb: climb / px,
                                    length_px: far * px,
                                    softness: 0.3,
                                    softness_per_px: 0.8 / px,
                                },
                            )
                        },
                    );
                    incoming += lit * open.powf(0.7);
                    glint += mirrored;
                }
                // A broad warm and cool unevenness, as of a wash on paper.
                let wash = fbm(p * 0.21, 3, 911);
                let mut colour = texel.colour * incoming * (1.0 + 0.05 * wash) + glint;
                colour *= Vec3::new(1.0 + 0.02 * wash, 1.0, 1.0 - 0.025 * wash);
                let colour = saturated(shoulder(colour), light.saturation);
                for (byte, value) in out.iter_mut().zip(colour.to_array()) {
                    *byte = (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
                }
            }
        });
    picture
}

/// Light of a lamp on a surface, and its mirror image in a wet one.
fn lamp_light(
    lamp: &Lamp,
    p: Vec2,
    height: f32,
    normal: Vec3,
    wet: f32,
    hidden: impl Fn(Vec2, f32, f32) -> f32,
) -> (Vec3, Vec3) {
    let across = lamp.at - p;
    let distance = across.length();
    if distance >= lamp.reach {
        return (Vec3::ZERO, Vec3::ZERO);
    }
    let up = (lamp.height - height).max(0.1);
    let falloff = 1.0 - (distance / lamp.reach).powi(2);
    let falloff = falloff * falloff / (1.0 + 1.1 * (distance / lamp.reach * 3.0).powi(2)) * 1.35;
    let direction = across / distance.max(1e-4);
    let shadow = hidden(
        direction,
        (distance - 0.1).max(0.0),
        up / distance.max(0.05),
    );
    let towards = Vec3::new(across.x, across.y, up).normalize();
    // Half of the light comes from every side: a flame in a room is never a point.
    let facing = 0.45 + 0.75 * normal.dot(towards).max(0.0);
    let strength = falloff * (1.0 - 0.85 * shadow);
    let half = (towards + Vec3::Z).normalize();
    let mirror = wet * normal.dot(half).max(0.0).powf(38.0) * 1.3;
    (
        lamp.colour * (strength * facing),
        lamp.colour * (strength * mirror),
    )
}

/// Leaves darks and middles alone and bends the lights gently below white.
fn shoulder(colour: Vec3) -> Vec3 {
    let bend = |x: f32| {
        const KNEE: f32 = 0.72;
        if x <= KNEE {
            x.max(0.0)
        } else {
            KNEE + (1.0 - KNEE) * (1.0 - (-(x - KNEE) / (1.0 - KNEE)).exp())
        }
    };
    Vec3::new(bend(colour.x), bend(colour.y), bend(colour.z))
}
