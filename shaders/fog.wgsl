// Fog of war. The clouds are made beforehand: colour in rgb, raggedness in alpha. Blocks of the mask that
// are fogged through and through skip the mask; clear blocks are not drawn at all. The soft edge
// grows into the fog only: nothing is ever laid over a revealed pixel.
#import "quad.wgsl"
#import "fog_uniform.wgsl"

@group(1) @binding(0) var<uniform> fog: FogUniform;
@group(1) @binding(1) var clouds: texture_2d<f32>;
@group(1) @binding(2) var cloud_sampler: sampler;
@group(1) @binding(3) var mask: texture_2d<f32>;
@group(1) @binding(4) var depth_in_fog: texture_2d<f32>;
@group(1) @binding(5) var mask_sampler: sampler;

fn cloud_at(uv: vec2<f32>) -> vec4<f32> {
    return textureSampleLevel(clouds, cloud_sampler, uv * fog.cloud_scale, fog.cloud_lod);
}

@fragment
fn fs_fog_full(in: QuadVertex) -> @location(0) vec4<f32> {
    let cloud = cloud_at(in.uv);
    return vec4(cloud.rgb * fog.opacity, fog.opacity);
}

@fragment
fn fs_fog_edge(in: QuadVertex) -> @location(0) vec4<f32> {
    let cloud = cloud_at(in.uv);
    let covered = textureSampleLevel(mask, mask_sampler, in.uv, frame.fog_mask_lod).r;
    let depth = textureSampleLevel(depth_in_fog, mask_sampler, in.uv, 0.0).r;
    // 0 up to the border between mask pixels, so that filtering never reaches a revealed one.
    let fogged = clamp(covered * 2.0 - 1.0, 0.0, 1.0);
    let inside = clamp(depth * (1.0 + fog.raggedness) - fog.raggedness * cloud.a, 0.0, 1.0);
    let soft = inside * inside * (3.0 - 2.0 * inside);
    let alpha = fog.opacity * fogged * mix(fog.edge_floor, 1.0, soft);
    return vec4(cloud.rgb * alpha, alpha);
}
