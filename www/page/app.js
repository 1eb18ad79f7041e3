// The page's logic: which way in, which model, and who does what. The ways
// are photo-way.js, draw-way.js and webcam-way.js; words go to page-dock.js.

import { DrawWay } from './draw-mode.js';
import { listModels, modelAt } from './model-list.js';
import * as keep from './save.js';
import { modelCard } from './model-cards.js';
import { filesOf, modelAmong, readModel } from './model-files.js';
import { ModelSlot } from './model-slot.js';
import { dock } from './dock.js';
import { keepPage, keepRuntime } from './offline.js';
import { PhotoWay } from './photo-mode.js';
import { PICTURES } from '../runtime/image.js';
import { modesOf, samplesOf, takesGrey } from '../view/manifest.js';
import { PictureView } from '../view/picture-view.js';
import { Pix2PixError } from '../runtime/pix2pix.js';
import { showSamples } from './sample-list.js';
import { WebcamWay } from './webcam-mode.js';
import * as words from '../view/words.js';

const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
// What it waits for the models before it shows itself, in milliseconds.
const PATIENCE = 3000;

const INVITATIONS = {
  photo: 'Nothing loads until you begin. Photos up to 24 megapixels.',
  draw: 'Nothing loads until your first stroke.',
  webcam: 'Nothing loads until the camera is on.',
};

const slot = new ModelSlot((progress) => dock.progress(progress));
const view = new PictureView({ frame: $('picture'), before: $('before'), after: $('result'), handle: $('handle') });
const ways = {
  photo: new PhotoWay({ view, slot, dock, blurBox: $('blur') }),
  draw: new DrawWay({ host: $('draw'), slot, dock }),
  webcam: new WebcamWay({ view, slot, dock, invitation: $('camera'), stopButton: $('stop') }),
};

let models = [];
let way = ways.photo;
let hasPrefetched = false;
let notes = []; // what the address asks for and cannot have
const lastEntries = {}; // the model that each way had

// ---------------------------------------------------------------- what is to be seen

dock.onChange(() => {
  const { isBusy } = dock;
  const hasResult = way.result !== null && !isBusy;
  $('keep').hidden = !hasResult;
  $('view-bar').hidden = way.name === 'draw' || !view.result;
  $('another').hidden = way.name !== 'photo' || !way.hasWork || isBusy;
  $('invitation').hidden = way.name !== 'photo' || way.hasWork;
  if (dock.state === 'empty' && !$('status').textContent) dock.say(INVITATIONS[way.name]);
});

dock.onNoWebGpu(() => switchBackend('auto'));

slot.addEventListener('change', () => {
  $('load').disabled = !slot.isEmpty;
  $('load').textContent = slot.isLoaded ? 'Model loaded' : slot.isEmpty ? 'Load model' : 'Loading…';
  if (slot.isEmpty) dock.facts(null);
  else if (slot.isLoaded) {
    slot.ensure().then((session) => {
      dock.facts(session);
      keepRuntime(session.backend).then(showOffline);
    });
  }
});

/** From now on the page needs no network. */
function showOffline(isKept) {
  if (isKept) document.body.dataset.offline = 'ready';
}

// ---------------------------------------------------------------- the model

/** Loads without a picture. `quietly`: the visitor has not asked for it yet. */
async function loadModel({ quietly = false } = {}) {
  if (!slot.isEmpty) return;
  const mine = slot.ensure();
  dock.set('loading', 'Loading the model…');
  try {
    const session = await mine;
    // The shaders are compiled now rather than under the first picture.
    if (session.backend === 'webgpu' && !way.hasWork) await session.warmUp();
    if (dock.state === 'loading' && !way.hasWork) dock.set('ready', 'The model is here.');
  } catch (error) {
    if (way.hasWork || !slot.isEmpty) return; // that one reports
    if (quietly || error.code === 'aborted') dock.set('empty', quietly ? '' : 'Cancelled.');
    else dock.error(error, () => loadModel());
  }
}

/** The first sign of interest starts the download. */
function prefetch() {
  if (hasPrefetched || navigator.connection?.saveData || !slot.entry || dock.state !== 'empty') return;
  hasPrefetched = true;
  loadModel({ quietly: true });
}

async function switchModel(entry, wanted = way.name) {
  slot.put(entry);
  rememberInAddress('model', entry === models[0] ? null : entry.files ? null : addressOf(entry));
  checkModel();
  const isNew = await describeModel(wanted);
  if (!isNew && entry === slot.entry) restart();
}

/** Models of this site go by their name, others by their address. */
function addressOf(entry) {
  return entry.isForeign ? entry.url : entry.name;
}

function switchBackend(value) {
  slot.put(slot.entry, value);
  rememberInAddress('backend', value === 'auto' ? null : value);
  for (const radio of $('backends').querySelectorAll('input')) radio.checked = radio.value === value;
  restart();
}

function cancel() {
  slot.cancelLoading();
  way.cancel();
}

/** Goes on with other settings where the visitor had come to. */
function restart() {
  if (way.hasWork) return way.resume();
  way.show();
  dock.set('empty');
}

/** Also enters a way that the model takes: `wanted`, where it does. True if that is another one. */
async function describeModel(wanted = way.name) {
  const { entry } = slot;
  const manifest = await entry.manifest;
  if (entry !== slot.entry) return false;
  $('blur-field').hidden = manifest?.task !== 'deblur';
  if ($('blur-field').hidden) $('blur').checked = false;
  view.isGrey = takesGrey(manifest);
  const fitting = modesOf(manifest);
  if (fitting.includes('draw')) {
    await ways.draw.begin(manifest, entry.url ?? entry.name);
    if (entry !== slot.entry) return false;
  }
  const next = ways[fitting.includes(wanted) ? wanted : fitting[0]];
  const isNew = next !== way;
  enter(next);
  const samples = samplesOf(manifest, entry.sample ?? entry.url);
  $('samples').hidden = samples.length === 0;
  $('samples-title').textContent = fitting.includes('draw') ? 'Start from one of these' : 'No photo at hand? Take one of these';
  showSamples($('sample-list'), samples, openSample);
  return isNew;
}

async function openSample(sample) {
  try {
    const blob = await sample.read();
    if (way === ways.webcam) enter(ways.photo);
    showWork();
    await way.open(blob, sample.name, { sample: true });
  } catch (error) {
    dock.error(error, () => openSample(sample));
  }
}

function showModels() {
  const hadFocus = $('models').contains(document.activeElement);
  $('models').replaceChildren(...models.map((entry) => modelCard(entry, async () => {
    await switchModel(entry);
    showWork();
  })));
  checkModel();
  if (hadFocus) $('models').querySelector(':checked')?.focus();
}

function checkModel() {
  for (const [index, radio] of $('models').querySelectorAll('input').entries()) radio.checked = models[index] === slot.entry;
}

// ---------------------------------------------------------------- ways in

function enter(next) {
  lastEntries[next.name] = slot.entry;
  if (next === way) return;
  way.leave();
  way = next;
  document.body.dataset.way = way.name;
  $('stage').hidden = way.name === 'draw';
  for (const radio of $('ways').querySelectorAll('input')) radio.checked = radio.value === way.name;
  dock.caption('');
  dock.set('empty');
  way.show();
  if (way.result) dock.set('done');
}

/** The visitor's choice; brings a model that takes it, where there is one. */
async function chooseWay(name) {
  rememberInAddress('way', name === 'photo' ? null : name);
  const entry = await modelFor(name);
  if (entry && entry !== slot.entry) await switchModel(entry, name);
  else enter(ways[name]);
}

async function modelFor(name) {
  const order = [slot.entry, lastEntries[name], ...models];
  for (const entry of order) {
    if (entry && modesOf(await entry.manifest).includes(name)) return entry;
  }
  return null;
}

/** What was pressed may lie a screen below what it changes. Whoever uses keys keeps the place. */
function showWork() {
  if (document.activeElement?.matches(':focus-visible')) return;
  const behavior = matchMedia('(prefers-reduced-motion: reduce)').matches ? 'instant' : 'smooth';
  (way === ways.draw ? $('draw') : $('stage')).scrollIntoView({ block: 'nearest', behavior });
}

async function offerWays() {
  const offered = new Set();
  for (const entry of models) {
    for (const name of modesOf(await entry.manifest)) offered.add(name);
  }
  for (const label of $('ways').querySelectorAll('label')) {
    label.hidden = !offered.has(label.querySelector('input').value);
  }
}

async function takeFiles(files, absent) {
  if (files.length === 0) return absent && dock.error(new Pix2PixError('input-size', absent));
  const model = await modelAmong(files);
  if (model) return takeModel(model);
  const pictures = files.filter((file) => file.type.startsWith('image/'));
  const [file] = pictures.length > 0 ? pictures : files;
  if (way === ways.webcam) enter(ways.photo);
  showWork();
  await way.open(file, file.name, { note: files.length > 1 ? `the first of ${words.count(files.length)} files` : '' });
}

/** A model from the visitor's disk: its files, or one archive of them. */
async function takeModel(files) {
  try {
    const entry = await readModel(files);
    models = [...models.filter((known) => !known.files), entry];
    showModels();
    await switchModel(entry);
    offerWays();
    if (!way.hasWork) loadModel();
  } catch (error) {
    dock.error(error);
  }
}

// ---------------------------------------------------------------- keeping

async function tryTo(action, done) {
  try {
    dock.say(done(await action()));
  } catch (error) {
    if (error.name !== 'AbortError') dock.say(error.message);
  }
}

/** The canvas with the result, once it does not move any more. */
async function stillResult() {
  if (await way.still?.() === false) throw new DOMException('It did not come to that.', 'AbortError');
  return way.resultCanvas;
}

function resultName() {
  return `${way.resultName}-${slot.entry.name}`.replace(/[^\w.-]+/g, '-');
}

/** The page with this model and these settings; never the picture. */
function linkToThis() {
  const link = new URL(location.pathname, location.href);
  if (!slot.entry.files) link.searchParams.set('model', addressOf(slot.entry));
  if (slot.backend !== 'auto') link.searchParams.set('backend', slot.backend);
  if (way.name !== 'photo') link.searchParams.set('way', way.name);
  if (view.layout !== 'slider') link.searchParams.set('view', view.layout);
  return link.href;
}

// ---------------------------------------------------------------- settings in the address

function rememberInAddress(name, value) {
  if (value === null) query.delete(name);
  else query.set(name, value);
  const text = query.toString();
  history.replaceState(null, '', text ? `?${text}` : location.pathname);
}

// ---------------------------------------------------------------- events

$('file-input').accept = `${PICTURES},.zip`;
$('file-input').addEventListener('click', prefetch);
$('file-input').addEventListener('change', () => {
  takeFiles([...$('file-input').files]);
  $('file-input').value = ''; // so that the same file may be chosen again
});
$('load').addEventListener('click', () => (way.hasWork ? way.resume() : loadModel()));
$('cancel').addEventListener('click', cancel);
document.addEventListener('keydown', (event) => {
  if (event.defaultPrevented) return;
  if (event.key === 'Escape' && dock.isBusy) cancel();
  // Within the board all its keys work, elsewhere those that nothing else has.
  if (way === ways.draw && (event.ctrlKey || event.metaKey)) way.press(event);
});
$('backends').addEventListener('change', (event) => switchBackend(event.target.value));
$('ways').addEventListener('change', (event) => chooseWay(event.target.value));

$('save').addEventListener('click', () => tryTo(
  async () => keep.save(await stillResult(), resultName(), $('format').value), (name) => `Saved as ${name}.`));
$('copy').addEventListener('click', () => tryTo(
  () => keep.copyPicture(stillResult()), () => 'The picture is in the clipboard.'));
$('share').addEventListener('click', () => tryTo(
  () => keep.shareLink(linkToThis(), document.title),
  (how) => (how === 'copied' ? 'The link is in the clipboard. It carries the model and settings, not your picture.' : 'Shared.')));

$('layouts').addEventListener('change', (event) => {
  view.layout = event.target.value;
  rememberInAddress('view', view.layout === 'slider' ? null : view.layout);
});
$('zoom-in').addEventListener('click', () => view.zoom.in());
$('zoom-out').addEventListener('click', () => view.zoom.out());
$('zoom-fit').addEventListener('click', () => view.zoom.reset());
view.zoom.addEventListener('change', () => { $('zoom-level').textContent = `${Math.round(view.zoom.level * 100)} %`; });

document.addEventListener('paste', (event) => {
  takeFiles([...event.clipboardData?.files ?? []], 'There is no picture in the clipboard.');
});
document.addEventListener('dragover', (event) => {
  event.preventDefault();
  if (!event.dataTransfer?.types.includes('Files')) return;
  document.body.classList.add('dragging');
  prefetch();
});
document.addEventListener('dragleave', (event) => {
  if (!event.relatedTarget) document.body.classList.remove('dragging');
});
document.addEventListener('drop', async (event) => {
  event.preventDefault();
  document.body.classList.remove('dragging');
  takeFiles(await filesOf(event.dataTransfer), 'There was no file in what you dropped. Drop the file of a picture, saved before, or a model folder.');
});

// ---------------------------------------------------------------- start

/** For tests and the console. */
window.pix2pixDemo = {
  resultPixels: () => way.result && { width: way.result.width, height: way.result.height, data: way.result.data },
};

async function begin() {
  notes = [];
  setTimeout(reveal, PATIENCE);
  slot.backend = asked('backend', ['auto', 'webgpu', 'cpu']) ?? 'auto';
  for (const radio of $('backends').querySelectorAll('input')) radio.checked = radio.value === slot.backend;
  if (asked('view', ['slider', 'side']) === 'side') {
    view.layout = 'side';
    $('layouts').querySelector('[value=side]').checked = true;
  }
  const wanted = asked('way', Object.keys(ways));
  try {
    models = await listModels();
    slot.put(chosenByAddress());
    showModels();
    dock.set('empty');
    await describeModel();
    if (wanted) await chooseWay(wanted);
    await offerWays();
    if (notes.length > 0) dock.say(`The address asks for what is not here: ${notes.join(', ')}.`);
  } catch (error) {
    dock.error(error, begin);
  }
  reveal();
}

/** Nothing of the page moves once it is seen. */
function reveal() {
  delete document.body.dataset.starting;
}

/** What the address says of `name`, if it is one of `known`, or null. */
function asked(name, known) {
  const wanted = query.get(name);
  if (wanted === null || known.includes(wanted)) return wanted;
  notes.push(`${name} “${words.text(wanted)}”`);
  return null;
}

/** `?model=`: a name from the gallery, or the address of a manifest. */
function chosenByAddress() {
  const wanted = query.get('model');
  const address = wanted?.endsWith('.json') && URL.canParse(wanted, document.baseURI) ? new URL(wanted, document.baseURI) : null;
  const known = models.find((entry) => entry.name === wanted || entry.url === address?.href);
  if (known) return known;
  if (!address) {
    asked('model', []);
    return models[0];
  }
  const foreign = { ...modelAt(address, { summary: 'From the address of this page.' }), isForeign: true };
  models = [...models, foreign];
  return foreign;
}

begin().then(keepPage);
