// The mode for a camera: translates frame by frame, as fast as the model runs.
// The camera is on only while its image is on the screen.

import { Pix2PixError } from '../runtime/errors.js';
import { softwareContext } from '../runtime/image.js';
import { number, show, spelled, text } from '../view/language.js';
import { naturalSide } from '../view/manifest.js';
import { sentenceOf } from '../view/sentence.js';
import { Camera } from './camera.js';
import { saveFile } from './save.js';

const FPS_MEMORY = 0.8; // the weight of earlier frames in the shown rate
const STILL_SIDE = 512;
const LONGEST_FILM = 120; // seconds: it is held in memory

export class WebcamMode {
  name = 'webcam';

  #view;
  #slot;
  #dock;
  #invitation;
  #stopButton;
  #recordButton;
  /** @type {any} */
  #recorder = null;
  #filmName;
  /** @type {Camera | null} */
  #camera = null;
  #turn = 0; // frames of an earlier start are dropped
  #frame = document.createElement('canvas');
  /** @type {AbortController | null} */
  #abort = null; // of the still image

  /** `filmName` returns the name of a file, without the ending. */
  constructor({ view, slot, dock, invitation, stopButton, recordButton, filmName }) {
    this.#view = view;
    this.#slot = slot;
    this.#dock = dock;
    this.#invitation = invitation;
    this.#stopButton = stopButton;
    this.#recordButton = recordButton;
    this.#filmName = filmName;
    recordButton.addEventListener('click', () => (this.#recorder ? this.#saveFilm() : this.#record()));
    invitation.addEventListener('click', () => this.start());
    stopButton.addEventListener('click', () => this.still());
    addEventListener('pagehide', () => this.#release());
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) this.still(() => text('The camera went off as you left the page.'));
    });
  }

  get hasWork() {
    return this.#camera !== null;
  }
  get result() {
    return this.#view.result;
  }
  get resultCanvas() {
    return this.#view.after;
  }
  before() {
    return this.#view.source();
  }
  linked = null;
  resultName = 'webcam';

  show() {
    this.#view.clear();
    this.#invitation.hidden = false;
  }

  leave() {
    this.#release();
    this.#invitation.hidden = true;
  }

  resume() {
    return this.start();
  }

  cancel() {
    this.#slot.cancelLoading();
    this.#abort?.abort();
    this.#stop(() => text('Cancelled.'));
  }

  /** Turns the camera off and translates its last frame at a higher resolution. False if that
      fails. @param {import('../view/language.js').Words} words */
  async still(words = () => text('The camera is off.')) {
    if (!this.#camera) return true;
    if (!this.#view.result) return this.#stop(words);
    const { video } = this.#camera;
    const { signal } = (this.#abort = new AbortController());
    const side = Math.max(this.#frame.width, Math.min(STILL_SIDE, video.videoWidth, video.videoHeight));
    const pixels = this.#grab(video, side);
    this.#release();
    const turn = this.#turn;
    this.#dock.set('working', () => `${spelled(words)} ${text('Translating its last picture…')}`);
    try {
      const result = await (await this.#slot.ensure()).run(pixels, { signal });
      if (turn !== this.#turn) return false;
      this.#view.showFrame(this.#frame, result);
      this.#stop(words);
      return true;
    } catch (error) {
      if (turn === this.#turn) this.#dock.error(error, () => this.start());
      return false;
    }
  }

  async start() {
    this.#release();
    const turn = this.#turn;
    this.#invitation.hidden = true;
    try {
      this.#dock.set('loading', () => text('Waiting for the camera…'));
      const camera = await Camera.open();
      if (turn !== this.#turn) return camera.close();
      this.#camera = camera;
      if (document.hidden) return this.still(() => text('The camera went off as you left the page.'));
      camera.onTaken(() => {
        if (turn === this.#turn) this.still(() => text('The camera was taken away.'));
      });
      await this.#play(camera.video, turn);
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#release();
      this.#invitation.hidden = this.#view.result !== null;
      if (Pix2PixError.from(error).code === 'aborted') this.#dock.set('empty', () => text('Cancelled.'));
      else this.#dock.error(error, () => this.start());
    }
  }

  async #play(video, turn) {
    const session = await this.#slot.ensure();
    if (turn !== this.#turn) return;
    this.#stopButton.hidden = this.#recordButton.hidden = false;
    this.#dock.set('done', () => text('The camera is on.'));
    const side = naturalSide(session.manifest);
    let smooth = 0;
    while (turn === this.#turn) {
      const begun = performance.now();
      const pixels = this.#grab(video, side);
      const result = await session.run(pixels);
      if (turn !== this.#turn) return;
      this.#view.showFrame(this.#frame, result);
      this.#recorder?.add(this.#frame, this.#view.after);
      if (this.#recorder?.seconds > LONGEST_FILM) this.#saveFilm();
      await new Promise(requestAnimationFrame);
      if (turn !== this.#turn) return;
      const now = 1000 / (performance.now() - begun);
      smooth = smooth ? smooth * FPS_MEMORY + now * (1 - FPS_MEMORY) : now;
      this.#report(smooth, session);
    }
  }

  #report(framesPerSecond, session) {
    const rate = () =>
      text('{rate} frames per second', { rate: number(framesPerSecond, framesPerSecond < 10 ? 1 : 0) });
    const seconds = Math.floor(this.#recorder?.seconds ?? 0);
    const words = this.#recorder ? () => `${text('Recording, {seconds} s.', { seconds })} ${rate()}` : rate;
    this.#dock.set('done', words, { quietly: true });
    this.#dock.elapsed(() => text('{time} ms a frame', { time: Math.round(1000 / framesPerSecond) }));
    this.#dock.facts(session);
    document.body.dataset.fps = framesPerSecond.toFixed(2);
  }

  async #record() {
    const turn = this.#turn;
    try {
      const { LiveRecorder } = await import('./recorder.js');
      if (turn !== this.#turn || this.#recorder) return;
      this.#recorder = new LiveRecorder(this.#frame.width, this.#view.isGrey);
      show(this.#recordButton, () => text('Save the film'));
    } catch (error) {
      this.#dock.caption(() => sentenceOf(Pix2PixError.from(error)));
    }
  }

  /** Ends the film and saves it. */
  async #saveFilm() {
    const recorder = this.#recorder;
    this.#recorder = null;
    show(this.#recordButton, () => text('Record'));
    if (!recorder) return;
    try {
      this.#dock.caption(saveFile(await recorder.end(), this.#filmName()));
    } catch (error) {
      this.#dock.caption(() => sentenceOf(Pix2PixError.from(error)));
    }
  }

  /** The centre of the camera's image, mirrored. */
  #grab(video, side) {
    const context = softwareContext(this.#frame);
    if (this.#frame.width !== side) this.#frame.width = this.#frame.height = side;
    const cut = Math.min(video.videoWidth, video.videoHeight);
    context.setTransform(-1, 0, 0, 1, side, 0);
    context.drawImage(video, (video.videoWidth - cut) / 2, (video.videoHeight - cut) / 2, cut, cut, 0, 0, side, side);
    context.resetTransform();
    return context.getImageData(0, 0, side, side);
  }

  #stop(words) {
    this.#release();
    this.#dock.set(this.#view.result ? 'done' : 'empty', words);
    this.#invitation.hidden = this.#view.result !== null;
    if (this.#view.result)
      this.#dock.offerRetry(
        () => text('Start again'),
        () => this.start(),
      );
  }

  #release() {
    this.#turn++;
    this.#camera?.close();
    this.#camera = null;
    this.#stopButton.hidden = this.#recordButton.hidden = true;
    this.#saveFilm();
  }
}
