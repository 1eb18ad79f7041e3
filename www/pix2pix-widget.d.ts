import type { Backend, Manifest, Pix2PixErrorCode, Progress } from './pix2pix.js';

export interface ReadyDetail {
  backend: Backend;
  backendReason: string;
  adapter: string | null;
  manifest: Manifest;
}

export interface ResultDetail {
  imageData: ImageData;
  milliseconds: number;
}

export interface Pix2PixWidgetEvents {
  ready: CustomEvent<ReadyDetail>;
  progress: CustomEvent<Progress>;
  result: CustomEvent<ResultDetail>;
  error: CustomEvent<{ code: Pix2PixErrorCode; message: string }>;
}

/** `<pix2pix-widget src mode backend loading poster alt>`; importing the module defines it. */
export class Pix2PixWidget extends HTMLElement {
  readonly mode: 'draw' | 'photo' | 'compare';
  /** Translates a file as if the reader had chosen it. */
  open(blob: Blob): Promise<void>;

  addEventListener<Type extends keyof Pix2PixWidgetEvents>(
    type: Type,
    listener: (this: Pix2PixWidget, event: Pix2PixWidgetEvents[Type]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

declare global {
  interface HTMLElementTagNameMap {
    'pix2pix-widget': Pix2PixWidget;
  }
}
