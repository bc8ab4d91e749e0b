//! Parallelograms: the one kind of geometry that most passes draw (`shaders/quad.wgsl`).

use glam::{DAffine2, DVec2};

use crate::geom::rect::DRect;

use super::gpu_data::gpu_struct;

gpu_struct! {
    /// A parallelogram in pixels of the target with texture coordinates.
    QuadInstance {
        corners_x: [f32; 4],
        corners_y: [f32; 4],
        uv: [f32; 4],
        color: [f32; 4],
        extra: [f32; 4],
    }
}

impl QuadInstance {
    /// A rectangle of some space, turned to pixels. Quads that share a corner of that space share
    /// it bit by bit.
    pub(super) fn new(px_from_space: &DAffine2, rect: DRect) -> Self {
        let corner = |x: f64, y: f64| px_from_space.transform_point2(DVec2::new(x, y)).as_vec2();
        let corners = [
            corner(rect.min.x, rect.min.y),
            corner(rect.max.x, rect.min.y),
            corner(rect.min.x, rect.max.y),
            corner(rect.max.x, rect.max.y),
        ];
        Self {
            corners_x: corners.map(|c| c.x),
            corners_y: corners.map(|c| c.y),
            uv: [0.0, 0.0, 1.0, 1.0],
            color: [1.0; 4],
            extra: [0.0; 4],
        }
    }

    pub(super) fn with_uv(mut self, min: DVec2, max: DVec2) -> Self {
        self.uv = [min.x as f32, min.y as f32, max.x as f32, max.y as f32];
        self
    }

    pub(super) fn with_color(mut self, color: [f32; 4]) -> Self {
        self.color = color;
        self
    }

    pub(super) fn with_extra(mut self, extra: [f32; 4]) -> Self {
        self.extra = extra;
        self
    }
}

/// All quads of one frame, in one buffer; passes remember their range.
#[derive(Debug, Default)]
pub(super) struct QuadList {
    pub(super) quads: Vec<QuadInstance>,
}

impl QuadList {
    /// Adds quads and returns where they lie.
    pub(super) fn add(
        &mut self,
        quads: impl IntoIterator<Item = QuadInstance>,
    ) -> std::ops::Range<u32> {
        let start = self.quads.len() as u32;
        self.quads.extend(quads);
        start..self.quads.len() as u32
    }
}
