/**
 * The keyboard on the screen. Every key is a button: a touch is enough, nothing has to be held.
 */

import { byId, make } from "../dom.js";
import { language, onLanguage, t } from "../texts/texts.js";
import { icon } from "./icons.js";
import { hasCapitals, letters, marks, signs } from "./layouts.js";

const REPEAT_AFTER_MS = 600;
const REPEAT_MS = 120;

export class Keyboard {
  #box;
  #input = byId("text");
  #send;
  #close;
  #isSigns = false;
  #isCapital = true;
  #repeating = 0;

  /** @param {HTMLElement} box where it is drawn @param {() => void} send @param {() => void} close */
  constructor(box, send, close) {
    this.#box = box;
    this.#send = send;
    this.#close = close;
    box.addEventListener("pointerdown", (event) => event.preventDefault()); // the caret stays where it is
    for (const event of ["pointerup", "pointercancel", "pointerleave"]) {
      box.addEventListener(event, () => clearInterval(this.#repeating));
    }
    this.#input.addEventListener("input", () => this.#onInput());
    onLanguage(() => this.render());
    this.render();
  }

  /** As for the first letter. */
  reset() {
    this.#isSigns = false;
    this.#isCapital = true;
    this.render();
  }

  render() {
    const rows = this.#isSigns ? signs() : letters(language());
    this.#box.replaceChildren(...rows.map((row, at) => this.#row(row, at === rows.length - 1)), this.#last());
  }

  /** @param {string[]} row @param {boolean} isLast */
  #row(row, isLast) {
    const keys = row.map((letter) => this.#letter(letter));
    if (isLast && !this.#isSigns && hasCapitals(language())) keys.unshift(this.#shift());
    if (isLast) keys.push(this.#erase());
    return make("div", { className: "row" }, ...keys);
  }

  #last() {
    const [comma, point, mark] = marks(language()).map((sign) => this.#letter(sign));
    const other = this.#key(t(this.#isSigns ? "kiosk.key.letters" : "kiosk.key.signs"), "wide", () => {
      this.#isSigns = !this.#isSigns;
      this.render();
    });
    const space = this.#key(t("kiosk.key.space"), "space", () => this.#type(" "));
    const close = this.#key(icon("keyboard-down"), "wide", this.#close, t("kiosk.key.close"));
    const send = this.#key(icon("send"), "wide send-key", this.#send, t("kiosk.key.send"));
    return make("div", { className: "row" }, close, other, comma, space, point, mark, send);
  }

  /** @param {string} letter */
  #letter(letter) {
    const shown = this.#isCapital && !this.#isSigns ? letter.toLocaleUpperCase(language()) : letter;
    return this.#key(shown, "", () => this.#type(shown));
  }

  #shift() {
    const key = this.#key(icon("shift"), "wide", () => {
      this.#isCapital = !this.#isCapital;
      this.render();
    }, t("kiosk.key.shift"));
    key.ariaPressed = String(this.#isCapital);
    return key;
  }

  /** Held, it goes on erasing; each touch takes one letter as well. */
  #erase() {
    const key = this.#key(icon("erase"), "wide", () => this.#delete(), t("kiosk.key.erase"));
    key.addEventListener("pointerdown", () => {
      clearInterval(this.#repeating);
      const begun = performance.now();
      this.#repeating = Number(setInterval(() => {
        if (performance.now() - begun > REPEAT_AFTER_MS) this.#delete();
      }, REPEAT_MS));
    });
    return key;
  }

  /** @param {Node|string} face @param {string} kind @param {() => void} act @param {string} label */
  #key(face, kind, act, label = "") {
    const key = make("button", { type: "button", className: `key ${kind}`.trim() }, face);
    if (label) key.ariaLabel = label;
    key.addEventListener("click", act);
    return key;
  }

  /** @param {string} text */
  #type(text) {
    const { selectionStart: from, selectionEnd: to, value, maxLength } = this.#input;
    if (value.length - (to - from) + text.length > maxLength) return;
    this.#input.setRangeText(text, from, to, "end");
    this.#onInput();
  }

  #delete() {
    const { selectionStart: from, selectionEnd: to, value } = this.#input;
    // a whole character: one that takes two code units, or a letter and its mark, is one touch
    const before = from === to ? [...value.slice(0, from)].at(-1)?.length ?? 0 : 0;
    this.#input.setRangeText("", from - before, to, "end");
    this.#onInput();
  }

  /** A sentence begins with a capital. */
  #onInput() {
    const before = this.#input.value.slice(0, this.#input.selectionStart);
    const next = hasCapitals(language()) && /(^|[.?!]\s+)$/.test(before);
    if (next === this.#isCapital) return;
    this.#isCapital = next;
    this.render();
  }
}
