/** How long to wait: between attempts to connect, and for the answer to one. */

const LONGEST_WAIT_MS = 15_000;
// Of a session that is to go on: a link that comes back is to be found within 2 s, for two minutes.
const SOON_MS = 500;
const SOON_TRIES = 20;
const LATER_MS = 1000;
const LATER_TRIES = 120;
// A request into a link that is down comes late, and the next one sooner; every fourth is for networks
// on which answers do take long.
const SHORT_PATIENCE_MS = 2000;
const LONG_PATIENCE_MS = 10_000;

/** Wait before attempt `attempt` (0 is the first retry): 250 ms doubling, +-20 % so that a whole
 * lobby does not come back in the same instant. @param {number} attempt */
export function backoffMs(attempt, random = Math.random) {
  const wait = Math.min(LONGEST_WAIT_MS, 250 * 2 ** Math.min(attempt, 10));
  return wait * (0.8 + 0.4 * random());
}

/** Wait before an attempt to go on with a session. @param {number} attempt */
export function resumeWaitMs(attempt, random = Math.random) {
  const most = attempt < SOON_TRIES ? SOON_MS : attempt < LATER_TRIES ? LATER_MS : LONGEST_WAIT_MS;
  return Math.min(most, backoffMs(attempt, random));
}

/** For the server's answer to it. @param {number} attempt */
export const patienceMs = (attempt) => (attempt % 4 === 3 ? LONG_PATIENCE_MS : SHORT_PATIENCE_MS);

/** A wait that can be ended early. */
export class Pause {
  #wake = () => {};

  /** @param {number} ms */
  wait(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake(), ms);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = () => {};
        resolve(undefined);
      };
    });
  }

  wake() {
    this.#wake();
  }
}
