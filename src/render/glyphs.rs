//! Glyphs of labels as distance fields, made when first needed: sharp at any size, with an outline
//! for nothing.

use std::collections::HashMap;

use ab_glyph::{Font as _, FontRef, OutlineCurve, Point};
use glam::Vec2;

use super::gpu::Gpu;
use super::resources::{array_view, sampled_texture, write_texture};

/// Texels per em.
pub(super) const TEXELS_PER_EM: f32 = 44.0;
/// Texels from an edge to either end of the field.
pub(super) const SPREAD_TEXELS: f32 = 6.0;
/// Side of the atlas.
pub(super) const ATLAS_SIDE_PX: u32 = 1024;

/// Height of capitals in em.
const CAP_HEIGHT_EM: f32 = 0.727;

static FONT: &[u8] = include_bytes!("../../assets/fonts/Inter-Bold.ttf");

/// A glyph in the atlas.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Glyph {
    /// Its field's rectangle from the pen, in em, y down: left, top, right, bottom.
    pub(super) quad_em: [f32; 4],
    /// The same in the atlas, 0..1.
    pub(super) uv: [f32; 4],
}

/// A glyph of a laid out text: its quad in em from the text's middle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PlacedGlyph {
    pub(super) quad_em: [f32; 4],
    pub(super) uv: [f32; 4],
}

/// A laid out text.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct TextLayout {
    pub(super) glyphs: Vec<PlacedGlyph>,
    pub(super) width_em: f32,
}

pub(super) struct GlyphAtlas {
    texture: wgpu::Texture,
    pub(super) view: wgpu::TextureView,
    font: Option<FontRef<'static>>,
    glyphs: HashMap<char, Option<Glyph>>,
    pen: [u32; 2],
    row_height: u32,
}

impl std::fmt::Debug for GlyphAtlas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GlyphAtlas")
            .field("glyphs", &self.glyphs.len())
            .finish_non_exhaustive()
    }
}

impl GlyphAtlas {
    pub(super) fn new(gpu: &Gpu) -> Self {
        let texture = sampled_texture(
            gpu,
            "glyphs",
            [ATLAS_SIDE_PX, ATLAS_SIDE_PX, 1],
            1,
            wgpu::TextureFormat::R8Unorm,
        );
        Self {
            view: array_view(&texture),
            texture,
            font: FontRef::try_from_slice(FONT).ok(),
            glyphs: HashMap::new(),
            pen: [0, 0],
            row_height: 0,
        }
    }

    /// Lays a line of text out around its middle: centred, capitals' middle at 0. Characters that
    /// the font lacks are shown as its placeholder.
    pub(super) fn layout(&mut self, gpu: &Gpu, text: &str) -> TextLayout {
        let Some(font) = self.font.clone() else {
            return TextLayout::default();
        };
        let em = font.units_per_em().unwrap_or(1000.0);
        let mut pen_em = 0.0;
        let mut before = None;
        let mut placed = Vec::new();
        for c in text.chars().take(24) {
            let id = font.glyph_id(c);
            if let Some(before) = before {
                pen_em += font.kern_unscaled(before, id) / em;
            }
            if let Some(glyph) = self.glyph(gpu, &font, c) {
                placed.push((pen_em, glyph));
            }
            pen_em += font.h_advance_unscaled(id) / em;
            before = Some(id);
        }
        let left = -pen_em * 0.5;
        let glyphs = placed
            .into_iter()
            .map(|(pen, glyph)| {
                let [l, t, r, b] = glyph.quad_em;
                let (x, y) = (left + pen, CAP_HEIGHT_EM * 0.5);
                PlacedGlyph {
                    quad_em: [l + x, t + y, r + x, b + y],
                    uv: glyph.uv,
                }
            })
            .collect();
        TextLayout {
            glyphs,
            width_em: pen_em,
        }
    }

    fn glyph(&mut self, gpu: &Gpu, font: &FontRef<'static>, c: char) -> Option<Glyph> {
        if let Some(known) = self.glyphs.get(&c) {
            return *known;
        }
        let made = field(font, c).and_then(|field| {
            let [width, height] = field.size_px;
            if self.pen[0] + width > ATLAS_SIDE_PX {
                self.pen = [0, self.pen[1] + self.row_height];
                self.row_height = 0;
            }
            if self.pen[1] + height > ATLAS_SIDE_PX {
                return None;
            }
            let [x, y] = self.pen;
            write_texture(
                gpu,
                &self.texture,
                0,
                [x, y, 0],
                field.size_px,
                1,
                &field.bytes,
            );
            self.pen[0] += width;
            self.row_height = self.row_height.max(height);
            let side = ATLAS_SIDE_PX as f32;
            Some(Glyph {
                quad_em: field.quad_em,
                uv: [x, y, x + width, y + height].map(|v| v as f32 / side),
            })
        });
        self.glyphs.insert(c, made);
        made
    }
}

/// A glyph's distance field.
struct Field {
    size_px: [u32; 2],
    bytes: Vec<u8>,
    quad_em: [f32; 4],
}

/// Distances to the outline, 128 on it, more inside. `None` for a glyph without an outline.
fn field(font: &FontRef<'_>, c: char) -> Option<Field> {
    let em = font.units_per_em()?;
    let outline = font.outline(font.glyph_id(c))?;
    let scale = TEXELS_PER_EM / em;
    // Texels, y down.
    let point = |p: Point| Vec2::new(p.x, -p.y) * scale;
    let mut segments: Vec<[Vec2; 2]> = Vec::new();
    for curve in &outline.curves {
        let (steps, at): (u32, Box<dyn Fn(f32) -> Vec2>) = match *curve {
            OutlineCurve::Line(a, b) => {
                let (a, b) = (point(a), point(b));
                (1, Box::new(move |t| a.lerp(b, t)))
            }
            OutlineCurve::Quad(a, b, c) => {
                let (a, b, c) = (point(a), point(b), point(c));
                (6, Box::new(move |t| a.lerp(b, t).lerp(b.lerp(c, t), t)))
            }
            OutlineCurve::Cubic(a, b, c, d) => {
                let (a, b, c, d) = (point(a), point(b), point(c), point(d));
                (
                    10,
                    Box::new(move |t| {
                        let (ab, bc, cd) = (a.lerp(b, t), b.lerp(c, t), c.lerp(d, t));
                        ab.lerp(bc, t).lerp(bc.lerp(cd, t), t)
                    }),
                )
            }
        };
        for i in 0..steps {
            let share = |i: u32| i as f32 / steps as f32;
            segments.push([at(share(i)), at(share(i + 1))]);
        }
    }
    let points = segments.iter().flatten();
    let min = points.clone().fold(Vec2::MAX, |m, p| m.min(*p));
    let max = points.fold(Vec2::MIN, |m, p| m.max(*p));
    if !(min.is_finite() && max.is_finite()) {
        return None;
    }
    let origin = (min - SPREAD_TEXELS - 1.0).floor();
    let size = ((max + SPREAD_TEXELS + 1.0).ceil() - origin).as_uvec2();
    let mut bytes = Vec::with_capacity((size.x * size.y) as usize);
    for y in 0..size.y {
        for x in 0..size.x {
            let p = origin + Vec2::new(x as f32, y as f32) + 0.5;
            let inside = signed_distance(&segments, p);
            let share = 0.5 + inside / (2.0 * SPREAD_TEXELS);
            bytes.push((share.clamp(0.0, 1.0) * 255.0).round() as u8);
        }
    }
    let end = origin + size.as_vec2();
    Some(Field {
        size_px: size.to_array(),
        bytes,
        quad_em: [origin.x, origin.y, end.x, end.y].map(|v| v / TEXELS_PER_EM),
    })
}

/// Distance to the nearest segment, positive where the outline winds around the point.
fn signed_distance(segments: &[[Vec2; 2]], p: Vec2) -> f32 {
    let mut nearest = f32::MAX;
    let mut winding = 0;
    for &[a, b] in segments {
        let along = b - a;
        let t = ((p - a).dot(along) / along.length_squared().max(1e-12)).clamp(0.0, 1.0);
        nearest = nearest.min(p.distance_squared(a + along * t));
        let side = along.perp_dot(p - a);
        if a.y <= p.y && b.y > p.y && side > 0.0 {
            winding += 1;
        } else if a.y > p.y && b.y <= p.y && side < 0.0 {
            winding -= 1;
        }
    }
    if winding == 0 {
        -nearest.sqrt()
    } else {
        nearest.sqrt()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_inside_the_letter_and_outside_around_it() {
        let font = FontRef::try_from_slice(FONT).unwrap();
        let field = field(&font, 'I').unwrap();
        let [width, height] = field.size_px;
        let at = |x: u32, y: u32| field.bytes[(y * width + x) as usize];
        assert!(at(width / 2, height / 2) > 160);
        assert_eq!(at(0, 0), 0);
        assert_eq!(at(0, height / 2), 0);
        assert!(super::field(&font, ' ').is_none());
    }
}
