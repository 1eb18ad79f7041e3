// Packs files into a .zip, stored as they are: weights and pictures hardly compress.

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** @param {{ path: string, bytes: Uint8Array<ArrayBuffer> }[]} files */
export function zipOf(files) {
  const encoder = new TextEncoder();
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const { path, bytes } of files) {
    const name = encoder.encode(path);
    // Version 2.0, names in UTF-8, stored, no date.
    const common = [20, 0x800, 0, 0, 0x21];
    const sizes = [crc32(bytes), bytes.length, bytes.length];
    const local = record(0x04034b50, common, sizes, [name.length, 0]);
    parts.push(local, name, bytes);
    directory.push(record(0x02014b50, [20, ...common], sizes, [name.length, 0, 0, 0, 0], [0, offset]), name);
    offset += local.length + name.length + bytes.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = record(0x06054b50, [0, 0, files.length, files.length], [size, offset], [0]);
  return new Blob([...parts, ...directory, end], { type: 'application/zip' });
}

/** A signature, then groups of numbers: of 16 bits, of 32, and so on by turns. */
function record(signature, ...groups) {
  const bytes = [];
  const push = (value, length) => {
    for (let at = 0; at < length; at++) bytes.push((value >>> (8 * at)) & 0xff);
  };
  push(signature, 4);
  groups.forEach((group, index) => group.forEach((value) => push(value, index % 2 === 0 ? 2 : 4)));
  return Uint8Array.from(bytes);
}
