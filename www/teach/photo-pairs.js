// Pairs out of single photos: the photo is the target, its input is computed from it.

import { blur } from '../page/blur.js';
import { decodeImage } from '../runtime/image.js';
import { Pix2PixError } from '../runtime/errors.js';
import { phrase } from '../runtime/phrase.js';
import { text } from '../view/language.js';
import { sentenceOf } from '../view/sentence.js';
import { imagesIn } from './file-pairs.js';
import { numbers } from './random.js';
import { blank, MOST_PAIRS, scaled, SIDE, squareOf } from './squares.js';

/** The side for which natively measures in pixels hold. */
const REFERENCE_SIDE = 256;
const HOLE = '#808080';
/** The light of each byte of sRGB. */
const LINEAR = Float64Array.from({ length: 256 }, (_, byte) => {
  const value = byte / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
});
const CORRECTION = { residual: true, norm: 'none', lambdaGan: 0.02 };

/** What can be learned from photos alone, with the options of a training for it. */
export const TASKS = {
  colorize: { title: phrase('Colour grey photos'), spoil: grey, options: { input: 'lightness', output: 'chroma' } },
  deblur: { title: phrase('Sharpen blurred ones'), spoil: blurred, options: CORRECTION },
  'super-resolve': {
    title: phrase('Add detail to small ones'),
    spoil: (photo) => reduced(photo, 4),
    options: CORRECTION,
  },
  restore: { title: phrase('Restore bad ones'), spoil: restorable, options: CORRECTION },
  inpaint: { title: phrase('Fill holes'), spoil: withHoles, options: {} },
  edges: { title: phrase('Photos from lines'), spoil: lines, options: { mode: 'draw' } },
};

/** Photos in files and zips as `{ name, target }`, and `problems` in words. */
export async function photosOf(files, onPhoto = (_count, _of) => {}) {
  const problems = [];
  const images = await imagesIn(files, problems);
  if (images.length > MOST_PAIRS)
    problems.push(() =>
      text('There are {count} photos: the first {most} are taken.', { count: images.length, most: MOST_PAIRS }),
    );
  const photos = [];
  for (const { path, read } of images.slice(0, MOST_PAIRS)) {
    try {
      const image = await decodeImage(await read(), { name: path });
      photos.push({ name: path, target: middleOf(image) });
      image.close();
    } catch (error) {
      problems.push(() => sentenceOf(Pix2PixError.from(error)));
    }
    onPhoto(photos.length, Math.min(MOST_PAIRS, images.length));
  }
  return { photos, problems };
}

/** The square in the middle of an image, or of what a video shows. */
export function middleOf(image) {
  const { videoWidth: width = image.width, videoHeight: height = image.height } = image;
  const side = Math.min(width, height);
  return squareOf(image, [(width - side) / 2, (height - side) / 2, side, side]);
}

/** Pairs of photos with what a task makes of them; the same each time. */
export async function pairsFor(task, photos) {
  const pairs = [];
  for (const [index, { name, target }] of photos.entries()) {
    pairs.push({ name, target, input: await TASKS[task].spoil(target, numbers(index + 1)) });
  }
  return pairs;
}

/** As light, without colour. */
async function grey(photo) {
  const data = photo.data.slice();
  for (let at = 0; at < data.length; at += 4) {
    const [r, g, b] = [data[at], data[at + 1], data[at + 2]].map((byte) => LINEAR[byte]);
    const light = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    const byte = 255 * (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055);
    data.fill(Math.round(byte), at, at + 3);
  }
  return new ImageData(data, photo.width, photo.height);
}

async function blurred(photo, random, [least, most] = [3, 8]) {
  const image = new ImageData(photo.data.slice(), photo.width, photo.height);
  const radius = ((least + (most - least) * random()) * SIDE) / REFERENCE_SIDE;
  await blur(image, radius / 2);
  return image;
}

async function reduced(photo, times) {
  const side = Math.round(SIDE / times);
  const small = await scaled(photo, side);
  return scaled(small, SIDE);
}

/** One or two faults, or none, so that good photos come out as they went in. */
async function restorable(photo, random) {
  if (random() < 0.15) return photo;
  const faults = [
    (image) => blurred(image, random, [1.5, 8]),
    (image) => reduced(image, 1.5 + 2.5 * random()),
    (image) => noisy(image, random),
    (image) => compressed(image, 0.15 + 0.55 * random()),
  ];
  const first = Math.floor(random() * faults.length);
  let image = await faults[first](photo);
  const second = Math.floor(random() * 4 * faults.length);
  if (second > first && second < faults.length) image = await faults[second](image);
  return image;
}

function noisy(photo, random) {
  const deviation = 4 + 21 * random();
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const data = photo.data.map((byte, at) => (at % 4 === 3 ? byte : Math.round(byte + deviation * normal())));
  return new ImageData(data, photo.width, photo.height);
}

async function compressed(photo, quality) {
  const context = blank();
  context.putImageData(photo, 0, 0);
  const blob = await context.canvas.convertToBlob({ type: 'image/jpeg', quality });
  const image = await createImageBitmap(blob);
  const square = squareOf(image);
  image.close();
  return square;
}

async function withHoles(photo, random) {
  const context = blank();
  context.putImageData(photo, 0, 0);
  context.fillStyle = context.strokeStyle = HOLE;
  context.lineCap = context.lineJoin = 'round';
  const part = () => SIDE * (0.1 + 0.3 * random());
  if (random() < 0.5) {
    for (let count = Math.ceil(3 * random()); count > 0; count--) {
      const [width, height] = [part(), part()];
      context.fillRect(random() * (SIDE - width), random() * (SIDE - height), width, height);
    }
  } else {
    context.lineWidth = SIDE * (0.03 + 0.07 * random());
    context.beginPath();
    for (let count = 3 + Math.floor(6 * random()); count > 0; count--) context.lineTo(random() * SIDE, random() * SIDE);
    context.stroke();
  }
  return context.getImageData(0, 0, SIDE, SIDE);
}

/** Dark lines on white where the brightness changes most across (Canny's first two steps). */
async function lines(photo) {
  const soft = new ImageData(photo.data.slice(), SIDE, SIDE);
  await blur(soft, 1.2);
  const light = Float32Array.from({ length: SIDE * SIDE }, (_, at) => {
    const [r, g, b] = soft.data.subarray(4 * at, 4 * at + 3);
    return 0.299 * r + 0.587 * g + 0.114 * b;
  });
  const slope = new Float32Array(SIDE * SIDE);
  const across = new Int32Array(SIDE * SIDE); // to the next pixel along the slope
  for (let y = 1; y < SIDE - 1; y++) {
    for (let x = 1; x < SIDE - 1; x++) {
      const at = y * SIDE + x;
      const [dx, dy] = [light[at + 1] - light[at - 1], light[at + SIDE] - light[at - SIDE]];
      slope[at] = Math.hypot(dx, dy);
      const octant = Math.round((4 * Math.atan2(dy, dx)) / Math.PI);
      across[at] = [1, 1 + SIDE, SIDE, SIDE - 1][(octant + 4) % 4];
    }
  }
  const isLine = (at) => slope[at] > 14 && slope[at] >= slope[at - across[at]] && slope[at] > slope[at + across[at]];
  const data = new Uint8ClampedArray(4 * SIDE * SIDE).fill(255);
  for (let at = SIDE; at < SIDE * (SIDE - 1); at++) if (isLine(at)) data.fill(0, 4 * at, 4 * at + 3);
  return new ImageData(data, SIDE, SIDE);
}
