
// As a product of matrices: a group does a tile of positions times output channels, and brings what
// they need of SLAB values of the sum at a time to memory that its threads share. A thread does 8
// positions times a block of 8 channels.

// Blocks of 8 output channels in a tile: 8 with 64 positions, or 4 with 128.
override TILE_BLOCKS: u32 = 8u;
const SLAB = 16u;

// [value of the sum, position].
var<workgroup> tile_values: array<f32, 2048>;
// [value of the sum, vector of 4 output channels].
var<workgroup> tile_weights: array<vec4<f32>, 256>;

// The values of the sum are those of the first tap for each input channel, then of the next one.
struct Walk {
    tap: u32,
    channel: u32,
}

// Where the first channel of a tap is, for a position; beyond an edge, the zero.
struct Origin {
    at: u32,
    step: u32,
}

fn origin(index: u32, phase: u32, tap: u32) -> Origin {
    let taps = layer.taps[phase];
    let y = taps.first_row + i32(tap / taps.columns);
    let x = taps.first_column + i32(tap % taps.columns);
    let found = pixels(vec4<u32>(index), 0u, 1u, y, x);
    return Origin(found.at.x, found.step.x);
}

@compute @workgroup_size(64)
fn convolve_tiled(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let number = layer.first_group + group.y * groups.x + group.x;
    if number * 64u >= layer.threads {
        return;
    }
    let tile_rows = 64u / TILE_BLOCKS;
    let tile_positions = tile_rows * 8u;
    let positions = layer.images * layer.height * layer.width;
    let across = (positions + tile_positions - 1u) / tile_positions;
    let first_position = number % across * tile_positions;
    let part = number / across % layer.parts;
    let first_block = number / across / layer.parts * TILE_BLOCKS;
    let phase = group.z;
    let taps = layer.taps[phase];
    let count = taps.rows * taps.columns * layer.in_channels;
    let share = ((count + layer.parts - 1u) / layer.parts + SLAB - 1u) / SLAB * SLAB;
    let end = min(count, (part + 1u) * share);
    let blocks = (layer.out_channels + 7u) / 8u;
    let row = lane % tile_rows;
    let column = lane / tile_rows;

    // One or two positions for each thread to fetch.
    let own = min(first_position + lane, positions - 1u);
    let other = min(first_position + lane + 64u, positions - 1u);
    var value = part * share;
    var walk = Walk(value / layer.in_channels, value % layer.in_channels);
    var spot = origin(own, phase, walk.tap);
    var other_spot = origin(other, phase, walk.tap);
    spot.at += walk.channel * spot.step;
    other_spot.at += walk.channel * other_spot.step;

    var a = mat4x4<f32>();
    var b = mat4x4<f32>();
    var c = mat4x4<f32>();
    var d = mat4x4<f32>();
    while value < end {
        let slab = min(SLAB, end - value);
        for (var index = 0u; index < slab; index++) {
            if walk.channel == layer.in_channels {
                walk = Walk(walk.tap + 1u, 0u);
                spot = origin(own, phase, walk.tap);
                other_spot = origin(other, phase, walk.tap);
            }
            tile_values[index * tile_positions + lane] = input[spot.at];
            spot.at += spot.step;
            if TILE_BLOCKS == 4u {
                tile_values[index * tile_positions + lane + 64u] = input[other_spot.at];
                other_spot.at += other_spot.step;
            }
            walk.channel += 1u;
        }
        for (var index = lane; index < SLAB * TILE_BLOCKS * 2u; index += 64u) {
            let block = index / (SLAB * 2u);
            let within = index % (SLAB * 2u);
            let is_there = within / 2u < slab && first_block + block < blocks;
            let start = taps.weights + ((first_block + block) * count + value) * 2u;
            let at = within / 2u * TILE_BLOCKS * 2u + block * 2u + within % 2u;
            tile_weights[at] = weight_vector(select(0u, start + within, is_there));
        }
        workgroupBarrier();
        for (var index = 0u; index < slab; index++) {
            let at = index * tile_positions + row;
            let near = vec4<f32>(
                tile_values[at],
                tile_values[at + tile_rows],
                tile_values[at + tile_rows * 2u],
                tile_values[at + tile_rows * 3u],
            );
            let far = vec4<f32>(
                tile_values[at + tile_rows * 4u],
                tile_values[at + tile_rows * 5u],
                tile_values[at + tile_rows * 6u],
                tile_values[at + tile_rows * 7u],
            );
            let low = tile_weights[(index * TILE_BLOCKS + column) * 2u];
            let high = tile_weights[(index * TILE_BLOCKS + column) * 2u + 1u];
            a += product(low, near);
            b += product(high, near);
            c += product(low, far);
            d += product(high, far);
        }
        workgroupBarrier();
        value += slab;
    }
    let channel = (first_block + column) * 8u;
    let nearest = first_position + row + vec4<u32>(0u, 1u, 2u, 3u) * tile_rows;
    write_sums(phase, nearest, part, channel, a);
    write_sums(phase, nearest, part, channel + 4u, b);
    let farthest = nearest + 4u * tile_rows;
    write_sums(phase, farthest, part, channel, c);
    write_sums(phase, farthest, part, channel + 4u, d);
}
