//! Grid lines (`shaders/grid.wgsl`): thin quads along the lines of squares, rings of trapezoids
//! inside hexes. Nothing is shaded where there is no line.

use std::ops::Range;

use glam::{DAffine2, DVec2};

use crate::geom::grid::{Grid, GridShape};
use crate::geom::rect::DRect;
use crate::model::scene as prop;
use crate::scene::snapshot::SceneSnapshot;

use super::gpu::Gpu;
use super::gpu_data::{affine_columns, gpu_struct, rgba};
use super::pipelines::Pipelines;
use super::quad::{QuadInstance, QuadList};
use super::resources::{GrowingBuffer, constant_buffer};

gpu_struct! {
    /// The grid in one view.
    GridUniform {
        cell_from_px_x: [f32; 2],
        cell_from_px_y: [f32; 2],
        cell_from_px_t: [f32; 2],
        cell_px: [f32; 2],
        line_min: [f32; 2],
        line_max: [f32; 2],
        px_from_step_x: [f32; 2],
        px_from_step_y: [f32; 2],
        px_from_step_t: [f32; 2],
        ring_share: f32,
        ring_px: f32,
        line_color: [f32; 4],
        shadow_color: [f32; 4],
        extent_min: [f32; 2],
        extent_max: [f32; 2],
        half_line_px: f32,
        shadow_full_px: f32,
        shadow_end_px: f32,
        reach_px: f32,
    }
}

gpu_struct! {
    /// A hex's middle in half steps of the lattice.
    HexCell {
        center: [f32; 2],
    }
}

/// Most hexes that are drawn; with more on screen each would be smaller than a few pixels.
const MAX_HEXES: usize = 60_000;
/// Below this many pixels a cell's lines fade, so that they become an even tint, never a moiré.
const FADE_CELL_PX: f64 = 9.0;

/// Corners 0..6 and the same moved inwards 6..12, as six trapezoids.
const HEX_RING_INDICES: [u16; 36] = {
    let mut indices = [0; 36];
    let mut k = 0;
    while k < 6 {
        let next = (k + 1) % 6;
        let quad = [k, next, k + 6, k + 6, next, next + 6];
        let mut i = 0;
        while i < 6 {
            indices[k * 6 + i] = quad[i] as u16;
            i += 1;
        }
        k += 1;
    }
    indices
};

/// The grid of one frame.
#[derive(Debug, Default)]
pub(super) struct GridDraw {
    lines: Range<u32>,
    hex_count: u32,
    bind_group: Option<wgpu::BindGroup>,
}

/// How lines look on the screen.
struct LineStyle {
    half_line_px: f64,
    shadow_full_px: f64,
    shadow_end_px: f64,
    reach_px: f64,
    fade: f64,
}

impl LineStyle {
    /// Widths are those of the scene rectangle when it fits the view, so that they do not change
    /// with the zoom; a line is never thinner than a point.
    fn new(scene: &SceneSnapshot, size_px: [u32; 2], pixels_per_point: f32, cell_px: f64) -> Self {
        let fit = (DVec2::from(size_px.map(f64::from)) / scene.display_size_world()).min_element();
        let point_px = f64::from(pixels_per_point).max(1.0);
        let fit = if fit.is_finite() && fit > 0.0 {
            fit
        } else {
            1.0
        };
        // A line is half as wide as its setting says: the shared documents mean it so.
        let width = (scene.setting(prop::GRID_LINE_THICKNESS) * 0.5 * fit).max(point_px);
        let spread = scene.setting(prop::GRID_SHADOW_SPREAD) * fit;
        let blur = scene.setting(prop::GRID_SHADOW_BLUR).clamp(0.0, 1.0);
        let has_shadow = scene.setting(prop::GRID_SHADOW_OPACITY) > 0.0 && spread > 0.0;
        let (shadow_full_px, shadow_end_px) = if has_shadow {
            (spread * (1.0 - blur), (spread * (1.0 + blur)).max(1.0))
        } else {
            (-2.0, -1.0)
        };
        let half_line_px = width * 0.5;
        Self {
            half_line_px,
            shadow_full_px,
            shadow_end_px,
            reach_px: half_line_px + shadow_end_px.max(0.5),
            fade: (cell_px / (FADE_CELL_PX * width)).clamp(0.0, 1.0),
        }
    }
}

/// What a grid needs of its view.
pub(super) struct GridContext<'a> {
    pub(super) gpu: &'a Gpu,
    pub(super) px_from_world: DAffine2,
    pub(super) size_px: [u32; 2],
    pub(super) pixels_per_point: f32,
}

impl GridDraw {
    /// Fills in the lines; returns the uniforms that the bind group's buffer must get.
    pub(super) fn prepare(
        scene: &SceneSnapshot,
        context: &GridContext<'_>,
        quads: &mut QuadList,
        hexes: &mut GrowingBuffer,
        bind_group: wgpu::BindGroup,
    ) -> Option<(Self, GridUniform)> {
        let grid: &Grid = &scene.grid.value;
        let opacity = scene.setting(prop::GRID_OPACITY);
        let extent = grid.extent_grid();
        if opacity <= 0.0 || extent.is_empty() {
            return None;
        }
        let px_from_grid = context.px_from_world * grid.world_from_grid();
        let scale = px_from_grid.matrix2.determinant().abs().sqrt();
        let cell_px = grid.spacing_grid() * scale;
        if !cell_px.is_finite() || cell_px.min_element() <= 0.25 {
            return None;
        }
        let style = LineStyle::new(
            scene,
            context.size_px,
            context.pixels_per_point,
            cell_px.min_element(),
        );
        let mut uniform = GridUniform {
            cell_from_px_x: [0.0; 2],
            cell_from_px_y: [0.0; 2],
            cell_from_px_t: [0.0; 2],
            cell_px: cell_px.as_vec2().to_array(),
            line_min: [0.0; 2],
            line_max: [0.0; 2],
            px_from_step_x: [0.0; 2],
            px_from_step_y: [0.0; 2],
            px_from_step_t: [0.0; 2],
            ring_share: 0.0,
            ring_px: 0.0,
            line_color: rgba(scene.setting(prop::GRID_LINE_COLOR), opacity * style.fade),
            shadow_color: rgba(
                scene.setting(prop::GRID_SHADOW_COLOR),
                scene.setting(prop::GRID_SHADOW_OPACITY) * opacity * style.fade,
            ),
            extent_min: [0.0; 2],
            extent_max: [0.0; 2],
            half_line_px: style.half_line_px as f32,
            shadow_full_px: style.shadow_full_px as f32,
            shadow_end_px: style.shadow_end_px as f32,
            reach_px: style.reach_px as f32,
        };
        let target = DRect::new(DVec2::ZERO, DVec2::from(context.size_px.map(f64::from)));
        let visible = target
            .inflated(style.reach_px + 1.0)
            .transformed(&px_from_grid.inverse())
            .intersection(&extent);
        let mut draw = Self {
            bind_group: Some(bind_group),
            ..Self::default()
        };
        match grid.shape() {
            GridShape::Square => {
                draw.lines =
                    square_lines(grid, &px_from_grid, &style, visible, &mut uniform, quads);
            }
            shape => {
                let cells = hex_cells(grid, shape, &px_from_grid, &style, visible, &mut uniform);
                hexes.write(context.gpu, bytemuck::cast_slice(&cells));
                draw.hex_count = cells.len() as u32;
            }
        }
        Some((draw, uniform))
    }

    pub(super) fn draw(
        &self,
        pass: &mut wgpu::RenderPass<'_>,
        pipelines: &Pipelines,
        hexes: &GrowingBuffer,
        ring: &wgpu::Buffer,
        quads: Option<&wgpu::Buffer>,
    ) {
        let Some(bind_group) = &self.bind_group else {
            return;
        };
        if !self.lines.is_empty() {
            pass.set_pipeline(&pipelines.grid_square);
            pass.set_bind_group(1, bind_group, &[]);
            pass.draw(0..4, self.lines.clone());
        }
        if self.hex_count > 0
            && let Some(hexes) = hexes.get()
        {
            pass.set_pipeline(&pipelines.grid_hex);
            pass.set_bind_group(1, bind_group, &[]);
            pass.set_vertex_buffer(0, hexes.slice(..));
            pass.set_index_buffer(ring.slice(..), wgpu::IndexFormat::Uint16);
            pass.draw_indexed(0..HEX_RING_INDICES.len() as u32, 0, 0..self.hex_count);
            if let Some(quads) = quads {
                pass.set_vertex_buffer(0, quads.slice(..));
            }
        }
    }
}

/// The index buffer of hex rings.
pub(super) fn hex_ring_buffer(gpu: &Gpu) -> wgpu::Buffer {
    constant_buffer(
        gpu,
        "hex ring",
        bytemuck::cast_slice(&HEX_RING_INDICES),
        wgpu::BufferUsages::INDEX,
    )
}

/// One quad for each line in view. In cells, lines lie on whole numbers from 0 at the anchor; the
/// anchor is the top left corner and rows go down.
fn square_lines(
    grid: &Grid,
    px_from_grid: &DAffine2,
    style: &LineStyle,
    visible: DRect,
    uniform: &mut GridUniform,
    quads: &mut QuadList,
) -> Range<u32> {
    let spacing = grid.spacing_grid();
    let anchor = grid.anchor_grid();
    let grid_from_cell = DAffine2::from_cols(
        DVec2::new(spacing.x, 0.0),
        DVec2::new(0.0, -spacing.y),
        anchor,
    );
    let px_from_cell = *px_from_grid * grid_from_cell;
    let cell_from_grid = grid_from_cell.inverse();
    let extent = grid.extent_grid().transformed(&cell_from_grid);
    let shown = visible.transformed(&cell_from_grid);
    let [x, y, t] = affine_columns(&px_from_cell.inverse());
    uniform.cell_from_px_x = x;
    uniform.cell_from_px_y = y;
    uniform.cell_from_px_t = t;
    // Lines end where the extent does; a line on its border counts.
    let first = (extent.min - 1e-6).ceil();
    let last = (extent.max + 1e-6).floor();
    uniform.line_min = first.as_vec2().to_array();
    uniform.line_max = last.as_vec2().to_array();
    let cell_px = DVec2::from(uniform.cell_px.map(f64::from));
    let reach = DVec2::splat(style.reach_px + 0.1) / cell_px;
    if visible.is_empty() {
        return quads.add([]);
    }
    let lines = |axis: usize| {
        let from = (shown.min[axis] - reach[axis]).ceil().max(first[axis]);
        let to = (shown.max[axis] + reach[axis]).floor().min(last[axis]);
        let count = (to - from + 1.0).max(0.0) as u32;
        (0..count.min(40_000)).map(move |i| from + f64::from(i))
    };
    let (low, high) = (first - reach, last + reach);
    let across = lines(1).map(|y| {
        DRect::new(
            DVec2::new(low.x, y - reach.y),
            DVec2::new(high.x, y + reach.y),
        )
    });
    let down = lines(0).map(|x| {
        DRect::new(
            DVec2::new(x - reach.x, low.y),
            DVec2::new(x + reach.x, high.y),
        )
    });
    let half = DVec2::splat(0.5);
    let quad = |rect: DRect, is_down: f32| {
        // Neighbouring lines of tiny cells must not overlap: each keeps to its own half.
        let center = rect.center().round();
        let own = if is_down > 0.5 {
            DRect::new(
                DVec2::new(rect.min.x.max(center.x - half.x), rect.min.y),
                DVec2::new(rect.max.x.min(center.x + half.x), rect.max.y),
            )
        } else {
            DRect::new(
                DVec2::new(rect.min.x, rect.min.y.max(center.y - half.y)),
                DVec2::new(rect.max.x, rect.max.y.min(center.y + half.y)),
            )
        };
        QuadInstance::new(&px_from_cell, own).with_color([is_down, 0.0, 0.0, 0.0])
    };
    let all: Vec<_> = across
        .map(|r| quad(r, 0.0))
        .chain(down.map(|r| quad(r, 1.0)))
        .collect();
    quads.add(all)
}

/// The middles of the hexes in view. A step is half the pitch along a row, and a third of the
/// pitch across rows (half a corner radius), so that middles and corners lie on whole steps.
fn hex_cells(
    grid: &Grid,
    shape: GridShape,
    px_from_grid: &DAffine2,
    style: &LineStyle,
    visible: DRect,
    uniform: &mut GridUniform,
) -> Vec<HexCell> {
    let pitch = grid.spacing_grid().x;
    let along = pitch * 0.5;
    let across = pitch / (2.0 * 3.0_f64.sqrt());
    let grid_from_step = if shape == GridShape::HexFlat {
        DAffine2::from_cols(
            DVec2::new(0.0, -along),
            DVec2::new(across, 0.0),
            grid.anchor_grid(),
        )
    } else {
        DAffine2::from_cols(
            DVec2::new(along, 0.0),
            DVec2::new(0.0, -across),
            grid.anchor_grid(),
        )
    };
    let px_from_step = *px_from_grid * grid_from_step;
    let [x, y, t] = affine_columns(&px_from_step);
    uniform.px_from_step_x = x;
    uniform.px_from_step_y = y;
    uniform.px_from_step_t = t;
    let step_from_grid = grid_from_step.inverse();
    let extent = grid.extent_grid().transformed(&step_from_grid);
    uniform.extent_min = extent.min.as_vec2().to_array();
    uniform.extent_max = extent.max.as_vec2().to_array();
    let scale = px_from_grid.matrix2.determinant().abs().sqrt();
    let to_edge_px = along * scale;
    let share = ((style.reach_px + 0.1) / to_edge_px).min(1.0);
    uniform.ring_share = share as f32;
    uniform.ring_px = (share * to_edge_px) as f32;
    if visible.is_empty() {
        return Vec::new();
    }
    let shown = visible.transformed(&step_from_grid);
    // Rows are 3 steps apart and middles 2; odd rows are moved by 1.
    let rows =
        ((shown.min.y - 2.0) / 3.0).ceil() as i64..=((shown.max.y + 2.0) / 3.0).floor() as i64;
    rows.flat_map(|row| {
        let odd = row.rem_euclid(2) as f64;
        let first = ((shown.min.x - 1.0 - odd) / 2.0).ceil() as i64;
        let last = ((shown.max.x + 1.0 - odd) / 2.0).floor() as i64;
        (first..=last).map(move |column| HexCell {
            center: [(column as f64 * 2.0 + odd) as f32, row as f32 * 3.0],
        })
    })
    .take(MAX_HEXES)
    .collect()
}
