//! Mist over the map (`shaders/mist.wgsl`): a colour with gentle structure, drifting when the
//! picture moves.

use std::time::Duration;

use glam::{DAffine2, DVec2};

use crate::geom::rect::DRect;
use crate::model::scene as prop;
use crate::scene::snapshot::SceneSnapshot;

use super::gpu_data::rgba;
use super::noise::{CLOUD_SIDE_PX, cloud_lod};
use super::quad::QuadInstance;

/// World units that one repeat of the noise covers.
const NOISE_WORLD: f64 = 1400.0;
/// How much of the opacity the structure may take away.
const STRUCTURE: f32 = 0.35;

/// The mist's quad, or `None` when there is none. `px_from_uv` turns the map's texture coordinates
/// (0..1, v down) into pixels.
pub(super) fn prepare(
    scene: &SceneSnapshot,
    px_from_uv: &DAffine2,
    map_size_world: DVec2,
    px_per_world: f64,
    time: Option<Duration>,
) -> Option<QuadInstance> {
    let opacity = scene.setting(prop::FOG_OPACITY);
    if !scene.setting(prop::FOG_ENABLED) || opacity <= 0.0 {
        return None;
    }
    let seconds = time.map_or(0.0, |t| t.as_secs_f64());
    let drift = (DVec2::new(0.004, 0.0015) * seconds).map(|v| v.rem_euclid(1.0));
    let lod = cloud_lod(f64::from(CLOUD_SIDE_PX) / NOISE_WORLD / px_per_world);
    Some(
        QuadInstance::new(px_from_uv, DRect::new(DVec2::ZERO, DVec2::ONE))
            .with_uv(drift, drift + map_size_world / NOISE_WORLD)
            .with_color(rgba(scene.setting(prop::FOG_COLOR), opacity))
            .with_extra([lod, STRUCTURE, 0.0, 0.0]),
    )
}
