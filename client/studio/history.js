/** Undo and redo over projects that are never changed in place. What follows quickly under one key is
 * one step: a word typed, a handle dragged. Knows nothing of the page. */

const TOGETHER_MS = 900;
const MOST = 300;

/** @template T */
export class History {
  /** @type {{state: T, where: string}[]} */ #past = [];
  /** @type {{state: T, where: string}[]} */ #future = [];
  #key = "";
  #at = -Infinity;

  /** @param {T} state @param {() => number} now ms */
  constructor(state, now = () => performance.now()) {
    this.state = state;
    this.now = now;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  /** A new state. key: changes under one key that follow quickly are undone together; "": alone.
   * where: what it concerned, given back by undo and redo. @param {T} state @param {string} key
   * @param {string} where */
  push(state, key = "", where = "") {
    if (state === this.state) return;
    const goesOn = key !== "" && key === this.#key && this.now() - this.#at < TOGETHER_MS && this.canUndo;
    if (!goesOn) this.#past.push({ state: this.state, where });
    if (this.#past.length > MOST) this.#past.shift();
    this.#future = [];
    this.state = state;
    this.#key = key;
    this.#at = this.now();
  }

  /** Where it was undone; null: there was nothing. */
  undo() {
    return this.#step(this.#past, this.#future);
  }

  redo() {
    return this.#step(this.#future, this.#past);
  }

  /** The next change is a step of its own. */
  close() {
    this.#key = "";
  }

  /** Another state from outside, such as the other editor's: it cannot be undone past. @param {T} state */
  reset(state) {
    this.state = state;
    this.#past = [];
    this.#future = [];
    this.close();
  }

  /** @param {{state: T, where: string}[]} from @param {{state: T, where: string}[]} to */
  #step(from, to) {
    const step = from.pop();
    if (!step) return null;
    to.push({ state: this.state, where: step.where });
    this.state = step.state;
    this.close();
    return step.where;
  }
}
