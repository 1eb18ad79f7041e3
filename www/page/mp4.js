// Packs encoded frames into an MP4 file (ISO 14496-12): one track, and all of its frames in one chunk.

/** Codes of ISO 23091-2 for the names of WebCodecs; 2 stands for what is not known. */
const PRIMARIES = { bt709: 1, bt470bg: 5, smpte170m: 6, bt2020: 9 };
const TRANSFERS = { bt709: 1, smpte170m: 6, linear: 8, 'iec61966-2-1': 13 };
const MATRICES = { rgb: 0, bt709: 1, bt470bg: 5, smpte170m: 6, 'bt2020-ncl': 9 };
const UNKNOWN = 2;

const MATRIX = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);
const RESOLUTION = 0x480000;

/** `config` is the encoder's `decoderConfig` for H.264 or VP9; each sample has bytes, whether it is a key frame, and
    for how many of `rate` parts of a second it is shown.
    @param {{ width: number, height: number, rate: number, config: VideoDecoderConfig,
      samples: { bytes: Uint8Array<ArrayBuffer>, isKey: boolean, duration: number }[] }} film */
export function mp4Of({ width, height, rate, config, samples }) {
  const duration = samples.reduce((sum, sample) => sum + sample.duration, 0);
  const size = samples.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const kind = box('ftyp', ascii('isom'), u32(0x200), ascii('isomiso2mp41'));
  const movie = (start) =>
    box(
      'moov',
      full('mvhd', 0, u32(0, 0, rate, duration, 0x10000), u16(0x100), zeros(10), MATRIX, zeros(24), u32(2)),
      box(
        'trak',
        // It is enabled, and part of the movie.
        full('tkhd', 3, u32(0, 0, 1, 0, duration), zeros(16), MATRIX, u32(width << 16, height << 16)),
        box(
          'mdia',
          full('mdhd', 0, u32(0, 0, rate, duration), u16(0x55c4, 0)), // in no language
          full('hdlr', 0, u32(0), ascii('vide'), zeros(13)),
          box(
            'minf',
            full('vmhd', 1, zeros(8)),
            box('dinf', full('dref', 0, u32(1), full('url ', 1))), // in this file
            box('stbl', description(width, height, config), ...tables(samples, start)),
          ),
        ),
      ),
    );
  const start = kind.length + movie(0).length + 8; // behind the head of `mdat`
  const frames = samples.map(({ bytes }) => bytes);
  return new Blob([kind, movie(start), u32(8 + size), ascii('mdat'), ...frames], { type: 'video/mp4' });
}

/** How the frames are encoded. */
function description(width, height, config) {
  const isAvc = config.codec.startsWith('avc1');
  const { primaries, transfer, matrix, fullRange } = config.colorSpace ?? {};
  const range = fullRange ? 1 : 0;
  const colours = [PRIMARIES[primaries ?? ''], TRANSFERS[transfer ?? ''], MATRICES[matrix ?? '']].map(
    (code) => code ?? UNKNOWN,
  );
  const entry = [zeros(6), u16(1), zeros(16), u16(width, height), u32(RESOLUTION, RESOLUTION, 0), u16(1), zeros(32)];
  // Profile, level, 8 bits with colours of half the size.
  const [, profile, level] = config.codec.split('.').map(Number);
  return full(
    'stsd',
    0,
    u32(1),
    box(
      isAvc ? 'avc1' : 'vp09',
      ...entry,
      u16(24, 0xffff),
      isAvc
        ? box('avcC', bytesOf(config.description))
        : box('vpcC', u32(1 << 24), Uint8Array.of(profile, level, 0x82 | range, ...colours, 0, 0)),
      box('colr', ascii('nclx'), u16(...colours), Uint8Array.of(range << 7)),
    ),
  );
}

/** How long each frame is shown, which ones are whole, how large they are, and where they begin. */
function tables(samples, start) {
  const runs = [];
  for (const { duration } of samples) {
    const last = runs.at(-1);
    if (last?.[1] === duration) last[0]++;
    else runs.push([1, duration]);
  }
  const keys = samples.flatMap(({ isKey }, index) => (isKey ? [index + 1] : []));
  const sizes = samples.map(({ bytes }) => bytes.length);
  return [
    full('stts', 0, u32(runs.length, ...runs.flat())),
    full('stss', 0, u32(keys.length, ...keys)),
    full('stsc', 0, u32(1, 1, samples.length, 1)),
    full('stsz', 0, u32(0, sizes.length, ...sizes)),
    full('stco', 0, u32(1, start)),
  ];
}

/** A box with a version, 0, and flags. */
function full(name, flags, ...parts) {
  return box(name, u32(flags), ...parts);
}

function box(name, ...parts) {
  const size = parts.reduce((sum, part) => sum + part.length, 8);
  const made = new Uint8Array(size);
  let at = 0;
  for (const part of [u32(size), ascii(name), ...parts]) {
    made.set(part, at);
    at += part.length;
  }
  return made;
}

function ascii(text) {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function zeros(count) {
  return new Uint8Array(count);
}

function u16(...values) {
  return Uint8Array.from(values.flatMap((value) => [value >>> 8, value]));
}

function u32(...values) {
  return Uint8Array.from(values.flatMap((value) => [value >>> 24, value >>> 16, value >>> 8, value]));
}

/** @param {AllowSharedBufferSource | undefined} source */
function bytesOf(source) {
  if (!source) return zeros(0);
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}
