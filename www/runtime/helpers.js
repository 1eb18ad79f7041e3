// Decides when other workers help the model's worker. The page starts and ends
// them: Chromium leaks a worker's own workers if the page ends it while it ends
// them.

import { StripTeam } from './strip-team.js';
import { TilePool } from './tile-pool.js';

// Milliseconds that a team waits for the next image.
const IDLE = 10_000;
// Images at shorter intervals (milliseconds) come from a drawing or a camera.
const SOON = 2_000;
// From this number of pixels on, an image takes longer than starting workers.
const LARGE = 512 * 512;

// The first image of a team is slower: it prepares what later ones reuse.
const TRIES = 3;

/** The reason with which waiting calls fail if no workers can be started. */
export const ALONE = new Error('There are no other workers.');

export class Helpers {
  /** The message that starts the model's session in a helper. */
  begin = null;

  #send;
  /** @type {TilePool | null} */
  #pool = null;
  /** @type {StripTeam | null} */
  #team = null;
  /** @type {number | undefined} */
  #dismissal;
  #lastPicture = -Infinity;
  #isAlone = false;
  #times = new Map(); // of small pictures, by their size: the least of one worker and of the team

  /** `send(message, transfer)` posts to the page. */
  constructor(send) {
    this.#send = send;
  }

  /** Workers for the tiles of an image, until `endPool`; null if there are none. */
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

  /** A team of `count` workers (this one included) for the next image, or null. Large images wait
      for the team; small ones use it only in quick succession. */
  teamOf(count, pixels) {
    const isSoon = performance.now() - this.#lastPicture < SOON;
    const isLarge = pixels >= LARGE;
    if (this.#isAlone || count < 2 || !(isLarge || (isSoon && this.#isTeamWorthIt(pixels)))) return null;
    if (this.#team?.size !== count) this.#endTeam();
    const team = (this.#team ??= new StripTeam(this.#ask(count - 1)));
    clearTimeout(this.#dismissal);
    if (isLarge || team.isReady) return team;
    this.rest();
    return null;
  }

  /** Records the time of an image: exchanging rows may cost more than it saves. */
  note(pixels, isShared, milliseconds) {
    if (pixels >= LARGE) return;
    const times = this.#times.get(pixels) ?? { alone: Infinity, shared: Infinity, tries: 0 };
    const who = isShared ? 'shared' : 'alone';
    times[who] = Math.min(times[who], milliseconds);
    if (isShared) times.tries++;
    this.#times.set(pixels, times);
    if (isShared && !this.#isTeamWorthIt(pixels)) this.#endTeam();
  }

  /** The time of one worker alone is measured first. */
  #isTeamWorthIt(pixels) {
    const { alone = Infinity, shared, tries } = this.#times.get(pixels) ?? {};
    return alone < Infinity && (tries < TRIES || shared <= alone);
  }

  /** Ends the team after a while without another image. */
  rest() {
    this.#lastPicture = performance.now();
    clearTimeout(this.#dismissal);
    this.#dismissal = setTimeout(() => this.#endTeam(), IDLE);
  }

  /** Ends all helpers. */
  stop() {
    this.endPool();
    this.#endTeam();
  }

  /** Uses no helpers from now on: what kept one from starting keeps the others. */
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
