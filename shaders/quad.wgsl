// Any parallelogram with texture coordinates and a colour; one instance each, four vertices as a
// triangle strip. Corners come from the CPU, so that neighbours share theirs bit by bit.
#import "common.wgsl"

struct QuadInstance {
    // Corners in pixels: (u0, v0), (u1, v0), (u0, v1), (u1, v1).
    @location(0) corners_x: vec4<f32>,
    @location(1) corners_y: vec4<f32>,
    // u0, v0, u1, v1.
    @location(2) uv: vec4<f32>,
    // Straight alpha, or what the pass says.
    @location(3) color: vec4<f32>,
    // What the pass says.
    @location(4) extra: vec4<f32>,
}

struct QuadVertex {
    @builtin(position) position: vec4<f32>,
    @location(0) uv: vec2<f32>,
    @location(1) @interpolate(flat) color: vec4<f32>,
    @location(2) @interpolate(flat) extra: vec4<f32>,
}

@vertex
fn vs_quad(@builtin(vertex_index) corner: u32, quad: QuadInstance) -> QuadVertex {
    let px = vec2(quad.corners_x[corner], quad.corners_y[corner]);
    let right = (corner & 1u) == 1u;
    let below = corner >= 2u;
    var out: QuadVertex;
    out.position = clip_from_px(px);
    out.uv = vec2(select(quad.uv.x, quad.uv.z, right), select(quad.uv.y, quad.uv.w, below));
    out.color = quad.color;
    out.extra = quad.extra;
    return out;
}
