// The page's logic: pairs, the training, what is shown of it, and what is kept.

import { $ } from '../page/by-id.js';
import { Camera } from '../page/camera.js';
import { offerLanguages } from '../page/language.js';
import { filesOf, hasManifest, modelAmong, readModel } from '../page/model-files.js';
import { keepPage, keepRuntime } from '../page/offline.js';
import { findAdapter } from '../runtime/adapter.js';
import { Pix2PixError } from '../runtime/errors.js';
import { phrase } from '../runtime/phrase.js';
import { Training } from '../runtime/training.js';
import { element } from '../view/element.js';
import { show, text } from '../view/language.js';
import { errorText, sentenceOf } from '../view/sentence.js';
import { DrawPairs } from './draw-pairs.js';
import { Examples } from './examples.js';
import { pairsOf } from './file-pairs.js';
import { Kept } from './kept.js';
import { middleOf, pairsFor, photosOf, TASKS } from './photo-pairs.js';
import { Progress } from './progress.js';
import { readyPairs } from './ready-pairs.js';
import { allow, beginWith, offerModels, settings, share, steps } from './settings.js';
import { MOST_PAIRS, scaled, showSmall } from './squares.js';
import { Trial } from './trial.js';

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
/** Counts what is brought: only the last may still come. */
let bringing = 0;

const watched = new Examples($('examples'));
const drawPairs = new DrawPairs(
  (pair) => {
    const name = { template: phrase('drawing {number}'), values: { number: pairs.length + 1 } };
    report(addPairs([{ ...pair, name }]));
  },
  (error) => report([() => sentenceOf(Pix2PixError.from(error))]),
);
$('draw').append(drawPairs.root);
const kept = new Kept();
const progress = new Progress();
const trial = new Trial({ training: () => training, keep, fail });

// ---------------------------------------------------------------- state

/** empty: no pairs | reading | ready | starting | running | paused | done | error
    @param {string} state @param {import('../view/language.js').Words} [status] */
function set(state, status = '') {
  document.body.dataset.state = state;
  const isBegun = ['running', 'paused', 'done'].includes(state) || (state === 'error' && training !== null);
  const isReading = state === 'reading';
  const isBusy = state === 'starting' || isReading;
  show($('status'), status);
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
  show($('teach'), () => (isBegun ? (state === 'done' ? text('Teach it further') : text('Go on')) : text('Teach')));
  allow(!isBegun && !isBusy);
}

function fail(thrown) {
  set('error');
  $('message').replaceChildren(...errorText(Pix2PixError.from(thrown)));
}

function report(problems) {
  $('problems').replaceChildren(...problems.slice(0, 6).map((words) => element('li', {}, words)));
  if (problems.length > 6)
    $('problems').append(element('li', {}, () => text('And {count} more.', { count: problems.length - 6 })));
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
  show($('hint'), () => text(HINTS[value]));
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
    ? [() => text('More than {most} pairs do not fit into memory: {count} are left out.', { most, count })]
    : [];
}

function showPairs() {
  const count = pairs.length;
  show($('count'), () =>
    count === 0 ? text('No pairs yet') : count === 1 ? text('One pair') : text('{count} pairs', { count }),
  );
  $('pairs').replaceChildren(
    ...pairs.map((pair) => {
      const [input, target] = [pair.input, pair.target].map((square) => {
        const canvas = element('canvas', { 'aria-hidden': 'true' });
        showSmall(square, canvas);
        return canvas;
      });
      const name = () => nameOf(pair);
      const words = () => text('Remove {name}', { name: name() });
      const remove = element('button', { type: 'button', title: () => text('Remove'), 'aria-label': words }, '×');
      remove.addEventListener('click', () => put(pairs.filter((other) => other !== pair)));
      return element('li', { title: name }, input, target, remove);
    }),
  );
}

/** That of a file, or a text with its values: names are kept, and the language may change. */
function nameOf({ name }) {
  return typeof name === 'string' ? name : text(name.template, name.values);
}

function mayBring() {
  return !training && ['empty', 'ready', 'error'].includes(document.body.dataset.state ?? '');
}

/** Waits for pairs; the visitor may choose another source meanwhile, which drops them.
    `job` gets a function that shows where it stands, and that is false once nobody waits any more.
    @template T @param {(tell: (words: () => string) => boolean) => Promise<T>} job @param {(found: T) => void} take */
async function bring(job, take) {
  const mine = ++bringing;
  const isWanted = () => mine === bringing;
  const tell = (words) => {
    if (isWanted()) show($('status'), words);
    return isWanted();
  };
  set('reading', () => text('Reading…'));
  try {
    const found = await job(tell);
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
    (tell) => {
      const told = (count, of) => tell(() => text('Reading picture {count} of {of}…', { count, of }));
      return isPhotos ? pairsOfPhotos(files, told) : pairsOf(files, told);
    },
    ({ pairs: found, problems }) => {
      const isNothing = found.length === 0 && problems.length === 0;
      const nothing = () => text('There is no picture among these files.');
      report([...addPairs(found), ...(isNothing ? [nothing] : problems)]);
    },
  );
}

/** A model folder, or a .zip of one, is what the lesson begins with. */
async function takeModel(files) {
  const entry = await readModel(files);
  await beginWith(entry);
  put(pairs);
  show($('status'), () => text('It begins with {name}.', { name: entry.name }));
}

async function pairsOfPhotos(files, told) {
  const { photos, problems } = await photosOf(files, told);
  return { pairs: await pairsFor($('task').value, photos), problems };
}

async function pairsOfCamera(tell) {
  tell(() => text('Waiting for the camera…'));
  const camera = await Camera.open();
  try {
    const photos = [];
    const next = (index) =>
      tell(() => text('Picture {index} of {count}: move, and show it different things…', { index, count: FRAMES }));
    while (photos.length < FRAMES && camera.isOn && next(photos.length + 1)) {
      await new Promise((resolve) => setTimeout(resolve, FRAME_EVERY));
      const name = { template: phrase('camera {number}'), values: { number: photos.length + 1 } };
      photos.push({ name, target: middleOf(camera.video) });
    }
    return pairsFor($('task').value, photos);
  } finally {
    camera.close();
  }
}

// ---------------------------------------------------------------- training

async function begin() {
  set('starting', () => text('Preparing the networks…'));
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
  show($('status'), () => text('Measuring this machine…'));
  const attempt = await Training.create({ ...options, pairs: pairs.slice(0, 1) });
  try {
    const losses = await attempt.step();
    const begun = performance.now();
    await attempt.step(MEASURED);
    return { milliseconds: (performance.now() - begun) / MEASURED, losses };
  } finally {
    attempt.dispose();
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
  const { isHeldOut } = examples[0];
  show($('examples-note'), () =>
    isHeldOut
      ? text('They are not among the pairs that it learns from.')
      : text('They are among the pairs that it learns from.'),
  );
  trial.begin({ ...manifest, training: { size } });
  showProgress();
}

function listen(mine) {
  const on = (type, listener) => mine.addEventListener(type, (event) => training === mine && listener(event.detail));
  on('step', () => {
    if (progress.step()) showProgress();
    if (kept.isDue) keep();
  });
  on('sample', ({ images }) => {
    watched.renew(images);
    trial.renew();
  });
  on('warning', ({ message }) => report([() => text(message)]));
  on('finish', () => {
    showProgress();
    set('done', () => text('It has learned its lesson.'));
    keep();
  });
  on('error', ({ error }) => fail(error));
}

async function goOn() {
  if (document.body.dataset.state === 'error') await recover();
  const mine = training;
  if (!mine) return;
  if (mine.stepsMade >= mine.steps) await mine.plan(mine.steps + steps());
  progress.begin();
  await mine.start({ share: share() });
  set('running', () => text('It is learning.'));
}

/** After a failure the worker cannot be trusted: takes the last checkpoint to a new one. */
async function recover() {
  const checkpoint = await kept.checkpoint();
  if (!checkpoint)
    throw new Pix2PixError('internal', 'Nothing is kept that the training could go on from: start anew.');
  set('starting', () => text('Bringing back the training…'));
  // The processor is there even if the graphics device was what failed.
  await create({ checkpoint });
}

async function pause() {
  await training?.pause();
  set('paused', () => text('Paused.'));
  showProgress();
  await keep();
}

async function startAnew() {
  end();
  await kept.clear();
  showSource(source);
  put(pairs);
}

function end() {
  training?.dispose();
  training = null;
}

function showProgress() {
  if (training) progress.show(training, isComparable() ? watched.error : undefined);
}

/** Whether the examples tell something new, in the same colours as the losses. */
function isComparable() {
  return examples[0].isHeldOut && (training?.manifest.output?.encoding ?? 'color') === 'color';
}

// ---------------------------------------------------------------- keeping

/** Stores the training; with `isNew` its pairs as well. */
async function keep({ isNew = false } = {}) {
  const mine = training;
  const fresh = isNew ? { pairs, source, task: $('task').value } : {};
  if (mine) await kept.put(mine, () => training === mine, fresh);
}

/** Goes on where the last visit stopped. */
async function restore() {
  const last = await kept.open();
  if (!last) return;
  const { checkpoint } = last;
  set('starting', () => text('Bringing back the training…'));
  try {
    source = last.source;
    $('task').value = last.task ?? $('task').value;
    pairs = last.pairs;
    if (source !== 'ready') brought[kind()] = pairs;
    const { missing } = await findAdapter();
    await create({ checkpoint, backend: missing ? 'cpu' : last.backend }).catch((error) => {
      if (last.backend !== 'webgpu') throw error;
      return create({ checkpoint });
    });
    const isDone = training && training.stepsMade >= training.steps;
    if (isDone) set('done', () => text('It has learned its lesson.'));
    else set('paused', () => text('Here is the training of your last visit.'));
    kept.say(checkpoint);
  } catch (error) {
    end();
    chooseSource('ready');
    fail(error);
  }
}

// ---------------------------------------------------------------- controls

const guarded = (job) => () => job().catch(fail);

$('task').append(...Object.entries(TASKS).map(([value, { title }]) => element('option', { value }, () => text(title))));
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
for (const id of ['file-input', 'folder-input']) {
  $(id).addEventListener('change', ({ target }) => {
    const files = [...target.files];
    target.value = '';
    takeFiles(files).catch(fail);
  });
}
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
