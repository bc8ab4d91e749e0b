//! What a frame costs: a 4K map with grid and half fog, with markers, standing still and moving,
//! each beside one full-screen textured quad in the same run. Prints a Markdown table.
//!
//! `cargo bench --bench frames [-- WIDTHxHEIGHT… [layers] [quick]]`; `layers` adds what each layer
//! costs alone, `quick` takes one round; `TABLEGLOW_BENCH_HARDWARE=1` takes the best
//! adapter instead of software.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a program for developers"
)]

#[path = "../tests/render/support.rs"]
#[expect(dead_code, reason = "shared with the tests, which use all of it")]
mod support;

use std::time::{Duration, Instant};

use tableglow::model::{marker, scene};
use tableglow::render::{
    AdapterChoice, Frame, Gpu, Headless, LayerSet, SceneInput, process_cpu_time,
};
use tableglow::scene::picture::PictureInfo;
use tableglow::scene::snapshot::SceneSnapshot;

use support::{MemoryPictures, SceneBuilder, set};

const MARKER_COUNTS: [u32; 4] = [0, 100, 1000, 10_000];
/// Share of the view that all markers cover together.
const MARKER_COVER: f64 = 0.15;
const ROUNDS: usize = 5;
const FRAMES: u32 = 8;

fn main() {
    let with_layers = std::env::args().any(|a| a == "layers");
    let rounds_count = if std::env::args().any(|a| a == "quick") {
        1
    } else {
        ROUNDS
    };
    let sizes: Vec<[u32; 2]> = std::env::args()
        .skip(1)
        .filter_map(|a| {
            let (w, h) = a.split_once('x')?;
            Some([w.parse().ok()?, h.parse().ok()?])
        })
        .collect();
    let sizes = if sizes.is_empty() {
        vec![[1280, 720], [1920, 1080], [3840, 2160]]
    } else {
        sizes
    };
    let choice = match std::env::var_os("TABLEGLOW_BENCH_HARDWARE") {
        Some(_) => AdapterChoice::Best,
        None => AdapterChoice::Software,
    };
    let gpu = Gpu::headless(choice).expect("an adapter");
    println!("Adapter: {}\n", gpu.adapter_name());
    println!(
        "| view | markers | fog | ms | CPU ms | GPU ms | one quad, ms | one quad, CPU ms | ratio | CPU ratio | to no markers | CPU to no markers |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    let mut pictures = MemoryPictures::default();
    let map = pictures.add("map", 3840, 2160, |x, y| {
        let n = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)) >> 24;
        [(x / 16) as u8, (y / 9) as u8, n as u8, 255]
    });
    let faces: Vec<PictureInfo> = (0..200_u8)
        .map(|i| {
            pictures.add(&format!("face {i}"), 128, 128, move |x, y| {
                [i, (x * 2) as u8, (y * 2) as u8, 255]
            })
        })
        .collect();
    for size in sizes {
        let mut headless = Headless::on(gpu.clone()).expect("a renderer");
        let quad = Quad::new(&gpu, size);
        for moving in [false, true] {
            let mut none = (0.0, 0.0);
            for count in MARKER_COUNTS {
                let scene = scene(size, &map, &faces, count);
                let mut frame = Frame::of_display(SceneInput::Dm(&scene), size);
                frame.time = moving.then_some(Duration::from_secs(3));
                let mut rounds = Vec::new();
                for _ in 0..rounds_count {
                    let (quad_ms, quad_cpu_ms) = quad.time(&gpu);
                    let timing = headless
                        .time(&frame, &pictures, FRAMES, Duration::from_secs(60))
                        .expect("a timing");
                    rounds.push((
                        timing.median_ms,
                        timing.cpu_ms,
                        timing.gpu_ms,
                        quad_ms,
                        quad_cpu_ms,
                    ));
                }
                let ms = median(rounds.iter().map(|r| r.0));
                let quad_ms = median(rounds.iter().map(|r| r.3));
                let cpu_ms = median(rounds.iter().filter_map(|r| r.1));
                let quad_cpu_ms = median(rounds.iter().map(|r| r.4));
                if count == 0 {
                    none = (ms, cpu_ms);
                }
                let optional = |v: Vec<f64>| {
                    if v.is_empty() {
                        "–".to_owned()
                    } else {
                        format!("{:.2}", median(v.into_iter()))
                    }
                };
                println!(
                    "| {} × {} | {count} | {} | {ms:.2} | {cpu_ms:.2} | {} | {quad_ms:.2} | \
                     {quad_cpu_ms:.2} | {:.2} | {:.2} | {:.2} | {:.2} |",
                    size[0],
                    size[1],
                    if moving { "moving" } else { "still" },
                    optional(rounds.iter().filter_map(|r| r.2).collect()),
                    ms / quad_ms,
                    cpu_ms / quad_cpu_ms,
                    ms / none.0,
                    cpu_ms / none.1,
                );
                if with_layers && count == 10_000 {
                    print_layers(&mut headless, &frame, &pictures);
                }
            }
        }
    }
}

/// What each layer of a frame costs alone, and all of them.
fn print_layers(headless: &mut Headless, frame: &Frame<'_>, pictures: &MemoryPictures) {
    for names in [
        "",
        "background",
        "map",
        "fog-of-war",
        "grid",
        "markers",
        "background map fog-of-war grid markers",
    ] {
        let mut frame = frame.clone();
        frame.layers = LayerSet::parse(names).expect("layers");
        let timing = headless
            .time(&frame, pictures, FRAMES * 3, Duration::from_secs(60))
            .expect("a timing");
        println!(
            "<!-- {names:40} {:8.2} ms  CPU {:8.2} ms -->",
            timing.median_ms,
            timing.cpu_ms.unwrap_or(f64::NAN)
        );
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The scene of the table: the map fills the view, the right half is fogged.
fn scene(size: [u32; 2], map: &PictureInfo, faces: &[PictureInfo], count: u32) -> SceneSnapshot {
    let [width, height] = size.map(f64::from);
    let cell_px = width / 34.86;
    let mut builder = SceneBuilder::new(size, cell_px)
        .map(map, 0.0)
        .set(scene::GRID_OPACITY, 0.8)
        .fog([3840, 2160], |x, y| {
            // A winding edge down the middle.
            let edge = 1920.0 + 200.0 * (f64::from(y) / 170.0).sin();
            f64::from(x) > edge
        });
    let diameter = (width * height * MARKER_COVER / f64::from(count.max(1))).sqrt();
    let columns = (f64::from(count) * width / height).sqrt().ceil().max(1.0) as u32;
    let rows = count.div_ceil(columns).max(1);
    for i in 0..count {
        let x = (f64::from(i % columns) + 0.5) / f64::from(columns) * width - width * 0.5;
        let y = (f64::from(i / columns) + 0.5) / f64::from(rows) * height - height * 0.5;
        builder = builder.marker(x, y, |m| {
            let m = set(&m, marker::SHAPE, 1 + i64::from(i) % 4);
            let m = set(
                &m,
                marker::SHAPE_COLOR,
                format!("#{:06x}", i * 7919 % 0xff_ffff).as_str(),
            );
            set(&m, marker::LABEL, format!("A{}", i % 100).as_str())
        });
        if i % 2 == 0 {
            builder = builder.picture(&faces[i as usize / 2 % faces.len()]);
        }
    }
    for marker in &mut builder.markers {
        marker.diameter_world = diameter;
    }
    builder.build()
}

/// The yardstick: one textured quad over the whole view, filtered, not blended.
struct Quad {
    pipeline: wgpu::RenderPipeline,
    group: wgpu::BindGroup,
    target: wgpu::TextureView,
}

const QUAD: &str = "
@group(0) @binding(0) var picture: texture_2d<f32>;
@group(0) @binding(1) var filtered: sampler;
struct Vertex { @builtin(position) position: vec4<f32>, @location(0) uv: vec2<f32> }
@vertex fn vs(@builtin(vertex_index) i: u32) -> Vertex {
    let uv = vec2(f32(i & 1u), f32(i >> 1u));
    return Vertex(vec4(uv.x * 2.0 - 1.0, 1.0 - uv.y * 2.0, 0.0, 1.0), uv);
}
@fragment fn fs(in: Vertex) -> @location(0) vec4<f32> {
    return textureSampleLevel(picture, filtered, in.uv, 0.0);
}";

impl Quad {
    fn new(gpu: &Gpu, size: [u32; 2]) -> Self {
        let device = gpu.device();
        let texture = |size: [u32; 2], usage| {
            device.create_texture(&wgpu::TextureDescriptor {
                label: None,
                size: wgpu::Extent3d {
                    width: size[0],
                    height: size[1],
                    depth_or_array_layers: 1,
                },
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format: wgpu::TextureFormat::Rgba8Unorm,
                usage,
                view_formats: &[],
            })
        };
        let picture = texture(
            [3840, 2160],
            wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        );
        let bytes: Vec<u8> = (0..3840 * 2160 * 4_u32)
            .map(|i| ((i * 31) >> 8) as u8)
            .collect();
        gpu.queue().write_texture(
            picture.as_image_copy(),
            &bytes,
            wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(3840 * 4),
                rows_per_image: None,
            },
            picture.size(),
        );
        let target = texture(size, wgpu::TextureUsages::RENDER_ATTACHMENT);
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: None,
            source: wgpu::ShaderSource::Wgsl(QUAD.into()),
        });
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: None,
            layout: None,
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: None,
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                buffers: &[],
            },
            primitive: wgpu::PrimitiveState {
                topology: wgpu::PrimitiveTopology::TriangleStrip,
                ..Default::default()
            },
            depth_stencil: None,
            multisample: wgpu::MultisampleState::default(),
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: None,
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                targets: &[Some(wgpu::TextureFormat::Rgba8Unorm.into())],
            }),
            multiview_mask: None,
            cache: None,
        });
        let sampler = device.create_sampler(&wgpu::SamplerDescriptor {
            mag_filter: wgpu::FilterMode::Linear,
            min_filter: wgpu::FilterMode::Linear,
            ..Default::default()
        });
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &[
                wgpu::BindGroupEntry {
                    binding: 0,
                    resource: wgpu::BindingResource::TextureView(
                        &picture.create_view(&wgpu::TextureViewDescriptor::default()),
                    ),
                },
                wgpu::BindGroupEntry {
                    binding: 1,
                    resource: wgpu::BindingResource::Sampler(&sampler),
                },
            ],
        });
        Self {
            pipeline,
            group,
            target: target.create_view(&wgpu::TextureViewDescriptor::default()),
        }
    }

    /// Median milliseconds, submitted and waited for as frames are, and processor milliseconds.
    fn time(&self, gpu: &Gpu) -> (f64, f64) {
        let mut cpu_before = process_cpu_time();
        let mut times = Vec::new();
        for i in 0..=FRAMES {
            if i == 1 {
                cpu_before = process_cpu_time();
            }
            let start = Instant::now();
            let mut encoder = gpu
                .device()
                .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                label: None,
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: &self.target,
                    depth_slice: None,
                    resolve_target: None,
                    ops: wgpu::Operations {
                        load: wgpu::LoadOp::Clear(wgpu::Color::BLACK),
                        store: wgpu::StoreOp::Store,
                    },
                })],
                ..Default::default()
            });
            pass.set_pipeline(&self.pipeline);
            pass.set_bind_group(0, &self.group, &[]);
            pass.draw(0..4, 0..1);
            drop(pass);
            gpu.queue().submit([encoder.finish()]);
            gpu.device()
                .poll(wgpu::PollType::wait_indefinitely())
                .expect("the device answers");
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        let cpu_ms = cpu_before
            .zip(process_cpu_time())
            .map_or(f64::NAN, |(a, b)| {
                b.saturating_sub(a).as_secs_f64() * 1e3 / f64::from(FRAMES)
            });
        (median(times.into_iter().skip(1)), cpu_ms)
    }
}
