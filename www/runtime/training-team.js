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

export class Lead {
  #session;
  #followers;
  #fail = (_error) => {};

  /** `ports` lead to the followers, in the order of their ranks. */
  constructor(session, ports) {
    this.#session = session;
    this.#followers = ports.map((port) => new Line(port));
    if (ports.length > 0) session.join(0, (gradients) => this.#summed(gradients));
  }

  plan(steps) {
    this.#session.plan_steps(steps);
    for (const follower of this.#followers) follower.say({ plan: steps });
  }

  /** Everyone makes a step: the mean of their losses. */
  async step() {
    const failed = new Promise((_resolve, reject) => {
      this.#fail = reject;
    });
    for (const follower of this.#followers) follower.say({ step: true });
    const all = await Promise.race([this.#everyones(), failed]);
    const mean = (name) => all.reduce((sum, losses) => sum + losses[name], 0) / all.length;
    return Object.fromEntries(Object.keys(all[0]).map((name) => [name, mean(name)]));
  }

  async #everyones() {
    return [JSON.parse(await this.#session.step()), ...(await this.#hear())];
  }

  async #summed(sum) {
    const all = await this.#hear();
    for (const gradients of all) add(sum, gradients);
    this.#followers.forEach((follower, index) => {
      // Memory that is there already is faster than fresh one.
      const copy = all[index];
      copy.set(sum);
      follower.say(copy, [copy.buffer]);
    });
    return sum;
  }

  async #hear() {
    const all = await Promise.all(this.#followers.map((follower) => follower.next()));
    const { error } = all.find(({ error }) => error) ?? {};
    if (!error) return all;
    this.#fail(Pix2PixError.from(error));
    // The step waits for ever: without this answer it could only abort the module.
    return new Promise(() => {});
  }
}

function add(sum, more) {
  for (let at = 0; at < sum.length; at++) sum[at] += more[at];
}

/** Does what the lead says, for ever. */
export async function follow(session, rank, port) {
  const lead = new Line(port);
  session.join(rank, (gradients) => {
    lead.say(gradients, [gradients.buffer]);
    return lead.next();
  });
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
