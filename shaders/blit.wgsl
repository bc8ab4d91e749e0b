// A view's picture into another target, texel by texel.

@group(0) @binding(0) var source: texture_2d<f32>;

struct BlitUniform {
    // The target's pixel at which the picture's first texel lies.
    origin_px: vec2<f32>,
    // 1 when the target encodes to sRGB itself, so that what is encoded already is decoded first.
    decode: f32,
    padding: f32,
}

@group(0) @binding(1) var<uniform> blit: BlitUniform;

@vertex
fn vs_blit(@builtin(vertex_index) index: u32) -> @builtin(position) vec4<f32> {
    let at = vec2(f32(index & 1u), f32(index >> 1u)) * 4.0 - 1.0;
    return vec4(at, 0.0, 1.0);
}

fn linear_from_encoded(encoded: vec3<f32>) -> vec3<f32> {
    let low = encoded / 12.92;
    let high = pow((encoded + 0.055) / 1.055, vec3(2.4));
    return select(high, low, encoded <= vec3(0.04045));
}

@fragment
fn fs_blit(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    let size = vec2<i32>(textureDimensions(source));
    let at = clamp(vec2<i32>(floor(position.xy - blit.origin_px)), vec2(0), size - 1);
    let texel = textureLoad(source, at, 0);
    return select(texel, vec4(linear_from_encoded(texel.rgb), texel.a), blit.decode > 0.5);
}
