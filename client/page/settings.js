/**
 * The settings sheet: who one talks to, with which voice, and directions for the avatar.
 */

import { authorization } from "../element/authorization.js";
import { inWords } from "./days.js";
import { byId, make } from "./dom.js";
import { language, onLanguage, primary, t } from "./texts/texts.js";

const STORE = "visavis.choice";
const SESSION = "visavis.session";
/** The voice that belongs to the avatar: what the server takes where none is asked for. */
const OWN = "";

/** What was chosen on an earlier visit; nothing where storage is forbidden.
 * @returns {Record<string, any>} */
export function remembered() {
  try {
    return JSON.parse(localStorage.getItem(STORE) ?? "{}");
  } catch (error) {
    console.info("visavis: choices are not remembered here", error);
    return {};
  }
}

/** @param {Record<string, any>} choice */
export function keep(choice) {
  try {
    localStorage.setItem(STORE, JSON.stringify({ ...remembered(), ...choice }));
  } catch (error) {
    console.info("visavis: choices are not remembered here", error);
  }
}

/** The session's token, for this tab alone and until it is closed: "" where there is none.
 * @returns {string} */
export function keptSession() {
  try {
    return sessionStorage.getItem(SESSION) ?? "";
  } catch {
    return ""; // storage is forbidden here: a page that is reloaded begins anew
  }
}

/** @param {string} token */
export function keepSession(token) {
  try {
    sessionStorage.setItem(SESSION, token);
  } catch (error) {
    console.info("visavis: a reload will begin anew here", error);
  }
}

/** A language's name in the page's: "en-GB" -> "British English". @param {string} tag */
export function languageName(tag) {
  try {
    return new Intl.DisplayNames([language()], { type: "language" }).of(tag) ?? tag;
  } catch (error) {
    if (error instanceof RangeError) return tag; // not a language tag: show it as it is
    throw error;
  }
}

/** A language's name in its own words: "de" -> "Deutsch". @param {string} tag */
export function ownName(tag) {
  return new Intl.DisplayNames([tag], { type: "language" }).of(tag) ?? tag;
}

/** Which of `items` is meant: the wanted one if it exists, else the default, else the first.
 * @param {{name: string, default?: boolean}[]} items @param {string|null|undefined} wanted */
export function chosen(items, wanted) {
  return items.find((item) => item.name === wanted) ?? items.find((item) => item.default) ?? items[0];
}

export class Settings {
  #avatar;
  #wanted;
  #sheet = byId("settings");
  /** @type {any[]} */ avatars = [];
  /** @type {any[]} */ voices = [];
  /** Languages that a conversation can be in, and that of one that asks for none ("auto": as spoken).
   * @type {string[]} */ languages = [];
  language = "en";
  #spoken = "en";

  /**
   * @param {import("../visavis-avatar.js").VisavisAvatar} avatar
   * @param {Record<string, any>} wanted avatar and voice to begin with, if they exist
   */
  constructor(avatar, wanted) {
    this.#avatar = avatar;
    this.#wanted = { avatar: wanted.avatar, voice: wanted.voice };
    onLanguage(() => this.#render());
    byId("settings-open").addEventListener("click", () => this.open());
    this.#sheet.addEventListener("click", (/** @type {Event} */ event) => {
      if (event.target === this.#sheet) this.#sheet.close(); // the backdrop
    });
    byId("direction").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#direct(byId("prompt").value);
    });
    byId("directions").addEventListener("click", (/** @type {any} */ { target }) => {
      if (target.matches("button")) this.#direct(target.dataset.prompt ?? target.textContent);
    });
  }

  open() {
    byId("directed").textContent = "";
    this.#sheet.showModal();
    this.load(); // whoever was added meanwhile
  }

  /** Fetch what can be chosen; the HTTP status that stood in the way, or 200; 0 for no answer. */
  async load() {
    const [avatars, voices] = await Promise.all([this.#list("avatars"), this.#list("voices")]);
    if (avatars.status !== 200) return avatars.status;
    if (voices.status !== 200) return voices.status;
    this.avatars = avatars.items;
    this.voices = voices.items;
    this.language = voices.language ?? "en";
    this.languages = voices.languages ?? [];
    byId("create-open").hidden = !avatars.create;
    byId("create").dataset.presence = avatars.presence; // whether people show that they are there
    this.#render();
    return 200;
  }

  /** The conversation is in this language. @param {string} language */
  spoken(language) {
    this.#spoken = language;
    this.#render();
  }

  /** Switch to an avatar that there was not before. @param {string} name */
  async use(name) {
    this.#avatar.setAttribute("avatar", name);
    await this.load();
    this.#choose("avatar", name);
    this.#sheet.close();
  }

  /** What the server took of a direction, what it did not, and then every style there is.
   * @param {string[]} styles @param {string[]} dropped @param {string[]} known */
  understood(styles, dropped = [], known = []) {
    const words = [];
    if (styles.length) words.push(t("direction.understood", { styles: styles.join(", ") }));
    if (dropped.length) words.push(t("direction.dropped", { words: dropped.join(", ") }));
    if (!words.length) words.push(t("direction.unclear"));
    if (known.length) words.push(t("direction.known", { styles: known.join(", ") }));
    byId("directed").textContent = words.join(" ");
  }

  /** The avatar that is or will be talked to. @returns {any} */
  get current() {
    return chosen(this.avatars, this.#avatar.getAttribute("avatar") ?? this.#wanted.avatar);
  }

  /** @param {"avatars"|"voices"} kind */
  async #list(kind) {
    const headers = authorization(this.#avatar.getAttribute("token") ?? "");
    const response = await fetch(`v1/${kind}`, { headers }).catch(() => null);
    if (!response?.ok) return { status: response?.status ?? 0, items: [], create: false, presence: "off" };
    const { [kind]: items, create = false, presence = "off", language, languages } = await response.json();
    return { status: 200, items, create, presence, language, languages };
  }

  #render() {
    this.#offer("avatar", this.avatars, (item) => this.#face(item));
    const spoken = this.voices.filter(({ language: tag }) => primary(tag) === primary(this.#spoken));
    const own = { name: OWN, language: this.#spoken, description: t("settings.voice.own.hint"), default: true };
    this.#offer("voice", [own, ...(spoken.length ? spoken : this.voices)], (item) => this.#voice(item));
    this.#offerLanguages();
  }

  /** Radio buttons for the language, each in its own words. */
  #offerLanguages() {
    const group = byId("languages");
    group.hidden = this.languages.length < 2;
    const wanted = this.#avatar.getAttribute("lang") || this.language;
    const tags = ["auto", ...this.languages];
    const options = tags.map((tag) => {
      const input = make("input", { type: "radio", name: "language", value: tag, checked: tag === wanted });
      const name = tag === "auto" ? t("language.auto") : ownName(tag);
      const label = make("span", { className: "label" }, name);
      if (tag !== "auto") Object.assign(label, { lang: tag, dir: "auto" });
      return make("label", { className: "option" }, input, label);
    });
    group.querySelector(".options").replaceChildren(...options);
  }

  /** Radio buttons for one attribute. @param {"avatar"|"voice"} kind @param {any[]} items
   * @param {(item: any) => Node[]} draw */
  #offer(kind, items, draw) {
    const group = byId(`${kind}s`);
    group.hidden = items.length === 0;
    const wanted = this.#avatar.getAttribute(kind) ?? this.#wanted[kind];
    const current = chosen(items, wanted);
    if (wanted && current?.name === wanted) this.#avatar.setAttribute(kind, wanted);
    const options = items.map((item) => {
      const checked = item === current;
      const input = make("input", { type: "radio", name: kind, value: item.name, checked });
      input.addEventListener("change", () => this.#choose(kind, item.name));
      return make("label", { className: "option" }, input, ...draw(item));
    });
    group.querySelector(".options").replaceChildren(...options);
  }

  /** @param {"avatar"|"voice"} kind @param {string} name */
  #choose(kind, name) {
    if (name === OWN) this.#avatar.removeAttribute(kind);
    else this.#avatar.setAttribute(kind, name);
    keep({ [kind]: name });
    this.#wanted[kind] = name;
    this.#sheet.dispatchEvent(new CustomEvent("chosen"));
  }

  /** @param {any} item */
  #face({ title, name, preview, until }) {
    const image = make("img", { alt: "", className: "face" });
    if (preview) this.#picture(image, preview);
    const label = make("span", { className: "label" }, title || name);
    if (!until) return [image, label];
    return [image, label, make("span", { className: "until" }, t("settings.until", { day: inWords(until) }))];
  }

  /** @param {any} item */
  #voice({ name, language, description }) {
    const label = make("span", { className: "label" }, name || t("settings.voice.own"));
    const words = make("span", { className: "description" }, description || "");
    const tag = make("span", { className: "tag" }, languageName(language));
    return [make("span", { className: "text" }, label, words), tag];
  }

  /** @param {HTMLImageElement} image @param {string} path */
  async #picture(image, path) {
    const headers = authorization(this.#avatar.getAttribute("token") ?? "");
    // "/v1/..." from the server's root is taken from this page's folder, so that a prefix works
    const response = await fetch(path.replace(/^\//, ""), { headers }).catch(() => null);
    if (!response?.ok) return;
    image.src = URL.createObjectURL(await response.blob());
    image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
  }

  /** @param {string} prompt */
  #direct(prompt) {
    if (!prompt.trim()) return;
    const sent = this.#avatar.direct(prompt.trim());
    byId("directed").textContent = t(sent ? "direction.sent" : "direction.idle");
    if (sent) byId("direction").reset();
  }
}
