import { LocalModel, Manifest, Pix2PixError } from './pix2pix.js';

export { Pix2PixError };

/** What a pair's image may be. Images of any size are squeezed into squares. */
export type TrainingImage = ImageData | ImageBitmap | HTMLImageElement | HTMLCanvasElement | Blob;

export interface TrainingPair {
  input: TrainingImage;
  target: TrainingImage;
}

export interface TrainingOptions {
  /** At least one. After a reload the same ones, in the same order. */
  pairs: TrainingPair[];
  /** A model folder to teach further: the address of its manifest, or its files. */
  from?: string | URL | LocalModel;
  /** What `checkpoint()` gave: the training goes on with the same numbers, and its own settings. */
  checkpoint?: TrainingCheckpoint;
  /** The CPU by default: everywhere, and with the same numbers as natively. Or the graphics device, which one worker uses. */
  backend?: 'cpu' | 'webgpu';
  /** Images whose translations come with `sample` events. */
  watch?: TrainingImage[];
  /** Side of training images: 128 by default, or another multiple of 128. */
  size?: number;
  /** Side before the random crop; size · 286 / 256 by default. */
  loadSize?: number;
  /** What the model does, such as 'deblur', for its manifest. */
  task?: string;
  /** What inputs and outputs are made of: colour by default. */
  input?: 'color' | 'lightness';
  output?: 'color' | 'chroma';
  /** Whether the network learns a correction that is added to its input. */
  residual?: boolean;
  /** Batch norms by default; 'none' restores photos best. */
  norm?: 'batch' | 'instance' | 'none';
  /** Feature maps of the outermost layer: 16 by default. */
  base?: number;
  /** Whether half of the samples are mirrored; true by default. */
  mirror?: boolean;
  /** 0 by default; the same seed and pairs give the same model. */
  seed?: number;
  /** Workers that share each batch, 1 by default. Another number gives another model, as random numbers are theirs. */
  workers?: number;
  /** Pairs of a step: as many as workers by default, or a multiple. */
  batch?: number;
  /** Steps planned, 2000 by default; the learning rate falls in the second half of them. */
  steps?: number;
  learningRate?: number;
  learningRatePolicy?: 'linear' | 'constant' | 'cosine';
  lambdaL1?: number;
  lambdaGan?: number;
  dropout?: number;
  /** Decay of an average of the generator's weights, such as 0.99, which then translates. */
  ema?: number | null;
  /** Name of the exported model. */
  name?: string;
  /** Whether people draw the inputs of the exported model or bring photos; as `from`, or photos. */
  mode?: 'photo' | 'draw';
}

/** Losses of a step, as natively: `G_L1` with its weight of 100. */
export interface TrainingLosses {
  G_GAN: number;
  G_L1: number;
  D_real: number;
  D_fake: number;
}

/**
 * What netD says of an image, row by row: a logit for each patch of 70 × 70 pixels. Above 0 it takes the patch
 * for real, below 0 for one that the generator made.
 */
export interface PatchLogits {
  values: Float32Array;
  width: number;
  height: number;
}

/** Can be stored in IndexedDB as it is. */
export interface TrainingCheckpoint {
  files: Map<string, Uint8Array | string>;
  /** Steps made. */
  step: number;
  losses: (TrainingLosses & { step: number })[];
}

export interface TrainingEvents {
  step: CustomEvent<{ step: number; losses: TrainingLosses; milliseconds: number }>;
  /** While it runs, at least twice a second, if the steps are not longer. */
  sample: CustomEvent<{ step: number; images: ImageData[] }>;
  warning: CustomEvent<{ message: string }>;
  /** All planned steps are made. */
  finish: CustomEvent<{ step: number }>;
  /** It has stopped. */
  error: CustomEvent<{ error: Pix2PixError }>;
}

/** Pix2pix in training: a U-Net and a PatchGAN learn from pairs in workers. */
export class Training extends EventTarget {
  static create(options: TrainingOptions): Promise<Training>;
  private constructor();

  /** Steps made. */
  readonly stepsMade: number;
  /** Steps planned. */
  readonly steps: number;
  readonly size: number;
  readonly loadSize: number;
  /** Of the model folder to be, without weights. */
  readonly manifest: Manifest;
  /** Workers that share each batch. */
  readonly workers: number;
  readonly backend: 'cpu' | 'webgpu';
  /** Bytes that the workers' modules have taken: most of what it needs on the CPU. 0 before the first step. */
  readonly memory: number;
  readonly isRunning: boolean;
  /** Of all steps so far. */
  readonly losses: (TrainingLosses & { step: number })[];

  /** Goes on until `pause()`, or until all planned steps are made. `share` limits the part of the time that is used. */
  start(options?: { share?: number }): Promise<void>;
  pause(): Promise<void>;
  /** Makes single steps while it is paused; the losses of the last. */
  step(count?: number): Promise<TrainingLosses & { step: number }>;
  /** Plans another number of steps. */
  plan(steps: number): Promise<void>;
  /** Replaces the watched images. */
  watch(images: TrainingImage[]): Promise<void>;
  /** Translates an image with the network as it is now. */
  preview(image: TrainingImage): Promise<ImageData>;
  /** What netD, as it is now, says of `image` as a translation of `input`; both are squeezed into squares of `size`. */
  logits(input: TrainingImage, image: TrainingImage): Promise<PatchLogits>;
  checkpoint(): Promise<TrainingCheckpoint>;
  /** The model folder: the text of `manifest.json`, and the weights that it names, at `path` beside it. */
  export(): Promise<LocalModel & { path: string }>;
  /** Ends the workers. */
  dispose(): void;

  addEventListener<K extends keyof TrainingEvents>(
    type: K,
    listener: (event: TrainingEvents[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
}
