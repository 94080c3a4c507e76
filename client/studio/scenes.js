/** The list of scenes: chosen by click and arrows, moved by dragging and Alt with the arrows. */

import { byId, make } from "../page/dom.js";
import { onLanguage, t } from "../page/texts/texts.js";
import { seconds } from "./marks.js";
import { complete, moved, same } from "./model.js";
import { thumb } from "./thumb.js";
import { clock, number, sceneName } from "./words.js";

export class Scenes {
  #list = byId("scenes");
  /** @type {Map<string, {shown: any, look: any, item: HTMLElement, picture: HTMLElement}>} */ #items = new Map();
  #dragged = "";

  /** @param {import("./state.js").Studio} studio @param {import("./service.js").Service} service
   * @param {import("./script.js").Script} script @param {() => void} enter it was chosen to be written */
  constructor(studio, service, script, enter) {
    this.studio = studio;
    this.service = service;
    this.script = script;
    this.enter = enter;
    studio.listen((why) => this.#on(why));
    onLanguage(() => {
      this.#items.clear();
      this.render();
    });
    this.#list.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#onKey(event));
    this.#list.addEventListener("dragover", (/** @type {DragEvent} */ event) => this.#over(event));
    this.#list.addEventListener("drop", (/** @type {DragEvent} */ event) => event.preventDefault());
  }

  /** @param {string} why */
  #on(why) {
    if (why === "open" || why === "choices") this.#items.clear();
    this.render();
  }

  render() {
    const { project } = this.studio;
    const items = project.scenes.map((scene, at) => this.#item(scene, at));
    const now = [...this.#list.children];
    if (now.length !== items.length || items.some((item, at) => item !== now[at])) {
      const held = /** @type {HTMLElement} */ (document.activeElement);
      this.#list.replaceChildren(...items);
      if (held?.isConnected && this.#list.contains(held)) held.focus();
    }
    const sum = project.scenes.reduce((total, scene) => total + seconds(scene.text) + scene.after, 0);
    byId("length").textContent = clock(this.studio.seconds && same(project, this.studio.kept) ? this.studio.seconds : sum);
  }

  /** @param {import("./model.js").Scene} scene @param {number} at */
  #item(scene, at) {
    const { project } = this.studio;
    const found = this.#items.get(scene.name) ?? this.#made(scene.name);
    const whole = complete(project, scene);
    const look = [whole.avatar, whole.background, scene.beside, project.frame.aspect];
    if (!same(look, found.look)) {
      found.look = look;
      const picture = thumb(this.studio, this.service, whole);
      found.picture.replaceWith(picture);
      found.picture = picture;
    }
    const open = found.item.querySelector("button");
    const [title, about] = found.item.querySelectorAll(".words > *");
    title.textContent = sceneName(scene, at);
    about.textContent = `${number(at + 1)} · ${clock(seconds(scene.text))}`;
    const faulty = this.studio.faults.some((fault) => fault.scene === scene.name && fault.grave);
    found.item.toggleAttribute("data-faulty", faulty);
    open?.setAttribute("aria-current", String(scene.name === this.studio.chosen?.name));
    return found.item;
  }

  /** @param {string} name */
  #made(name) {
    const picture = make("span", { className: "thumb" });
    const words = make("span", { className: "words" }, make("b", { dir: "auto" }), make("small", {}));
    const open = make("button", { type: "button", className: "scene" }, picture, words);
    open.setAttribute("aria-keyshortcuts", "Alt+ArrowUp Alt+ArrowDown");
    const item = make("li", { draggable: true }, open);
    item.dataset.scene = name;
    open.addEventListener("click", () => {
      this.studio.choose(name);
      this.enter();
      this.script.focus(name);
    });
    open.addEventListener("contextmenu", (/** @type {Event} */ event) => {
      event.preventDefault();
      this.script.menu(name, open);
    });
    item.addEventListener("dragstart", (/** @type {DragEvent} */ event) => {
      this.#dragged = name;
      event.dataTransfer?.setData("text/plain", "");
      item.classList.add("dragged");
    });
    item.addEventListener("dragend", () => {
      this.#dragged = "";
      item.classList.remove("dragged");
    });
    const found = { shown: null, look: null, item, picture };
    this.#items.set(name, found);
    return found;
  }

  /** @param {DragEvent} event */
  #over(event) {
    const over = /** @type {HTMLElement|null} */ (/** @type {Element} */ (event.target).closest("li[data-scene]"));
    if (!this.#dragged) return;
    event.preventDefault();
    if (!over || over.dataset.scene === this.#dragged) return;
    const at = this.studio.project.scenes.findIndex((scene) => scene.name === over.dataset.scene);
    this.studio.edit(moved(this.studio.project, this.#dragged, at), "drag scene", this.#dragged);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const item = /** @type {HTMLElement|null} */ (/** @type {Element} */ (event.target).closest("li[data-scene]"));
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!item) return;
    const { scenes } = this.studio.project;
    const at = scenes.findIndex((scene) => scene.name === item.dataset.scene);
    if (event.key === "Delete" && scenes.length > 1) {
      event.preventDefault();
      this.script.remove(scenes[at].name);
    }
    if (by === undefined) return;
    event.preventDefault();
    if (event.altKey) {
      this.studio.edit(moved(this.studio.project, scenes[at].name, at + by), "", scenes[at].name);
      byId("told").textContent = t("studio.scene.moved", { number: number(Math.max(0, Math.min(scenes.length - 1, at + by)) + 1) });
      return;
    }
    const next = scenes[at + by];
    if (!next) return;
    this.studio.choose(next.name);
    this.#items.get(next.name)?.item.querySelector("button")?.focus();
  }
}
