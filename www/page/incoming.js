// The ways in which files come: chosen, pasted, dropped.

import { IMAGE_TYPES } from '../runtime/image.js';
import { $ } from './by-id.js';
import { filesOf } from './model-files.js';

/** Calls `take` with files, and what to say where there are none; `expect` at the first sign of them. */
export function onFiles(take, expect) {
  $('file-input').accept = `${IMAGE_TYPES},.zip`;
  $('file-input').addEventListener('click', expect);
  $('file-input').addEventListener('change', () => {
    take([...$('file-input').files]);
    $('file-input').value = ''; // so that the same file may be chosen again
  });
  document.addEventListener('paste', (event) => {
    take([...(event.clipboardData?.files ?? [])], 'There is no picture in the clipboard.');
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
      'There was no file in what you dropped. Drop the file of a picture, saved before, or a model folder.',
    );
  });
}
