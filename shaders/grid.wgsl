// Grid lines of constant width on the screen, with a soft shadow. Each pixel is shaded once, so
// crossings are no darker than lines.
//
// Squares: one thin quad a line; the distance to the nearest line of each direction follows from
// the pixel's own position, and of two quads that cross only the one of the nearer line draws.
// Hexes: inside each cell a ring of six trapezoids that share their corners bit by bit.
#import "quad.wgsl"

struct GridUniform {
    // From pixels to cells (squares), so that lines lie on whole numbers.
    cell_from_px_x: vec2<f32>,
    cell_from_px_y: vec2<f32>,
    cell_from_px_t: vec2<f32>,
    // Size of a cell in pixels per axis.
    cell_px: vec2<f32>,
    // First and last line per axis, in cells.
    line_min: vec2<f32>,
    line_max: vec2<f32>,
    // Hexes: from half steps of the lattice to pixels.
    px_from_step_x: vec2<f32>,
    px_from_step_y: vec2<f32>,
    px_from_step_t: vec2<f32>,
    // Hexes: width of the ring as a share of the way from the edge to the middle.
    ring_share: f32,
    // Hexes: width of the ring in pixels.
    ring_px: f32,
    // Straight alpha.
    line_color: vec4<f32>,
    shadow_color: vec4<f32>,
    // Hexes: the drawn rectangle in half steps.
    extent_min: vec2<f32>,
    extent_max: vec2<f32>,
    half_line_px: f32,
    // The shadow is whole up to here from the line's edge, and gone here.
    shadow_full_px: f32,
    shadow_end_px: f32,
    // How far from the middle of a line anything is drawn.
    reach_px: f32,
}

@group(1) @binding(0) var<uniform> grid: GridUniform;

fn line_at(distance_px: f32) -> vec4<f32> {
    let line = grid.line_color.a * clamp(grid.half_line_px + 0.5 - distance_px, 0.0, 1.0);
    let from_edge = distance_px - grid.half_line_px;
    let fade = clamp((grid.shadow_end_px - from_edge) / (grid.shadow_end_px - grid.shadow_full_px), 0.0, 1.0);
    let shadow = grid.shadow_color.a * fade * (1.0 - line);
    return vec4(grid.line_color.rgb * line + grid.shadow_color.rgb * shadow, line + shadow);
}

// color.x: 0 for lines across (constant y), 1 for lines down (constant x).
@fragment
fn fs_grid_square(in: QuadVertex) -> @location(0) vec4<f32> {
    let px = in.position.xy;
    let cell = grid.cell_from_px_x * px.x + grid.cell_from_px_y * px.y + grid.cell_from_px_t;
    let nearest = clamp(round(cell), grid.line_min, grid.line_max);
    let apart_px = abs(cell - nearest) * grid.cell_px;
    // Lines end with the outermost ones across them: beyond, the way to their end counts.
    let beyond = (cell < grid.line_min) | (cell > grid.line_max);
    let distance_px = max(apart_px, select(vec2(0.0), apart_px.yx, beyond.yx));
    let across_is_nearer = distance_px.y <= distance_px.x;
    let own = (in.color.x < 0.5) == across_is_nearer;
    return line_at(min(distance_px.x, distance_px.y)) * select(0.0, 1.0, own);
}

struct HexVertex {
    @builtin(position) position: vec4<f32>,
    @location(0) distance_px: f32,
    @location(1) step: vec2<f32>,
}

// The corners around a cell in half steps of the lattice: x in halves of the pitch along a row,
// y in sixths of twice the pitch across (a corner is 1 or 2 of them from the middle's row).
fn hex_corner(k: u32) -> vec2<f32> {
    switch k {
        case 0u: { return vec2(0.0, -2.0); }
        case 1u: { return vec2(1.0, -1.0); }
        case 2u: { return vec2(1.0, 1.0); }
        case 3u: { return vec2(0.0, 2.0); }
        case 4u: { return vec2(-1.0, 1.0); }
        default: { return vec2(-1.0, -1.0); }
    }
}

// Vertices 0..6: corners; 6..12: the same moved towards the middle.
@vertex
fn vs_grid_hex(@builtin(vertex_index) index: u32, @location(0) center: vec2<f32>) -> HexVertex {
    let inner = index >= 6u;
    let corner = center + hex_corner(index % 6u);
    let step = select(corner, mix(corner, center, grid.ring_share), inner);
    var out: HexVertex;
    out.position = clip_from_px(grid.px_from_step_x * step.x + grid.px_from_step_y * step.y + grid.px_from_step_t);
    out.distance_px = select(0.0, grid.ring_px, inner);
    out.step = step;
    return out;
}

@fragment
fn fs_grid_hex(in: HexVertex) -> @location(0) vec4<f32> {
    let inside = all(in.step >= grid.extent_min) && all(in.step <= grid.extent_max);
    return line_at(in.distance_px) * select(0.0, 1.0, inside);
}
