//! Fog of war (`shaders/fog.wgsl`).
//!
//! The mask is divided into blocks: clear ones are not drawn, those fogged through and through
//! take a shader without the mask, and only those at an edge read it. The soft edge comes from a
//! small texture of how deep in the fog a place lies, so it grows into the fog only.
//!
//! What can not be drawn is black for players and full fog for the DM. Never clear.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use glam::{DAffine2, DVec2};

use crate::geom::mask::Mask;
use crate::geom::rect::{DRect, IRect};

use super::gpu::Gpu;
use super::gpu_data::gpu_struct;
use super::mask_cache::MaskResource;
use super::mask_texture::MaskTexture;
use super::noise::{CLOUD_SIDE_PX, cloud_lod, level_of_detail};
use super::pipelines::Pipelines;
use super::quad::{QuadInstance, QuadList};
use super::resources::{sampled_texture, whole_view, write_texture};

gpu_struct! {
    /// What the fog looks like in one view.
    FogUniform {
        cloud_scale: [f32; 2],
        drift_a: [f32; 2],
        drift_b: [f32; 2],
        opacity: f32,
        cloud_lod: f32,
        edge_floor: f32,
        raggedness: f32,
        padding: [f32; 2],
    }
}

/// World units that one repeat of the clouds covers.
const CLOUD_WORLD: f64 = 640.0;
/// Opacity right behind the edge, as a share of the whole.
const EDGE_FLOOR: f32 = 0.2;
/// How much the noise may take from the depth of a place near the edge.
const RAGGEDNESS: f32 = 0.6;
/// Width of the soft edge, as a share of the mask's longer side.
const EDGE_SHARE: f64 = 1.0 / 72.0;
/// Longest side of the texture of depths.
const DEPTH_MAX_SIDE: u32 = 1024;
/// Blocks along the longer side of a mask.
const BLOCKS: u32 = 64;

impl FogUniform {
    pub(super) fn new(
        map_size_world: DVec2,
        px_per_world: f64,
        opacity: f64,
        time: Option<Duration>,
    ) -> Self {
        let seconds = time.map_or(0.0, |t| t.as_secs_f64());
        // Two layers drift apart, slowly; whole repeats are left out before precision is lost.
        let drift = |start: DVec2, per_second: DVec2| {
            (start + per_second * seconds)
                .map(|v| v.rem_euclid(1.0))
                .as_vec2()
                .to_array()
        };
        Self {
            cloud_scale: (map_size_world / CLOUD_WORLD).as_vec2().to_array(),
            drift_a: drift(DVec2::ZERO, DVec2::new(0.0110, 0.0040)),
            drift_b: drift(DVec2::new(0.37, 0.61), DVec2::new(-0.0060, 0.0085)),
            opacity: opacity.clamp(0.0, 1.0) as f32,
            cloud_lod: cloud_lod(f64::from(CLOUD_SIDE_PX) / CLOUD_WORLD / px_per_world).round(),
            edge_floor: EDGE_FLOOR,
            raggedness: RAGGEDNESS,
            padding: [0.0; 2],
        }
    }
}

/// How much of a block is fogged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fogged {
    /// All of it, and so deep that no edge reaches in.
    Through,
    /// Some of it, or near an edge.
    Partly,
}

/// A mask on the GPU with what drawing it needs.
#[derive(Debug)]
pub(super) struct FogTexture {
    mask: MaskTexture,
    depth_texture: wgpu::Texture,
    depth_view: wgpu::TextureView,
    depth: DepthScale,
    /// Runs of blocks in mask pixels.
    runs: Vec<(IRect, Fogged)>,
}

/// The size of the texture of depths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct DepthScale {
    /// Texels of the mask's texture per texel.
    factor: u32,
    /// Reach of each of the two blurs, in texels.
    radius: u32,
    size_px: [u32; 2],
}

impl DepthScale {
    fn of(mask_size_px: [u32; 2]) -> Self {
        let longest = mask_size_px[0].max(mask_size_px[1]);
        let factor = longest.div_ceil(DEPTH_MAX_SIDE).max(1);
        let width = (f64::from(longest) * EDGE_SHARE / f64::from(factor)).max(2.0);
        Self {
            factor,
            radius: (width / 2.0).round().max(1.0) as u32,
            size_px: mask_size_px.map(|s| s.div_ceil(factor)),
        }
    }

    /// How far an edge reaches into the fog, in texels of the mask's texture.
    fn reach(&self) -> i32 {
        ((self.radius * 2 + 2) * self.factor) as i32
    }
}

impl FogTexture {
    /// # Errors
    /// The device refused it, in its own words.
    pub(super) fn new(gpu: &Gpu, mask: Arc<Mask>) -> Result<Self, String> {
        let mask = MaskTexture::new(gpu, mask)?;
        let depth = DepthScale::of(mask.size_px());
        let depth_texture = gpu.tried(|| {
            sampled_texture(
                gpu,
                "fog depth",
                [depth.size_px[0], depth.size_px[1], 1],
                1,
                wgpu::TextureFormat::R8Unorm,
            )
        })?;
        let mut made = Self {
            depth_view: whole_view(&depth_texture),
            depth_texture,
            depth,
            mask,
            runs: Vec::new(),
        };
        made.follow(gpu, IRect::of_size(made.mask.mask().size_px()));
        Ok(made)
    }

    pub(super) fn mask_view(&self) -> &wgpu::TextureView {
        &self.mask.view
    }

    pub(super) fn depth_view(&self) -> &wgpu::TextureView {
        &self.depth_view
    }

    /// The mask's level for a view in which the map is so large.
    pub(super) fn mask_lod(&self, map_size_px: DVec2) -> f32 {
        let texels = DVec2::from(self.mask.size_px().map(f64::from));
        let texels_per_px = (texels / map_size_px).min_element();
        // Rounded, as the nearest level is read.
        level_of_detail(texels_per_px, self.mask.level_count()).round()
    }

    /// Brings depths and blocks up to the mask.
    fn follow(&mut self, gpu: &Gpu, changed_mask_px: IRect) {
        let per_depth = (self.mask.shrink() * self.depth.factor) as i32;
        let reach = (self.depth.radius * 2 + 1) as i32;
        let region = IRect::new(
            changed_mask_px.min.map(|v| v / per_depth - reach),
            changed_mask_px.max.map(|v| v / per_depth + 1 + reach),
        )
        .intersection(&IRect::of_size(self.depth.size_px));
        let depths = depths(self.mask.bytes(), self.mask.size_px(), self.depth, region);
        write_texture(
            gpu,
            &self.depth_texture,
            0,
            [region.min[0] as u32, region.min[1] as u32, 0],
            [region.width(), region.height()],
            1,
            &depths,
        );
        let reach_mask_px = self.depth.reach() * self.mask.shrink() as i32;
        self.runs = runs(self.mask.mask(), reach_mask_px);
    }
}

/// How deep in the fog the texels of a region lie: 0 at an edge and outside, 255 where no edge is
/// near. `mask` is one byte a texel, set above 127; beyond its border it goes on as at the border.
fn depths(mask: &[u8], mask_size_px: [u32; 2], scale: DepthScale, region: IRect) -> Vec<u8> {
    let radius = scale.radius as i32;
    let around = [
        region.min.map(|v| v - radius * 2),
        region.max.map(|v| v + radius * 2),
    ];
    let width = (around[1][0] - around[0][0]).max(0) as usize;
    let height = (around[1][1] - around[0][1]).max(0) as usize;
    let [dw, dh] = scale.size_px.map(|s| s as i32);
    let factor = scale.factor as i32;
    let mut field = vec![0_u16; width * height];
    for (j, row) in field.chunks_exact_mut(width.max(1)).enumerate() {
        let y = (around[0][1] + j as i32).clamp(0, dh - 1) * factor;
        for (i, value) in row.iter_mut().enumerate() {
            let x = (around[0][0] + i as i32).clamp(0, dw - 1) * factor;
            *value = u16::from(coverage(mask, mask_size_px, [x, y], factor));
        }
    }
    let mut turned = vec![0_u16; field.len()];
    for _ in 0..2 {
        blur_rows_and_turn(&field, width, radius as usize, &mut turned);
        blur_rows_and_turn(&turned, height, radius as usize, &mut field);
    }
    let inset = (radius * 2) as usize;
    let mut out = Vec::with_capacity(region.area() as usize);
    for row in field
        .chunks_exact(width.max(1))
        .skip(inset)
        .take(region.height() as usize)
    {
        // Half covered is the edge itself.
        let own = row.iter().skip(inset).take(region.width() as usize);
        out.extend(own.map(|&v| (v.saturating_sub(127) * 2).min(255) as u8));
    }
    out
}

/// Mean of a square of the mask.
fn coverage(mask: &[u8], [width, height]: [u32; 2], [x, y]: [i32; 2], side: i32) -> u8 {
    if side == 1 {
        return mask
            .get((y as u32 * width) as usize + x as usize)
            .copied()
            .unwrap_or(0);
    }
    let columns = x as usize..((x + side) as usize).min(width as usize);
    let (mut sum, mut count) = (0_u32, 0_u32);
    for y in y as usize..((y + side) as usize).min(height as usize) {
        let start = y * width as usize;
        if let Some(row) = mask.get(start + columns.start..start + columns.end) {
            sum += row.iter().map(|&b| u32::from(b)).sum::<u32>();
            count += row.len() as u32;
        }
    }
    sum.checked_div(count).unwrap_or(0) as u8
}

/// Averages each row over `2 * radius + 1` values, repeating its ends, and writes the rows as
/// columns.
fn blur_rows_and_turn(field: &[u16], width: usize, radius: usize, turned: &mut [u16]) {
    if width == 0 {
        return;
    }
    let height = field.len() / width;
    let count = (radius * 2 + 1) as u32;
    for (y, row) in field.chunks_exact(width).enumerate() {
        let at = |i: isize| u32::from(row[i.clamp(0, width as isize - 1) as usize]);
        let mut sum: u32 = (0..count as isize).map(|i| at(i - radius as isize)).sum();
        for x in 0..width {
            turned[x * height + y] = ((sum + count / 2) / count) as u16;
            let x = x as isize;
            sum += at(x + 1 + radius as isize);
            sum -= at(x - radius as isize);
        }
    }
}

/// Blocks of the mask that are drawn, neighbours in a row together.
fn runs(mask: &Mask, reach: i32) -> Vec<(IRect, Fogged)> {
    let longest = mask.width().max(mask.height());
    let side = longest.div_ceil(BLOCKS).max(8);
    let [columns, rows] = mask.size_px().map(|s| s.div_ceil(side));
    let whole = mask.rect();
    let mut runs: Vec<(IRect, Fogged)> = Vec::new();
    for row in 0..rows {
        let mut open: Option<(IRect, Fogged)> = None;
        for column in 0..columns {
            let min = [column, row].map(|i| (i * side) as i32);
            let block = IRect::new(min, min.map(|v| v + side as i32)).intersection(&whole);
            let around = IRect::new(block.min.map(|v| v - reach), block.max.map(|v| v + reach))
                .intersection(&whole);
            let fogged = if !mask.any_set_in(block) {
                None
            } else if mask.all_set_in(around) {
                Some(Fogged::Through)
            } else {
                Some(Fogged::Partly)
            };
            open = match (open, fogged) {
                (Some((run, kind)), Some(fogged)) if kind == fogged => {
                    Some((run.union(&block), kind))
                }
                (before, fogged) => {
                    runs.extend(before);
                    fogged.map(|f| (block, f))
                }
            };
        }
        runs.extend(open);
    }
    runs
}

/// The fog of one frame.
#[derive(Debug, Default)]
pub(super) struct FogDraw {
    through: Range<u32>,
    partly: Range<u32>,
    black: Range<u32>,
    opaque: bool,
    bind_group: Option<wgpu::BindGroup>,
}

/// What a view's fog is.
#[derive(Debug, Clone, Copy)]
pub(super) enum FogState<'a> {
    /// Everything is fogged.
    Full,
    /// As the mask says.
    Mask(&'a FogTexture),
    /// It can not be drawn, and players must not see what is below.
    Black,
}

impl FogDraw {
    /// `px_from_uv` turns the map's texture coordinates (0..1, v down) into pixels.
    pub(super) fn prepare(
        state: FogState<'_>,
        px_from_uv: &DAffine2,
        size_px: [u32; 2],
        opacity: f64,
        quads: &mut QuadList,
        bind_group: wgpu::BindGroup,
    ) -> Self {
        let target = DRect::new(DVec2::ZERO, DVec2::from(size_px.map(f64::from)));
        let whole = || QuadInstance::new(px_from_uv, DRect::new(DVec2::ZERO, DVec2::ONE));
        let mut draw = Self {
            opaque: opacity >= 0.999,
            bind_group: Some(bind_group),
            ..Self::default()
        };
        match state {
            FogState::Full => draw.through = quads.add([whole()]),
            FogState::Black => {
                draw.black = quads.add([whole().with_color([0.0, 0.0, 0.0, 1.0])]);
            }
            FogState::Mask(fog) => {
                let size = DVec2::from(fog.mask.mask().size_px().map(f64::from));
                let mut add = |wanted: Fogged| {
                    let in_view = fog.runs.iter().filter_map(|&(run, fogged)| {
                        let rect: DRect = run.into();
                        let uv = DRect::new(rect.min / size, rect.max / size);
                        let visible = !uv.transformed(px_from_uv).intersection(&target).is_empty();
                        (fogged == wanted && visible)
                            .then(|| QuadInstance::new(px_from_uv, uv).with_uv(uv.min, uv.max))
                    });
                    quads.add(in_view)
                };
                draw.through = add(Fogged::Through);
                draw.partly = add(Fogged::Partly);
            }
        }
        draw
    }

    /// Whether any fog is in view that could move.
    pub(super) fn is_visible(&self) -> bool {
        !self.through.is_empty() || !self.partly.is_empty()
    }

    pub(super) fn draw(&self, pass: &mut wgpu::RenderPass<'_>, pipelines: &Pipelines) {
        if !self.black.is_empty() {
            pass.set_pipeline(&pipelines.solid);
            pass.draw(0..4, self.black.clone());
        }
        let Some(bind_group) = &self.bind_group else {
            return;
        };
        for (range, pipeline) in [
            (
                &self.through,
                if self.opaque {
                    &pipelines.fog_full_opaque
                } else {
                    &pipelines.fog_full
                },
            ),
            (&self.partly, &pipelines.fog_edge),
        ] {
            if !range.is_empty() {
                pass.set_pipeline(pipeline);
                pass.set_bind_group(1, bind_group, &[]);
                pass.draw(0..4, range.clone());
            }
        }
    }
}

impl MaskResource for FogTexture {
    fn create(gpu: &Gpu, mask: Arc<Mask>) -> Result<Self, String> {
        Self::new(gpu, mask)
    }

    fn update(&mut self, gpu: &Gpu, mask: Arc<Mask>) -> bool {
        match self.mask.update(gpu, mask) {
            Some(changed) => {
                if !changed.is_empty() {
                    self.follow(gpu, changed);
                }
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn half(width: u32, height: u32) -> Mask {
        let mut mask = Mask::new(width, height).unwrap();
        mask.fill_rect(
            IRect::new([width as i32 / 2, 0], [width as i32, height as i32]),
            true,
        );
        mask
    }

    #[test]
    fn depth_is_nothing_outside_and_whole_far_inside() {
        let mask = half(400, 100);
        let mut bytes = Vec::new();
        mask.to_r8(mask.rect(), &mut bytes);
        let scale = DepthScale::of([400, 100]);
        let all = depths(&bytes, [400, 100], scale, IRect::of_size([400, 100]));
        let row = &all[50 * 400..51 * 400];
        assert!(row[..200].iter().all(|&d| d == 0));
        assert!(row[200..].is_sorted());
        assert!(
            row[200 + scale.reach() as usize..]
                .iter()
                .all(|&d| d == 255)
        );
        assert!(row[201] < 255);
    }

    #[test]
    fn depths_of_a_part_are_those_of_the_whole() {
        let mut mask = half(300, 200);
        mask.fill_rect(IRect::new([20, 30], [60, 90]), true);
        let mut bytes = Vec::new();
        mask.to_r8(mask.rect(), &mut bytes);
        let scale = DepthScale::of([300, 200]);
        let all = depths(&bytes, [300, 200], scale, IRect::of_size([300, 200]));
        let region = IRect::new([10, 25], [170, 60]);
        let part = depths(&bytes, [300, 200], scale, region);
        for (j, row) in part.chunks_exact(160).enumerate() {
            let start = (25 + j) * 300 + 10;
            assert_eq!(row, &all[start..start + 160], "row {j}");
        }
    }

    #[test]
    fn blocks_cover_the_fog_and_only_deep_ones_skip_the_mask() {
        let mask = half(640, 320);
        let runs = runs(&mask, 14);
        for y in (0..320).step_by(7) {
            for x in (0..640).step_by(5) {
                let run = runs.iter().find(|(r, _)| r.contains(x, y));
                if mask.get(x as u32, y as u32) {
                    assert!(run.is_some(), "{x} {y}");
                }
                if let Some((_, Fogged::Through)) = run {
                    assert!(x >= 320 + 14, "{x} {y}");
                }
            }
        }
        assert!(runs.iter().any(|(_, f)| *f == Fogged::Through));
    }
}
