//! Records one frame of one view: what each phase draws, lowest first.

use std::sync::atomic::Ordering;

use glam::{DAffine2, DVec2};

use crate::geom::rect::DRect;
use crate::model::color::Rgb;
use crate::model::scene as prop;
use crate::scene::picture::PictureSource;
use crate::scene::snapshot::{Fog, SceneSnapshot};

use super::annotations::{AnnotationsContext, AnnotationsDraw};
use super::edge;
use super::fog::{FogDraw, FogState, FogUniform};
use super::frame::{Frame, FrameStatus, ViewId, display_rect_world};
use super::gpu_data::{FrameUniform, affine_columns, rgba};
use super::grid::{GridContext, GridDraw};
use super::labels::{LabelUniform, MIN_GLYPH_QUAD_PX};
use super::lights;
use super::map::{MapContext, MapDraw, MapPlace};
use super::markers::{MarkerContext, MarkerUniform};
use super::mist;
use super::phase::{LayerSet, Phase};
use super::quad::{QuadInstance, QuadList};
use super::renderer::{MarkersRecorded, Renderer, View, opaque};
use super::resources::bind_group;

/// Colour of the clouds that mist and the edge take their structure from; only alpha is read.
const STRUCTURE_COLOR: Rgb = Rgb::new(255, 255, 255);
/// Height of a glyph's quad at most, as a share of the token's diameter.
const GLYPH_QUAD_SHARE: f64 = 0.4;

/// Tokens narrower than this show their average colour instead of their picture.
const SMALL_TOKEN_PX: f64 = 12.0;

/// One frame in the making.
pub(super) struct Recorder<'a, 'f> {
    pub(super) renderer: &'a mut Renderer,
    pub(super) view_id: ViewId,
    pub(super) view: &'a mut View,
    pub(super) frame: &'a Frame<'f>,
    pub(super) scene: &'f SceneSnapshot,
    pub(super) source: &'a dyn PictureSource,
    pub(super) quads: &'a mut QuadList,
    pub(super) uniform: &'a mut FrameUniform,
    pub(super) status: &'a mut FrameStatus,
    /// Bytes that may still be uploaded this frame.
    pub(super) budget_bytes: usize,
}

impl Recorder<'_, '_> {
    pub(super) fn record(&mut self) {
        if self.shows(Phase::Background) {
            self.view.recorded.clear = opaque(self.scene.setting(prop::BACKGROUND_COLOR));
        }
        let scene = self.scene;
        let place = scene
            .map
            .value
            .as_ref()
            .and_then(|map| MapPlace::new(map, self.source, &self.frame.px_from_world));
        if let Some(place) = &place {
            self.record_map(place);
            self.record_mist(place);
        }
        self.record_lights();
        // What fog hides is decided before tokens, whether fog itself is shown or not.
        let fogged_view = self.record_fog(place.as_ref());
        self.record_markers(&fogged_view);
        self.record_grid();
        self.record_edge();
        self.record_annotations(place.as_ref());
        self.record_surround();
    }

    fn shows(&self, phase: Phase) -> bool {
        self.frame.layers.contains(phase)
    }

    fn record_map(&mut self, place: &MapPlace<'_>) {
        if !self.shows(Phase::Map) {
            return;
        }
        let keep_alpha = self.frame.layers == LayerSet::of(&[Phase::Map]);
        let revision = self.scene.map.revision;
        if self.view.map_revision.replace(revision) != Some(revision) {
            // What could not be had for an earlier map may have come since.
            self.renderer.tiles.retry_missing();
        }
        let Renderer {
            tiles,
            gpu,
            layouts,
            samplers,
            options,
            ..
        } = &mut *self.renderer;
        let map = MapDraw::prepare(
            place,
            tiles,
            self.quads,
            &mut MapContext {
                gpu,
                layouts,
                samplers,
                source: self.source,
                size_px: self.frame.size_px,
                upload_budget_bytes: &mut self.budget_bytes,
                keep_alpha,
                with_ring: options.prefetch,
            },
        );
        self.status.loading |= map.loading;
        self.status.uploading |= map.uploading;
        self.status.missing += map.missing;
        self.view.recorded.straight_alpha = keep_alpha;
        self.view.recorded.map = map;
    }

    fn record_mist(&mut self, place: &MapPlace<'_>) {
        if !self.shows(Phase::Mist) {
            return;
        }
        let Some(quad) = mist::prepare(
            self.scene,
            &place.px_from_uv,
            place.size_world,
            self.frame.px_per_world(),
            self.frame.time,
        ) else {
            return;
        };
        self.status.animating |= self.frame.time.is_some();
        let noise = self.renderer.clouds(STRUCTURE_COLOR);
        let group = bind_group(
            &self.renderer.gpu,
            &self.renderer.layouts.textured,
            &[
                wgpu::BindingResource::TextureView(&noise),
                wgpu::BindingResource::Sampler(&self.renderer.samplers.repeating),
            ],
        );
        self.view.recorded.mist = Some((self.quads.add([quad]), group));
    }

    fn record_lights(&mut self) {
        if !self.shows(Phase::Lights) {
            return;
        }
        let (lights, pulse) = lights::instances(&self.scene.lights, self.frame.time);
        self.status.animating |= pulse && self.frame.time.is_some();
        let gpu = &self.renderer.gpu;
        self.view.lights.write(gpu, bytemuck::cast_slice(&lights));
        self.view.recorded.light_count = lights.len() as u32;
    }

    /// Records the fog and returns the mask that tells where it is: tokens of players are cut off
    /// by it.
    fn record_fog(&mut self, place: Option<&MapPlace<'_>>) -> wgpu::TextureView {
        let Some(place) = place else {
            return self.renderer.clear_mask.clone();
        };
        [
            self.uniform.fog_uv_from_px_x,
            self.uniform.fog_uv_from_px_y,
            self.uniform.fog_uv_from_px_t,
        ] = affine_columns(&place.px_from_uv.inverse());
        let is_player = self.frame.scene.is_player();
        let opacity = self.scene.setting(if is_player {
            prop::FOG_OF_WAR_OPACITY_PLAYER
        } else {
            prop::FOG_OF_WAR_OPACITY_DM
        });
        let fog_color = self.scene.setting(prop::FOG_OF_WAR_COLOR);
        let noise = self.renderer.clouds(fog_color);

        let Renderer {
            gpu,
            fogs,
            layouts,
            samplers,
            fogged_mask,
            ..
        } = &mut *self.renderer;
        let fog_part = &self.scene.fog;
        let texture = match &fog_part.value {
            Fog::Full => None,
            Fog::Mask(mask) => Some(fogs.get(gpu, (self.view_id, 0), fog_part.revision, mask)),
        };
        let (state, mask_view, depth_view) = match texture {
            None => (FogState::Full, fogged_mask.clone(), fogged_mask.clone()),
            Some(Ok(fog)) => {
                self.uniform.fog_mask_lod = fog.mask_lod(place.size_px());
                let views = (fog.mask_view().clone(), fog.depth_view().clone());
                (FogState::Mask(fog), views.0, views.1)
            }
            Some(Err(message)) => {
                tracing::error!(target: "render", "the fog of war cannot be drawn: {message}");
                self.status.fog_failed = true;
                let state = if is_player {
                    FogState::Black
                } else {
                    FogState::Full
                };
                (state, fogged_mask.clone(), fogged_mask.clone())
            }
        };
        let is_drawn = opacity > 0.0 || matches!(state, FogState::Black);
        if !self.frame.layers.contains(Phase::FogOfWar) || !is_drawn {
            return mask_view;
        }
        let uniform = FogUniform::new(
            place.size_world,
            self.frame.px_per_world(),
            opacity,
            self.frame.time,
        );
        gpu.queue()
            .write_buffer(&self.view.fog_uniform, 0, bytemuck::bytes_of(&uniform));
        let moment = (
            fog_color,
            [
                uniform.drift_a[0],
                uniform.drift_a[1],
                uniform.drift_b[0],
                uniform.drift_b[1],
            ]
            .map(f32::to_bits),
            uniform.cloud_lod.to_bits(),
        );
        if self.view.clouds_hold.replace(moment) != Some(moment) {
            self.view.clouds_pending.store(true, Ordering::Release);
        }
        let cloud_group = bind_group(
            gpu,
            &layouts.params_textured,
            &[
                self.view.fog_uniform.as_entire_binding(),
                wgpu::BindingResource::TextureView(&noise),
                wgpu::BindingResource::Sampler(&samplers.repeating),
            ],
        );
        self.view.recorded.cloud_pass = Some((uniform.cloud_lod as usize, cloud_group));
        let group = bind_group(
            gpu,
            &layouts.fog,
            &[
                self.view.fog_uniform.as_entire_binding(),
                wgpu::BindingResource::TextureView(&self.view.clouds.view),
                wgpu::BindingResource::Sampler(&samplers.repeating),
                wgpu::BindingResource::TextureView(&mask_view),
                wgpu::BindingResource::TextureView(&depth_view),
                wgpu::BindingResource::Sampler(&samplers.linear),
            ],
        );
        let fog = FogDraw::prepare(
            state,
            &place.px_from_uv,
            self.frame.size_px,
            opacity,
            self.quads,
            group,
        );
        self.status.animating |= self.frame.time.is_some() && fog.is_visible();
        self.view.recorded.fog = Some(fog);
        mask_view
    }

    fn record_markers(&mut self, fogged: &wgpu::TextureView) {
        if !self.shows(Phase::Markers) || self.scene.markers.is_empty() {
            return;
        }
        let is_player = self.frame.scene.is_player();
        let Renderer {
            gpu,
            layouts,
            samplers,
            pictures,
            glyphs,
            marker_sets,
            ..
        } = &mut *self.renderer;
        let status = marker_sets.prepare(
            self.scene,
            is_player,
            &mut MarkerContext {
                gpu,
                pictures,
                glyphs,
                source: self.source,
                upload_budget_bytes: &mut self.budget_bytes,
            },
        );
        self.status.loading |= status.loading;
        self.status.missing += status.missing;
        let revision = self.scene.markers.revision;
        let widest_px = marker_sets
            .find(revision, is_player)
            .map_or(0.0, |set| set.widest_world * self.frame.px_per_world());
        let queue = gpu.queue();
        let style = MarkerUniform::new(self.scene);
        queue.write_buffer(&self.view.marker_uniform, 0, bytemuck::bytes_of(&style));
        let style = LabelUniform::new(self.scene);
        queue.write_buffer(&self.view.label_uniform, 0, bytemuck::bytes_of(&style));
        let sprites = |uniform: &wgpu::Buffer, array: &wgpu::TextureView| {
            bind_group(
                gpu,
                &layouts.sprites,
                &[
                    uniform.as_entire_binding(),
                    wgpu::BindingResource::TextureView(array),
                    wgpu::BindingResource::Sampler(&samplers.linear),
                    wgpu::BindingResource::TextureView(fogged),
                    wgpu::BindingResource::Sampler(&samplers.linear),
                ],
            )
        };
        let readable = widest_px * GLYPH_QUAD_SHARE >= f64::from(MIN_GLYPH_QUAD_PX);
        self.view.recorded.markers = Some(MarkersRecorded {
            revision,
            is_player,
            small: widest_px < SMALL_TOKEN_PX,
            tokens: sprites(&self.view.marker_uniform, &pictures.view),
            labels: readable.then(|| sprites(&self.view.label_uniform, &glyphs.view)),
        });
    }

    fn record_grid(&mut self) {
        if !self.shows(Phase::Grid) {
            return;
        }
        let gpu = &self.renderer.gpu;
        let group = bind_group(
            gpu,
            &self.renderer.layouts.params,
            &[self.view.grid_uniform.as_entire_binding()],
        );
        let context = GridContext {
            gpu,
            px_from_world: self.frame.px_from_world,
            size_px: self.frame.size_px,
            pixels_per_point: self.frame.pixels_per_point,
        };
        if let Some((grid, uniform)) = GridDraw::prepare(
            self.scene,
            &context,
            self.quads,
            &mut self.view.hexes,
            group,
        ) {
            gpu.queue()
                .write_buffer(&self.view.grid_uniform, 0, bytemuck::bytes_of(&uniform));
            self.view.recorded.grid = Some(grid);
        }
    }

    fn record_edge(&mut self) {
        if !self.shows(Phase::Edge) {
            return;
        }
        let prepared = edge::prepare(
            self.scene,
            &self.frame.px_from_world,
            self.frame.px_per_world(),
        );
        let Some((quads, uniform)) = prepared else {
            return;
        };
        let noise = self.renderer.clouds(STRUCTURE_COLOR);
        let gpu = &self.renderer.gpu;
        gpu.queue()
            .write_buffer(&self.view.edge_uniform, 0, bytemuck::bytes_of(&uniform));
        let group = bind_group(
            gpu,
            &self.renderer.layouts.params_textured,
            &[
                self.view.edge_uniform.as_entire_binding(),
                wgpu::BindingResource::TextureView(&noise),
                wgpu::BindingResource::Sampler(&self.renderer.samplers.repeating),
            ],
        );
        self.view.recorded.edge = Some((self.quads.add(quads), group));
    }

    fn record_annotations(&mut self, place: Option<&MapPlace<'_>>) {
        if !self.shows(Phase::Annotations) {
            return;
        }
        let Renderer {
            gpu,
            layouts,
            samplers,
            inks,
            ..
        } = &mut *self.renderer;
        let context = AnnotationsContext {
            gpu,
            layouts,
            samplers,
            view: self.view_id,
            is_player: self.frame.scene.is_player(),
            px_from_world: self.frame.px_from_world,
            px_from_map_uv: place.map(|p| p.px_from_uv),
        };
        self.view.recorded.annotations =
            AnnotationsDraw::prepare(self.scene, &context, inks, self.quads);
    }

    /// What lies outside the display rectangle is covered.
    fn record_surround(&mut self) {
        if !self.frame.clip_to_display {
            return;
        }
        let px_from_world: DAffine2 = self.frame.px_from_world;
        let target = DRect::new(DVec2::ZERO, DVec2::from(self.frame.size_px.map(f64::from)));
        let display = display_rect_world(self.scene);
        let all = target.transformed(&px_from_world.inverse()).union(&display);
        let strips = [
            DRect::new(all.min, DVec2::new(display.min.x, all.max.y)),
            DRect::new(DVec2::new(display.max.x, all.min.y), all.max),
            DRect::new(
                DVec2::new(display.min.x, all.min.y),
                DVec2::new(display.max.x, display.min.y),
            ),
            DRect::new(
                DVec2::new(display.min.x, display.max.y),
                DVec2::new(display.max.x, all.max.y),
            ),
        ];
        let color = rgba(self.frame.surround, 1.0);
        let covers = strips
            .into_iter()
            .filter(|strip| !strip.is_empty())
            .map(|strip| QuadInstance::new(&px_from_world, strip).with_color(color));
        self.view.recorded.surround = self.quads.add(covers);
    }
}
