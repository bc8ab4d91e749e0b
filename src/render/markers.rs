//! Markers (`shaders/markers.wgsl`): one instance a token, built when the markers change and drawn
//! in one call.

use crate::model::color::Rgb;
use crate::model::marker as marker_prop;
use crate::model::scene as prop;
use crate::scene::picture::PictureSource;
use crate::scene::snapshot::{Marker, SceneSnapshot};
use crate::util::revision::Revision;

use super::glyphs::GlyphAtlas;
use super::gpu::Gpu;
use super::gpu_data::{Unorm8x4, gpu_struct, rgba};
use super::labels::{self, Labelled};
use super::marker_pictures::{MarkerPictures, PictureLayer, PictureState, SIDE_PX};
use super::resources::GrowingBuffer;

gpu_struct! {
    /// One token.
    MarkerInstance {
        center_world: [f32; 2],
        diameter_world: f32,
        kind: u32,
        color: Unorm8x4,
        small_color: Unorm8x4,
    }
}

gpu_struct! {
    /// The scene's token style.
    MarkerUniform {
        outline_color: [f32; 4],
        outline_share: f32,
        opacity_hidden: f32,
        picture_side_px: f32,
        padding: f32,
    }
}

/// Bit of `kind`: players do not see it.
const HIDDEN: u32 = 8;
/// The square on which token outlines are measured.
const TOKEN_CANVAS_PX: f64 = 1024.0;
const OPACITY_HIDDEN: f32 = 0.5;
const SHAPE_PIN: i64 = 4;

impl MarkerUniform {
    pub(super) fn new(scene: &SceneSnapshot) -> Self {
        Self {
            outline_color: rgba(scene.setting(prop::MARKER_STROKE_COLOR), 1.0),
            outline_share: (scene.setting(prop::MARKER_STROKE_WIDTH) / TOKEN_CANVAS_PX) as f32,
            opacity_hidden: OPACITY_HIDDEN,
            picture_side_px: SIDE_PX as f32,
            padding: 0.0,
        }
    }
}

/// The tokens and labels of one revision of markers for one audience.
#[derive(Debug)]
pub(super) struct MarkerSet {
    revision: Revision,
    is_player: bool,
    pub(super) tokens: GrowingBuffer,
    pub(super) token_count: u32,
    pub(super) labels: GrowingBuffer,
    pub(super) label_count: u32,
    /// Diameter of the largest token.
    pub(super) widest_world: f64,
    evictions: u64,
    loading: bool,
    missing: u32,
    last_used: u64,
}

/// The sets that views show; DM and players see different ones.
#[derive(Debug, Default)]
pub(super) struct MarkerSets {
    sets: Vec<MarkerSet>,
    clock: u64,
}

/// Sets that are kept: two scenes for two audiences.
const KEPT_SETS: usize = 4;

/// Where tokens get what they show.
pub(super) struct MarkerContext<'a> {
    pub(super) gpu: &'a Gpu,
    pub(super) pictures: &'a mut MarkerPictures,
    pub(super) glyphs: &'a mut GlyphAtlas,
    pub(super) source: &'a dyn PictureSource,
    pub(super) upload_budget_bytes: &'a mut usize,
}

/// What a set's pictures came to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct MarkerStatus {
    pub(super) loading: bool,
    pub(super) missing: u32,
}

impl MarkerSets {
    /// Brings the set of this scene up to date. It is built anew only when the markers changed or
    /// pictures are still to come.
    pub(super) fn prepare(
        &mut self,
        scene: &SceneSnapshot,
        is_player: bool,
        context: &mut MarkerContext<'_>,
    ) -> MarkerStatus {
        self.clock += 1;
        let revision = scene.markers.revision;
        let known = self
            .sets
            .iter()
            .position(|s| s.revision == revision && s.is_player == is_player);
        let mut set = match known {
            Some(index) => self.sets.swap_remove(index),
            None => self.oldest_or_new(),
        };
        let fresh = known.is_some() && !set.loading && set.evictions == context.pictures.evictions;
        if !fresh {
            set.build(scene, is_player, context);
        }
        set.last_used = self.clock;
        let status = MarkerStatus {
            loading: set.loading,
            missing: set.missing,
        };
        self.sets.push(set);
        status
    }

    /// The set of this scene, once prepared.
    pub(super) fn find(&self, revision: Revision, is_player: bool) -> Option<&MarkerSet> {
        self.sets
            .iter()
            .find(|s| s.revision == revision && s.is_player == is_player)
    }

    fn oldest_or_new(&mut self) -> MarkerSet {
        let oldest = (0..self.sets.len()).min_by_key(|&i| self.sets[i].last_used);
        match oldest {
            Some(index) if self.sets.len() >= KEPT_SETS => self.sets.swap_remove(index),
            _ => MarkerSet {
                revision: Revision::default(),
                is_player: false,
                tokens: GrowingBuffer::instances("tokens"),
                token_count: 0,
                labels: GrowingBuffer::instances("labels"),
                label_count: 0,
                widest_world: 0.0,
                evictions: 0,
                loading: false,
                missing: 0,
                last_used: 0,
            },
        }
    }
}

impl MarkerSet {
    fn build(&mut self, scene: &SceneSnapshot, is_player: bool, context: &mut MarkerContext<'_>) {
        let mut markers: Vec<&Marker> = scene
            .markers
            .iter()
            .filter(|m| {
                !(is_player && m.row.get(marker_prop::VISIBILITY) == marker_prop::VISIBLE_TO_DM)
            })
            .filter(|m| m.diameter_world > 0.0)
            .collect();
        // Large ones below small ones; the order of rows decides among equals.
        markers.sort_by(|a, b| b.diameter_world.total_cmp(&a.diameter_world));
        self.loading = false;
        self.missing = 0;
        let texts: Vec<_> = markers
            .iter()
            .map(|m| m.row.get(marker_prop::LABEL))
            .collect();
        let mut labelled = Vec::with_capacity(markers.len());
        let tokens: Vec<MarkerInstance> = markers
            .iter()
            .zip(&texts)
            .map(|(marker, text)| {
                let row = &marker.row;
                let shape = row.get(marker_prop::SHAPE);
                let visibility = row.get(marker_prop::VISIBILITY);
                let unseen = visibility == marker_prop::VISIBLE_TO_DM
                    || visibility == marker_prop::VISIBLE_ON_HOVER
                        && !row.get(marker_prop::PINNED_TOOLTIP);
                let hidden = !is_player && unseen;
                let picture = self.picture_layer(marker, context);
                labelled.push(Labelled {
                    text: text.as_deref(),
                    center_world: marker.position_world,
                    diameter_world: marker.diameter_world,
                    opacity: if hidden { OPACITY_HIDDEN + 0.2 } else { 1.0 },
                    shift_down: if shape == SHAPE_PIN { -0.16 } else { 0.0 },
                });
                let color = row.get(marker_prop::SHAPE_COLOR);
                MarkerInstance {
                    center_world: marker.position_world.as_vec2().to_array(),
                    diameter_world: marker.diameter_world as f32,
                    kind: shape.clamp(0, 7) as u32
                        | if hidden { HIDDEN } else { 0 }
                        | picture.map_or(0, |p| (p.layer + 1) << 8),
                    color: Unorm8x4([color.r, color.g, color.b, 255]),
                    small_color: small_color(color, shape, picture.map(|p| p.average)),
                }
            })
            .collect();
        let labels = labels::instances(context.gpu, context.glyphs, &labelled);
        self.tokens
            .write(context.gpu, bytemuck::cast_slice(&tokens));
        self.token_count = tokens.len() as u32;
        self.labels
            .write(context.gpu, bytemuck::cast_slice(&labels));
        self.label_count = labels.len() as u32;
        self.widest_world = markers.first().map_or(0.0, |m| m.diameter_world);
        self.evictions = context.pictures.evictions;
        self.revision = scene.markers.revision;
        self.is_player = is_player;
    }

    fn picture_layer(
        &mut self,
        marker: &Marker,
        context: &mut MarkerContext<'_>,
    ) -> Option<PictureLayer> {
        let picture = marker.picture.as_ref()?;
        let state = context.pictures.want(
            context.gpu,
            context.source,
            &picture.hash,
            context.upload_budget_bytes,
        );
        match state {
            PictureState::Layer(layer) => Some(layer),
            PictureState::Loading => {
                self.loading = true;
                None
            }
            PictureState::Missing => {
                self.missing += 1;
                None
            }
        }
    }
}

/// A token from afar: its colour with its picture's average over it, alpha multiplied in. Without
/// a shape there is only the picture.
fn small_color(color: Rgb, shape: i64, average: Option<[u8; 4]>) -> Unorm8x4 {
    let below = if shape == 0 {
        [0; 4]
    } else {
        [color.r, color.g, color.b, 255]
    };
    let [.., alpha] = average.unwrap_or_default();
    let over = average.unwrap_or_default();
    Unorm8x4(std::array::from_fn(|c| {
        let rest = u32::from(below[c]) * (255 - u32::from(alpha)) / 255;
        (u32::from(over[c]) + rest).min(255) as u8
    }))
}
