// Takes the result along: as a file, through the clipboard, or a link to the
// page's settings, which never contains the image.

import { $ } from './by-id.js';

const TYPES = { png: 'image/png', jpeg: 'image/jpeg', webp: 'image/webp' };
const ENDINGS = { 'image/png': 'png', 'image/jpeg': 'jpg', 'image/webp': 'webp' };
const QUALITY = 0.92;

/** Connects the buttons under a result. `canvas` promises the canvas with it, `name` and `link` return
    the file's name and the link; `say` shows what happened. */
export function connectButtons({ canvas, name, link, say }) {
  const connect = (id, action) =>
    $(id).addEventListener('click', async () => {
      try {
        say(await action());
      } catch (error) {
        if (error.name !== 'AbortError') say(error.message);
      }
    });
  connect('save', async () => save(await canvas(), name(), $('format').value));
  connect('copy', () => copy(canvas()));
  connect('share', () => share(link()));
}

/** `format`: png | jpeg | webp. */
function encode(canvas, format) {
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => {
        if (blob) resolve(blob);
        else reject(new Error('The picture could not be encoded. Try another format.'));
      },
      TYPES[format],
      QUALITY,
    );
  });
}

async function save(canvas, name, format) {
  const blob = await encode(canvas, format);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  // Browsers that cannot encode a format write PNG.
  link.download = `${name}.${ENDINGS[blob.type] ?? 'png'}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  return `Saved as ${link.download}.`;
}

/** Takes a promise of the canvas: Safari requires the call within the click. */
async function copy(canvas) {
  if (!navigator.clipboard?.write) throw new Error('This browser copies no pictures. Save it instead.');
  const picture = canvas.then((ready) => encode(ready, 'png'));
  await navigator.clipboard.write([new ClipboardItem({ 'image/png': picture })]);
  return 'The picture is in the clipboard.';
}

async function share(url) {
  const isTouch = matchMedia('(pointer: coarse)').matches;
  if (isTouch && navigator.share) {
    await navigator.share({ title: document.title, url });
    return 'Shared.';
  }
  await navigator.clipboard.writeText(url);
  return 'The link is in the clipboard. It carries the model and settings, not your picture.';
}
