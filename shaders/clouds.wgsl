// The fog's clouds at one moment: two drifting layers of the baked noise in one small texture that
// repeats, so that every fogged pixel of the view reads a single texel.
#import "fog_uniform.wgsl"

@group(0) @binding(0) var<uniform> fog: FogUniform;
@group(0) @binding(1) var noise: texture_2d<f32>;
@group(0) @binding(2) var noise_sampler: sampler;

struct CloudVertex {
    @builtin(position) position: vec4<f32>,
    @location(0) uv: vec2<f32>,
}

@vertex
fn vs_clouds(@builtin(vertex_index) index: u32) -> CloudVertex {
    let uv = vec2(f32(index & 1u), f32(index >> 1u));
    return CloudVertex(vec4(uv.x * 2.0 - 1.0, 1.0 - uv.y * 2.0, 0.0, 1.0), uv);
}

@fragment
fn fs_clouds(in: CloudVertex) -> @location(0) vec4<f32> {
    let a = textureSampleLevel(noise, noise_sampler, in.uv + fog.drift_a, fog.cloud_lod);
    let b = textureSampleLevel(noise, noise_sampler, in.uv + fog.drift_b, fog.cloud_lod);
    return (a + b) * 0.5;
}
