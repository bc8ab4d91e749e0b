//! What one view shows in one frame: a scene, a camera, a size, and what is to be drawn.

use std::time::Duration;

use glam::{DAffine2, DVec2};

use crate::geom::rect::DRect;
use crate::model::color::Rgb;
use crate::scene::player::PlayerScene;
use crate::scene::snapshot::SceneSnapshot;

use super::phase::LayerSet;

/// Names a view: a window, a headless picture, a thumbnail. Chosen by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ViewId(pub u64);

/// The scene of a view. What players may not see can not get into their pictures, because their
/// variant holds a scene without it.
#[derive(Debug, Clone, Copy)]
pub enum SceneInput<'a> {
    /// Everything, as the DM sees it.
    Dm(&'a SceneSnapshot),
    /// What the table may see.
    Player(&'a PlayerScene),
    /// Nothing: the surround colour fills the view.
    Blank,
}

impl<'a> SceneInput<'a> {
    /// The scene that is drawn, whoever sees it.
    #[must_use]
    pub fn scene(&self) -> Option<&'a SceneSnapshot> {
        match self {
            Self::Dm(scene) => Some(scene),
            Self::Player(scene) => Some(scene.scene()),
            Self::Blank => None,
        }
    }

    /// Whether players see the picture.
    #[must_use]
    pub const fn is_player(&self) -> bool {
        !matches!(self, Self::Dm(_))
    }
}

/// One frame of one view.
#[derive(Debug, Clone)]
pub struct Frame<'a> {
    /// What is shown.
    pub scene: SceneInput<'a>,
    /// From world (display pixels, y up) to pixels of the target (top left, y down). Uniform scale
    /// and rotation, no shear.
    pub px_from_world: DAffine2,
    /// Size of the target in pixels.
    pub size_px: [u32; 2],
    /// Pixels per point of the window's scale.
    pub pixels_per_point: f32,
    /// What is drawn.
    pub layers: LayerSet,
    /// Since when animations run; `None` for a picture that stands still.
    pub time: Option<Duration>,
    /// Nothing outside the display rectangle is shown, only `surround`.
    pub clip_to_display: bool,
    /// The colour around a clipped display rectangle, and of a view without a scene.
    pub surround: Rgb,
}

impl<'a> Frame<'a> {
    /// A still frame of the display rectangle, as large as it goes, in the middle; black around
    /// it.
    #[must_use]
    pub fn of_display(scene: SceneInput<'a>, size_px: [u32; 2]) -> Self {
        let rect_world = scene
            .scene()
            .map_or_else(DRect::default, display_rect_world);
        Self {
            clip_to_display: true,
            ..Self::of_rect(scene, rect_world, size_px)
        }
    }

    /// A still frame of the map's own rectangle, upright as the picture file is, as large as it
    /// goes. `None` without a map.
    #[must_use]
    pub fn of_map(scene: SceneInput<'a>, size_px: [u32; 2]) -> Option<Self> {
        let map = scene.scene()?.map.value.as_ref()?;
        let size_map_px = DVec2::from(map.placement.size_px.map(f64::from));
        let target = DVec2::from(size_px.map(f64::from));
        let scale = (target / size_map_px).min_element();
        let px_from_picture = DAffine2::from_scale_angle_translation(
            DVec2::splat(scale),
            0.0,
            (target - size_map_px * scale) * 0.5,
        );
        Some(Self {
            px_from_world: px_from_picture * map.placement.picture_from_world(),
            ..Self::of_rect(scene, DRect::default(), size_px)
        })
    }

    /// A still frame of a rectangle of the world, as large as it goes, in the middle.
    #[must_use]
    pub fn of_rect(scene: SceneInput<'a>, rect_world: DRect, size_px: [u32; 2]) -> Self {
        Self {
            scene,
            px_from_world: fit_px_from_world(rect_world, size_px),
            size_px,
            pixels_per_point: 1.0,
            layers: LayerSet::all(),
            time: None,
            clip_to_display: false,
            surround: Rgb::new(0, 0, 0),
        }
    }

    /// Pixels per world unit.
    #[must_use]
    pub fn px_per_world(&self) -> f64 {
        self.px_from_world.matrix2.determinant().abs().sqrt()
    }
}

/// The display rectangle in world coordinates.
#[must_use]
pub fn display_rect_world(scene: &SceneSnapshot) -> DRect {
    DRect::from_center_size(DVec2::ZERO, scene.display_size_world())
}

/// Shows a rectangle of the world whole, in the middle, upright.
#[must_use]
pub fn fit_px_from_world(rect_world: DRect, size_px: [u32; 2]) -> DAffine2 {
    let target = DVec2::from(size_px.map(f64::from));
    let scale = (target / rect_world.size()).min_element();
    let scale = if scale.is_finite() && scale > 0.0 {
        scale
    } else {
        1.0
    };
    let center = rect_world.center();
    DAffine2::from_cols(
        DVec2::new(scale, 0.0),
        DVec2::new(0.0, -scale),
        target * 0.5 + DVec2::new(-center.x, center.y) * scale,
    )
}

/// What became of a frame's preparation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FrameStatus {
    /// Pixels are still on their way: prepare again when the source tells of arrivals.
    pub loading: bool,
    /// Pixels are here and wait for the next frame's upload budget: draw again at once.
    pub uploading: bool,
    /// Something moves: draw again at the animation's rate.
    pub animating: bool,
    /// Tiles and pictures that cannot be had.
    pub missing: u32,
    /// Fog could not be drawn; the players' view is black there.
    pub fog_failed: bool,
}
