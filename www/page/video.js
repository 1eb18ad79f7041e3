// A film from a file, translated frame by frame into another one, without its sound: browsers play films, but give
// pages no part of the file.

import { abortedError, Pix2PixError } from '../runtime/errors.js';
import { softwareContext } from '../runtime/image.js';
import { phrase } from '../runtime/phrase.js';
import * as format from '../view/format.js';
import { spelled, text } from '../view/language.js';
import { naturalSide } from '../view/manifest.js';
import { sentenceOf } from '../view/sentence.js';
import { newFilm } from './film.js';

/** Frames a second: what most cameras take, or a half of it. */
const RATE = 30;
/** Seconds that are translated. */
const LONGEST = 60;
/** A frame is at most so many times as long as it is wide. */
const MOST_STRETCHED = 4;
/** Milliseconds after which a frame counts as shown, also if the browser does not say so. */
const PATIENCE = 250;
/** A moment behind the end of every film. */
const FAR = 1e9;

/** Translates the film in `file`, shows each frame, and offers what is translated in the end, also after an
    abort; says nothing once `isLatest` is false. */
export async function translateFilm(file, note, tools) {
  const { dock, signal, isLatest, again } = tools;
  /** @type {any} */
  const work = { film: null, total: 0 };
  /** @type {import('../view/language.js').Words} */
  let words = '';
  const begun = performance.now();
  try {
    work.film = await newFilm(RATE); // nothing is translated that could not be saved
    dock.set('loading', () => text('Opening the film…'));
    await translateFrames(file, note, work, tools);
    const elapsed = performance.now() - begun;
    words = () => text('Done in {time}.', { time: format.duration(elapsed) });
  } catch (error) {
    if (!isLatest()) return;
    if (!signal.aborted && !work.film?.length)
      return dock.error(error, error.code === 'input-size' ? undefined : again);
    words = signal.aborted ? () => text('Cancelled.') : outcomeOf(error);
  } finally {
    work.film?.end();
  }
  if (isLatest()) offer(work, words, tools);
}

function offer({ film, total }, words, tools) {
  const { dock } = tools;
  const count = film?.length ?? 0;
  const outcome = () =>
    count === total
      ? text('{count} frames translated.', { count })
      : text('{count} of {all} frames translated.', { count, all: total });
  dock.set('done', total > 0 ? () => `${spelled(words)} ${outcome()}` : words);
  offerToSave(film, tools);
}

function offerToSave(film, tools) {
  const { dock, again } = tools;
  const isThere = film?.length > 0 && !film.isLost;
  if (isThere)
    dock.offerRetry(
      () => text('Save the film'),
      () => save(film, tools),
    );
  else dock.offerRetry(() => text('Try again'), again);
}

/** What a job says that ends with an error. */
function outcomeOf(thrown) {
  const error = Pix2PixError.from(thrown);
  return () => (error.code === 'aborted' ? text('Cancelled.') : sentenceOf(error));
}

async function save(film, tools) {
  const { dock, startJob, filmName } = tools;
  const { signal, isLatest } = startJob();
  let words;
  try {
    words = await film.save(filmName(), { dock, signal });
  } catch (error) {
    words = outcomeOf(error);
  }
  if (!isLatest()) return;
  dock.set('done', words);
  offerToSave(film, tools);
}

async function translateFrames(file, note, work, { slot, view, dock, signal }) {
  const video = document.createElement('video');
  const name = format.quoted(file.name);
  try {
    const length = await openVideo(video, file, name, signal);
    work.total = Math.max(1, Math.round(Math.min(length, LONGEST) * RATE));
    dock.set('loading', () => text('Loading the model…'));
    const session = await slot.ensure();
    dock.facts(session);
    const frame = frameOf(video, naturalSide(session.manifest));
    const facts = factsOf(file, video, frame, length);
    dock.caption(() => [...facts(), spelled(note)].filter(Boolean).join(' · '));
    let last = null; // what the frame before shows
    for (let index = 0; index < work.total; index++) {
      const status = () => text('Frame {index} of {count}', { index: index + 1, count: work.total });
      dock.set('working', status, { quietly: true, share: [index, work.total] });
      const pixels = await grab(video, (index + 0.5) / RATE, frame, name, signal);
      if (last && isSame(last, pixels)) {
        work.film.hold();
        continue;
      }
      last = pixels;
      const result = await session.run(pixels, { signal });
      if (signal.aborted) throw abortedError(phrase('Translating the film'));
      view.showFrame(frame, result);
      await work.film.add(view.after);
    }
  } finally {
    URL.revokeObjectURL(video.src);
    video.removeAttribute('src');
    video.load(); // frees the decoder
  }
}

function factsOf(file, video, frame, length) {
  const { videoWidth, videoHeight } = video;
  const { width, height } = frame;
  const seconds = { first: LONGEST, count: Math.round(length) };
  return () => {
    const [from, to] = [format.pixels(videoWidth, videoHeight), format.pixels(width, height)];
    const size = from === to ? to : text('{size}, scaled down from {from}', { size: to, from });
    const part = length > LONGEST ? text('the first {first} of {count} seconds', seconds) : '';
    return [format.oneLine(file.name), size, part, text('without sound')];
  };
}

/** Opens the film; its length in seconds. */
async function openVideo(video, file, name, signal) {
  video.muted = true;
  video.playsInline = true;
  video.preload = 'auto';
  const opened = reached(video, 'loadeddata', name, signal);
  video.src = URL.createObjectURL(file);
  await opened;
  if (!video.videoWidth)
    throw new Pix2PixError('input-size', '{name} has no pictures, only sound.', { values: { name } });
  if (Number.isFinite(video.duration)) return video.duration;
  // Films that were recorded by a browser do not say how long they are before their end has been seen.
  const ended = reached(video, 'seeked', name, signal);
  video.currentTime = FAR;
  await ended;
  return Number.isFinite(video.duration) ? video.duration : video.currentTime;
}

/** A canvas for the frames: its shorter side is that of the model, but nothing is enlarged. */
function frameOf({ videoWidth, videoHeight }, side) {
  const [shorter, longer] = [videoWidth, videoHeight].sort((a, b) => a - b);
  const scale = Math.min(1, side / shorter, (MOST_STRETCHED * side) / longer);
  const frame = document.createElement('canvas');
  frame.width = Math.max(1, Math.round(videoWidth * scale));
  frame.height = Math.max(1, Math.round(videoHeight * scale));
  return frame;
}

/** The frame at a time, in seconds. */
async function grab(video, time, frame, name, signal) {
  const arrived = reached(video, 'seeked', name, signal);
  const shown = nextFrameOf(video);
  video.currentTime = time;
  await arrived;
  await shown;
  const context = softwareContext(frame);
  context.imageSmoothingQuality = 'high';
  context.drawImage(video, 0, 0, frame.width, frame.height);
  return context.getImageData(0, 0, frame.width, frame.height);
}

/** On a busy machine browsers have found a frame before they show it. In a tab that nobody sees they show none. */
function nextFrameOf(video) {
  if (!video.requestVideoFrameCallback || document.hidden) return undefined;
  return new Promise((resolve) => {
    video.requestVideoFrameCallback(resolve);
    setTimeout(resolve, PATIENCE);
  });
}

function isSame(one, other) {
  const values = new Uint32Array(one.data.buffer);
  const others = new Uint32Array(other.data.buffer);
  return values.every((value, at) => value === others[at]);
}

/** Waits for an event of the film. */
function reached(video, event, name, signal) {
  return new Promise((resolve, reject) => {
    const life = new AbortController();
    const on = (target, type, act) =>
      target.addEventListener(
        type,
        () => {
          life.abort();
          act();
        },
        { signal: life.signal },
      );
    const fail = (message) =>
      reject(new Pix2PixError('input-size', message, { values: { name }, cause: video.error ?? undefined }));
    on(video, event, resolve);
    const unreadable = () =>
      fail(
        phrase(
          '{name} is not a film that this browser can read. It may be damaged, or in a format that is not known here: save it as MP4 (H.264) or WebM.',
        ),
      );
    on(video, 'error', unreadable);
    if (video.error) unreadable(); // since the event before
    on(video, 'encrypted', () => fail(phrase('{name} is encrypted. Take a film without copy protection.')));
    on(signal, 'abort', () => reject(abortedError(phrase('Translating the film'))));
    if (signal.aborted) signal.dispatchEvent(new Event('abort'));
  });
}
