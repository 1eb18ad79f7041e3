
// Whether a block has 8 output channels, not 4.
override WIDE: bool = true;

struct Axis {
    at: vec4<u32>,
    inside: vec4<bool>,
}

// Pixels along an axis of `extent`, and whether they are there.
fn on_axis(position: vec4<i32>, extent: u32) -> Axis {
    let last = vec4<i32>(i32(extent) - 1);
    if layer.reflects != 0u {
        return Axis(vec4<u32>(last - abs(last - abs(position))), vec4<bool>(true));
    }
    let there = clamp(position, vec4<i32>(0), last);
    return Axis(vec4<u32>(there), there == position);
}

// Where four positions find a value that they see through one of the taps, and how far it is to the
// same of another channel.
struct Pixels {
    at: vec4<u32>,
    step: vec4<u32>,
}

fn pixels(index: vec4<u32>, channel: u32, stride: u32, row: i32, column: i32) -> Pixels {
    let plane = layer.in_height * layer.in_width;
    let line = index / layer.width;
    let y = on_axis(vec4<i32>(line % layer.height * layer.stride) + row, layer.in_height);
    let x = on_axis(vec4<i32>(index % layer.width * layer.stride) + column, layer.in_width);
    let image = line / layer.height;
    let first = (image * layer.in_channels + channel) * plane + y.at * layer.in_width + x.at;
    let inside = y.inside & x.inside;
    let beyond = layer.images * layer.in_channels * plane;
    return Pixels(
        select(vec4<u32>(beyond), first, inside),
        select(vec4<u32>(0u), vec4<u32>(plane * stride), inside),
    );
}

fn values(at: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(input[at.x], input[at.y], input[at.z], input[at.w]);
}

// Four channels' weights times four positions' values, a column for each position.
fn product(weight: vec4<f32>, value: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(weight * value.x, weight * value.y, weight * value.z, weight * value.w);
}

// Of four positions, for output channels 0 to 3 and 4 to 7 of a block.
struct Accumulators {
    low: mat4x4<f32>,
    high: mat4x4<f32>,
}

// Sums over every `stride`th input channel from `first` on.
fn accumulated(phase: u32, block: u32, index: vec4<u32>, first: u32, stride: u32) -> Accumulators {
    let taps = layer.taps[phase];
    let vectors = select(1u, 2u, WIDE);
    let tap = layer.in_channels * vectors;
    var weight = taps.weights + block * taps.rows * taps.columns * tap;
    var low = mat4x4<f32>();
    var high = mat4x4<f32>();
    for (var row = 0u; row < taps.rows; row++) {
        for (var column = 0u; column < taps.columns; column++) {
            let y = taps.first_row + i32(row);
            let x = taps.first_column + i32(column);
            var seen = pixels(index, first, stride, y, x);
            // At 1 × 1 pixels, most of a kernel is beyond the edge.
            if any(seen.step != vec4<u32>(0u)) {
                for (var channel = first; channel < layer.in_channels; channel += stride) {
                    let value = values(seen.at);
                    low += product(weight_vector(weight + channel * vectors), value);
                    if WIDE {
                        high += product(weight_vector(weight + channel * vectors + 1u), value);
                    }
                    seen.at += seen.step;
                }
            }
            weight += tap;
        }
    }
    return Accumulators(low, high);
}

fn write_sums(phase: u32, index: vec4<u32>, part: u32, channel: u32, sums: mat4x4<f32>) {
    write_sum(phase, index.x, part, channel, sums[0]);
    write_sum(phase, index.y, part, channel, sums[1]);
    write_sum(phase, index.z, part, channel, sums[2]);
    write_sum(phase, index.w, part, channel, sums[3]);
}
