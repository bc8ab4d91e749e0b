//! [`Renderer`]: long-lived, shared by all views. Per view and frame: [`Renderer::prepare`] uploads
//! what changed and records what to draw, [`Renderer::draw`] draws it into the view's own texture.
//!
//! Call `draw` right after `prepare` of the same view, into an encoder that is submitted before
//! anything is prepared for a later frame. Several views may share one submission.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::model::color::Rgb;
use crate::scene::picture::PictureSource;
use crate::util::revision::Revision;

use super::annotations::{AnnotationsDraw, InkTexture};
use super::edge;
use super::fog::{FogDraw, FogTexture, FogUniform};
use super::frame::{Frame, FrameStatus, ViewId};
use super::glyphs::GlyphAtlas;
use super::gpu::{Gpu, GpuError};
use super::gpu_data::{FrameUniform, affine_columns, rgba};
use super::grid::{GridDraw, GridUniform, hex_ring_buffer};
use super::labels::LabelUniform;
use super::map::MapDraw;
use super::marker_pictures::MarkerPictures;
use super::markers::{MarkerSets, MarkerUniform};
use super::mask_cache::MaskCache;
use super::noise::{CloudTarget, CloudTexture};
use super::phase::Phase;
use super::pipelines::{Layouts, Pipelines, TARGET_FORMAT};
use super::quad::QuadList;
use super::record::Recorder;
use super::resources::{
    GrowingBuffer, Samplers, bind_group, sampled_texture, uniform_buffer, whole_view, write_texture,
};
use super::shaders::{ShaderWatch, Shaders};
use super::tiles::TileCache;

/// What a renderer may use.
#[derive(Debug, Clone, Copy)]
pub struct RendererOptions {
    /// GPU memory for map tiles.
    pub tile_budget_bytes: usize,
    /// Bytes that one frame may upload, so that scrolling stays smooth.
    pub upload_budget_bytes: usize,
    /// Fetch a ring of tiles around each view before they are needed.
    pub prefetch: bool,
}

impl Default for RendererOptions {
    fn default() -> Self {
        Self {
            tile_budget_bytes: 96 << 20,
            upload_budget_bytes: 8 << 20,
            prefetch: true,
        }
    }
}

/// Clouds of different colours that are kept.
const KEPT_CLOUDS: usize = 4;
/// A view that was not prepared for so many frames of others no longer keeps its tiles.
const FORGET_AFTER_FRAMES: u64 = 600;

/// Draws scenes. One for each device; it belongs to the thread that paints.
#[derive(Debug)]
pub struct Renderer {
    pub(super) gpu: Gpu,
    pub(super) options: RendererOptions,
    pub(super) layouts: Layouts,
    pub(super) pipelines: Pipelines,
    pub(super) shader_watch: ShaderWatch,
    pub(super) samplers: Samplers,
    pub(super) tiles: TileCache,
    pub(super) fogs: MaskCache<FogTexture>,
    pub(super) inks: MaskCache<InkTexture>,
    pub(super) clouds: Vec<(Rgb, CloudTexture)>,
    pub(super) pictures: MarkerPictures,
    pub(super) glyphs: GlyphAtlas,
    pub(super) marker_sets: MarkerSets,
    pub(super) hex_ring: wgpu::Buffer,
    /// A mask of one clear and one of one fogged pixel.
    pub(super) clear_mask: wgpu::TextureView,
    pub(super) fogged_mask: wgpu::TextureView,
    pub(super) views: HashMap<ViewId, View>,
}

/// One view's own things.
#[derive(Debug)]
pub(super) struct View {
    pub(super) size_px: [u32; 2],
    pub(super) texture: wgpu::Texture,
    pub(super) texture_view: wgpu::TextureView,
    pub(super) frame_uniform: wgpu::Buffer,
    pub(super) frame_group: wgpu::BindGroup,
    pub(super) fog_uniform: wgpu::Buffer,
    pub(super) clouds: CloudTarget,
    /// What the clouds hold, once the pending pass has drawn them.
    pub(super) clouds_hold: Option<CloudMoment>,
    pub(super) clouds_pending: AtomicBool,
    pub(super) grid_uniform: wgpu::Buffer,
    pub(super) edge_uniform: wgpu::Buffer,
    pub(super) marker_uniform: wgpu::Buffer,
    pub(super) label_uniform: wgpu::Buffer,
    pub(super) quads: GrowingBuffer,
    pub(super) hexes: GrowingBuffer,
    pub(super) lights: GrowingBuffer,
    pub(super) last_frame: u64,
    /// The map that was shown last.
    pub(super) map_revision: Option<Revision>,
    pub(super) recorded: Recorded,
}

/// What tells one moment of the clouds from another: colour, drifts, level.
pub(super) type CloudMoment = (Rgb, [u32; 4], u32);

/// What one frame draws, by phase.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    pub(super) clear: wgpu::Color,
    /// The picture's own alpha is in the target, not multiplied in.
    pub(super) straight_alpha: bool,
    pub(super) map: MapDraw,
    pub(super) mist: Option<(std::ops::Range<u32>, wgpu::BindGroup)>,
    pub(super) light_count: u32,
    pub(super) markers: Option<MarkersRecorded>,
    pub(super) fog: Option<FogDraw>,
    /// Draws the clouds' level of this number first.
    pub(super) cloud_pass: Option<(usize, wgpu::BindGroup)>,
    pub(super) grid: Option<GridDraw>,
    pub(super) edge: Option<(std::ops::Range<u32>, wgpu::BindGroup)>,
    pub(super) annotations: AnnotationsDraw,
    pub(super) surround: std::ops::Range<u32>,
}

#[derive(Debug)]
pub(super) struct MarkersRecorded {
    pub(super) revision: Revision,
    pub(super) is_player: bool,
    /// All tokens are so small that nobody could tell their pictures.
    pub(super) small: bool,
    pub(super) tokens: wgpu::BindGroup,
    pub(super) labels: Option<wgpu::BindGroup>,
}

impl Renderer {
    /// A renderer on a device.
    ///
    /// # Errors
    /// The device is lost, or refuses what every view needs.
    pub fn new(gpu: Gpu, options: RendererOptions) -> Result<Self, GpuError> {
        gpu.check()?;
        let device = gpu.device();
        let layouts = Layouts::new(device);
        let pipelines = gpu
            .tried(|| Pipelines::new(device, &layouts, &Shaders::embedded()))
            .map_err(GpuError::NoDevice)?
            .map_err(|error| GpuError::NoDevice(error.to_string()))?;
        let one_pixel = |value: u8| {
            let texture = sampled_texture(
                &gpu,
                "one pixel",
                [1, 1, 1],
                1,
                wgpu::TextureFormat::R8Unorm,
            );
            write_texture(&gpu, &texture, 0, [0; 3], [1, 1], 1, &[value]);
            whole_view(&texture)
        };
        Ok(Self {
            samplers: Samplers::new(device),
            tiles: TileCache::new(options.tile_budget_bytes),
            fogs: MaskCache::default(),
            inks: MaskCache::default(),
            clouds: Vec::new(),
            pictures: MarkerPictures::new(&gpu),
            glyphs: GlyphAtlas::new(&gpu),
            marker_sets: MarkerSets::default(),
            hex_ring: hex_ring_buffer(&gpu),
            clear_mask: one_pixel(0),
            fogged_mask: one_pixel(255),
            views: HashMap::new(),
            shader_watch: ShaderWatch::new(),
            layouts,
            pipelines,
            options,
            gpu,
        })
    }

    /// The device that it draws with.
    #[must_use]
    pub const fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// GPU memory of map tiles, in bytes.
    #[must_use]
    pub fn tile_memory_bytes(&self) -> usize {
        self.tiles.memory_bytes()
    }

    /// The texture that [`Renderer::draw`] draws a view into: `Rgba8Unorm`, encoded sRGB, alpha
    /// multiplied in, as large as the frame. `None` before the first frame.
    #[must_use]
    pub fn view_texture(&self, view: ViewId) -> Option<&wgpu::TextureView> {
        self.views.get(&view).map(|v| &v.texture_view)
    }

    /// The view's texture itself, for reading back.
    pub(super) fn view_target(&self, view: ViewId) -> Option<&wgpu::Texture> {
        self.views.get(&view).map(|v| &v.texture)
    }

    /// Whether the view's texture holds the map's own alpha, not multiplied in.
    pub(super) fn view_has_straight_alpha(&self, view: ViewId) -> bool {
        self.views
            .get(&view)
            .is_some_and(|v| v.recorded.straight_alpha)
    }

    /// Forgets a view and what only it needed.
    pub fn remove_view(&mut self, view: ViewId) {
        self.views.remove(&view);
        self.fogs.keep(view, &[]);
        self.inks.keep(view, &[]);
    }

    /// Uploads what changed, within the frame's budget, and records what the view shows.
    ///
    /// # Errors
    /// The device is lost, or the size is none that it can hold. The view's texture then keeps
    /// what it had.
    pub fn prepare(
        &mut self,
        view_id: ViewId,
        frame: &Frame<'_>,
        source: &dyn PictureSource,
    ) -> Result<FrameStatus, GpuError> {
        self.gpu.check()?;
        self.reload_shaders();
        let mut view = self.view_of_size(view_id, frame.size_px)?;
        let others = self
            .views
            .values()
            .map(|v| v.last_frame)
            .filter(|&f| f + FORGET_AFTER_FRAMES > view.last_frame)
            .min();
        view.last_frame = self.tiles.begin_frame(source, others);

        let mut status = FrameStatus::default();
        view.recorded = Recorded::default();
        let mut quads = QuadList::default();
        let mut uniform = FrameUniform {
            px_from_world_x: [0.0; 2],
            px_from_world_y: [0.0; 2],
            px_from_world_t: [0.0; 2],
            size_px: frame.size_px.map(|s| s as f32),
            fog_uv_from_px_x: [0.0; 2],
            fog_uv_from_px_y: [0.0; 2],
            fog_uv_from_px_t: [2.0; 2],
            px_per_world: frame.px_per_world() as f32,
            fog_mask_lod: 0.0,
        };
        [
            uniform.px_from_world_x,
            uniform.px_from_world_y,
            uniform.px_from_world_t,
        ] = affine_columns(&frame.px_from_world);
        match frame.scene.scene() {
            Some(scene) => {
                let mut recorder = Recorder {
                    budget_bytes: self.options.upload_budget_bytes,
                    renderer: self,
                    view_id,
                    view: &mut view,
                    frame,
                    scene,
                    source,
                    quads: &mut quads,
                    uniform: &mut uniform,
                    status: &mut status,
                };
                recorder.record();
            }
            None => view.recorded.clear = opaque(frame.surround),
        }
        let queue = self.gpu.queue();
        queue.write_buffer(&view.frame_uniform, 0, bytemuck::bytes_of(&uniform));
        view.quads
            .write(&self.gpu, bytemuck::cast_slice(&quads.quads));
        self.views.insert(view_id, view);
        self.gpu.check()?;
        Ok(status)
    }

    /// Draws what was prepared last into the view's texture.
    pub fn draw(&self, view: ViewId, encoder: &mut wgpu::CommandEncoder) {
        self.draw_timed(view, encoder, None);
    }

    /// As [`Renderer::draw`], writing the GPU's time at both ends of the pass.
    pub(super) fn draw_timed(
        &self,
        view: ViewId,
        encoder: &mut wgpu::CommandEncoder,
        timestamps: Option<wgpu::RenderPassTimestampWrites<'_>>,
    ) {
        let Some(view) = self.views.get(&view) else {
            return;
        };
        let recorded = &view.recorded;
        self.draw_clouds(view, encoder);
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("scene"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: &view.texture_view,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations {
                    load: wgpu::LoadOp::Clear(recorded.clear),
                    store: wgpu::StoreOp::Store,
                },
            })],
            depth_stencil_attachment: None,
            timestamp_writes: timestamps,
            occlusion_query_set: None,
            multiview_mask: None,
        });
        pass.set_bind_group(0, &view.frame_group, &[]);
        if let Some(quads) = view.quads.get() {
            pass.set_vertex_buffer(0, quads.slice(..));
        }
        for phase in Phase::ALL {
            self.draw_phase(phase, view, &mut pass);
        }
        if !recorded.surround.is_empty() {
            pass.set_pipeline(&self.pipelines.solid);
            pass.draw(0..4, recorded.surround.clone());
        }
    }

    /// The fog's clouds at this moment, when the view does not hold them already.
    fn draw_clouds(&self, view: &View, encoder: &mut wgpu::CommandEncoder) {
        let Some((level, group)) = &view.recorded.cloud_pass else {
            return;
        };
        let Some(target) = view.clouds.level(*level) else {
            return;
        };
        if !view.clouds_pending.swap(false, Ordering::AcqRel) {
            return;
        }
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("clouds"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: target,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations {
                    load: wgpu::LoadOp::Clear(wgpu::Color::BLACK),
                    store: wgpu::StoreOp::Store,
                },
            })],
            ..Default::default()
        });
        pass.set_pipeline(&self.pipelines.clouds);
        pass.set_bind_group(0, group, &[]);
        pass.draw(0..4, 0..1);
    }

    fn draw_phase(&self, phase: Phase, view: &View, pass: &mut wgpu::RenderPass<'_>) {
        let recorded = &view.recorded;
        match phase {
            // The background is the pass's clear colour.
            Phase::Background
            | Phase::Weather
            | Phase::EffectDrawings
            | Phase::Measurement
            | Phase::Cursors => {}
            Phase::Map => recorded.map.draw(pass, &self.pipelines, &self.tiles),
            Phase::Mist => {
                if let Some((range, group)) = &recorded.mist {
                    pass.set_pipeline(&self.pipelines.mist);
                    pass.set_bind_group(1, group, &[]);
                    pass.draw(0..4, range.clone());
                }
            }
            Phase::Lights => {
                if recorded.light_count > 0
                    && let Some(lights) = view.lights.get()
                {
                    pass.set_pipeline(&self.pipelines.lights);
                    pass.set_vertex_buffer(0, lights.slice(..));
                    pass.draw(0..4, 0..recorded.light_count);
                    restore_quads(view, pass);
                }
            }
            Phase::Markers => self.draw_markers(view, pass),
            Phase::FogOfWar => {
                if let Some(fog) = &recorded.fog {
                    fog.draw(pass, &self.pipelines);
                }
            }
            Phase::Grid => {
                if let Some(grid) = &recorded.grid {
                    let quads = view.quads.get();
                    grid.draw(pass, &self.pipelines, &view.hexes, &self.hex_ring, quads);
                }
            }
            Phase::Edge => {
                if let Some((range, group)) = &recorded.edge {
                    pass.set_pipeline(&self.pipelines.edge);
                    pass.set_bind_group(1, group, &[]);
                    pass.draw(0..4, range.clone());
                }
            }
            Phase::Annotations => recorded.annotations.draw(pass, &self.pipelines),
        }
    }

    fn draw_markers(&self, view: &View, pass: &mut wgpu::RenderPass<'_>) {
        let Some(recorded) = &view.recorded.markers else {
            return;
        };
        let Some(set) = self.marker_sets.find(recorded.revision, recorded.is_player) else {
            return;
        };
        let pipelines = &self.pipelines;
        let tokens = match (recorded.small, recorded.is_player) {
            (false, false) => &pipelines.markers,
            (false, true) => &pipelines.markers_clipped,
            (true, false) => &pipelines.small_markers,
            (true, true) => &pipelines.small_markers_clipped,
        };
        let labels = if recorded.is_player {
            &pipelines.labels_clipped
        } else {
            &pipelines.labels
        };
        if let Some(buffer) = set.tokens.get()
            && set.token_count > 0
        {
            pass.set_pipeline(tokens);
            pass.set_bind_group(1, &recorded.tokens, &[]);
            pass.set_vertex_buffer(0, buffer.slice(..));
            pass.draw(0..4, 0..set.token_count);
        }
        if let (Some(group), Some(buffer)) = (&recorded.labels, set.labels.get())
            && set.label_count > 0
        {
            pass.set_pipeline(labels);
            pass.set_bind_group(1, group, &[]);
            pass.set_vertex_buffer(0, buffer.slice(..));
            pass.draw(0..4, 0..set.label_count);
        }
        restore_quads(view, pass);
    }

    fn reload_shaders(&mut self) {
        let Some(shaders) = self.shader_watch.changed() else {
            return;
        };
        let made = self
            .gpu
            .tried(|| Pipelines::new(self.gpu.device(), &self.layouts, &shaders));
        match made {
            Ok(Ok(pipelines)) => self.pipelines = pipelines,
            Ok(Err(error)) => tracing::warn!(target: "render", "old shaders are kept: {error}"),
            Err(message) => tracing::warn!(target: "render", "old shaders are kept: {message}"),
        }
    }

    /// Takes the view out, or makes one; its texture has the wanted size.
    fn view_of_size(&mut self, id: ViewId, size_px: [u32; 2]) -> Result<View, GpuError> {
        let max = self.gpu.max_texture_side();
        if size_px.iter().any(|&s| s == 0 || s > max) {
            return Err(GpuError::TargetSize {
                width: size_px[0],
                height: size_px[1],
                max,
            });
        }
        let fits = self.views.get(&id).is_some_and(|v| v.size_px == size_px);
        if fits && let Some(view) = self.views.remove(&id) {
            return Ok(view);
        }
        // Made before the old view is taken out, which stays when this fails.
        let texture = self.target(size_px)?;
        if let Some(view) = self.views.remove(&id) {
            return Ok(View {
                texture_view: whole_view(&texture),
                texture,
                size_px,
                ..view
            });
        }
        let frame_uniform = uniform_buffer::<FrameUniform>(&self.gpu, "frame");
        Ok(View {
            size_px,
            texture_view: whole_view(&texture),
            texture,
            frame_group: bind_group(
                &self.gpu,
                &self.layouts.frame,
                &[frame_uniform.as_entire_binding()],
            ),
            frame_uniform,
            fog_uniform: uniform_buffer::<FogUniform>(&self.gpu, "fog"),
            clouds: CloudTarget::new(&self.gpu),
            clouds_hold: None,
            clouds_pending: AtomicBool::new(false),
            grid_uniform: uniform_buffer::<GridUniform>(&self.gpu, "grid"),
            edge_uniform: uniform_buffer::<edge::EdgeUniform>(&self.gpu, "edge"),
            marker_uniform: uniform_buffer::<MarkerUniform>(&self.gpu, "markers"),
            label_uniform: uniform_buffer::<LabelUniform>(&self.gpu, "labels"),
            quads: GrowingBuffer::instances("quads"),
            hexes: GrowingBuffer::instances("hexes"),
            lights: GrowingBuffer::instances("lights"),
            last_frame: 0,
            map_revision: None,
            recorded: Recorded::default(),
        })
    }

    fn target(&self, size_px: [u32; 2]) -> Result<wgpu::Texture, GpuError> {
        self.gpu
            .tried(|| {
                self.gpu.device().create_texture(&wgpu::TextureDescriptor {
                    label: Some("view"),
                    size: wgpu::Extent3d {
                        width: size_px[0],
                        height: size_px[1],
                        depth_or_array_layers: 1,
                    },
                    mip_level_count: 1,
                    sample_count: 1,
                    dimension: wgpu::TextureDimension::D2,
                    format: TARGET_FORMAT,
                    usage: wgpu::TextureUsages::RENDER_ATTACHMENT
                        | wgpu::TextureUsages::TEXTURE_BINDING
                        | wgpu::TextureUsages::COPY_SRC,
                    view_formats: &[],
                })
            })
            .map_err(GpuError::NoDevice)
    }

    /// Clouds of a colour, made or recoloured when there are none.
    pub(super) fn clouds(&mut self, color: Rgb) -> wgpu::TextureView {
        if let Some(index) = self.clouds.iter().position(|(c, _)| *c == color) {
            // The latest used is last.
            let entry = self.clouds.remove(index);
            self.clouds.push(entry);
        } else if self.clouds.len() < KEPT_CLOUDS {
            self.clouds
                .push((color, CloudTexture::new(&self.gpu, color)));
        } else {
            let (_, mut texture) = self.clouds.remove(0);
            texture.set_color(&self.gpu, color);
            self.clouds.push((color, texture));
        }
        self.clouds
            .last()
            .map_or_else(|| self.clear_mask.clone(), |(_, t)| t.view.clone())
    }

    #[cfg(test)]
    pub(super) fn refuse_fog(&mut self, refuse: bool) {
        self.fogs.refuse = refuse;
    }
}

/// Passes with instances of their own put theirs in the quads' place.
fn restore_quads(view: &View, pass: &mut wgpu::RenderPass<'_>) {
    if let Some(quads) = view.quads.get() {
        pass.set_vertex_buffer(0, quads.slice(..));
    }
}

pub(super) fn opaque(color: Rgb) -> wgpu::Color {
    let [r, g, b, a] = rgba(color, 1.0).map(f64::from);
    wgpu::Color { r, g, b, a }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renderer_can_be_shared_with_the_windows() {
        fn shared<T: Send + Sync>() {}
        shared::<Renderer>();
        shared::<crate::render::Blit>();
        shared::<crate::render::BlitSource>();
    }
}
