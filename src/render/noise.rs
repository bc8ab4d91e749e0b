//! Clouds: tileable noise, baked once, so that no pixel ever evaluates noise.
//!
//! A texture holds finished colours (a gradient of five steps around a base colour) and, in alpha,
//! an independent field for ragged edges and mottling. Both repeat without a seam.

use std::sync::OnceLock;

use crate::model::color::Rgb;

use super::gpu::Gpu;
use super::resources::{sampled_texture, whole_view, write_texture};

/// Side of the baked texture.
pub(super) const CLOUD_SIDE_PX: u32 = 256;
const SIDE: usize = CLOUD_SIDE_PX as usize;

/// How light the five steps of the gradient are, as factors of the base colour, evenly spaced from
/// the deepest to the brightest part of a cloud.
const GRADIENT_STEPS: [f32; 5] = [0.74, 0.83, 0.92, 1.0, 1.09];

/// Two fields of 0..=255: how bright the cloud is, and its raggedness.
fn fields() -> &'static [[u8; 2]] {
    static FIELDS: OnceLock<Vec<[u8; 2]>> = OnceLock::new();
    FIELDS.get_or_init(|| {
        let tone = fractal(3, 5, 0x51);
        let ragged = fractal(6, 4, 0xa7);
        tone.into_iter().zip(ragged).map(|(t, r)| [t, r]).collect()
    })
}

/// Octaves of gradient noise, the first with `period` cells across the texture, stretched to
/// 0..=255.
fn fractal(period: usize, octaves: u32, seed: u32) -> Vec<u8> {
    let mut sum = vec![0.0_f32; SIDE * SIDE];
    for octave in 0..octaves {
        let cells = period << octave;
        let weight = 0.5_f32.powi(octave as i32);
        // Gradients of one lattice, then interpolated row by row.
        let gradients: Vec<[f32; 2]> = (0..cells * cells)
            .map(|i| {
                let angle = hash(i as u32, seed.wrapping_add(octave * 131)) as f32
                    / u32::MAX as f32
                    * std::f32::consts::TAU;
                [angle.cos(), angle.sin()]
            })
            .collect();
        let scale = cells as f32 / SIDE as f32;
        for (y, row) in sum.chunks_exact_mut(SIDE).enumerate() {
            let gy = (y as f32 + 0.5) * scale;
            let (cy, fy) = (gy as usize % cells, gy.fract());
            let rows = [cy * cells, (cy + 1) % cells * cells];
            for (x, value) in row.iter_mut().enumerate() {
                let gx = (x as f32 + 0.5) * scale;
                let (cx, fx) = (gx as usize % cells, gx.fract());
                let columns = [cx, (cx + 1) % cells];
                let corner = |i: usize, j: usize| {
                    let [a, b] = gradients[rows[j] + columns[i]];
                    a * (fx - i as f32) + b * (fy - j as f32)
                };
                let smooth = |t: f32| t * t * t * (t * (t * 6.0 - 15.0) + 10.0);
                let (sx, sy) = (smooth(fx), smooth(fy));
                let top = corner(0, 0) + (corner(1, 0) - corner(0, 0)) * sx;
                let bottom = corner(0, 1) + (corner(1, 1) - corner(0, 1)) * sx;
                *value += (top + (bottom - top) * sy) * weight;
            }
        }
    }
    let (low, high) = sum
        .iter()
        .fold((f32::MAX, f32::MIN), |(l, h), &v| (l.min(v), h.max(v)));
    sum.into_iter()
        .map(|v| ((v - low) / (high - low) * 255.0).round() as u8)
        .collect()
}

/// A well mixed number from two.
fn hash(i: u32, seed: u32) -> u32 {
    let mut h = i.wrapping_mul(0x9e37_79b9) ^ seed.wrapping_mul(0x85eb_ca6b);
    h = (h ^ h >> 16).wrapping_mul(0x7feb_352d);
    h = (h ^ h >> 15).wrapping_mul(0x846c_a68b);
    h ^ h >> 16
}

/// The gradient around a base colour at 256 places.
fn gradient(base: Rgb) -> Vec<[u8; 3]> {
    let steps = GRADIENT_STEPS
        .map(|factor| [base.r, base.g, base.b].map(|c| (f32::from(c) * factor).clamp(0.0, 255.0)));
    (0..=255u8)
        .map(|tone| {
            let at = f32::from(tone) / 255.0 * 4.0;
            let step = (at as usize).min(3);
            let share = at - step as f32;
            let [a, b] = [steps[step], steps[step + 1]];
            std::array::from_fn(|c| (a[c] + (b[c] - a[c]) * share).round() as u8)
        })
        .collect()
}

/// Clouds of one colour on the GPU, with all levels.
#[derive(Debug)]
pub(super) struct CloudTexture {
    texture: wgpu::Texture,
    pub(super) view: wgpu::TextureView,
    color: Rgb,
}

/// Levels of the texture.
const LEVELS: u32 = CLOUD_SIDE_PX.ilog2() + 1;

impl CloudTexture {
    pub(super) fn new(gpu: &Gpu, color: Rgb) -> Self {
        let texture = sampled_texture(
            gpu,
            "clouds",
            [CLOUD_SIDE_PX, CLOUD_SIDE_PX, 1],
            LEVELS,
            wgpu::TextureFormat::Rgba8Unorm,
        );
        let clouds = Self {
            view: whole_view(&texture),
            texture,
            color,
        };
        clouds.upload(gpu);
        clouds
    }

    /// Takes on another colour.
    pub(super) fn set_color(&mut self, gpu: &Gpu, color: Rgb) {
        if self.color != color {
            self.color = color;
            self.upload(gpu);
        }
    }

    fn upload(&self, gpu: &Gpu) {
        let gradient = gradient(self.color);
        let mut pixels: Vec<u8> = fields()
            .iter()
            .flat_map(|&[tone, ragged]| {
                let [r, g, b] = gradient[usize::from(tone)];
                [r, g, b, ragged]
            })
            .collect();
        let mut side = SIDE;
        for level in 0..LEVELS {
            write_texture(
                gpu,
                &self.texture,
                level,
                [0; 3],
                [side as u32; 2],
                4,
                &pixels,
            );
            pixels = halved_rgba(&pixels, side);
            side = (side / 2).max(1);
        }
    }
}

/// The clouds of one view at one moment: a texture of the same size that is drawn into.
#[derive(Debug)]
pub(super) struct CloudTarget {
    levels: Vec<wgpu::TextureView>,
    pub(super) view: wgpu::TextureView,
}

impl CloudTarget {
    pub(super) fn new(gpu: &Gpu) -> Self {
        let texture = gpu.device().create_texture(&wgpu::TextureDescriptor {
            label: Some("clouds of a view"),
            size: wgpu::Extent3d {
                width: CLOUD_SIDE_PX,
                height: CLOUD_SIDE_PX,
                depth_or_array_layers: 1,
            },
            mip_level_count: LEVELS,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wgpu::TextureFormat::Rgba8Unorm,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::RENDER_ATTACHMENT,
            view_formats: &[],
        });
        let levels = (0..LEVELS)
            .map(|level| {
                texture.create_view(&wgpu::TextureViewDescriptor {
                    base_mip_level: level,
                    mip_level_count: Some(1),
                    ..Default::default()
                })
            })
            .collect();
        Self {
            levels,
            view: whole_view(&texture),
        }
    }

    /// One level, to draw into.
    pub(super) fn level(&self, level: usize) -> Option<&wgpu::TextureView> {
        self.levels.get(level)
    }
}

/// A square picture at half its size, by averaging.
pub(super) fn halved_rgba(pixels: &[u8], side: usize) -> Vec<u8> {
    let half = (side / 2).max(1);
    if side < 2 {
        return pixels.to_vec();
    }
    let mut out = Vec::with_capacity(half * half * 4);
    for y in 0..half {
        let (top, rest) = pixels[y * 2 * side * 4..].split_at(side * 4);
        for (a, b) in top.chunks_exact(8).zip(rest.chunks_exact(8)) {
            for c in 0..4 {
                let sum =
                    u16::from(a[c]) + u16::from(a[c + 4]) + u16::from(b[c]) + u16::from(b[c + 4]);
                out.push(((sum + 2) / 4) as u8);
            }
        }
    }
    out
}

/// The level at which a texture that shows `texels_per_px` of its texels on a pixel is read.
pub(super) fn level_of_detail(texels_per_px: f64, levels: u32) -> f32 {
    (texels_per_px.max(1.0).log2() as f32).clamp(0.0, (levels - 1) as f32)
}

/// The level of the clouds for this many of their texels on a pixel.
pub(super) fn cloud_lod(texels_per_px: f64) -> f32 {
    level_of_detail(texels_per_px, LEVELS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clouds_repeat_without_a_seam() {
        let side = SIDE as i32;
        let at = |x: i32, y: i32| {
            let wrap = |v: i32| v.rem_euclid(side) as usize;
            i32::from(fields()[wrap(y) * SIDE + wrap(x)][0])
        };
        let steps = |x: i32| (0..side).map(move |y| (at(x, y) - at(x - 1, y)).abs());
        let usual = (1..side).flat_map(steps).max();
        assert!(steps(0).max() <= usual, "seam across the texture's border");
    }

    #[test]
    fn the_gradient_has_its_base_colour_in_the_bright_half() {
        let colors = gradient(Rgb::new(200, 100, 50));
        assert!(colors.contains(&[200, 100, 50]));
        assert!(colors.is_sorted());
    }
}
