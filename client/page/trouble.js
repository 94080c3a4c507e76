/**
 * What goes wrong, in words: a card over the picture for the connection, a notice for the rest.
 */

import { byId, setIcon } from "./dom.js";
import { MICROPHONE, NOTICES, TROUBLES } from "./words.js";

const NOTICE_MS = 9000;

/** @param {string} text @param {number|null} untilRetryMs @param {string} words of the server */
export function filled(text, untilRetryMs, words) {
  const seconds = Math.ceil((untilRetryMs ?? 0) / 1000);
  return text.replace("{wait}", seconds > 0 ? `in ${seconds} s` : "now").replace("{words}", words);
}

/** The card over the picture. */
export class Trouble {
  #card = byId("trouble");
  #title = byId("trouble-title");
  #text = byId("trouble-text");
  #form = byId("key-form");
  #choices = byId("trouble-choices");
  #retry = byId("trouble-retry");
  #timer = 0;
  #reason = "";

  /** @param {{retry: () => void, leave: () => void, key: (key: string) => void}} actions */
  constructor({ retry, leave, key }) {
    this.#retry.addEventListener("click", retry);
    byId("trouble-leave").addEventListener("click", leave);
    this.#form.addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      key(byId("key").value.trim());
      this.#form.reset();
    });
  }

  /** @param {keyof typeof TROUBLES} reason of connection.js @param {string} words
   * @param {number|null} retryInMs */
  show(reason, words, retryInMs) {
    clearInterval(this.#timer);
    const { icon, title, text } = TROUBLES[reason];
    const due = performance.now() + (retryInMs ?? 0);
    const count = () => (this.#text.textContent = filled(text, due - performance.now(), words));
    count();
    if (retryInMs) this.#timer = Number(setInterval(count, 1000));
    this.#choices.hidden = reason === "unsupported" || reason === "unauthorised";
    this.#form.hidden = reason !== "unauthorised";
    if (reason === this.#reason) return;
    this.#reason = reason;
    this.#title.textContent = title;
    this.#retry.textContent = reason === "ended" ? NOTICES.startAgain : NOTICES.tryNow;
    setIcon(byId("trouble-icon"), icon);
    this.#card.dataset.reason = reason;
    this.#card.hidden = false;
    if (reason === "unauthorised") byId("key").focus();
  }

  hide() {
    clearInterval(this.#timer);
    this.#reason = "";
    this.#card.hidden = true;
  }
}

/** One line above the text box, with at most one thing to do about it. */
export class Notice {
  #line = byId("notice");
  #text = byId("notice-text");
  #act = byId("notice-act");
  #icon = byId("notice-icon");
  #timer = 0;
  #about = "";
  #action = () => {};

  constructor() {
    byId("notice-close").addEventListener("click", () => this.hide(this.#about));
    this.#act.addEventListener("click", () => this.#action());
  }

  /** @param {keyof typeof MICROPHONE} reason @param {() => void} again */
  microphone(reason, again) {
    this.#show("microphone", "mic-off", MICROPHONE[reason], NOTICES.tryAgain, again);
  }

  /** @param {() => void} play */
  sound(play) {
    this.#show("sound", "sound-off", NOTICES.sound, NOTICES.playSound, play);
  }

  /** @param {string} words */
  problem(words) {
    this.#show("problem", "warning", words, "", () => {});
    this.#timer = Number(setTimeout(() => this.hide("problem"), NOTICE_MS));
  }

  /** Take a notice away if it is the one about this. @param {string} about */
  hide(about) {
    if (about !== this.#about) return;
    clearTimeout(this.#timer);
    this.#about = "";
    this.#line.hidden = true;
  }

  /** @param {string} about @param {string} icon @param {string} words @param {string} label
   * @param {() => void} action */
  #show(about, icon, words, label, action) {
    clearTimeout(this.#timer);
    this.#about = about;
    this.#action = action;
    setIcon(this.#icon, icon);
    this.#text.textContent = words;
    this.#act.textContent = label;
    this.#act.hidden = !label;
    this.#line.dataset.about = about;
    this.#line.hidden = false;
  }
}
