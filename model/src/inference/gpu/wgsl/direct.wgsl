
// A thread adds up 4 positions times a block of output channels. Positions that are neighbours in x
// belong to neighbouring threads, which read neighbouring pixels and the same weights. Where there
// are few positions, several threads share the input channels, and `finish` adds up what they found.
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
    let seen = min(index, vec4<u32>(positions - 1u));
    let found = accumulated(group.z, block, seen, part, layer.parts);
    let channel = block * select(4u, 8u, WIDE);
    write_sums(group.z, index, part, channel, found.low);
    if WIDE {
        write_sums(group.z, index, part, channel + 4u, found.high);
    }
}
