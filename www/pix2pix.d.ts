/** Where the model runs. `auto` takes WebGPU if there is a hardware adapter. */
export type Backend = 'webgpu' | 'cpu';

export type Pix2PixErrorCode =
  | 'fetch' // a file did not arrive: check the connection, try again
  | 'integrity' // a file arrived with the wrong length or checksum
  | 'manifest' // the manifest is not valid
  | 'version' // the model was made for a newer version of this module
  | 'weights' // the weights do not fit the manifest
  | 'input-size' // the source has no pixels, too many, or is no picture; a tensor that does not fit
  | 'no-webgpu' // WebGPU was demanded and is not available
  | 'device-lost' // the GPU went away; the next call starts it again
  | 'out-of-memory'
  | 'aborted' // by the signal, or by dispose()
  | 'camera' // of the page alone: there is no camera, or it was not allowed
  | 'internal';

export class Pix2PixError extends Error {
  readonly code: Pix2PixErrorCode;
}

export interface Progress {
  /**
   * `runtime`: the WebAssembly build; `model`: the weights; `starting`: both are here; `warming`:
   * the first run, which compiles shaders on a GPU; `tiles`: a picture that is done in parts.
   */
  phase: 'runtime' | 'model' | 'starting' | 'warming' | 'tiles';
  /** Bytes; of `tiles`, parts. */
  loaded: number;
  /** As `loaded`, or null where the server does not say. */
  total: number | null;
}

export interface CreateOptions {
  backend?: 'auto' | Backend;
  /** On the CPU, at most so many workers share a large picture; without it, as many as cores. */
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

/** A model that needs no download: the text of `manifest.json`, and the weights it names. */
export interface LocalModel {
  manifest: string;
  weights: Blob;
}

export class Pix2Pix {
  /**
   * Starts a worker, downloads the runtime and the model (once: weights are kept in the browser by
   * their SHA-256), and prepares both.
   */
  static create(source: string | URL | LocalModel, options?: CreateOptions): Promise<Pix2Pix>;
  private constructor();

  readonly backend: Backend;
  /** A sentence that says why this backend is in use. */
  readonly backendReason: string;
  /** The GPU, where the browser names it. */
  readonly adapter: string | null;
  /** Whether that GPU is emulated in software, which is slower than the CPU. */
  readonly isSoftware: boolean;
  readonly manifest: Manifest;

  /** Translates an empty picture, so that the first real one is not the slow one. */
  warmUp(): Promise<void>;

  /**
   * Translates one picture of up to 24 megapixels; the answer has the same size. On the CPU as
   * many workers as there are cores share it, where the model allows. Large ones are cut into
   * tiles. Jobs run one after another. Aborting ends the workers; the next call starts them again, without a download.
   * A lost device is tried once more, then the CPU takes over; where memory runs out, smaller
   * tiles are tried. `tile` is a side of tiles in pixels, for pictures of any size; without it
   * pictures that fit into memory are done whole.
   */
  run(
    source: ImageData | ImageBitmap | HTMLImageElement | HTMLCanvasElement | Blob,
    options?: { signal?: AbortSignal; tile?: number },
  ): Promise<ImageData>;

  /**
   * Runs the network on numbers as they are, for data that is no picture: depth, many bands,
   * values between bytes. `values` is a tensor in row-major order (batch, channels, height,
   * width), in the range that the model was trained on, usually -1 to 1; it stays yours. Nothing
   * is scaled or padded: height and width must be multiples of `manifest.input.multiple_of`.
   * The answer has the same batch, height and width, and the generator's `out_channels`.
   * With `norm_stats` "batch" in the manifest, statistics are those of the whole batch.
   */
  runTensor(values: Float32Array, shape: TensorShape, options?: { signal?: AbortSignal }): Promise<Float32Array>;

  /** Ends the worker. Waiting calls fail with `aborted`. */
  dispose(): void;
}
