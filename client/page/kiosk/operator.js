/**
 * The operator's way out of a kiosk: a long press in the upper corner at the start of the lines, or
 * Ctrl+Alt+K, and then a PIN. Without a PIN in the address there is none.
 */

import { make } from "../dom.js";
import { t } from "../texts/texts.js";

const PRESS_MS = 3000;
const OPEN_MS = 60_000; // a dialog that somebody left open closes
const TRIES = 5;
const LOCKED_MS = 5 * 60_000;

export class Operator {
  #pin;
  #acts;
  #facts;
  #typed = "";
  #failures = 0;
  #lockedUntil = 0;
  #timer = 0;
  #press = 0;
  #dialog = make("dialog", { className: "kiosk-operator" });

  /** @param {string} pin @param {Record<string, () => void>} acts by the key of their text
   * @param {() => string[]} facts lines that tell how it is */
  constructor(pin, acts, facts) {
    this.#pin = pin;
    this.#acts = acts;
    this.#facts = facts;
    if (!pin) return;
    const corner = make("div", { className: "kiosk-corner", ariaHidden: "true" });
    corner.addEventListener("pointerdown", () => (this.#press = Number(setTimeout(() => this.open(), PRESS_MS))));
    for (const event of ["pointerup", "pointerleave", "pointercancel"]) {
      corner.addEventListener(event, () => clearTimeout(this.#press));
    }
    document.body.append(corner, this.#dialog);
    addEventListener("keydown", (event) => {
      if (event.ctrlKey && event.altKey && event.code === "KeyK") this.open();
      else if (this.#dialog.open && /^\d$/.test(event.key)) this.#digit(event.key);
    });
  }

  open() {
    if (this.#dialog.open) return;
    this.#typed = "";
    this.#ask();
    this.#dialog.showModal();
    clearTimeout(this.#timer);
    this.#timer = Number(setTimeout(() => this.#dialog.close(), OPEN_MS));
  }

  #ask() {
    this.#dots = make("p", { className: "kiosk-dots-typed", role: "status" });
    const pad = make("div", { className: "kiosk-pad", dir: "ltr" }, ...[..."123456789"].map((digit) => this.#key(digit)), this.#close(), this.#key("0"));
    this.#dialog.replaceChildren(make("h2", {}, t("kiosk.operator.pin")), this.#dots, pad);
    this.#show();
  }

  /** @type {HTMLElement} */ #dots = make("p");

  /** @param {string} digit */
  #key(digit) {
    const key = make("button", { type: "button", className: "key" }, digit);
    key.addEventListener("click", () => this.#digit(digit));
    return key;
  }

  #close() {
    const key = make("button", { type: "button", className: "key" }, "×");
    key.ariaLabel = t("kiosk.operator.close");
    key.addEventListener("click", () => this.#dialog.close());
    return key;
  }

  /** @param {string} digit */
  #digit(digit) {
    if (performance.now() < this.#lockedUntil || this.#typed.length >= this.#pin.length) return;
    this.#typed += digit;
    if (this.#typed === this.#pin) return this.#enter();
    if (this.#typed.length === this.#pin.length) this.#fail();
    this.#show();
  }

  #fail() {
    this.#typed = "";
    this.#failures += 1;
    if (this.#failures % TRIES === 0) this.#lockedUntil = performance.now() + LOCKED_MS;
  }

  #show() {
    const isLocked = performance.now() < this.#lockedUntil;
    const left = this.#pin.length - this.#typed.length;
    this.#dots.textContent = isLocked ? t("kiosk.operator.locked") : "●".repeat(this.#typed.length) + "○".repeat(left);
  }

  #enter() {
    this.#failures = 0;
    const buttons = Object.entries(this.#acts).map(([key, act]) => {
      const made = make("button", { type: "button", className: "dark" }, t(key));
      made.addEventListener("click", () => {
        this.#dialog.close();
        act();
      });
      return made;
    });
    const facts = make("ul", { className: "kiosk-facts", dir: "ltr" }, ...this.#facts().map((fact) => make("li", {}, fact)));
    const close = make("button", { type: "button", className: "quiet" }, t("kiosk.operator.close"));
    close.addEventListener("click", () => this.#dialog.close());
    this.#dialog.replaceChildren(make("h2", {}, t("kiosk.operator.title")), facts, ...buttons, close);
  }
}
