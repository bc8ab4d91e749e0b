// The edge overlay: a dark, softly mottled frame around the display rectangle.
#import "quad.wgsl"

struct EdgeUniform {
    // Straight alpha; the opacity is in a.
    color: vec4<f32>,
    // Share of the way from the middle to the rim where it begins and where it is whole.
    fade_start: f32,
    fade_end: f32,
    // Repeats of the structure across the display, per axis.
    noise_scale: vec2<f32>,
    noise_lod: f32,
    padding: f32,
    padding_2: vec2<f32>,
}

@group(1) @binding(0) var<uniform> edge: EdgeUniform;
@group(1) @binding(1) var noise: texture_2d<f32>;
@group(1) @binding(2) var noise_sampler: sampler;

// uv: -1..1 over the display rectangle.
@fragment
fn fs_edge(in: QuadVertex) -> @location(0) vec4<f32> {
    let n = textureSampleLevel(noise, noise_sampler, in.uv * edge.noise_scale, edge.noise_lod).a;
    let at = in.uv * in.uv;
    // A rounded rectangle's distance from the middle: eighth powers.
    let at4 = at * at;
    let rim = sqrt(sqrt(sqrt(dot(at4, at4))));
    let share = clamp((rim - edge.fade_start) / (edge.fade_end - edge.fade_start), 0.0, 1.0);
    let soft = share * share * (3.0 - 2.0 * share);
    let alpha = edge.color.a * clamp(soft * (0.7 + 0.6 * n), 0.0, 1.0);
    return vec4(edge.color.rgb * alpha, alpha);
}
