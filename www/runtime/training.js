// The public class: one model that learns in one worker, or in several that share each batch. The page
// brings pairs and images; the first worker, the lead, owns the networks.

import { abortedError, Pix2PixError } from './errors.js';
import { phrase } from './phrase.js';
import { resolve } from './pix2pix.js';
import { WorkerRpc } from './rpc.js';
import { asMessage } from './source.js';

/** The options that are settings of the module, and their names there. */
const SETTINGS = {
  name: 'name',
  task: 'task',
  input: 'input',
  output: 'output',
  residual: 'residual',
  norm: 'norm',
  base: 'base',
  size: 'size',
  loadSize: 'load_size',
  mirror: 'flip',
  seed: 'seed',
  batch: 'batch',
  workers: 'workers',
  steps: 'steps',
  learningRate: 'lr',
  learningRatePolicy: 'lr_policy',
  lambdaL1: 'lambda_l1',
  lambdaGan: 'lambda_gan',
  dropout: 'dropout',
  ema: 'ema',
  mode: 'mode',
};

export class Training extends EventTarget {
  #url;
  #backend;
  #lead;
  #followers = [];
  #facts;
  #step;
  #steps;
  #losses;
  #memory = 0;
  #isRunning = false;
  #isDisposed = false;

  /** @param {import('../pix2pix-training.js').TrainingOptions} options */
  static async create({ pairs, from, checkpoint, watch = [], backend = 'cpu', ...options }) {
    if (!Array.isArray(pairs) || pairs.length === 0) {
      throw new Pix2PixError('pairs', 'There is no pair to learn from: pass { input, target } pairs.');
    }
    if (backend !== 'cpu' && backend !== 'webgpu') {
      throw new Pix2PixError('settings', `There is no backend "${backend}": use cpu or webgpu.`);
    }
    const training = new Training(new URL('./training-worker.js', import.meta.url), backend);
    try {
      await training.#begin({ pairs, from, checkpoint, watch, options });
      return training;
    } catch (thrown) {
      training.dispose();
      throw Pix2PixError.from(thrown);
    }
  }

  /** Use `Training.create`. */
  constructor(url, backend) {
    super();
    this.#url = url;
    this.#backend = backend;
    this.#lead = this.#started((note) => this.#hear(note));
  }

  async #begin({ pairs, from, checkpoint, watch, options }) {
    const model = typeof from === 'string' || from instanceof URL ? { manifestUrl: resolve(from) } : from;
    const settings = checkpoint ? null : settingsOf(options);
    this.#facts = await this.#lead.call('begin', {
      settings,
      model,
      files: checkpoint?.files,
      backend: this.#backend,
    });
    this.#step = this.#facts.step;
    this.#steps = this.#facts.steps;
    this.#losses = [...(checkpoint?.losses ?? [])];
    await addPairs(this.#lead, pairs);
    while (this.#followers.length + 1 < this.#facts.workers) await this.#hire(pairs);
    await connect([this.#lead, ...this.#followers]);
    await this.watch(watch);
    if (pairs.length === 1) {
      this.#warn(phrase('One pair alone is learned by heart: other images will not come out well. Add more pairs.'));
    }
  }

  #started(onNote) {
    return new WorkerRpc(this.#url, onNote, (error) => this.#died(error));
  }

  /** One of the workers is gone, and what it knew. */
  #died(error) {
    const wasRunning = this.#isRunning;
    this.#end(error);
    if (wasRunning) this.#dispatch('error', { error });
  }

  /** Another worker with the same networks. */
  async #hire(pairs) {
    const follower = this.#started();
    this.#followers.push(follower);
    const { files } = await this.#lead.call('checkpoint', {});
    await follower.call('begin', { files, backend: this.#backend });
    await addPairs(follower, pairs);
  }

  get stepsMade() {
    return this.#step;
  }
  get steps() {
    return this.#steps;
  }
  get size() {
    return this.#facts.size;
  }
  get loadSize() {
    return this.#facts.loadSize;
  }
  get manifest() {
    return this.#facts.manifest;
  }
  get backend() {
    return this.#backend;
  }
  get workers() {
    return this.#facts.workers;
  }
  get memory() {
    return this.#memory;
  }
  get isRunning() {
    return this.#isRunning;
  }
  get losses() {
    return this.#losses;
  }

  /** Plans another number of steps. */
  async plan(steps) {
    await this.#call('plan', { steps });
    this.#steps = steps;
  }

  /** The images whose translations come with `sample` events. */
  async watch(images) {
    const messages = [];
    for (const image of images) messages.push(await asMessage(image));
    await this.#call(
      'watch',
      { images: messages.map(({ payload }) => payload) },
      messages.flatMap(({ transfer }) => transfer),
    );
  }

  /** @param {{ share?: number }} [options] */
  async start({ share = 1 } = {}) {
    await this.#call('start', { share });
    this.#isRunning = true;
  }

  async pause() {
    await this.#call('pause', {});
    this.#isRunning = false;
  }

  /** Makes `count` steps while it is paused. */
  async step(count = 1) {
    if (!Number.isInteger(count) || count < 1) {
      throw new Pix2PixError('settings', `The number of steps is ${count}: pass a whole number from 1.`);
    }
    await this.#call('steps', { count });
    return this.#losses.at(-1);
  }

  async preview(image) {
    const { payload, transfer } = await asMessage(image);
    const { rgba, width, height } = await this.#call('preview', payload, transfer);
    return new ImageData(new Uint8ClampedArray(rgba), width, height);
  }

  /** What the discriminator says of an image as a translation of the input. */
  async logits(input, image) {
    const [one, other] = [await asMessage(input), await asMessage(image)];
    const transfer = [...one.transfer, ...other.transfer];
    return this.#call('logits', { input: one.payload, image: other.payload }, transfer);
  }

  async checkpoint() {
    const { files, step } = await this.#call('checkpoint', {});
    return { files, step, losses: this.#losses.filter((losses) => losses.step <= step) };
  }

  async export() {
    const { manifest, path, weights } = await this.#call('export', {});
    return { manifest, path, weights: new Blob([weights], { type: 'application/octet-stream' }) };
  }

  /** Ends the workers. */
  dispose() {
    this.#end(abortedError('The training was disposed of; the job'));
  }

  #end(reason) {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#isRunning = false;
    for (const worker of [this.#lead, ...this.#followers]) worker.end(reason);
  }

  async #call(kind, payload, transfer = []) {
    if (this.#isDisposed) throw abortedError('The training was disposed of; the job');
    try {
      return await this.#lead.call(kind, payload, transfer);
    } catch (thrown) {
      throw Pix2PixError.from(thrown);
    }
  }

  #hear(note) {
    if (note.losses) {
      const entry = { step: note.step, ...note.losses };
      this.#step = note.step;
      this.#losses.push(entry);
      this.#memory = note.memory * this.workers;
      this.#dispatch('step', { step: note.step, losses: note.losses, milliseconds: note.milliseconds });
    } else if (note.images) {
      const images = note.images.map(
        ({ rgba, width, height }) => new ImageData(new Uint8ClampedArray(rgba), width, height),
      );
      this.#dispatch('sample', { step: note.step, images });
    } else if (note.warning) {
      this.#warn(note.warning);
    } else if (note.stopped) {
      this.#isRunning = false;
      const { error } = note.stopped;
      if (error) this.#dispatch('error', { error: Pix2PixError.from(error) });
      else this.#dispatch('finish', { step: this.#step });
    }
  }

  /** Nobody can listen before `create` has returned. */
  #warn(message) {
    setTimeout(() => this.#dispatch('warning', { message }));
  }

  #dispatch(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** Gives each worker, in the order of ranks, ports to all others. */
async function connect(workers) {
  const ports = workers.map(() => []);
  for (const [rank, own] of ports.entries()) {
    for (const theirs of ports.slice(rank + 1)) {
      const { port1, port2 } = new MessageChannel();
      own.push(port1);
      theirs.push(port2);
    }
  }
  await Promise.all(workers.map((worker, rank) => worker.call('join', { rank, ports: ports[rank] }, ports[rank])));
}

async function addPairs(worker, pairs) {
  for (const [index, { input, target }] of pairs.entries()) {
    const [one, other] = [await asMessage(input), await asMessage(target)];
    const name = `Pair ${index + 1}`;
    await worker.call('addPair', { name, input: one.payload, target: other.payload }, [
      ...one.transfer,
      ...other.transfer,
    ]);
  }
}

function settingsOf(options) {
  const settings = {};
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(SETTINGS, name)) {
      throw new Pix2PixError('settings', `There is no option "${name}": use ${Object.keys(SETTINGS).join(', ')}.`);
    }
    settings[SETTINGS[name]] = value;
  }
  settings.batch ??= settings.workers;
  // As natively: eight steps down where the size allows it.
  settings.net_g = settings.size % 256 === 0 ? 'unet_256' : 'unet_128';
  return JSON.stringify(settings);
}
