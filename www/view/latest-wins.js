// Runs one job at a time; of the waiting jobs only the latest. A running job is
// not stopped: during a stroke a slightly old result is better than none.

export class LatestWins {
  #work;
  #isRunning = false;
  #waits = false;

  /** `work` does the job and handles its own errors. */
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

  /** Drops the waiting job. */
  drop() {
    this.#waits = false;
  }
}
