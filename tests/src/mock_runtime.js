// Stands in for a build of the `web` crate: the same functions, no network.
// `training.play` of the manifest says how it behaves:
//   delay      milliseconds that each translation or tile takes
//   busy       as delay, but without letting anything else of the worker run
//   fail       [code, …]: how the first translations fail, whichever worker does them
//   failOn     only on this backend; fails there for ever
//   same       gives pictures back as they are
//   sharers    so many workers may share a picture, which then takes as many milliseconds as `sharedDelay` and gives nothing but sevens
//   failStart  the code with which no session starts on WebGPU

const LARGEST_WHOLE = 2048 * 2048;

export default async function init() {
  return {};
}

export function parse_manifest(json) {
  return JSON.stringify(JSON.parse(json));
}

export class Session {
  static async create(manifestJson, weights, backend, tune) {
    const session = new Session();
    session.play = JSON.parse(manifestJson).training.play;
    session.backend = backend;
    session.kernels = backend === 'webgpu' ? `first ${tune}\nlast direct` : '';
    const { bytes } = JSON.parse(manifestJson).weights[0];
    const values = new Uint8Array(await weights.arrayBuffer());
    if (values.length !== bytes) throw error('integrity', 'The weights are not whole.');
    if (values.some((value) => value !== 0)) throw error('integrity', 'The weights are not those of the manifest.');
    if (backend === 'webgpu' && session.play.failStart)
      throw error(session.play.failStart, 'It was told not to start.');
    return session;
  }

  sharers(width, height, workers) {
    return Math.min(workers, this.play.sharers ?? 1);
  }

  async run_shared(rgba) {
    await new Promise((resolve) => {
      setTimeout(resolve, this.play.sharedDelay);
    });
    return rgba.map(() => 7);
  }

  plan(width, height, side) {
    if (!side && width * height <= LARGEST_WHOLE) return new Uint32Array([0, 0, width, height]);
    const step = side || 1024;
    const tiles = [];
    for (let y = 0; y < height; y += step) {
      for (let x = 0; x < width; x += step) {
        tiles.push(x, y, Math.min(step, width - x), Math.min(step, height - y));
      }
    }
    return new Uint32Array(tiles);
  }

  async run(rgba, width, height) {
    await this.#act();
    return this.play.same ? rgba.slice() : inverted(rgba);
  }

  async translate_tile(rgba) {
    await this.#act();
    return Float32Array.from(this.play.same ? rgba : inverted(rgba));
  }

  async join(width, height, side, tile, rows, write) {
    const plan = this.plan(width, height, side);
    let strip = null;
    for (let index = 0; index < plan.length / 4; index++) {
      const [x, y, w, h] = plan.subarray(4 * index, 4 * index + 4);
      const values = await tile(index);
      if (x === 0) strip = rows(y, h).slice();
      for (let row = 0; row < h; row++)
        strip.set(values.subarray(row * w * 4, (row + 1) * w * 4), (row * width + x) * 4);
      if (x + w === width) write(y, strip);
    }
  }

  async #act() {
    const { fail = [], failOn, delay, busy = 0 } = this.play;
    const code = failOn ? failOn === this.backend && fail[0] : fail[fail.length ? await tries() : 0];
    if (code) throw error(code, `It was told to fail with ${code}.`);
    if (delay)
      await new Promise((resolve) => {
        setTimeout(resolve, delay);
      });
    const until = performance.now() + busy;
    while (performance.now() < until);
  }
}

/** How often this was asked before, in all workers of the browser. */
async function tries() {
  const store = await caches.open('mock');
  const key = new URL('/mock-tries', import.meta.url).href;
  const count = Number((await (await store.match(key))?.text()) ?? 0);
  await store.put(key, new Response(String(count + 1)));
  return count;
}

function inverted(rgba) {
  return rgba.map((value, at) => (at % 4 === 3 ? value : 255 - value));
}

function error(code, message) {
  return Object.assign(new Error(message), { code });
}
