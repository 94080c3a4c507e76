/**
 * Whether a conversation hears the visitor: the microphone, opened for a session, on and off.
 */

import { Microphone } from "./microphone.js";

const TAIL_MS = 200; // people let go of the button before their last sound is over

export class Talk {
  microphone = new Microphone();

  #session;
  #emit;
  #on = false;
  #tail = 0;

  /** @param {import("./session.js").Session} session
   * @param {(name: "mic"|"micready"|"micerror", detail: object) => void} emit */
  constructor(session, emit) {
    this.#session = session;
    this.#emit = emit;
    this.microphone.addEventListener("lost", () => this.#onLost());
  }

  get on() {
    return this.#on;
  }

  /** Have the microphone join; true when it did. */
  async open() {
    try {
      const track = await this.microphone.open();
      if (!this.#session.active) return false;
      this.microphone.enable(this.#on);
      await this.#session.setMicrophone(track);
      this.#emit("micready", {});
      return true;
    } catch (error) {
      const { reason } = /** @type {import("./microphone.js").MicrophoneError} */ (error);
      if (!reason) throw error;
      if (reason === "closed") return false;
      this.set(false);
      this.#emit("micerror", { reason });
      return false;
    }
  }

  close() {
    this.set(false);
    this.microphone.close();
    this.#session.setMicrophone(null);
  }

  /** Listen to the visitor or cease to. @param {boolean} on */
  set(on) {
    clearTimeout(this.#tail);
    if (on) this.microphone.enable(true);
    else this.#tail = Number(setTimeout(() => this.microphone.enable(false), TAIL_MS));
    if (on === this.#on) return;
    this.#on = on;
    this.#session.listen(on);
    this.#emit("mic", { on });
  }

  #onLost() {
    this.#session.setMicrophone(null);
    this.set(false);
    this.#emit("micerror", { reason: "missing" });
  }
}
