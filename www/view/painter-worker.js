// The worker of painter.js.

import { softwareContext } from '../runtime/image.js';
import { answer } from '../runtime/rpc.js';

/** @type {any} */
let contexts = null;

const handlers = {
  begin({ canvases }) {
    contexts = { before: softwareContext(canvases.before), after: softwareContext(canvases.after) };
  },

  paintBefore({ bitmap }) {
    const { width, height } = contexts.before.canvas;
    contexts.before.imageSmoothingQuality = 'high';
    contexts.before.drawImage(bitmap, 0, 0, width, height);
    bitmap.close();
  },

  paintRows({ rgba, width, top, isFresh }) {
    if (isFresh) contexts.after.clearRect(0, 0, contexts.after.canvas.width, contexts.after.canvas.height);
    contexts.after.putImageData(new ImageData(rgba, width), 0, top);
  },

  async source() {
    const bitmap = await createImageBitmap(contexts.before.canvas);
    return { bitmap, transfer: [bitmap] };
  },

  async encode({ type, quality }) {
    return { blob: await contexts.after.canvas.convertToBlob({ type, quality }) };
  },
};

addEventListener('message', ({ data }) => answer(data, handlers, self));
