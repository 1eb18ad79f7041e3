// Strokes as a short text, for a link, and back. Points are whole pixels, each but the first as a step
// from the one before. What is read comes from anybody: it is right to the last byte, or nothing.

import { MAX_LINE } from './draw-tools.js';

const VERSION = 1;
const TOOLS = ['pencil', 'eraser', 'rectangle'];
/** Longer links are cut off by some programs that carry them. */
const MAX_TEXT = 6000;
/** The length of all strokes together, in sides of the board: a longer path would block the page. */
const MAX_SIDES = 100;

/** The text for strokes on a board of `side` pixels, '' for none, or null if they are too much for a link. */
export function encodeStrokes(strokes, side) {
  if (strokes.length === 0) return '';
  const bytes = [VERSION];
  let length = 0;
  for (const { tool, color, width, points } of strokes) {
    const pixels = essential(points, tool, side);
    bytes.push(TOOLS.indexOf(tool), ...color, width);
    pushNumber(bytes, pixels.length);
    let [x, y] = [0, 0];
    for (const point of pixels) {
      pushNumber(bytes, folded(point.x - x));
      pushNumber(bytes, folded(point.y - y));
      ({ x, y } = point);
    }
    length += lengthOf(pixels);
    if (bytes.length > MAX_TEXT || length > MAX_SIDES * side) return null;
  }
  const text = btoa(String.fromCharCode(...bytes));
  const safe = text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return safe.length <= MAX_TEXT ? safe : null;
}

/** The strokes on a board of `side` pixels, or null if the text is none that `encodeStrokes` writes. */
export function decodeStrokes(text, side) {
  if (text.length > MAX_TEXT || !/^[\w-]+$/.test(text)) return null;
  let bytes;
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
    bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
  const reader = { bytes, at: 0 };
  if (readByte(reader) !== VERSION) return null;
  const strokes = [];
  let length = 0;
  while (reader.at < bytes.length) {
    const stroke = readStroke(reader, side);
    if (!stroke) return null;
    length += lengthOf(stroke.points);
    if (length > MAX_SIDES * side) return null;
    strokes.push(stroke);
  }
  return strokes;
}

function readStroke(reader, side) {
  const tool = TOOLS[readByte(reader)];
  const color = [readByte(reader), readByte(reader), readByte(reader)];
  const width = readByte(reader);
  const count = readNumber(reader);
  if (!tool || !(width >= 1 && width <= MAX_LINE)) return null;
  // Each point takes two bytes or more.
  if (!(count >= 1) || count > reader.bytes.length - reader.at) return null;
  const points = [];
  let [x, y] = [0, 0];
  for (let index = 0; index < count; index++) {
    x += unfolded(readNumber(reader));
    y += unfolded(readNumber(reader));
    if (!(x >= 0 && x <= side && y >= 0 && y <= side)) return null;
    points.push({ x, y });
  }
  return { tool, color, width, points };
}

function lengthOf(points) {
  const step = ({ x, y }, at) => (at === 0 ? 0 : Math.hypot(x - points[at - 1].x, y - points[at - 1].y));
  return points.reduce((sum, point, at) => sum + step(point, at), 0);
}

/** Whole pixels without those that change nothing; of a rectangle its corners. */
function essential(points, tool, side) {
  const ends = tool === 'rectangle' ? [points[0], points[points.length - 1]] : points;
  const kept = [];
  for (const point of ends) {
    const [x, y] = [point.x, point.y].map((at) => Math.min(side, Math.max(0, Math.round(at))));
    const [before, last] = [kept.at(-2), kept.at(-1)];
    if (last && last.x === x && last.y === y) continue;
    if (before && isBetween(last, before, { x, y })) kept.pop();
    kept.push({ x, y });
  }
  return kept;
}

/** Whether a point lies on the straight way from one to another. */
function isBetween(point, from, to) {
  const [ax, ay, bx, by] = [point.x - from.x, point.y - from.y, to.x - point.x, to.y - point.y];
  return ax * by === ay * bx && ax * bx + ay * by >= 0;
}

/** Small numbers of either sign become small numbers without one. */
function folded(number) {
  return number < 0 ? -2 * number - 1 : 2 * number;
}

function unfolded(number) {
  return number % 2 ? -(number + 1) / 2 : number / 2;
}

/** Seven bits a byte, the lowest first; the eighth says that more follow. */
function pushNumber(bytes, number) {
  for (; number > 127; number = Math.floor(number / 128)) bytes.push((number % 128) + 128);
  bytes.push(number);
}

/** NaN behind the end, which no comparison lets through. */
function readNumber(reader) {
  let number = 0;
  for (let scale = 1; scale < 2 ** 21; scale *= 128) {
    const byte = readByte(reader);
    number += (byte % 128) * scale;
    if (byte < 128) return number;
  }
  return NaN;
}

function readByte(reader) {
  return reader.at < reader.bytes.length ? reader.bytes[reader.at++] : NaN;
}
