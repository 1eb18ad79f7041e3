// The page in the visitor's language: what its address asks for (`?lang=de`), what was chosen earlier, or what the
// browser prefers. Whoever imports this runs when the texts are there.

import { element } from '../view/element.js';
import { firstKnown, languageInUse, LANGUAGES, translateElements, useLanguage } from '../view/language.js';
import { asked, remember } from './address.js';
import { $ } from './by-id.js';

const KEY = 'pix2pix-language';

const wanted = asked('lang', Object.keys(LANGUAGES)) ?? chosenEarlier() ?? firstKnown(navigator.languages);
document.documentElement.lang = wanted; // at once: widgets read it
await useLanguage(wanted);
document.documentElement.lang = languageInUse();
translateElements(document.documentElement);

/** Fills the switch. Another language starts the page anew. */
export function offerLanguages() {
  const entries = Object.entries(LANGUAGES);
  $('language').append(...entries.map(([value, name]) => element('option', { value, lang: value }, name)));
  $('language').value = languageInUse();
  $('language').addEventListener('change', () => {
    const isKept = keep($('language').value);
    remember('lang', isKept ? null : $('language').value);
    location.reload();
  });
}

function chosenEarlier() {
  try {
    const code = localStorage.getItem(KEY) ?? '';
    return Object.hasOwn(LANGUAGES, code) ? code : null;
  } catch {
    return null; // the browser keeps nothing for this page
  }
}

function keep(code) {
  try {
    localStorage.setItem(KEY, code);
    return true;
  } catch {
    return false;
  }
}
