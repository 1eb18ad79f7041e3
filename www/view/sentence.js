// What people read of an error.

import { phrase } from '../runtime/phrase.js';
import { element } from './element.js';
import { text, textNode, translated } from './language.js';

/** Sentences in place of messages that only exist in English, which follow in brackets. */
const BY_CODE = {
  integrity: phrase('The model arrived damaged.'),
  manifest: phrase('The manifest of the model is not valid.'),
  version: phrase('The model needs a newer version of this page.'),
  weights: phrase('The weights do not fit the model.'),
  'input-size': phrase('The model cannot take this picture.'),
  'no-webgpu': phrase('WebGPU cannot be used here.'),
  'device-lost': phrase('The browser took the graphics card away. Try again.'),
  'out-of-memory': phrase('There is not enough memory for this.'),
  settings: phrase('These settings do not work.'),
  pairs: phrase('These pairs cannot be learned from.'),
  checkpoint: phrase('The training that was kept is damaged: start anew.'),
  diverged: phrase('The training went astray: start anew.'),
};

/** The error's sentence.
    @param {{ code?: string, message: string, template?: string, values?: Record<string, any> }} error */
export function sentenceOf(error) {
  const general = BY_CODE[error.code ?? ''] ?? phrase('Something went wrong.');
  return translated(error) ?? `${text(general)} (${error.message})`;
}

/** The sentence and the code. */
export function errorText(error) {
  return [textNode(() => sentenceOf(error)), ' ', element('code', {}, error.code)];
}
