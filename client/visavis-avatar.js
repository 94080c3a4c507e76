/**
 * <visavis-avatar>: a live avatar in any page, with one script tag. It shows the picture and plays
 * the voice, and over the picture the cards that the avatar shows; captions, buttons and words belong
 * to the page around it.
 *
 *   <script type="module" src="https://avatars.example/visavis-avatar.js"></script>
 *   <visavis-avatar avatar="ana" mode="open"></visavis-avatar>
 *
 * Attributes, all optional and live: `server` (base URL; default: where this script came from),
 * `avatar`, `voice`, `lang` (of the conversation: "en", "de", ... or "auto", which follows the visitor;
 * changed while connected, the avatar goes on in it), `token`, `mode` ("talk": the microphone is on between mic(true) and
 * mic(false); "open": it is on from the start; "none": there is none, and nobody is asked for it), `muted`, `source` ("dialogue": the avatar answers;
 * "microphone": it speaks what the microphone hears, half a second later. Set `muted` then unless
 * headphones are worn: the microphone would hear the avatar, and the avatar speak itself), `watched`
 * (its picture is shown elsewhere too: have all of them drawn while the element is out of sight),
 * `transparent` (the person alone, before whatever the page has behind the element), `background` (what
 * the person stands before: "original", "blur", "#rrggbb" or a picture of the server's), `session-name` (by
 * which you command the session at the server, see docs/api.md),
 * `cards` ("off": the page shows them itself), `kiosk` (links of cards are QR codes, and lead nowhere).
 *
 * Methods: connect() from a click, disconnect(), hideCard(), renew() (ends the conversation and begins another
 * under the same picture), rest(on) (stands still and costs little meanwhile), ask(text), say(text, style), interrupt(),
 * direct(prompt), mic(on), retryNow(). ask, say and direct may be called while it connects; they
 * return false when there is no conversation.
 * Properties: iceServers, session (see session.js), micOn, micReady, micLevel in [0, 1], muted, volume in [0, 1], resume
 * (a token of `ready`: set it before connect() to go on with that session, as after a reload).
 *
 * Events (CustomEvent, the data is in `detail`): every message of the server under its type
 * ("ready", "listening", "transcript", "thinking", "reply_started", "reply_held", "reply_resumed",
 * "caption", "reply_ended",
 * "receipt", "directed", "language" {language, voice}, "pictures" {fluency}, "error", "goodbye") and once more as "message"; "state" (see session.js);
 * "lapsed" {reason} when the session could not be kept and another one begins; "mic" {on}; "micready";
 * "micerror" {reason: "refused" | "missing" | "busy" | "insecure"}; "firstpicture" {ms};
 * "playblocked" when the browser wants a click before sound: call play() from one.
 * "card" {turn, card}: a picture, a link or a map, which the element shows (see element/cards.js) unless
 * `cards="off"`; "cardaway" when it is there no more; "staff" {turn, reason}: a person was asked for;
 * "label" {box}: where the label that the face is synthetic is seen, {left, top, right, bottom} in px of the
 * element, null: nowhere; the element shows one of its own where the picture's is cut off or too small;
 * "cutout" {by, why}: how a `transparent` one is composed: "webgl", "canvas" or "opaque", and why not better.
 * "farewell" {turn}: the avatar has said goodbye. The element then disconnects, unless preventDefault().
 * Style it through ::part(label), ::part(poster), ::part(video), ::part(cutout), ::part(still), ::part(card-card) and the parts of a card;
 * `--visavis-card-bottom`, `--visavis-card-background`, `--visavis-card-color`.
 */

import { CardShelf, STYLE as CARD_STYLE } from "./element/cards.js";
import { relays } from "./element/relays.js";
import { Session } from "./element/session.js";
import { Sight } from "./element/sight.js";
import { Stage, STYLE } from "./element/stage.js";
import { Talk } from "./element/talk.js";

// In two steps: bundlers take `new URL("...", import.meta.url)` for a file that they are to pack. Some
// of what they write has no address.
const HERE = import.meta.url;
const SERVER = HERE ? new URL(".", HERE).href : "/";
const LAST_WORD_MS = 1200;

// Frameworks import this where they draw a page ahead, on a machine without a document.
const Base = globalThis.HTMLElement ?? /** @type {typeof HTMLElement} */ (class {});

export class VisavisAvatar extends Base {
  static observedAttributes = ["server", "avatar", "voice", "lang", "token", "source", "mode", "muted", "watched", "aria-label",
    "transparent", "background", "session-name"];

  /** For networks that need another relay than the server offers; set before connect(). @type {RTCIceServer[]} */
  iceServers = [];
  session = new Session(this.#target());

  /** @type {Stage} */ #stage;
  #talk = new Talk(this.session, (name, detail) => this.#emit(name, detail));
  /** @type {CardShelf} */ #shelf;
  #sight = new Sight(this, () => this.#onSight());
  #retargeting = false;
  #returns = false;
  #rests = false;
  /** @type {AbortController|null} */ #listeners = null;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE + CARD_STYLE);
    root.adoptedStyleSheets = [sheet];
    this.#stage = new Stage(this, root, (name, detail) => this.#emit(name, detail));
    this.useShelf((target, away) => new CardShelf(root, target, away));
    this.session.addEventListener("state", (event) => this.#onState(/** @type {any} */ (event).detail));
    this.session.addEventListener("message", (event) => this.#onMessage(/** @type {any} */ (event).detail));
    this.session.addEventListener("lapsed", (event) => this.#emit("lapsed", /** @type {any} */ (event).detail));
    this.session.addEventListener("stream", (event) => this.#show(/** @type {any} */ (event).detail.stream));
  }

  connectedCallback() {
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    addEventListener("online", () => this.session.check(), { signal });
    addEventListener("pagehide", (event) => this.#onPageHide(event.persisted), { signal });
    addEventListener("pageshow", () => this.#returns && this.connect(), { signal });
    document.addEventListener("resume", () => this.session.check(), { signal }); // it was frozen
    const onVisible = () => document.visibilityState === "visible" && this.session.check();
    document.addEventListener("visibilitychange", onVisible, { signal });
    this.#sight.start();
    this.#stage.describe();
    this.#retarget(); // in a moment: the page may have a token to set yet
  }

  disconnectedCallback() {
    this.#listeners?.abort();
    this.#sight.stop();
    this.disconnect();
  }

  /** @param {string} name @param {string|null} before @param {string|null} after */
  attributeChangedCallback(name, before, after) {
    if (before === after) return;
    if (name === "muted") this.#stage.video.muted = after !== null;
    else if (name === "aria-label") this.#stage.describe();
    else if (name === "mode") this.#onMode();
    else if (name === "watched") this.#onSight();
    else if (name === "lang") this.session.speak(this.#target());
    else if (name === "transparent") this.#onTransparent();
    else this.#retarget();
  }

  get mode() {
    const mode = this.getAttribute("mode");
    return mode === "open" || mode === "none" ? mode : "talk";
  }

  set mode(mode) {
    this.setAttribute("mode", mode);
  }

  get muted() {
    return this.hasAttribute("muted");
  }

  set muted(on) {
    this.toggleAttribute("muted", on);
  }

  get volume() {
    return this.#stage.video.volume;
  }

  set volume(share) {
    this.#stage.video.volume = share;
  }

  get resume() {
    return this.session.resume;
  }

  set resume(token) {
    this.session.resume = token;
  }

  /** The card that is shown now, as of the event "card". */
  get card() {
    return this.#shelf.card;
  }

  /** Put it away. */
  hideCard() {
    this.#shelf.hide();
  }

  /** Have cards stand elsewhere than over the picture.
   * @param {(target: () => {server: string, token: string, kiosk: boolean}, away: () => void) => CardShelf} make */
  useShelf(make) {
    const target = () => ({ ...this.#target(), kiosk: this.hasAttribute("kiosk") });
    this.#shelf = make(target, () => this.#emit("cardaway", {}));
  }

  /** What cards say, in the page's language: the keys of WORDS in element/cards.js.
   * @param {Partial<typeof import("./element/cards.js").WORDS>} words */
  set cardWords(words) {
    Object.assign(this.#shelf.words, words);
  }

  get micOn() {
    return this.#talk.on;
  }

  get micReady() {
    return this.#talk.microphone.track !== null;
  }

  get micLevel() {
    return this.#talk.microphone.level();
  }

  /** Connect now; the microphone joins as soon as it is allowed. */
  connect() {
    this.#returns = false;
    this.session.retarget(this.#target());
    this.session.connect();
    if (this.mode === "open") this.mic(true);
    else if (this.mode === "talk") this.#talk.open();
  }

  disconnect() {
    this.#talk.close();
    return this.session.disconnect();
  }

  /** End the conversation, and begin another one: the face stays. */
  renew() {
    if (!this.session.active) return this.connect();
    this.#stage.freeze();
    this.session.renew();
  }

  /** Stand still until there is somebody to move for. @param {boolean} on */
  rest(on) {
    if (on === this.#rests) return;
    this.#rests = on;
    this.#onSight();
    if (on) this.#stage.freeze();
    else this.#stage.thaw();
  }

  retryNow() {
    this.session.retryNow();
  }

  /** Have these words of the visitor answered. @param {string} text */
  ask(text) {
    return this.session.send({ type: "text", text });
  }

  /** Have exactly this said. @param {string} text @param {string} style */
  say(text, style = "") {
    return this.session.send({ type: "say", text, style });
  }

  interrupt() {
    this.#hush(true);
    return this.session.state === "connected" && this.session.send({ type: "interrupt" });
  }

  /** Direct the avatar in plain words, such as "appear thoughtful". @param {string} prompt */
  direct(prompt) {
    return this.session.send({ type: "direct", prompt });
  }

  /** Listen to the visitor or cease to; true when the microphone is as wanted.
   * @param {boolean} on */
  async mic(on) {
    this.#talk.set(on);
    if (!on || this.#talk.microphone.track) return true;
    return this.#talk.open();
  }

  /** Start the sound from a click, after "playblocked". */
  async play() {
    this.#stage.video.muted = this.muted;
    await this.#stage.video.play();
  }

  #target() {
    const attribute = (/** @type {string} */ name) => this.getAttribute(name) ?? "";
    const server = new URL(this.getAttribute("server") || SERVER, document.baseURI).href;
    return {
      server: server.endsWith("/") ? server : `${server}/`,
      avatar: attribute("avatar"),
      voice: attribute("voice"),
      language: attribute("lang"),
      source: attribute("source"),
      background: this.hasAttribute("transparent") ? "transparent" : attribute("background").replace(/^transparent$/, ""),
      name: attribute("session-name"),
      token: attribute("token"),
      iceServers: this.iceServers,
    };
  }

  /** Attributes that change together reconnect once. */
  #retarget() {
    if (this.#retargeting) return;
    this.#retargeting = true;
    queueMicrotask(() => {
      this.#retargeting = false;
      const target = this.#target();
      if (this.session.active && this.session.isOther(target)) this.#stage.freeze();
      this.session.retarget(target);
      if (this.isConnected) this.#loadPoster();
    });
  }

  /** Nobody sees it, or somebody does again: the server draws accordingly. */
  #onSight() {
    this.session.watch(!this.#rests && (this.#sight.seen || this.hasAttribute("watched")));
  }

  #onMode() {
    if (this.session.active) this.mic(this.mode === "open");
  }

  /** Silence at once what the jitter buffer still holds of a reply that was held or broken off; what
   * is said after it is heard again. @param {boolean} on */
  #hush(on) {
    this.#stage.video.muted = on || this.muted;
  }

  /** @param {{type: string, reason?: string}} message */
  #onMessage(message) {
    const { type, reason } = message;
    if (type === "ready") this.#stage.lie(/** @type {any} */ (message));
    if (type === "reply_started" || type === "reply_resumed") this.#hush(false);
    if (type === "reply_held" || (type === "reply_ended" && reason === "interrupted")) this.#hush(true);
    const goesOn = this.#emit(message.type, message, type === "farewell");
    this.#emit("message", message);
    if (goesOn) this.#onDeed(message);
  }

  /** What the avatar does beside its words, unless the page does it. @param {any} message */
  #onDeed({ type, turn, card, resumed }) {
    if (type === "card" && this.getAttribute("cards") !== "off") this.#shelf.show(turn, card);
    if (type === "reply_started") this.#shelf.onReply(turn);
    if (type === "ready" && !resumed) this.#shelf.hide();
    if (type === "farewell") this.#leave();
  }

  /** The last word is still on its way through the jitter buffer. */
  #leave() {
    const { id } = this.session;
    setTimeout(() => this.session.id === id && this.disconnect(), LAST_WORD_MS);
  }

  /** @param {{state: string}} detail */
  #onState(detail) {
    // Chromium shows black once a connection is closed.
    if (detail.state === "reconnecting" || detail.state === "failed") this.#stage.freeze();
    if (detail.state === "connected" && !this.#rests) this.#stage.thaw();
    if (detail.state === "failed") this.#talk.close();
    if (detail.state === "idle") this.#stage.clear();
    if (detail.state === "idle" || detail.state === "failed") this.#shelf.hide();
    this.#emit("state", detail);
  }

  /** @param {boolean} persisted whether the browser may keep the page, to show it again */
  #onPageHide(persisted) {
    this.#returns = this.session.active;
    if (!this.#returns) return;
    this.#talk.close();
    this.session.leave(persisted);
  }

  /** @param {MediaStream} stream */
  #show(stream) {
    this.#stage.show(stream, () => {
      if (this.#rests) this.#stage.freeze();
      this.#emit("firstpicture", { ms: this.session.pictureShown() });
    });
  }

  /** Another session has the pictures for it. */
  #onTransparent() {
    this.#retarget();
    this.#stage.cutOut();
  }

  #loadPoster() {
    const target = this.#target();
    if (!this.iceServers.length) relays(target); // so that connecting need not wait for it
    this.#stage.poster.load(target);
  }

  /** Whether nobody prevented what follows by itself.
   * @param {string} name @param {object} detail @param {boolean} cancelable */
  #emit(name, detail, cancelable = false) {
    return this.dispatchEvent(new CustomEvent(name, { detail, cancelable }));
  }
}

// Two copies of this script on a page are no fault: the first one serves.
if (globalThis.customElements && !customElements.get("visavis-avatar")) {
  customElements.define("visavis-avatar", VisavisAvatar);
}
