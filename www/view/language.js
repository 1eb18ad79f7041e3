// The language of what is shown. English stands in the code where it is used; each other language is a file of
// `languages` with the English texts and their translations. Words that are shown as a function are made anew in
// another language; so are the texts of the page's HTML.

import { fill } from '../runtime/phrase.js';

/** A further language takes a line here, and its file. */
export const LANGUAGES = {
  en: 'English',
  de: 'Deutsch',
};

/** What people read of an element besides the text in it. */
const ATTRIBUTES = ['title', 'aria-label', 'aria-roledescription', 'aria-valuetext', 'placeholder', 'alt'];

/** @typedef {string | (() => string)} Words The function makes them in the language in use. */

/** The translations of each language that has come.
    @type {Map<string, Map<string, string | Record<string, string>>>} */
const dictionaries = new Map([['en', new Map()]]);
const numberFormats = new Map();

/** The language in which words are made: that of the page, but while those of a part are made. */
let language = 'en';
/** The languages of the page and of parts of it: those that were wanted last, and those in use. */
const wanted = new WeakMap();
const inUse = new WeakMap();
/** The words that nodes show: of an element those of attributes, of a text its own under ''.
    @type {WeakMap<Node, Map<string, { words: () => string, shown: string }>>} */
const shownWords = new WeakMap();

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

/** Shows the page, or the part of it in a shadow root, in a language. Where its texts do not come, as without a
    network, the language stays. Returns the one in use.
    @param {Document | ShadowRoot} root @param {string} code */
export async function speak(root, code) {
  wanted.set(root, code);
  try {
    await load(code);
    if (wanted.get(root) === code) change(root, code); // otherwise another choice was faster
  } catch (error) {
    console.warn(`The texts in ${LANGUAGES[code]} did not come.`, error);
  }
  return inUse.get(root) ?? language;
}

function change(root, code) {
  const isNew = !inUse.has(root);
  inUse.set(root, code);
  if (root === document) language = code;
  else if (isNew) translateWhatComes(root);
  translate(root);
}

async function load(code) {
  if (dictionaries.has(code)) return;
  const response = await fetch(new URL(`./languages/${code}.json`, import.meta.url));
  dictionaries.set(code, new Map(Object.entries(await response.json())));
}

/** Whether a language can be used at once. */
export function isLoaded(code) {
  return dictionaries.has(code);
}

/** The code of the language of the page. */
export function languageInUse() {
  return language;
}

/** A text in the language in use, with its values. Where a translation has several forms, the value `count` chooses
    among them, by the categories of `Intl.PluralRules`.
    @param {string} english @param {Record<string, string | number>} [values] */
export function text(english, values = {}) {
  const found = dictionaries.get(language)?.get(english) ?? english;
  const form = typeof found === 'string' ? found : (found[pluralCategory(values.count)] ?? found.other);
  return fill(form, values, (value) => (typeof value === 'number' ? number(value) : String(value)));
}

/** A text of the runtime with values, which may be texts as well; null if there is no translation of it.
    @param {{ template?: string, values?: Record<string, import('../runtime/phrase.js').Value> }} of
    @returns {string | null} */
export function translated({ template, values = {} }) {
  if (!template || (language !== 'en' && !dictionaries.get(language)?.has(template))) return null;
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
  const key = `${language} ${digits}`;
  if (!numberFormats.has(key)) {
    const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    numberFormats.set(key, new Intl.NumberFormat(language, options));
  }
  return numberFormats.get(key).format(value);
}

function pluralCategory(count) {
  return new Intl.PluralRules(language).select(Number(count));
}

// ---------------------------------------------------------------- what is shown

/** Words as a string. @param {Words} words */
export function spelled(words) {
  return typeof words === 'function' ? words() : words;
}

/** Shows words as all that is in an element. @param {Element} host @param {Words} words */
export function show(host, words) {
  if (typeof words === 'string') host.textContent = words;
  else host.replaceChildren(textNode(words, host));
}

/** A text with words. `host`: where it is to be. @param {() => string} words @param {Node} [host] */
export function textNode(words, host) {
  const made = document.createTextNode(inLanguageOf(host ?? document, words));
  remember(made, '', words, made.data);
  return made;
}

/** Gives an attribute words. @param {Element} host @param {string} name @param {Words} words */
export function label(host, name, words) {
  const shown = typeof words === 'string' ? words : inLanguageOf(host, words);
  host.setAttribute(name, shown);
  if (typeof words === 'function') remember(host, name, words, shown);
}

/** Takes the texts that HTML has brought as English words. Comes before scripts add others. */
export function takeTextsOf(page) {
  for (const node of nodesOf(page)) {
    if (node instanceof Text) {
      const [, before, english, after] = /^(\s*)(.*?)(\s*)$/s.exec(node.data) ?? [];
      const key = english.replace(/\s+/g, ' ');
      const words = () => {
        const found = text(key);
        return before + (found === key ? english : found) + after;
      };
      if (key) remember(node, '', words, node.data);
    } else if (node instanceof Element) {
      for (const name of ATTRIBUTES) {
        const english = node.getAttribute(name);
        if (english) remember(node, name, () => text(english), english);
      }
    }
  }
}

function remember(node, name, words, shown) {
  const known = shownWords.get(node) ?? new Map();
  shownWords.set(node, known.set(name, { words, shown }));
}

/** Makes all words anew that a part of the page shows. */
function translate(root) {
  for (const node of nodesOf(root)) {
    for (const [name, { words, shown }] of shownWords.get(node) ?? []) {
      if ((name ? node.getAttribute(name) : node.data) !== shown) continue; // it shows something else by now
      const fresh = inLanguageOf(node, words);
      if (name) node.setAttribute(name, fresh);
      else if (fresh !== shown) node.data = fresh;
      remember(node, name, words, fresh);
    }
  }
}

/** What is made outside of a shadow root is in the language of the page before it comes in. */
function translateWhatComes(root) {
  const come = new MutationObserver((changes) => changes.forEach(({ addedNodes }) => addedNodes.forEach(translate)));
  come.observe(root, { childList: true, subtree: true });
}

function inLanguageOf(node, words) {
  const before = language;
  language = inUse.get(node.getRootNode()) ?? before;
  try {
    return words();
  } finally {
    language = before;
  }
}

/** A node and all in it. @returns {Generator<any>} */
function* nodesOf(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  if (root.nodeType !== Node.DOCUMENT_NODE) yield root;
  while (walker.nextNode()) yield walker.currentNode;
}
