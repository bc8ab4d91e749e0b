// Glows: a quad twice as wide as the light, blended like a screen (one minus the product of what
// is missing), which suits encoded colours: bright maps do not burn out.
#import "common.wgsl"

struct LightInstance {
    @location(0) center_world: vec2<f32>,
    @location(1) diameter_world: f32,
    // How hard the glow's middle is; more is smaller and brighter.
    @location(2) focus: f32,
    // rgb: colour; a: strength at this moment.
    @location(3) color: vec4<f32>,
}

struct LightVertex {
    @builtin(position) position: vec4<f32>,
    // -1..1 over the quad.
    @location(0) at: vec2<f32>,
    @location(1) @interpolate(flat) color: vec4<f32>,
    @location(2) @interpolate(flat) focus: f32,
}

@vertex
fn vs_light(@builtin(vertex_index) corner: u32, light: LightInstance) -> LightVertex {
    let at = vec2(select(-1.0, 1.0, (corner & 1u) == 1u), select(-1.0, 1.0, corner >= 2u));
    var out: LightVertex;
    out.position = clip_from_px(px_from_world(light.center_world) + at * light.diameter_world * frame.px_per_world);
    out.at = at;
    out.color = light.color;
    out.focus = light.focus;
    return out;
}

@fragment
fn fs_light(in: LightVertex) -> @location(0) vec4<f32> {
    let r2 = dot(in.at, in.at);
    let rest = clamp(1.0 - r2, 0.0, 1.0);
    // A wide glow and a small bright middle; both end smoothly at the quad's inscribed circle.
    let core = clamp(1.0 - r2 * in.focus, 0.0, 1.0);
    let glow = rest * rest * rest * 0.55 + core * core * 0.45;
    return vec4(in.color.rgb * (in.color.a * glow), 0.0);
}
