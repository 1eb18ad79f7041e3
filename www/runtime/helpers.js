// The workers besides the model's own: brings them together where that is
// worth it, and lets them go. It is the page that starts and ends them, not
// this worker: Chromium leaves a worker's own workers running if the page ends
// it while it ends them.

import { StripTeam } from './strip-team.js';
import { TilePool } from './tile-pool.js';

// A team stays so long for the next picture, in milliseconds.
const IDLE = 10_000;
// Pictures that come one so soon after the other are a drawing or a camera's.
const SOON = 2_000;
// A picture of so many pixels takes longer than starting workers for it.
const LARGE = 512 * 512;

// The first picture of a team pays for what is prepared once.
const TRIES = 3;

/** What waits for workers that cannot be had fails with this. */
export const ALONE = new Error('There are no other workers.');

export class Helpers {
  /** What they need in order to start the model's session. */
  begin = null;

  #send;
  #pool = null;
  #team = null;
  #dismissal = null;
  #lastPicture = -Infinity;
  #isAlone = false;
  #times = new Map(); // of small pictures, by their size: the least of one worker and of the team

  /** `send(message, transfer)` tells the page. */
  constructor(send) {
    this.#send = send;
  }

  /** Workers for the tiles of a picture, until `endPool`; null where there are none. */
  poolOf(count) {
    this.#endTeam();
    this.#pool = this.#isAlone ? null : new TilePool(this.#ask(count));
    return this.#pool;
  }

  endPool(reason = new Error('The picture is done.')) {
    if (!this.#pool) return;
    this.#pool.end(reason);
    this.#pool = null;
    this.#send({ wanted: null });
  }

  /** The workers, with this one so many, that share the next picture, or null. A large one is worth
      waiting for them; of small ones, only those that soon follow others. */
  teamOf(count, pixels) {
    const isSoon = performance.now() - this.#lastPicture < SOON;
    const isLarge = pixels >= LARGE;
    if (this.#isAlone || count < 2 || !(isLarge || (isSoon && this.#isTeamWorthIt(pixels)))) return null;
    if (this.#team?.size !== count) {
      this.#endTeam();
      this.#team = new StripTeam(this.#ask(count - 1));
    }
    clearTimeout(this.#dismissal);
    if (isLarge || this.#team.isReady) return this.#team;
    this.rest();
    return null;
  }

  /** Takes down what a picture took, in milliseconds: handing rows over may take longer than it saves. */
  note(pixels, isShared, milliseconds) {
    if (pixels >= LARGE) return;
    const times = this.#times.get(pixels) ?? { alone: Infinity, shared: Infinity, tries: 0 };
    const who = isShared ? 'shared' : 'alone';
    times[who] = Math.min(times[who], milliseconds);
    if (isShared) times.tries++;
    this.#times.set(pixels, times);
    if (isShared && !this.#isTeamWorthIt(pixels)) this.#endTeam();
  }

  /** One worker's time is taken first. */
  #isTeamWorthIt(pixels) {
    const { alone = Infinity, shared, tries } = this.#times.get(pixels) ?? {};
    return alone < Infinity && (tries < TRIES || shared <= alone);
  }

  /** A picture is done: after a while without another, the team goes. */
  rest() {
    this.#lastPicture = performance.now();
    clearTimeout(this.#dismissal);
    this.#dismissal = setTimeout(() => this.#endTeam(), IDLE);
  }

  /** Nobody else works on the picture any more. */
  stop() {
    this.endPool();
    this.#endTeam();
  }

  /** For good: what kept one worker from starting keeps others. */
  goOnAlone() {
    this.#isAlone = true;
    this.endPool(ALONE);
    this.#endTeam(ALONE);
  }

  #endTeam(reason = new Error('The team has ended.')) {
    clearTimeout(this.#dismissal);
    if (!this.#team) return;
    this.#team.end(reason);
    this.#team = null;
    this.#send({ wanted: null });
  }

  /** Ports to workers that the page starts. */
  #ask(count) {
    const channels = Array.from({ length: count }, () => new MessageChannel());
    const ports = channels.map(({ port2 }) => port2);
    this.#send({ wanted: { begin: this.begin, ports } }, ports);
    return channels.map(({ port1 }) => port1);
  }
}
