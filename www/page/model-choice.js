// The models to choose from, and their cards.

import { phrase } from '../runtime/phrase.js';
import { modesOf } from '../view/manifest.js';
import { askedModel } from './address.js';
import { modelCard } from './model-cards.js';
import { listModels, modelAt } from './model-list.js';
import { taughtModel } from './taught-model.js';

export class ModelChoice {
  #host;
  #onChoose;
  #entries = [];
  /** @type {any} */
  #chosen = null;

  /** Shows the cards in `host`; `onChoose` gets the entry of the one that is chosen. */
  constructor(host, onChoose) {
    this.#host = host;
    this.#onChoose = onChoose;
  }

  /** Brings the page's models and the one that the visitor has taught. Returns the one that the address asks for, or
      the first; a model from a URL joins the others. */
  async load() {
    const taught = await taughtModel();
    this.#entries = [...(await listModels()), ...(taught ? [taught] : [])];
    const wanted = askedModel(this.#entries);
    if (!(wanted instanceof URL)) return wanted ?? this.first;
    const foreign = { ...modelAt(wanted, { summary: phrase('From the address of this page.') }), isForeign: true };
    this.#entries.push(foreign);
    return foreign;
  }

  get first() {
    return this.#entries[0];
  }

  /** Takes a model from disk in place of the one before. */
  take(entry) {
    this.#entries = [...this.#entries.filter((known) => !known.files), entry];
    this.show();
  }

  /** Shows the cards. */
  show() {
    const hadFocus = this.#host.contains(document.activeElement);
    this.#host.replaceChildren(...this.#entries.map((entry) => modelCard(entry, () => this.#onChoose(entry))));
    this.check(this.#chosen);
    if (hadFocus) this.#host.querySelector(':checked')?.focus();
  }

  check(entry) {
    this.#chosen = entry;
    for (const [index, radio] of this.#host.querySelectorAll('input').entries())
      radio.checked = this.#entries[index] === entry;
  }

  /** The first that suits a mode, of those preferred and of all; null if none does. */
  async fitting(mode, preferred) {
    for (const entry of [...preferred, ...this.#entries]) {
      if (entry && modesOf(await entry.manifest).includes(mode)) return entry;
    }
    return null;
  }

  /** The modes that any of the models suits. */
  async modes() {
    return new Set((await Promise.all(this.#entries.map(async ({ manifest }) => modesOf(await manifest)))).flat());
  }
}
