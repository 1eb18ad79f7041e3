// The page's logic: connects the modes (photo-mode.js, draw-mode.js,
// webcam-mode.js), the model and dock.js, which shows status and errors.

import { Pix2PixError } from '../runtime/errors.js';
import { phrase } from '../runtime/phrase.js';
import { modesOf, samplesOf, takesGrey, undoesBlur } from '../view/manifest.js';
import { PictureView } from '../view/picture-view.js';
import * as format from '../view/format.js';
import { show, text } from '../view/language.js';
import { asked, askedInput, refusals, refuse, remember } from './address.js';
import { $ } from './by-id.js';
import { dock } from './dock.js';
import { DrawMode } from './draw-mode.js';
import { onFiles, onLaunch, sharedFiles } from './incoming.js';
import { offerLanguages } from './language.js';
import { modelAmong, readModel } from './model-files.js';
import { ModelChoice } from './model-choice.js';
import { ModelSlot } from './model-slot.js';
import { TUNINGS } from '../runtime/pix2pix.js';
import { worksOffline } from './install.js';
import { keepPage, keepRuntime } from './offline.js';
import { readOpening } from './opening.js';
import { PhotoMode } from './photo-mode.js';
import { showSamples } from './sample-list.js';
import { connect, connectButtons } from './save.js';
import { connectViewBar } from './view-bar.js';
import { WebcamMode } from './webcam-mode.js';

// Milliseconds after which the page shows itself even without the list of models.
const PATIENCE = 3000;

const INVITATIONS = {
  photo: phrase('Nothing loads until you begin. Photos up to 24 megapixels, films up to a minute.'),
  draw: phrase('Nothing loads until your first stroke.'),
  webcam: phrase('Nothing loads until the camera is on.'),
};

const slot = new ModelSlot((progress) => dock.progress(progress));
const view = new PictureView({ frame: $('picture'), before: $('before'), after: $('result'), handle: $('handle') });
const choice = new ModelChoice($('models'), async (entry) => {
  await switchModel(entry);
  showWork();
});
const filmName = () => `${resultName()}-film`;
/** @satisfies {Record<string, import('./mode.js').Mode>} */
const modes = {
  photo: new PhotoMode({ view, slot, dock, blurBox: $('blur'), filmName }),
  draw: new DrawMode({ host: $('draw'), slot, dock, filmName }),
  webcam: new WebcamMode({
    view,
    slot,
    dock,
    invitation: $('camera'),
    stopButton: $('stop'),
    recordButton: $('record'),
    filmName,
  }),
};

let samples = []; // of the model
/** @type {import('./mode.js').Mode} */
let mode = modes.photo;
let isPresenting = false; // a sample and its translation, made before
let hasPrefetched = false;
const lastEntries = {}; // the model that each mode had

// ---------------------------------------------------------------- state

dock.onChange(() => {
  const { isBusy } = dock;
  const hasResult = mode.result !== null && !isBusy;
  $('keep').hidden = !hasResult;
  $('film').hidden = !hasResult || !mode.hasFilm;
  $('view-bar').hidden = mode.name === 'draw' || !view.result;
  const hasPhoto = mode.hasWork || isPresenting;
  $('another').hidden = mode.name !== 'photo' || !hasPhoto || isBusy;
  const { hasWork } = mode;
  show($('another'), () => (hasWork ? text('Another photo') : text('Choose a photo')));
  $('another').classList.toggle('primary', !mode.hasWork);
  $('invitation').hidden = mode.name !== 'photo' || hasPhoto;
  if (dock.state === 'empty' && !$('status').textContent) {
    const { name } = mode;
    dock.say(() => text(INVITATIONS[name]));
  }
});

dock.onNoWebGpu(() => switchBackend('auto'));

slot.addEventListener('change', () => {
  $('load').disabled = !slot.isEmpty;
  const { isLoaded, isEmpty } = slot;
  show($('load'), () => (isLoaded ? text('Model loaded') : isEmpty ? text('Load model') : text('Loading…')));
  if (slot.isEmpty) dock.facts(null);
  else if (slot.isLoaded) {
    slot.ensure().then(async (session) => {
      dock.facts(session);
      // Burn's module is for comparison: it is not kept.
      if (!session.engine && (await keepPage()) && (await keepRuntime(session.backend))) worksOffline();
    });
  }
});

// ---------------------------------------------------------------- the model

/** Loads the model before there is an image. `quietly`: the visitor has not asked for it. */
async function loadModel({ quietly = false } = {}) {
  if (!slot.isEmpty) return;
  const mine = slot.ensure();
  dock.set('loading', () => text('Loading the model…'));
  try {
    const session = await mine;
    // Compiles the shaders now rather than with the first image.
    if (session.backend === 'webgpu' && !mode.hasWork) await session.warmUp();
    if (dock.state === 'loading' && !mode.hasWork) dock.set('ready', () => text('The model is here.'));
  } catch (error) {
    if (mode.hasWork || !slot.isEmpty) return; // whoever loads it now reports
    if (quietly || error.code === 'aborted') dock.set('empty', quietly ? '' : () => text('Cancelled.'));
    else dock.error(error, () => loadModel());
  }
}

/** Starts the download at the first sign of interest. */
function prefetch() {
  const { connection } = /** @type {any} */ (navigator); // not in every browser
  if (hasPrefetched || connection?.saveData || !slot.entry || dock.state !== 'empty') return;
  hasPrefetched = true;
  loadModel({ quietly: true });
}

async function switchModel(entry, wanted = mode.name) {
  slot.put(entry);
  remember('model', entry === choice.first ? null : addressOf(entry));
  remember('sample', null);
  choice.check(entry);
  const isNew = await describeModel(wanted);
  if (entry !== slot.entry) return;
  if (isNew) present();
  else restart();
}

/** The value of `?model=`: a name on this site, otherwise a URL; null for models from disk. */
function addressOf(entry) {
  if (entry.files) return null;
  return entry.isForeign ? entry.url : entry.name;
}

function switchBackend(value) {
  slot.put(slot.entry, value);
  remember('backend', value === 'auto' ? null : value);
  check('backends', value);
  restart();
}

function cancel() {
  slot.cancelLoading();
  mode.cancel();
}

/** Translates again with the new settings, or starts over if there is nothing to translate. */
function restart() {
  if (mode.hasWork) return mode.resume();
  isPresenting = false;
  mode.show();
  dock.set('empty');
  present();
}

/** Shows a sample of the model and its translation, before anything of the model is loaded. */
async function present() {
  const { entry } = slot;
  const here = mode;
  const isIdle = () => entry === slot.entry && here === mode && !mode.hasWork && dock.state === 'empty';
  if (!entry?.pictures || !here.present || !isIdle()) return;
  try {
    const opening = await readOpening(entry.pictures);
    if (!isIdle()) return;
    const invitation = await here.present(opening);
    if (!isIdle()) return;
    isPresenting = true;
    dock.set('empty', invitation);
  } catch (error) {
    console.warn('The sample of this model cannot be shown.', error); // it works without it
  }
}

/** Shows the model's settings and samples, and enters a mode that suits it: `wanted` if it does.
    True if the mode changes. */
async function describeModel(wanted = mode.name) {
  const { entry } = slot;
  const manifest = await entry.manifest;
  if (entry !== slot.entry) return false;
  $('blur-field').hidden = !undoesBlur(manifest);
  if ($('blur-field').hidden) $('blur').checked = false;
  view.isGrey = takesGrey(manifest);
  const fitting = modesOf(manifest);
  if (fitting.includes('draw')) {
    await modes.draw.begin(manifest, entry.url ?? entry.name);
    if (entry !== slot.entry) return false;
  }
  const next = modes[fitting.includes(wanted) ? wanted : fitting[0]];
  const isNew = next !== mode;
  enter(next);
  samples = samplesOf(manifest, entry.sample ?? entry.url);
  $('samples').hidden = samples.length === 0;
  const areDrawings = fitting.includes('draw');
  show($('samples-title'), () =>
    areDrawings ? text('Start from one of these') : text('No photo at hand? Take one of these'),
  );
  showSamples($('sample-list'), samples, openSample);
  return isNew;
}

async function openSample(sample) {
  remember('sample', sample.name);
  try {
    const blob = await sample.read();
    if (mode === modes.webcam) enter(modes.photo);
    showWork();
    await mode.open?.(blob, sample.name, { sample: true });
  } catch (error) {
    dock.error(error, () => openSample(sample));
  }
}

/** Opens the sample and draws the strokes that the address asks for; false if it asks for none. */
function openAsked() {
  const { sample: name, strokes } = askedInput();
  const sample = samples.find((one) => one.name === name);
  if (name && !sample) refuse('sample', () => text('sample “{name}”', { name: format.oneLine(name) }));
  if (strokes && !mode.draw) refuse('strokes', () => text('a drawing'));
  if (strokes && mode.draw && (sample || !name)) drawAsked(strokes, sample);
  else if (sample) openSample(sample);
  else return false;
  return true;
}

async function drawAsked(strokes, sample) {
  try {
    if (await mode.draw?.(strokes, sample)) return;
    dock.error(new Pix2PixError('input-size', 'The drawing in this link is damaged. Copy the whole link again.'));
  } catch (error) {
    dock.error(error, () => drawAsked(strokes, sample));
  }
}

/** Checks the radio button with `value` in a group. */
function check(group, value) {
  $(group).querySelector(`[value="${value}"]`).checked = true;
}

// ---------------------------------------------------------------- modes

function enter(next) {
  lastEntries[next.name] = slot.entry;
  if (next === mode) return;
  mode.leave();
  mode = next;
  isPresenting = false;
  document.body.dataset.mode = mode.name;
  $('stage').hidden = mode.name === 'draw';
  check('modes', mode.name);
  dock.caption('');
  dock.set('empty');
  mode.show();
  if (mode.result) dock.set('done');
}

/** Enters the mode that the visitor chose, with a model that suits it if there is one. */
async function chooseMode(name) {
  remember('way', name === 'photo' ? null : name);
  const entry = await modelFor(name);
  if (entry && entry !== slot.entry) return switchModel(entry, name);
  enter(modes[name]);
  present();
}

function modelFor(name) {
  return choice.fitting(name, [slot.entry, lastEntries[name]]);
}

/** Scrolls to what a click changes; keyboard users keep their place. */
function showWork() {
  if (document.activeElement?.matches(':focus-visible')) return;
  const behavior = matchMedia('(prefers-reduced-motion: reduce)').matches ? 'instant' : 'smooth';
  (mode === modes.draw ? $('draw') : $('stage')).scrollIntoView({ block: 'nearest', behavior });
}

async function offerModes() {
  const offered = await choice.modes();
  for (const label of $('modes').querySelectorAll('label')) {
    label.hidden = !offered.has(label.querySelector('input').value);
  }
}

async function takeFiles(files, absent) {
  if (files.length === 0) return absent && dock.error(new Pix2PixError('input-size', absent));
  const model = await modelAmong(files);
  if (model) return takeModel(model);
  remember('sample', null);
  const pictures = files.filter((file) => file.type.startsWith('image/'));
  const film = pictures.length > 0 ? null : files.find((one) => one.type.startsWith('video/'));
  const [file] = pictures.length > 0 ? pictures : files;
  if (mode === modes.webcam) enter(modes.photo);
  showWork();
  if (pictures.length > 1) return mode.openAll?.(pictures);
  const note = files.length > 1 ? () => text('the first of {count} files', { count: files.length }) : '';
  if (film) return openFilm(film, note);
  await mode.open?.(file, file.name, { note });
}

/** Takes what comes from other programs: photos rather than drawings. */
async function takeFromOutside(files, absent) {
  if (mode === modes.draw && (await modelFor('photo'))) await chooseMode('photo');
  await takeFiles(files, absent);
}

/** Takes what another program has shared with the installed page. */
async function takeShared() {
  remember('shared', null);
  const files = await sharedFiles().catch(() => []);
  await takeFromOutside(files, phrase('What was shared with this page did not arrive. Share it again.'));
}

async function openFilm(file, note) {
  if (mode.openFilm) return mode.openFilm(file, note);
  dock.error(
    new Pix2PixError('input-size', 'This model takes drawings. Choose a model for photos to translate a film.'),
  );
}

/** Uses a model from the visitor's disk: its files or an archive. */
async function takeModel(files) {
  try {
    const entry = await readModel(files);
    choice.take(entry);
    await switchModel(entry);
    offerModes();
    if (!mode.hasWork) loadModel();
  } catch (error) {
    dock.error(error);
  }
}

// ---------------------------------------------------------------- save and share

/** The canvas with the result, after the camera has stopped. */
async function stillResult() {
  if ((await mode.still?.()) === false) throw new DOMException('It did not come to that.', 'AbortError');
  return mode.resultCanvas;
}

function resultName() {
  return `${mode.resultName}-${slot.entry.name}`.replace(/[^\w.-]+/g, '-');
}

/** Opens the dialog for sharing. A link carries the model, settings and what is small: never a photo. */
async function share() {
  await stillResult();
  const { openShare } = await import('./share.js');
  await openShare({
    entry: slot.entry,
    mode: mode.name,
    before: await mode.before(),
    after: mode.result,
    isGrey: view.isGrey && mode !== modes.draw,
    name: resultName(),
    linked: mode.linked,
    settings: {
      model: addressOf(slot.entry),
      backend: slot.backend === 'auto' ? null : slot.backend,
      way: mode.name === 'photo' ? null : mode.name,
      view: view.layout === 'slider' ? null : view.layout,
    },
  });
  return '';
}

// ---------------------------------------------------------------- events

$('load').addEventListener('click', () => (mode.hasWork ? mode.resume() : loadModel()));
$('cancel').addEventListener('click', cancel);
document.addEventListener('keydown', (event) => {
  if (event.defaultPrevented) return;
  // A dialog takes Escape for itself.
  if (event.key === 'Escape' && dock.isBusy && !document.querySelector('dialog[open]')) cancel();
  // The board handles all its keys; elsewhere only shortcuts with Ctrl work.
  if (mode === modes.draw && (event.ctrlKey || event.metaKey)) mode.press?.(event);
});
$('backends').addEventListener('change', (event) => switchBackend(event.target.value));
$('modes').addEventListener('change', (event) => chooseMode(event.target.value));

const say = (words) => words && dock.say(words);
connectButtons({ canvas: stillResult, name: resultName, say });
connect('share', say, share);
onFiles(takeFiles, prefetch);
$('film').addEventListener('click', () => mode.film?.());
connectViewBar(view);
offerLanguages();

// ---------------------------------------------------------------- start

/** For tests and the console. */
const pix2pixDemo = {
  resultPixels: () => mode.result && { width: mode.result.width, height: mode.result.height, data: mode.result.data },
};
Object.assign(window, { pix2pixDemo });

async function begin() {
  setTimeout(reveal, PATIENCE);
  slot.backend = asked('backend', ['auto', 'webgpu', 'cpu']) ?? 'auto';
  slot.engine = asked('engine', ['burn']);
  slot.tune = asked('tune', TUNINGS) ?? undefined;
  check('backends', slot.backend);
  const wanted = asked('way', Object.keys(modes));
  try {
    slot.put(await choice.load());
    choice.check(slot.entry);
    choice.show();
    dock.set('empty');
    await describeModel();
    if (wanted) await chooseMode(wanted);
    const isShared = asked('shared', ['']) !== null;
    if (!isShared && !openAsked() && !wanted) await present();
    await offerModes();
    if (refusals()) dock.say(refusals);
    onLaunch(takeFromOutside);
    if (isShared) takeShared();
  } catch (error) {
    dock.error(error, begin);
  }
  reveal();
}

/** Shows the page: from now on nothing moves. */
function reveal() {
  delete document.body.dataset.starting;
}

begin();
