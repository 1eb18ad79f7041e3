// Shows the page's state, progress, errors and the backend in use.

import { $ } from './by-id.js';
import { Pix2PixError } from '../runtime/errors.js';
import { phrase } from '../runtime/phrase.js';
import * as format from '../view/format.js';
import { show, text, translated } from '../view/language.js';
import { errorText } from '../view/sentence.js';

const BACKEND_NAMES = { webgpu: 'WebGPU', cpu: 'CPU' };
const LAZY_REASON = phrase('The model loads when you begin.');

/** @type {(() => void) | null} */
let retryAction = null;
/** @type {[number, number] | null} Of how many images how many are done. */
let share = null;
let listener = () => {};
let useAuto = () => {};

export const dock = {
  /** empty | loading | ready | working | done | error */
  get state() {
    return document.body.dataset.state;
  },

  get isBusy() {
    return this.state === 'loading' || this.state === 'working';
  },

  /** `quietly`: screen readers do not announce it, as it changes all the time. `share`: [done, total], where
      the work is on one of several images.
      @param {string} state @param {import('../view/language.js').Words} [status]
      @param {{ quietly?: boolean, share?: [number, number] | null }} [options] */
  set(state, status = '', options = {}) {
    const { quietly = false } = options;
    share = options.share ?? null;
    document.body.dataset.state = state;
    this.say(status, { quietly });
    if (state !== 'error') $('message').textContent = '';
    $('progress').hidden = !this.isBusy;
    if (share) $('progress').value = share[0] / share[1];
    else if (state === 'working') $('progress').removeAttribute('value');
    $('cancel').hidden = !this.isBusy;
    this.offerRetry(null);
    listener();
    queueMicrotask(keepFocus); // the caller may still show buttons
  },

  /** @param {import('../view/language.js').Words} status */
  say(status, { quietly = false } = {}) {
    $('status').setAttribute('aria-live', quietly ? 'off' : 'polite');
    show($('status'), status);
  },

  /** @param {import('../view/language.js').Words} line */
  caption(line) {
    show($('caption'), line);
  },

  error(thrown, again) {
    const error = Pix2PixError.from(thrown);
    if (error.code === 'internal') console.error(error);
    this.set('error');
    $('message').replaceChildren(...errorText(error));
    $('message').dataset.code = error.code;
    if (error.code === 'no-webgpu') this.offerRetry(() => text('Use Auto'), useAuto);
    else if (again) this.offerRetry(() => text('Try again'), again);
  },

  /** @param {import('../view/language.js').Words | null} words @param {(() => void) | null} [action] */
  offerRetry(words, action = null) {
    retryAction = action;
    $('retry').hidden = !action;
    show($('retry'), words ?? '');
  },

  progress({ phase, loaded, total }) {
    if (!this.isBusy) return;
    const bar = $('progress');
    if (share && phase === 'tiles') {
      bar.value = (share[0] + loaded / total) / share[1];
      return;
    }
    if (total && phase !== 'starting' && phase !== 'warming') bar.value = loaded / total;
    else bar.removeAttribute('value');
    const amount = () => format.progressText(loaded, total);
    const words = {
      starting: () => text('Starting the model…'),
      warming: () => text('Preparing the graphics card…'),
      tiles: () => text('Translating: {loaded} of {total} parts', { loaded, total }),
      runtime: () => text('Loading the program: {amount}', { amount: amount() }),
      model: () => text('Loading the model: {amount}', { amount: amount() }),
    };
    this.say(words[phase], { quietly: true });
  },

  facts(session) {
    const names = session && [BACKEND_NAMES[session.backend], session.engine].filter(Boolean).join(', ');
    show($('backend'), names ?? (() => text('Not started')));
    $('in-use').textContent = session ? `: ${names}` : '';
    $('backend').dataset.backend = session?.backend ?? '';
    $('backend').dataset.software = session?.isSoftware ?? false;
    const { reason, backendReason } = session ?? {};
    show($('backend-reason'), () => (session ? (translated(reason) ?? backendReason) : text(LAZY_REASON)));
    $('adapter-row').hidden = !session?.adapter;
    $('adapter').textContent = session?.adapter ?? '';
    if (!session) this.elapsed('–');
  },

  /** @param {import('../view/language.js').Words} time */
  elapsed(time) {
    show($('elapsed'), time);
  },

  /** The action to offer if WebGPU was asked for and is missing. */
  onNoWebGpu(call) {
    useAuto = call;
  },

  /** Called after every change of the state. */
  onChange(call) {
    listener = call;
  },
};

/** @type {any} */
let focused = null; // the last one: browsers forget it as soon as it is hidden
document.addEventListener('focusin', (event) => {
  focused = event.target;
});
document.addEventListener('pointerdown', () => {
  focused = null;
});

/** Moves the focus from a button that was hidden to one that is shown. */
function keepFocus() {
  if (!focused?.closest('[hidden]')) return;
  const others = [...document.querySelectorAll('.actions button'), $('file-input')];
  others.find((other) => !other.closest('[hidden]'))?.focus({ preventScroll: true });
}

$('retry').addEventListener('click', () => retryAction?.());
