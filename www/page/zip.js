// Reads zip archives: the list of files, and single files, which the browser
// inflates. Archives are untrusted: each read has a limit where inflating stops.

import { Pix2PixError } from '../runtime/errors.js';
import { phrase } from '../runtime/phrase.js';

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const LONGEST_END = 22 + 0xffff;
const MAX_ENTRIES = 2000;
const MAX_DIRECTORY = 4 << 20;
// Weights and images never compress that well; small files may.
const MOST_TIMES = 64;
const HARMLESS = 16 << 20;
// Bytes inflated at once: browsers return all that they become, up to a thousand times as many.
const PIECE = 16 << 10;

/** [{ path, size, read(limit): Promise<Blob> }], without folders. */
export async function readZip(blob, name) {
  const broken = (template, values = {}) =>
    new Pix2PixError('manifest', '{name} cannot be read: {why}. Pack it again.', {
      values: { name, why: { template, values } },
    });
  const tailStart = Math.max(0, blob.size - LONGEST_END);
  const tail = await viewOf(blob, tailStart, blob.size);
  const end = findEnd(tail);
  if (end < 0) throw broken(phrase('it is no zip archive, or it is cut off'));
  const count = tail.getUint16(end + 10, true);
  const size = tail.getUint32(end + 12, true);
  const start = tail.getUint32(end + 16, true);
  if (count > MAX_ENTRIES || size > MAX_DIRECTORY)
    throw broken(phrase('it holds more than {most} files'), { most: MAX_ENTRIES });
  if (start + size > blob.size) throw broken(phrase('its list of files is cut off, or it is larger than 4 GB'));
  try {
    return [...entries(await viewOf(blob, start, start + size), count, blob, broken)];
  } catch (error) {
    if (error instanceof RangeError) throw broken(phrase('its list of files is damaged'));
    throw error;
  }
}

function findEnd(tail) {
  for (let at = tail.byteLength - 22; at >= 0; at--) {
    if (tail.getUint32(at, true) === END) return at;
  }
  return -1;
}

function* entries(view, count, blob, broken) {
  const decoder = new TextDecoder();
  for (let at = 0, index = 0; index < count; index++) {
    if (view.getUint32(at, true) !== ENTRY) throw broken(phrase('its list of files is damaged'));
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
    const path = decoder.decode(new Uint8Array(view.buffer, view.byteOffset + at + 46, nameLength));
    const entry = {
      flags: view.getUint16(at + 8, true),
      method: view.getUint16(at + 10, true),
      packed: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      start: view.getUint32(at + 42, true),
    };
    if (!path.endsWith('/'))
      yield { path, size: entry.size, read: (limit) => unpack(blob, path, entry, limit, broken) };
    at += 46 + nameLength + extraLength + commentLength;
  }
}

async function unpack(blob, path, { flags, method, packed, size, start }, limit, broken) {
  if (flags & 1) throw broken(phrase('{path} is encrypted'), { path });
  if (method !== 0 && method !== 8)
    throw broken(phrase('{path} is packed in a way that browsers cannot read'), { path });
  if (size > limit) throw broken(phrase('{path} is larger than {limit} bytes'), { path, limit });
  if (size > HARMLESS && size > MOST_TIMES * packed)
    throw broken(phrase('{path} would unpack to more than {times} times its size'), { path, times: MOST_TIMES });
  const head = await viewOf(blob, start, start + 30);
  if (head.byteLength < 30 || head.getUint32(0, true) !== LOCAL)
    throw broken(phrase('{path} is not where the list says'), { path });
  const from = start + 30 + head.getUint16(26, true) + head.getUint16(28, true);
  const raw = blob.slice(from, from + packed);
  const pieces = new TransformStream({
    transform(chunk, controller) {
      for (let at = 0; at < chunk.byteLength; at += PIECE) controller.enqueue(chunk.subarray(at, at + PIECE));
    },
  });
  let sum = 0;
  const count = new TransformStream({
    transform(chunk, controller) {
      sum += chunk.byteLength;
      if (sum > size) throw new RangeError('more than was announced');
      controller.enqueue(chunk);
    },
  });
  const unpacked =
    method === 0
      ? raw
      : await new Response(
          raw.stream().pipeThrough(pieces).pipeThrough(new DecompressionStream('deflate-raw')).pipeThrough(count),
        )
          .blob()
          .catch(() => {
            if (sum <= size) throw broken(phrase('{path} is damaged'), { path });
          });
  if (unpacked?.size !== size) throw broken(phrase('{path} does not have the size that the list says'), { path });
  return unpacked;
}

async function viewOf(blob, start, end) {
  return new DataView(await blob.slice(start, end).arrayBuffer());
}
