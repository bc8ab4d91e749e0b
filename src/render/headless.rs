//! [`Headless`]: pictures without a window, and what they cost.

use std::time::{Duration, Instant};

use crate::geom::DVec2;
use crate::geom::rect::DRect;
use crate::scene::picture::PictureSource;
use crate::scene::player::PlayerFrame;
use crate::scene::snapshot::SceneSnapshot;

use super::frame::{Frame, FrameStatus, SceneInput, ViewId};
use super::gpu::{AdapterChoice, Gpu, GpuError};
use super::phase::{LayerSet, Phase};
use super::renderer::{Renderer, RendererOptions};

/// A renderer that waits for pixels instead of showing what is there.
#[derive(Debug)]
pub struct Headless {
    renderer: Renderer,
}

/// A finished picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// sRGB with straight alpha, rows top to bottom, 4 bytes a pixel.
    pub rgba: Vec<u8>,
}

impl Picture {
    /// Writes it as a PNG file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_png(&self, to: impl std::io::Write) -> Result<(), png::EncodingError> {
        let mut encoder = png::Encoder::new(to, self.width, self.height);
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.rgba)?;
        writer.finish()
    }
}

/// What a picture lacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RenderReport {
    /// Tiles and token pictures that cannot be had: coarser tiles or plain tokens stand in.
    pub missing: u32,
    /// Pixels did not come in time.
    pub timed_out: bool,
    /// Fog could not be drawn; the players' view is black there.
    pub fog_failed: bool,
}

/// What frames cost. All times in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Timing {
    /// The adapter.
    pub adapter: String,
    /// Frames that were timed.
    pub frames: u32,
    /// Fastest frame, from preparing it until the GPU is done.
    pub min_ms: f64,
    /// Median of the same.
    pub median_ms: f64,
    /// Slowest frame.
    pub max_ms: f64,
    /// Processor time of this process for each frame, all threads; `None` where the system does
    /// not tell. On a software adapter it includes the rasteriser.
    pub cpu_ms: Option<f64>,
    /// The GPU's own time, median; `None` where it does not tell.
    pub gpu_ms: Option<f64>,
}

/// The view that headless pictures are drawn in.
const VIEW: ViewId = ViewId(u64::MAX);
/// How long one wait for pixels lasts before the deadline is looked at again.
const WAIT_STEP: Duration = Duration::from_millis(250);

impl Headless {
    /// Finds an adapter.
    ///
    /// # Errors
    /// There is none.
    pub fn new(choice: AdapterChoice) -> Result<Self, GpuError> {
        Self::on(Gpu::headless(choice)?)
    }

    /// On a device that is there already.
    ///
    /// # Errors
    /// The device is lost.
    pub fn on(gpu: Gpu) -> Result<Self, GpuError> {
        let options = RendererOptions {
            // A picture needs all its tiles at once, and nobody watches it being made.
            tile_budget_bytes: 512 << 20,
            upload_budget_bytes: usize::MAX,
            prefetch: false,
        };
        Ok(Self {
            renderer: Renderer::new(gpu, options)?,
        })
    }

    /// The renderer inside.
    #[must_use]
    pub const fn renderer(&self) -> &Renderer {
        &self.renderer
    }

    #[cfg(test)]
    pub(super) fn renderer_mut(&mut self) -> &mut Renderer {
        &mut self.renderer
    }

    /// Draws a frame, waiting until all its pixels are there or `at_most` has passed.
    ///
    /// # Errors
    /// The device is lost or the size is none that it can hold.
    pub fn render(
        &mut self,
        frame: &Frame<'_>,
        source: &dyn PictureSource,
        at_most: Duration,
    ) -> Result<(Picture, RenderReport), GpuError> {
        let report = self.settle(frame, source, at_most)?;
        let mut encoder = self.encoder();
        self.renderer.draw(VIEW, &mut encoder);
        let picture = self.read_back(encoder, frame.size_px)?;
        Ok((picture, report))
    }

    /// Draws what a table shows: the scene's display, the pause picture, or black while nothing is on
    /// it. Waits as [`Headless::render`] does.
    ///
    /// # Errors
    /// As [`Headless::render`].
    pub fn render_table(
        &mut self,
        shown: &PlayerFrame,
        size_px: [u32; 2],
        source: &dyn PictureSource,
        at_most: Duration,
    ) -> Result<(Picture, RenderReport), GpuError> {
        let picture = match shown {
            PlayerFrame::Scene(scene) => {
                let frame = Frame::of_display(SceneInput::Player(scene), size_px);
                return self.render(&frame, source, at_most);
            }
            PlayerFrame::Paused { picture } => picture.as_ref(),
            PlayerFrame::Waiting => None,
        };
        let alone = picture.and_then(|picture| {
            let size_px = source.layout(picture)?.size_px();
            Some(SceneSnapshot::of_picture(picture, size_px))
        });
        let frame = match &alone {
            Some(scene) => {
                let map_px = scene
                    .map
                    .as_ref()
                    .map_or([1, 1], |map| map.placement.size_px);
                let rect = DRect::from_center_size(DVec2::ZERO, DVec2::from(map_px.map(f64::from)));
                Frame {
                    layers: LayerSet::none().with(Phase::Map),
                    ..Frame::of_rect(SceneInput::Dm(scene), rect, size_px)
                }
            }
            None => Frame::of_display(SceneInput::Blank, size_px),
        };
        self.render(&frame, source, at_most)
    }

    /// Times a frame: prepared, drawn and waited for, `repeat` times, after one that is not
    /// counted. The time goes on by 1/60 s a frame when the frame has one.
    ///
    /// # Errors
    /// As [`Headless::render`].
    pub fn time(
        &mut self,
        frame: &Frame<'_>,
        source: &dyn PictureSource,
        repeat: u32,
        at_most: Duration,
    ) -> Result<Timing, GpuError> {
        self.settle(frame, source, at_most)?;
        let gpu = self.renderer.gpu().clone();
        let queries = Queries::new(&gpu);
        let mut frame = frame.clone();
        let mut wall_ms = Vec::new();
        let mut gpu_ms = Vec::new();
        let mut cpu_before = None;
        for i in 0..=repeat.max(1) {
            if i == 1 {
                cpu_before = process_cpu_time();
            }
            frame.time = frame.time.map(|t| t + Duration::from_micros(16_667));
            let start = Instant::now();
            self.renderer.prepare(VIEW, &frame, source)?;
            let mut encoder = self.encoder();
            self.renderer
                .draw_timed(VIEW, &mut encoder, queries.as_ref().map(Queries::writes));
            if let Some(queries) = &queries {
                queries.resolve(&mut encoder);
            }
            gpu.queue().submit([encoder.finish()]);
            wait(&gpu)?;
            if i > 0 {
                wall_ms.push(start.elapsed().as_secs_f64() * 1e3);
                gpu_ms.extend(queries.as_ref().and_then(|q| q.read_ms(&gpu)));
            }
        }
        let frames = wall_ms.len() as u32;
        let cpu_ms = cpu_before.zip(process_cpu_time()).map(|(before, after)| {
            after.saturating_sub(before).as_secs_f64() * 1e3 / f64::from(frames.max(1))
        });
        wall_ms.sort_by(f64::total_cmp);
        gpu_ms.sort_by(f64::total_cmp);
        let median = |sorted: &[f64]| sorted.get(sorted.len() / 2).copied();
        Ok(Timing {
            adapter: gpu.adapter_name(),
            frames,
            min_ms: wall_ms.first().copied().unwrap_or(0.0),
            median_ms: median(&wall_ms).unwrap_or(0.0),
            max_ms: wall_ms.last().copied().unwrap_or(0.0),
            cpu_ms,
            gpu_ms: median(&gpu_ms),
        })
    }

    /// Prepares until nothing is on its way any more.
    fn settle(
        &mut self,
        frame: &Frame<'_>,
        source: &dyn PictureSource,
        at_most: Duration,
    ) -> Result<RenderReport, GpuError> {
        let deadline = Instant::now() + at_most;
        loop {
            let seen = source.arrivals();
            let status: FrameStatus = self.renderer.prepare(VIEW, frame, source)?;
            let left = deadline.saturating_duration_since(Instant::now());
            let waiting = status.loading || status.uploading;
            if !waiting || left.is_zero() {
                return Ok(RenderReport {
                    missing: status.missing,
                    timed_out: waiting,
                    fog_failed: status.fog_failed,
                });
            }
            if status.loading {
                source.wait_for_arrival(seen, left.min(WAIT_STEP));
            }
        }
    }

    fn encoder(&self) -> wgpu::CommandEncoder {
        self.renderer
            .gpu()
            .device()
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default())
    }

    fn read_back(
        &self,
        mut encoder: wgpu::CommandEncoder,
        [width, height]: [u32; 2],
    ) -> Result<Picture, GpuError> {
        let gpu = self.renderer.gpu();
        let Some(texture) = self.renderer.view_target(VIEW) else {
            return Err(GpuError::Lost("there is no picture".to_owned()));
        };
        let row_bytes = (width * 4).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
        let buffer = gpu.device().create_buffer(&wgpu::BufferDescriptor {
            label: Some("read back"),
            size: u64::from(row_bytes) * u64::from(height),
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        encoder.copy_texture_to_buffer(
            texture.as_image_copy(),
            wgpu::TexelCopyBufferInfo {
                buffer: &buffer,
                layout: wgpu::TexelCopyBufferLayout {
                    offset: 0,
                    bytes_per_row: Some(row_bytes),
                    rows_per_image: Some(height),
                },
            },
            wgpu::Extent3d {
                width,
                height,
                depth_or_array_layers: 1,
            },
        );
        gpu.queue().submit([encoder.finish()]);
        let bytes = read_buffer(gpu, &buffer)?;
        let mut rgba = Vec::with_capacity(width as usize * height as usize * 4);
        for row in bytes.chunks_exact(row_bytes as usize) {
            rgba.extend_from_slice(&row[..width as usize * 4]);
        }
        if !self.renderer.view_has_straight_alpha(VIEW) {
            unmultiply(&mut rgba);
        }
        Ok(Picture {
            width,
            height,
            rgba,
        })
    }
}

/// Waits until the GPU has done all that was submitted.
fn wait(gpu: &Gpu) -> Result<(), GpuError> {
    gpu.device()
        .poll(wgpu::PollType::wait_indefinitely())
        .map_err(|error| GpuError::Lost(error.to_string()))?;
    gpu.check()
}

fn read_buffer(gpu: &Gpu, buffer: &wgpu::Buffer) -> Result<Vec<u8>, GpuError> {
    let (sender, receiver) = crossbeam_channel::bounded(1);
    buffer
        .slice(..)
        .map_async(wgpu::MapMode::Read, move |result| {
            // The receiver waits below; when it is gone nobody needs the answer.
            drop(sender.send(result));
        });
    wait(gpu)?;
    let lost = |error: String| GpuError::Lost(error);
    receiver
        .recv()
        .map_err(|e| lost(e.to_string()))?
        .map_err(|e| lost(e.to_string()))?;
    let bytes = buffer
        .slice(..)
        .get_mapped_range()
        .map_err(|e| lost(e.to_string()))?
        .to_vec();
    buffer.unmap();
    Ok(bytes)
}

/// Divides colours by their alpha, where it is not whole.
fn unmultiply(rgba: &mut [u8]) {
    for pixel in rgba.chunks_exact_mut(4) {
        let alpha = u32::from(pixel[3]);
        if alpha != 0 && alpha != 255 {
            for channel in &mut pixel[..3] {
                *channel = ((u32::from(*channel) * 255 + alpha / 2) / alpha).min(255) as u8;
            }
        }
    }
}

/// Two timestamps around a pass.
struct Queries {
    set: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    readable: wgpu::Buffer,
}

impl Queries {
    fn new(gpu: &Gpu) -> Option<Self> {
        if !gpu.has_timestamps() {
            return None;
        }
        let buffer = |usage| {
            gpu.device().create_buffer(&wgpu::BufferDescriptor {
                label: Some("timestamps"),
                size: 256,
                usage,
                mapped_at_creation: false,
            })
        };
        Some(Self {
            set: gpu.device().create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("timestamps"),
                ty: wgpu::QueryType::Timestamp,
                count: 2,
            }),
            resolved: buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC),
            readable: buffer(wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ),
        })
    }

    fn writes(&self) -> wgpu::RenderPassTimestampWrites<'_> {
        wgpu::RenderPassTimestampWrites {
            query_set: &self.set,
            beginning_of_pass_write_index: Some(0),
            end_of_pass_write_index: Some(1),
        }
    }

    fn resolve(&self, encoder: &mut wgpu::CommandEncoder) {
        encoder.resolve_query_set(&self.set, 0..2, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.readable, 0, 16);
    }

    fn read_ms(&self, gpu: &Gpu) -> Option<f64> {
        let bytes = read_buffer(gpu, &self.readable).ok()?;
        let tick = |i: usize| {
            let eight = bytes.get(i * 8..i * 8 + 8)?;
            Some(u64::from_le_bytes(eight.try_into().ok()?))
        };
        let ticks = tick(1)?.saturating_sub(tick(0)?);
        Some(ticks as f64 * f64::from(gpu.queue().get_timestamp_period()) / 1e6)
    }
}

/// Processor time of this process: what its living threads have used. `None` where the system does
/// not tell.
#[must_use]
pub fn process_cpu_time() -> Option<Duration> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    // Nanoseconds; the clock ticks in `stat` are too coarse for a few frames.
    let threads = std::fs::read_dir("/proc/self/task").ok()?;
    let nanos = threads
        .flatten()
        .filter_map(|thread| {
            let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
            text.split_ascii_whitespace().next()?.parse::<u64>().ok()
        })
        .sum();
    Some(Duration::from_nanos(nanos))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::Arc;

    use glam::DVec2;

    use super::*;
    use crate::geom::grid::{Grid, GridParams};
    use crate::geom::mask::Mask;
    use crate::geom::space::MapPlacement;
    use crate::model::id::{PictureHash, SceneId};
    use crate::model::row::Row;
    use crate::render::SceneInput;
    use crate::scene::picture::{NoPictures, PictureInfo};
    use crate::scene::player::PlayerScene;
    use crate::scene::snapshot::{Fog, MapLayer, SceneSnapshot, Structures};
    use crate::util::revision::{Part, Revision};

    fn revealed_scene() -> SceneSnapshot {
        let placement = MapPlacement {
            size_px: [200, 100],
            rotation_deg: 0.0,
            offset_world: DVec2::ZERO,
            zoom: 2.0,
        };
        SceneSnapshot {
            id: SceneId::new("scene"),
            revision: Revision::next(),
            settings: Part::new(Row::defaults(&crate::model::scene::TABLE)),
            map: Part::new(Some(MapLayer {
                picture: Some(PictureInfo {
                    hash: PictureHash::new("none"),
                    width: 200,
                    height: 100,
                }),
                placement,
            })),
            grid: Part::new(Arc::new(Grid::new(&GridParams::default()))),
            markers: Part::new(Arc::new([])),
            lights: Part::new(Arc::new([])),
            annotations: Part::new(Arc::new([])),
            fog: Part::new(Fog::Mask(Arc::new(Mask::new(20, 10).unwrap()))),
            structures: Part::new(Arc::new(Structures::default())),
        }
    }

    #[test]
    fn fog_that_cannot_be_drawn_is_black_for_players() {
        let mut headless = Headless::new(AdapterChoice::Software).unwrap();
        headless.renderer_mut().refuse_fog(true);
        let scene = revealed_scene();
        let player = PlayerScene::of(&scene);
        let mut frame = Frame::of_display(SceneInput::Player(&player), [192, 108]);
        frame.layers = frame.layers.without(crate::render::Phase::Grid);
        let (picture, report) = headless
            .render(&frame, &NoPictures, Duration::from_secs(1))
            .unwrap();
        assert!(report.fog_failed);
        assert_eq!(report.missing, 1);
        let at = |x: usize, y: usize| &picture.rgba[(y * 192 + x) * 4..][..3];
        // The map covers 400 by 200 of 1920 by 1080 world units around the middle.
        assert_eq!(at(96, 54), [0, 0, 0]);
        assert_eq!(at(78, 46), [0, 0, 0]);
        assert_eq!(at(10, 10), [0x0b, 0x0b, 0x0c]);
    }

    #[test]
    fn frames_are_timed() {
        let mut headless = Headless::new(AdapterChoice::Software).unwrap();
        let scene = revealed_scene();
        let frame = Frame::of_display(SceneInput::Dm(&scene), [64, 36]);
        let timing = headless
            .time(&frame, &NoPictures, 3, Duration::from_secs(1))
            .unwrap();
        assert_eq!(timing.frames, 3);
        assert!(timing.min_ms > 0.0 && timing.min_ms <= timing.median_ms);
        assert!(timing.median_ms <= timing.max_ms);
        let too_large = Frame::of_display(SceneInput::Dm(&scene), [100_000, 1]);
        let error = headless
            .time(&too_large, &NoPictures, 1, Duration::from_secs(1))
            .unwrap_err();
        assert!(error.to_string().contains("100000"), "{error}");
    }
}
