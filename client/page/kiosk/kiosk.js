/**
 * The kiosk: a page that invites, greets, warns, says goodbye, forgets, and never needs a hand.
 *
 * It begins its session when it is loaded, so that the face is there and alive, and another one after
 * each visitor. The page around it keeps captions and log; see visit.js for when what happens.
 */

import { authorization } from "../../element/authorization.js";
import { byId, make } from "../dom.js";
import { has, language, LANGUAGES, onLanguage, t } from "../texts/texts.js";
import { Attract } from "./attract.js";
import { chime } from "./chime.js";
import { Clock } from "./clock.js";
import { Controls } from "./controls.js";
import { keepTheScreen } from "./screen.js";
import { Keyboard } from "./keyboard.js";
import { Operator } from "./operator.js";
import { optionsOf } from "./options.js";
import { Presence } from "./presence.js";
import { Recovery } from "./recovery.js";
import { Speak } from "./speak.js";
import { View } from "./view.js";
import { Visit } from "./visit.js";
import { askedFor } from "./wishes.js";

const COUNT_MS = 1000;
const root = document.documentElement;
const REPLIES = new Set(["thinking", "reply_started", "caption", "reply_ended"]);

/** Its style sheet is there, or will never be. */
function styled() {
  const link = make("link", { rel: "stylesheet", href: "page/kiosk/kiosk.css" });
  document.head.append(link);
  return new Promise((resolve) => (link.onload = link.onerror = resolve));
}

/**
 * What the page does for it: `ask` a question, `clear` what was said from the screen, tell its
 * `phase` (see conversation.js); its languages and what the server has of them.
 * @typedef {{avatar: import("../../visavis-avatar.js").VisavisAvatar, ask: (text: string) => void,
 *   clear: () => void, phase: () => string, address: URLSearchParams,
 *   tongue: import("../tongue.js").Tongue, settings: import("../settings.js").Settings}} Page
 */

export class Kiosk {
  #page;
  #avatar;
  #options;
  #clock;
  #visit;
  #view;
  #speak;
  #keyboard;
  #controls;
  #attract;
  #recovery;
  #counting = () => {};
  /** Whether what is said now is the kiosk's own goodbye. */ #bidding = false;
  #beganAt = Date.now();

  /** @param {Page} page */
  constructor(page) {
    const secret = new URLSearchParams(location.hash.slice(1));
    this.#page = page;
    this.#avatar = page.avatar;
    this.#options = optionsOf(page.address, secret);
    this.#clock = new Clock(this.#options.speed);
    this.#visit = new Visit(this.#clock, this.#options, (phase, before) => this.#onPhase(phase, before));
    this.#speak = new Speak(this.#avatar, () => this.#takeFloor());
    this.#view = new View(this.#actions(), this.#speak.button);
    this.#keyboard = new Keyboard(this.#view.keys, () => this.#send(), () => this.#view.type(false));
    this.#attract = new Attract(this.#avatar, this.#clock, this.#options, {
      invite: (words) => this.#view.invite(words),
      say: (words) => this.#say(words),
      isNobodyThere: () => this.#options.camera && !this.#presence.isThere,
    });
    this.#controls = new Controls(this.#avatar, this.#view.bar, {
      aloud: () => this.#readAloud(),
      finish: () => this.finish(),
      choose: (tag) => page.tongue.choose(tag),
      headphones: this.#options.headphones,
    });
    this.#recovery = new Recovery(this.#avatar, this.#clock, {
      reload: this.#options.reload,
      cover: (on, detail) => this.#view.cover(on, detail),
      emptyMs: () => this.#visit.emptyMs,
    });
    new Operator(this.#options.pin, this.#operatorsActs(), () => this.#facts());
    this.#view.name();
    const log = byId("log");
    new ResizeObserver(() => (log.scrollTop = log.scrollHeight)).observe(log); // the last words, at any size
    this.#listen();
  }

  #presence = new Presence(
    () => this.#visit.arrive("presence"),
    (works) => (this.#view.senses.hidden = !works),
  );

  /** The face, and whoever comes. */
  async begin() {
    await styled();
    root.classList.add("kiosk");
    this.#avatar.setAttribute("kiosk", "");
    root.dataset.kiosk = this.#visit.phase;
    keepTheScreen(() => this.#options.pin !== "");
    this.#avatar.connect();
    this.offer(this.#page.settings.languages);
    this.#load();
    this.#attract.begin();
    this.#hint();
    if (this.#options.camera) this.#presence.start();
  }

  /** The languages that a visitor may choose from: those that the operator names, else those that
   * the page has words in. @param {string[]} languages of the server */
  offer(languages) {
    const named = this.#options.languages;
    this.#controls.offer(languages.filter((tag) => (named.length ? named : LANGUAGES).includes(tag)));
  }

  /** The visitor has finished, and says so. */
  finish() {
    this.#visit.finish("asked");
  }

  /** A message of the server. @param {any} message */
  onMessage(message) {
    const { type } = message;
    if (type === "transcript" && message.text) this.#onWords(message);
    else if (type === "listening") this.#visit.speaking(message.active);
    else if (type === "command" || type === "not_understood") this.#visit.sign("voice");
    else if (type === "farewell") this.#visit.finish("farewell");
    else if (REPLIES.has(type)) this.#visit.sign("reply");
    if (type === "reply_ended") this.#onReplyEnded();
    // Said so before the session's time is over: the next visitor gets a new one in any case.
    if (type === "goodbye") this.#visit.finish("lost");
  }

  // --- what the visitor does ---------------------------------------------------------------------

  #listen() {
    addEventListener("pointerdown", (event) => this.#onTouch(event), { capture: true });
    addEventListener("keydown", (event) => this.#onKey(event), { capture: true });
    addEventListener("visavis:arrive", () => this.#visit.arrive("event"));
    addEventListener("message", ({ source, data }) => {
      if (source !== parent || source === window) return;
      if (data?.type === "visavis:arrive") this.#visit.arrive("event");
      if (data?.type === "visavis:leave") this.#visit.finish("asked");
    });
    this.#avatar.addEventListener("farewell", (event) => event.preventDefault()); // the goodbye is ours
    this.#avatar.addEventListener("card", () => root.classList.add("kiosk-has-card"));
    this.#avatar.addEventListener("cardaway", () => root.classList.remove("kiosk-has-card"));
    const hears = (/** @type {boolean} */ on) => root.classList.toggle("kiosk-no-mic", !on);
    this.#avatar.addEventListener("micerror", () => hears(false));
    this.#avatar.addEventListener("micready", () => hears(true));
    this.#avatar.addEventListener("playblocked", () => (this.#blocked = true));
    this.#avatar.addEventListener("state", (/** @type {any} */ { detail }) => {
      if (detail.state === "connected") this.#onConnected();
    });
    onLanguage(() => this.#onLanguage());
  }

  #blocked = false;

  /** @param {PointerEvent} event */
  #onTouch(event) {
    if (this.#blocked) this.#avatar.play().then(() => (this.#blocked = false), () => undefined);
    const target = /** @type {Element} */ (event.target);
    if (target.closest?.(".kiosk-corner, .kiosk-operator, .kiosk-finish")) return;
    const begins = target.closest?.(".kiosk-ask, .kiosk-speak") ? "question" : "touch";
    this.#visit.arrive(begins);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (document.querySelector("dialog[open]") || (event.ctrlKey && event.altKey)) return;
    this.#visit.arrive("key");
  }

  #takeFloor() {
    this.#view.type(false);
    if (this.#page.phase() === "speaking") this.#avatar.interrupt();
  }

  #send() {
    byId("composer").requestSubmit();
    this.#keyboard.reset();
    this.#view.type(false);
  }

  /** @param {any} message */
  #onWords({ text, final }) {
    if (this.#visit.phase === "standby") return this.#visit.arrive("voice");
    if (!final) return;
    if (this.#visit.phase !== "warning") return this.#visit.sign("voice");
    const wish = askedFor(text, t);
    if (wish === "finish") return this.#visit.finish("asked");
    if (wish === "more") {
      this.#avatar.interrupt();
      this.#say(t("kiosk.more.say"));
      return this.#visit.more();
    }
    this.#visit.sign("voice");
  }

  // --- what follows ------------------------------------------------------------------------------

  /** @param {import("./visit.js").Phase} phase @param {import("./visit.js").Phase} before */
  #onPhase(phase, before) {
    root.dataset.kiosk = phase;
    this.#counting();
    this.#view.warn(phase === "warning");
    this.#view.bid(phase === "goodbye");
    if (before === "warning") this.#speak.reset();
    if (phase === "visit" && before === "standby") this.#greet();
    if (phase === "warning") this.#warn();
    if (phase === "goodbye") this.#bid();
    if (phase === "standby") this.#forget();
  }

  #greet() {
    this.#attract.end();
    this.#speak.wake();
    if (this.#visit.arrival === "voice") return;
    this.#page.clear();
    if (this.#visit.arrival === "question") return;
    this.#isOwed = !this.#say(this.#attract.greeting);
  }

  /** Whether the greeting waits for the connection. */ #isOwed = false;

  #onConnected() {
    if (this.#isOwed && this.#visit.phase === "visit") this.#say(this.#attract.greeting);
    this.#isOwed = false;
  }

  #warn() {
    const key = `kiosk.warn.${this.#visit.reason}`;
    this.#title();
    chime(this.#avatar.muted ? 0 : this.#avatar.volume);
    // who cannot touch may answer; who cannot be heard is not asked to
    const hears = this.#avatar.micReady;
    if (hears) this.#avatar.mic(true);
    if (this.#page.phase() !== "speaking") this.#say(t(`${key}.${hears ? "say" : "touch"}`));
    const count = () => {
      const seconds = Math.ceil(this.#visit.leftMs / 1000);
      this.#view.warningText.textContent = t("kiosk.warn.text", { seconds });
      this.#counting = this.#clock.after(COUNT_MS, count);
    };
    count();
  }

  #title() {
    this.#view.warningTitle.textContent = t(`kiosk.warn.${this.#visit.reason}.title`);
  }

  #bid() {
    this.#view.type(false);
    if (this.#visit.reason === "farewell") return this.#page.phase() === "speaking" || this.#visit.said();
    if (this.#page.phase() === "speaking") this.#avatar.interrupt();
    this.#bidding = this.#say(t("kiosk.goodbye.say"));
    if (!this.#bidding) this.#visit.said();
  }

  #onReplyEnded() {
    if (this.#visit.phase !== "goodbye") return;
    if (this.#visit.reason === "farewell" || this.#bidding) this.#visit.said();
  }

  /** Nothing of the visitor stays: not here, and not at the server. */
  #forget() {
    this.#bidding = this.#isOwed = false;
    this.#page.clear();
    this.#avatar.hideCard();
    root.classList.remove("kiosk-has-card");
    this.#view.type(false);
    this.#keyboard.reset();
    this.#controls.reset();
    this.#page.tongue.reset(this.#page.settings.language, this.#page.address.get("voice") ?? "");
    this.#speak.reset();
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    getSelection()?.removeAllRanges();
    this.#avatar.renew();
    this.#offer();
    this.#attract.begin();
  }

  /** Whether it is said: what waits for a connection would be said to somebody else.
   * @param {string} words */
  #say(words) {
    return Boolean(words) && this.#avatar.session.state === "connected" && this.#avatar.say(words);
  }

  // --- what may be asked -------------------------------------------------------------------------

  /** @type {string[]} */ #questions = [];
  /** @type {string[]} */ #offered = [];
  #shown = 0;

  async #load() {
    const headers = authorization(this.#avatar.getAttribute("token") ?? "");
    const found = await fetch(`v1/topics?language=${language()}`, { headers }).catch(() => null);
    const { topics = [], greeting = "" } = found?.ok ? await found.json() : {};
    const asked = topics.map((/** @type {any} */ each) => each.question);
    this.#questions = this.#options.questions.length ? this.#options.questions : asked;
    this.#attract.setGreeting(greeting);
    this.#attract.setQuestions(this.#questions);
    this.#shown = 0;
    this.#offer();
  }

  /** The next four. */
  #offer() {
    const most = 4;
    const from = this.#questions.length > most ? this.#shown % this.#questions.length : 0;
    const around = [...this.#questions, ...this.#questions];
    this.#offered = around.slice(from, from + Math.min(most, this.#questions.length));
    this.#view.offer(this.#offered);
    this.#shown += most;
  }

  #readAloud() {
    const asked = this.#offered.length ? t("kiosk.aloud.say", { questions: this.#offered.join(" ") }) : "";
    this.#say(`${asked} ${t("kiosk.aloud.how")}`.trim());
  }

  #onLanguage() {
    this.#hint();
    this.#load();
    this.#attract.refresh();
    if (this.#visit.phase === "warning") this.#title();
  }

  #hint() {
    const key = this.#avatar.mode === "open" ? "kiosk.hint.speak" : "kiosk.hint.touch";
    this.#view.hint.textContent = has(key) ? t(key) : "";
  }

  /** @returns {import("./view.js").Actions} */
  #actions() {
    return {
      more: () => this.#visit.more(),
      finish: () => this.finish(),
      type: () => this.#view.type(!this.#view.isTyping),
      others: () => this.#offer(),
      ask: (question) => {
        this.#visit.arrive("question");
        if (this.#page.phase() === "speaking") this.#avatar.interrupt();
        this.#page.ask(question);
      },
    };
  }

  // --- for the operator --------------------------------------------------------------------------

  /** @returns {Record<string, () => void>} */
  #operatorsActs() {
    return {
      "kiosk.operator.end": () => this.finish(),
      "kiosk.operator.reload": () => this.#recovery.reload(true),
      "kiosk.operator.window": () => document.exitFullscreen?.().catch(() => undefined),
      "kiosk.operator.leave": () => this.#leave(),
    };
  }

  /** The ordinary page, with the settings and without the full screen. */
  #leave() {
    const { address } = this.#page;
    address.delete("kiosk");
    location.search = String(address);
  }

  #facts() {
    const { session } = this.#avatar;
    const hours = ((Date.now() - this.#beganAt) / 3_600_000).toFixed(1);
    return [
      `${session.state} ${session.reason}`.trim(), session.id, this.#recovery.detail,
      `page: ${hours} h`, new Date().toLocaleString("en-GB"), `${innerWidth} x ${innerHeight}`,
    ].filter(Boolean);
  }
}
