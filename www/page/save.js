// Takes a picture along: as a file or through the clipboard.

import { Pix2PixError } from '../runtime/errors.js';
import { text } from '../view/language.js';
import { sentenceOf } from '../view/sentence.js';
import { $ } from './by-id.js';

const TYPES = { png: 'image/png', jpeg: 'image/jpeg', webp: 'image/webp' };
const ENDINGS = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/webp': 'webp',
  'application/zip': 'zip',
  'video/mp4': 'mp4',
  'video/webm': 'webm',
};
const QUALITY = 0.92;

/** Connects the buttons under a result. `canvas` promises the canvas with it, `name` returns the
    file's name; `say` shows what happened. */
export function connectButtons({ canvas, name, say }) {
  connect('save', say, async () => saveFile(await encode(await canvas(), $('format').value), name()));
  connect('copy', say, () => copy(canvas().then((ready) => encode(ready, 'png'))));
}

/** Says what comes of pressing a button. */
export function connect(id, say, action) {
  $(id).addEventListener('click', async () => {
    try {
      say(await action());
    } catch (error) {
      if (error.name !== 'AbortError') say(() => sentenceOf(Pix2PixError.from(error)));
    }
  });
}

/** `format`: png | jpeg | webp. */
export function encode(canvas, format) {
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => {
        if (blob) resolve(blob);
        else reject(new Pix2PixError('internal', 'The picture could not be encoded. Try another format.'));
      },
      TYPES[format],
      QUALITY,
    );
  });
}

/** The ending for a file; browsers that cannot encode a format write PNG. */
export function endingOf(blob) {
  return ENDINGS[blob.type] ?? 'png';
}

/** Saves a file whose ending follows from its type. */
export function saveFile(blob, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = `${name}.${endingOf(blob)}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  return () => text('Saved as {file}.', { file: link.download });
}

/** Takes a promise of a PNG file: Safari requires the call within the click. */
export async function copy(picture) {
  if (!navigator.clipboard?.write)
    throw new Pix2PixError('internal', 'This browser copies no pictures. Save it instead.');
  await navigator.clipboard.write([new ClipboardItem({ 'image/png': picture })]);
  return () => text('The picture is in the clipboard.');
}
