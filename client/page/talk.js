/**
 * The talk button: hold it or the space bar to speak, or, hands-free, switch the microphone.
 */

import { byId, setIcon } from "./dom.js";
import { onLanguage, t } from "./texts/texts.js";

const TAP_MS = 250;
const TYPING = "input, textarea, select, button, summary, a, dialog[open] *, [contenteditable]";

export class Talk {
  #avatar;
  #begin;
  #button = byId("talk");
  #word = byId("talk-word");
  #icon = byId("talk-icon");
  #level = byId("level");
  #heldSince = 0;
  #hint = 0;
  #wasHeld = false;

  /**
   * @param {import("../visavis-avatar.js").VisavisAvatar} avatar
   * @param {() => void} begin called when the visitor takes the floor
   */
  constructor(avatar, begin) {
    this.#avatar = avatar;
    this.#begin = begin;
    this.#listenToPointer();
    this.#listenToKeys();
    for (const event of ["mic", "micready", "micerror", "state"]) {
      avatar.addEventListener(event, () => this.render());
    }
    avatar.addEventListener("mic", () => this.#measure());
    onLanguage(() => this.render());
    this.render();
  }

  get #handsFree() {
    return this.#avatar.mode === "open";
  }

  render() {
    const on = this.#avatar.micOn;
    this.#button.classList.toggle("on", on);
    this.#button.classList.toggle("hands-free", this.#handsFree);
    this.#button.ariaPressed = String(on);
    setIcon(this.#icon, this.#handsFree && !on ? "mic-off" : "mic");
    if (!this.#hint) this.#word.textContent = this.#label(on);
  }

  /** @param {boolean} on */
  #label(on) {
    if (on && !this.#avatar.micReady) return t("talk.asking");
    if (this.#handsFree) return t(on ? "talk.on" : "talk.off");
    return t(on ? "talk.holding" : "talk.hold");
  }

  #listenToPointer() {
    const button = this.#button;
    button.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      if (event.button !== 0 || this.#handsFree) return;
      button.setPointerCapture(event.pointerId);
      this.#hold();
    });
    for (const event of ["pointerup", "pointercancel", "lostpointercapture"]) {
      button.addEventListener(event, () => this.#release());
    }
    button.addEventListener("contextmenu", (/** @type {Event} */ event) => event.preventDefault());
    button.addEventListener("click", () => this.#click());
  }

  /** Hands-free, a switch. Otherwise only for clicks that nobody held: those of a screen reader. */
  #click() {
    const held = this.#wasHeld;
    this.#wasHeld = false;
    if (!this.#handsFree && held) return;
    if (!this.#avatar.micOn) this.#begin();
    this.#avatar.mic(!this.#avatar.micOn);
  }

  #listenToKeys() {
    addEventListener("keydown", (event) => {
      if (!this.#isTalkKey(event)) return;
      event.preventDefault();
      if (event.repeat) return;
      if (this.#handsFree) this.#click();
      else this.#hold();
    });
    addEventListener("keyup", (event) => {
      if (!this.#isTalkKey(event)) return;
      event.preventDefault();
      this.#release();
      this.#wasHeld = false;
    });
    addEventListener("blur", () => this.#release());
  }

  /** @param {KeyboardEvent} event */
  #isTalkKey(event) {
    const target = /** @type {Element} */ (event.target);
    if (target === this.#button) return event.code === "Space" || event.code === "Enter";
    return event.code === "Space" && !target.matches?.(TYPING) && !event.ctrlKey && !event.metaKey;
  }

  #hold() {
    if (this.#heldSince) return;
    this.#heldSince = performance.now();
    this.#wasHeld = true;
    this.#begin();
    this.#avatar.mic(true);
  }

  #release() {
    if (!this.#heldSince) return;
    const tapped = performance.now() - this.#heldSince < TAP_MS;
    this.#heldSince = 0;
    this.#avatar.mic(false);
    if (tapped) this.#showHint();
  }

  #showHint() {
    clearTimeout(this.#hint);
    this.#word.textContent = t("talk.tap");
    this.#hint = Number(setTimeout(() => {
      this.#hint = 0;
      this.render();
    }, 2200));
  }

  /** The level follows the voice fast and sinks slowly. */
  #measure() {
    let shown = 0;
    const step = () => {
      shown = Math.max(this.#avatar.micLevel, shown * 0.88);
      this.#level.style.setProperty("--level", shown.toFixed(3));
      if (this.#avatar.micOn || shown > 0.01) requestAnimationFrame(step);
    };
    if (this.#avatar.micOn) requestAnimationFrame(step);
  }
}
