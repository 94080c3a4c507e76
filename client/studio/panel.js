/** The tabs of settings beside the script: which one is open, and for what it holds. */

import { byId, make } from "../page/dom.js";
import { onLanguage, t } from "../page/texts/texts.js";
import { icon, segments, selectTab, tabbing } from "./controls.js";
import { same, withScene } from "./model.js";

/** @typedef {import("./model.js").Project} Project */
/** @typedef {import("./model.js").Scene} Scene */
/** @typedef {{studio: import("./state.js").Studio, scope: "film"|"scene", owner: Project|Scene,
 *   set: (fields: Record<string, any>, key?: string) => void, redraw: () => void}} Scope */
/** @typedef {{name: string, icon: string, scoped: boolean, draw: (scope: Scope) => (Node|string)[],
 *   looks: (studio: import("./state.js").Studio) => any}} Tab looks: what it shows, so that it is drawn anew
 *   when another hand has changed that */

export class Panel {
  #list = byId("tabs");
  #place = byId("panes");
  #open = "voice";
  /** @type {"film"|"scene"} */ #scope = "film";
  /** @type {any} */ #drawn = null;
  #mine = false;

  /** @param {import("./state.js").Studio} studio @param {Tab[]} tabs */
  constructor(studio, tabs) {
    this.studio = studio;
    this.tabs = tabs;
    tabbing(this.#list, (tab) => this.open(tab.dataset.tab ?? ""));
    studio.listen((why) => this.#on(why));
    onLanguage(() => this.#fill());
    this.#fill();
  }

  #fill() {
    this.#list.replaceChildren(...this.tabs.map(({ name, icon: sign }) => {
      const tab = make("button", { type: "button", role: "tab", id: `tab-${name}` }, icon(sign), make("span", {}, t(`studio.tab.${name}`)));
      tab.dataset.tab = name;
      tab.setAttribute("aria-controls", "panes");
      return tab;
    }));
    this.#place.setAttribute("role", "tabpanel");
    this.#place.tabIndex = -1;
    this.open(this.#open);
  }

  /** @param {string} why */
  #on(why) {
    if (why === "open") this.#scope = "film";
    // What is typed here draws itself; another hand, or undo, has it drawn anew.
    if (this.#mine) return;
    if (!same(this.#looks(), this.#drawn)) this.draw();
  }

  #looks() {
    const tab = this.#tab;
    const { chosen, project } = this.studio;
    return [tab.looks(this.studio), this.#scope, tab.scoped ? chosen?.name : "", project.scenes.findIndex(({ name }) => name === chosen?.name)];
  }

  get #tab() {
    return this.tabs.find(({ name }) => name === this.#open) ?? this.tabs[0];
  }

  /** @param {string} name @param {"film"|"scene"} [scope] */
  open(name, scope) {
    this.#open = name;
    if (scope) this.#scope = scope;
    selectTab(this.#list, byId(`tab-${name}`));
    this.#place.setAttribute("aria-labelledby", `tab-${name}`);
    this.draw();
    this.#place.scrollTop = 0;
  }

  /** Open a tab for the chosen scene, and go there. @param {string} name */
  show(name) {
    this.open(name, "scene");
    document.body.dataset.view = "picture";
    this.#place.querySelector("input, select, button")?.focus({ preventScroll: true });
  }

  draw() {
    const tab = this.#tab;
    this.#drawn = this.#looks();
    const held = document.activeElement;
    const at = this.#place.contains(held) ? focusable(this.#place).indexOf(/** @type {HTMLElement} */ (held)) : -1;
    const pieces = this.studio.name ? tab.draw(this.#scoped(tab)) : [];
    this.#place.replaceChildren(...(tab.scoped && this.studio.name ? [this.#choice()] : []), ...pieces);
    if (at >= 0) focusable(this.#place)[Math.min(at, focusable(this.#place).length - 1)]?.focus({ preventScroll: true });
  }

  #choice() {
    const choose = (/** @type {string} */ scope) => {
      this.#scope = /** @type {any} */ (scope);
      this.draw();
    };
    const at = this.studio.project.scenes.findIndex(({ name }) => name === this.studio.chosen?.name);
    return segments(t("studio.scope"), [
      ["film", t("studio.scope.film")], ["scene", t("studio.scope.scene", { number: at + 1 })],
    ], this.#scope, choose);
  }

  /** @param {Tab} tab @returns {Scope} */
  #scoped(tab) {
    const { studio } = this;
    const scene = tab.scoped && this.#scope === "scene" ? studio.chosen : undefined;
    return {
      studio,
      scope: scene ? "scene" : "film",
      owner: scene ?? studio.project,
      set: (fields, key = "") => {
        this.#mine = true;
        const where = key && `${key} ${scene?.name ?? ""}`;
        if (scene) studio.change((project) => withScene(project, scene.name, fields), where);
        else studio.change((project) => ({ ...project, ...fields }), where);
        this.#mine = false;
        this.#drawn = this.#looks();
      },
      redraw: () => this.draw(),
    };
  }
}

/** @param {HTMLElement} place @returns {HTMLElement[]} */
const focusable = (place) => /** @type {any} */ ([...place.querySelectorAll("button, input, select, textarea, a[href], summary")]);
