// The worker that owns a training: makes steps while it is told to, and in between
// translates what the page wants to see. The page ends the worker to stop it.

import { open, readBlob } from './download.js';
import { Pix2PixError } from './errors.js';
import { checkPixels, decodeImage, softwareContext } from './image.js';
import { phrase } from './phrase.js';
import { answer, plain } from './rpc.js';
import { follow, Lead } from './training-team.js';
import { runtimeFiles } from './wasm-files.js';

const LIMITS = { manifest: 1 << 20, weights: 1 << 28, module: 1 << 26 };
const MAX_PREVIEW_PIXELS = 1 << 22;
/** Watched images are translated this often, in milliseconds. */
const SAMPLE_EVERY = 400;
/** The mean loss of the discriminator over so many steps, below which it has won. */
const SPAN = 100;
const WON = 0.03;

/** @type {any} */
let session = null;
/** @type {any} of the module */
let memory = null;
/** @type {any} */
let team = null;
let isRunning = false;
let loop = Promise.resolve();
let share = 1;
let watched = [];
let sampledAt = -Infinity;
let discriminator = 0; // sum of its losses since the last look
let counted = 0;
let hasWarned = false;

const handlers = {
  begin,
  addPair,
  join,
  watch,
  plan,
  start,
  pause,
  steps,
  preview,
  logits,
  checkpoint,
  export: exportModel,
};

addEventListener('message', ({ data }) => answer(data, handlers, self));

async function begin({ settings, model, files, backend }) {
  const { script, wasm } = runtimeFiles(backend === 'webgpu' ? 'training-webgpu' : 'training');
  const what = phrase('The program that learns');
  const download = await readBlob(await open(wasm, what), what, LIMITS.module);
  const runtime = await importModule(script);
  ({ memory } = await runtime.default({ module_or_path: await download.arrayBuffer() }));
  const { TrainingSession } = runtime;
  if (files) session = await TrainingSession.restore(files, backend);
  else if (model) session = await fromModel(TrainingSession, settings, backend, model);
  else session = await TrainingSession.create(settings, backend);
  return {
    size: session.size,
    loadSize: session.load_size,
    manifest: JSON.parse(session.manifest),
    step: session.step_number,
    steps: session.steps,
    workers: session.workers,
  };
}

async function importModule(url) {
  try {
    return await import(url);
  } catch (cause) {
    throw new Pix2PixError('fetch', '{url} could not be loaded. Check the connection and try again.', {
      values: { url },
      cause,
    });
  }
}

async function fromModel(TrainingSession, settings, backend, { manifestUrl, manifest, weights }) {
  if (manifestUrl) {
    const what = phrase('The manifest');
    manifest = await (await readBlob(await open(manifestUrl, what), what, LIMITS.manifest)).text();
    const path = JSON.parse(manifest).weights?.[0]?.path;
    if (typeof path !== 'string')
      throw new Pix2PixError('manifest', '{url} names no weights.', { values: { url: manifestUrl } });
    const url = new URL(path.split('/').map(encodeURIComponent).join('/'), manifestUrl).href;
    const file = phrase('The model');
    weights = await readBlob(await open(url, file), file, LIMITS.weights);
  }
  return TrainingSession.from_model(settings, backend, manifest, new Uint8Array(await weights.arrayBuffer()));
}

async function addPair({ name, input, target }) {
  const side = session.load_size;
  session.add_pair(
    await squareOf(input, side, `The input of ${name}`),
    await squareOf(target, side, `The target of ${name}`),
  );
}

/** @param {{ rank: number, ports: MessagePort[] }} place among the workers that share each batch, and what leads to the
    others in the order of their ranks */
function join({ rank, ports }) {
  if (rank === 0) team = new Lead(session, ports);
  else follow(session, rank, ports);
}

let idle = Promise.resolve();

/** A step may wait for other workers: nothing else is asked of the session meanwhile.
    @param {() => any} job @returns {Promise<any>} */
function exclusive(job) {
  const done = idle.then(job);
  idle = done.catch(() => {});
  return done;
}

/** RGBA pixels of an image, squeezed into a square. */
async function squareOf({ rgba, width, height, bitmap, blob }, side, name) {
  if (rgba && width === side && height === side) return new Uint8Array(rgba);
  let image = bitmap;
  if (blob) image = await decodeImage(blob, { name });
  if (rgba) image = await createImageBitmap(new ImageData(new Uint8ClampedArray(rgba), width, height));
  const context = softwareContext(new OffscreenCanvas(side, side));
  context.imageSmoothingQuality = 'high';
  context.drawImage(image, 0, 0, side, side);
  image.close();
  return new Uint8Array(context.getImageData(0, 0, side, side).data.buffer);
}

async function pixelsOf({ rgba, width, height, bitmap, blob }) {
  if (blob) bitmap = await decodeImage(blob, { maxPixels: MAX_PREVIEW_PIXELS, name: phrase('The picture') });
  if (bitmap) ({ width, height } = bitmap);
  checkPixels(width, height, MAX_PREVIEW_PIXELS);
  if (bitmap) {
    const context = softwareContext(new OffscreenCanvas(width, height));
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    rgba = context.getImageData(0, 0, width, height).data.buffer;
  }
  return { rgba: new Uint8Array(rgba), width, height };
}

async function watch({ images }) {
  watched = await Promise.all(images.map(pixelsOf));
  await sample();
}

function plan({ steps }) {
  return exclusive(() => team.plan(steps));
}

function start({ share: wanted }) {
  share = Math.min(1, Math.max(0.05, wanted));
  if (isRunning) return;
  isRunning = true;
  // A loop that was paused in the middle of a step ends, or goes on, before another begins.
  loop = loop.then(run);
}

function pause() {
  isRunning = false;
}

async function steps({ count }) {
  if (isRunning) throw new Pix2PixError('settings', 'The training runs: pause it before making single steps.');
  for (let made = 0; made < count; made++) {
    await makeStep();
    await breathe();
  }
  await sample();
}

async function run() {
  try {
    while (isRunning && session.step_number < session.steps) {
      const milliseconds = await makeStep();
      if (performance.now() - sampledAt >= SAMPLE_EVERY) await sample();
      await breathe();
      if (share < 1) await new Promise((resolve) => setTimeout(resolve, milliseconds * (1 / share - 1)));
    }
    if (!isRunning) return;
    await sample();
    isRunning = false;
    postMessage({ stopped: {} });
  } catch (thrown) {
    isRunning = false;
    postMessage({ stopped: { error: plain(Pix2PixError.from(thrown)) } });
  }
}

async function makeStep() {
  const begun = performance.now();
  const losses = await exclusive(() => team.step());
  const milliseconds = performance.now() - begun;
  postMessage({ losses, step: session.step_number, milliseconds, memory: memory.buffer.byteLength });
  judge(losses);
  return milliseconds;
}

/** A discriminator that is never wrong teaches nothing. */
function judge({ D_real, D_fake }) {
  discriminator += (D_real + D_fake) / 2;
  counted += 1;
  if (counted < SPAN) return;
  if (discriminator / counted < WON && !hasWarned) {
    hasWarned = true;
    postMessage({
      warning: phrase(
        'The critic tells every drawn picture from a real one, so that details are learned from the distance alone. More pairs help.',
      ),
    });
  }
  discriminator = counted = 0;
}

async function sample() {
  if (watched.length === 0) return;
  const images = [];
  for (const { rgba, width, height } of watched) {
    images.push({ rgba: (await translate(rgba, width, height)).buffer, width, height });
  }
  sampledAt = performance.now();
  postMessage(
    { images, step: session.step_number },
    images.map(({ rgba }) => rgba),
  );
}

const { port1: bell, port2: ear } = new MessageChannel();

/** Lets messages in; a timer would wait four milliseconds. */
function breathe() {
  return new Promise((resolve) => {
    ear.onmessage = resolve;
    bell.postMessage(null);
  });
}

async function preview(payload) {
  const { rgba, width, height } = await pixelsOf(payload);
  const translated = (await translate(rgba, width, height)).buffer;
  return { rgba: translated, width, height, transfer: [translated] };
}

function translate(rgba, width, height) {
  return exclusive(() => session.translate(rgba, width, height));
}

async function logits({ input, image }) {
  const name = phrase('The picture');
  const [one, other] = await Promise.all([input, image].map((source) => squareOf(source, session.size, name)));
  const { values, width, height } = await exclusive(() => session.logits(one, other));
  return { values, width, height, transfer: [values.buffer] };
}

async function checkpoint() {
  const files = await exclusive(() => session.checkpoint());
  const transfer = [...files.values()].filter((file) => typeof file !== 'string').map(({ buffer }) => buffer);
  return { files, step: session.step_number, transfer };
}

async function exportModel() {
  const { manifest, path, weights } = await exclusive(() => session.export());
  return { manifest, path, weights: weights.buffer, transfer: [weights.buffer] };
}
