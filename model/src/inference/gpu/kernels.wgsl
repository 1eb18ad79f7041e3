// The forward pass on a graphics device. Feature maps are tensors [images, channels, height,
// width] with one zero behind them, which stands for everything beyond an edge.
//
// A thread adds up 4 positions times a block of output channels. Positions that are neighbours in x
// belong to neighbouring threads, which read neighbouring pixels and the same weights. Where there
// are few positions, several threads share the input channels, and `finish` adds up what they found.

// Whether a block has 8 output channels, not 4.
override WIDE: bool = true;

// What the output pixels of one parity see, and where their weights begin.
struct Taps {
    first_row: i32,
    first_column: i32,
    rows: u32,
    columns: u32,
    weights: u32,
}

const NOTHING = 0u;
const REPLACE = 1u;
const ADD = 2u;
const TANH = 3u;

// Where outputs go: into channels of a feature map from `channel` on.
struct Output {
    action: u32,
    channel: u32,
    channels: u32,
    // Factor of negative values.
    slope: f32,
}

struct Layer {
    taps: array<Taps, 4>,
    outputs: array<Output, 2>,
    in_channels: u32,
    in_height: u32,
    in_width: u32,
    reflects: u32,
    // Positions of one parity.
    images: u32,
    height: u32,
    width: u32,
    // Input pixels from one position to the next.
    stride: u32,
    // Output pixels for each position, along one axis.
    scale: u32,
    out_channels: u32,
    // Images whose statistics are taken as one.
    norm_images: u32,
    // Whether accumulators become outputs at once.
    finishes: u32,
    // Parts of the input channels that are summed up by themselves.
    parts: u32,
    // Threads beyond have nothing to do.
    threads: u32,
    // Groups before the first of this pass.
    first_group: u32,
}

@group(0) @binding(0) var<storage, read> layer: Layer;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<vec4<f32>>;
// Factor and summand of each channel, of all images or of each group that has its own.
@group(0) @binding(3) var<storage, read> affine: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read_write> first_output: array<f32>;
@group(0) @binding(5) var<storage, read_write> second_output: array<f32>;

struct Axis {
    at: vec4<u32>,
    inside: vec4<bool>,
}

// Pixels along an axis of `length`, and whether they are there.
fn on_axis(position: vec4<i32>, length: u32) -> Axis {
    let last = vec4<i32>(i32(length) - 1);
    if layer.reflects != 0u {
        return Axis(vec4<u32>(last - abs(last - abs(position))), vec4<bool>(true));
    }
    let there = clamp(position, vec4<i32>(0), last);
    return Axis(vec4<u32>(there), there == position);
}

// Where four positions find the first value that they see through one of the taps, and how far
// it is to the next.
struct Pixels {
    at: vec4<u32>,
    step: vec4<u32>,
}

fn pixels(index: vec4<u32>, part: u32, row: i32, column: i32) -> Pixels {
    let plane = layer.in_height * layer.in_width;
    let line = index / layer.width;
    let y = on_axis(vec4<i32>(line % layer.height * layer.stride) + row, layer.in_height);
    let x = on_axis(vec4<i32>(index % layer.width * layer.stride) + column, layer.in_width);
    let image = line / layer.height;
    let first = (image * layer.in_channels + part) * plane + y.at * layer.in_width + x.at;
    let inside = y.inside & x.inside;
    let beyond = layer.images * layer.in_channels * plane;
    return Pixels(
        select(vec4<u32>(beyond), first, inside),
        select(vec4<u32>(0u), vec4<u32>(plane * layer.parts), inside),
    );
}

fn values(at: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(input[at.x], input[at.y], input[at.z], input[at.w]);
}

// Four channels' weights times four positions' values, a column for each position.
fn product(weight: vec4<f32>, value: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(weight * value.x, weight * value.y, weight * value.z, weight * value.w);
}

// The accumulators of four positions over one part of the input channels, for output channels 0 to 3
// and 4 to 7 of a block.
fn accumulated(phase: u32, block: u32, index: vec4<u32>, part: u32) -> array<mat4x4<f32>, 2> {
    let taps = layer.taps[phase];
    let vectors = select(1u, 2u, WIDE);
    let tap = layer.in_channels * vectors;
    var weight = taps.weights + block * taps.rows * taps.columns * tap;
    var a = mat4x4<f32>();
    var b = mat4x4<f32>();
    for (var row = 0u; row < taps.rows; row++) {
        for (var column = 0u; column < taps.columns; column++) {
            let y = taps.first_row + i32(row);
            let x = taps.first_column + i32(column);
            var pixels = pixels(index, part, y, x);
            // At 1 × 1 pixels, most of a kernel is beyond the edge.
            if any(pixels.step != vec4<u32>(0u)) {
                for (var channel = part; channel < layer.in_channels; channel += layer.parts) {
                    let values = values(pixels.at);
                    a += product(weights[weight + channel * vectors], values);
                    if WIDE {
                        b += product(weights[weight + channel * vectors + 1u], values);
                    }
                    pixels.at += pixels.step;
                }
            }
            weight += tap;
        }
    }
    return array(a, b);
}

fn activated(output: Output, value: vec4<f32>) -> vec4<f32> {
    if output.action == TANH {
        // Some devices' own gives NaN for large values.
        return tanh(clamp(value, vec4<f32>(-12.0), vec4<f32>(12.0)));
    }
    return select(value * output.slope, value, value > vec4<f32>(0.0));
}

// A position in the output, and which four channels.
struct Target {
    image: u32,
    y: u32,
    x: u32,
    channel: u32,
}

fn write_first(index: u32, value: f32) {
    if layer.outputs[0].action == ADD {
        first_output[index] += value;
    } else {
        first_output[index] = value;
    }
}

fn write(to: Target, value: vec4<f32>) {
    let width = layer.width * layer.scale;
    let plane = layer.height * layer.scale * width;
    let position = to.y * width + to.x;
    let count = layer.out_channels - to.channel;
    let first = layer.outputs[0];
    if first.action != NOTHING {
        let values = activated(first, value);
        let start = (to.image * first.channels + first.channel + to.channel) * plane + position;
        write_first(start, values.x);
        if count > 1u { write_first(start + plane, values.y); }
        if count > 2u { write_first(start + plane * 2u, values.z); }
        if count > 3u { write_first(start + plane * 3u, values.w); }
    }
    let second = layer.outputs[1];
    if second.action != NOTHING {
        let values = activated(second, value);
        let start = (to.image * second.channels + second.channel + to.channel) * plane + position;
        second_output[start] = values.x;
        if count > 1u { second_output[start + plane] = values.y; }
        if count > 2u { second_output[start + plane * 2u] = values.z; }
        if count > 3u { second_output[start + plane * 3u] = values.w; }
    }
}

// Sums with the factors and summands of their channels.
fn normalised(image: u32, channel: u32, sum: vec4<f32>) -> vec4<f32> {
    let start = image / layer.norm_images * layer.out_channels;
    let last = layer.out_channels - 1u;
    let a = affine[start + channel];
    let b = affine[start + min(channel + 1u, last)];
    let c = affine[start + min(channel + 2u, last)];
    let d = affine[start + min(channel + 3u, last)];
    return sum * vec4<f32>(a.x, b.x, c.x, d.x) + vec4<f32>(a.y, b.y, c.y, d.y);
}

fn write_sum(phase: u32, index: u32, part: u32, channel: u32, sum: vec4<f32>) {
    if channel >= layer.out_channels || index >= layer.images * layer.height * layer.width {
        return;
    }
    let row = index / layer.width;
    let image = row / layer.height;
    let y = row % layer.height * layer.scale + phase / layer.scale;
    let x = index % layer.width * layer.scale + phase % layer.scale;
    if layer.finishes == 0u {
        write(Target(part * layer.images + image, y, x, channel), sum);
    } else {
        write(Target(image, y, x, channel), normalised(image, channel, sum));
    }
}

@compute @workgroup_size(64)
fn convolve(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let thread = (layer.first_group + group.y * groups.x + group.x) * 64u + lane;
    if thread >= layer.threads {
        return;
    }
    let positions = layer.images * layer.height * layer.width;
    let quarter = (positions + 3u) / 4u;
    let part = thread / quarter % layer.parts;
    let block = thread / quarter / layer.parts;
    let index = thread % quarter + vec4<u32>(0u, 1u, 2u, 3u) * quarter;
    var found = accumulated(group.z, block, min(index, vec4<u32>(positions - 1u)), part);
    let vectors = select(1u, 2u, WIDE);
    for (var vector = 0u; vector < vectors; vector++) {
        let channel = (block * vectors + vector) * 4u;
        for (var position = 0u; position < 4u; position++) {
            write_sum(group.z, index[position], part, channel, found[vector][position]);
        }
    }
}

// A sum of which `convolve` left the parts in `input`.
fn whole_sum(index: u32) -> f32 {
    let values = layer.images * layer.out_channels * layer.height * layer.width;
    var sum = 0.0;
    for (var part = 0u; part < layer.parts; part++) {
        sum += input[part * values + index];
    }
    return sum;
}

// Sums, with their factors and summands, on their way to the outputs.
@compute @workgroup_size(64)
fn finish(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let thread = (layer.first_group + group.y * groups.x + group.x) * 64u + lane;
    if thread >= layer.threads {
        return;
    }
    let plane = layer.height * layer.width;
    let position = thread % plane;
    let image = thread / plane % layer.images;
    let channel = thread / plane / layer.images * 4u;
    let start = (image * layer.out_channels + channel) * plane + position;
    let count = layer.out_channels - channel;
    var sum = vec4<f32>(whole_sum(start), 0.0, 0.0, 0.0);
    if count > 1u { sum.y = whole_sum(start + plane); }
    if count > 2u { sum.z = whole_sum(start + plane * 2u); }
    if count > 3u { sum.w = whole_sum(start + plane * 3u); }
    let to = Target(image, position / layer.width, position % layer.width, channel);
    write(to, normalised(image, channel, sum));
}

const EPSILON = 1e-5;
var<workgroup> shared_parts: array<f32, 64>;

fn sum_of_group(lane: u32, part: f32) -> f32 {
    shared_parts[lane] = part;
    workgroupBarrier();
    var sum = 0.0;
    for (var other = 0u; other < 64u; other++) {
        sum += shared_parts[other];
    }
    workgroupBarrier();
    return sum;
}

// Turns the learned scales and shifts in `affine` into the factors and summands that bring each
// channel to mean 0 and variance 1 before. A group does a channel of `norm_images`.
@compute @workgroup_size(64)
fn statistics(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let channel = group.x;
    let plane = layer.height * layer.width;
    let count = f32(plane * layer.norm_images);
    var total = 0.0;
    for (var image = 0u; image < layer.norm_images; image++) {
        let at = ((group.y * layer.norm_images + image) * layer.out_channels + channel) * plane;
        // Sums of parts lose fewer digits than one sum of all.
        for (var start = 0u; start < plane; start += 1024u) {
            var sum = 0.0;
            for (var index = start + lane; index < min(start + 1024u, plane); index += 64u) {
                sum += whole_sum(at + index);
            }
            total += sum;
        }
    }
    let mean = sum_of_group(lane, total) / count;
    total = 0.0;
    for (var image = 0u; image < layer.norm_images; image++) {
        let at = ((group.y * layer.norm_images + image) * layer.out_channels + channel) * plane;
        for (var start = 0u; start < plane; start += 1024u) {
            var sum = 0.0;
            for (var index = start + lane; index < min(start + 1024u, plane); index += 64u) {
                let off = whole_sum(at + index) - mean;
                sum += off * off;
            }
            total += sum;
        }
    }
    let variance = sum_of_group(lane, total) / count;
    if lane == 0u {
        let learned = affine[channel];
        let factor = learned.x / sqrt(variance + EPSILON);
        let to = (group.y * layer.out_channels + channel) * 2u;
        first_output[to] = factor;
        first_output[to + 1u] = learned.y - mean * factor;
    }
}
