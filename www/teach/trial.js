// "Try it": a board, pictures and the camera through the network that is learning; and its model, taken along.

import { $ } from '../page/by-id.js';
import { Camera } from '../page/camera.js';
import { saveFile } from '../page/save.js';
import { keepTaught } from '../page/taught-model.js';
import { zipOf } from '../page/zip-writer.js';
import { Pix2PixError } from '../runtime/errors.js';
import { DrawPane } from '../view/draw-pane.js';
import * as format from '../view/format.js';
import { show, text } from '../view/language.js';
import { sentenceOf } from '../view/sentence.js';
import { middleOf } from './photo-pairs.js';

export class Trial {
  #training;
  #keep;
  #pane;
  /** @type {Camera | null} */
  #camera = null;

  /** `training` returns the training, or null; `keep` stores it before the page is left; `fail` reports that it failed.
      @param {{ training: () => import('../runtime/training.js').Training | null, keep: () => Promise<void>,
        fail: (error: unknown) => void }} options */
  constructor({ training, keep, fail }) {
    this.#training = training;
    this.#keep = keep;
    this.#pane = new DrawPane({
      ready: async () => training() && { run: (image) => training()?.preview(image) },
      onState: (state, detail) => {
        if (state === 'error') this.#failed(detail);
        else if (state === 'done') this.#say(() => text('Drawn in {time}.', { time: format.duration(detail) }));
      },
    });
    $('board').append(this.#pane.root);
    $('save').addEventListener('click', () => this.#save().catch(fail));
    $('open').addEventListener('click', () => this.#openOnFrontPage());
    $('try-camera').addEventListener('click', () => this.#tryCamera());
    $('try-input').addEventListener('change', ({ target }) => {
      const [file] = target.files;
      target.value = '';
      if (file) this.#pane.load(file, file.name).catch((error) => this.#failed(error));
    });
    addEventListener('pagehide', () => this.#camera?.close());
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) this.#camera?.close();
    });
  }

  /** Begins with an empty board. */
  begin(manifest) {
    this.#pane.begin(manifest);
  }

  /** The network has learned: translates again what is on the board. */
  renew() {
    if (!this.#pane.board.isUntouched) this.#pane.ask();
  }

  /** @param {import('../view/language.js').Words} words */
  #say(words) {
    show($('said'), words);
  }

  #failed(thrown) {
    const error = Pix2PixError.from(thrown);
    this.#say(() => sentenceOf(error));
  }

  /** What the camera sees goes through the network picture by picture, until it is asked again. */
  async #tryCamera() {
    if (this.#camera) return this.#camera.close();
    $('try-camera').disabled = true;
    try {
      const camera = (this.#camera = await Camera.open());
      if (document.hidden) return;
      show($('try-camera'), () => text('Camera off'));
      $('try-camera').disabled = false;
      while (camera.isOn && this.#training()) {
        const picture = await createImageBitmap(middleOf(camera.video));
        this.#pane.board.present(picture);
        picture.close();
        await this.#pane.ask();
        await new Promise(requestAnimationFrame);
      }
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#camera?.close();
      this.#camera = null;
      show($('try-camera'), () => text('The camera'));
      $('try-camera').disabled = false;
    }
  }

  async #save() {
    const training = this.#training();
    if (!training) return;
    const { manifest, path, weights } = await training.export();
    const files = [
      { path: 'taught/manifest.json', bytes: new TextEncoder().encode(manifest) },
      { path: `taught/${path}`, bytes: new Uint8Array(await weights.arrayBuffer()) },
    ];
    const saved = saveFile(zipOf(files), 'taught');
    this.#say(() => `${saved()} ${text('Drop it onto the front page to run it there.')}`);
  }

  /** Opens the front page with the model. */
  async #openOnFrontPage() {
    const training = this.#training();
    if (!training) return;
    $('open').disabled = true;
    try {
      await keepTaught(await training.export());
      await this.#keep();
      location.assign('./?model=taught');
    } catch (thrown) {
      const error = Pix2PixError.from(thrown);
      this.#say(() => `${sentenceOf(error)} ${text('Save the model and drop it onto the front page.')}`);
    } finally {
      $('open').disabled = false;
    }
  }
}
