// RGBA pixels to a network's input and back. To the byte what the CPU does: tables hold what rounding
// decides, so that no device's arithmetic does.

struct Picture {
    // Of the picture, and of the network's input, in whose middle it lies.
    size: vec2<u32>,
    padded: vec2<u32>,
    in_channels: u32,
    out_channels: u32,
    // Whether the network gives a correction of its input.
    is_correction: u32,
}

@group(0) @binding(0) var<storage, read> picture: Picture;
// The least value of each byte.
@group(0) @binding(1) var<storage, read> least: array<f32>;
// For each byte, what red, green and blue of it add to a grey, and its own value.
@group(0) @binding(2) var<storage, read> units: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> feature_map: array<f32>;
// Four bytes each, red in the lowest.
@group(0) @binding(5) var<storage, read_write> rgba: array<u32>;

// The pixel of a line that `index` of the padded line shows: margins mirror it as often as needed.
fn mirrored(index: u32, extent: u32, padded: u32) -> u32 {
    let before = (padded - extent) / 2u;
    let period = max(2u * extent, 3u) - 2u;
    let phase = (index + (before + period - 1u) / period * period - before) % period;
    return min(min(phase, period - phase), extent - 1u);
}

fn byte_of(pixel: u32, channel: u32) -> u32 {
    return (pixel >> (8u * channel)) & 255u;
}

fn input_value(pixel: u32, channel: u32) -> f32 {
    if picture.in_channels == 1u {
        let red = units[byte_of(pixel, 0u)].x;
        let green = units[byte_of(pixel, 1u)].y;
        return red + green + units[byte_of(pixel, 2u)].z;
    }
    return units[byte_of(pixel, channel)].w;
}

@compute @workgroup_size(64)
fn unpack(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let thread = (group.y * groups.x + group.x) * 64u + lane;
    let plane = picture.padded.x * picture.padded.y;
    if thread >= plane {
        return;
    }
    let x = mirrored(thread % picture.padded.x, picture.size.x, picture.padded.x);
    let y = mirrored(thread / picture.padded.x, picture.size.y, picture.padded.y);
    let pixel = rgba[y * picture.size.x + x];
    for (var channel = 0u; channel < picture.in_channels; channel++) {
        feature_map[channel * plane + thread] = input_value(pixel, channel);
    }
}

fn rounded(value: f32) -> u32 {
    var byte = 0u;
    for (var half = 128u; half > 0u; half /= 2u) {
        if value >= least[byte + half] {
            byte += half;
        }
    }
    return byte;
}

@compute @workgroup_size(64)
fn pack(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let thread = (group.y * groups.x + group.x) * 64u + lane;
    if thread >= picture.size.x * picture.size.y {
        return;
    }
    let margin = (picture.padded - picture.size) / 2u;
    let row = thread / picture.size.x + margin.y;
    let at = row * picture.padded.x + thread % picture.size.x + margin.x;
    let plane = picture.padded.x * picture.padded.y;
    let before = rgba[thread];
    // One and two channels are grey; a fourth of four is alpha, which the picture otherwise keeps.
    let is_grey = picture.out_channels < 3u;
    let count = select(3u, 4u, picture.out_channels == 4u);
    var pixel = select(before & 0xff000000u, 0u, count == 4u);
    for (var channel = 0u; channel < count; channel++) {
        let source = select(channel, 0u, is_grey);
        var value = feature_map[source * plane + at];
        if picture.is_correction != 0u {
            value = clamp(value + input_value(before, source), -1.0, 1.0);
        }
        pixel |= rounded(value) << (8u * channel);
    }
    rgba[thread] = pixel;
}
