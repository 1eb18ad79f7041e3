// A film of frames where the browser only records what it shows: they are kept, and recorded in the end at the pace
// at which they are shown.

import { abortedError, Pix2PixError } from '../runtime/errors.js';
import { phrase } from '../runtime/phrase.js';
import { text } from '../view/language.js';
import { enlargement, Recorder } from './recorder.js';
import { encode, saveFile } from './save.js';

/** Milliseconds after which a film looks whether the visitor is back. */
const GLANCE = 200;

export class RecordedFilm {
  isLost = false; // it can be recorded again
  #frames = []; // an encoded picture each
  #pace; // milliseconds from frame to frame
  /** @type {Blob | null} */
  #recorded = null;

  constructor(framesPerSecond) {
    this.#pace = 1000 / framesPerSecond;
  }

  get length() {
    return this.#frames.length;
  }

  async add(canvas) {
    this.#frames.push(await encode(canvas, 'webp'));
  }

  /** Shows the last frame for one more. */
  hold() {
    this.#frames.push(this.#frames[this.length - 1]);
  }

  end() {}

  /** Records the film, which takes as long as it is, and saves it; says what came of it. */
  async save(name, { dock, signal }) {
    const seconds = (frames) => Math.ceil((frames * this.#pace) / 1000);
    this.#recorded ??= await this.#record(signal, (done) => {
      const time = { done: seconds(done), total: seconds(this.length) };
      const words = () =>
        text('Recording the film: {done} of {total} seconds. In this browser that takes as long as it plays.', time);
      dock.set('working', words, {
        quietly: true,
        share: [done, this.length],
      });
    });
    return saveFile(this.#recorded, name);
  }

  async #record(signal, onFrame) {
    const recorder = await this.#recorder();
    let begun = performance.now();
    let left = begun;
    let film;
    if (document.hidden) recorder.pause();
    // Browsers paint nothing in a tab that nobody sees.
    const onVisibility = () => {
      if (document.hidden) {
        recorder.pause();
        left = performance.now();
      } else {
        begun += performance.now() - left;
        recorder.resume();
      }
    };
    document.addEventListener('visibilitychange', onVisibility);
    const until = async (frame) => {
      const wait = () => begun + frame * this.#pace - performance.now();
      while (!signal.aborted && (document.hidden || wait() > 0)) await delay(document.hidden ? GLANCE : wait());
    };
    try {
      for (const [index, frame] of this.#frames.entries()) {
        const bitmap = await createImageBitmap(frame);
        await until(index);
        if (signal.aborted) break;
        paint(recorder.context, bitmap);
        onFrame(index + 1);
      }
      await until(this.length);
      // A film ends with the last frame that is painted.
      recorder.context.drawImage(recorder.context.canvas, 0, 0);
      if (!signal.aborted) await painted();
    } finally {
      document.removeEventListener('visibilitychange', onVisibility);
      film = await recorder.end();
    }
    if (signal.aborted) throw abortedError(phrase('Recording the film'));
    if (film.size === 0) throw new Pix2PixError('camera', 'The browser recorded nothing of the film. Try again.');
    return film;
  }

  /** A recorder that has begun with the first frame. */
  async #recorder() {
    const first = await createImageBitmap(this.#frames[0]);
    const scale = enlargement(Math.min(first.width, first.height));
    const recorder = new Recorder(first.width * scale, first.height * scale);
    paint(recorder.context, first);
    recorder.start();
    await painted(); // a film that is shorter than this would be empty
    return recorder;
  }
}

/** Closes `bitmap`. */
function paint(context, bitmap) {
  context.drawImage(bitmap, 0, 0, context.canvas.width, context.canvas.height);
  bitmap.close();
}

function delay(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** What was painted has been shown. */
function painted() {
  if (document.hidden) return undefined;
  return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
}
