// What the visitor asks for beside the pairs: the panel of settings.

import { $ } from '../page/by-id.js';
import { listModels } from '../page/model-list.js';
import { findAdapter } from '../runtime/adapter.js';
import { element } from '../view/element.js';
import { text } from '../view/language.js';

const FIELDS = ['from-field', 'size-field', 'base-field', 'steps-field', 'mirror-field'];
/** Small networks and short lessons want a higher learning rate than the paper's. */
const LEARNING_RATE = 1e-3;
/** Networks to fit the machine: their base, and about how many times the smallest one's step they take. */
const BASES = [
  [32, 8],
  [16, 2.5],
];
/** A lesson with a network to fit takes at most so many milliseconds, if the smallest can. */
const LESSON = 60_000;

/** The page's models, and one of the visitor's, which can be taught further. */
let models = [];

/** The model to begin with; undefined for fresh networks. */
function model() {
  return models[$('from').selectedIndex - 1];
}

export async function offerModels() {
  $('from').addEventListener('change', fitModel);
  showModels([...(await listModels()), ...models], model());
}

/** Begins with a model from the visitor's disk, in place of the one before. */
export function beginWith(entry) {
  showModels([...models.filter(({ files }) => !files), entry], entry);
  return fitModel();
}

function showModels(listed, chosen) {
  models = listed;
  const options = models.map(({ title, name }) => element('option', {}, () => text(title) || name));
  $('from').replaceChildren($('from').options[0], ...options);
  $('from').selectedIndex = models.indexOf(chosen) + 1;
}

/** A network that takes multiples of 256 is taught with such images. */
async function fitModel() {
  const manifest = await model()?.manifest;
  const multiple = manifest?.input?.multiple_of ?? 128;
  const [small, large] = $('sizes').querySelectorAll('input');
  small.disabled = multiple > 128;
  if (small.disabled) large.checked = true;
  allow(true);
}

/** A model brings its own network. */
export function allow(isAllowed) {
  for (const id of FIELDS) $(id).disabled = !isAllowed;
  if (model()) $('base-field').disabled = true;
}

function chosen(name) {
  return Number(document.querySelector(`[name=${name}]:checked`)?.getAttribute('value'));
}

/** Steps of a lesson. */
export function steps() {
  return chosen('steps');
}

/** Workers that share each batch: half of the cores, so that the page and the system have theirs, and at most four. */
const WORKERS = Math.max(1, Math.min(4, Math.floor((navigator.hardwareConcurrency ?? 1) / 2)));

/** Every worker has all pairs; together they take so many bytes at most. */
const PAIRS_MEMORY = 512 << 20;

/** The part of the time that a training may use. */
export function share() {
  return $('easy').checked ? 0.5 : 1;
}

/** @typedef {import('../pix2pix-training.js').TrainingLosses} Losses of the first step */
/** @typedef {{ milliseconds: number, losses: Losses }} Measured of a network's steps */

/** Options of `Training.create` for so many pairs from a source; `measure` tries options.
    @param {string} source @param {number} count @param {{ task?: string, options?: object }} lesson of a photo's task
    @param {(options: any) => Promise<Measured>} measure */
export async function settings(source, count, { task, options }, measure) {
  const size = chosen('size');
  const pairBytes = 8 * ((size * 286) / 256) ** 2;
  const lesson = {
    size,
    steps: steps(),
    mirror: $('mirror').checked,
    workers: Math.max(1, Math.min(WORKERS, Math.floor(PAIRS_MEMORY / (count * pairBytes)))),
    name: 'taught',
  };
  if (model()) return withBackend({ from: model().files ?? model().url, ...lesson }, measure);
  const isPhoto = source === 'files' || source === 'photos';
  const fresh = { learningRate: LEARNING_RATE, mode: isPhoto ? 'photo' : 'draw', task, ...options, ...lesson };
  const base = chosen('base');
  if (base) return withBackend({ ...fresh, base }, measure);
  const { milliseconds } = await measure({ ...fresh, base: 8 });
  return withBackend({ ...fresh, base: fitting(milliseconds * lesson.steps) }, measure);
}

/** Losses of two devices: sums of 32 bits in another order differ by less, a wrong kernel by more. */
const ALIKE = 0.01;
/** Milliseconds after which a graphics device that is still getting ready is left alone. */
const PATIENCE = 30_000;

/** The options with the backend that the address asks for; else with the graphics device, if there is one that
    computes the same and is faster. */
async function withBackend(options, measure) {
  const onCpu = { ...options, backend: 'cpu' };
  const onGpu = { ...options, backend: 'webgpu', workers: 1, batch: options.workers };
  const wanted = new URLSearchParams(location.search).get('backend');
  if (wanted) return wanted === 'webgpu' ? onGpu : onCpu;
  const { missing, isSoftware } = await findAdapter();
  if (missing || isSoftware) return onCpu;
  try {
    // One worker has the pairs of all, as the graphics device.
    const cpu = await measure({ ...onCpu, workers: 1, batch: options.workers });
    const gpu = await Promise.race([measure(onGpu), tooLate()]);
    const isAlike = Object.entries(cpu.losses).every(
      ([name, loss]) => Math.abs(gpu.losses[name] - loss) <= ALIKE * Math.abs(loss),
    );
    console.info(`A step takes ${cpu.milliseconds} ms on the processor, ${gpu.milliseconds} on the graphics device.`);
    return isAlike && gpu.milliseconds < cpu.milliseconds / options.workers ? onGpu : onCpu;
  } catch (error) {
    console.info(`The graphics device is left alone: ${error.message}`);
    return onCpu;
  }
}

/** @returns {Promise<never>} */
function tooLate() {
  return new Promise((_, reject) => setTimeout(() => reject(new Error('it takes too long')), PATIENCE));
}

function fitting(smallest) {
  return BASES.find(([, times]) => times * smallest <= LESSON)?.[0] ?? 8;
}
