// One colour: the background, what lies around a clipped view, fog that cannot be drawn.
#import "quad.wgsl"

@fragment
fn fs_solid(in: QuadVertex) -> @location(0) vec4<f32> {
    return vec4(in.color.rgb * in.color.a, in.color.a);
}
