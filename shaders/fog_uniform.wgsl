// What the fog looks like in one view.

struct FogUniform {
    // From the mask's texture coordinates to the clouds'.
    cloud_scale: vec2<f32>,
    // Where the two layers of clouds have drifted to.
    drift_a: vec2<f32>,
    drift_b: vec2<f32>,
    opacity: f32,
    cloud_lod: f32,
    // Opacity right behind the edge, as a share of the whole.
    edge_floor: f32,
    // How ragged the edge is.
    raggedness: f32,
    padding: vec2<f32>,
}
