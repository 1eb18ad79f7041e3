// A drawing as a film: its strokes once more, and beside them what the model makes of them.

import { abortedError } from '../runtime/errors.js';
import { softwareContext } from '../runtime/image.js';
import { phrase } from '../runtime/phrase.js';
import { text } from '../view/language.js';
import { paintBeforeAfter, widthOfBoth } from './before-after.js';
import { newFilm } from './film.js';

const RATE = 12; // frames per second
/** Frames at most while something is drawn, and of the finished drawing. */
const STEPS = 60;
const LAST_FRAMES = 18;

/** Translates the drawing on `board` step by step, and saves the film; says what came of it. */
export async function saveDrawingFilm(board, name, { ready, dock, signal }) {
  const film = await newFilm(RATE);
  try {
    return await drawnAgain(film, board, name, { ready, dock, signal });
  } finally {
    film.end();
  }
}

async function drawnAgain(film, board, name, { ready, dock, signal }) {
  const session = await ready();
  const copy = board.emptyCopy();
  const steps = stepsOf(board.past);
  const canvas = document.createElement('canvas');
  for (const [index, step] of steps.entries()) {
    const status = () => text('Step {index} of {count}', { index: index + 1, count: steps.length });
    dock.set('working', status, { quietly: true, share: [index, steps.length] });
    for (const { stroke, pixels } of step) {
      if (stroke) copy.replay([stroke]);
      if (pixels) softwareContext(copy.canvas).putImageData(pixels, 0, 0);
    }
    const picture = await session.run(copy.pixels(), { signal });
    if (signal.aborted) throw abortedError(phrase('Making the film'));
    paintBoth(canvas, copy.canvas, picture);
    await film.add(canvas);
  }
  for (let frame = 1; frame < LAST_FRAMES; frame++) film.hold();
  return film.save(name, { dock, signal });
}

function paintBoth(canvas, drawing, picture) {
  const { width, height } = picture;
  const after = new OffscreenCanvas(width, height);
  softwareContext(after).putImageData(picture, 0, 0);
  canvas.width = widthOfBoth(width);
  canvas.height = height;
  paintBeforeAfter(canvas.getContext('2d'), drawing, after, { width, height, isGrey: false });
}

/** What is done to an empty board, frame by frame: parts of strokes, and all pixels after each whole one. The
    first frame is the board before the first stroke. */
function stepsOf(past) {
  const [first, ...states] = past;
  const strokes = past[past.length - 1].strokes.slice(first.strokes.length);
  const points = strokes.reduce((sum, stroke) => sum + stroke.points.length, 0);
  const size = Math.ceil(points / STEPS);
  let drawn = first.strokes.length;
  const parts = states.flatMap((state) => {
    const fresh = state.strokes.slice(drawn).flatMap((stroke) => partsOf(stroke, size));
    drawn = state.strokes.length;
    return [
      ...fresh.map((stroke) => ({ stroke, pixels: null })).slice(0, -1),
      { stroke: fresh.at(-1), pixels: state.pixels },
    ];
  });
  const together = Math.ceil(parts.length / STEPS);
  const steps = [[{ stroke: null, pixels: first.pixels }]];
  for (let start = 0; start < parts.length; start += together) steps.push(parts.slice(start, start + together));
  return steps;
}

/** A stroke in parts, each from the last point of the one before; a rectangle is one. */
function partsOf(stroke, size) {
  if (stroke.tool === 'rectangle') return [stroke];
  const parts = [];
  for (let start = 0; start < stroke.points.length; start += size)
    parts.push({ ...stroke, points: stroke.points.slice(Math.max(0, start - 1), start + size) });
  return parts;
}
