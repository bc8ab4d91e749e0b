// Tokens: shape, fill, picture and outline in one instance each; always upright for the viewer.
#import "common.wgsl"

struct MarkerInstance {
    @location(0) center_world: vec2<f32>,
    @location(1) diameter_world: f32,
    // Bits 0..3: shape. Bit 3: hidden from the players. Bits 8..: layer of the picture plus one,
    // 0 for none.
    @location(2) kind: u32,
    @location(3) color: vec4<f32>,
    // What a small token looks like from afar: its colour under its picture's average.
    @location(4) small_color: vec4<f32>,
}

struct MarkerUniform {
    outline_color: vec4<f32>,
    // Width of the outline, as a share of the token's diameter.
    outline_share: f32,
    opacity_hidden: f32,
    picture_side_px: f32,
    padding: f32,
}

@group(1) @binding(0) var<uniform> style: MarkerUniform;
@group(1) @binding(1) var pictures: texture_2d_array<f32>;
@group(1) @binding(2) var picture_sampler: sampler;
@group(1) @binding(3) var fog_mask: texture_2d<f32>;
@group(1) @binding(4) var fog_sampler: sampler;

struct MarkerVertex {
    @builtin(position) position: vec4<f32>,
    // Radii from the middle, y down.
    @location(0) at: vec2<f32>,
    @location(1) @interpolate(flat) color: vec4<f32>,
    @location(2) @interpolate(flat) radius_px: f32,
    @location(3) @interpolate(flat) kind: u32,
    @location(4) @interpolate(flat) picture_lod: f32,
}

const SQUARE: u32 = 2u;
const TRIANGLE: u32 = 3u;
const PIN: u32 = 4u;

fn placed(corner: u32, marker: MarkerInstance) -> MarkerVertex {
    let radius_px = marker.diameter_world * 0.5 * frame.px_per_world;
    let to_corner = vec2(select(-1.0, 1.0, (corner & 1u) == 1u), select(-1.0, 1.0, corner >= 2u));
    // Half a pixel more for smooth edges.
    let at = to_corner * (1.0 + 0.5 / radius_px);
    var out: MarkerVertex;
    out.at = at;
    out.position = clip_from_px(px_from_world(marker.center_world) + at * radius_px);
    out.color = marker.color;
    out.radius_px = radius_px;
    out.kind = marker.kind;
    out.picture_lod = 0.0;
    return out;
}

@vertex
fn vs_marker(@builtin(vertex_index) corner: u32, marker: MarkerInstance) -> MarkerVertex {
    var out = placed(corner, marker);
    out.picture_lod = max(log2(style.picture_side_px / max(out.radius_px * 2.0, 1.0)), 0.0);
    return out;
}

@vertex
fn vs_small_marker(@builtin(vertex_index) corner: u32, marker: MarkerInstance) -> MarkerVertex {
    var out = placed(corner, marker);
    out.color = marker.small_color;
    return out;
}

// Distance to the shape's outline in radii, negative inside, exact near it; p is in radii, y down.
fn shape_distance(shape: u32, p: vec2<f32>) -> f32 {
    let q = abs(p);
    // A circle, and a pin's head: without a square root, right where it counts.
    let is_pin = shape == PIN;
    let round = select(vec2(0.0, 1.0), vec2(-0.32, 0.66), is_pin);
    let from_head = vec2(p.x, p.y - round.x);
    var distance = (dot(from_head, from_head) - round.y * round.y) * (0.5 / round.y);
    // The pin's point below its head; the flanks touch the head.
    let point = max(q.x * 0.9 + p.y * 0.436 - 0.436, -p.y - 0.05);
    distance = select(distance, min(distance, point), is_pin);
    // Equilateral, pointing up, in the circle.
    distance = select(distance, max(p.y - 0.5, q.x * 0.8660254 - p.y * 0.5 - 0.5), shape == TRIANGLE);
    let is_square = shape == SQUARE || shape == 0u;
    return select(distance, max(q.x, q.y) - select(0.9, 1.0, shape == 0u), is_square);
}

// What lies in a token's outline: its fill, alpha multiplied in.
fn token(in: MarkerVertex, fill: vec4<f32>) -> vec4<f32> {
    let shape = in.kind & 7u;
    let distance_px = shape_distance(shape, in.at) * in.radius_px;
    let covered = clamp(0.5 - distance_px, 0.0, 1.0);
    let outline_px = select(style.outline_share * in.radius_px * 2.0, 0.0, shape == 0u);
    let inner = clamp(0.5 - (distance_px + outline_px), 0.0, 1.0);
    var color = mix(vec4(style.outline_color.rgb, 1.0), fill, select(inner, 1.0, shape == 0u));
    // Stripes on the outline and half opacity tell that players do not see it.
    let hidden = (in.kind & 8u) != 0u;
    let stripe = fract((in.at.x + in.at.y) * in.radius_px * 0.125) < 0.5 && inner < 0.5;
    let dim = style.opacity_hidden * select(1.0, 0.35, stripe);
    return color * (covered * select(1.0, dim, hidden));
}

fn pictured(in: MarkerVertex) -> vec4<f32> {
    let layer = in.kind >> 8u;
    let uv = in.at * 0.5 + 0.5;
    let texel = textureSampleLevel(pictures, picture_sampler, uv, max(layer, 1u) - 1u, in.picture_lod);
    // Pictures are stored with their alpha multiplied in. Without a shape nothing lies below.
    let picture = select(vec4(0.0), texel, layer > 0u);
    let below = select(vec4(in.color.rgb, 1.0), vec4(0.0), (in.kind & 7u) == 0u);
    return token(in, picture + below * (1.0 - picture.a));
}

fn is_fogged(position: vec4<f32>) -> bool {
    let uv = fog_uv_from_px(position.xy);
    let fogged = textureSampleLevel(fog_mask, fog_sampler, uv, frame.fog_mask_lod).r;
    return fogged > 0.0 && all(uv >= vec2(0.0)) && all(uv <= vec2(1.0));
}

@fragment
fn fs_marker(in: MarkerVertex) -> @location(0) vec4<f32> {
    return pictured(in);
}

@fragment
fn fs_small_marker(in: MarkerVertex) -> @location(0) vec4<f32> {
    return token(in, in.color);
}

// For players: nothing of a token shows where there is any fog.
@fragment
fn fs_marker_clipped(in: MarkerVertex) -> @location(0) vec4<f32> {
    return select(pictured(in), vec4(0.0), is_fogged(in.position));
}

@fragment
fn fs_small_marker_clipped(in: MarkerVertex) -> @location(0) vec4<f32> {
    return select(token(in, in.color), vec4(0.0), is_fogged(in.position));
}
