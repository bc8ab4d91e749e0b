//! All pipelines and bind group layouts. Rebuilt as a whole when shaders change on disk.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::gpu_data::GpuData;
use super::labels::LabelInstance;
use super::lights::LightInstance;
use super::markers::MarkerInstance;
use super::quad::QuadInstance;
use super::shaders::{ShaderError, Shaders};

/// Views are drawn in encoded sRGB space.
pub(super) const TARGET_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;

/// Source colours have their alpha multiplied in.
const OVER: wgpu::BlendState = wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING;

/// One minus the product of what is missing; the target's alpha stays.
const SCREEN: wgpu::BlendState = wgpu::BlendState {
    color: wgpu::BlendComponent {
        src_factor: wgpu::BlendFactor::One,
        dst_factor: wgpu::BlendFactor::OneMinusSrc,
        operation: wgpu::BlendOperation::Add,
    },
    alpha: wgpu::BlendComponent {
        src_factor: wgpu::BlendFactor::Zero,
        dst_factor: wgpu::BlendFactor::One,
        operation: wgpu::BlendOperation::Add,
    },
};

/// Bind group layouts: group 0 is the frame's, group 1 the pass's.
#[derive(Debug)]
pub(super) struct Layouts {
    /// The view's uniforms.
    pub(super) frame: wgpu::BindGroupLayout,
    /// A texture and its sampler.
    pub(super) textured: wgpu::BindGroupLayout,
    /// Uniforms.
    pub(super) params: wgpu::BindGroupLayout,
    /// Uniforms, a texture and its sampler.
    pub(super) params_textured: wgpu::BindGroupLayout,
    /// Uniforms, clouds and their sampler, mask, depth and their sampler.
    pub(super) fog: wgpu::BindGroupLayout,
    /// Uniforms, an array of pictures and its sampler, the fog mask and its sampler.
    pub(super) sprites: wgpu::BindGroupLayout,
}

impl Layouts {
    pub(super) fn new(device: &wgpu::Device) -> Self {
        use wgpu::TextureViewDimension::{D2, D2Array};
        let layout = |label: &'static str, entries: &[wgpu::BindingType]| {
            let entries: Vec<_> = (0..)
                .zip(entries)
                .map(|(binding, ty)| wgpu::BindGroupLayoutEntry {
                    binding,
                    visibility: wgpu::ShaderStages::VERTEX_FRAGMENT,
                    ty: *ty,
                    count: None,
                })
                .collect();
            device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                label: Some(label),
                entries: &entries,
            })
        };
        let uniform = wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Uniform,
            has_dynamic_offset: false,
            min_binding_size: None,
        };
        let texture = |view_dimension| wgpu::BindingType::Texture {
            sample_type: wgpu::TextureSampleType::Float { filterable: true },
            view_dimension,
            multisampled: false,
        };
        let sampler = wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering);
        Self {
            frame: layout("frame", &[uniform]),
            textured: layout("textured", &[texture(D2), sampler]),
            params: layout("params", &[uniform]),
            params_textured: layout("params textured", &[uniform, texture(D2), sampler]),
            fog: layout(
                "fog",
                &[
                    uniform,
                    texture(D2),
                    sampler,
                    texture(D2),
                    texture(D2),
                    sampler,
                ],
            ),
            sprites: layout(
                "sprites",
                &[uniform, texture(D2Array), sampler, texture(D2), sampler],
            ),
        }
    }
}

/// One pipeline for each way of drawing.
#[derive(Debug)]
pub(super) struct Pipelines {
    pub(super) solid: wgpu::RenderPipeline,
    pub(super) clouds: wgpu::RenderPipeline,
    pub(super) map_as_is: wgpu::RenderPipeline,
    pub(super) map_blended: wgpu::RenderPipeline,
    pub(super) mist: wgpu::RenderPipeline,
    pub(super) lights: wgpu::RenderPipeline,
    pub(super) markers: wgpu::RenderPipeline,
    pub(super) markers_clipped: wgpu::RenderPipeline,
    pub(super) small_markers: wgpu::RenderPipeline,
    pub(super) small_markers_clipped: wgpu::RenderPipeline,
    pub(super) labels: wgpu::RenderPipeline,
    pub(super) labels_clipped: wgpu::RenderPipeline,
    pub(super) fog_full: wgpu::RenderPipeline,
    pub(super) fog_full_opaque: wgpu::RenderPipeline,
    pub(super) fog_edge: wgpu::RenderPipeline,
    pub(super) grid_square: wgpu::RenderPipeline,
    pub(super) grid_hex: wgpu::RenderPipeline,
    pub(super) edge: wgpu::RenderPipeline,
    pub(super) annotation: wgpu::RenderPipeline,
}

/// What one pipeline is made of.
struct Recipe<'a> {
    file: &'static str,
    vertex: &'static str,
    fragment: &'static str,
    instances: Option<wgpu::VertexBufferLayout<'static>>,
    group: Option<&'a wgpu::BindGroupLayout>,
    blend: Option<wgpu::BlendState>,
    topology: wgpu::PrimitiveTopology,
}

impl<'a> Recipe<'a> {
    fn quads(
        file: &'static str,
        fragment: &'static str,
        group: Option<&'a wgpu::BindGroupLayout>,
    ) -> Self {
        Self {
            file,
            vertex: "vs_quad",
            fragment,
            instances: Some(QuadInstance::instance_layout()),
            group,
            blend: Some(OVER),
            topology: wgpu::PrimitiveTopology::TriangleStrip,
        }
    }

    fn without_blending(self) -> Self {
        Self {
            blend: None,
            ..self
        }
    }
}

impl Pipelines {
    pub(super) fn new(
        device: &wgpu::Device,
        layouts: &Layouts,
        shaders: &Shaders,
    ) -> Result<Self, ShaderError> {
        // Most files serve several pipelines.
        let modules: RefCell<HashMap<&'static str, wgpu::ShaderModule>> = RefCell::default();
        let make = |recipe: Recipe<'_>| -> Result<wgpu::RenderPipeline, ShaderError> {
            let module = match modules.borrow_mut().entry(recipe.file) {
                Entry::Occupied(known) => known.get().clone(),
                Entry::Vacant(place) => place.insert(shaders.module(device, recipe.file)?).clone(),
            };
            let both = [Some(&layouts.frame), recipe.group];
            let own = [recipe.group];
            let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some(recipe.fragment),
                bind_group_layouts: match recipe.instances {
                    Some(_) => &both,
                    // Without instances it is no pass of a view.
                    None => &own,
                },
                immediate_size: 0,
            });
            Ok(
                device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
                    label: Some(recipe.fragment),
                    layout: Some(&layout),
                    vertex: wgpu::VertexState {
                        module: &module,
                        entry_point: Some(recipe.vertex),
                        compilation_options: wgpu::PipelineCompilationOptions::default(),
                        buffers: &[recipe.instances],
                    },
                    primitive: wgpu::PrimitiveState {
                        topology: recipe.topology,
                        ..Default::default()
                    },
                    depth_stencil: None,
                    multisample: wgpu::MultisampleState::default(),
                    fragment: Some(wgpu::FragmentState {
                        module: &module,
                        entry_point: Some(recipe.fragment),
                        compilation_options: wgpu::PipelineCompilationOptions::default(),
                        targets: &[Some(wgpu::ColorTargetState {
                            format: TARGET_FORMAT,
                            blend: recipe.blend,
                            write_mask: wgpu::ColorWrites::ALL,
                        })],
                    }),
                    multiview_mask: None,
                    cache: None,
                }),
            )
        };
        let sprites = |file, vertex, fragment, instances| Recipe {
            file,
            vertex,
            fragment,
            instances: Some(instances),
            group: Some(&layouts.sprites),
            blend: Some(OVER),
            topology: wgpu::PrimitiveTopology::TriangleStrip,
        };
        let small = |fragment| {
            sprites(
                "markers.wgsl",
                "vs_small_marker",
                fragment,
                MarkerInstance::instance_layout(),
            )
        };
        let marker = |fragment| {
            sprites(
                "markers.wgsl",
                "vs_marker",
                fragment,
                MarkerInstance::instance_layout(),
            )
        };
        let label = |fragment| {
            sprites(
                "labels.wgsl",
                "vs_label",
                fragment,
                LabelInstance::instance_layout(),
            )
        };
        let fog = |fragment| Recipe::quads("fog.wgsl", fragment, Some(&layouts.fog));
        let map = |fragment| Recipe::quads("map.wgsl", fragment, Some(&layouts.textured));
        Ok(Self {
            clouds: make(Recipe {
                vertex: "vs_clouds",
                instances: None,
                blend: None,
                ..Recipe::quads("clouds.wgsl", "fs_clouds", Some(&layouts.params_textured))
            })?,
            solid: make(Recipe::quads("solid.wgsl", "fs_solid", None))?,
            map_as_is: make(map("fs_map_as_is").without_blending())?,
            map_blended: make(map("fs_map_blended"))?,
            mist: make(Recipe::quads(
                "mist.wgsl",
                "fs_mist",
                Some(&layouts.textured),
            ))?,
            lights: make(Recipe {
                file: "lights.wgsl",
                vertex: "vs_light",
                fragment: "fs_light",
                instances: Some(LightInstance::instance_layout()),
                group: None,
                blend: Some(SCREEN),
                topology: wgpu::PrimitiveTopology::TriangleStrip,
            })?,
            markers: make(marker("fs_marker"))?,
            markers_clipped: make(marker("fs_marker_clipped"))?,
            small_markers: make(small("fs_small_marker"))?,
            small_markers_clipped: make(small("fs_small_marker_clipped"))?,
            labels: make(label("fs_label"))?,
            labels_clipped: make(label("fs_label_clipped"))?,
            fog_full: make(fog("fs_fog_full"))?,
            fog_full_opaque: make(fog("fs_fog_full").without_blending())?,
            fog_edge: make(fog("fs_fog_edge"))?,
            grid_square: make(Recipe::quads(
                "grid.wgsl",
                "fs_grid_square",
                Some(&layouts.params),
            ))?,
            grid_hex: make(Recipe {
                vertex: "vs_grid_hex",
                instances: Some(super::grid::HexCell::instance_layout()),
                topology: wgpu::PrimitiveTopology::TriangleList,
                ..Recipe::quads("grid.wgsl", "fs_grid_hex", Some(&layouts.params))
            })?,
            edge: make(Recipe::quads(
                "edge.wgsl",
                "fs_edge",
                Some(&layouts.params_textured),
            ))?,
            annotation: make(Recipe::quads(
                "annotation.wgsl",
                "fs_annotation",
                Some(&layouts.textured),
            ))?,
        })
    }
}
