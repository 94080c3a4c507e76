/**
 * What a kiosk shows beside the page's own picture, captions and log: built once, then changed in
 * place. It decides nothing.
 */

import { byId, make } from "../dom.js";
import { translate } from "../texts/texts.js";
import { icon } from "./icons.js";

/** A button with a sign and a text by its key. @param {string} name @param {string} key
 * @param {string} className @param {() => void} act */
export function button(name, key, className, act) {
  const word = make("span");
  word.dataset.text = key;
  const made = make("button", { type: "button", className }, icon(name), word);
  made.addEventListener("click", act);
  return made;
}

/** @param {string} tag @param {string} className @param {string} key */
function text(tag, className, key = "") {
  const made = make(tag, { className });
  if (key) made.dataset.text = key;
  return made;
}

/** @typedef {{more: () => void, finish: () => void, type: () => void, others: () => void,
 *   ask: (question: string) => void}} Actions */

export class View {
  invitation = text("p", "kiosk-line");
  hint = text("p", "kiosk-hint");
  asks = make("ul", { className: "kiosk-asks" });
  keys = make("div", { className: "kiosk-keys", hidden: true });
  bar = make("div", { className: "kiosk-bar" });
  warningTitle = text("h2", "");
  warningText = text("p", "kiosk-count");
  senses = make("p", { className: "kiosk-senses", hidden: true }, icon("camera"), text("span", "", "kiosk.camera"));
  curtain = this.#curtain();
  detail = make("p", { className: "kiosk-detail", ariaHidden: "true" });
  #actions;
  #warning;
  #goodbye;
  #panel = /** @type {HTMLElement} */ (document.querySelector(".panel"));

  /** @param {Actions} actions @param {HTMLElement} speak the button to speak */
  constructor(actions, speak) {
    this.#actions = actions;
    this.#warning = this.#makeWarning();
    this.#goodbye = make("section", { className: "kiosk-card kiosk-goodbye", hidden: true },
      text("h2", "", "kiosk.goodbye.title"), text("p", "", "kiosk.goodbye.text"));
    this.#goodbye.setAttribute("role", "status");
    this.#place(speak);
  }

  /** Its words, once all of it is there. */
  name() {
    translate(document);
  }

  /** The questions to touch. @param {string[]} questions */
  offer(questions) {
    this.asks.replaceChildren(...questions.map((question) => {
      const whole = question.replaceAll("-", "\u2011"); // no line ends within "Wi-Fi"
      const made = make("button", { type: "button", className: "kiosk-ask", dir: "auto" }, whole);
      made.addEventListener("click", () => this.#actions.ask(question));
      return make("li", {}, made);
    }));
  }

  /** Another line, faded in. @param {string} words */
  invite(words) {
    this.invitation.textContent = words;
    this.invitation.classList.remove("fresh");
    void this.invitation.offsetWidth; // so that the animation begins anew
    this.invitation.classList.add("fresh");
  }

  /** @param {boolean} on */
  type(on) {
    this.keys.hidden = !on;
    document.documentElement.classList.toggle("kiosk-typing", on);
    if (on) byId("text").focus({ preventScroll: true });
    else byId("text").blur();
  }

  get isTyping() {
    return !this.keys.hidden;
  }

  /** @param {boolean} on */
  warn(on) {
    this.#warning.hidden = !on;
    if (on) /** @type {HTMLElement} */ (this.#warning.querySelector("button")).focus({ preventScroll: true });
  }

  /** @param {boolean} on */
  bid(on) {
    this.#goodbye.hidden = !on;
  }

  /** @param {boolean} on @param {string} detail for the operator */
  cover(on, detail = "") {
    this.curtain.hidden = !on;
    this.detail.textContent = detail;
  }

  /** @param {HTMLElement} speak */
  #place(speak) {
    const type = button("keyboard", "kiosk.type", "kiosk-type", this.#actions.type);
    const asks = make("section", { className: "kiosk-suggest" }, text("h2", "", "kiosk.suggestions"), this.asks);
    const other = button("other", "kiosk.others", "kiosk-other", this.#actions.others);
    asks.prepend(make("div", { className: "kiosk-suggest-head" }, asks.firstElementChild, other));
    const invite = make("section", { className: "kiosk-invite" }, this.invitation, this.hint);
    const act = make("div", { className: "kiosk-act" }, speak, type, byId("interrupt"));
    const composer = byId("composer");
    Object.assign(byId("text"), { inputMode: "none", dir: "auto" }); // no keyboard of the system over ours
    this.#panel.insertBefore(invite, composer);
    this.#panel.insertBefore(asks, composer);
    composer.after(this.keys, act);
    this.#panel.append(this.#warning, this.#goodbye, this.bar, this.senses, byId("disclosure"));
    this.keys.setAttribute("role", "group");
    this.keys.dataset.textLabel = "kiosk.keyboard";
    this.bar.setAttribute("role", "toolbar");
    this.bar.dataset.textLabel = "kiosk.bar";
    this.curtain.append(this.detail);
    document.body.append(this.curtain);
  }

  #makeWarning() {
    const more = button("clock", "kiosk.warn.more", "kiosk-more", this.#actions.more);
    const finish = button("leave", "kiosk.warn.finish", "kiosk-finish", this.#actions.finish);
    const card = make("section", { className: "kiosk-card kiosk-warning", hidden: true },
      this.warningTitle, this.warningText, more, finish);
    card.setAttribute("role", "alertdialog");
    card.setAttribute("aria-labelledby", (this.warningTitle.id = "kiosk-warning-title"));
    card.setAttribute("aria-describedby", (this.warningText.id = "kiosk-warning-text"));
    return card;
  }

  #curtain() {
    const card = make("section", { className: "kiosk-curtain", hidden: true },
      text("h2", "", "kiosk.back.title"), text("p", "", "kiosk.back.text"), make("span", { className: "kiosk-dots", ariaHidden: "true" }));
    card.setAttribute("role", "status");
    return card;
  }
}
