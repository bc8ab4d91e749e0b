// What every pass shares: the view's uniforms and the way from pixels to clip space.
// Positions are in pixels of the target, origin at its top left corner, y down.

struct FrameUniform {
    // Columns and translation of the affine from world to pixels.
    px_from_world_x: vec2<f32>,
    px_from_world_y: vec2<f32>,
    px_from_world_t: vec2<f32>,
    // Size of the target.
    size_px: vec2<f32>,
    // From pixels to the fog mask's texture coordinates (0..1 on the map, v down).
    fog_uv_from_px_x: vec2<f32>,
    fog_uv_from_px_y: vec2<f32>,
    fog_uv_from_px_t: vec2<f32>,
    px_per_world: f32,
    // Level of detail at which the fog mask is read.
    fog_mask_lod: f32,
}

@group(0) @binding(0) var<uniform> frame: FrameUniform;

fn px_from_world(world: vec2<f32>) -> vec2<f32> {
    return frame.px_from_world_x * world.x + frame.px_from_world_y * world.y + frame.px_from_world_t;
}

fn clip_from_px(px: vec2<f32>) -> vec4<f32> {
    let ndc = px / frame.size_px * 2.0 - 1.0;
    return vec4(ndc.x, -ndc.y, 0.0, 1.0);
}

fn fog_uv_from_px(px: vec2<f32>) -> vec2<f32> {
    return frame.fog_uv_from_px_x * px.x + frame.fog_uv_from_px_y * px.y + frame.fog_uv_from_px_t;
}
