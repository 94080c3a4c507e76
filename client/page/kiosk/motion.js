/**
 * Whether somebody is before a camera, from how its picture changes. Pure: grey pictures in, a yes or
 * a no out. It knows nothing of who that is, and keeps one small picture: the last.
 */

const CELL = 14; // grey levels that a cell must change: above the noise of a cheap camera at night
const COMES = 0.04; // share of the picture that moves when somebody comes within two metres or so
const STAYS = 0.006; // somebody who stands and reads still moves
const STEPS = 4; // pictures looked back at ...
const MOVING = 3; // ... of which so many must move: a person who walks past the edge does not greet
const FLASH = 0.6; // more than this is the light or the camera, not a person

/** The share of cells that changed, the change of all light taken out.
 * @param {Uint8Array} before @param {Uint8Array} now of the same size, grey in [0, 255] */
export function changed(before, now) {
  let sum = 0;
  for (let at = 0; at < now.length; at++) sum += now[at] - before[at];
  const light = sum / now.length;
  let count = 0;
  for (let at = 0; at < now.length; at++) if (Math.abs(now[at] - before[at] - light) > CELL) count += 1;
  return count / now.length;
}

/** Grey levels of RGBA samples. @param {Uint8ClampedArray} rgba */
export function grey(rgba) {
  const levels = new Uint8Array(rgba.length / 4);
  for (let at = 0; at < levels.length; at++) {
    levels[at] = (rgba[4 * at] * 77 + rgba[4 * at + 1] * 150 + rgba[4 * at + 2] * 29) >> 8;
  }
  return levels;
}

export class Motion {
  /** Whether somebody is there. */ isThere = false;
  #goneMs;
  /** @type {Uint8Array|null} */ #before = null;
  /** @type {number[]} */ #shares = [];
  #movedAt = 0;

  /** @param {number} goneMs without any movement until nobody is there */
  constructor(goneMs = 12_000) {
    this.#goneMs = goneMs;
  }

  /** The next picture; true when somebody came with it. @param {Uint8Array} now @param {number} atMs */
  step(now, atMs) {
    const share = this.#before?.length === now.length ? changed(this.#before, now) : 0;
    this.#before = now;
    const moved = share > FLASH ? 0 : share;
    this.#shares = [...this.#shares, moved].slice(-STEPS);
    if (moved >= STAYS) this.#movedAt = atMs;
    const comes = this.#shares.filter((each) => each >= COMES).length >= MOVING;
    const was = this.isThere;
    this.isThere = comes || (was && atMs - this.#movedAt < this.#goneMs);
    return this.isThere && !was;
  }
}
