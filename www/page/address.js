// Settings in the page's address: ?model, ?backend, ?tune, ?way (the mode) and ?view.

import { text } from '../view/format.js';

const query = new URLSearchParams(location.search);
const refused = new Set();

/** What the address says of `name` if that is one of `known`; null otherwise.
    @template {string} T @param {string} name @param {T[]} known @returns {T | null} */
export function asked(name, known) {
  const wanted = /** @type {T | null} */ (query.get(name));
  if (wanted === null || known.includes(wanted)) return wanted;
  refused.add(`${name} “${text(wanted)}”`);
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

/** A sentence on what the address asks for in vain, or ''. */
export function refusals() {
  return refused.size > 0 ? `The address asks for what is not here: ${[...refused].join(', ')}.` : '';
}

/** Puts a setting into the address; null takes it out. */
export function remember(name, value) {
  if (value === null) query.delete(name);
  else query.set(name, value);
  const settings = query.toString();
  history.replaceState(null, '', settings ? `?${settings}` : location.pathname);
}

/** A link to the page with these settings; those that are null are left out. */
export function linkWith(settings) {
  const link = new URL(location.pathname, location.href);
  for (const [name, value] of Object.entries(settings)) if (value !== null) link.searchParams.set(name, value);
  return link.href;
}
