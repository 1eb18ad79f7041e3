
// Where there are few positions and many input channels: the threads of a group share the channels of
// 4 positions times a block of output channels, and add up what they found.

// [thread, position and vector of 4 output channels].
var<workgroup> found_sums: array<vec4<f32>, 512>;

@compute @workgroup_size(64)
fn convolve_grouped(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let number = layer.first_group + group.y * groups.x + group.x;
    if number * 64u >= layer.threads {
        return;
    }
    let positions = layer.images * layer.height * layer.width;
    let quarter = (positions + 3u) / 4u;
    let part = number / quarter % layer.parts;
    let block = number / quarter / layer.parts;
    let index = number % quarter + vec4<u32>(0u, 1u, 2u, 3u) * quarter;
    let seen = min(index, vec4<u32>(positions - 1u));
    let found = accumulated(group.z, block, seen, part * 64u + lane, layer.parts * 64u);
    let at = lane * 8u;
    found_sums[at] = found.low[0];
    found_sums[at + 1u] = found.low[1];
    found_sums[at + 2u] = found.low[2];
    found_sums[at + 3u] = found.low[3];
    found_sums[at + 4u] = found.high[0];
    found_sums[at + 5u] = found.high[1];
    found_sums[at + 6u] = found.high[2];
    found_sums[at + 7u] = found.high[3];
    workgroupBarrier();
    // Each thread adds up an eighth of one of the 8 vectors, then one thread for each the eighths.
    var sum = vec4<f32>();
    for (var thread = lane / 8u * 8u; thread < lane / 8u * 8u + 8u; thread++) {
        sum += found_sums[thread * 8u + lane % 8u];
    }
    workgroupBarrier();
    found_sums[lane] = sum;
    workgroupBarrier();
    if lane < 8u {
        var whole = vec4<f32>();
        for (var eighth = 0u; eighth < 8u; eighth++) {
            whole += found_sums[eighth * 8u + lane];
        }
        let channels = select(4u, 8u, WIDE);
        let channel = block * channels + lane / 4u * 4u;
        if lane / 4u * 4u < channels {
            let position = number % quarter + lane % 4u * quarter;
            write_sum(group.z, position, part, channel, whole);
        }
    }
}
