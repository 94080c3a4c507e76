/** Whether a connection that stands is in doubt: pings go unanswered, nothing comes, the page was stopped. */

/** @typedef {import("./connection.js").Connection} Connection */

export const LOOK_MS = 250;
const PING_MS = 2000;
const MISSES = 2; // pings without an answer before the connection is in doubt
const ASK_MS = 400; // without a packet before the server is asked whether it still has the session ...
const ASK_AGAIN_MS = 1000; // ... and once more
const QUIET_MS = 2500; // without a packet before it is: longer than any stall of a busy machine
const FROZEN_MS = 3000; // between two looks: the page was stopped, and its connection is old
const CHECK_MS = 1200;

/** @param {Connection} connection */
export function ping(connection) {
  connection.send({ type: "ping", t: performance.now() });
}

export class Vigil {
  #ask;
  #check;
  #answeredAt = 0;
  #doubt = () => {};

  /** @param {(connection: Connection) => void} ask the server whether it still has the session
   * @param {() => void} check at once, see `check` */
  constructor(ask, check) {
    this.#ask = ask;
    this.#check = check;
  }

  /** A ping was answered. @param {number} now */
  onAnswer(now) {
    this.#answeredAt = now;
  }

  /** Find out at once whether anybody is there. @param {Connection} connection
   * @param {() => boolean} isUsed whether it still is the one */
  check(connection, isUsed) {
    const asked = performance.now();
    ping(connection);
    setTimeout(() => {
      if (this.#answeredAt < asked && isUsed()) this.#doubt();
    }, CHECK_MS);
  }

  /** Resolves when the connection is gone or in doubt. @param {Connection} connection */
  async keep(connection) {
    const doubted = new Promise((resolve) => (this.#doubt = () => resolve(undefined)));
    let misses = 0;
    const beat = () => {
      misses = this.#answeredAt < asked ? misses + 1 : 0;
      if (misses >= MISSES) this.#doubt();
      asked = performance.now();
      ping(connection);
    };
    let inquiredAt = -ASK_AGAIN_MS;
    let lookedAt = performance.now();
    const look = () => {
      const quiet = connection.quietMs();
      const stopped = performance.now() - lookedAt;
      lookedAt = performance.now();
      if (quiet > QUIET_MS || stopped > FROZEN_MS) this.#doubt();
      if (quiet < ASK_MS || performance.now() - inquiredAt < ASK_AGAIN_MS) return;
      inquiredAt = performance.now();
      this.#ask(connection);
    };
    const onState = () => connection.peer.connectionState === "disconnected" && this.#check();
    connection.peer.addEventListener("connectionstatechange", onState);
    let asked = performance.now();
    ping(connection);
    const timers = [setInterval(beat, PING_MS), setInterval(look, LOOK_MS)];
    await Promise.race([connection.lost, doubted]);
    timers.forEach(clearInterval);
    connection.peer.removeEventListener("connectionstatechange", onState);
    this.#doubt = () => {};
  }
}
