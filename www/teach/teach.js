// The page's logic: pairs, the training, what is shown of it, and what is kept.

import { $ } from '../page/by-id.js';
import { offerLanguages } from '../page/language.js';
import { filesOf, hasManifest, modelAmong, readModel } from '../page/model-files.js';
import { keepPage, keepRuntime } from '../page/offline.js';
import { keepTaught } from '../page/taught-model.js';
import { saveFile } from '../page/save.js';
import { findAdapter } from '../runtime/adapter.js';
import { Pix2PixError } from '../runtime/errors.js';
import { phrase } from '../runtime/phrase.js';
import { Training } from '../runtime/training.js';
import { DrawPane } from '../view/draw-pane.js';
import { element } from '../view/element.js';
import * as format from '../view/format.js';
import { number, text } from '../view/language.js';
import { errorText, sentenceOf } from '../view/sentence.js';
import { Camera } from './camera.js';
import { DrawPairs } from './draw-pairs.js';
import { Examples } from './examples.js';
import { pairsOf } from './file-pairs.js';
import { drawCurves, reading } from './losses.js';
import { pairsFor, photosOf, TASKS } from './photo-pairs.js';
import { readyPairs } from './ready-pairs.js';
import { allow, beginWith, offerModels, settings, share, steps } from './settings.js';
import { MOST_PAIRS, scaled, showSmall } from './squares.js';
import { openStore } from './store.js';
import { zipOf } from '../page/zip-writer.js';

const KEEP_EVERY = 30_000;
const SHOW_EVERY = 250;
/** Speed is measured over so many milliseconds. */
const WINDOW = 4000;
const MOST_EXAMPLES = 3;
/** With so many pairs, the examples are not among those that it learns from. */
const ENOUGH_PAIRS = 12;
/** Pictures of the camera, and the milliseconds between them. */
const FRAMES = 20;
const FRAME_EVERY = 400;
/** Steps of the measurement, after one that does not count. */
const MEASURED = 5;

const HINTS = {
  ready: phrase('Outlines of shapes become filled ones. Press Teach and watch: it takes a minute at most.'),
  photos: phrase(
    'Drop photos, a folder or a .zip, twenty or more, and choose what shall be learned: the page makes the inputs itself.',
  ),
  files: phrase(
    'Drop combined pictures, the input on the left half and the target on the right; or two folders, or a .zip of them, with files of the same names.',
  ),
  draw: phrase(
    'Draw on the left what you will draw later, and on the right what it shall become. Six pairs teach a simple rule.',
  ),
};

let pairs = [];
/** What was brought, while pairs of another kind are shown. */
/** @type {{ photos: any[], files: any[] }} */
const brought = { photos: [], files: [] };
let source = 'ready';
/** Shown while it learns. */
let examples = [];
/** @type {Training | null} */
let training = null;
/** @type {any} */
let store = null;
let keptAt = 0;
/** Counts what is brought: only the last may still come. */
let bringing = 0;
/** @type {Camera | null} */
let tried = null;
let stepTimes = [];
let shownAt = 0;

const watched = new Examples($('examples'));
const drawPairs = new DrawPairs(
  (pair) => report(addPairs([{ ...pair, name: text('drawing {number}', { number: pairs.length + 1 }) }])),
  (error) => report([sentenceOf(Pix2PixError.from(error))]),
);
$('draw').append(drawPairs.root);
const pane = new DrawPane({
  ready: async () => training && { run: (image) => training?.preview(image) },
  onState: (state, detail) => {
    if (state === 'error') $('said').textContent = sentenceOf(Pix2PixError.from(detail));
    else if (state === 'done') $('said').textContent = text('Drawn in {time}.', { time: format.duration(detail) });
  },
});
$('board').append(pane.root);

// ---------------------------------------------------------------- state

/** empty: no pairs | reading | ready | starting | running | paused | done | error */
function set(state, status = '') {
  document.body.dataset.state = state;
  const isBegun = ['running', 'paused', 'done'].includes(state) || (state === 'error' && training !== null);
  const isReading = state === 'reading';
  const isBusy = state === 'starting' || isReading;
  $('status').textContent = status;
  if (state !== 'error') $('message').textContent = '';
  $('bring').hidden = isBegun || state === 'starting';
  for (const id of ['task', 'camera', 'file-input', 'folder-input']) $(id).disabled = isReading;
  $('watch').hidden = $('trial').hidden = !isBegun;
  $('progress').hidden = !isBegun && !isBusy;
  if (isBusy) $('progress').removeAttribute('value');
  $('pause').hidden = state !== 'running';
  $('again').hidden = !isBegun || state === 'running';
  $('teach').hidden = state === 'running';
  $('teach').disabled = isBusy || pairs.length === 0;
  $('teach').textContent = isBegun ? (state === 'done' ? text('Teach it further') : text('Go on')) : text('Teach');
  allow(!isBegun && !isBusy);
}

function fail(thrown) {
  set('error');
  $('message').replaceChildren(...errorText(Pix2PixError.from(thrown)));
}

function report(problems) {
  $('problems').replaceChildren(...problems.slice(0, 6).map((words) => element('li', {}, words)));
  if (problems.length > 6)
    $('problems').append(element('li', {}, text('And {count} more.', { count: problems.length - 6 })));
}

// ---------------------------------------------------------------- pairs

function chooseSource(value) {
  bringing++;
  showSource(value);
  report([]);
  put(value === 'ready' ? readyPairs() : brought[kind()]);
}

/** Drawings may lie among files. */
function kind() {
  return source === 'photos' ? 'photos' : 'files';
}

function showSource(value) {
  source = value;
  $('sources').querySelector(`[value=${value}]`).checked = true;
  $('hint').textContent = text(HINTS[value]);
  $('files').hidden = value !== 'files' && value !== 'photos';
  $('photos').hidden = $('camera').hidden = value !== 'photos';
  $('draw').hidden = value !== 'draw';
}

function put(chosen) {
  pairs = chosen;
  if (source !== 'ready') brought[kind()] = chosen;
  showPairs();
  set(pairs.length ? 'ready' : 'empty');
}

/** What does not fit is left out, and said. */
function addPairs(more) {
  const most = MOST_PAIRS;
  const count = Math.max(0, pairs.length + more.length - most);
  put([...pairs, ...more].slice(0, most));
  return count > 0
    ? [text('More than {most} pairs do not fit into memory: {count} are left out.', { most, count })]
    : [];
}

function showPairs() {
  $('count').textContent =
    pairs.length === 0
      ? text('No pairs yet')
      : pairs.length === 1
        ? text('One pair')
        : text('{count} pairs', { count: pairs.length });
  $('pairs').replaceChildren(
    ...pairs.map((pair) => {
      const [input, target] = [pair.input, pair.target].map((square) => {
        const canvas = element('canvas', { 'aria-hidden': 'true' });
        showSmall(square, canvas);
        return canvas;
      });
      const remove = element(
        'button',
        { type: 'button', title: text('Remove'), 'aria-label': text('Remove {name}', { name: pair.name }) },
        '×',
      );
      remove.addEventListener('click', () => put(pairs.filter((other) => other !== pair)));
      return element('li', { title: pair.name }, input, target, remove);
    }),
  );
}

function mayBring() {
  return !training && ['empty', 'ready', 'error'].includes(document.body.dataset.state ?? '');
}

/** Waits for pairs; the visitor may choose another source meanwhile, which drops them.
    `job` gets a function that shows where it stands, and that is false once nobody waits any more.
    @template T @param {(show: (words: string) => boolean) => Promise<T>} job @param {(found: T) => void} take */
async function bring(job, take) {
  const mine = ++bringing;
  const isWanted = () => mine === bringing;
  const show = (words) => {
    if (isWanted()) $('status').textContent = words;
    return isWanted();
  };
  set('reading', text('Reading…'));
  try {
    const found = await job(show);
    if (isWanted()) take(found);
  } catch (thrown) {
    if (isWanted()) fail(thrown);
  }
}

async function takeFiles(files) {
  if (files.length === 0 || !mayBring()) return;
  const model = await modelAmong(files);
  if (model && (await hasManifest(model))) return takeModel(model);
  if (source !== 'files' && source !== 'photos') chooseSource('files');
  const isPhotos = source === 'photos';
  await bring(
    (show) => {
      const told = (count, of) => show(text('Reading picture {count} of {of}…', { count, of }));
      return isPhotos ? pairsOfPhotos(files, told) : pairsOf(files, told);
    },
    ({ pairs: found, problems }) => {
      const isNothing = found.length === 0 && problems.length === 0;
      report([...addPairs(found), ...(isNothing ? [text('There is no picture among these files.')] : problems)]);
    },
  );
}

/** A model folder, or a .zip of one, is what the lesson begins with. */
async function takeModel(files) {
  const entry = await readModel(files);
  await beginWith(entry);
  put(pairs);
  $('status').textContent = text('It begins with {name}.', { name: entry.name });
}

async function pairsOfPhotos(files, told) {
  const { photos, problems } = await photosOf(files, told);
  return { pairs: await pairsFor($('task').value, photos), problems };
}

async function pairsOfCamera(show) {
  show(text('Waiting for the camera…'));
  const camera = await Camera.open();
  try {
    const photos = [];
    const next = () =>
      show(
        text('Picture {index} of {count}: move, and show it different things…', {
          index: photos.length + 1,
          count: FRAMES,
        }),
      );
    while (photos.length < FRAMES && camera.isOn && next()) {
      await new Promise((resolve) => setTimeout(resolve, FRAME_EVERY));
      photos.push({ name: text('camera {number}', { number: photos.length + 1 }), target: camera.square });
    }
    return pairsFor($('task').value, photos);
  } finally {
    camera.close();
  }
}

// ---------------------------------------------------------------- training

async function begin() {
  set('starting', text('Preparing the networks…'));
  report([]);
  const isEnough = pairs.length >= ENOUGH_PAIRS;
  pairs = pairs.map((pair, index) => ({ ...pair, isHeldOut: isEnough && index < MOST_EXAMPLES }));
  try {
    const task = $('task').value;
    const lesson = source === 'photos' ? { task, options: TASKS[task].options } : {};
    await create(await settings(source, pairs.length, lesson, measure));
    await keep({ isNew: true });
    await goOn();
    // The processor goes on where the graphics device fails.
    const isKept = await keepRuntime('training');
    if (isKept && (training?.backend === 'cpu' || (await keepRuntime('training-webgpu')))) {
      document.body.dataset.offline = 'ready';
    }
  } catch (error) {
    end();
    fail(error);
  }
}

/** What a step takes on this machine, and what the first one loses. */
async function measure(options) {
  $('status').textContent = text('Measuring this machine…');
  const trial = await Training.create({ ...options, pairs: pairs.slice(0, 1) });
  try {
    const losses = await trial.step();
    const begun = performance.now();
    await trial.step(MEASURED);
    return { milliseconds: (performance.now() - begun) / MEASURED, losses };
  } finally {
    trial.dispose();
  }
}

/** @param {any} options */
async function create(options) {
  end();
  training = await Training.create({ pairs: pairs.filter(({ isHeldOut }) => !isHeldOut), ...options });
  examples = pairs.slice(0, MOST_EXAMPLES);
  listen(training);
  const { size, manifest } = training;
  // What is seen has the size of what is learned.
  const atSize = (which) => Promise.all(examples.map((example) => scaled(example[which], size)));
  watched.begin(examples, await atSize('target'));
  await training.watch(await atSize('input'));
  $('examples-note').textContent = examples[0].isHeldOut
    ? text('They are not among the pairs that it learns from.')
    : text('They are among the pairs that it learns from.');
  pane.begin({ ...manifest, training: { size } });
  showProgress();
}

function listen(mine) {
  const on = (type, listener) => mine.addEventListener(type, (event) => training === mine && listener(event.detail));
  on('step', () => {
    const now = performance.now();
    stepTimes.push(now);
    // Two at least, however long a step takes.
    stepTimes = stepTimes.filter((time, at) => now - time < WINDOW || at >= stepTimes.length - 2);
    if (now - shownAt > SHOW_EVERY) showProgress();
    if (now - keptAt > KEEP_EVERY) keep();
  });
  on('sample', ({ images }) => {
    watched.renew(images);
    if (!pane.board.isUntouched) pane.ask();
  });
  on('warning', ({ message }) => report([text(message)]));
  on('finish', () => {
    showProgress();
    set('done', text('It has learned its lesson.'));
    keep();
  });
  on('error', ({ error }) => fail(error));
}

async function goOn() {
  if (document.body.dataset.state === 'error') await recover();
  const mine = training;
  if (!mine) return;
  if (mine.stepsMade >= mine.steps) await mine.plan(mine.steps + steps());
  stepTimes = [];
  await mine.start({ share: share() });
  set('running', text('It is learning.'));
}

/** After a failure the worker cannot be trusted: takes the last checkpoint to a new one. */
async function recover() {
  const [checkpoint] = (await store?.get('checkpoint')) ?? [];
  if (!checkpoint)
    throw new Pix2PixError('internal', 'Nothing is kept that the training could go on from: start anew.');
  set('starting', text('Bringing back the training…'));
  // The processor is there even if the graphics device was what failed.
  await create({ checkpoint });
}

async function pause() {
  await training?.pause();
  set('paused', text('Paused.'));
  showProgress();
  await keep();
}

async function startAnew() {
  end();
  await store?.clear().catch(() => {});
  $('kept').textContent = '–';
  showSource(source);
  put(pairs);
}

function end() {
  training?.dispose();
  training = null;
}

/** What the camera sees goes through the network picture by picture, until it is asked again. */
async function tryCamera() {
  if (tried) return tried.close();
  $('try-camera').disabled = true;
  try {
    tried = await Camera.open();
    if (document.hidden) return;
    $('try-camera').textContent = text('Camera off');
    $('try-camera').disabled = false;
    while (tried.isOn && training) {
      const picture = await createImageBitmap(tried.square);
      pane.board.present(picture);
      picture.close();
      await pane.ask();
      await new Promise(requestAnimationFrame);
    }
  } catch (error) {
    $('said').textContent = sentenceOf(Pix2PixError.from(error));
  } finally {
    tried?.close();
    tried = null;
    $('try-camera').textContent = text('The camera');
    $('try-camera').disabled = false;
  }
}

function showProgress() {
  if (!training) return;
  shownAt = performance.now();
  const { stepsMade, steps: planned, losses, memory } = training;
  $('progress').value = stepsMade / planned;
  $('step').textContent = text('{part} of {total}', { part: stepsMade, total: planned });
  const span = (stepTimes.at(-1) ?? 0) - (stepTimes[0] ?? 0);
  const speed = stepTimes.length > 1 ? ((stepTimes.length - 1) / span) * 1000 : 0;
  const values = { speed: number(speed, speed < 10 ? 1 : 0) };
  const words =
    training.backend === 'webgpu'
      ? text('{speed} steps a second, on the graphics device', values)
      : text('{speed} steps a second', values);
  $('speed').textContent = speed ? words : '–';
  $('left').textContent = speed ? timeLeft((planned - stepsMade) / speed) : '–';
  $('memory').textContent = memory ? format.bytes(memory) : '–';
  drawCurves($('curves'), losses);
  const sentence = reading(losses, isComparable() ? watched.error : undefined);
  if (sentence && $('reading').textContent !== sentence) $('reading').textContent = sentence;
}

/** Whether the examples tell something new, in the same colours as the losses. */
function isComparable() {
  return examples[0].isHeldOut && (training?.manifest.output?.encoding ?? 'color') === 'color';
}

function timeLeft(seconds) {
  if (seconds < 90) return text('{count} seconds', { count: Math.ceil(seconds) });
  if (seconds < 5400) return text('{count} minutes', { count: Math.round(seconds / 60) });
  return text('{hours} hours', { hours: number(seconds / 3600, 1) });
}

// ---------------------------------------------------------------- keeping

/** Stores the training; with `isNew` its pairs as well. */
async function keep({ isNew = false } = {}) {
  if (!store || !training) return;
  const mine = training;
  keptAt = performance.now();
  try {
    const checkpoint = await mine.checkpoint();
    if (training !== mine) return;
    const { backend } = mine;
    const fresh = isNew ? { pairs, source, task: $('task').value } : {};
    await store.put({ checkpoint, backend, ...fresh });
    $('kept').textContent = text('Up to step {step}', { step: checkpoint.step });
  } catch (error) {
    // What was kept before is still there.
    if (error.name !== 'QuotaExceededError') return;
    $('kept').textContent = text('Not kept: the browser’s storage is full. Save the model.');
  }
}

/** Goes on where the last visit stopped. */
async function restore() {
  const opened = await openStore();
  store = opened.store;
  if (!store) {
    $('kept').textContent = text(opened.why);
    return;
  }
  const kept = await store.get('checkpoint', 'pairs', 'source', 'task', 'backend');
  const [checkpoint, keptPairs, keptSource, task, keptBackend] = kept;
  if (!checkpoint || !keptPairs) return;
  set('starting', text('Bringing back the training…'));
  try {
    source = keptSource;
    $('task').value = task ?? $('task').value;
    pairs = keptPairs;
    if (source !== 'ready') brought[kind()] = pairs;
    const { missing } = await findAdapter();
    await create({ checkpoint, backend: missing ? 'cpu' : keptBackend }).catch((error) => {
      if (keptBackend !== 'webgpu') throw error;
      return create({ checkpoint });
    });
    const isDone = training && training.stepsMade >= training.steps;
    set(
      isDone ? 'done' : 'paused',
      isDone ? text('It has learned its lesson.') : text('Here is the training of your last visit.'),
    );
    $('kept').textContent = text('Up to step {step}', { step: checkpoint.step });
  } catch (error) {
    end();
    chooseSource('ready');
    fail(error);
  }
}

async function save() {
  if (!training) return;
  const { manifest, path, weights } = await training.export();
  const files = [
    { path: 'taught/manifest.json', bytes: new TextEncoder().encode(manifest) },
    { path: `taught/${path}`, bytes: new Uint8Array(await weights.arrayBuffer()) },
  ];
  $('said').textContent = `${saveFile(zipOf(files), 'taught')} ${text('Drop it onto the front page to run it there.')}`;
}

/** Opens the front page with the model. */
async function openOnFrontPage() {
  if (!training) return;
  $('open').disabled = true;
  try {
    await keepTaught(await training.export());
    await keep();
    location.assign('./?model=taught');
  } catch (error) {
    $('said').textContent =
      `${sentenceOf(Pix2PixError.from(error))} ${text('Save the model and drop it onto the front page.')}`;
  } finally {
    $('open').disabled = false;
  }
}

// ---------------------------------------------------------------- controls

const guarded = (job) => () => job().catch(fail);

$('task').append(...Object.entries(TASKS).map(([value, { title }]) => element('option', { value }, text(title))));
// Another task makes other inputs of the same photos.
$('task').addEventListener('change', () => bring(() => pairsFor($('task').value, pairs), put));
$('camera').addEventListener('click', () => bring(pairsOfCamera, (found) => report(addPairs(found))));
$('easy').addEventListener('change', () => training?.isRunning && training.start({ share: share() }));
$('sources').addEventListener('change', ({ target }) => chooseSource(target.value));
$('teach').addEventListener(
  'click',
  guarded(() => (training ? goOn() : begin())),
);
$('pause').addEventListener('click', guarded(pause));
$('again').addEventListener('click', guarded(startAnew));
$('save').addEventListener('click', guarded(save));
$('open').addEventListener('click', openOnFrontPage);
for (const id of ['file-input', 'folder-input']) {
  $(id).addEventListener('change', ({ target }) => {
    const files = [...target.files];
    target.value = '';
    takeFiles(files).catch(fail);
  });
}
$('try-input').addEventListener('change', async ({ target }) => {
  const [file] = target.files;
  target.value = '';
  if (!file) return;
  await pane.load(file, file.name).catch((error) => {
    $('said').textContent = sentenceOf(Pix2PixError.from(error));
  });
});
$('try-camera').addEventListener('click', tryCamera);
addEventListener('pagehide', () => tried?.close());
document.addEventListener('visibilitychange', () => {
  if (document.hidden) tried?.close();
});
document.addEventListener('dragover', (event) => {
  if (event.dataTransfer?.types.includes('Files')) event.preventDefault();
});
document.addEventListener('drop', async (event) => {
  event.preventDefault();
  const files = await filesOf(event.dataTransfer);
  takeFiles(files).catch(fail);
});
document.addEventListener('visibilitychange', () => {
  if (document.hidden) keep();
});
addEventListener('resize', showProgress);

offerLanguages();
chooseSource('ready');
offerModels().catch(() => {}); // fresh networks are left
const restored = restore().catch(fail);
keepPage();

/** For tests. */
const inTests = {
  isReady: false,
  get training() {
    return training;
  },
  get pairs() {
    return pairs;
  },
};
/** @type {any} */ (window).pix2pixTeach = inTests;
restored.then(() => {
  inTests.isReady = true;
});
