// The workers that share the batch of each step: the lead, which says when, and its followers.

import { Pix2PixError } from './errors.js';
import { plain } from './rpc.js';

/** A port whose messages are waited for one by one. */
class Line {
  #port;
  #heard = [];
  #listener = () => {};

  constructor(port) {
    this.#port = port;
    port.onmessage = ({ data }) => {
      this.#heard.push(data);
      this.#listener();
    };
  }

  say(message, transfer = []) {
    this.#port.postMessage(message, transfer);
  }

  async next() {
    while (this.#heard.length === 0) await new Promise((resolve) => (this.#listener = () => resolve(undefined)));
    return this.#heard.shift();
  }
}

/** The other workers, in the order of their ranks. */
class Peers {
  lines;
  /** What came in last, by its length: memory that is there already is faster than fresh one. */
  #read = new Map();

  constructor(ports) {
    this.lines = ports.map((port) => new Line(port));
  }

  /** Gives everyone a copy of `mine`, and promises theirs, which are read before the next exchange. */
  async exchange(mine) {
    const spare = this.#read.get(mine.length) ?? [];
    for (const line of this.lines) {
      const copy = spare.pop() ?? new Float32Array(mine.length);
      copy.set(mine);
      line.say(copy, [copy.buffer]);
    }
    const theirs = await this.hear();
    this.#read.set(mine.length, [...theirs]);
    return theirs;
  }

  hear() {
    return Promise.all(this.lines.map((line) => line.next()));
  }
}

export class Lead extends Peers {
  #session;
  #fail = (_error) => {};

  /** `ports` lead to the followers. */
  constructor(session, ports) {
    super(ports);
    this.#session = session;
    if (ports.length > 0) session.join(0, this);
  }

  plan(steps) {
    this.#session.plan_steps(steps);
    for (const follower of this.lines) follower.say({ plan: steps });
  }

  /** Everyone makes a step: the mean of their losses. */
  async step() {
    const failed = new Promise((_resolve, reject) => {
      this.#fail = reject;
    });
    for (const follower of this.lines) follower.say({ step: true });
    const all = await Promise.race([this.#everyones(), failed]);
    const mean = (name) => all.reduce((sum, losses) => sum + losses[name], 0) / all.length;
    return Object.fromEntries(Object.keys(all[0]).map((name) => [name, mean(name)]));
  }

  async #everyones() {
    return [JSON.parse(await this.#session.step()), ...(await this.hear())];
  }

  async hear() {
    const all = await super.hear();
    const { error } = all.find(({ error }) => error) ?? {};
    if (!error) return all;
    this.#fail(Pix2PixError.from(error));
    // The step waits for ever: without this answer it could only abort the module.
    return new Promise(() => {});
  }
}

/** Does what the lead says, for ever. `ports` lead to the lead and the other followers. */
export async function follow(session, rank, ports) {
  const peers = new Peers(ports);
  const [lead] = peers.lines;
  session.join(rank, peers);
  for (;;) {
    const { plan } = await lead.next();
    try {
      if (plan) session.plan_steps(plan);
      else lead.say(JSON.parse(await session.step()));
    } catch (thrown) {
      lead.say({ error: plain(Pix2PixError.from(thrown)) });
    }
  }
}
