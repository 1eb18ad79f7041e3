// What is in the page's address: the settings ?model, ?backend, ?engine, ?tune, ?way (the mode) and ?view; and what
// to begin with, ?sample and #strokes.

import { oneLine } from '../view/format.js';
import { text } from '../view/language.js';

const query = new URLSearchParams(location.search);
const hash = new URLSearchParams(location.hash.slice(1));
/** What is not to be had, by the name of the setting: its words come when the visitor's language is there. */
const refused = new Map();

/** What the address says of `name` if that is one of `known`; null otherwise.
    @template {string} T @param {string} name @param {T[]} known @returns {T | null} */
export function asked(name, known) {
  const wanted = /** @type {T | null} */ (query.get(name));
  if (wanted === null || known.includes(wanted)) return wanted;
  refuse(name, () => text('{name} “{value}”', { name, value: oneLine(wanted) }));
  return null;
}

/** `?model=`: one of `models`, or the URL of a manifest; null if neither. */
export function askedModel(models) {
  const wanted = query.get('model');
  const base = document.baseURI;
  const url = wanted?.endsWith('.json') && URL.canParse(wanted, base) ? new URL(wanted, base) : null;
  const known = models.find((entry) => entry.name === wanted || entry.url === url?.href);
  if (!known && !url) asked('model', []);
  return known ?? url;
}

/** The sample and the strokes that the address asks for; null for none. */
export function askedInput() {
  return { sample: query.get('sample'), strokes: hash.get('strokes') };
}

/** Tells that something of the address is not to be had. */
export function refuse(name, words) {
  refused.set(name, words);
}

/** A sentence on what the address asks for in vain, or ''. */
export function refusals() {
  const things = [...refused.values()].map((words) => words()).join(', ');
  return things && text('The address asks for what is not here: {things}.', { things });
}

/** Puts a setting into the address, and takes strokes out; null takes the setting out. */
export function remember(name, value) {
  if (value === null) query.delete(name);
  else query.set(name, value);
  const settings = query.toString();
  history.replaceState(null, '', settings ? `?${settings}` : location.pathname);
}

/** A link to the page with these settings and strokes; what is null or empty is left out. */
export function linkWith(settings, strokes = '') {
  const link = new URL(location.pathname, location.href);
  for (const [name, value] of Object.entries(settings)) if (value) link.searchParams.set(name, value);
  if (strokes) link.hash = `strokes=${strokes}`;
  return link.href;
}
