//! The edge overlay (`shaders/edge.wgsl`): a frame around the display rectangle, drawn by formula
//! because its texture lies on a server. The middle, where it is clear, is not shaded.

use glam::{DAffine2, DVec2};

use crate::geom::rect::DRect;
use crate::model::color::Rgb;
use crate::model::scene as prop;
use crate::scene::snapshot::SceneSnapshot;

use super::frame::display_rect_world;
use super::gpu_data::{gpu_struct, rgba};
use super::noise::{CLOUD_SIDE_PX, cloud_lod};
use super::quad::QuadInstance;

gpu_struct! {
    /// The overlay in one view.
    EdgeUniform {
        color: [f32; 4],
        fade_start: f32,
        fade_end: f32,
        noise_scale: [f32; 2],
        noise_lod: f32,
        padding: f32,
        padding_2: [f32; 2],
    }
}

const COLOR: Rgb = Rgb::new(14, 11, 9);

/// The overlay's quads and uniforms, or `None` when there is none.
pub(super) fn prepare(
    scene: &SceneSnapshot,
    px_from_world: &DAffine2,
    px_per_world: f64,
) -> Option<(Vec<QuadInstance>, EdgeUniform)> {
    let opacity = scene.setting(prop::EDGE_OPACITY);
    if !scene.setting(prop::EDGE_ENABLED) || opacity <= 0.0 {
        return None;
    }
    let start = scene.setting(prop::EDGE_FADE_START);
    let end = scene.setting(prop::EDGE_FADE_END).max(start + 0.01);
    let rect = display_rect_world(scene);
    let half = rect.size() * 0.5;
    let px_from_unit = *px_from_world * DAffine2::from_scale(DVec2::new(half.x, -half.y));
    // Inside this square no place is as far out as the start, corners included.
    let inner = start * 0.917;
    let strips = [
        DRect::new(DVec2::new(-1.0, -1.0), DVec2::new(1.0, -inner)),
        DRect::new(DVec2::new(-1.0, -inner), DVec2::new(-inner, inner)),
        DRect::new(DVec2::new(inner, -inner), DVec2::new(1.0, inner)),
        DRect::new(DVec2::new(-1.0, inner), DVec2::new(1.0, 1.0)),
    ];
    let quads = strips
        .iter()
        .filter(|strip| !strip.is_empty())
        .map(|&strip| QuadInstance::new(&px_from_unit, strip).with_uv(strip.min, strip.max))
        .collect();
    let repeats = scene.setting(prop::EDGE_SCALE).max(0.01);
    // Square structure: as many repeats down as the shape of the display asks for.
    let noise_scale = DVec2::new(1.0, half.y / half.x) * repeats * 0.5;
    let texels_per_px = f64::from(CLOUD_SIDE_PX) * noise_scale.x / half.x / px_per_world;
    Some((
        quads,
        EdgeUniform {
            color: rgba(COLOR, opacity),
            fade_start: start as f32,
            fade_end: end as f32,
            noise_scale: noise_scale.as_vec2().to_array(),
            noise_lod: cloud_lod(texels_per_px),
            padding: 0.0,
            padding_2: [0.0; 2],
        },
    ))
}
