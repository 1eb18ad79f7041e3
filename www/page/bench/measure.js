// Measures a model on one backend, with the same modules as the page.

import { findAdapter } from '../../runtime/adapter.js';
import { Pix2Pix } from '../../runtime/pix2pix.js';
import { phrase } from '../../runtime/phrase.js';
import { workersFor } from '../../runtime/tile-pool.js';

export const SMALL = 256;
export const LARGE = 1024;

// Runs until ENOUGH milliseconds have passed, within these limits.
const MIN_RUNS = 3;
const MAX_RUNS = 9;
const ENOUGH = 4000; // milliseconds

/** The setups of this machine: [{ id, backend, workers, adapter, isSoftware, missing }]; `missing` is a text with
    values. */
export async function listSetups() {
  const cpu = { backend: 'cpu', adapter: null, isSoftware: false, missing: null };
  const workers = workersFor(Infinity);
  const { name, isSoftware, missing } = await findAdapter();
  const alone = said(phrase('The browser names one core only.'));
  return [
    { ...cpu, id: 'cpu', workers: 1 },
    { ...cpu, id: 'pool', workers, missing: workers > 1 ? null : alone },
    {
      id: 'webgpu',
      backend: 'webgpu',
      workers: 1,
      adapter: name,
      isSoftware,
      missing: missing && said(phrase('WebGPU is not available: {missing}.'), { missing }),
    },
  ];
}

/** Milliseconds of a model on a setup of `listSetups`. `onStep(share, what)` reports progress, as a text with values; `tune` is that of
    `Pix2Pix.create`. */
export async function measure(url, { backend, workers }, { tune, signal, onStep }) {
  /** @type {any} */
  let session = null;
  const translate = async (side) => {
    const from = performance.now();
    await session.run(picture(side), { signal });
    return performance.now() - from;
  };
  try {
    onStep(0, said(phrase('loading')));
    const loading = performance.now();
    session = await Pix2Pix.create(url, { backend, workers, tune, signal });
    const load = performance.now() - loading;
    onStep(0.2, said(phrase('the first picture')));
    const first = await translate(SMALL);
    // Starts all workers for the small images.
    onStep(0.3, said(phrase('the large picture')));
    const large = await translate(LARGE);
    const times = [];
    const until = performance.now() + ENOUGH;
    while (times.length < MIN_RUNS || (times.length < MAX_RUNS && performance.now() < until)) {
      onStep(0.7 + 0.3 * (times.length / MAX_RUNS), said(phrase('picture {number}'), { number: times.length + 1 }));
      times.push(await translate(SMALL));
    }
    const { backendReason, adapter, isSoftware } = session;
    return {
      backend: session.backend,
      backendReason,
      workers,
      adapter,
      isSoftware,
      load,
      first,
      small: summary(times),
      large,
      kernels: Object.fromEntries(session.kernels.map(({ layer, kernel }) => [layer, kernel])),
    };
  } finally {
    session?.dispose();
  }
}

/** @param {string} template */
function said(template, values = {}) {
  return { template, values };
}

function summary(times) {
  const sorted = [...times].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, fastest: sorted[0], slowest: sorted.at(-1), runs: sorted.length };
}

/** Colours and edges; the content of an image does not change the time. */
function picture(side) {
  const pixels = new ImageData(side, side);
  for (let at = 0; at < pixels.data.length; at += 4) {
    const x = (at / 4) % side;
    const y = Math.floor(at / 4 / side);
    pixels.data.set([x & 255, y & 255, ((x >> 4) ^ (y >> 4)) & 1 ? 220 : 40, 255], at);
  }
  return pixels;
}
