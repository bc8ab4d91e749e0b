// Tokens: shape, fill, picture and outline in one instance each; always upright for the viewer.
#import "common.wgsl"

struct MarkerInstance {
    @location(0) center_world: vec2<f32>,
    @location(1) diameter_world: f32,
    // Bits 0..3: shape. Bit 3: hidden from the players. Bits 8..: layer of the picture plus one,
    // 0 for none.
    @location(2) kind: u32,
    @location(3) color: vec4<f32>,
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
    // Pixels from the middle, y down.
    @location(0) at_px: vec2<f32>,
    @location(1) @interpolate(flat) color: vec4<f32>,
    @location(2) @interpolate(flat) radius_px: f32,
    @location(3) @interpolate(flat) kind: u32,
    @location(4) @interpolate(flat) picture_lod: f32,
}

const CIRCLE: u32 = 1u;
const SQUARE: u32 = 2u;
const TRIANGLE: u32 = 3u;
const PIN: u32 = 4u;

@vertex
fn vs_marker(@builtin(vertex_index) corner: u32, marker: MarkerInstance) -> MarkerVertex {
    let radius_px = marker.diameter_world * 0.5 * frame.px_per_world;
    let at = vec2(select(-1.0, 1.0, (corner & 1u) == 1u), select(-1.0, 1.0, corner >= 2u));
    var out: MarkerVertex;
    out.at_px = at * (radius_px + 0.5);
    out.position = clip_from_px(px_from_world(marker.center_world) + out.at_px);
    out.color = marker.color;
    out.radius_px = radius_px;
    out.kind = marker.kind;
    out.picture_lod = max(log2(style.picture_side_px / max(radius_px * 2.0, 1.0)), 0.0);
    return out;
}

// Signed distance to the shape's outline in radii; p is in radii, y down.
fn shape_distance(shape: u32, p: vec2<f32>) -> f32 {
    let far = length(p);
    let q = abs(p);
    if shape == SQUARE {
        return max(q.x, q.y) - 0.9;
    }
    if shape == TRIANGLE {
        // Equilateral, pointing up, in the circle.
        return max(p.y - 0.5, q.x * 0.8660254 - p.y * 0.5 - 0.5);
    }
    if shape == PIN {
        // A head and a point below it; the flanks touch the head.
        let head = length(p - vec2(0.0, -0.32)) - 0.66;
        let point = max(q.x * 0.9 + p.y * 0.436 - 0.436, -p.y - 0.05);
        return min(head, point);
    }
    return select(max(q.x, q.y) - 1.0, far - 1.0, shape == CIRCLE);
}

fn token(in: MarkerVertex) -> vec4<f32> {
    let shape = in.kind & 7u;
    let layer = in.kind >> 8u;
    let p = in.at_px / in.radius_px;
    let distance_px = shape_distance(shape, p) * in.radius_px;
    let covered = clamp(0.5 - distance_px, 0.0, 1.0);

    let uv = p * 0.5 + 0.5;
    let texel = textureSampleLevel(pictures, picture_sampler, uv, max(layer, 1u) - 1u, in.picture_lod);
    let picture = select(vec4(0.0), texel, layer > 0u);
    let shapeless = shape == 0u;
    // Pictures are stored with their alpha multiplied in. Without a shape nothing lies below.
    let below = select(1.0 - picture.a, 0.0, shapeless);
    let fill = picture.rgb + in.color.rgb * below;
    let fill_alpha = select(1.0, picture.a, shapeless);

    let outline_px = select(style.outline_share * in.radius_px * 2.0, 0.0, shapeless);
    let inner = clamp(0.5 - (distance_px + outline_px), 0.0, 1.0);
    var color = mix(vec4(style.outline_color.rgb, 1.0), vec4(fill, fill_alpha), select(inner, 1.0, shapeless));

    let hidden = (in.kind & 8u) != 0u;
    // Stripes on the outline and half opacity tell that players do not see it.
    let stripe = fract((in.at_px.x + in.at_px.y) / 8.0) < 0.5;
    let dim = select(style.opacity_hidden, style.opacity_hidden * 0.35, stripe && inner < 0.5);
    color *= select(1.0, dim, hidden);
    return color * covered;
}

@fragment
fn fs_marker(in: MarkerVertex) -> @location(0) vec4<f32> {
    return token(in);
}

// For players: nothing of a token shows where there is any fog.
@fragment
fn fs_marker_clipped(in: MarkerVertex) -> @location(0) vec4<f32> {
    let uv = fog_uv_from_px(in.position.xy);
    let fogged = textureSampleLevel(fog_mask, fog_sampler, uv, frame.fog_mask_lod).r;
    if fogged > 0.0 && all(uv >= vec2(0.0)) && all(uv <= vec2(1.0)) {
        discard;
    }
    return token(in);
}
