// Mist over the map: the scene's colour, gently structured by baked noise.
// color: the mist. extra: level of detail of the noise, strength of its structure.
#import "quad.wgsl"

@group(1) @binding(0) var noise: texture_2d<f32>;
@group(1) @binding(1) var noise_sampler: sampler;

@fragment
fn fs_mist(in: QuadVertex) -> @location(0) vec4<f32> {
    let n = textureSampleLevel(noise, noise_sampler, in.uv, in.extra.x).a;
    let alpha = in.color.a * (1.0 - in.extra.y * (1.0 - n));
    return vec4(in.color.rgb * alpha, alpha);
}
