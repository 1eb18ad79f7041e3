// The page's logic: from what the visitor does to what the model does, and
// back into words. Pixels are stage.js, the list of models is gallery.js.

import { listModels, sampleUrls } from './gallery.js';
import { Pix2Pix, Pix2PixError } from './pix2pix.js';
import { stage } from './stage.js';
import * as words from './words.js';

const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);

const BACKEND_NAMES = { webgpu: 'WebGPU', cpu: 'CPU' };
const PHASES = { runtime: 'Runtime', model: 'Model', starting: 'Starting the model' };
const LAZY_REASON = 'The model loads when you pick a photo.';
const INVITATION = 'Nothing loads until you begin. Photos over 2,048 pixels are scaled down.';

let models = [];
let chosen = null; // of `models`
let backend = ['auto', 'webgpu', 'cpu'].includes(query.get('backend')) ? query.get('backend') : 'auto';
let model = null; // the Promise<Pix2Pix> of `chosen` on `backend`
let isLoaded = false; // whether that promise has been kept
let loading = null; // the AbortController of that promise
let job = null; // the AbortController of the latest translation
let photoName = '';
let isSample = false;
let retryAction = null;
let hasPrefetched = false;

// ---------------------------------------------------------------- states

/** state: empty | loading | ready | working | done | error */
function setState(state, status = '') {
  document.body.dataset.state = state;
  $('status').setAttribute('aria-live', 'polite');
  $('status').textContent = status || (state === 'empty' ? INVITATION : '');
  if (state !== 'error') $('message').textContent = '';
  const busy = state === 'loading' || state === 'working';
  $('progress').hidden = !busy;
  if (state === 'working') $('progress').removeAttribute('value');
  $('cancel').hidden = !busy;
  offerRetry(null);
  $('save').hidden = busy || !stage.resultPixels();
  $('another').hidden = !stage.hasPhoto || busy;
  $('invitation').hidden = stage.hasPhoto;
  showLoadButton();
}

function showLoadButton() {
  $('load').disabled = model !== null;
  $('load').textContent = isLoaded ? 'Model loaded' : model ? 'Loading…' : 'Load model';
}

function showError(thrown, again) {
  const error = Pix2PixError.from(thrown);
  if (error.code === 'internal') console.error(error);
  setState('error');
  const code = document.createElement('code');
  code.textContent = error.code;
  $('message').replaceChildren(error.message, ' ', code);
  $('message').dataset.code = error.code;
  if (error.code === 'no-webgpu') offerRetry('Use Auto', () => switchBackend('auto'));
  else if (again) offerRetry('Try again', again);
}

function offerRetry(label, action = null) {
  retryAction = action;
  $('retry').hidden = !action;
  $('retry').textContent = label ?? '';
}

function showProgress({ phase, loaded, total }) {
  if (document.body.dataset.state !== 'loading') return;
  const bar = $('progress');
  if (total && phase !== 'starting') bar.value = loaded / total;
  else bar.removeAttribute('value');
  $('status').setAttribute('aria-live', 'off'); // not every chunk is read out
  $('status').textContent = phase === 'starting'
    ? `${PHASES.starting}…`
    : `${PHASES[phase]}: ${words.progressText(loaded, total)}`;
}

function showFacts(session) {
  $('backend').textContent = session ? BACKEND_NAMES[session.backend] : 'Not started';
  $('backend').dataset.backend = session?.backend ?? '';
  $('backend-reason').textContent = session?.backendReason ?? LAZY_REASON;
  $('adapter-row').hidden = !session?.adapter;
  $('adapter').textContent = session?.adapter ?? '';
  if (!session) $('elapsed').textContent = '–';
}

// ---------------------------------------------------------------- the model

/** The one Pix2Pix in use, loaded on the first call. */
function ensureModel() {
  if (model) return model;
  if (!chosen) return Promise.reject(new Pix2PixError('manifest', 'There is no model to load on this site.'));
  loading = new AbortController();
  const mine = Pix2Pix.create(chosen.url, { backend, signal: loading.signal, onProgress: showProgress });
  model = mine;
  mine.then(
    (session) => {
      if (model !== mine) return;
      isLoaded = true;
      showFacts(session);
      showLoadButton();
    },
    () => { if (model === mine) model = null; },
  );
  showLoadButton();
  return mine;
}

function dropModel() {
  loading?.abort();
  model?.then((session) => session.dispose(), () => {});
  model = null;
  isLoaded = false;
  showFacts(null);
}

/** Loads without a photo. `quietly`: the visitor has not asked for it yet. */
async function loadModel({ quietly = false } = {}) {
  if (model) return;
  const mine = ensureModel();
  setState('loading', 'Loading the model…');
  try {
    const session = await mine;
    // The shaders are compiled now rather than under the first photo.
    if (session.backend === 'webgpu' && !stage.hasPhoto) {
      $('status').textContent = 'Preparing the graphics card…';
      await session.warmUp();
    }
    // A complaint about a file that was dropped meanwhile stays.
    if (document.body.dataset.state === 'loading' && !job) setState('ready', 'The model is here. Choose a photo.');
  } catch (error) {
    if (job || model !== null) return; // that one reports
    if (quietly || error.code === 'aborted') setState('empty', quietly ? '' : 'Cancelled.');
    else showError(error, loadModel);
  }
}

/** The first sign of interest starts the download. */
function prefetch() {
  const isMetered = navigator.connection?.saveData;
  if (hasPrefetched || isMetered || !chosen || document.body.dataset.state !== 'empty') return;
  hasPrefetched = true;
  loadModel({ quietly: true });
}

// ---------------------------------------------------------------- a photo

async function openPhoto(blob, name, { sample = false } = {}) {
  job?.abort(); // the latest photo wins
  const mine = job = new AbortController();
  try {
    const line = await stage.show(blob, name);
    if (mine.signal.aborted) return;
    photoName = name;
    isSample = sample;
    $('caption').textContent = line;
    $('blur').checked = false;
  } catch (error) {
    if (mine.signal.aborted) return;
    job = null;
    showError(error);
    if (stage.hasPhoto && !stage.resultPixels()) offerRetry('Translate', translate);
    return;
  }
  await translate();
}

async function translate() {
  job?.abort();
  const mine = job = new AbortController();
  const { signal } = mine;
  const isLatest = () => job === mine;
  try {
    setState(isLoaded ? 'working' : 'loading', isLoaded ? 'Preparing…' : 'Loading the model…');
    $('progress').removeAttribute('value');
    await stage.prepare({ blurred: $('blur').checked && !isSample, signal });
    const session = await ensureModel();
    if (!isLatest()) return;
    setState('working', `Translating on ${session.backend === 'webgpu' ? 'the graphics card' : 'the processor'}…`);
    const begun = performance.now();
    const result = await session.run(stage.input, { signal });
    if (!isLatest()) return;
    $('elapsed').textContent = words.duration(performance.now() - begun);
    showFacts(session); // a restart may have changed them
    stage.showResult(result);
    setState('done', `Done in ${$('elapsed').textContent}. Drag across the picture to compare.`);
  } catch (error) {
    if (!isLatest()) return;
    if (Pix2PixError.from(error).code === 'aborted') {
      setState(model ? 'ready' : 'empty', 'Cancelled.');
      offerRetry('Translate', translate);
    } else showError(error, translate);
  }
}

function cancel() {
  if (document.body.dataset.state === 'working') job.abort();
  else loading?.abort();
}

async function save() {
  const png = await stage.resultPng();
  const link = document.createElement('a');
  link.href = URL.createObjectURL(png);
  link.download = `${photoName.replace(/\.[^.]*$/, '') || 'photo'}-${chosen.name}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function takeFiles(files, absent) {
  const [file] = files ?? [];
  if (file) openPhoto(file, file.name);
  else if (absent) showError(new Pix2PixError('input-size', absent));
}

// ---------------------------------------------------------------- settings

function switchBackend(value) {
  backend = value;
  rememberInAddress('backend', value === 'auto' ? null : value);
  for (const radio of $('backends').querySelectorAll('input')) radio.checked = radio.value === value;
  restart();
}

function switchModel(entry) {
  chosen = entry;
  rememberInAddress('model', entry === models[0] ? null : entry.name);
  describeModel(entry);
  restart();
}

/** Goes on with other settings where the visitor had come to. */
function restart() {
  const wasLoaded = model !== null;
  job?.abort();
  job = null;
  dropModel();
  if (stage.hasPhoto) translate();
  else if (wasLoaded) loadModel();
  else setState('empty');
}

function rememberInAddress(name, value) {
  if (value === null) query.delete(name);
  else query.set(name, value);
  const text = query.toString();
  history.replaceState(null, '', text ? `?${text}` : location.pathname);
}

async function describeModel(entry) {
  const manifest = await entry.manifest;
  if (entry !== chosen) return;
  $('blur-field').hidden = manifest?.task !== 'deblur';
  const urls = sampleUrls(manifest, entry.url);
  $('samples').hidden = urls.length === 0;
  $('sample-list').replaceChildren(...urls.map(sampleItem));
}

function sampleItem(url, index) {
  const item = document.createElement('li');
  const button = document.createElement('button');
  button.type = 'button';
  const image = document.createElement('img');
  image.src = url;
  image.alt = `Sample ${index + 1}`;
  image.width = image.height = 96;
  image.addEventListener('error', () => item.remove());
  button.addEventListener('click', () => openSample(url));
  button.append(image);
  item.append(button);
  return item;
}

async function openSample(url) {
  try {
    const response = await fetch(url).catch(() => null);
    if (!response?.ok) throw new Pix2PixError('fetch', `The sample ${url} could not be downloaded. Check the connection and try again.`);
    await openPhoto(await response.blob(), decodeURIComponent(url.split('/').at(-1)), { sample: true });
  } catch (error) {
    showError(error, () => openSample(url));
  }
}

function modelCard(entry) {
  const card = document.createElement('label');
  card.className = 'card';
  const radio = document.createElement('input');
  radio.type = 'radio';
  radio.name = 'model';
  radio.value = entry.name;
  radio.checked = entry === chosen;
  radio.addEventListener('change', () => switchModel(entry));
  const [title, summary, facts] = ['b', 'span', 'small'].map((tag) => document.createElement(tag));
  title.textContent = entry.title || entry.name;
  summary.textContent = entry.summary;
  facts.textContent = '\u00a0'; // its line is kept free
  entry.manifest.then((manifest) => {
    title.textContent = entry.title || manifest?.title || entry.name;
    facts.textContent = modelFacts(manifest);
  });
  card.append(radio, title, summary, facts);
  return card;
}

function modelFacts(manifest) {
  const size = manifest?.weights?.[0]?.bytes;
  if (!Number.isFinite(size)) return 'Not on this site yet';
  const steps = manifest.training?.steps;
  return [
    `${words.bytes(size)} download`,
    steps > 0 && `trained for ${words.count(steps)} steps`,
  ].filter(Boolean).join(' · ');
}

// ---------------------------------------------------------------- events

$('file-input').addEventListener('click', prefetch);
$('file-input').addEventListener('change', () => {
  takeFiles($('file-input').files);
  $('file-input').value = ''; // so that the same file may be chosen again
});
$('invitation').addEventListener('pointerenter', prefetch);
$('load').addEventListener('click', () => (stage.hasPhoto ? translate() : loadModel()));
$('cancel').addEventListener('click', cancel);
$('retry').addEventListener('click', () => retryAction?.());
$('save').addEventListener('click', save);
$('blur').addEventListener('change', () => { if (stage.hasPhoto && !isSample) translate(); });
$('backends').addEventListener('change', (event) => switchBackend(event.target.value));

document.addEventListener('paste', (event) => {
  takeFiles(event.clipboardData?.files, 'There is no picture in the clipboard.');
});
document.addEventListener('dragover', (event) => {
  event.preventDefault();
  document.body.classList.add('dragging');
  prefetch();
});
document.addEventListener('dragleave', (event) => {
  if (!event.relatedTarget) document.body.classList.remove('dragging');
});
document.addEventListener('drop', (event) => {
  event.preventDefault();
  document.body.classList.remove('dragging');
  takeFiles(event.dataTransfer?.files, 'There was no file in what you dropped: save the picture first, then drop its file.');
});

// ---------------------------------------------------------------- start

/** For tests and the console. */
window.pix2pixDemo = { resultPixels: () => stage.resultPixels() };

async function begin() {
  for (const radio of $('backends').querySelectorAll('input')) radio.checked = radio.value === backend;
  try {
    models = await listModels();
    chosen = models.find((entry) => entry.name === query.get('model')) ?? models[0];
    $('models').replaceChildren(...models.map(modelCard));
    setState('empty');
    describeModel(chosen);
  } catch (error) {
    showError(error, begin);
  }
}

begin();
