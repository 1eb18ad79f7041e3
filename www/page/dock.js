// What the page says: its state, progress, what went wrong, what is in use.
// Knows the elements of index.html; decides nothing.

import { $ } from './by-id.js';
import { Pix2PixError } from '../runtime/errors.js';
import * as words from '../view/words.js';

const BACKEND_NAMES = { webgpu: 'WebGPU', cpu: 'CPU' };
const PHASES = { runtime: 'Runtime', model: 'Model' };
const LAZY_REASON = 'The model loads when you begin.';

let retryAction = null;
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

  /** `quietly`: not read out, as it changes all the time. */
  set(state, status = '', { quietly = false } = {}) {
    document.body.dataset.state = state;
    this.say(status, { quietly });
    if (state !== 'error') $('message').textContent = '';
    $('progress').hidden = !this.isBusy;
    if (state === 'working') $('progress').removeAttribute('value');
    $('cancel').hidden = !this.isBusy;
    this.offerRetry(null);
    listener();
    queueMicrotask(keepFocus); // whoever called may offer more
  },

  say(status, { quietly = false } = {}) {
    $('status').setAttribute('aria-live', quietly ? 'off' : 'polite');
    $('status').textContent = status;
  },

  caption(line) {
    $('caption').textContent = line;
  },

  error(thrown, again, label = 'Try again') {
    const error = Pix2PixError.from(thrown);
    if (error.code === 'internal') console.error(error);
    this.set('error');
    const code = document.createElement('code');
    code.textContent = error.code;
    $('message').replaceChildren(error.message, ' ', code);
    $('message').dataset.code = error.code;
    if (error.code === 'no-webgpu') this.offerRetry('Use Auto', useAuto);
    else if (again) this.offerRetry(label, again);
  },

  offerRetry(label, action = null) {
    retryAction = action;
    $('retry').hidden = !action;
    $('retry').textContent = label ?? '';
  },

  progress({ phase, loaded, total }) {
    if (!this.isBusy) return;
    const bar = $('progress');
    if (total && phase !== 'starting' && phase !== 'warming') bar.value = loaded / total;
    else bar.removeAttribute('value');
    this.say(
      {
        starting: 'Starting the model…',
        warming: 'Preparing the graphics card…',
        tiles: `Translating: ${loaded} of ${total} parts`,
      }[phase] ?? `${PHASES[phase]}: ${words.progressText(loaded, total)}`,
      { quietly: true },
    );
  },

  facts(session) {
    $('backend').textContent = session ? BACKEND_NAMES[session.backend] : 'Not started';
    $('backend').dataset.backend = session?.backend ?? '';
    $('backend').dataset.software = session?.isSoftware ?? false;
    $('backend-reason').textContent = session?.backendReason ?? LAZY_REASON;
    $('adapter-row').hidden = !session?.adapter;
    $('adapter').textContent = session?.adapter ?? '';
    if (!session) this.elapsed('–');
  },

  elapsed(text) {
    $('elapsed').textContent = text;
  },

  /** What to offer where WebGPU was asked for and is missing. */
  onNoWebGpu(call) {
    useAuto = call;
  },

  /** Called after every change of the state. */
  onChange(call) {
    listener = call;
  },
};

let focused = null; // last; a browser forgets it as soon as it is hidden
document.addEventListener('focusin', (event) => {
  focused = event.target;
});
document.addEventListener('pointerdown', () => {
  focused = null;
});

/** Keys go on from a button that came where the one with the focus went. */
function keepFocus() {
  if (!focused?.closest('[hidden]')) return;
  const others = [...document.querySelectorAll('.actions button'), $('file-input')];
  others.find((other) => !other.closest('[hidden]'))?.focus({ preventScroll: true });
}

$('retry').addEventListener('click', () => retryAction?.());
