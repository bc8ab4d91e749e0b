//! The picture while it is painted: colour, height and wetness of every pixel.
//!
//! A canvas is a window onto a scene, which is measured in cells from the scene's top left
//! corner. It may show a band of the scene only: whoever paints never notices. Heights are in
//! cells too, so that a picture looks the same at any resolution. Light comes last (`light`).

use crate::palette::mix;
use glam::{IVec2, UVec2, Vec2, Vec3};
use rayon::prelude::*;

/// One painted pixel.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Texel {
    /// Colour of the surface in even white light.
    pub colour: Vec3,
    /// Height of the surface above the ground, in cells.
    pub height: f32,
    /// 0 dry to 1 under a film of water: how much the surface mirrors lamps.
    pub wet: f32,
}

impl Texel {
    /// A dry surface.
    pub fn new(colour: Vec3, height: f32) -> Self {
        Self {
            colour,
            height,
            wet: 0.0,
        }
    }

    /// This surface covered by another with `coverage` in 0..1.
    pub fn under(self, over: Self, coverage: f32) -> Self {
        let t = coverage.clamp(0.0, 1.0);
        Self {
            colour: mix(self.colour, over.colour, t),
            height: self.height + (over.height - self.height) * t,
            wet: self.wet + (over.wet - self.wet) * t,
        }
    }

    /// This surface tinted towards a colour.
    pub fn tinted(self, colour: Vec3, amount: f32) -> Self {
        Self {
            colour: mix(self.colour, colour, amount),
            ..self
        }
    }

    /// This surface with its colour scaled.
    pub fn shaded(self, factor: f32) -> Self {
        Self {
            colour: self.colour * factor,
            ..self
        }
    }

    /// This surface lifted by a height.
    pub fn raised(self, by: f32) -> Self {
        Self {
            height: self.height + by,
            ..self
        }
    }
}

/// A rectangle of a scene, in cells.
#[derive(Clone, Copy, Debug)]
pub struct Area {
    /// Top left corner.
    pub min: Vec2,
    /// Bottom right corner.
    pub max: Vec2,
}

impl Area {
    /// The rectangle with these corners.
    pub fn new(min: Vec2, max: Vec2) -> Self {
        Self { min, max }
    }

    /// The square about `centre` that reaches `reach` to each side.
    pub fn around(centre: Vec2, reach: f32) -> Self {
        Self {
            min: centre - reach,
            max: centre + reach,
        }
    }
}

/// A window onto a scene while it is painted.
pub struct Canvas {
    /// Size in pixels.
    pub size: UVec2,
    /// Resolution.
    pub px_per_cell: f32,
    /// Scene pixel that is this canvas's first.
    pub origin_px: IVec2,
    /// Row by row from the top.
    pub texels: Vec<Texel>,
}

impl Canvas {
    /// An empty window of `size` pixels whose first pixel is the scene's pixel `origin_px`.
    pub fn new(origin_px: IVec2, size: UVec2, px_per_cell: f32) -> Self {
        let count = size.x as usize * size.y as usize;
        Self {
            size,
            px_per_cell,
            origin_px,
            texels: vec![Texel::default(); count],
        }
    }

    /// Size of a pixel in cells.
    pub fn pixel(&self) -> f32 {
        1.0 / self.px_per_cell
    }

    /// Scene position of a pixel's centre, in cells.
    pub fn position(&self, x: usize, y: usize) -> Vec2 {
        (self.origin_px.as_vec2() + Vec2::new(x as f32 + 0.5, y as f32 + 0.5)) / self.px_per_cell
    }

    /// Paints every pixel: `f` gets the position and what is there, and answers what will be.
    pub fn fill(&mut self, f: impl Fn(Vec2, Texel) -> Texel + Sync) {
        let far = 1e6;
        self.paint(Area::new(Vec2::splat(-far), Vec2::splat(far)), f);
    }

    /// Paints the pixels of an area, as [`Canvas::fill`] does for all.
    pub fn paint(&mut self, area: Area, f: impl Fn(Vec2, Texel) -> Texel + Sync) {
        let origin = self.origin_px.as_vec2();
        let size = self.size.as_vec2();
        let min = (area.min * self.px_per_cell - origin)
            .floor()
            .clamp(Vec2::ZERO, size)
            .as_uvec2();
        let max = (area.max * self.px_per_cell - origin)
            .ceil()
            .clamp(Vec2::ZERO, size)
            .as_uvec2();
        if min.x >= max.x || min.y >= max.y {
            return;
        }
        let (px_per_cell, width) = (self.px_per_cell, self.size.x as usize);
        let columns = min.x as usize..max.x as usize;
        let paint_row = |(row, texels): (usize, &mut [Texel])| {
            let y = origin.y + (row + min.y as usize) as f32 + 0.5;
            for (x, texel) in texels[columns.clone()].iter_mut().enumerate() {
                let x = origin.x + (x + columns.start) as f32 + 0.5;
                *texel = f(Vec2::new(x, y) / px_per_cell, *texel);
            }
        };
        let rows = &mut self.texels[min.y as usize * width..max.y as usize * width];
        if (max.x - min.x) * (max.y - min.y) > 1 << 14 {
            rows.par_chunks_mut(width).enumerate().for_each(paint_row);
        } else {
            rows.chunks_mut(width).enumerate().for_each(paint_row);
        }
    }

    /// Lays a thing on the ground: `distance` is its outline (negative inside), `surface` its
    /// surface, whose height counts from what lies below. Both get the position in the thing's
    /// own frame: from `centre`, turned by `angle` radians.
    pub fn lay(
        &mut self,
        centre: Vec2,
        angle: f32,
        reach: f32,
        distance: impl Fn(Vec2) -> f32 + Sync,
        surface: impl Fn(Vec2, f32) -> Texel + Sync,
    ) {
        let pixel = self.pixel();
        let turn = Vec2::from_angle(-angle);
        self.paint(Area::around(centre, reach), |p, below| {
            let local = turn.rotate(p - centre);
            let d = distance(local);
            let coverage = 0.5 - d / pixel;
            if coverage <= 0.0 {
                return below;
            }
            let mut over = surface(local, d);
            // A thin drawn outline keeps small things legible from afar.
            let line = (1.0 + (d + 0.012) / 0.022).clamp(0.0, 1.0);
            over.colour *= 1.0 - 0.55 * line;
            over.height += below.height;
            below.under(over, coverage)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_shows_the_same_pixels_as_the_whole() {
        let scene = |canvas: &mut Canvas| {
            canvas.fill(|p, _| Texel::new(Vec3::new(p.x, p.y, 0.0), p.x * p.y));
            canvas.lay(
                Vec2::new(1.0, 1.5),
                0.3,
                1.0,
                |p| p.length() - 0.7,
                |p, d| Texel::new(Vec3::new(0.1, p.x, d), 0.2),
            );
        };
        let mut whole = Canvas::new(IVec2::ZERO, UVec2::new(32, 48), 16.0);
        let mut band = Canvas::new(IVec2::new(0, 20), UVec2::new(32, 10), 16.0);
        scene(&mut whole);
        scene(&mut band);
        assert_eq!(&whole.texels[20 * 32..30 * 32], &band.texels[..]);
    }
}
