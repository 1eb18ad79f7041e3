// The forward pass on a graphics device. Feature maps are tensors [images, channels, height,
// width] with one zero behind them, which stands for everything beyond an edge.

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
    // Parts of a channel whose statistics are taken by themselves.
    slices: u32,
    // Factor of all sums: weights in 16 bits are as large as these bits allow.
    unit: f32,
}

@group(0) @binding(0) var<storage, read> layer: Layer;
@group(0) @binding(1) var<storage, read> input: array<f32>;
// Factor and summand of each channel, of all images or of each group that has its own.
@group(0) @binding(3) var<storage, read> affine: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read_write> first_output: array<f32>;
@group(0) @binding(5) var<storage, read_write> second_output: array<f32>;

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
        let outcome = activated(first, value);
        let start = (to.image * first.channels + first.channel + to.channel) * plane + position;
        write_first(start, outcome.x);
        if count > 1u { write_first(start + plane, outcome.y); }
        if count > 2u { write_first(start + plane * 2u, outcome.z); }
        if count > 3u { write_first(start + plane * 3u, outcome.w); }
    }
    let second = layer.outputs[1];
    if second.action != NOTHING {
        let outcome = activated(second, value);
        let start = (to.image * second.channels + second.channel + to.channel) * plane + position;
        second_output[start] = outcome.x;
        if count > 1u { second_output[start + plane] = outcome.y; }
        if count > 2u { second_output[start + plane * 2u] = outcome.z; }
        if count > 3u { second_output[start + plane * 3u] = outcome.w; }
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
        write(Target(part * layer.images + image, y, x, channel), sum * layer.unit);
    } else {
        write(Target(image, y, x, channel), normalised(image, channel, sum * layer.unit));
    }
}
