
@group(0) @binding(2) var<storage, read> weights: array<vec4<f32>>;

fn weight_vector(at: u32) -> vec4<f32> {
    return weights[at];
}
