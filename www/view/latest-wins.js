// One job at a time; of those that wait, only the latest is ever done.
// Nothing that runs is stopped: while somebody draws, an answer that is one
// stroke old is worth more than none.

export class LatestWins {
  #work;
  #isRunning = false;
  #waits = false;

  /** `work` does the latest job; it reports its own errors. */
  constructor(work) {
    this.#work = work;
  }

  get isBusy() {
    return this.#isRunning;
  }

  async ask() {
    this.#waits = true;
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (this.#waits) {
        this.#waits = false;
        await this.#work();
      }
    } finally {
      this.#isRunning = false;
    }
  }

  /** Forgets what waits. */
  drop() {
    this.#waits = false;
  }
}
