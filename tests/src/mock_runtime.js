// Stands in for a build of the `web` crate: the same functions, no network.
// `training.play` of the manifest says how it behaves:
//   delay      milliseconds that each translation takes
//   busy       as delay, but without letting anything else of the worker run
//   fail       [code, …]: how the first translations of a page fail
//   failStart  the code with which no session starts on WebGPU

let fails = 0;

export default async function init() {}

export function parse_manifest(json) {
  return JSON.stringify(JSON.parse(json));
}

export class Session {
  static async create(manifestJson, weights, backend) {
    const session = new Session();
    session.manifest = JSON.parse(manifestJson);
    session.play = session.manifest.training.play;
    session.backend = backend;
    session.backend_reason = 'It is played.';
    if (weights.length !== session.manifest.weights[0].bytes) throw error('integrity', 'The weights are not whole.');
    if (backend === 'webgpu' && session.play.failStart) throw error(session.play.failStart, 'It was told not to start.');
    return session;
  }

  async run(rgba, width, height) {
    await this.#act();
    return inverted(rgba);
  }

  async #act() {
    const code = this.play.fail?.[fails];
    if (code) {
      fails++;
      throw error(code, `It was told to fail with ${code}.`);
    }
    if (this.play.delay) await new Promise((resolve) => { setTimeout(resolve, this.play.delay); });
    const until = performance.now() + (this.play.busy ?? 0);
    while (performance.now() < until);
  }
}

function inverted(rgba) {
  return rgba.map((value, at) => (at % 4 === 3 ? value : 255 - value));
}

function error(code, message) {
  return Object.assign(new Error(message), { code });
}
