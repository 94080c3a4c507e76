/**
 * The kiosk's own time: what waits for minutes or for the night goes by it, so that a day can be tried
 * in minutes. Connections have their own.
 */

export class Clock {
  #speed;
  #beganAt = Date.now();

  /** @param {number} speed how many seconds pass in one */
  constructor(speed = 1) {
    this.#speed = speed;
  }

  /** ms; only differences count. */
  now() {
    return performance.now() * this.#speed;
  }

  /** The time of the day. */
  date() {
    return new Date(this.#beganAt + (Date.now() - this.#beganAt) * this.#speed);
  }

  /** Call `act` once `ms` have passed; what is returned takes it back.
   * @param {number} ms @param {() => void} act @returns {() => void} */
  after(ms, act) {
    const timer = setTimeout(act, ms / this.#speed);
    return () => clearTimeout(timer);
  }
}
