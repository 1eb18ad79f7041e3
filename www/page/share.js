// The dialog "Share": before and after as one picture, a link to the page as it is, and what puts the
// model into another page.

import { Pix2PixError } from '../runtime/errors.js';
import { phrase } from '../runtime/phrase.js';
import { show, text } from '../view/language.js';
import { linkWith } from './address.js';
import { paintBeforeAfter, widthOfBoth } from './before-after.js';
import { $ } from './by-id.js';
import { connect, copy, saveFile } from './save.js';

/** Pixels of the longer side of each half of the shared picture. */
const LONGEST = 1200;

/** @type {any} What is shared; null while nothing is. */
let shared = null;

/** Opens the dialog. `before` and `after` are images, `settings` and `strokes` those of the link. */
export async function openShare({ entry, mode, before, after, isGrey, name, settings, linked }) {
  if (!shared) connectDialog();
  const picture = beforeAndAfter(before, after, isGrey);
  const file = picture.then((blob) => new File([blob], `${name}-before-after.png`, { type: blob.type }));
  shared = { file, name, link: linkWith({ ...settings, sample: linked?.sample }, linked?.strokes) };
  const isOwn = Boolean(entry.files);
  $('share-link-part').hidden = isOwn;
  show($('share-link-note'), () => linkNote(mode, linked));
  $('embed-code').value = embedCode(entry, mode);
  show($('embed-note'), () =>
    isOwn
      ? text('Put this site’s folder into yours as “pix2pix”, and the model’s folder into its “models”.')
      : text('Put this site’s folder into yours as “pix2pix” first: browsers start no program of another site.'),
  );
  say('');
  $('share-preview').removeAttribute('src'); // the picture of an earlier opening
  $('share-dialog').showModal();
  const ready = await file;
  if (shared.file !== file || !$('share-dialog').open) return;
  show($('share-picture'), () => (canShare(ready) ? text('Share the picture') : text('Save the picture')));
  $('share-preview').src = URL.createObjectURL(ready);
}

function connectDialog() {
  connect('share-picture', say, async () => {
    const file = await shared.file;
    if (!canShare(file)) return saveFile(file, file.name.replace(/\.png$/, ''));
    await navigator.share({ files: [file], title: document.title });
    return () => text('Shared.');
  });
  connect('share-copy', say, () => copy(shared.file));
  connect('share-link', say, () => shareLink(shared.link));
  connect('embed-copy', say, async () => {
    await copyText(
      $('embed-code').value,
      phrase('This browser lets the page copy nothing. Select the code and copy it.'),
    );
    return () => text('The code is in the clipboard.');
  });
  $('share-close').addEventListener('click', () => $('share-dialog').close());
  $('share-dialog').addEventListener('close', () => URL.revokeObjectURL($('share-preview').src));
}

/** @param {import('../view/language.js').Words} words */
function say(words) {
  show($('share-status'), words);
}

function canShare(file) {
  return navigator.canShare?.({ files: [file] }) === true;
}

async function shareLink(url) {
  const isTouch = matchMedia('(pointer: coarse)').matches;
  if (isTouch && navigator.share) {
    await navigator.share({ title: document.title, url });
    return () => text('Shared.');
  }
  await copyText(url, phrase('This browser lets the page copy nothing. The link is {copied}'));
  return () => text('The link is in the clipboard.');
}

/** Pages without HTTPS have no clipboard: `otherwise` says what to do then. */
async function copyText(copied, otherwise) {
  if (!navigator.clipboard) throw new Pix2PixError('internal', otherwise, { values: { copied } });
  await navigator.clipboard.writeText(copied);
}

function linkNote(mode, linked) {
  if (linked?.strokes) return text('Opens this model with your drawing, which is in the link itself.');
  if (linked?.sample) return text('Opens this model with this sample.');
  return mode === 'draw'
    ? text('Opens this model and settings. The drawing is too large for a link, or has a picture under it.')
    : text('Opens this model and settings. Your picture stays here.');
}

async function beforeAndAfter(before, after, isGrey) {
  const scale = Math.min(1, LONGEST / Math.max(after.width, after.height));
  const [width, height] = [after.width, after.height].map((side) => Math.max(1, Math.round(side * scale)));
  const scaled = { resizeWidth: width, resizeHeight: height, resizeQuality: /** @type {const} */ ('high') };
  const halves = await Promise.all([before, after].map((image) => createImageBitmap(image, scaled)));
  if (before instanceof ImageBitmap) before.close(); // made for this
  const canvas = new OffscreenCanvas(widthOfBoth(width), height);
  paintBeforeAfter(canvas.getContext('2d'), halves[0], halves[1], { width, height, isGrey });
  for (const half of halves) half.close();
  return canvas.convertToBlob();
}

/** HTML for a page that has this site's folder beside it as `pix2pix`. */
function embedCode(entry, mode) {
  const base = new URL('../', import.meta.url).href;
  const path = entry.files ? `models/${entry.name}/manifest.json` : entry.url.replace(base, '');
  const address = path === entry.url ? path : `pix2pix/${path}`;
  const alt = text(entry.title) || entry.name;
  return `<link rel="stylesheet" href="pix2pix/pix2pix-widget.css">
<script type="module" src="pix2pix/pix2pix-widget.js"></script>
<pix2pix-widget src="${quoted(address)}" mode="${mode === 'draw' ? 'draw' : 'photo'}" loading="lazy" alt="${quoted(alt)}"></pix2pix-widget>`;
}

function quoted(value) {
  return value.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}
