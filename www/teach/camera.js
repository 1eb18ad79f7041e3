// The camera, which is on until it is closed or taken away.

import { openCamera } from '../page/webcam-mode.js';
import { element } from '../view/element.js';
import { middleOf } from './photo-pairs.js';

export class Camera {
  #stream;
  #video;

  /** @returns {Promise<Camera>} */
  static async open() {
    const stream = await openCamera();
    const video = element('video', { muted: true, playsInline: true, srcObject: stream });
    const camera = new Camera(stream, video);
    try {
      await video.play();
      return camera;
    } catch (error) {
      camera.close();
      throw error;
    }
  }

  /** Use `Camera.open`. */
  constructor(stream, video) {
    this.#stream = stream;
    this.#video = video;
  }

  get isOn() {
    return this.#stream.active;
  }

  /** The square in the middle of what it sees, as ImageData. */
  get square() {
    return middleOf(this.#video, [this.#video.videoWidth, this.#video.videoHeight]);
  }

  close() {
    for (const track of this.#stream.getTracks()) track.stop();
  }
}
