//! [`Blit`]: a view's picture into a window's render pass, texel by texel.

use super::gpu::Gpu;
use super::gpu_data::gpu_struct;
use super::shaders::Shaders;

gpu_struct! {
    /// Where the picture goes.
    BlitUniform {
        origin_px: [f32; 2],
        decode: f32,
        padding: f32,
    }
}

/// Draws a view's texture into passes of one target format. One for each format; it may draw any
/// number of views into one submission.
#[derive(Debug)]
pub struct Blit {
    pipeline: wgpu::RenderPipeline,
    layout: wgpu::BindGroupLayout,
    decode: bool,
}

/// A picture with its place, ready to be drawn.
#[derive(Debug)]
pub struct BlitSource {
    bind_group: wgpu::BindGroup,
}

impl Blit {
    /// For render passes with one colour target of this format, without depth and multisampling.
    #[must_use]
    pub fn new(gpu: &Gpu, format: wgpu::TextureFormat) -> Self {
        let device = gpu.device();
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("blit"),
            entries: &[
                wgpu::BindGroupLayoutEntry {
                    binding: 0,
                    visibility: wgpu::ShaderStages::FRAGMENT,
                    ty: wgpu::BindingType::Texture {
                        sample_type: wgpu::TextureSampleType::Float { filterable: false },
                        view_dimension: wgpu::TextureViewDimension::D2,
                        multisampled: false,
                    },
                    count: None,
                },
                wgpu::BindGroupLayoutEntry {
                    binding: 1,
                    visibility: wgpu::ShaderStages::FRAGMENT,
                    ty: wgpu::BindingType::Buffer {
                        ty: wgpu::BufferBindingType::Uniform,
                        has_dynamic_offset: false,
                        min_binding_size: None,
                    },
                    count: None,
                },
            ],
        });
        let source = Shaders::embedded()
            .assembled("blit.wgsl")
            .unwrap_or_default();
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("blit.wgsl"),
            source: wgpu::ShaderSource::Wgsl(source.into()),
        });
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("blit"),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("blit"),
            layout: Some(&pipeline_layout),
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some("vs_blit"),
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
                entry_point: Some("fs_blit"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                targets: &[Some(format.into())],
            }),
            multiview_mask: None,
            cache: None,
        });
        Self {
            pipeline,
            layout,
            decode: format.is_srgb(),
        }
    }

    /// Makes a picture ready: its first texel comes to `origin_px` of the target, whatever the
    /// pass's viewport is. Call it again when the view's texture or the place changes.
    #[must_use]
    pub fn source(
        &self,
        gpu: &Gpu,
        texture: &wgpu::TextureView,
        origin_px: [f32; 2],
    ) -> BlitSource {
        let uniform = BlitUniform {
            origin_px,
            decode: f32::from(u8::from(self.decode)),
            padding: 0.0,
        };
        let buffer = gpu.device().create_buffer(&wgpu::BufferDescriptor {
            label: Some("blit"),
            size: size_of::<BlitUniform>() as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        gpu.queue()
            .write_buffer(&buffer, 0, bytemuck::bytes_of(&uniform));
        BlitSource {
            bind_group: gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("blit"),
                layout: &self.layout,
                entries: &[
                    wgpu::BindGroupEntry {
                        binding: 0,
                        resource: wgpu::BindingResource::TextureView(texture),
                    },
                    wgpu::BindGroupEntry {
                        binding: 1,
                        resource: buffer.as_entire_binding(),
                    },
                ],
            }),
        }
    }

    /// Draws over the pass's whole viewport; set viewport and scissor before.
    pub fn draw(&self, pass: &mut wgpu::RenderPass<'_>, source: &BlitSource) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &source.bind_group, &[]);
        pass.draw(0..4, 0..1);
    }
}
