// The camera, which is on until it is closed or taken away.

import { Pix2PixError } from '../runtime/errors.js';
import { phrase } from '../runtime/phrase.js';
import { element } from '../view/element.js';

export class Camera {
  /** What it sees. @type {HTMLVideoElement} */
  video;
  #stream;

  /** A camera that is on, or an error in plain words.
      @returns {Promise<Camera>} */
  static async open() {
    const stream = await openStream();
    const camera = new Camera(stream);
    try {
      await camera.video.play();
      return camera;
    } catch (error) {
      camera.close();
      throw error;
    }
  }

  /** Use `Camera.open`. */
  constructor(stream) {
    this.#stream = stream;
    this.video = element('video', { muted: true, playsInline: true, srcObject: stream });
  }

  get isOn() {
    return this.#stream.active;
  }

  /** Calls `listener` when somebody else takes it away. */
  onTaken(listener) {
    this.#stream.getVideoTracks()[0].addEventListener('ended', listener);
  }

  close() {
    for (const track of this.#stream.getTracks()) track.stop();
  }
}

async function openStream() {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Pix2PixError(
      'camera',
      isSecureContext
        ? phrase('This browser gives pages no camera. Take a photo instead.')
        : phrase('Browsers give a camera only to pages served over HTTPS. Take a photo instead.'),
    );
  }
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: 'user', width: { ideal: 1280 }, height: { ideal: 720 } },
    });
  } catch (cause) {
    const message =
      {
        NotAllowedError: phrase(
          'The camera was not allowed. Allow it in the address bar’s site settings, then try again.',
        ),
        NotFoundError: phrase('There is no camera here. Connect one, or take a photo instead.'),
        NotReadableError: phrase('The camera is in use by another program. Close that, then try again.'),
      }[cause.name] ?? phrase('The camera did not start ({why}). Try again.');
    throw new Pix2PixError('camera', message, { values: { why: cause.message }, cause });
  }
}
