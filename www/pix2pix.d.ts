/** Where the model runs. `auto` takes WebGPU if there is a hardware adapter. */
export type Backend = 'webgpu' | 'cpu';

export type Tuning = 'on' | 'off' | 'split' | 'tiled-64' | 'tiled-32' | 'grouped';

export type Pix2PixErrorCode =
  | 'fetch' // a file did not arrive: check the connection, try again
  | 'integrity' // a file arrived with the wrong length or checksum
  | 'manifest' // the manifest is not valid
  | 'version' // the model was made for a newer version of this module
  | 'weights' // the weights do not fit the manifest
  | 'input-size' // the source has no or too many pixels, or is no image; a tensor does not fit
  | 'no-webgpu' // WebGPU was asked for and is not available
  | 'device-lost' // the GPU went away; the next call starts it again
  | 'out-of-memory'
  | 'aborted' // by the signal, or by dispose()
  | 'camera' // only on the page: there is no camera, or it was not allowed
  | 'settings' // of a training: they make no sense, or more than a tab has memory for
  | 'pairs' // of a training: there are none, too many, or other ones than before
  | 'checkpoint' // of a training: it is damaged
  | 'diverged' // of a training: its losses are no numbers any more
  | 'internal';

export class Pix2PixError extends Error {
  readonly code: Pix2PixErrorCode;
  /** The message with places for `values`, `{name}`: what a page needs to show it in another language. */
  readonly template: string;
  readonly values: Phrase['values'];
}

/** A sentence with places for values, `{name}`; a value may be a phrase as well. */
export interface Phrase {
  template: string;
  values: Record<string, string | number | Phrase>;
}

export interface Progress {
  /**
   * `runtime`: the WebAssembly build; `model`: the weights; `starting`: both are here; `warming`:
   * the first run, which compiles shaders on a GPU; `tiles`: an image that is translated in parts.
   */
  phase: 'runtime' | 'model' | 'starting' | 'warming' | 'tiles';
  /** Bytes; for `tiles`, parts. */
  loaded: number;
  /** Like `loaded`, or null if the server does not say. */
  total: number | null;
}

export interface CreateOptions {
  backend?: 'auto' | Backend;
  /**
   * How the kernels of a graphics device are chosen: `on` measures once per device and model which
   * is the fastest for each layer (a third of a second at the first image) and keeps that with the
   * browser, `off` takes the usual ones, a name takes that one. By default `on`, except on devices
   * that are emulated in software.
   */
  tune?: Tuning;
  /**
   * `burn`: the forward pass of the framework that trains the networks, the reference beside our own shaders and
   * kernels. Slower, and a larger download.
   */
  engine?: 'burn';
  /** The most workers that share a large image on the CPU; by default one per core. */
  workers?: number;
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

/** `manifest.json` of the model folder, checked. */
export interface Manifest {
  format: 'pix2pix';
  version: number;
  name: string;
  title?: string;
  task?: string;
  input: { multiple_of: number; mode: 'photo' | 'draw'; [key: string]: unknown };
  weights: { path: string; dtype: string; bytes: number; sha256: string }[];
  samples?: string[];
  [key: string]: unknown;
}

export interface TensorShape {
  /** 1 if left out. */
  batch?: number;
  channels: number;
  height: number;
  width: number;
}

/** A model without a download: the text of `manifest.json`, and the weights that it names. */
export interface LocalModel {
  manifest: string;
  weights: Blob;
}

export interface RunOptions {
  signal?: AbortSignal;
  /** The side of tiles in pixels. */
  tile?: number;
  /** Of an image in tiles, gets rows from the top down as soon as they are done: their RGBA values, the
      image's width, and the first row's number, which is 0 again where the work starts over. */
  onRows?: (rgba: Uint8ClampedArray<ArrayBuffer>, width: number, top: number) => void;
}

export class Pix2Pix {
  /**
   * Starts a worker, downloads the runtime and the model (once: weights are kept in the browser by
   * their SHA-256), and prepares both.
   */
  static create(source: string | URL | LocalModel, options?: CreateOptions): Promise<Pix2Pix>;
  private constructor();

  readonly backend: Backend;
  /** As it was asked for. */
  readonly engine: 'burn' | undefined;
  /** A sentence that says why this backend is in use. */
  readonly backendReason: string;
  /** The same, for pages that show it in another language. */
  readonly reason: Phrase;
  /** The GPU, if the browser names it. */
  readonly adapter: string | null;
  /** Whether that GPU is emulated in software, which is slower than the CPU. */
  readonly isSoftware: boolean;
  readonly manifest: Manifest;
  /** On a graphics device the kernel of each layer in the last run. */
  readonly kernels: { layer: string; kernel: string }[];

  /** Translates an empty image in advance, so that the first real one is not slow. */
  warmUp(): Promise<void>;

  /**
   * Translates one image of up to 24 megapixels; the result has the same size. On the CPU one
   * worker per core shares it, if the model allows that. Large images are cut into tiles. Jobs
   * run one after another. An abort ends the workers; the next call starts them again without a
   * download. After a lost device the GPU is tried once more, then the CPU takes over; if memory
   * runs out, smaller tiles are tried. `tile` is the side of tiles in pixels, for images of any
   * size; without it images that fit into memory are not cut.
   */
  run(
    source: ImageData | ImageBitmap | HTMLImageElement | HTMLCanvasElement | Blob,
    options?: RunOptions,
  ): Promise<ImageData>;

  /**
   * Runs the network on plain numbers, for data that is no image: depth, many bands,
   * values between bytes. `values` is a tensor in row-major order (batch, channels, height,
   * width), in the range that the model was trained on, usually -1 to 1; it is not changed. Nothing
   * is scaled or padded: height and width must be multiples of `manifest.input.multiple_of`.
   * The answer has the same batch, height and width, and the generator's `out_channels`.
   * With `norm_stats` "batch" in the manifest, statistics are those of the whole batch.
   */
  runTensor(values: Float32Array, shape: TensorShape, options?: { signal?: AbortSignal }): Promise<Float32Array>;

  /** Ends the worker. Waiting calls fail with `aborted`. */
  dispose(): void;
}
