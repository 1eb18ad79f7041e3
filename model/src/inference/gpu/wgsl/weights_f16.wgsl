
@group(0) @binding(2) var<storage, read> weights: array<vec2<u32>>;

fn weight_vector(at: u32) -> vec4<f32> {
    let packed = weights[at];
    return vec4<f32>(unpack2x16float(packed.x), unpack2x16float(packed.y));
}
