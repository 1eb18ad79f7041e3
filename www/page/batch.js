// Several photos, translated one after the other into one archive. A photo that cannot be read is named
// and left out.

import { Pix2PixError } from '../runtime/errors.js';
import { decodeImage } from '../runtime/image.js';
import * as format from '../view/format.js';
import { spelled, text } from '../view/language.js';
import { sentenceOf } from '../view/sentence.js';
import { encode, endingOf, saveFile } from './save.js';
import { zipOf } from './zip-writer.js';

/** Results are held until they are saved. */
const MAX_BYTES = 1 << 30;
/** A photo's own fault. */
const OF_THE_PHOTO = ['input-size', 'out-of-memory'];
/** The formats in which results are saved like their photos; others become PNG. */
const FORMATS = { 'image/jpeg': 'jpeg', 'image/webp': 'webp' };

/** Translates `files`, shows each on `stage`, and offers the archive in the end, also after an abort; says
    nothing once `isLatest` is false. `stage.show` returns what is to be translated. */
export async function translateAll(files, { slot, stage, dock, signal, isLatest, again }) {
  const batch = { results: [], left: [], bytes: 0 };
  const begun = performance.now();
  /** @type {import('../view/language.js').Words} */
  let stopped = '';
  try {
    for (const [index, file] of files.entries()) {
      const share = [index, files.length];
      const which = { index: index + 1, count: files.length, name: format.oneLine(file.name) };
      const words = () => text('Photo {index} of {count}: {name}', which);
      dock.set(slot.isLoaded ? 'working' : 'loading', words, { share });
      await translateOne(file, batch, { slot, stage, signal });
      if (signal.aborted) break;
      dock.caption(() => batch.left.map(spelled).join(' '));
      if (batch.bytes > MAX_BYTES && index + 1 < files.length) {
        stopped = () => text('No more results fit into memory: save these, then go on with the other photos.');
        break;
      }
    }
  } catch (error) {
    if (!signal.aborted && batch.results.length === 0) return dock.error(error, again);
    stopped = () => sentenceOf(Pix2PixError.from(error));
  }
  if (!isLatest()) return;
  const elapsed = performance.now() - begun;
  const done = () => text('Done in {time}.', { time: format.duration(elapsed) });
  offer(signal.aborted ? () => text('Cancelled.') : stopped || done);

  function offer(words) {
    const { results } = batch;
    const [count, all] = [results.length, files.length];
    const outcome = () =>
      count === all
        ? text('{count} photos translated.', { count })
        : text('{count} of {all} photos translated.', { count, all });
    dock.set('done', () => `${spelled(words)} ${outcome()}`);
    if (results.length === 0) return dock.offerRetry(() => text('Try again'), again);
    const save = () => dock.say(saveFile(zipOf(results), `${slot.entry.name}-results`));
    dock.offerRetry(() => text('Save them as .zip'), save);
  }
}

async function translateOne(file, batch, { slot, stage, signal }) {
  try {
    const bitmap = await decodeImage(file, { name: format.quoted(file.name) });
    if (signal.aborted) return bitmap.close();
    const source = await stage.show(bitmap, file);
    if (signal.aborted) return;
    const session = await slot.ensure();
    if (signal.aborted) return;
    const result = await session.run(source, { signal });
    await stage.showResult(result);
    const blob = await encode(stage.after, FORMATS[file.type] ?? 'png');
    const path = freeName(file.name, endingOf(blob), batch.results);
    batch.results.push({ path, bytes: new Uint8Array(await blob.arrayBuffer()) });
    batch.bytes += blob.size;
  } catch (thrown) {
    const error = Pix2PixError.from(thrown);
    if (!OF_THE_PHOTO.includes(error.code)) throw error;
    batch.left.push(() => text('Left out: {why}', { why: sentenceOf(error) }));
  }
}

/** The photo's name with another ending, and a number where that name is taken. */
function freeName(name, ending, results) {
  const stem = name.replace(/\.[^.]*$/, '').replace(/[\\/:*?"<>|\p{Cc}]+/gu, '-') || 'photo';
  const isTaken = (path) => results.some((result) => result.path === path);
  let path = `${stem}.${ending}`;
  for (let number = 2; isTaken(path); number++) path = `${stem}-${number}.${ending}`;
  return path;
}
