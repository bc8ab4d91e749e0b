//! The renderer: snapshots in, pictures out.
//!
//! What you hand in is a [`Frame`]: a scene ([`SceneInput`]: the DM's, or a `PlayerScene` that
//! holds nothing hidden), a camera, a size and a set of layers. [`Renderer::prepare`] uploads what
//! changed and records the frame; [`Renderer::draw`] draws it into the view's own texture, which a
//! window shows with [`Blit`] and [`Headless`] reads back.
//!
//! Long-lived and shared by all views: device ([`Gpu`]), pipelines, map tiles, masks, token
//! pictures, glyphs. Per view: its texture, uniforms and instance buffers. Parts of a scene are
//! uploaded when their revision changed. Compositing happens in encoded sRGB space.
//!
//! One file for each primitive, one WGSL file for each pass in `shaders/`; [`phase`] is the draw
//! order. Must not know: egui, Y types, sockets, disk. Called by [`crate::app`] and [`crate::cli`].

mod annotations;
mod blit;
mod edge;
mod fog;
mod frame;
mod glyphs;
mod gpu;
mod gpu_data;
mod grid;
mod headless;
mod labels;
mod lights;
mod map;
mod marker_pictures;
mod markers;
mod mask_cache;
mod mask_texture;
mod mist;
mod noise;
pub mod phase;
mod pipelines;
mod quad;
mod record;
mod renderer;
mod resources;
mod shaders;
mod tiles;

pub use blit::{Blit, BlitSource};
pub use frame::{Frame, FrameStatus, SceneInput, ViewId, display_rect_world, fit_px_from_world};
pub use gpu::{AdapterChoice, Gpu, GpuError, device_descriptor};
pub use headless::{Headless, Picture, RenderReport, Timing, process_cpu_time};
pub use phase::{LayerSet, Phase, UnknownLayer};
pub use renderer::{Renderer, RendererOptions};
