/** What the client says: kept until the connection stands, and once more where the server did not take it. */

import { remember } from "./remember.js";

/**
 * What the client may say; server/protocol.py has the limits. Pings are the session's own.
 * @typedef {{type: "text", text: string} | {type: "say", text: string, style: string}
 *   | {type: "interrupt"} | {type: "direct", prompt: string} | {type: "mic", on: boolean}
 *   | {type: "watch", on: boolean} | {type: "language", language: string}} FromClient
 */

const MOST = 8;
const SAID = new Set(["text", "say", "direct"]); // what is sent again when it was lost

export class Outbox {
  /** @type {FromClient[]} */ #kept = [];
  /** The last messages that went out, and how many in all: the server tells how many it took.
   * @type {FromClient[]} */ #sent = [];
  #count = 0;

  /** @param {FromClient} message for when the connection stands */
  keep(message) {
    remember(this.#kept, message, MOST);
  }

  /** What was kept: it goes out now. */
  take() {
    return this.#kept.splice(0);
  }

  /** Nothing is to go out any more. */
  drop() {
    this.#kept.length = 0;
  }

  /** Neither now nor once more. */
  forget() {
    this.#kept.length = this.#sent.length = 0;
  }

  /** @param {FromClient} message that went out */
  onSent(message) {
    this.#count += 1;
    remember(this.#sent, message, MOST);
  }

  /** What the server did not take of a session that goes on. @param {any} ready */
  untaken({ resumed, taken }) {
    const lost = resumed ? this.#count - taken : 0;
    const again = lost > 0 ? this.#sent.slice(-lost) : [];
    this.#sent = [];
    this.#count = taken ?? 0;
    return again.filter((message) => SAID.has(message.type));
  }
}
