// Several photos, translated one after the other into one archive. A photo that cannot be read is named
// and left out.

import { Pix2PixError } from '../runtime/errors.js';
import { decodeImage } from '../runtime/image.js';
import * as format from '../view/format.js';
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
  let stopped = '';
  try {
    for (const [index, file] of files.entries()) {
      const share = [index, files.length];
      const what = `Photo ${format.count(index + 1)} of ${format.count(files.length)}`;
      dock.set(slot.isLoaded ? 'working' : 'loading', `${what}: ${format.text(file.name)}`, { share });
      await translateOne(file, batch, { slot, stage, signal });
      if (signal.aborted) break;
      dock.caption(batch.left.join(' '));
      if (batch.bytes > MAX_BYTES && index + 1 < files.length) {
        stopped = 'No more results fit into memory: save these, then go on with the other photos.';
        break;
      }
    }
  } catch (error) {
    if (!signal.aborted && batch.results.length === 0) return dock.error(error, again);
    stopped = error.message;
  }
  if (!isLatest()) return;
  offer(signal.aborted ? 'Cancelled.' : stopped || `Done in ${format.duration(performance.now() - begun)}.`);

  function offer(words) {
    const { results } = batch;
    const all = format.count(files.length);
    const count = results.length === files.length ? all : `${format.count(results.length)} of ${all}`;
    dock.set('done', `${words} ${count} photos translated.`);
    if (results.length === 0) return dock.offerRetry('Try again', again);
    dock.offerRetry('Save them as .zip', () => dock.say(saveFile(zipOf(results), `${slot.entry.name}-results`)));
  }
}

async function translateOne(file, batch, { slot, stage, signal }) {
  try {
    const bitmap = await decodeImage(file, { name: `“${format.text(file.name)}”` });
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
    batch.left.push(`Left out: ${error.message}`);
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
