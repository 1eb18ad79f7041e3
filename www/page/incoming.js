// The ways in which files come: chosen, pasted, dropped, and from other programs.

import { IMAGE_TYPES } from '../runtime/image.js';
import { phrase } from '../runtime/phrase.js';
import { $ } from './by-id.js';
import { filesOf } from './model-files.js';

/** Where service-worker.js puts what other programs share with the installed page. */
const SHARED = 'pix2pix-shared-1';

/** Calls `take` with files, and what to say where there are none; `expect` at the first sign of them. */
export function onFiles(take, expect) {
  $('file-input').accept = `${IMAGE_TYPES},video/*,.zip`;
  $('file-input').addEventListener('click', expect);
  $('file-input').addEventListener('change', () => {
    take([...$('file-input').files]);
    $('file-input').value = ''; // so that the same file may be chosen again
  });
  document.addEventListener('paste', (event) => {
    take([...(event.clipboardData?.files ?? [])], phrase('There is no picture in the clipboard.'));
  });
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    if (!event.dataTransfer?.types.includes('Files')) return;
    document.body.classList.add('dragging');
    expect();
  });
  document.addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) document.body.classList.remove('dragging');
  });
  document.addEventListener('drop', async (event) => {
    event.preventDefault();
    document.body.classList.remove('dragging');
    take(
      await filesOf(event.dataTransfer),
      phrase('There was no file in what you dropped. Drop the file of a picture, saved before, or a model folder.'),
    );
  });
}

/** Calls `take` with files that the system opens with the installed page. */
export function onLaunch(take) {
  const { launchQueue } = /** @type {any} */ (window); // not in every browser
  launchQueue?.setConsumer(async ({ files = [] }) => {
    if (files.length === 0) return;
    const opened = await Promise.allSettled(files.map((handle) => handle.getFile()));
    take(
      opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])),
      phrase('The file that was to be opened is gone.'),
    );
  });
}

/** The files that another program has shared, which are kept no longer. */
export async function sharedFiles() {
  const store = await caches.open(SHARED);
  const files = await Promise.all(
    (await store.keys()).map(async (request) => {
      const blob = await (await store.match(request))?.blob();
      const name = new URL(request.url).searchParams.get('name') ?? '';
      return new File(blob ? [blob] : [], name, { type: blob?.type });
    }),
  );
  await caches.delete(SHARED);
  return files;
}
