/**
 * Standby: a line that invites and changes. After a while the face stands still for most of the time
 * and stirs now and then; after a long one the session is given up, and its place at the server with
 * it, until somebody comes. A kiosk that listens or calls out keeps it.
 */

import { has, t } from "../texts/texts.js";
import { isQuiet } from "./options.js";

const LINE_MS = 9000;
const STIR_MS = 7000;

export class Attract {
  /** What is said to whoever comes. */ #greeting = "";
  #avatar;
  #clock;
  #options;
  #do;
  /** @type {string[]} */ #questions = [];
  #line = -1;
  #spokeAt = -Infinity;
  /** @type {(() => void)[]} */ #timers = [];
  #isOn = false;

  /**
   * @param {import("../../visavis-avatar.js").VisavisAvatar} avatar
   * @param {import("./clock.js").Clock} clock
   * @param {import("./options.js").Options} options
   * @param {{invite: (words: string) => void, say: (words: string) => boolean,
   *   isNobodyThere: () => boolean}} does isNobodyThere: as far as it can be known
   */
  constructor(avatar, clock, options, does) {
    this.#avatar = avatar;
    this.#clock = clock;
    this.#options = options;
    this.#do = does;
    this.#spokeAt = clock.now();
  }

  /** It says that a computer speaks, too, where a reply is to: then the first answer need not. */
  get greeting() {
    const discloses = this.#avatar.session.disclosure === "reply";
    if (!this.#greeting) return t(discloses ? "kiosk.greeting.disclosed" : "kiosk.greeting.say");
    return discloses ? `${t("disclosure.spoken")} ${this.#greeting}` : this.#greeting;
  }

  /** @param {string} words of the operator's own, in the page's language, or "" */
  setGreeting(words) {
    this.#greeting = words;
  }

  /** @param {string[]} questions */
  setQuestions(questions) {
    this.#questions = questions;
  }

  begin() {
    this.end();
    this.#isOn = true;
    this.#next();
    this.#timers.push(this.#clock.after(this.#options.rest, () => this.#rest()));
    const { sleep, invite } = this.#options;
    if (!sleep || invite || this.#avatar.mode === "open") return;
    this.#timers.push(this.#clock.after(sleep, () => this.#sleep()));
  }

  /** Somebody is there: the face is alive. */
  end() {
    this.#isOn = false;
    for (const stop of this.#timers.splice(0)) stop();
    this.#avatar.rest(false);
    if (!this.#avatar.session.active) this.#avatar.connect();
  }

  /** The same in another language. */
  refresh() {
    if (this.#isOn) this.#do.invite(this.#words());
  }

  #next() {
    this.#line += 1;
    this.#do.invite(this.#words());
    this.#speak();
    this.#again(LINE_MS, () => this.#next());
  }

  /** Every second line is a question that one might ask. */
  #words() {
    const question = this.#questions[(this.#line >> 1) % Math.max(1, this.#questions.length)];
    if (this.#line % 2 && question) return t("kiosk.invite.ask", { question });
    const own = [1, 2, 3].map((at) => `kiosk.invite.${at}`).filter(has);
    return t(own[(this.#line >> 1) % own.length]);
  }

  /** Aloud, seldom, and not into the night or to an empty room. */
  #speak() {
    const { invite, quiet } = this.#options;
    if (!invite || this.#clock.now() - this.#spokeAt < invite) return;
    if (isQuiet(quiet, this.#clock.date().getHours()) || this.#do.isNobodyThere()) return;
    if (this.#do.say(t("kiosk.invite.say"))) this.#spokeAt = this.#clock.now();
  }

  #rest() {
    this.#avatar.rest(true);
    if (this.#options.stir) this.#again(this.#options.stir, () => this.#stir());
  }

  /** The still portrait stands there now; the line goes on changing. */
  #sleep() {
    for (const stop of this.#timers.splice(0)) stop();
    this.#avatar.disconnect();
    this.#again(LINE_MS, () => this.#next());
  }

  #stir() {
    this.#avatar.rest(false);
    this.#again(STIR_MS, () => this.#rest());
  }

  /** @param {number} ms @param {() => void} act */
  #again(ms, act) {
    const stop = this.#clock.after(ms, () => {
      this.#timers.splice(this.#timers.indexOf(stop), 1);
      act();
    });
    this.#timers.push(stop);
  }
}
