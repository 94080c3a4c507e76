/** The script: every scene as a card with its text, one below the other, and the silence between them. */

import { make } from "../page/dom.js";
import { onLanguage, t } from "../page/texts/texts.js";
import { button, icon } from "./controls.js";
import { draggable, valued } from "./drag.js";
import { Editor } from "./editor.js";
import { added, moved, split, without, withScene } from "./model.js";
import { openMenu } from "./menu.js";
import { seconds } from "./marks.js";
import { clock, number, secondsWord, tongue } from "./words.js";

/** @typedef {import("./model.js").Scene} Scene */
/** @typedef {{scene: Scene|null, card: HTMLElement, editor: Editor, gap: HTMLElement, draw: (scene: Scene, at: number) => void}} Card */

const LONGEST_SILENCE = 10; // s

export class Script {
  /** @type {Map<string, Card>} */ #cards = new Map();

  /** @param {import("./state.js").Studio} studio @param {HTMLElement} place
   * @param {import("./palette.js").Palette} palette @param {(tab: string) => void} show a tab of settings */
  constructor(studio, place, palette, show) {
    this.studio = studio;
    this.place = place;
    this.palette = palette;
    this.show = show;
    studio.listen((why) => this.#on(why));
    onLanguage(() => {
      for (const { editor } of this.#cards.values()) editor.translate();
      this.#cards.forEach((card) => (card.scene = null));
      this.render();
    });
  }

  /** Of the chosen scene. @returns {Editor|undefined} */
  get editor() {
    return this.#cards.get(this.studio.chosen?.name ?? "")?.editor;
  }

  /** @param {string} why */
  #on(why) {
    if (why === "open") {
      this.#cards.clear();
      this.place.replaceChildren();
    }
    if (why !== "server") this.render();
  }

  render() {
    const { scenes } = this.studio.project;
    const names = new Set(scenes.map(({ name }) => name));
    for (const [name, { card, gap }] of this.#cards) {
      if (names.has(name)) continue;
      card.remove();
      gap.remove();
      this.#cards.delete(name);
    }
    scenes.forEach((scene, at) => {
      const card = this.#cards.get(scene.name) ?? this.#card(scene.name);
      card.draw(scene, at);
    });
    this.#order(scenes);
  }

  /** Moved only where they stand elsewhere: a text box that is moved loses the caret. @param {Scene[]} scenes */
  #order(scenes) {
    const wanted = scenes.flatMap(({ name }) => {
      const card = /** @type {Card} */ (this.#cards.get(name));
      return [card.card, card.gap];
    });
    const held = /** @type {HTMLElement} */ (document.activeElement);
    wanted.forEach((element, at) => {
      if (this.place.children[at] !== element) this.place.insertBefore(element, this.place.children[at] ?? null);
    });
    if (held?.isConnected && held !== document.activeElement) held.focus();
  }

  /** @param {string} name @returns {Card} */
  #card(name) {
    const editor = new Editor(this.studio, name, this.palette);
    const index = make("span", { className: "index", ariaHidden: "true" });
    const looks = make("div", { className: "looks" });
    const time = make("span", { className: "time" });
    const more = button(t("studio.scene.menu"), () => this.menu(name, more), { look: "tool", icon: "more" });
    more.ariaHasPopup = "menu";
    const head = make("header", {}, index, looks, time, more);
    const card = make("article", { className: "sheet-scene" }, head, editor.element);
    card.dataset.scene = name;
    card.addEventListener("pointerdown", () => this.studio.choose(name));
    const gap = this.#gap(name);
    /** @type {Card} */
    const made = { scene: null, card, editor, gap, draw: (scene, at) => {
      card.toggleAttribute("data-chosen", name === this.studio.chosen?.name);
      const words = t("studio.scene.number", { number: number(at + 1) });
      index.textContent = number(at + 1);
      if (card.ariaLabel !== words) card.ariaLabel = words;
      editor.label = `${t("studio.script")}, ${words}`;
      if (made.scene === scene) return;
      made.scene = scene;
      editor.show(scene.text);
      time.textContent = clock(seconds(scene.text));
      more.title = more.ariaLabel = t("studio.scene.menu");
      looks.replaceChildren(...this.#looks(scene));
      drawGap(gap, scene.after);
    } };
    this.#cards.set(name, made);
    return made;
  }

  /** What a scene has of its own, as buttons that lead there. @param {Scene} scene */
  #looks(scene) {
    const { project } = this.studio;
    const found = [
      scene.sound && ["voice", "mic", t("studio.scene.recorded")],
      scene.voice && scene.voice !== project.voice && ["voice", "voice", scene.voice],
      scene.language && scene.language !== project.language && ["voice", "globe", tongue(scene.language)],
      scene.style && ["voice", "check", scene.style],
      scene.avatar && scene.avatar !== project.avatar && ["look", "look", this.studio.avatar(scene.avatar)?.title || scene.avatar],
      scene.title && ["look", "format", scene.title],
      scene.lower_third && ["look", "format", scene.lower_third.name],
      scene.beside && ["look", "picture", scene.beside.file],
      scene.background && ["look", "picture", t(`studio.background.${scene.background.kind}`)],
    ];
    return found.filter(Boolean).map((each) => {
      const [tab, sign, words] = /** @type {string[]} */ (each);
      return button(words, () => {
        this.studio.choose(scene.name);
        this.show(tab);
      }, { look: "look-chip", icon: sign });
    });
  }

  /** @param {string} name */
  #gap(name) {
    const handle = make("button", { type: "button", className: "silence" });
    const find = () => this.studio.project.scenes.find((scene) => scene.name === name);
    const set = (/** @type {number} */ after) =>
      this.studio.edit(withScene(this.studio.project, name, { after: Math.round(after * 10) / 10 }), `after ${name}`);
    draggable(handle, { get: () => find()?.after ?? 0, set, min: 0, max: LONGEST_SILENCE, step: 0.1, perPixel: 0.02 });
    const add = button(t("studio.scene.add"), () => this.add(name), { look: "tool", icon: "plus" });
    return make("div", { className: "gap" }, handle, add);
  }

  /** A new scene behind another one. @param {string} behind */
  add(behind) {
    const { project, name } = added(this.studio.project, behind);
    this.studio.edit(project, "", name);
    this.focus(name);
  }

  /** @param {string} name @param {number} [at] */
  focus(name, at) {
    const card = this.#cards.get(name);
    if (!card) return;
    card.editor.box.focus({ preventScroll: true });
    if (at !== undefined) card.editor.caret = at;
    card.card.scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  }

  /** @param {string} name @param {HTMLElement} anchor */
  menu(name, anchor) {
    const { studio } = this;
    const at = studio.project.scenes.findIndex((scene) => scene.name === name);
    const scene = studio.project.scenes[at];
    if (!scene) return;
    const caret = this.#cards.get(name)?.editor.caret ?? 0;
    const cuts = caret > 0 && caret < scene.text.length;
    const move = (/** @type {number} */ by) => studio.edit(moved(studio.project, name, at + by), "", name);
    openMenu(anchor, t("studio.scene.menu"), [
      { words: t("studio.scene.up"), icon: "up", shortcut: "Alt ↑", act: () => move(-1), off: at === 0 },
      { words: t("studio.scene.down"), icon: "down", shortcut: "Alt ↓", act: () => move(1), off: at === studio.project.scenes.length - 1 },
      { words: t("studio.scene.split"), icon: "format", act: () => this.split(name, caret), off: !cuts },
      { words: t("studio.scene.copy"), icon: "copy", act: () => this.copy(scene) },
      { words: t("studio.scene.remove"), icon: "bin", act: () => this.remove(name), grave: true, off: studio.project.scenes.length < 2 },
    ]);
  }

  /** @param {string} name @param {number} caret */
  split(name, caret) {
    const cut = split(this.studio.project, name, caret);
    this.studio.edit(cut.project, "", cut.name);
    this.focus(cut.name, 0);
  }

  /** @param {Scene} scene */
  copy(scene) {
    const { name: _name, ...fields } = scene;
    const { project, name } = added(this.studio.project, scene.name, fields);
    this.studio.edit(project, "", name);
    this.focus(name);
  }

  /** @param {string} name */
  remove(name) {
    const { scenes } = this.studio.project;
    const at = scenes.findIndex((scene) => scene.name === name);
    const next = scenes[at + 1] ?? scenes[at - 1];
    if (!next) return;
    this.studio.edit(without(this.studio.project, name), "", next.name);
    this.focus(next.name);
  }

  /** Over the edge of a text to the next scene. @param {KeyboardEvent} event */
  walk(event) {
    const { editor } = this;
    if (!editor || event.target !== editor.box || editor.box.selectionStart !== editor.box.selectionEnd) return;
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const edge = by === -1 ? 0 : editor.box.value.length;
    if (!by || event.altKey || event.shiftKey || editor.caret !== edge) return;
    const { scenes } = this.studio.project;
    const next = scenes[scenes.findIndex(({ name }) => name === editor.scene) + by];
    if (!next) return;
    event.preventDefault();
    this.focus(next.name, by > 0 ? 0 : next.text.length);
  }
}

/** @param {HTMLElement} gap @param {number} after s */
function drawGap(gap, after) {
  const handle = /** @type {HTMLElement} */ (gap.firstElementChild);
  handle.ariaLabel = t("studio.silence");
  handle.title = t("studio.silence.title");
  valued(handle, after, secondsWord(after));
  handle.replaceChildren(icon("pause"), make("bdi", { dir: "ltr" }, `${number(after)} s`));
  /** @type {HTMLElement} */ (gap.lastElementChild).title = t("studio.scene.add.here");
}

