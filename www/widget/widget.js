// <pix2pix-widget src mode backend loading poster alt>: one model in any page.
// docs/embedding.md has its attributes, events, slots and custom properties.

import { DrawPane } from '../view/draw-pane.js';
import { element } from '../view/element.js';
import { Pix2PixError } from '../runtime/errors.js';
import { phrase } from '../runtime/phrase.js';
import { resolve } from '../runtime/pix2pix.js';
import { decodeImage, fittingSize, IMAGE_TYPES } from '../runtime/image.js';
import { isLoaded, label, languageOf, show, speak, text, translated } from '../view/language.js';
import { samplesOf, takesGrey } from '../view/manifest.js';
import { PictureView } from '../view/picture-view.js';
import { sentenceOf } from '../view/sentence.js';
import { borrowModel } from './shared-model.js';
import * as format from '../view/format.js';

const MODES = ['draw', 'photo', 'compare'];
const BACKENDS = { webgpu: 'WebGPU', cpu: 'CPU' };

// The widget has its final size from the start: nothing moves when style sheets,
// manifest and images arrive.
const SIZE = new CSSStyleSheet();
SIZE.replaceSync(`
  :host { display: block; font-size: medium; container-type: inline-size; }
  :host([hidden]) { display: none; }
  .root { height: var(--pix2pix-height, calc(75cqi + 4em)); overflow: hidden; }
  .root[data-mode="draw"] { height: var(--pix2pix-height, calc(50cqi + 11.75em)); }
  @container (max-width: 34em) { .root[data-mode="draw"] { height: var(--pix2pix-height, calc(200cqi + 15.5em)); } }
  .root:not([data-styled]) > * { visibility: hidden; }
`);

/** The widgets in the page. */
const widgets = new Set();

export class Pix2PixWidget extends HTMLElement {
  static observedAttributes = ['src', 'mode', 'backend', 'alt'];

  static {
    const follow = new MutationObserver(() => widgets.forEach((widget) => widget.#speak()));
    follow.observe(document, { attributeFilter: ['lang'], subtree: true });
  }

  /** @type {any} */
  #root = null;
  /** @type {IntersectionObserver | null} */
  #watcher = null;
  /** @type {ReturnType<typeof borrowModel> | null} */
  #model = null; // borrowed while the widget is in a page
  /** @type {AbortController | null} */
  #life = null; // aborts everything that was started with these attributes
  /** @type {any} */
  #parts = null;
  /** @type {Promise<void> | null} */
  #texts = null; // in its language
  #title = ''; // of the model

  connectedCallback() {
    if (!this.#root) this.#build();
    widgets.add(this);
    const isThere = isLoaded(languageOf(this));
    this.#speak();
    if (isThere) return this.#begin();
    this.#texts?.then(() => this.isConnected && this.#begin());
  }

  /** Takes the language of the text around it. */
  #speak() {
    this.#texts = speak(this.#root.getRootNode(), languageOf(this)).then((language) => {
      this.#root.lang = language;
    });
  }

  disconnectedCallback() {
    // A move within the page removes the element and inserts it again.
    queueMicrotask(() => {
      if (this.isConnected) return;
      widgets.delete(this);
      this.#end();
    });
  }

  attributeChangedCallback(name, before, after) {
    if (!this.#root || before === after) return;
    if (name === 'alt') return this.#describe();
    this.#end();
    if (this.isConnected) this.#begin();
  }

  /** draw | photo | compare */
  get mode() {
    const mode = this.getAttribute('mode') ?? '';
    return MODES.includes(mode) ? mode : 'photo';
  }

  /** Translates a file as if the reader had chosen it. */
  async open(blob) {
    await this.#texts;
    const { pane } = this.#parts;
    if (pane) return pane.load(blob, phrase('The picture')).catch((error) => this.#failed(error));
    return this.#translatePhoto(() => decodeImage(blob));
  }

  // ------------------------------------------------------------ life

  #build() {
    const shadow = this.attachShadow({ mode: 'open' });
    shadow.adoptedStyleSheets = [SIZE];
    this.#root = element('div', { className: 'root', role: 'group' });
    this.#root.dataset.mode = this.mode;
    const sheets = ['../view/parts.css', './widget.css'].map((name) =>
      element('link', { rel: 'stylesheet', href: new URL(name, import.meta.url).href }),
    );
    const loaded = sheets.map(
      (sheet) =>
        new Promise((resolve) => {
          sheet.addEventListener('load', resolve);
          sheet.addEventListener('error', resolve); // better unstyled than hidden
        }),
    );
    Promise.all(loaded).then(() => {
      this.#root.dataset.styled = '';
    });
    shadow.append(...sheets, this.#root);
  }

  #begin() {
    if (this.#life) return;
    this.#life = new AbortController();
    this.#show();
    const loading = this.getAttribute('loading');
    if (loading === 'click') return this.#offer();
    if (loading !== 'lazy') return this.#load();
    this.#watcher = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) this.#load();
      },
      { rootMargin: '200px' },
    );
    this.#watcher.observe(this);
  }

  #end() {
    this.#life?.abort();
    this.#life = null;
    this.#watcher?.disconnect();
    this.#watcher = null;
    this.#model?.release();
    this.#model = null;
    this.#title = '';
  }

  /** Borrows the model on the first call. */
  async #session() {
    if (!this.#model) {
      const src = this.getAttribute('src');
      if (!src)
        throw new Pix2PixError('manifest', 'This widget has no model: its src attribute has to name a manifest.json.');
      this.#model = borrowModel(resolve(src), {
        backend: this.getAttribute('backend') ?? 'auto',
        onProgress: (progress) => this.#progress(progress),
      });
    }
    return this.#model.promise;
  }

  async #load() {
    this.#watcher?.disconnect();
    const signal = this.#life?.signal;
    if (!signal) return;
    try {
      this.#say(() => text('Loading the model…'), 'loading');
      const session = await this.#session();
      if (signal.aborted) return;
      this.#introduce(session);
      this.#fire('ready', {
        backend: session.backend,
        backendReason: session.backendReason,
        adapter: session.adapter,
        manifest: session.manifest,
      });
      if (this.#parts.pane) this.#parts.pane.begin(session.manifest);
      await this.#openFirst(session, signal);
    } catch (error) {
      if (!signal.aborted) this.#failed(error, () => this.#load());
    }
  }

  /** Opens the page's own image, or in mode `compare` the model's first sample. */
  async #openFirst(session, signal) {
    /** @type {HTMLImageElement | null} */
    const image = this.querySelector(':scope > img[slot=picture]');
    /** @type {(() => Promise<ImageBitmap>) | null} */
    let read = null;
    if (image) {
      read = async () => {
        await image.decode();
        // An SVG without a size gets that of its element.
        return createImageBitmap(image, {
          resizeWidth: image.naturalWidth || image.width || 256,
          resizeHeight: image.naturalHeight || image.height || 256,
        });
      };
    } else if (this.mode === 'compare') {
      const [sample] = samplesOf(session.manifest, resolve(this.getAttribute('src')));
      if (!sample)
        throw new Pix2PixError(
          'input-size',
          'There is no picture to compare: put an <img slot="picture"> into the widget.',
        );
      read = async () => decodeImage(await sample.read());
    }
    if (signal.aborted || !read) return;
    if (this.#parts.pane) this.#parts.pane.board.load(await read());
    else await this.#translatePhoto(read);
  }

  // ------------------------------------------------------------ elements

  #show() {
    this.#root.dataset.mode = this.mode;
    const status = element('p', { className: 'status', role: 'status', part: 'status' });
    const backend = element('p', { className: 'in-use', part: 'backend' });
    const progress = element('progress', { hidden: true, 'aria-label': () => text('Loading'), part: 'progress' });
    const action = element('button', { type: 'button', className: 'button', hidden: true, part: 'button' });
    const foot = element(
      'div',
      { className: 'foot' },
      element('div', { className: 'report' }, status, progress, backend),
      action,
    );
    const caption = element('slot', { name: 'caption' });
    const fallback = element('div', { className: 'fallback' }, element('slot'));
    this.#parts = { status, backend, progress, action, fallback, pane: null, view: null };
    this.#root.replaceChildren(this.mode === 'draw' ? this.#drawing() : this.#pictures(fallback), foot, caption);
    this.#describe();
    this.#say('', 'empty');
  }

  /** Shows the poster, and loads the model when the reader asks for it. */
  #offer() {
    const poster = this.getAttribute('poster');
    const [shown, foot] = this.#root.children;
    shown.inert = foot.inert = true; // they are under the cover
    const load = () => {
      shown.inert = foot.inert = false;
      cover.remove();
      this.#root.focus({ preventScroll: true }); // the button that had it is gone
      this.#load();
    };
    const cover = element(
      'div',
      { className: 'cover' },
      ...(poster ? [element('img', { src: resolve(poster), alt: '', part: 'poster' })] : []),
      element('button', { type: 'button', className: 'button primary', part: 'button', on: { click: load } }, () =>
        text('Try it'),
      ),
    );
    this.#root.tabIndex = -1;
    this.#root.append(cover);
  }

  #describe() {
    const own = this.getAttribute('alt');
    const title = this.#title || phrase('Picture translated by a neural network');
    label(this.#root, 'aria-label', () => own || text(title));
  }

  #drawing() {
    const pane = new DrawPane({
      ready: () => this.#session(),
      onState: (state, detail) => {
        if (state === 'done') this.#done(pane.picture, detail);
        if (state === 'error') this.#failed(detail, () => pane.ask());
      },
    });
    pane.root.setAttribute('part', 'drawing');
    pane.begin(null); // so that the tools have their size
    this.#parts.pane = pane;
    return pane.root;
  }

  #pictures(fallback) {
    const [wordBefore, wordAfter] = [() => text('Before'), () => text('After')];
    const canvas = (words) => element('canvas', { role: 'img', 'aria-label': words });
    const [before, after] = [canvas(wordBefore), canvas(wordAfter)];
    const handle = element('div', {
      className: 'handle',
      role: 'slider',
      tabIndex: 0,
      hidden: true,
      part: 'handle',
      'aria-label': () => text('Compare before and after'),
      'aria-valuemin': 0,
      'aria-valuemax': 100,
      'aria-valuenow': 50,
      'aria-orientation': 'horizontal',
    });
    const tag = (side, words) => element('span', { className: `tag tag-${side}`, 'aria-hidden': 'true' }, words);
    const frame = element(
      'div',
      { className: 'picture', hidden: true, part: 'picture' },
      element('div', { className: 'layer' }, before),
      element('div', { className: 'layer layer-after' }, after),
      tag('before', wordBefore),
      tag('after', wordAfter),
      handle,
    );
    this.#parts.view = new PictureView({ frame, before, after, handle });
    const stage = element('div', { className: 'stage', part: 'stage' }, frame, fallback);
    if (this.mode === 'photo') stage.append(this.#picker(stage));
    return stage;
  }

  #picker(stage) {
    const input = element('input', {
      type: 'file',
      accept: IMAGE_TYPES,
      className: 'file',
      'aria-label': () => text('Choose a photo'),
    });
    const take = (files) => {
      if (files?.[0]) this.open(files[0]);
    };
    input.addEventListener('change', () => {
      take(input.files);
      input.value = '';
    });
    stage.addEventListener('dragover', (event) => event.preventDefault());
    stage.addEventListener('drop', (event) => {
      event.preventDefault();
      event.stopPropagation();
      take(event.dataTransfer?.files);
    });
    this.#root.onpaste = (event) => take(event.clipboardData?.files);
    return element(
      'label',
      { className: 'pick' },
      input,
      element('span', { className: 'button primary', part: 'button' }, () => text('Choose a photo')),
    );
  }

  // ------------------------------------------------------------ work

  async #translatePhoto(read) {
    const { view } = this.#parts;
    const signal = this.#life?.signal;
    if (!signal || signal.aborted) return;
    const turn = (this.#parts.turn = Symbol('turn')); // the latest photo wins
    const isLatest = () => !signal.aborted && this.#parts.turn === turn;
    try {
      const bitmap = await read();
      if (!isLatest()) return;
      const [width, height] = fittingSize(bitmap);
      await view.show(bitmap, width, height);
      this.#parts.fallback.hidden = true;
      this.#say(() => text('Translating…'), 'working');
      const session = await this.#session();
      if (!isLatest()) return;
      const begun = performance.now();
      const onRows = (rgba, width, top) => isLatest() && view.showRows(rgba, width, top);
      const result = await session.run(await view.source(), { onRows });
      if (!isLatest()) return;
      const elapsed = performance.now() - begun;
      await view.showResult(result);
      this.#done(result, elapsed);
    } catch (error) {
      if (!isLatest()) return;
      view.hideResult(); // rows of it may have come
      this.#failed(error, () => this.#translatePhoto(read));
    }
  }

  #done(imageData, milliseconds) {
    if (!this.#life) return;
    this.#say(() => text('{time} a picture', { time: format.duration(milliseconds) }), 'done');
    this.#fire('result', { imageData, milliseconds });
  }

  #progress(progress) {
    if (!this.#life || this.#root.dataset.state === 'done') return;
    const { phase, loaded, total } = progress;
    const bar = this.#parts.progress;
    bar.hidden = false;
    if (total && (phase === 'runtime' || phase === 'model' || phase === 'tiles')) bar.value = loaded / total;
    else bar.removeAttribute('value');
    this.#fire('progress', progress);
  }

  #introduce(session) {
    if (this.#parts.view) this.#parts.view.isGrey = takesGrey(session.manifest);
    const { reason, backendReason, backend } = session;
    const why = () => translated(reason) ?? backendReason;
    show(this.#parts.backend, () => `${BACKENDS[backend]}: ${why()}`);
    label(this.#parts.backend, 'title', why);
    this.#title = format.oneLine(session.manifest.title);
    this.#describe();
    if (this.#root.dataset.state === 'loading') this.#say(this.mode === 'draw' ? () => text('Draw.') : '', 'ready');
  }

  /** @param {import('../view/language.js').Words} words @param {string} state */
  #say(words, state) {
    this.#root.dataset.state = state;
    show(this.#parts.status, words);
    this.#parts.status.classList.remove('is-error');
    this.#parts.progress.hidden = state !== 'loading' && state !== 'working';
    if (state === 'working') this.#parts.progress.removeAttribute('value');
    this.#parts.action.hidden = true;
  }

  #failed(thrown, again) {
    if (!this.#life) return;
    const error = Pix2PixError.from(thrown);
    this.#say(() => sentenceOf(error), 'error');
    this.#parts.status.classList.add('is-error');
    if (again) {
      const { action } = this.#parts;
      show(action, () => text('Try again'));
      action.hidden = false;
      // If the model itself failed, the next try loads it again.
      action.onclick = () => {
        if (!this.#parts.backend.textContent) {
          this.#model?.release();
          this.#model = null;
        }
        again();
      };
    }
    this.#fire('error', { code: error.code, message: error.message });
  }

  #fire(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

customElements.define('pix2pix-widget', Pix2PixWidget);
