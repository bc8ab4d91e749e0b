//! Pictures of tokens: an array of small squares with all levels, least recently used first out.

use std::collections::HashMap;

use crate::model::id::PictureHash;
use crate::scene::picture::{Fetched, PictureSource, Pixels};

use super::gpu::Gpu;
use super::noise::halved_rgba;
use super::resources::{array_view, sampled_texture, write_texture};

/// Side of a picture on the GPU.
pub(super) const SIDE_PX: u32 = 256;
const LEVELS: u32 = SIDE_PX.ilog2() + 1;
/// What the source is asked for, so that a long picture still fills the square.
const ASKED_SIDE_PX: u32 = 512;
const FIRST_LAYERS: u32 = 8;
/// Every device has as many.
const MAX_LAYERS: u32 = 256;
/// What one picture costs of a frame's upload budget.
const UPLOAD_BYTES: usize = (SIDE_PX * SIDE_PX * 4) as usize * 4 / 3;

/// A picture on the GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PictureLayer {
    pub(super) layer: u32,
    /// Its average, alpha multiplied in.
    pub(super) average: [u8; 4],
}

/// What became of a picture that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PictureState {
    /// It is there.
    Layer(PictureLayer),
    /// It is on its way.
    Loading,
    /// It can not be had.
    Missing,
}

#[derive(Debug)]
pub(super) struct MarkerPictures {
    texture: wgpu::Texture,
    pub(super) view: wgpu::TextureView,
    layer_of: HashMap<PictureHash, (PictureLayer, u64)>,
    used_layers: u32,
    capacity: u32,
    clock: u64,
    /// Grows when a layer got another picture: what refers to layers must be built anew.
    pub(super) evictions: u64,
}

impl MarkerPictures {
    pub(super) fn new(gpu: &Gpu) -> Self {
        let texture = array(gpu, FIRST_LAYERS);
        Self {
            view: array_view(&texture),
            texture,
            layer_of: HashMap::new(),
            used_layers: 0,
            capacity: FIRST_LAYERS,
            clock: 0,
            evictions: 0,
        }
    }

    /// Looks for a picture, and uploads it when its pixels are here and `budget_bytes` last.
    pub(super) fn want(
        &mut self,
        gpu: &Gpu,
        source: &dyn PictureSource,
        picture: &PictureHash,
        budget_bytes: &mut usize,
    ) -> PictureState {
        self.clock += 1;
        if let Some((layer, used)) = self.layer_of.get_mut(picture) {
            *used = self.clock;
            return PictureState::Layer(*layer);
        }
        match source.whole(picture, ASKED_SIDE_PX) {
            Fetched::Loading => PictureState::Loading,
            Fetched::Missing => PictureState::Missing,
            Fetched::Ready(pixels) => {
                if *budget_bytes < UPLOAD_BYTES {
                    return PictureState::Loading;
                }
                let Some(square) = covering_square(&pixels) else {
                    return PictureState::Missing;
                };
                *budget_bytes -= UPLOAD_BYTES;
                let layer = self.free_layer(gpu);
                let layer = PictureLayer {
                    layer,
                    average: self.upload(gpu, layer, square),
                };
                self.layer_of.insert(picture.clone(), (layer, self.clock));
                PictureState::Layer(layer)
            }
        }
    }

    fn free_layer(&mut self, gpu: &Gpu) -> u32 {
        if self.used_layers == self.capacity && self.capacity < MAX_LAYERS {
            self.grow(gpu);
        }
        if self.used_layers < self.capacity {
            self.used_layers += 1;
            return self.used_layers - 1;
        }
        let oldest = self
            .layer_of
            .iter()
            .min_by_key(|(_, (at, used))| (*used, at.layer))
            .map(|(hash, (at, _))| (hash.clone(), at.layer));
        self.evictions += 1;
        match oldest {
            Some((hash, layer)) => {
                self.layer_of.remove(&hash);
                layer
            }
            None => 0,
        }
    }

    /// Four times as many layers, keeping what is there.
    fn grow(&mut self, gpu: &Gpu) {
        let capacity = (self.capacity * 4).min(MAX_LAYERS);
        let Ok(larger) = gpu.tried(|| array(gpu, capacity)) else {
            return;
        };
        let mut encoder = gpu
            .device()
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        for level in 0..LEVELS {
            let part = |texture| wgpu::TexelCopyTextureInfo {
                texture,
                mip_level: level,
                origin: wgpu::Origin3d::ZERO,
                aspect: wgpu::TextureAspect::All,
            };
            encoder.copy_texture_to_texture(
                part(&self.texture),
                part(&larger),
                wgpu::Extent3d {
                    width: SIDE_PX >> level,
                    height: SIDE_PX >> level,
                    depth_or_array_layers: self.capacity,
                },
            );
        }
        gpu.queue().submit([encoder.finish()]);
        self.view = array_view(&larger);
        self.texture = larger;
        self.capacity = capacity;
    }

    /// Fills all levels of a layer and returns the last one: the average.
    fn upload(&self, gpu: &Gpu, layer: u32, mut pixels: Vec<u8>) -> [u8; 4] {
        let mut side = SIDE_PX;
        for level in 0..LEVELS {
            write_texture(
                gpu,
                &self.texture,
                level,
                [0, 0, layer],
                [side; 2],
                4,
                &pixels,
            );
            pixels = halved_rgba(&pixels, side as usize);
            side = (side / 2).max(1);
        }
        pixels.first_chunk().copied().unwrap_or_default()
    }
}

fn array(gpu: &Gpu, layers: u32) -> wgpu::Texture {
    sampled_texture(
        gpu,
        "token pictures",
        [SIDE_PX, SIDE_PX, layers],
        LEVELS,
        wgpu::TextureFormat::Rgba8Unorm,
    )
}

/// The middle square of a picture at [`SIDE_PX`], its alpha multiplied in. `None` for a picture
/// without pixels.
fn covering_square(pixels: &Pixels) -> Option<Vec<u8>> {
    let (width, height) = (pixels.width, pixels.height);
    let side = width.min(height);
    if side == 0 || pixels.rgba.len() < width as usize * height as usize * 4 {
        return None;
    }
    let (left, top) = ((width - side) / 2, (height - side) / 2);
    let at = |x: u32, y: u32, channel: usize| {
        let i = ((top + y) as usize * width as usize + (left + x) as usize) * 4;
        let alpha = u32::from(pixels.rgba[i + 3]);
        match channel {
            3 => alpha,
            c => (u32::from(pixels.rgba[i + c]) * alpha + 127) / 255,
        }
    };
    let scale = side as f32 / SIDE_PX as f32;
    let mut out = Vec::with_capacity((SIDE_PX * SIDE_PX * 4) as usize);
    // Averages what falls on a pixel when made smaller, filters when made larger.
    let taps = |i: u32| -> (u32, u32, f32) {
        if scale >= 1.0 {
            let start = (i as f32 * scale) as u32;
            let end = ((i + 1) as f32 * scale).ceil() as u32;
            (start, end.min(side).max(start + 1) - 1, -1.0)
        } else {
            let at = ((i as f32 + 0.5) * scale - 0.5).max(0.0);
            let first = (at as u32).min(side - 1);
            (first, (first + 1).min(side - 1), at.fract())
        }
    };
    let columns: Vec<_> = (0..SIDE_PX).map(taps).collect();
    for y in 0..SIDE_PX {
        let (y0, y1, fy) = taps(y);
        for &(x0, x1, fx) in &columns {
            for channel in 0..4 {
                let value = if fx < 0.0 {
                    let sum: u32 = (y0..=y1)
                        .flat_map(|y| (x0..=x1).map(move |x| (x, y)))
                        .map(|(x, y)| at(x, y, channel))
                        .sum();
                    let count = (x1 - x0 + 1) * (y1 - y0 + 1);
                    (sum + count / 2) / count
                } else {
                    let mix = |a: u32, b: u32, t: f32| a as f32 + (b as f32 - a as f32) * t;
                    let upper = mix(at(x0, y0, channel), at(x1, y0, channel), fx);
                    let lower = mix(at(x0, y1, channel), at(x1, y1, channel), fx);
                    (upper + (lower - upper) * fy).round() as u32
                };
                out.push(value.min(255) as u8);
            }
        }
    }
    Some(out)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_middle_square_fills_the_layer() {
        let mut rgba = Vec::new();
        for _ in 0..20 {
            for x in 0..60 {
                rgba.extend(if (20..40).contains(&x) {
                    [0, 200, 0, 255]
                } else {
                    [255, 0, 0, 255]
                });
            }
        }
        let square = covering_square(&Pixels {
            width: 60,
            height: 20,
            rgba: rgba.into(),
        })
        .unwrap();
        assert!(square.chunks_exact(4).all(|p| p == [0, 200, 0, 255]));
        assert!(
            covering_square(&Pixels {
                width: 0,
                height: 4,
                rgba: Vec::new().into()
            })
            .is_none()
        );
    }
}
