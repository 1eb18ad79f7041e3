// What the visitor asks for beside the pairs: the panel of settings.

import { $ } from '../page/by-id.js';
import { listModels } from '../page/model-list.js';
import { element } from '../view/element.js';

const FIELDS = ['from-field', 'size-field', 'base-field', 'steps-field', 'mirror-field'];
/** Small networks and short lessons want a higher learning rate than the paper's. */
const LEARNING_RATE = 1e-3;

/** The page's models, which can be taught further. */
let models = [];

/** The model to begin with; undefined for fresh networks. */
function model() {
  return models[$('from').selectedIndex - 1];
}

export async function offerModels() {
  models = await listModels();
  $('from').append(...models.map(({ title, name }) => element('option', {}, title || name)));
  $('from').addEventListener('change', fitModel);
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

/** Options of `Training.create` for pairs from a source. */
export function settings(source) {
  const fresh = { base: chosen('base'), learningRate: LEARNING_RATE, mode: source === 'files' ? 'photo' : 'draw' };
  const network = model() ? { from: model().url } : fresh;
  return { ...network, size: chosen('size'), steps: steps(), mirror: $('mirror').checked, name: 'taught' };
}
