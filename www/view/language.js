// The language of what is shown. English stands in the code where it is used; each other language is a file of
// `languages` with the English texts and their translations.

import { fill } from '../runtime/phrase.js';

/** A further language takes a line here, and its file. */
export const LANGUAGES = {
  en: 'English',
  de: 'Deutsch',
};

const ATTRIBUTES = ['title', 'aria-label', 'placeholder', 'alt'];

let language = 'en';
/** @type {Map<string, string | Record<string, string>>} */
let translations = new Map();
let numberFormats = new Map();

/** The first of some language tags, such as `de-AT`, that is known; English if none is.
    @param {readonly string[]} tags @returns {string} */
export function firstKnown(tags) {
  const codes = tags.map((tag) => tag.toLowerCase().split('-')[0]);
  return codes.find((code) => Object.hasOwn(LANGUAGES, code)) ?? 'en';
}

/** The language that the page says around an element, or that of the browser. */
export function languageOf(element) {
  const said = element.closest('[lang]')?.lang;
  return firstKnown(said ? [said] : navigator.languages);
}

/** Loads the texts of a language. Without them, as without a network, English stays. */
export async function useLanguage(code) {
  if (code === language) return;
  try {
    const response = code === 'en' ? null : await fetch(new URL(`./languages/${code}.json`, import.meta.url));
    translations = new Map(response ? Object.entries(await response.json()) : []);
    language = code;
    numberFormats = new Map();
  } catch (error) {
    console.warn(`The texts in ${LANGUAGES[code]} did not come.`, error);
  }
}

/** The code of the language in use. */
export function languageInUse() {
  return language;
}

/** A text in the language in use, with its values. Where a translation has several forms, the value `count` chooses
    among them, by the categories of `Intl.PluralRules`.
    @param {string} english @param {Record<string, string | number>} [values] */
export function text(english, values = {}) {
  const found = translations.get(english) ?? english;
  const form = typeof found === 'string' ? found : (found[pluralCategory(values.count)] ?? found.other);
  return fill(form, values, (value) => (typeof value === 'number' ? number(value) : String(value)));
}

/** A text of the runtime with values, which may be texts as well; null if there is no translation of it.
    @param {{ template?: string, values?: Record<string, import('../runtime/phrase.js').Value> }} of
    @returns {string | null} */
export function translated({ template, values = {} }) {
  if (!template || (language !== 'en' && !translations.has(template))) return null;
  const inner = Object.entries(values).map(([name, value]) => [name, translatedValue(value)]);
  return text(template, Object.fromEntries(inner));
}

/** @param {import('../runtime/phrase.js').Value} value */
function translatedValue(value) {
  if (typeof value === 'object') return translated(value) ?? fill(value.template, value.values);
  return typeof value === 'string' ? text(value) : value;
}

/** A number with so many digits behind the point, or comma. */
export function number(value, digits = 0) {
  if (!numberFormats.has(digits)) {
    const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    numberFormats.set(digits, new Intl.NumberFormat(language, options));
  }
  return numberFormats.get(digits).format(value);
}

/** Translates the texts in an element that HTML has brought, and their attributes. */
export function translateElements(root) {
  if (translations.size === 0) return;
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const [, before, english, after] = /^(\s*)(.*?)(\s*)$/s.exec(node.nodeValue ?? '') ?? [];
    const found = translations.get(english.replace(/\s+/g, ' '));
    if (typeof found === 'string') node.nodeValue = before + found + after;
  }
  for (const name of ATTRIBUTES) {
    for (const element of root.querySelectorAll(`[${name}]`)) {
      const found = translations.get(element.getAttribute(name));
      if (typeof found === 'string') element.setAttribute(name, found);
    }
  }
}

function pluralCategory(count) {
  return new Intl.PluralRules(language).select(Number(count));
}
