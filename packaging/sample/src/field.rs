//! A smooth field of numbers over a map, sampled coarsely and read anywhere.
//!
//! Distances to rivers, roads and coast lines are dear to compute and change slowly: they are
//! computed once on a coarse lattice and interpolated for each pixel.

use crate::shape;
use glam::{UVec2, Vec2};
use rayon::prelude::*;

/// Numbers on a lattice over a rectangle, read with bilinear interpolation.
pub struct Field {
    size: UVec2,
    samples_per_cell: f32,
    values: Vec<f32>,
}

impl Field {
    /// Samples `f` over `0..cells` with `samples_per_cell` samples a cell on each axis.
    pub fn new(cells: Vec2, samples_per_cell: f32, f: impl Fn(Vec2) -> f32 + Sync) -> Self {
        let size = (cells * samples_per_cell).ceil().as_uvec2() + 2;
        let values = (0..size.y)
            .into_par_iter()
            .flat_map_iter(|y| {
                let f = &f;
                (0..size.x).map(move |x| f(Vec2::new(x as f32, y as f32) / samples_per_cell))
            })
            .collect();
        Self {
            size,
            samples_per_cell,
            values,
        }
    }

    /// Distance in cells to a line through `points`, minus `half_width`.
    pub fn of_line(cells: Vec2, points: &[Vec2], half_width: f32) -> Self {
        Self::new(cells, 6.0, |p| {
            points
                .windows(2)
                .map(|pair| shape::segment(p, pair[0], pair[1]))
                .fold(f32::MAX, f32::min)
                - half_width
        })
    }

    /// The value at a position in cells; the border's value outside.
    pub fn at(&self, p: Vec2) -> f32 {
        let q = (p * self.samples_per_cell).clamp(Vec2::ZERO, self.size.as_vec2() - 1.001);
        let base = q.floor();
        let f = q - base;
        let row = self.size.x as usize;
        let index = base.y as usize * row + base.x as usize;
        let get = |offset: usize| self.values.get(index + offset).copied().unwrap_or_default();
        let top = get(0) + (get(1) - get(0)) * f.x;
        let bottom = get(row) + (get(row + 1) - get(row)) * f.x;
        top + (bottom - top) * f.y
    }

    /// Direction in which the value grows, of length about 1 for a distance.
    pub fn slope(&self, p: Vec2) -> Vec2 {
        let step = 0.5 / self.samples_per_cell;
        Vec2::new(
            self.at(p + Vec2::X * step) - self.at(p - Vec2::X * step),
            self.at(p + Vec2::Y * step) - self.at(p - Vec2::Y * step),
        ) / (2.0 * step)
    }
}

/// The direction in which a river runs, near its course.
pub struct Flow {
    x: Field,
    y: Field,
}

impl Flow {
    /// The flow along a line through `points`, first to last.
    pub fn new(cells: Vec2, points: &[Vec2]) -> Self {
        let direction = |p: Vec2| {
            let sum = points.windows(2).fold(Vec2::ZERO, |sum, pair| {
                let nearness = (-1.2 * shape::segment(p, pair[0], pair[1])).exp();
                sum + (pair[1] - pair[0]).normalize_or_zero() * nearness
            });
            sum.normalize_or(Vec2::Y)
        };
        Self {
            x: Field::new(cells, 2.0, |p| direction(p).x),
            y: Field::new(cells, 2.0, |p| direction(p).y),
        }
    }

    /// Unit vector downstream.
    pub fn at(&self, p: Vec2) -> Vec2 {
        Vec2::new(self.x.at(p), self.y.at(p)).normalize_or(Vec2::Y)
    }
}
