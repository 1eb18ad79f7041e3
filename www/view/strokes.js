// A line drawing as strokes: the paths of an SVG file, of which some come later,
// when somebody touches the drawing.

const SVG = 'http://www.w3.org/2000/svg';
/** Milliseconds in which the missing strokes are drawn. */
const DURATION = 1200;

/** @typedef {{ path: Path2D, length: number }} Stroke */

/** Reads a file of black lines: { side, width, strokes, later }. Paths in a group `later` are
    missing at first. */
export function readStrokes(text) {
  const svg = new DOMParser().parseFromString(text, 'image/svg+xml').documentElement;
  const strokes = (selector) => [...svg.querySelectorAll(selector)].map((path) => stroke(path.getAttribute('d') ?? ''));
  return {
    side: Number(svg.getAttribute('width')),
    width: Number(svg.getAttribute('stroke-width')),
    strokes: strokes('path:not(#later *)'),
    later: strokes('#later path'),
  };
}

/** @returns {Stroke} */
function stroke(d) {
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', d);
  return { path: new Path2D(d), length: path.getTotalLength() };
}

/** The drawing as it begins, white on all sides. */
export function paintBegun({ side, width, strokes }) {
  const canvas = new OffscreenCanvas(side, side);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.fillStyle = '#fff';
  context.fillRect(0, 0, side, side);
  for (const one of strokes) paintPart(context, one, width, 0, one.length);
  return canvas;
}

/** Draws `later` stroke by stroke, or `atOnce`, as for those who want no motion. Calls `onStep` after
    each part; ends when `signal` says so, and is true if it came to the end. */
export async function trace(context, { width, later }, { scale, signal, atOnce, onStep }) {
  const total = later.reduce((sum, { length }) => sum + length, 0);
  const isStill = atOnce || matchMedia('(prefers-reduced-motion: reduce)').matches;
  const begun = performance.now();
  let done = 0;
  while (done < total) {
    const now = isStill ? Infinity : await nextFrame();
    if (signal.aborted) return false;
    const until = Math.min(total, (total * (now - begun)) / DURATION);
    if (until > done) {
      context.save();
      context.scale(scale, scale);
      paintBetween(context, later, width, done, until);
      context.restore();
      done = until;
      onStep();
    }
  }
  return true;
}

/** The strokes one after the other, from one length of them all to another. */
function paintBetween(context, strokes, width, from, until) {
  let start = 0;
  for (const one of strokes) {
    const [first, last] = [Math.max(0, from - start), Math.min(one.length, until - start)];
    if (last > first) paintPart(context, one, width, first, last);
    start += one.length;
  }
}

function paintPart(context, { path, length }, width, from, until) {
  context.strokeStyle = '#000';
  context.lineWidth = width;
  context.lineCap = context.lineJoin = 'round';
  if (until - from < length) {
    context.setLineDash([until - from, length + width]);
    context.lineDashOffset = -from;
  } else context.setLineDash([]);
  context.stroke(path);
  context.setLineDash([]);
}

function nextFrame() {
  return new Promise((resolve) => requestAnimationFrame(resolve));
}
