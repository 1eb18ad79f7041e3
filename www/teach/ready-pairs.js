// Pairs that the page draws itself, so that the first click already teaches something:
// outlines of shapes, and the same shapes filled.

import { phrase } from '../runtime/phrase.js';
import { numbers } from './random.js';
import { blank, SIDE } from './squares.js';

const COUNT = 27;
const SHAPES = [circle, square, triangle];
const FILL = '#f08c1e';

/** `fill` says what the shapes are filled with.
    @param {(context: any, random: () => number) => string | CanvasPattern | null} [fill] */
export function readyPairs(fill = () => FILL) {
  return Array.from({ length: COUNT }, (_, index) => pair(index, fill));
}

function pair(index, fill) {
  const random = numbers(index + 1);
  const trace = SHAPES[index % SHAPES.length];
  const radius = SIDE * (0.16 + 0.18 * random());
  const place = () => radius + 8 + random() * (SIDE - 2 * radius - 16);
  const [x, y] = [place(), place()];
  const [input, target] = [blank(), blank()];
  for (const context of [input, target]) {
    context.beginPath();
    trace(context, x, y, radius);
    context.lineWidth = 5;
    context.lineJoin = 'round';
  }
  target.fillStyle = fill(target, random);
  target.fill();
  for (const context of [input, target]) context.stroke();
  const pixels = (context) => context.getImageData(0, 0, SIDE, SIDE);
  const name = { template: phrase('shape {number}'), values: { number: index + 1 } };
  return { name, input: pixels(input), target: pixels(target) };
}

function circle(context, x, y, radius) {
  context.arc(x, y, radius, 0, 2 * Math.PI);
}

function square(context, x, y, radius) {
  const half = radius * 0.86;
  context.rect(x - half, y - half, 2 * half, 2 * half);
}

function triangle(context, x, y, radius) {
  for (const turn of [0, 1, 2]) {
    const angle = (turn * 2 * Math.PI) / 3 - Math.PI / 2;
    context.lineTo(x + radius * Math.cos(angle), y + radius * Math.sin(angle));
  }
  context.closePath();
}
