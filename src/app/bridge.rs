//! The small bridge between egui and the renderer.
//!
//! A window asks for a picture of a scene in a rectangle; a paint callback has the renderer prepare
//! it into a view of its own and blits that view into egui's pass. A picture that would come out as
//! the last one did is not drawn again. Must not know tools or panels.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use eframe::egui;
use eframe::egui_wgpu::{self, CallbackResources, CallbackTrait, ScreenDescriptor};
use egui::Ui;
use glam::{DAffine2, DVec2};
use parking_lot::Mutex;

use super::canvas::view::{View, size_of};
use crate::model::color::Rgb;
use crate::model::id::{PictureHash, SceneId};
use crate::render::{
    Blit, BlitSource, Frame, Gpu, GpuError, LayerSet, Phase, Renderer, RendererOptions, SceneInput,
    ViewId,
};
use crate::scene::picture::PictureSource;
use crate::scene::player::PlayerScene;
use crate::scene::snapshot::SceneSnapshot;
use crate::util::revision::Revision;

/// The editor's view.
const EDITOR: ViewId = ViewId(1);
/// The player display's view.
const PLAYER: ViewId = ViewId(2);
/// When a picture wants another frame: soon, but not in a tight loop.
const SOON: Duration = Duration::from_millis(8);

/// A handle of the renderer for windows; cheap to clone.
#[derive(Clone, Default)]
pub struct Bridge {
    inner: Option<Arc<Inner>>,
}

struct Inner {
    gpu: Gpu,
    blit: Blit,
    source: Arc<dyn PictureSource>,
    ctx: egui::Context,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// `None` while it could not be made; tried again with the next frame of another size or scene.
    renderer: Option<Renderer>,
    /// What each view shows, ready to be drawn.
    drawn: HashMap<ViewId, Drawn>,
    trouble: Option<GpuError>,
    told: bool,
    /// The scene that stands for a picture shown alone.
    alone: Option<(PictureHash, Arc<SceneSnapshot>)>,
}

struct Drawn {
    key: Key,
    source: BlitSource,
    origin_px: [f32; 2],
    /// Not finished: it is drawn again although its key is the same.
    unfinished: bool,
}

/// What decides how a picture comes out.
#[derive(Clone, PartialEq)]
struct Key {
    scene: SceneId,
    revision: Revision,
    px_from_world: DAffine2,
    size_px: [u32; 2],
    layers: LayerSet,
    time: Option<Duration>,
    arrivals: u64,
}

/// Whose picture.
#[derive(Clone)]
enum Shown {
    Dm(Arc<SceneSnapshot>),
    Player(Arc<PlayerScene>),
}

impl Shown {
    fn scene(&self) -> &SceneSnapshot {
        match self {
            Self::Dm(scene) => scene,
            Self::Player(scene) => scene.scene(),
        }
    }

    fn input(&self) -> SceneInput<'_> {
        match self {
            Self::Dm(scene) => SceneInput::Dm(scene),
            Self::Player(scene) => SceneInput::Player(scene),
        }
    }
}

/// A picture that a window asked for.
struct Ask {
    inner: Arc<Inner>,
    view: ViewId,
    viewport: egui::ViewportId,
    shown: Shown,
    px_from_world: DAffine2,
    origin_px: [f32; 2],
    size_px: [u32; 2],
    pixels_per_point: f32,
    layers: LayerSet,
    time: Option<Duration>,
    clip_to_display: bool,
    surround: Rgb,
}

impl Bridge {
    /// Without a graphics device: nothing is drawn.
    #[must_use]
    pub fn blank() -> Self {
        Self::default()
    }

    /// A bridge to a renderer on the windows' device.
    #[must_use]
    pub fn new(
        ctx: &egui::Context,
        render_state: &egui_wgpu::RenderState,
        source: Arc<dyn PictureSource>,
    ) -> Self {
        let gpu = Gpu::from_device(
            render_state.adapter.get_info(),
            render_state.device.clone(),
            render_state.queue.clone(),
        );
        Self {
            inner: Some(Arc::new(Inner {
                blit: Blit::new(&gpu, render_state.target_format),
                gpu,
                source,
                ctx: ctx.clone(),
                state: Mutex::default(),
            })),
        }
    }

    /// The device, for pictures that no window shows.
    #[must_use]
    pub fn gpu(&self) -> Option<(Gpu, Arc<dyn PictureSource>)> {
        self.inner
            .as_ref()
            .map(|inner| (inner.gpu.clone(), Arc::clone(&inner.source)))
    }

    /// Name and driver of the graphics adapter.
    #[must_use]
    pub fn adapter_name(&self) -> String {
        self.inner
            .as_ref()
            .map_or_else(|| "none".to_owned(), |inner| inner.gpu.adapter_name())
    }

    /// The device is gone: nothing can be drawn by this process any more.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.inner
            .as_ref()
            .is_some_and(|inner| inner.gpu.check().is_err())
    }

    /// What is wrong with the graphics, once.
    #[must_use]
    pub fn take_trouble(&self) -> Option<String> {
        let inner = self.inner.as_ref()?;
        let mut state = inner.state.lock();
        if state.told {
            return None;
        }
        let words = state.trouble.as_ref()?.to_string();
        state.told = true;
        Some(words)
    }

    /// Draws the editor's picture.
    pub fn paint_editor(&self, ui: &Ui, view: &View, scene: &Arc<SceneSnapshot>, layers: LayerSet) {
        let screen_from_world = view.camera.screen_from_world(view.size());
        self.add(
            ui,
            view.rect,
            EDITOR,
            Shown::Dm(Arc::clone(scene)),
            screen_from_world,
            layers,
            None,
            false,
        );
    }

    /// Draws the players' picture: the display rectangle, as large as it goes.
    pub fn paint_player(
        &self,
        ui: &Ui,
        rect: egui::Rect,
        scene: &Arc<PlayerScene>,
        time: Option<Duration>,
    ) {
        let world = super::canvas::view::display_rect(scene.scene());
        let camera = crate::geom::space::Camera::fit(world, size_of(rect), 0.0);
        self.add(
            ui,
            rect,
            PLAYER,
            Shown::Player(Arc::clone(scene)),
            camera.screen_from_world(size_of(rect)),
            LayerSet::all(),
            time,
            true,
        );
    }

    /// Draws a picture alone, contained. `false` when it is not on this machine.
    #[must_use]
    pub fn paint_picture(&self, ui: &Ui, rect: egui::Rect, picture: &PictureHash) -> bool {
        let Some(inner) = &self.inner else {
            return false;
        };
        let Some(scene) = inner.scene_of_picture(picture) else {
            return false;
        };
        let world = super::canvas::view::map_rect(&scene);
        let camera = crate::geom::space::Camera::fit(world, size_of(rect), 0.0);
        self.add(
            ui,
            rect,
            PLAYER,
            Shown::Dm(scene),
            camera.screen_from_world(size_of(rect)),
            LayerSet::none().with(Phase::Map),
            None,
            false,
        );
        true
    }

    #[expect(clippy::too_many_arguments, reason = "one picture's facts")]
    fn add(
        &self,
        ui: &Ui,
        rect: egui::Rect,
        view: ViewId,
        shown: Shown,
        screen_from_world: DAffine2,
        layers: LayerSet,
        time: Option<Duration>,
        clip_to_display: bool,
    ) {
        let Some(inner) = &self.inner else {
            return;
        };
        let scale = ui.ctx().pixels_per_point();
        let (origin_px, size_px) = pixels_of(rect, scale);
        if size_px.contains(&0) {
            return;
        }
        let corner = DVec2::new(f64::from(rect.min.x), f64::from(rect.min.y)) * f64::from(scale);
        let shift = corner - DVec2::from(origin_px.map(f64::from));
        let px_from_screen =
            DAffine2::from_scale_angle_translation(DVec2::splat(f64::from(scale)), 0.0, shift);
        let ask = Ask {
            inner: Arc::clone(inner),
            view,
            viewport: ui.ctx().viewport_id(),
            shown,
            px_from_world: px_from_screen * screen_from_world,
            origin_px,
            size_px,
            pixels_per_point: scale,
            layers,
            time,
            clip_to_display,
            surround: Rgb::new(0, 0, 0),
        };
        ui.painter_at(rect)
            .add(egui_wgpu::Callback::new_paint_callback(rect, ask));
    }
}

/// A rectangle of points in whole pixels: its corner and size.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pixels of a window, not negative after the clamp"
)]
fn pixels_of(rect: egui::Rect, scale: f32) -> ([f32; 2], [u32; 2]) {
    let min = (rect.min.to_vec2() * scale).round();
    let max = (rect.max.to_vec2() * scale).round();
    let size = (max - min).max(egui::Vec2::ZERO);
    ([min.x, min.y], [size.x as u32, size.y as u32])
}

impl Inner {
    /// A scene of nothing but a picture.
    fn scene_of_picture(&self, picture: &PictureHash) -> Option<Arc<SceneSnapshot>> {
        let mut state = self.state.lock();
        if let Some((known, scene)) = &state.alone
            && known == picture
        {
            return Some(Arc::clone(scene));
        }
        let size_px = self.source.layout(picture)?.size_px();
        let scene = Arc::new(SceneSnapshot::of_picture(picture, size_px));
        state.alone = Some((picture.clone(), Arc::clone(&scene)));
        Some(scene)
    }

    fn draw(&self, ask: &Ask, encoder: &mut wgpu::CommandEncoder) {
        let mut state = self.state.lock();
        let state = &mut *state;
        let key = ask.key(self.source.arrivals());
        if let Some(drawn) = state.drawn.get(&ask.view)
            && !drawn.unfinished
            && drawn.key == key
            && drawn.origin_px == ask.origin_px
        {
            return;
        }
        let renderer = match &mut state.renderer {
            Some(renderer) => renderer,
            empty => match Renderer::new(self.gpu.clone(), RendererOptions::default()) {
                Ok(renderer) => empty.insert(renderer),
                Err(error) => {
                    note(&mut state.trouble, error);
                    self.ctx.request_repaint_after(SOON);
                    return;
                }
            },
        };
        match renderer.prepare(ask.view, &ask.frame(), &*self.source) {
            Ok(status) => {
                renderer.draw(ask.view, encoder);
                if let Some(texture) = renderer.view_texture(ask.view) {
                    let source = self.blit.source(&self.gpu, texture, ask.origin_px);
                    state.drawn.insert(
                        ask.view,
                        Drawn {
                            key,
                            source,
                            origin_px: ask.origin_px,
                            unfinished: status.uploading,
                        },
                    );
                }
                if status.uploading {
                    self.ctx.request_repaint_after_for(SOON, ask.viewport);
                }
            }
            Err(error) => {
                // A new renderer is tried with the next frame; what was shown stays.
                if matches!(error, GpuError::Lost(_)) {
                    state.renderer = None;
                }
                note(&mut state.trouble, error);
                self.ctx.request_repaint_after(SOON);
            }
        }
    }
}

fn note(trouble: &mut Option<GpuError>, error: GpuError) {
    if trouble.is_none() {
        tracing::error!(target: "app", %error, "nothing can be drawn");
        *trouble = Some(error);
    }
}

impl Ask {
    fn key(&self, arrivals: u64) -> Key {
        let scene = self.shown.scene();
        Key {
            scene: scene.id.clone(),
            revision: scene.revision,
            px_from_world: self.px_from_world,
            size_px: self.size_px,
            layers: self.layers,
            time: self.time,
            arrivals,
        }
    }

    fn frame(&self) -> Frame<'_> {
        Frame {
            scene: self.shown.input(),
            px_from_world: self.px_from_world,
            size_px: self.size_px,
            pixels_per_point: self.pixels_per_point,
            layers: self.layers,
            time: self.time,
            clip_to_display: self.clip_to_display,
            surround: self.surround,
        }
    }
}

impl CallbackTrait for Ask {
    fn prepare(
        &self,
        _device: &wgpu::Device,
        _queue: &wgpu::Queue,
        _screen: &ScreenDescriptor,
        encoder: &mut wgpu::CommandEncoder,
        _resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        self.inner.draw(self, encoder);
        Vec::new()
    }

    fn paint(
        &self,
        info: egui::PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        _resources: &CallbackResources,
    ) {
        let state = self.inner.state.lock();
        let Some(drawn) = state.drawn.get(&self.view) else {
            return;
        };
        // egui cuts the viewport to the window; the blit places its picture by window pixels.
        #[expect(clippy::cast_precision_loss, reason = "pixels of a window")]
        let [width, height] = info.screen_size_px.map(|side| side as f32);
        pass.set_viewport(0.0, 0.0, width, height, 0.0, 1.0);
        self.inner.blit.draw(pass, &drawn.source);
    }
}
