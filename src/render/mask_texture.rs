//! Masks on the GPU: fog and drawings, one byte a pixel with all levels, changed only where the
//! mask changed.
//!
//! Masks beyond the device or [`MAX_SIDE`] are made smaller by taking the maximum, and so are their
//! levels: a fogged pixel never disappears in a smaller picture.

use std::sync::Arc;

use crate::geom::mask::Mask;
use crate::geom::rect::IRect;

use super::gpu::Gpu;
use super::resources::{sampled_texture, whole_view, write_texture};

/// Longest side of a mask's texture.
pub(super) const MAX_SIDE: u32 = 4096;

/// A mask as a texture.
#[derive(Debug)]
pub(super) struct MaskTexture {
    mask: Arc<Mask>,
    texture: wgpu::Texture,
    pub(super) view: wgpu::TextureView,
    /// All levels as bytes, so that a change touches its own part only.
    levels: Vec<Level>,
    /// Mask pixels per texel of level 0, per axis.
    shrink: u32,
}

#[derive(Debug, Clone)]
struct Level {
    size_px: [u32; 2],
    bytes: Vec<u8>,
}

impl Level {
    fn row(&self, y: u32, x: std::ops::Range<u32>) -> &[u8] {
        let start = (y * self.size_px[0]) as usize;
        &self.bytes[start + x.start as usize..start + x.end as usize]
    }

    /// A rectangle without padding.
    fn cut(&self, rect: IRect) -> Vec<u8> {
        let [x0, y0, x1, y1] = corners(rect);
        (y0..y1)
            .flat_map(|y| self.row(y, x0..x1).iter().copied())
            .collect()
    }
}

/// Non-negative corners: left, top, right, bottom.
fn corners(rect: IRect) -> [u32; 4] {
    [rect.min[0], rect.min[1], rect.max[0], rect.max[1]].map(|v| v.max(0).unsigned_abs())
}

impl MaskTexture {
    /// Puts a mask on the GPU.
    ///
    /// # Errors
    /// The device refused it, in its own words.
    pub(super) fn new(gpu: &Gpu, mask: Arc<Mask>) -> Result<Self, String> {
        let longest = mask.width().max(mask.height());
        let limit = MAX_SIDE.min(gpu.max_texture_side()).max(1);
        let shrink = longest.div_ceil(limit);
        let mut size_px = mask.size_px().map(|s| s.div_ceil(shrink));
        let mut levels = Vec::new();
        loop {
            levels.push(Level {
                size_px,
                bytes: vec![0; size_px[0] as usize * size_px[1] as usize],
            });
            if size_px == [1, 1] {
                break;
            }
            // The device's rule for levels: half, rounded down.
            size_px = size_px.map(|s| (s / 2).max(1));
        }
        let size = levels.first().map_or([1, 1], |l| l.size_px);
        let texture = gpu.tried(|| {
            sampled_texture(
                gpu,
                "mask",
                [size[0], size[1], 1],
                levels.len() as u32,
                wgpu::TextureFormat::R8Unorm,
            )
        })?;
        let mut made = Self {
            view: whole_view(&texture),
            texture,
            levels,
            shrink,
            mask,
        };
        made.upload(gpu, made.mask.rect());
        Ok(made)
    }

    /// Takes on another mask of the same size, touching only what differs. Returns the rectangle
    /// that changed, in mask pixels, or `None` when the sizes differ and nothing was done.
    pub(super) fn update(&mut self, gpu: &Gpu, mask: Arc<Mask>) -> Option<IRect> {
        let changed = self.mask.difference_bounds(&mask).ok()?;
        self.mask = mask;
        if !changed.is_empty() {
            self.upload(gpu, changed);
        }
        Some(changed)
    }

    pub(super) fn mask(&self) -> &Arc<Mask> {
        &self.mask
    }

    pub(super) fn level_count(&self) -> u32 {
        self.levels.len() as u32
    }

    /// Mask pixels per texel of level 0.
    pub(super) fn shrink(&self) -> u32 {
        self.shrink
    }

    /// Size of level 0.
    pub(super) fn size_px(&self) -> [u32; 2] {
        self.levels.first().map_or([1, 1], |l| l.size_px)
    }

    /// Level 0 as bytes, rows without padding.
    pub(super) fn bytes(&self) -> &[u8] {
        self.levels.first().map_or(&[], |l| &l.bytes)
    }

    /// Brings a rectangle of the mask to all levels.
    fn upload(&mut self, gpu: &Gpu, mask_px: IRect) {
        let Some(base) = self.levels.first_mut() else {
            return;
        };
        let mut dirty = fill_base(&self.mask, self.shrink, mask_px, base);
        for i in 0..self.levels.len() {
            if i > 0 {
                let (finer, coarser) = self.levels.split_at_mut(i);
                if let (Some(from), Some(to)) = (finer.last(), coarser.first_mut()) {
                    dirty = fill_halved_max(from, to, dirty);
                }
            }
            let Some(level) = self.levels.get(i) else {
                return;
            };
            let [x0, y0, x1, y1] = corners(dirty);
            write_texture(
                gpu,
                &self.texture,
                i as u32,
                [x0, y0, 0],
                [x1 - x0, y1 - y0],
                1,
                &level.cut(dirty),
            );
        }
    }
}

/// Level 0 of a rectangle of the mask; returns the rectangle of level 0.
fn fill_base(mask: &Mask, shrink: u32, mask_px: IRect, base: &mut Level) -> IRect {
    let whole = IRect::of_size(base.size_px);
    let [x0, y0, x1, y1] = corners(mask_px);
    let [x0, y0] = [x0 / shrink, y0 / shrink];
    let [x1, y1] = [x1.div_ceil(shrink), y1.div_ceil(shrink)];
    let dirty =
        IRect::new([x0, y0].map(|v| v as i32), [x1, y1].map(|v| v as i32)).intersection(&whole);
    let [x0, y0, x1, y1] = corners(dirty);
    let mut rows = Vec::new();
    for y in y0..y1 {
        let source = IRect::new(
            [(x0 * shrink) as i32, (y * shrink) as i32],
            [(x1 * shrink) as i32, ((y + 1) * shrink) as i32],
        );
        let read = mask.to_r8(source, &mut rows);
        let width = read.width() as usize;
        let start = (y * base.size_px[0] + x0) as usize;
        let out = &mut base.bytes[start..start + (x1 - x0) as usize];
        if shrink == 1 {
            out.copy_from_slice(&rows[..out.len()]);
        } else {
            out.fill(0);
            for row in rows.chunks_exact(width.max(1)) {
                for (texel, pixels) in out.iter_mut().zip(row.chunks(shrink as usize)) {
                    *texel = pixels.iter().fold(*texel, |a, &b| a.max(b));
                }
            }
        }
    }
    dirty
}

/// A rectangle of one level from the next finer one, by the maximum. A level of odd size gives its
/// last row and column to the last one of the coarser level.
fn fill_halved_max(from: &Level, to: &mut Level, from_px: IRect) -> IRect {
    let [fw, fh] = from.size_px;
    let [tw, th] = to.size_px;
    let [x0, y0, x1, y1] = corners(from_px);
    let range = |a: u32, b: u32, size: u32| (a / 2).min(size - 1)..b.div_ceil(2).min(size);
    let (xs, ys) = (range(x0, x1, tw), range(y0, y1, th));
    let span = |i: u32, to_size: u32, from_size: u32| {
        let end = if i + 1 == to_size {
            from_size
        } else {
            i * 2 + 2
        };
        (i * 2).min(from_size - 1)..end
    };
    for y in ys.clone() {
        for x in xs.clone() {
            let columns = span(x, tw, fw);
            let max = span(y, th, fh)
                .flat_map(|row| from.row(row, columns.clone()).iter().copied())
                .max();
            to.bytes[(y * tw + x) as usize] = max.unwrap_or(0);
        }
    }
    IRect::new(
        [xs.start as i32, ys.start as i32],
        [xs.end as i32, ys.end as i32],
    )
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn smaller_levels_keep_every_fogged_pixel() {
        let mut mask = Mask::new(5, 3).unwrap();
        mask.set(4, 2, true);
        let mut base = Level {
            size_px: [5, 3],
            bytes: vec![0; 15],
        };
        let dirty = fill_base(&mask, 1, mask.rect(), &mut base);
        assert_eq!(base.bytes.iter().filter(|&&b| b == 255).count(), 1);
        let mut half = Level {
            size_px: [2, 1],
            bytes: vec![0; 2],
        };
        let dirty = fill_halved_max(&base, &mut half, dirty);
        assert_eq!(half.bytes, [0, 255]);
        let mut one = Level {
            size_px: [1, 1],
            bytes: vec![0],
        };
        fill_halved_max(&half, &mut one, dirty);
        assert_eq!(one.bytes, [255]);
    }

    #[test]
    fn masks_that_are_too_large_shrink_by_the_maximum() {
        let mut mask = Mask::new(7, 7).unwrap();
        mask.set(6, 6, true);
        mask.set(2, 0, true);
        let mut base = Level {
            size_px: [3, 3],
            bytes: vec![9; 9],
        };
        fill_base(&mask, 3, mask.rect(), &mut base);
        assert_eq!(base.bytes, [255, 0, 0, 0, 0, 0, 0, 0, 255]);
    }
}
