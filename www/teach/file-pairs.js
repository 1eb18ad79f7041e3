// Pairs out of files: combined pictures, two folders of the same names, or a .zip of
// either. What cannot be used is named, and the rest is taken.

import { Pix2PixError } from '../runtime/errors.js';
import { decodeImage } from '../runtime/image.js';
import { text } from '../view/language.js';
import { sentenceOf } from '../view/sentence.js';
import { entryOf } from '../page/model-files.js';
import { readZip } from '../page/zip.js';
import { MOST_PAIRS, squareOf } from './squares.js';

const MAX_FILE = 64 << 20;
const IMAGE = /\.(png|jpe?g|webp|avif|gif|bmp)$/i;
/** A combined picture is twice as wide as high; scans may be off by some pixels. */
const TWICE = [1.9, 2.1];
/** Both images of a pair are squeezed alike. */
const SAME_SHAPE = 0.02;

/** `{ pairs, problems }`, which are words (language.js); `onPair` is told how many there are so far. */
export async function pairsOf(files, onPair = (_count, _of) => {}) {
  const problems = [];
  const images = await imagesIn(files, problems);
  const { twins, singles } = sorted(images, problems);
  const pairs = [];
  const jobs = [...twins.map((twin) => () => ofTwins(twin)), ...singles.map((file) => () => ofCombined(file))];
  if (jobs.length > MOST_PAIRS)
    problems.push(() =>
      text('There are {count} pairs: the first {most} are taken.', { count: jobs.length, most: MOST_PAIRS }),
    );
  for (const job of jobs.slice(0, MOST_PAIRS)) {
    try {
      pairs.push(await job());
    } catch (error) {
      problems.push(() => sentenceOf(Pix2PixError.from(error)));
    }
    onPair(pairs.length, Math.min(MOST_PAIRS, jobs.length));
  }
  return { pairs, problems };
}

/** Images among files and in zips: `{ path, read }`. */
export async function imagesIn(files, problems) {
  const listed = (await Promise.all(files.map((file) => expanded(file, problems)))).flat();
  const isHidden = (path) => path.split('/').some((part) => part.startsWith('.') || part === '__MACOSX');
  return listed.filter(({ path }) => !isHidden(path));
}

async function expanded(file, problems) {
  const isArchive = /\.zip$/i.test(file.name);
  try {
    const entries = isArchive ? await readZip(file, file.name) : [entryOf(file)];
    return entries
      .filter(({ path }) => !isArchive || IMAGE.test(path))
      .map(({ path, read }) => ({ path, read: () => read(MAX_FILE) }));
  } catch (error) {
    problems.push(() => sentenceOf(Pix2PixError.from(error)));
    return [];
  }
}

/** Files of one name in two folders are twins; others stand alone. */
function sorted(images, problems) {
  const folderOf = ({ path }) => path.split('/').slice(0, -1).join('/');
  const stemOf = ({ path }) =>
    path
      .split('/')
      .at(-1)
      .replace(/\.[^.]*$/, '');
  const folders = [...new Set(images.map(folderOf))].sort();
  if (folders.length !== 2) return { twins: [], singles: images };
  const [inputs, targets] = folders.map(
    (folder) => new Map(images.filter((image) => folderOf(image) === folder).map((image) => [stemOf(image), image])),
  );
  const shared = [...inputs.keys()].filter((stem) => targets.has(stem));
  if (shared.length === 0) return { twins: [], singles: images };
  for (const [mine, other] of [
    [inputs, targets],
    [targets, inputs],
  ]) {
    for (const [stem, { path }] of mine) {
      if (!other.has(stem))
        problems.push(() => text('{path} has no partner of the same name in the other folder.', { path }));
    }
  }
  return { twins: shared.sort().map((stem) => ({ input: inputs.get(stem), target: targets.get(stem) })), singles: [] };
}

async function ofTwins({ input, target }) {
  const [one, other] = [await decoded(input), await decoded(target)];
  try {
    const [a, b] = [one, other].map(({ width, height }) => width / height);
    if (Math.abs(a / b - 1) > SAME_SHAPE) {
      throw new Pix2PixError(
        'pairs',
        '{input} has {width} × {height} pixels and {target} {otherWidth} × {otherHeight}: both images of a pair must show the same, in the same shape.',
        {
          values: {
            input: input.path,
            width: one.width,
            height: one.height,
            target: target.path,
            otherWidth: other.width,
            otherHeight: other.height,
          },
        },
      );
    }
    return { name: input.path, input: squareOf(one), target: squareOf(other) };
  } finally {
    one.close();
    other.close();
  }
}

async function ofCombined(file) {
  const image = await decoded(file);
  const { width, height } = image;
  try {
    const [least, most] = TWICE;
    if (width < least * height || width > most * height) {
      throw new Pix2PixError(
        'pairs',
        '{path} has {width} × {height} pixels and is no pair: a combined picture is twice as wide as high, the input on the left. Or bring two folders with the same file names.',
        { values: { path: file.path, width, height } },
      );
    }
    const half = Math.floor(width / 2);
    return {
      name: file.path,
      input: squareOf(image, [0, 0, half, height]),
      target: squareOf(image, [width - half, 0, half, height]),
    };
  } finally {
    image.close();
  }
}

async function decoded({ path, read }) {
  return decodeImage(await read(), { name: path });
}
