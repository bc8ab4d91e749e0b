//! Labels of tokens (`shaders/labels.wgsl`): one instance a glyph.

use std::collections::HashMap;

use glam::DVec2;

use crate::model::scene as prop;
use crate::scene::snapshot::SceneSnapshot;

use super::glyphs::{ATLAS_SIDE_PX, GlyphAtlas, SPREAD_TEXELS, TEXELS_PER_EM, TextLayout};
use super::gpu::Gpu;
use super::gpu_data::{gpu_struct, rgba};

gpu_struct! {
    /// One glyph of a label.
    LabelInstance {
        center_world: [f32; 2],
        diameter_world: f32,
        opacity: f32,
        quad: [f32; 4],
        uv: [f32; 4],
    }
}

gpu_struct! {
    /// The scene's label style.
    LabelUniform {
        text_color: [f32; 4],
        outline_color: [f32; 4],
        texels_per_em: f32,
        spread_texels: f32,
        outline_em: f32,
        atlas_side_texels: f32,
        min_height_px: f32,
        padding: f32,
        padding_2: [f32; 2],
    }
}

/// Size of the text, as a share of the token's diameter.
const EM_SHARE: f32 = 300.0 / 1024.0;
/// Width that a label may take; longer ones get smaller letters.
const MAX_WIDTH_SHARE: f32 = 0.9;
/// Glyph quads lower than this many pixels are left out: nobody could read them.
pub(super) const MIN_GLYPH_QUAD_PX: f32 = 6.0;

impl LabelUniform {
    pub(super) fn new(scene: &SceneSnapshot) -> Self {
        Self {
            text_color: rgba(scene.setting(prop::MARKER_TEXT_COLOR), 1.0),
            outline_color: rgba(scene.setting(prop::MARKER_TEXT_STROKE_COLOR), 1.0),
            texels_per_em: TEXELS_PER_EM,
            spread_texels: SPREAD_TEXELS,
            outline_em: 0.09,
            atlas_side_texels: ATLAS_SIDE_PX as f32,
            min_height_px: MIN_GLYPH_QUAD_PX,
            padding: 0.0,
            padding_2: [0.0; 2],
        }
    }
}

/// A token as labels see it, in draw order.
pub(super) struct Labelled<'a> {
    pub(super) text: Option<&'a str>,
    pub(super) center_world: DVec2,
    pub(super) diameter_world: f64,
    pub(super) opacity: f32,
    /// Where the label's middle lies below the token's, in diameters.
    pub(super) shift_down: f32,
}

/// The glyphs of all labels that no later token covers.
pub(super) fn instances(
    gpu: &Gpu,
    atlas: &mut GlyphAtlas,
    tokens: &[Labelled<'_>],
) -> Vec<LabelInstance> {
    let covered = covered(tokens);
    let mut layouts: HashMap<&str, TextLayout> = HashMap::new();
    let mut out = Vec::new();
    for (token, covered) in tokens.iter().zip(covered) {
        let Some(text) = token
            .text
            .map(str::trim)
            .filter(|t| !t.is_empty() && !covered)
        else {
            continue;
        };
        let layout = layouts
            .entry(text)
            .or_insert_with(|| atlas.layout(gpu, text));
        let em = EM_SHARE.min(MAX_WIDTH_SHARE / layout.width_em.max(0.01));
        out.extend(layout.glyphs.iter().map(|glyph| {
            let [l, t, r, b] = glyph.quad_em.map(|v| v * em);
            LabelInstance {
                center_world: token.center_world.as_vec2().to_array(),
                diameter_world: token.diameter_world as f32,
                opacity: token.opacity,
                quad: [l, t + token.shift_down, r, b + token.shift_down],
                uv: glyph.uv,
            }
        }));
    }
    out
}

/// Whether a later (higher) token lies over the middle of each: labels are drawn after all tokens,
/// and one must not show through what lies on it.
fn covered(tokens: &[Labelled<'_>]) -> Vec<bool> {
    let widest = tokens.iter().map(|t| t.diameter_world).fold(0.0, f64::max);
    if widest <= 0.0 {
        return vec![false; tokens.len()];
    }
    let bucket = |p: DVec2| {
        let cell = (p / widest).floor();
        (cell.x as i64, cell.y as i64)
    };
    let mut buckets: HashMap<(i64, i64), Vec<usize>> = HashMap::new();
    for (i, token) in tokens.iter().enumerate() {
        buckets
            .entry(bucket(token.center_world))
            .or_default()
            .push(i);
    }
    tokens
        .iter()
        .enumerate()
        .map(|(i, token)| {
            token.text.is_some() && {
                let (x, y) = bucket(token.center_world);
                (x - 1..=x + 1)
                    .flat_map(|x| (y - 1..=y + 1).map(move |y| (x, y)))
                    .filter_map(|key| buckets.get(&key))
                    .flatten()
                    .filter(|&&j| j > i)
                    .filter_map(|&j| tokens.get(j))
                    .any(|other| {
                        let reach = other.diameter_world * 0.5;
                        other.center_world.distance_squared(token.center_world) < reach * reach
                    })
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_under_another_token_is_left_out() {
        let token = |x: f64| Labelled {
            text: Some("A"),
            center_world: DVec2::new(x, 0.0),
            diameter_world: 50.0,
            opacity: 1.0,
            shift_down: 0.0,
        };
        assert_eq!(
            covered(&[token(0.0), token(20.0), token(60.0)]),
            [true, false, false]
        );
        assert_eq!(covered(&[token(-1.0), token(1.0)]), [true, false]);
        assert!(covered(&[]).is_empty());
    }
}
