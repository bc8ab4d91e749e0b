// Tiles of the map picture. The sampler reads single texels where the picture's pixels lie on the
// target's, else it filters; the gutter around each tile makes that seamless.
#import "quad.wgsl"

@group(1) @binding(0) var tiles: texture_2d<f32>;
@group(1) @binding(1) var tile_sampler: sampler;

// Opaque tiles, and the only layer of a picture that keeps its own alpha.
@fragment
fn fs_map_as_is(in: QuadVertex) -> @location(0) vec4<f32> {
    return textureSampleLevel(tiles, tile_sampler, in.uv, 0.0);
}

@fragment
fn fs_map_blended(in: QuadVertex) -> @location(0) vec4<f32> {
    let texel = textureSampleLevel(tiles, tile_sampler, in.uv, 0.0);
    return vec4(texel.rgb * texel.a, texel.a);
}
