//! Small helpers around buffers and textures that grow.

use wgpu::util::DeviceExt as _;

use super::gpu::Gpu;

/// A buffer that holds at least what was written last and is made anew when it is too small.
#[derive(Debug)]
pub(super) struct GrowingBuffer {
    buffer: Option<wgpu::Buffer>,
    usage: wgpu::BufferUsages,
    label: &'static str,
}

impl GrowingBuffer {
    pub(super) fn instances(label: &'static str) -> Self {
        Self {
            buffer: None,
            usage: wgpu::BufferUsages::VERTEX | wgpu::BufferUsages::COPY_DST,
            label,
        }
    }

    /// Replaces the content.
    pub(super) fn write(&mut self, gpu: &Gpu, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let needed = (bytes.len() as u64).next_multiple_of(4);
        let fits = self.buffer.as_ref().is_some_and(|b| b.size() >= needed);
        if !fits {
            self.buffer = Some(gpu.device().create_buffer(&wgpu::BufferDescriptor {
                label: Some(self.label),
                size: needed.next_power_of_two().max(256),
                usage: self.usage,
                mapped_at_creation: false,
            }));
        }
        if let Some(buffer) = &self.buffer {
            gpu.queue().write_buffer(buffer, 0, bytes);
        }
    }

    pub(super) fn get(&self) -> Option<&wgpu::Buffer> {
        self.buffer.as_ref()
    }
}

/// A uniform buffer for one struct.
pub(super) fn uniform_buffer<T>(gpu: &Gpu, label: &'static str) -> wgpu::Buffer {
    gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size: size_of::<T>() as u64,
        usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

/// A buffer whose content never changes.
pub(super) fn constant_buffer(
    gpu: &Gpu,
    label: &'static str,
    bytes: &[u8],
    usage: wgpu::BufferUsages,
) -> wgpu::Buffer {
    gpu.device()
        .create_buffer_init(&wgpu::util::BufferInitDescriptor {
            label: Some(label),
            contents: bytes,
            usage,
        })
}

/// Writes a rectangle of a texture's level; rows without padding.
pub(super) fn write_texture(
    gpu: &Gpu,
    texture: &wgpu::Texture,
    mip_level: u32,
    origin: [u32; 3],
    size_px: [u32; 2],
    bytes_per_pixel: u32,
    bytes: &[u8],
) {
    let [width, height] = size_px;
    if width == 0 || height == 0 {
        return;
    }
    gpu.queue().write_texture(
        wgpu::TexelCopyTextureInfo {
            texture,
            mip_level,
            origin: wgpu::Origin3d {
                x: origin[0],
                y: origin[1],
                z: origin[2],
            },
            aspect: wgpu::TextureAspect::All,
        },
        bytes,
        wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(width * bytes_per_pixel),
            rows_per_image: Some(height),
        },
        wgpu::Extent3d {
            width,
            height,
            depth_or_array_layers: 1,
        },
    );
}

/// A texture to sample from.
pub(super) fn sampled_texture(
    gpu: &Gpu,
    label: &'static str,
    size: [u32; 3],
    mip_level_count: u32,
    format: wgpu::TextureFormat,
) -> wgpu::Texture {
    gpu.device().create_texture(&wgpu::TextureDescriptor {
        label: Some(label),
        size: wgpu::Extent3d {
            width: size[0],
            height: size[1],
            depth_or_array_layers: size[2],
        },
        mip_level_count,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: wgpu::TextureUsages::TEXTURE_BINDING
            | wgpu::TextureUsages::COPY_DST
            | wgpu::TextureUsages::COPY_SRC,
        view_formats: &[],
    })
}

/// A view of all of a texture.
pub(super) fn whole_view(texture: &wgpu::Texture) -> wgpu::TextureView {
    texture.create_view(&wgpu::TextureViewDescriptor::default())
}

/// A view of all layers of a texture, an array even when it has one.
pub(super) fn array_view(texture: &wgpu::Texture) -> wgpu::TextureView {
    texture.create_view(&wgpu::TextureViewDescriptor {
        dimension: Some(wgpu::TextureViewDimension::D2Array),
        ..Default::default()
    })
}

/// A bind group of consecutive entries.
pub(super) fn bind_group(
    gpu: &Gpu,
    layout: &wgpu::BindGroupLayout,
    resources: &[wgpu::BindingResource<'_>],
) -> wgpu::BindGroup {
    let entries: Vec<_> = (0..)
        .zip(resources)
        .map(|(binding, resource)| wgpu::BindGroupEntry {
            binding,
            resource: resource.clone(),
        })
        .collect();
    gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout,
        entries: &entries,
    })
}

/// The samplers that all passes share.
#[derive(Debug)]
pub(super) struct Samplers {
    /// Single texels.
    pub(super) nearest: wgpu::Sampler,
    /// Filtered, clamped to the edge; the nearest level.
    pub(super) linear: wgpu::Sampler,
    /// Filtered, repeating; the nearest level.
    pub(super) repeating: wgpu::Sampler,
}

impl Samplers {
    pub(super) fn new(device: &wgpu::Device) -> Self {
        let make = |filter, address| {
            device.create_sampler(&wgpu::SamplerDescriptor {
                address_mode_u: address,
                address_mode_v: address,
                mag_filter: filter,
                min_filter: filter,
                mipmap_filter: wgpu::MipmapFilterMode::Nearest,
                ..Default::default()
            })
        };
        Self {
            nearest: make(wgpu::FilterMode::Nearest, wgpu::AddressMode::ClampToEdge),
            linear: make(wgpu::FilterMode::Linear, wgpu::AddressMode::ClampToEdge),
            repeating: make(wgpu::FilterMode::Linear, wgpu::AddressMode::Repeat),
        }
    }
}
