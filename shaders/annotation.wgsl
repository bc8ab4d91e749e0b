// A drawing layer: ink where the mask is set, its edge smoothed by filtering.
// extra.x: how steep the edge is, in steps of a mask pixel.
#import "quad.wgsl"

@group(1) @binding(0) var ink: texture_2d<f32>;
@group(1) @binding(1) var ink_sampler: sampler;

@fragment
fn fs_annotation(in: QuadVertex) -> @location(0) vec4<f32> {
    let covered = textureSampleLevel(ink, ink_sampler, in.uv, in.extra.y).r;
    let alpha = in.color.a * clamp((covered - 0.5) * in.extra.x + 0.5, 0.0, 1.0);
    return vec4(in.color.rgb * alpha, alpha);
}
