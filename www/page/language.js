// The page in the visitor's language: what its address asks for (`?lang=de`), what was chosen earlier, or what the
// browser prefers. Whoever imports this runs when the texts are there.

import { element } from '../view/element.js';
import { firstKnown, languageInUse, LANGUAGES, speak, takeTextsOf } from '../view/language.js';
import { asked, remember } from './address.js';
import { $ } from './by-id.js';

const KEY = 'pix2pix-language';

const wanted = asked('lang', Object.keys(LANGUAGES)) ?? chosenEarlier() ?? firstKnown(navigator.languages);
takeTextsOf(document);
await showIn(wanted);

/** Fills the switch, which changes the language of all that is shown, and nothing else. */
export function offerLanguages() {
  const entries = Object.entries(LANGUAGES);
  $('language').append(...entries.map(([value, name]) => element('option', { value, lang: value }, name)));
  $('language').value = languageInUse();
  $('language').addEventListener('change', async () => {
    const code = $('language').value;
    const isKept = keep(code);
    remember('lang', isKept ? null : code);
    await showIn(code);
    $('language').value = languageInUse();
  });
}

async function showIn(code) {
  document.documentElement.lang = code; // at once: widgets read it
  const inUse = await speak(document, code);
  document.documentElement.lang = inUse;
  const file = inUse === 'en' ? 'manifest.webmanifest' : `manifest.${inUse}.webmanifest`;
  document.querySelector('link[rel=manifest]')?.setAttribute('href', file);
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
