import type { Words } from '../view/language.js';
import type { Painter } from '../view/painter.js';

/** A sample, as a drawing of strokes or as an image, and its translation. */
export interface Opening {
  strokes?: object;
  bitmap?: ImageBitmap;
  /** The name of the image. */
  name?: string;
  picture: ImageBitmap;
}

/** A kind of input: photos, drawings, the camera. The page shows one at a time. */
export interface Mode {
  readonly name: string;
  /** Whether there is something to translate again when the model changes. */
  readonly hasWork: boolean;
  /** The translation. */
  readonly result: ImageData | null;
  /** The canvas that shows it. */
  readonly resultCanvas: HTMLCanvasElement | Painter;
  /** What was translated. */
  before(): Promise<HTMLCanvasElement | ImageBitmap>;
  /** What a link can say of the input: the name of a sample, and strokes drawn on it; null if it cannot. */
  readonly linked: { sample: string; strokes?: string } | null;
  /** The name of a file with it, without the ending. */
  readonly resultName: string;
  show(): void;
  /** Shows a sample and what became of it, made before (opening.js); says what to do with it. */
  present?(opening: Opening): Promise<Words> | Words;
  leave(): void;
  /** Goes on with another model or backend. */
  resume(): unknown;
  cancel(): void;
  /** Takes a file. */
  open?(file: Blob, name: string, options?: { sample?: boolean; note?: Words }): Promise<void>;
  /** Takes several pictures, for one archive. */
  openAll?(files: File[]): Promise<void>;
  /** Takes a film. */
  openFilm?(file: File, note: Words): Promise<void>;
  /** Whether what led to the result can be saved as a film. */
  readonly hasFilm?: boolean;
  /** Saves it. */
  film?(): Promise<void>;
  /** Draws the strokes of a link, onto a sample if it names one; false if they are damaged. */
  draw?(strokes: string, sample?: { name: string; read(): Promise<Blob> }): Promise<boolean>;
  /** Ends what moves; false if that fails. */
  still?(): Promise<boolean | void>;
  /** Takes a key; true if it stands for something. */
  press?(event: KeyboardEvent): boolean;
}
