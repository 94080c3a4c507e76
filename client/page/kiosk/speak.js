/**
 * The kiosk's large button to speak. A touch switches the microphone on, until the visitor's words
 * were taken or a second touch; it may also be held. Nothing depends on how long it is touched.
 */

import { make } from "../dom.js";
import { onLanguage, t } from "../texts/texts.js";
import { icon } from "./icons.js";

const HELD_MS = 500; // longer is meant as holding: letting go sends
const UNUSED_MS = 20_000; // a microphone that hears nobody is switched off

export class Speak {
  #avatar;
  #begin;
  #word = make("span");
  #level = make("span", { className: "level", ariaHidden: "true" }, ...[1, 2, 3, 4, 5].map(() => make("i")));
  #pressedAt = 0;
  #wasHeld = false;
  #unused = 0;

  /**
   * @param {import("../../visavis-avatar.js").VisavisAvatar} avatar
   * @param {() => void} begin called when the visitor takes the floor
   */
  constructor(avatar, begin) {
    this.#avatar = avatar;
    this.#begin = begin;
    this.button = make("button", { type: "button", className: "kiosk-speak" }, icon("mic"), this.#word, this.#level);
    this.button.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => this.#press(event));
    for (const event of ["pointerup", "pointercancel"]) this.button.addEventListener(event, () => this.#let());
    this.button.addEventListener("click", () => this.#click());
    this.button.addEventListener("contextmenu", (/** @type {Event} */ event) => event.preventDefault());
    for (const event of ["mic", "micready", "micerror", "state"]) avatar.addEventListener(event, () => this.render());
    avatar.addEventListener("mic", () => this.#measure());
    // not before a word of the answer was heard: until then the visitor may go on with theirs
    avatar.addEventListener("caption", (/** @type {any} */ { detail }) => detail.heard > 0 && this.#taken());
    avatar.addEventListener("listening", () => clearTimeout(this.#unused));
    onLanguage(() => this.render());
    this.render();
  }

  get #isOpen() {
    return this.#avatar.mode === "open";
  }

  /** Nobody speaks any more: as it is when a visitor comes. */
  reset() {
    // one that was not there may have been plugged in since
    if (!this.#avatar.micReady) this.#avatar.mic(true).then(() => this.#avatar.mic(this.#isOpen));
    else if (this.#isOpen !== this.#avatar.micOn) this.#avatar.mic(this.#isOpen);
  }

  render() {
    const on = this.#avatar.micOn;
    this.button.classList.toggle("on", on);
    this.button.ariaPressed = String(on);
    this.#word.textContent = t(on ? "kiosk.speak.on" : "kiosk.speak.off");
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (event.button !== 0 || this.#avatar.micOn) return;
    this.#pressedAt = performance.now();
    this.#wasHeld = true;
    this.#turn(true);
  }

  #let() {
    const held = this.#pressedAt && performance.now() - this.#pressedAt > HELD_MS;
    this.#pressedAt = 0;
    if (held && !this.#isOpen) this.#turn(false);
  }

  /** A touch that was no press: of a keyboard, a switch or a screen reader, or the second one. */
  #click() {
    const wasPress = this.#wasHeld;
    this.#wasHeld = false;
    if (!wasPress) this.#turn(!this.#avatar.micOn);
  }

  /** @param {boolean} on */
  #turn(on) {
    clearTimeout(this.#unused);
    if (on) this.#begin();
    this.#avatar.mic(on);
    if (on && !this.#isOpen) this.#unused = Number(setTimeout(() => this.#turn(false), UNUSED_MS));
  }

  /** The words are with the avatar: it answers, and the microphone is off until it is wanted again. */
  #taken() {
    if (!this.#isOpen && this.#avatar.micOn && !this.#pressedAt) this.#turn(false);
  }

  #measure() {
    let shown = 0;
    const step = () => {
      shown = Math.max(this.#avatar.micLevel, shown * 0.88);
      this.#level.style.setProperty("--level", shown.toFixed(3));
      if (this.#avatar.micOn && !this.#isIdle) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  /** In standby an open microphone draws nothing: a day of that is a day of redrawing. */
  get #isIdle() {
    return document.documentElement.dataset.kiosk === "standby";
  }

  /** The level again, when a visit begins with an open microphone. */
  wake() {
    if (this.#avatar.micOn) this.#measure();
  }
}
