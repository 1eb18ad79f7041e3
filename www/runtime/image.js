// Decodes image files without altering their pixels, and refuses those that are
// too large before decoding. Runs on the page and in the worker.

import { Pix2PixError } from './errors.js';
import { phrase } from './phrase.js';

/** The largest image to translate: cameras make that many pixels. Input and output take 200 MB. */
export const MAX_PIXELS = 24_500_000;

/** The formats that all browsers decode; without SVG, which may have no size. */
export const IMAGE_TYPES = 'image/png,image/jpeg,image/webp,image/avif,image/gif,image/bmp';

/** The largest image to decode: four bytes a pixel, 320 MB. */
const MAX_DECODED_PIXELS = 80_000_000;

// No file of that many pixels is larger.
const MAX_FILE = 4 * MAX_DECODED_PIXELS;

// In photos the size comes after EXIF data and colour profiles.
const HEADER_BYTES = 512 * 1024;

const SIZE_BOX = 0x69737065; // "ispe"

/** Decodes `blob` upright; more than `maxPixels` are refused before decoding.
    @param {Blob} blob @param {{ name?: import('./phrase.js').Value, maxPixels?: number }} [options] */
export async function decodeImage(blob, { name = phrase('The file'), maxPixels = MAX_DECODED_PIXELS } = {}) {
  if (blob.size > MAX_FILE) {
    const megabytes = (bytes) => Math.round(bytes / 1e6);
    throw new Pix2PixError('input-size', '{name} has {size} MB: at most {most} fit into memory here.', {
      values: { name, size: megabytes(blob.size), most: megabytes(MAX_FILE) },
    });
  }
  const header = new Uint8Array(await blob.slice(0, HEADER_BYTES).arrayBuffer());
  const known = readHeader(header);
  if (known) checkPixels(known.width, known.height, maxPixels, name);
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob, {
      imageOrientation: 'from-image',
      premultiplyAlpha: 'default',
      // The gamma and chromaticity fields of a PNG change its values in browsers,
      // but not in image libraries. A real colour profile is still applied.
      colorSpaceConversion: known?.format === 'png' && !known.profile ? 'none' : 'default',
    });
  } catch (cause) {
    const message = known
      ? phrase('{name} starts like a picture but cannot be decoded. It may be damaged or only half downloaded.')
      : phrase('{name} is not a picture that this browser can read. Choose a PNG, JPEG, WebP, AVIF or GIF file.');
    throw new Pix2PixError('input-size', message, { values: { name }, cause });
  }
  checkPixels(bitmap.width, bitmap.height, maxPixels, name);
  return bitmap;
}

/** Width and height at which an image is translated: its own, or scaled down to the limits. */
export function fittingSize({ width, height }, longest = Infinity) {
  const scale = Math.min(1, Math.sqrt(MAX_PIXELS / (width * height)), longest / Math.max(width, height));
  return [width, height].map((side) => Math.min(MAX_PIXELS, Math.max(1, Math.floor(side * scale))));
}

/** A context in software: canvases on a GPU may return other pixels than were drawn.
    @param {any} canvas */
export function softwareContext(canvas) {
  return canvas.getContext('2d', { willReadFrequently: true });
}

/** @param {number} width @param {number} height @param {number} maxPixels @param {import('./phrase.js').Value} [name] */
export function checkPixels(width, height, maxPixels, name = phrase('The picture')) {
  if (width * height <= maxPixels) return;
  const millions = (count) => Math.round(count / 1e6);
  throw new Pix2PixError(
    'input-size',
    '{name} has {width} × {height} pixels ({pixels} million). At most {most} million fit into memory here: scale it down first.',
    { values: { name, width, height, pixels: millions(width * height), most: millions(maxPixels) } },
  );
}

/** Format and size from the first bytes; null for other formats. */
function readHeader(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ascii = (at, length) => String.fromCharCode(...bytes.subarray(at, at + length));
  try {
    if (ascii(1, 3) === 'PNG') return pngHeader(view, ascii);
    if (bytes[0] === 0xff && bytes[1] === 0xd8) return jpegHeader(view);
    if (ascii(0, 4) === 'GIF8') {
      return { format: 'gif', width: view.getUint16(6, true), height: view.getUint16(8, true) };
    }
    if (ascii(0, 4) === 'RIFF' && ascii(8, 4) === 'WEBP') return webpHeader(view, ascii(12, 4));
    if (ascii(4, 4) === 'ftyp') return avifHeader(view);
    if (ascii(0, 2) === 'BM') {
      return { format: 'bmp', width: view.getInt32(18, true), height: Math.abs(view.getInt32(22, true)) };
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // the header is cut off
  }
  return null;
}

function pngHeader(view, ascii) {
  const found = { format: 'png', width: view.getUint32(16), height: view.getUint32(20), profile: false };
  for (let at = 8; at + 8 <= view.byteLength; at += 12 + view.getUint32(at)) {
    const chunk = ascii(at + 4, 4);
    if (chunk === 'iCCP' || chunk === 'cICP') found.profile = true;
    if (chunk === 'IDAT') break;
  }
  return found;
}

function jpegHeader(view) {
  let at = 2;
  while (view.getUint8(at) === 0xff) {
    const marker = view.getUint8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { format: 'jpeg', width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    // Fill bytes before a marker are allowed.
    at += marker === 0xff ? 1 : 2 + view.getUint16(at + 2);
  }
  return null;
}

/** The largest of its parts is the whole image. */
function avifHeader(view) {
  const found = { format: 'avif', width: 0, height: 0 };
  for (let at = 0; at + 16 <= view.byteLength; at++) {
    if (view.getUint32(at) !== SIZE_BOX) continue;
    found.width = Math.max(found.width, view.getUint32(at + 8));
    found.height = Math.max(found.height, view.getUint32(at + 12));
  }
  return found;
}

function webpHeader(view, kind) {
  const uint24 = (at) => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
  if (kind === 'VP8X') return { format: 'webp', width: uint24(24) + 1, height: uint24(27) + 1 };
  if (kind === 'VP8L') {
    const bits = view.getUint32(21, true);
    return { format: 'webp', width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  return { format: 'webp', width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
}
