// <pix2pix-experiment name>: a small training in a page of the book, which shows one thing. Its program is loaded, and
// something computed, only when the reader asks for it.

import { Pix2PixError } from '../runtime/errors.js';
import { Training } from '../runtime/training.js';
import { scaled, show } from '../teach/squares.js';
import { element } from '../view/element.js';
import { languageOf, speak, text } from '../view/language.js';
import { sentenceOf } from '../view/sentence.js';
import { EXPERIMENTS, LESSON } from './experiments.js';

/** Steps between two looks. */
const CHUNK = 10;

class Pix2PixExperiment extends HTMLElement {
  /** @type {any} */
  #parts = null;
  /** @type {Training[]} */
  #trainings = [];
  /** @type {any[]} */
  #examples = [];
  /** @type {HTMLCanvasElement[][]} of each example, behind its input */
  #canvases = [];
  #step = 0;
  #state = 'idle';
  /** Another one after each end: what is still on its way then is dropped. */
  #life = {};
  /** What was measured at the last look. @type {Record<string, any>} */
  measures = {};

  async connectedCallback() {
    if (this.#parts) return;
    await speak(document, languageOf(this));
    if (!this.#parts && this.#experiment) this.#build(this.#experiment);
  }

  disconnectedCallback() {
    // A move within the page removes the element and inserts it again.
    queueMicrotask(() => {
      if (!this.isConnected && this.#parts) this.#end();
    });
  }

  get #experiment() {
    return EXPERIMENTS[this.getAttribute('name') ?? ''];
  }

  /** idle: nothing is loaded | starting | running | pausing | paused | done | error */
  get state() {
    return this.#state;
  }

  #build({ look }) {
    const shadow = this.attachShadow({ mode: 'open' });
    const sheets = ['../view/parts.css', './experiment.css'].map((name) =>
      element('link', { rel: 'stylesheet', href: new URL(name, import.meta.url).href }),
    );
    const button = (className, press) => element('button', { type: 'button', className, on: { click: press } });
    this.#parts = {
      root: element('div', { className: 'root', role: 'group', 'aria-label': text('Experiment') }),
      grid: element('div', { className: 'grid' }),
      progress: element('progress', { max: 1, value: 0, 'aria-label': text('Steps made') }),
      status: element('p', { className: 'status', role: 'status' }),
      measured: element('p', { className: 'measured' }),
      press: button('button primary', () => this.#press()),
      stop: button('button', () => this.#end()),
    };
    const { root, grid, progress, status, measured, press, stop } = this.#parts;
    stop.textContent = text('End it');
    const buttons = element('div', { className: 'buttons' }, press, stop);
    root.append(element('p', { className: 'look' }, text(look)), grid, progress, measured, status, buttons);
    shadow.append(...sheets, root);
    this.#set('idle');
  }

  #set(state, status = '') {
    this.#state = this.#parts.root.dataset.state = state;
    const { press, stop, progress } = this.#parts;
    const names = { idle: text('Run it'), running: text('Pause'), paused: text('Go on') };
    press.textContent = names[state] ?? text('Run it again');
    press.hidden = state === 'starting' || state === 'pausing';
    progress.hidden = state === 'idle' || state === 'error';
    stop.hidden = progress.hidden || state === 'done';
    if (state === 'starting') progress.removeAttribute('value');
    this.#parts.status.textContent = status;
  }

  #press() {
    if (this.#state === 'running') return this.#set('pausing');
    if (this.#state !== 'paused') this.#end();
    return this.#run(this.#life);
  }

  async #run(life) {
    try {
      if (this.#trainings.length === 0) await this.#begin(life);
      if (life !== this.#life) return;
      this.#set('running');
      const { steps } = this.#experiment;
      while (this.#state === 'running' && this.#step < steps) {
        await Promise.all(this.#trainings.map((training) => training.step(CHUNK)));
        const seen = await this.#look();
        if (life !== this.#life) return;
        this.#step = this.#trainings[0].stepsMade;
        this.#show(seen, steps);
      }
      if (this.#step < steps) return this.#set('paused', text('Paused.'));
      this.#dispose();
      this.#set('done', text('Done.'));
    } catch (thrown) {
      if (life !== this.#life) return;
      this.#end();
      this.#set('error', sentenceOf(Pix2PixError.from(thrown)));
    }
  }

  async #begin(life) {
    this.#set('starting', text('Preparing the networks…'));
    const { lessons, examples } = this.#experiment.prepare();
    this.#examples = await Promise.all(
      examples.map(async ({ input, target }) => ({
        input: await scaled(input, LESSON.size),
        target: await scaled(target, LESSON.size),
      })),
    );
    for (const lesson of lessons) {
      const training = await Training.create({ ...LESSON, steps: this.#experiment.steps, ...lesson });
      if (life !== this.#life) return training.dispose();
      this.#trainings.push(training);
    }
    this.#layOut(this.#experiment);
  }

  /** A row of pictures for each example. */
  #layOut({ columns, rows }) {
    this.#canvases = [];
    const parts = this.#examples.flatMap(({ input }, at) => {
      const canvases = columns.map((name) => element('canvas', { role: 'img', 'aria-label': text(name) }));
      const cells = canvases.map((canvas, column) =>
        element('figure', {}, canvas, element('figcaption', { 'aria-hidden': 'true' }, text(columns[column]))),
      );
      const [first, ...others] = canvases;
      show(input, first);
      this.#canvases.push(others);
      const row = element('div', { className: 'pictures' }, ...cells);
      return rows[at] ? [element('p', { className: 'name' }, text(rows[at])), row] : [row];
    });
    this.#parts.grid.replaceChildren(...parts);
  }

  async #look() {
    const outputs = [];
    for (const { input } of this.#examples) {
      outputs.push(await Promise.all(this.#trainings.map((training) => training.preview(input))));
    }
    return this.#experiment.see({ trainings: this.#trainings, examples: this.#examples, outputs });
  }

  #show({ pictures, measures, sentence }, steps) {
    this.measures = measures;
    pictures.forEach((row, example) => row.forEach((picture, at) => show(picture, this.#canvases[example][at])));
    this.#parts.progress.value = this.#step / steps;
    const values = { part: this.#step, total: steps, sentence };
    this.#parts.measured.textContent = text('Step {part} of {total}. {sentence}', values);
  }

  /** Ends the workers; the last pictures stay. */
  #end() {
    this.#life = {};
    this.#step = 0;
    this.#dispose();
    this.#set('idle');
  }

  #dispose() {
    for (const training of this.#trainings) training.dispose();
    this.#trainings = [];
  }
}

customElements.define('pix2pix-experiment', Pix2PixExperiment);
