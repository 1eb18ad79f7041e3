// A film of frames that take longer to compute than they are shown. Browsers with WebCodecs encode each as it comes;
// in others recorded-film.js plays them to a recorder in the end.

import { Pix2PixError } from '../runtime/errors.js';
import { mp4Of } from './mp4.js';
import { RecordedFilm } from './recorded-film.js';
import { BITS_PER_SECOND, enlargement, filmType } from './recorder.js';
import { saveFile } from './save.js';

/** H.264, which every player knows, of two sizes; and what browsers without it have. */
const CODECS = ['avc1.42E028', 'avc1.42E033', 'vp09.00.40.08'];
/** Macroblocks of the first codec's frames. */
const MOST_BLOCKS = 8192;
/** Frames from one that can be jumped to, to the next. */
const KEY_EVERY = 60;
/** Frames that may wait for the encoder, and the milliseconds between two looks at them. */
const MOST_WAITING = 8;
const BETWEEN_LOOKS = 5;
/** A usual size of frames. */
const USUAL = [640, 480];

/** A film of so many frames a second, or an error where the browser makes none. */
export async function newFilm(framesPerSecond) {
  if (await configFor(...USUAL, framesPerSecond)) return new EncodedFilm(framesPerSecond);
  filmType();
  return new RecordedFilm(framesPerSecond);
}

/** How a browser can encode such frames; null if it cannot.
    @returns {Promise<VideoEncoderConfig | null>} */
async function configFor(width, height, framerate) {
  if (!globalThis.VideoEncoder) return null;
  const isLarge = Math.ceil(width / 16) * Math.ceil(height / 16) > MOST_BLOCKS;
  for (const codec of CODECS.slice(isLarge ? 1 : 0)) {
    const config = { codec, width, height, framerate, bitrate: BITS_PER_SECOND };
    const { supported } = await VideoEncoder.isConfigSupported(config).catch(() => ({ supported: false }));
    if (supported) return config;
  }
  return null;
}

class EncodedFilm {
  length = 0; // in frames
  #rate;
  #canvas = document.createElement('canvas');
  /** @type {VideoEncoder | null} */
  #encoder = null;
  /** @type {VideoDecoderConfig | undefined} */
  #decoderConfig;
  /** @type {EncodedVideoChunk[]} */
  #chunks = [];
  #added = 0;
  /** @type {Error | null} */
  #failure = null;
  /** @type {Promise<Blob> | null} */
  #file = null;

  constructor(framesPerSecond) {
    this.#rate = framesPerSecond;
  }

  async add(canvas) {
    this.#encoder ??= await this.#begin(canvas);
    const encoder = this.#encoder;
    const context = /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext('2d'));
    context.imageSmoothingQuality = 'high';
    context.drawImage(canvas, 0, 0, this.#canvas.width, this.#canvas.height);
    while (encoder.encodeQueueSize > MOST_WAITING && encoder.state === 'configured')
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_LOOKS));
    this.#check();
    const frame = new VideoFrame(this.#canvas, { timestamp: Math.round((this.length * 1e6) / this.#rate) });
    encoder.encode(frame, { keyFrame: this.#added % KEY_EVERY === 0 });
    frame.close();
    this.#added++;
    this.length++;
  }

  /** Shows the last frame for one more. */
  hold() {
    this.length++;
  }

  /** Whether it cannot be saved any more. */
  get isLost() {
    return this.#failure !== null;
  }

  /** Nothing more comes: lets go of the encoder. */
  end() {
    this.#file ??= this.#pack();
    this.#file.catch(() => {}); // saving it reports this
  }

  /** Saves the film; says what came of it. */
  async save(name) {
    this.end();
    return saveFile(await this.#file, name);
  }

  async #begin(canvas) {
    const scale = enlargement(Math.min(canvas.width, canvas.height));
    // Some encoders take only even sides.
    const [width, height] = [canvas.width, canvas.height].map((side) => 2 * Math.ceil((side * scale) / 2));
    const config = await configFor(width, height, this.#rate);
    if (!config) throw new Pix2PixError('camera', 'This browser records no films. Save a picture instead.');
    [this.#canvas.width, this.#canvas.height] = [width, height];
    const encoder = new VideoEncoder({
      output: (chunk, metadata) => {
        this.#chunks.push(chunk);
        this.#decoderConfig ??= metadata?.decoderConfig;
      },
      error: (error) => {
        this.#failure = error;
      },
    });
    encoder.configure(config);
    return encoder;
  }

  #check() {
    if (!this.#failure) return;
    const values = { why: this.#failure.message };
    throw new Pix2PixError('camera', 'The browser stopped encoding the film ({why}). Try again.', { values });
  }

  async #pack() {
    await this.#encoder?.flush().catch((error) => {
      this.#failure ??= error; // the encoder itself may have said more
    });
    if (this.#encoder?.state === 'configured') this.#encoder.close();
    this.#check();
    if (!this.#decoderConfig) throw new Pix2PixError('camera', 'The film has no frames yet. Try again.');
    const places = this.#chunks.map(({ timestamp }) => Math.round((timestamp * this.#rate) / 1e6));
    const samples = this.#chunks.map((chunk, index) => {
      const bytes = new Uint8Array(chunk.byteLength);
      chunk.copyTo(bytes);
      const duration = (places[index + 1] ?? this.length) - places[index];
      return { bytes, isKey: chunk.type === 'key', duration };
    });
    const { width, height } = this.#canvas;
    return mp4Of({ width, height, rate: this.#rate, config: this.#decoderConfig, samples });
  }
}
