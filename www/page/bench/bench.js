// The page that measures the visitor's machine with measure.js: shows the
// figures and lets visitors copy them.

import { $ } from '../by-id.js';
import { element } from '../../view/element.js';
import { Pix2PixError } from '../../runtime/errors.js';
import { phrase } from '../../runtime/phrase.js';
import { TUNINGS } from '../../runtime/pix2pix.js';
import { asked } from '../address.js';
import { offerLanguages } from '../language.js';
import { listModels } from '../model-list.js';
import { LARGE, listSetups, measure, SMALL } from './measure.js';
import * as format from '../../view/format.js';
import { show, text, translated } from '../../view/language.js';
import { errorText, sentenceOf } from '../../view/sentence.js';

const NOT_ASKED = { template: phrase('Emulated in software: left out unless you ask for it.'), values: {} };

let models = [];
let setups = [];
/** @type {any} */
let outcome = null; // what can be copied
/** @type {AbortController | null} */
let job = null;

// ---------------------------------------------------------------- state

/** @param {string} state @param {import('../../view/language.js').Words} [status] */
function set(state, status = '') {
  document.body.dataset.state = state;
  show($('status'), status);
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
  return setup.workers === 1 ? text('CPU, one worker') : text('CPU, {count} workers', { count: setup.workers });
}

function spread({ runs, fastest, slowest }) {
  const range = { fastest: format.duration(fastest), slowest: format.duration(slowest) };
  return text('median of {runs}, {fastest} to {slowest}', { runs, ...range });
}

/** How many layers each kernel of a graphics device does. */
function kernelsOf({ kernels }) {
  const names = Object.values(kernels);
  const counts = [...new Set(names)].map((kernel) => `${kernel} × ${names.filter((name) => name === kernel).length}`);
  return counts.join(', ');
}

/** `result` is a measurement, or words on why there is none.
    @param {any} [result] */
function showSetup(setup, result = null) {
  const isMeasured = result !== null && typeof result === 'object';
  const time = (of) => (isMeasured ? () => format.duration(of(result)) : '–');
  const rows = [
    [() => text('Loading'), time(({ load }) => load)],
    [() => text('First picture'), time(({ first }) => first)],
    [() => format.pixels(LARGE, LARGE), time(({ large }) => large)],
    ...(isMeasured && setup.backend === 'webgpu' ? [[() => text('Kernels'), kernelsOf(result)]] : []),
  ];
  const size = () => format.pixels(SMALL, SMALL);
  $(`setup-${setup.id}`).replaceChildren(
    element('h2', {}, () => nameOf(isMeasured ? { ...setup, ...result } : setup)),
    element(
      'p',
      { className: 'figure' },
      time(({ small }) => small.median),
    ),
    element('p', { className: 'caption' }, () =>
      isMeasured
        ? text('a picture of {size}; {spread}', { size: size(), spread: spread(result.small) })
        : text('a picture of {size}', { size: size() }),
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
          ? () => text('Emulated in software: this says nothing about a graphics card.')
          : ''
        : (result ?? ''),
    ),
  );
}

// ---------------------------------------------------------------- measuring

/** Why a setup is not measured, as a text with values; null if it is. */
function obstacle(setup) {
  return setup.missing ?? (setup.isSoftware && !$('software').checked ? NOT_ASKED : null);
}

function showSetups() {
  for (const setup of setups) {
    const why = obstacle(setup);
    showSetup(setup, why && (() => translated(why)));
  }
}

async function measureAll() {
  const model = models[$('model').selectedIndex];
  const tune = $('tune').value || undefined;
  job = new AbortController();
  const { signal } = job;
  outcome = null;
  $('keep').hidden = true;
  showSetups();
  set('working', () => text('Starting…'));
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
        show($('status'), () => `${nameOf(setup)}: ${translated(what)}`);
      };
      try {
        const result = await measure(model.url, setup, { tune, signal, onStep });
        results.push(result);
        showSetup(setup, result);
      } catch (thrown) {
        const error = Pix2PixError.from(thrown);
        if (error.code === 'aborted' || index === 0) throw error;
        showSetup(setup, () => sentenceOf(error)); // the others remain
      }
    }
    const isDoubtful = wasHidden;
    set('done', () =>
      isDoubtful ? text('Done, but the tab was in the background at times: measure again.') : text('Done.'),
    );
  } catch (error) {
    if (error.code === 'aborted') set('empty', () => text('Cancelled.'));
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
  const said = outcome;
  show($('text'), () => asText(said));
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
    text('{browser}, {count} cores', { browser: machine.browser, count: machine.cores }),
    ...results.map((result) => {
      const note = result.isSoftware ? ` ${text('(emulated in software)')}` : '';
      const kernels = kernelsOf(result);
      return (
        `${nameOf(result)}${note}: ${format.pixels(SMALL, SMALL)} ${format.duration(result.small.median)} (${spread(result.small)}), ` +
        `${format.pixels(LARGE, LARGE)} ${format.duration(result.large)}, ` +
        text('first picture {first}, loading {load}', {
          first: format.duration(result.first),
          load: format.duration(result.load),
        }) +
        (kernels && text(', kernels {kernels}', { kernels }))
      );
    }),
    ...(wasInTheBackground ? [text('The tab was in the background at times.')] : []),
  ].join('\n');
}

async function copy(copied) {
  try {
    await navigator.clipboard.writeText(copied);
    show($('copied'), () => text('It is in the clipboard.'));
  } catch {
    show($('copied'), () => text('The browser did not allow it: select the text and copy it yourself.'));
  }
}

// ---------------------------------------------------------------- start

$('measure').addEventListener('click', measureAll);
$('cancel').addEventListener('click', () => job?.abort());
$('software').addEventListener('change', showSetups);
$('copy-text').addEventListener('click', () => copy($('text').textContent));
$('copy-json').addEventListener('click', () => copy(JSON.stringify(outcome, null, 2)));

async function begin() {
  offerLanguages();
  try {
    [models, setups] = await Promise.all([listModels(), listSetups()]);
    $('model').replaceChildren(
      ...models.map(({ title, name }) => element('option', { value: name }, () => text(title) || name)),
    );
    $('tune').value = asked('tune', TUNINGS) ?? '';
    $('tune-field').hidden = setups.some((setup) => setup.backend === 'webgpu' && setup.missing);
    $('software-field').hidden = !setups.some((setup) => setup.isSoftware);
    showSetups();
    set('empty', () => text('Takes half a minute or so. Nothing loads until you begin.'));
    $('measure').disabled = false;
  } catch (error) {
    fail(error);
    $('measure').disabled = true;
  }
}

begin();
