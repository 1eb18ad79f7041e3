/** Where the model runs. `auto` takes WebGPU if there is a hardware adapter. */
export type Backend = 'webgpu' | 'cpu';

export type Pix2PixErrorCode =
  | 'fetch'         // a file did not arrive: check the connection, try again
  | 'integrity'     // a file arrived with the wrong length or checksum
  | 'manifest'      // the manifest is not valid
  | 'version'       // the model was made for a newer version of this module
  | 'weights'       // the weights do not fit the manifest
  | 'input-size'    // the source has no pixels, too many, or is no picture
  | 'no-webgpu'     // WebGPU was demanded and is not available
  | 'device-lost'   // the GPU went away; the next call starts it again
  | 'out-of-memory'
  | 'aborted'       // by the signal, or by dispose()
  | 'internal';

export class Pix2PixError extends Error {
  readonly code: Pix2PixErrorCode;
}

export interface Progress {
  /** `runtime`: the WebAssembly build; `model`: the weights; `starting`: both are here. */
  phase: 'runtime' | 'model' | 'starting';
  /** Bytes. */
  loaded: number;
  /** Bytes, or null where the server does not say. */
  total: number | null;
}

export interface CreateOptions {
  backend?: 'auto' | Backend;
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

export class Pix2Pix {
  /** Starts a worker, downloads the runtime and the model, and prepares both. */
  static create(manifestUrl: string | URL, options?: CreateOptions): Promise<Pix2Pix>;
  private constructor();

  readonly backend: Backend;
  /** A sentence that says why this backend is in use. */
  readonly backendReason: string;
  /** The GPU, where the browser names it. */
  readonly adapter: string | null;
  readonly manifest: Manifest;

  /** Translates an empty picture, so that the first real one is not the slow one. */
  warmUp(): Promise<void>;

  /**
   * Translates one picture; the answer has the same size. Jobs run one after
   * another. Aborting ends the worker; the next call starts it again, without
   * a download.
   */
  run(
    source: ImageData | ImageBitmap | HTMLImageElement | HTMLCanvasElement | Blob,
    options?: { signal?: AbortSignal },
  ): Promise<ImageData>;

  /** Ends the worker. Waiting calls fail with `aborted`. */
  dispose(): void;
}
