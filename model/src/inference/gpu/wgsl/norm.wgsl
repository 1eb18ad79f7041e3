
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
    let thread = (group.y * groups.x + group.x) * 64u + lane;
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

// Values of a channel, from `first` on; those of several images follow one another.
struct Slice {
    first_image: u32,
    channel: u32,
    first: u32,
    end: u32,
}

// What a thread finds of a slice: the sum of its values, or of the squares of what they are off a
// mean.
fn share_of(slice: Slice, lane: u32, mean: f32, is_squared: bool) -> f32 {
    let plane = layer.height * layer.width;
    var total = 0.0;
    for (var image = slice.first / plane; image * plane < slice.end; image++) {
        let at = ((slice.first_image + image) * layer.out_channels + slice.channel) * plane;
        let end = min(slice.end - image * plane, plane);
        // Sums of parts lose fewer digits than one sum of all.
        for (var start = max(slice.first, image * plane) - image * plane; start < end; start += 1024u) {
            var sum = 0.0;
            for (var index = start + lane; index < min(start + 1024u, end); index += 64u) {
                let value = whole_sum(at + index);
                sum += select(value, (value - mean) * (value - mean), is_squared);
            }
            total += sum;
        }
    }
    return total;
}

// Writes the factor and the summand that bring a channel to mean 0 and variance 1 before the learned
// ones in `affine`.
fn write_affine(group: u32, channel: u32, mean: f32, variance: f32) {
    let learned = affine[channel];
    let factor = learned.x / sqrt(variance + EPSILON);
    let to = (group * layer.out_channels + channel) * 2u;
    first_output[to] = factor;
    first_output[to + 1u] = learned.y - mean * factor;
}

fn values_of_slice() -> u32 {
    let count = layer.height * layer.width * layer.norm_images;
    return (count + layer.slices - 1u) / layer.slices;
}

// A group does a slice of a channel of `norm_images`. Where it has several, what `merge` needs is
// written: the mean, and the sum of squares of what values are off it.
@compute @workgroup_size(64)
fn statistics(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let whole = layer.height * layer.width * layer.norm_images;
    let share = values_of_slice();
    let first = min(group.z * share, whole);
    let end = min(first + share, whole);
    let slice = Slice(group.y * layer.norm_images, group.x, first, end);
    let count = f32(max(end - first, 1u));
    let mean = sum_of_group(lane, share_of(slice, lane, 0.0, false)) / count;
    let squares = sum_of_group(lane, share_of(slice, lane, mean, true));
    if lane == 0u {
        if layer.slices == 1u {
            write_affine(group.y, group.x, mean, squares / count);
        } else {
            let number = (group.y * layer.out_channels + group.x) * layer.slices + group.z;
            first_output[number * 2u] = mean;
            first_output[number * 2u + 1u] = squares;
        }
    }
}

// Turns the statistics of slices, in `input`, into those of their channels.
@compute @workgroup_size(64)
fn merge(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let number = group.x * 64u + lane;
    if number >= layer.threads {
        return;
    }
    let whole = layer.height * layer.width * layer.norm_images;
    let share = values_of_slice();
    let first = number * layer.slices;
    var mean = 0.0;
    for (var slice = 0u; slice < layer.slices; slice++) {
        let count = min((slice + 1u) * share, whole) - min(slice * share, whole);
        mean += input[(first + slice) * 2u] * (f32(count) / f32(whole));
    }
    var squares = 0.0;
    for (var slice = 0u; slice < layer.slices; slice++) {
        let count = min((slice + 1u) * share, whole) - min(slice * share, whole);
        let off = input[(first + slice) * 2u] - mean;
        squares += input[(first + slice) * 2u + 1u] + off * off * f32(count);
    }
    write_affine(number / layer.out_channels, number % layer.out_channels, mean, squares / f32(whole));
}
