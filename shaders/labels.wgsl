// Labels of tokens: one quad a glyph from a distance field atlas, upright for the viewer.
#import "common.wgsl"

struct LabelInstance {
    @location(0) center_world: vec2<f32>,
    @location(1) diameter_world: f32,
    // Opacity of the token.
    @location(2) opacity: f32,
    // The glyph's quad from the token's middle, in diameters, y down: left, top, right, bottom.
    @location(3) quad: vec4<f32>,
    // The same in the atlas, 0..1.
    @location(4) uv: vec4<f32>,
}

struct LabelUniform {
    text_color: vec4<f32>,
    outline_color: vec4<f32>,
    // Texels of the atlas per em, and of distance from edge to either end of the field.
    texels_per_em: f32,
    spread_texels: f32,
    // Width of the outline in em.
    outline_em: f32,
    atlas_side_texels: f32,
    // Glyphs lower than this are not drawn.
    min_height_px: f32,
    padding: f32,
    padding_2: vec2<f32>,
}

@group(1) @binding(0) var<uniform> style: LabelUniform;
@group(1) @binding(1) var glyphs: texture_2d_array<f32>;
@group(1) @binding(2) var glyph_sampler: sampler;
@group(1) @binding(3) var fog_mask: texture_2d<f32>;
@group(1) @binding(4) var fog_sampler: sampler;

struct LabelVertex {
    @builtin(position) position: vec4<f32>,
    @location(0) uv: vec2<f32>,
    // Pixels per texel of the atlas.
    @location(1) @interpolate(flat) px_per_texel: f32,
    @location(2) @interpolate(flat) opacity: f32,
}

@vertex
fn vs_label(@builtin(vertex_index) corner: u32, label: LabelInstance) -> LabelVertex {
    let right = (corner & 1u) == 1u;
    let below = corner >= 2u;
    let diameter_px = label.diameter_world * frame.px_per_world;
    let offset = vec2(select(label.quad.x, label.quad.z, right), select(label.quad.y, label.quad.w, below));
    let height_px = (label.quad.w - label.quad.y) * diameter_px;
    let drawn = select(0.0, 1.0, height_px >= style.min_height_px);
    var out: LabelVertex;
    out.position = clip_from_px(px_from_world(label.center_world) + offset * diameter_px * drawn);
    out.uv = vec2(select(label.uv.x, label.uv.z, right), select(label.uv.y, label.uv.w, below));
    out.px_per_texel = height_px / max((label.uv.w - label.uv.y) * style.atlas_side_texels, 1e-6);
    out.opacity = label.opacity;
    return out;
}

fn glyph(in: LabelVertex) -> vec4<f32> {
    let field = textureSampleLevel(glyphs, glyph_sampler, in.uv, 0u, 0.0).r;
    let inside_texels = (field - 0.5) * 2.0 * style.spread_texels;
    let inside_px = inside_texels * in.px_per_texel;
    let outline_px = style.outline_em * style.texels_per_em * in.px_per_texel;
    let text = clamp(inside_px + 0.5, 0.0, 1.0);
    let around = clamp(inside_px + outline_px + 0.5, 0.0, 1.0);
    let color = mix(style.outline_color.rgb, style.text_color.rgb, text);
    return vec4(color, 1.0) * (around * in.opacity);
}

@fragment
fn fs_label(in: LabelVertex) -> @location(0) vec4<f32> {
    return glyph(in);
}

// For players: nothing of a label shows where there is any fog.
@fragment
fn fs_label_clipped(in: LabelVertex) -> @location(0) vec4<f32> {
    let uv = fog_uv_from_px(in.position.xy);
    let fogged = textureSampleLevel(fog_mask, fog_sampler, uv, frame.fog_mask_lod).r;
    if fogged > 0.0 && all(uv >= vec2(0.0)) && all(uv <= vec2(1.0)) {
        discard;
    }
    return glyph(in);
}
