/**
 * What goes wrong, in words: a card over the picture for the connection, a notice for the rest.
 */

import { byId, setIcon } from "./dom.js";
import { onLanguage, t } from "./texts/texts.js";

const NOTICE_MS = 9000;

/** Icons of the cards, by the reason in connection.js; "starting": a server that still loads,
 * "stopped": one that said that it ends. */
const ICONS = {
  full: "people",
  unreachable: "link-off",
  blocked: "link-off",
  lost: "link-off",
  ended: "people",
  server: "warning",
  starting: "clock",
  stopped: "clock",
  refused: "warning",
  unauthorised: "key",
  unsupported: "warning",
};

/** What a card says. @param {string} reason @param {number|null} untilRetryMs
 * @param {string} words of the server */
export function told(reason, untilRetryMs, words) {
  const seconds = Math.ceil((untilRetryMs ?? 0) / 1000);
  const wait = seconds > 0 ? t("trouble.wait.seconds", { seconds }) : t("trouble.wait.now");
  return t(`trouble.${reason}.text`, { wait, words });
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
  /** Writes the card anew, as in another language. */ #again = () => {};

  /** @param {{retry: () => void, leave: () => void, key: (key: string) => void}} actions */
  constructor({ retry, leave, key }) {
    onLanguage(() => this.#again());
    this.#retry.addEventListener("click", retry);
    byId("trouble-leave").addEventListener("click", leave);
    this.#form.addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      key(byId("key").value.trim());
      this.#form.reset();
    });
  }

  /** @param {keyof typeof ICONS} reason of connection.js @param {string} words
   * @param {number|null} retryInMs */
  show(reason, words, retryInMs) {
    clearInterval(this.#timer);
    const due = performance.now() + (retryInMs ?? 0);
    const count = () => (this.#text.textContent = told(reason, due - performance.now(), words));
    this.#again = () => {
      this.#title.textContent = t(`trouble.${reason}.title`);
      this.#retry.textContent = t(reason === "ended" ? "trouble.again" : "trouble.now");
      count();
    };
    this.#again();
    if (retryInMs) this.#timer = Number(setInterval(count, 1000));
    this.#choices.hidden = reason === "unsupported" || reason === "unauthorised";
    this.#form.hidden = reason !== "unauthorised";
    if (reason === this.#reason) return;
    this.#reason = reason;
    setIcon(byId("trouble-icon"), ICONS[reason]);
    this.#card.dataset.reason = reason;
    this.#card.hidden = false;
    if (reason === "unauthorised") byId("key").focus();
  }

  hide() {
    clearInterval(this.#timer);
    this.#again = () => {};
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
  #again = () => {};

  constructor() {
    onLanguage(() => this.#again());
    byId("notice-close").addEventListener("click", () => this.hide(this.#about));
    this.#act.addEventListener("click", () => this.#action());
  }

  /** @param {string} reason of microphone.js @param {() => void} again */
  microphone(reason, again) {
    this.#show("microphone", "mic-off", `microphone.${reason}`, "microphone.again", again);
  }

  /** @param {() => void} play */
  sound(play) {
    this.#show("sound", "sound-off", "sound.held", "sound.play", play);
  }

  /** @param {string} words */
  problem(words) {
    this.#show("problem", "warning", "", "", () => {});
    this.#text.textContent = words;
    this.#timer = Number(setTimeout(() => this.hide("problem"), NOTICE_MS));
  }

  /** Take a notice away if it is the one about this. @param {string} about */
  hide(about) {
    if (about !== this.#about) return;
    clearTimeout(this.#timer);
    this.#about = "";
    this.#line.hidden = true;
  }

  /** @param {string} about @param {string} icon @param {string} key @param {string} label its key
   * @param {() => void} action */
  #show(about, icon, key, label, action) {
    clearTimeout(this.#timer);
    this.#about = about;
    this.#action = action;
    setIcon(this.#icon, icon);
    this.#again = () => {
      if (key) this.#text.textContent = t(key);
      if (label) this.#act.textContent = t(label);
    };
    this.#again();
    this.#act.hidden = !label;
    this.#line.dataset.about = about;
    this.#line.hidden = false;
  }
}
