//! Declares what crosses to the GPU once: the Rust struct, its bytes, and what a test compares
//! with the WGSL (names, offsets, types), so that the two can not drift apart.

/// The type of a member, as WGSL has it.
pub(super) trait GpuType {
    /// WGSL's name of the type.
    #[cfg(test)]
    const WGSL: &'static str;
    /// The format of a vertex attribute.
    const FORMAT: wgpu::VertexFormat;
}

macro_rules! gpu_type {
    ($rust:ty, $wgsl:literal, $format:ident) => {
        impl GpuType for $rust {
            #[cfg(test)]
            const WGSL: &'static str = $wgsl;
            const FORMAT: wgpu::VertexFormat = wgpu::VertexFormat::$format;
        }
    };
}

gpu_type!(f32, "f32", Float32);
gpu_type!(u32, "u32", Uint32);
gpu_type!([f32; 2], "vec2<f32>", Float32x2);
gpu_type!([f32; 4], "vec4<f32>", Float32x4);

/// Four shares of 0..=255 that a shader reads as 0..1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(transparent)]
pub(super) struct Unorm8x4(pub(super) [u8; 4]);

gpu_type!(Unorm8x4, "vec4<f32>", Unorm8x4);

/// A member: name, offset in bytes, WGSL type.
#[cfg(test)]
pub(super) type Member = (&'static str, usize, &'static str);

/// A struct that a shader reads as a uniform or per instance.
pub(super) trait GpuData: bytemuck::Pod {
    /// Name of the struct in WGSL.
    #[cfg(test)]
    const NAME: &'static str;
    /// Members in order.
    #[cfg(test)]
    const MEMBERS: &'static [Member];
    /// As instance attributes at locations from 0.
    const ATTRIBUTES: &'static [wgpu::VertexAttribute];

    /// As a vertex buffer that steps per instance.
    fn instance_layout() -> wgpu::VertexBufferLayout<'static> {
        wgpu::VertexBufferLayout {
            array_stride: size_of::<Self>() as u64,
            step_mode: wgpu::VertexStepMode::Instance,
            attributes: Self::ATTRIBUTES,
        }
    }
}

/// Declares a struct that a shader reads.
macro_rules! gpu_struct {
    ($(#[$doc:meta])* $name:ident { $( $(#[$field_doc:meta])* $field:ident : $type:ty, )* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
        #[repr(C)]
        pub(super) struct $name {
            $( $(#[$field_doc])* pub(super) $field: $type, )*
        }

        impl $crate::render::gpu_data::GpuData for $name {
            #[cfg(test)]
            const NAME: &'static str = stringify!($name);
            #[cfg(test)]
            const MEMBERS: &'static [$crate::render::gpu_data::Member] = &[$((
                stringify!($field),
                std::mem::offset_of!($name, $field),
                <$type as $crate::render::gpu_data::GpuType>::WGSL,
            ),)*];
            const ATTRIBUTES: &'static [wgpu::VertexAttribute] = &{
                let mut attributes = [$(wgpu::VertexAttribute {
                    format: <$type as $crate::render::gpu_data::GpuType>::FORMAT,
                    offset: std::mem::offset_of!($name, $field) as u64,
                    shader_location: 0,
                },)*];
                let mut location = 0;
                while location < attributes.len() {
                    attributes[location].shader_location = location as u32;
                    location += 1;
                }
                attributes
            };
        }
    };
}
pub(super) use gpu_struct;

gpu_struct! {
    /// The view's uniforms, shared by all passes.
    FrameUniform {
        px_from_world_x: [f32; 2],
        px_from_world_y: [f32; 2],
        px_from_world_t: [f32; 2],
        size_px: [f32; 2],
        fog_uv_from_px_x: [f32; 2],
        fog_uv_from_px_y: [f32; 2],
        fog_uv_from_px_t: [f32; 2],
        px_per_world: f32,
        fog_mask_lod: f32,
    }
}

/// An affine as the three pairs that shaders take.
pub(super) fn affine_columns(affine: &glam::DAffine2) -> [[f32; 2]; 3] {
    [
        affine.matrix2.x_axis.as_vec2().to_array(),
        affine.matrix2.y_axis.as_vec2().to_array(),
        affine.translation.as_vec2().to_array(),
    ]
}

/// A colour and an opacity with straight alpha.
pub(super) fn rgba(color: crate::model::color::Rgb, opacity: f64) -> [f32; 4] {
    let share = |byte: u8| f32::from(byte) / 255.0;
    [
        share(color.r),
        share(color.g),
        share(color.b),
        opacity.clamp(0.0, 1.0) as f32,
    ]
}
