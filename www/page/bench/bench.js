// The page that measures the visitor's machine with measure.js: shows the
// figures and lets visitors copy them.

import { $ } from '../by-id.js';
import { element, errorText } from '../../view/element.js';
import { Pix2PixError } from '../../runtime/errors.js';
import { TUNINGS } from '../../runtime/pix2pix.js';
import { asked } from '../address.js';
import { listModels } from '../model-list.js';
import { LARGE, listSetups, measure, SMALL } from './measure.js';
import * as format from '../../view/format.js';

const NOT_ASKED = 'Emulated in software: left out unless you ask for it.';

let models = [];
let setups = [];
/** @type {any} */
let outcome = null; // what can be copied
/** @type {AbortController | null} */
let job = null;

// ---------------------------------------------------------------- state

function set(state, status = '') {
  document.body.dataset.state = state;
  $('status').textContent = status;
  $('message').textContent = '';
  $('progress').hidden = $('cancel').hidden = state !== 'working';
  for (const id of ['measure', 'model', 'tune', 'software']) $(id).disabled = state === 'working';
}

function fail(thrown) {
  set('error');
  $('message').replaceChildren(...errorText(Pix2PixError.from(thrown)));
}

function nameOf(setup) {
  if (setup.backend === 'webgpu') return setup.adapter ? `WebGPU, ${setup.adapter}` : 'WebGPU';
  return setup.workers === 1 ? 'CPU, one worker' : `CPU, ${setup.workers} workers`;
}

function spread({ runs, fastest, slowest }) {
  return `median of ${runs}, ${format.duration(fastest)} to ${format.duration(slowest)}`;
}

/** How many layers each kernel of a graphics device does. */
function kernelsOf({ kernels }) {
  const names = Object.values(kernels);
  const counts = [...new Set(names)].map((kernel) => `${kernel} × ${names.filter((name) => name === kernel).length}`);
  return counts.join(', ');
}

/** `result` is a measurement, or a sentence on why there is none.
    @param {any} [result] */
function show(setup, result = null) {
  const isMeasured = result !== null && typeof result !== 'string';
  const rows = isMeasured
    ? [
        ['Loading', format.duration(result.load)],
        ['First picture', format.duration(result.first)],
        [format.pixels(LARGE, LARGE), format.duration(result.large)],
        ...(setup.backend === 'webgpu' ? [['Kernels', kernelsOf(result)]] : []),
      ]
    : [
        ['Loading', '–'],
        ['First picture', '–'],
        [format.pixels(LARGE, LARGE), '–'],
      ];
  $(`setup-${setup.id}`).replaceChildren(
    element('h2', {}, isMeasured ? nameOf({ ...setup, ...result }) : nameOf(setup)),
    element('p', { className: 'figure' }, isMeasured ? format.duration(result.small.median) : '–'),
    element(
      'p',
      { className: 'caption' },
      isMeasured
        ? `a picture of ${format.pixels(SMALL, SMALL)}; ${spread(result.small)}`
        : `a picture of ${format.pixels(SMALL, SMALL)}`,
    ),
    element(
      'dl',
      { className: 'timings' },
      ...rows.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))),
    ),
    element(
      'p',
      { className: 'remark' },
      isMeasured
        ? result.isSoftware
          ? 'Emulated in software: this says nothing about a graphics card.'
          : ''
        : (result ?? ''),
    ),
  );
}

// ---------------------------------------------------------------- measuring

/** Why a setup is not measured; null if it is. */
function obstacle(setup) {
  return setup.missing ?? (setup.isSoftware && !$('software').checked ? NOT_ASKED : null);
}

function showSetups() {
  for (const setup of setups) show(setup, obstacle(setup));
}

async function measureAll() {
  const model = models[$('model').selectedIndex];
  const tune = $('tune').value || undefined;
  job = new AbortController();
  const { signal } = job;
  outcome = null;
  $('keep').hidden = true;
  showSetups();
  set('working', 'Starting…');
  const chosen = setups.filter((setup) => !obstacle(setup));
  const results = [];
  let wasHidden = document.hidden;
  document.addEventListener(
    'visibilitychange',
    () => {
      wasHidden = true;
    },
    { signal },
  );
  try {
    for (const [index, setup] of chosen.entries()) {
      const onStep = (share, what) => {
        $('progress').value = (index + share) / chosen.length;
        $('status').textContent = `${nameOf(setup)}: ${what}`;
      };
      try {
        const result = await measure(model.url, setup, { tune, signal, onStep });
        results.push(result);
        show(setup, result);
      } catch (thrown) {
        const error = Pix2PixError.from(thrown);
        if (error.code === 'aborted' || index === 0) throw error;
        show(setup, error.message); // the others remain
      }
    }
    set('done', wasHidden ? 'Done, but the tab was in the background at times: measure again.' : 'Done.');
  } catch (error) {
    if (error.code === 'aborted') set('empty', 'Cancelled.');
    else fail(error);
  } finally {
    job.abort();
    job = null;
  }
  if (results.length > 0) await offer(model, results, wasHidden);
}

// ---------------------------------------------------------------- copy

async function offer(model, results, wasHidden) {
  const manifest = await model.manifest;
  const { arch, base, norm } = manifest?.generator ?? {};
  const [weights] = manifest?.weights ?? [];
  outcome = {
    model: { name: model.name, arch, base, norm, weights: weights?.dtype, sha256: weights?.sha256 },
    machine: {
      browser: navigator.userAgent,
      cores: navigator.hardwareConcurrency,
      memoryInGigabytes: /** @type {any} */ (navigator).deviceMemory,
    },
    date: new Date().toISOString(),
    wasInTheBackground: wasHidden,
    results: results.map((result) => rounded(result)),
  };
  $('text').textContent = asText(outcome);
  $('keep').hidden = false;
}

/** Milliseconds with one decimal: the clocks of browsers have no more. */
function rounded(value) {
  if (typeof value === 'number') return Math.round(value * 10) / 10;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, rounded(part)]));
}

function asText({ model, machine, date, wasInTheBackground, results }) {
  const network = [model.arch, model.base && `base ${model.base}`, model.weights].filter(Boolean).join(', ');
  return [
    `pix2pix, ${model.name}${network && ` (${network})`}, ${date.slice(0, 10)}`,
    `${machine.browser}, ${machine.cores} cores`,
    ...results.map((result) => {
      const note = result.isSoftware ? ' (emulated in software)' : '';
      const kernels = kernelsOf(result);
      return (
        `${nameOf(result)}${note}: ${format.pixels(SMALL, SMALL)} ${format.duration(result.small.median)} (${spread(result.small)}), ` +
        `${format.pixels(LARGE, LARGE)} ${format.duration(result.large)}, ` +
        `first picture ${format.duration(result.first)}, loading ${format.duration(result.load)}` +
        (kernels && `, kernels ${kernels}`)
      );
    }),
    ...(wasInTheBackground ? ['The tab was in the background at times.'] : []),
  ].join('\n');
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    $('copied').textContent = 'It is in the clipboard.';
  } catch {
    $('copied').textContent = 'The browser did not allow it: select the text and copy it yourself.';
  }
}

// ---------------------------------------------------------------- start

$('measure').addEventListener('click', measureAll);
$('cancel').addEventListener('click', () => job?.abort());
$('software').addEventListener('change', showSetups);
$('copy-text').addEventListener('click', () => copy($('text').textContent));
$('copy-json').addEventListener('click', () => copy(JSON.stringify(outcome, null, 2)));

async function begin() {
  try {
    [models, setups] = await Promise.all([listModels(), listSetups()]);
    $('model').replaceChildren(...models.map(({ title, name }) => element('option', { value: name }, title || name)));
    $('tune').value = asked('tune', TUNINGS) ?? '';
    $('tune-field').hidden = setups.some((setup) => setup.backend === 'webgpu' && setup.missing);
    $('software-field').hidden = !setups.some((setup) => setup.isSoftware);
    showSetups();
    set('empty', 'Takes half a minute or so. Nothing loads until you begin.');
    $('measure').disabled = false;
  } catch (error) {
    fail(error);
    $('measure').disabled = true;
  }
}

begin();
