/**
 * The live preview: the element as the film's face, with what else the picture shows around it. It
 * is live while somebody writes, stands still a while after, and then gives its place back. What it
 * shows is near the film, not the film.
 */

import "../visavis-avatar.js";

import { byId, make } from "../page/dom.js";
import { onLanguage, t } from "../page/texts/texts.js";
import { asSaid, filled, sentenceAt, sentences } from "./marks.js";
import { same } from "./model.js";
import { fill } from "./thumb.js";

const MOST = 2000; // characters that a session says at once
const STILL_MS = 30_000; // without a change, before it stands still
const LEAVE_MS = 180_000; // and before the session is given back

export class Preview {
  #frame = byId("frame");
  /** @type {import("../visavis-avatar.js").VisavisAvatar} */ #face;
  #behind = make("div", { className: "behind" });
  #beside = make("div", { className: "beside-picture" });
  #title = make("p", { className: "film-title", dir: "auto" });
  #lower = make("div", { className: "film-lower", dir: "auto" });
  #subtitle = make("p", { className: "film-subtitle", dir: "auto" });
  #sound = make("audio", {});
  /** Before it is live: the person of a preview that has no picture of them alone. */
  #stand = make("img", { className: "stand-in", alt: "" });
  /** @type {any} */ #look = null;
  #stilling = 0;
  #leaving = 0;
  #asked = false; // somebody wants to hear something
  #shown = false; // a live picture
  /** What is being said: {scene, from, to} of each line. @type {{scene: string, from: number, to: number}[]} */ #lines = [];

  /** @param {import("./state.js").Studio} studio @param {import("./service.js").Service} service
   * @param {import("./script.js").Script} script @param {() => boolean} ready whether the machine has nothing
   * better to do */
  constructor(studio, service, script, ready) {
    this.studio = studio;
    this.service = service;
    this.script = script;
    this.ready = ready;
    this.#face = /** @type {any} */ (make("visavis-avatar", { mode: "none" }));
    this.#face.setAttribute("mode", "none");
    this.#face.setAttribute("cards", "off");
    // Alone before whatever is behind: so the film composes them, and a new background needs no new session.
    this.#face.setAttribute("transparent", "");
    this.#frame.append(this.#behind, make("div", { className: "person" }, this.#stand, this.#face), this.#beside, this.#title, this.#lower, this.#subtitle, this.#sound);
    studio.listen((why) => {
      this.render();
      if (why === "edit") this.wake();
    });
    onLanguage(() => this.#tell());
    byId("say-clause").addEventListener("click", () => this.saySentence());
    byId("say-scene").addEventListener("click", () => this.sayScene());
    byId("say-stop").addEventListener("click", () => this.stop());
    this.#listen();
  }

  /** For tests and for the dialog that makes an avatar. */
  get element() {
    return this.#face;
  }

  get talking() {
    return this.#lines.length > 0;
  }

  #listen() {
    const on = (/** @type {string} */ name, /** @type {(detail: any) => void} */ act) =>
      this.#face.addEventListener(name, (event) => act(/** @type {CustomEvent} */ (event).detail));
    on("state", ({ state }) => {
      if (state !== "connected") this.#shown = false;
      this.#tell();
    });
    on("firstpicture", () => {
      this.#shown = true;
      this.#tell();
    });
    on("reply_started", () => this.#showSaid());
    on("reply_ended", () => this.#ended());
    on("caption", ({ text, heard }) => this.#caption(text.slice(0, heard)));
    on("error", ({ message }) => this.#tell(message));
    on("playblocked", () => this.#face.play());
    this.#sound.addEventListener("ended", () => this.#ended());
  }

  // --- what it looks like -------------------------------------------------------------------------

  render() {
    const scene = this.studio.shown;
    if (!scene) return;
    const { aspect } = this.studio.project.frame;
    this.#frame.dataset.aspect = aspect;
    this.#face.setAttribute("token", this.service.token);
    this.#attribute("avatar", scene.avatar);
    this.#attribute("voice", scene.voice);
    this.#attribute("lang", scene.language);
    this.#words(scene);
    const look = [scene.background, scene.beside, this.studio.name, scene.avatar, this.studio.avatars.length];
    if (same(look, this.#look)) return;
    this.#look = look;
    const preview = this.studio.avatar(scene.avatar)?.preview;
    const photo = preview ? this.service.picture(preview) : Promise.resolve("");
    this.#background(scene.background, photo);
    this.#besides(scene.beside);
    void photo.then((address) => address && (this.#stand.src = address));
  }

  /** Live while somebody writes. */
  wake() {
    const { session } = this.#face;
    clearTimeout(this.#stilling);
    clearTimeout(this.#leaving);
    this.#stilling = window.setTimeout(() => this.talking || this.#face.rest(true), STILL_MS);
    this.#leaving = window.setTimeout(() => this.talking || this.#face.disconnect(), LEAVE_MS);
    this.#face.rest(false);
    if (!session.active && this.ready()) this.#face.connect();
  }

  /** @param {string} name @param {string} value */
  #attribute(name, value) {
    if ((this.#face.getAttribute(name) ?? "") === value) return;
    if (value) this.#face.setAttribute(name, value);
    else this.#face.removeAttribute(name);
  }

  /** @param {any} scene */
  #words(scene) {
    this.#title.textContent = scene.title;
    this.#lower.replaceChildren();
    if (scene.lower_third?.name) {
      this.#lower.append(make("b", {}, scene.lower_third.name));
      if (scene.lower_third.line) this.#lower.append(make("span", {}, scene.lower_third.line));
    }
    if (!this.studio.project.subtitles) this.#subtitle.textContent = "";
  }

  /** What is behind the person; of the photo's own room what its colours are.
   * @param {{kind: string, value: string}} background @param {Promise<string>} photo */
  #background({ kind, value }, photo) {
    this.#frame.dataset.light = String(isLight(kind, value));
    this.#frame.dataset.behind = kind;
    this.#behind.replaceChildren();
    this.#behind.style.background = kind === "colour" ? value : "";
    if (kind === "own" || kind === "blur") return void photo.then((address) => this.#edges(address));
    if (!value || (kind !== "picture" && kind !== "video")) return;
    const media = kind === "video" ? make("video", { muted: true, loop: true, autoplay: true, playsInline: true }) : make("img", { alt: "" });
    this.#behind.append(media);
    void fill(media, this.service.file(this.studio.name, value));
  }

  /** @param {string} photo */
  #edges(photo) {
    const { kind } = this.studio.shown?.background ?? {};
    if (!photo || (kind !== "own" && kind !== "blur")) return; // another one since
    const edges = [make("i", { className: "edge" }), make("i", { className: "edge" })];
    for (const edge of edges) edge.style.backgroundImage = `url("${photo}")`;
    this.#behind.replaceChildren(...edges);
  }

  /** @param {{file: string, side: string, share: number}|null} beside */
  #besides(beside) {
    this.#frame.dataset.beside = beside ? beside.side : "";
    this.#frame.style.setProperty("--share", String(beside?.share ?? 0));
    this.#beside.replaceChildren();
    if (!beside?.file) return;
    const image = make("img", { alt: "" });
    this.#beside.append(image);
    void fill(image, this.service.file(this.studio.name, beside.file));
  }

  // --- what it says -------------------------------------------------------------------------------

  /** The sentence at the caret. */
  saySentence() {
    const { editor, studio } = this.#now();
    if (!editor || !studio) return;
    if (studio.sound) return this.#play(studio);
    const found = sentenceAt(studio.text, editor.caret);
    this.#say(studio, found.words ? [found] : []);
  }

  sayScene() {
    const { studio } = this.#now();
    if (!studio) return;
    if (studio.sound) this.#play(studio);
    else this.#say(studio, sentences(studio.text));
  }

  #now() {
    return { editor: this.script.editor, studio: this.studio.shown };
  }

  /** @param {any} scene @param {{from: number, to: number, words: string, direction: string}[]} found */
  #say(scene, found) {
    this.stop();
    if (!found.length) return this.#tell(t("studio.live.nothing"));
    const last = found.findLast(({ to }) => to - found[0].from <= MOST) ?? found[0];
    const [from, to] = [found[0].from, last.to];
    this.#lines = [{ scene: scene.name, from, to }];
    this.#asked = true;
    this.wake();
    if (!this.#face.session.active) this.#face.connect();
    const words = found.length === 1 ? asSaid(found[0]) : scene.text.slice(from, to);
    const first = found[0].direction && found.length > 1 ? `[${found[0].direction}] ` : "";
    const said = pronounced(first + filled(words), this.studio.project.pronounce);
    if (!this.#face.say(said.slice(0, MOST), scene.style)) this.#lines = [];
    this.#tell();
  }

  /** A recording of one's own. @param {any} scene */
  async #play(scene) {
    this.stop();
    this.#sound.src = await this.service.file(this.studio.name, scene.sound);
    this.#lines = [{ scene: scene.name, from: 0, to: scene.text.length }];
    this.#showSaid();
    await this.#sound.play().catch(() => this.#ended());
  }

  stop() {
    if (this.talking) this.#face.interrupt();
    this.#sound.pause();
    this.#ended();
  }

  #showSaid() {
    const [line] = this.#lines;
    if (line && this.script.editor?.scene === line.scene) this.script.editor.saying(line.from, line.to);
    this.#tell();
  }

  #ended() {
    this.#lines = [];
    this.script.editor?.saying(0, 0);
    this.#caption("");
    this.#asked = false;
    this.#tell();
  }

  /** @param {string} text */
  #caption(text) {
    this.#subtitle.textContent = this.studio.project.subtitles ? text.slice(-90) : "";
  }

  /** @param {string} [fault] */
  #tell(fault) {
    byId("say-stop").hidden = !this.talking;
    const { state, reason, words } = this.#face.session;
    const live = state === "connected" || state === "reconnecting";
    document.body.toggleAttribute("data-live", live || this.#asked);
    this.#stand.hidden = live && this.#shown;
    // Nobody asked for it: visitors have the places.
    if (state === "waiting" && !this.#asked) void this.#face.disconnect();
    const shown = state === "waiting" && !this.#asked ? "idle" : state;
    const said = {
      idle: t("studio.live.idle"), connecting: t("studio.live.connecting"), connected: t(this.talking ? "studio.live.saying" : "studio.live.ready"),
      reconnecting: t("studio.live.connecting"), waiting: t("studio.live.waiting"), failed: words || t("studio.live.failed"),
    }[shown];
    byId("live-state").textContent = fault || (reason === "full" && this.#asked ? t("studio.live.full") : said) || "";
  }
}

/** Words as the film's list spells them for the voice. @param {string} text @param {Record<string, string>} list */
function pronounced(text, list) {
  for (const [word, spoken] of Object.entries(list)) {
    if (!word || !spoken) continue;
    const plain = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    text = text.replace(new RegExp(`(?<![\\p{L}\\p{N}])${plain}(?![\\p{L}\\p{N}])`, "gu"), spoken.replaceAll("$", "$$$$"));
  }
  return text;
}

/** Whether dark letters are read better before it. @param {string} kind @param {string} value "#rrggbb" */
function isLight(kind, value) {
  if (kind === "transparent") return true;
  if (kind !== "colour" || !/^#[0-9a-f]{6}$/i.test(value)) return false;
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(value.slice(at, at + 2), 16));
  return 0.299 * red + 0.587 * green + 0.114 * blue > 150;
}
