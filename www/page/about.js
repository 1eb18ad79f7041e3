// The dialog about a model: what its README.md says of data, training, limits and licence.

import { open, readBlob } from '../runtime/download.js';
import { Pix2PixError } from '../runtime/errors.js';
import { phrase } from '../runtime/phrase.js';
import { show } from '../view/language.js';
import { errorText } from '../view/sentence.js';
import { $ } from './by-id.js';
import { showMarkdown } from './markdown.js';

const MAX_README = 1 << 16;

/** @type {any} The model that is shown. */
let shown = null;

/** @param {any} entry @param {() => string} title */
export async function openAbout(entry, title) {
  if (!shown) $('about-close').addEventListener('click', () => $('about-dialog').close());
  shown = entry;
  show($('about-title'), title);
  $('about-text').replaceChildren('…');
  $('about-dialog').showModal();
  try {
    const markdown = await readReadme(entry);
    if (shown === entry) $('about-text').replaceChildren(...showMarkdown(markdown, entry.url));
  } catch (error) {
    if (shown === entry) $('about-text').replaceChildren(...errorText(Pix2PixError.from(error)));
  }
}

async function readReadme({ url, readme }) {
  if (readme) return (await readme(MAX_README)).text();
  const what = phrase('What there is to say about this model');
  const response = await open(new URL('README.md', url).href, what, 'no-cache').catch((error) => {
    if (error.values.status !== 404) throw error;
    throw new Pix2PixError('fetch', 'This model’s folder has no README.md.', { cause: error });
  });
  return (await readBlob(response, what, MAX_README)).text();
}
