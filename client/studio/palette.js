/** Directions put into the script: a toolbar, a list while a bracket is typed, a menu at a chip. */

import { make } from "../page/dom.js";
import { onLanguage, t } from "../page/texts/texts.js";
import { button, freshId, icon } from "./controls.js";
import { ALL, COMMON, keyOf, matching, MORE } from "./directions.js";
import { fields, inserted, opening, pauseOf, removed, replaced } from "./marks.js";
import { closeMenu, openMenu, place } from "./menu.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("./marks.js").Mark} Mark */

const PAUSE_S = 0.5;

export class Palette {
  /** @type {HTMLElement} */ #list;
  /** @type {string[]} */ #offered = [];
  #at = 0;
  /** @type {Editor|null} */ #typing = null;

  /** @param {HTMLElement} bar @param {() => Editor|undefined} editor the one that is written in */
  constructor(bar, editor) {
    this.bar = bar;
    this.editor = editor;
    this.#list = make("ul", { className: "menu suggestions", role: "listbox", id: freshId("suggestions"), hidden: true });
    document.body.append(this.#list);
    onLanguage(() => this.#fill());
    this.#fill();
    bar.addEventListener("keydown", (event) => this.#walk(event));
    // The caret stays where it is.
    bar.addEventListener("pointerdown", (event) => event.preventDefault());
  }

  #fill() {
    const chips = COMMON.map((word) => button(t(keyOf(word)), () => this.insert(`[${word}]`), { look: "chip" }));
    const pause = button(t("studio.pause"), () => this.insert(pauseOf(PAUSE_S)), { look: "chip pause", icon: "pause" });
    pause.setAttribute("aria-keyshortcuts", "Control+.");
    pause.title = t("studio.pause.insert");
    const more = button(t("studio.direction.more"), () => this.#more(more), { look: "chip", icon: "plus" });
    more.ariaHasPopup = "menu";
    this.bar.replaceChildren(pause, ...chips, more);
    [...this.bar.children].forEach((each, index) => (/** @type {HTMLElement} */ (each).tabIndex = index ? -1 : 0));
  }

  /** One stop of the Tab key; arrows move within. @param {KeyboardEvent} event */
  #walk(event) {
    const all = /** @type {HTMLElement[]} */ ([...this.bar.children]);
    const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const way = document.documentElement.dir === "rtl" ? -1 : 1;
    const to = { ArrowRight: at + way, ArrowLeft: at - way, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const next = all[(to + all.length) % all.length];
    for (const each of all) each.tabIndex = each === next ? 0 : -1;
    next.focus();
  }

  /** At the caret. @param {string} mark */
  insert(mark) {
    const editor = this.editor();
    if (!editor) return;
    const { text, at } = inserted(editor.box.value, editor.caret, mark);
    editor.put(text, at);
  }

  /** @param {HTMLElement} anchor */
  #more(anchor) {
    const items = MORE.map((word) => ({ words: t(keyOf(word)), act: () => this.insert(`[${word}]`) }));
    openMenu(anchor, t("studio.palette"), items, own("", (words) => this.insert(`[${words}]`)));
  }

  /** A chip: another direction, other words, or none. @param {HTMLElement} anchor @param {Editor} editor @param {Mark} mark */
  direct(anchor, editor, mark) {
    const put = (/** @type {string} */ words) => {
      const text = replaced(editor.box.value, mark, `[${words}]`);
      editor.put(text, mark.from + words.length + 2);
    };
    const remove = () => editor.put(removed(editor.box.value, mark), mark.from);
    const items = [
      { words: t("studio.direction.remove"), act: remove, icon: "bin", shortcut: t("studio.key.delete"), grave: true },
      ...ALL.filter((word) => word !== mark.value).map((word) => ({ words: t(keyOf(word)), act: () => put(word) })),
    ];
    openMenu(anchor, t("studio.direction.chip", { words: mark.value }), items, own(mark.value, put));
  }

  // --- while a bracket is typed -------------------------------------------------------------------

  /** @param {Editor} editor */
  typed(editor) {
    const open = opening(editor.box.value, editor.caret);
    const braces = /\{\{([\p{L}\p{N}_]*)$/u.exec(editor.box.value.slice(0, editor.caret));
    const columns = braces ? this.#columns(braces[1]) : [];
    this.#offered = open ? matching(open.typed, t).slice(0, 8) : columns;
    if (!this.#offered.length) return this.#hide();
    this.#typing = editor;
    this.#at = 0;
    this.#show(editor, Boolean(open));
  }

  /** Columns of tables that the script names already. @param {string} typed */
  #columns(typed) {
    const text = this.editor()?.studio.project.scenes.map((scene) => scene.text).join("\n") ?? "";
    const known = [...new Set(["first_name", ...fields(text)])];
    return known.filter((name) => name.startsWith(typed) && name !== typed);
  }

  /** @param {Editor} editor @param {boolean} directions */
  #show(editor, directions) {
    const words = (/** @type {string} */ word) => (directions ? t(keyOf(word)) : word);
    this.#list.ariaLabel = t("studio.palette");
    this.#list.replaceChildren(...this.#offered.map((word, index) => {
      const option = make("li", { role: "option", id: `${this.#list.id}-${index}` }, make("span", {}, words(word)));
      option.setAttribute("aria-selected", String(index === this.#at));
      option.addEventListener("pointerdown", (/** @type {Event} */ event) => {
        event.preventDefault();
        this.#at = index;
        this.#take();
      });
      return option;
    }));
    this.#list.hidden = false;
    place(this.#list, caretOf(editor));
    editor.box.setAttribute("aria-controls", this.#list.id);
    editor.box.setAttribute("aria-activedescendant", `${this.#list.id}-${this.#at}`);
  }

  #hide() {
    this.#typing?.box.removeAttribute("aria-activedescendant");
    this.#typing = null;
    this.#list.hidden = true;
  }

  /** Keys of a text box while the list is open; true: it was one of the list's. @param {KeyboardEvent} event */
  onKey(event) {
    if (!this.#typing || this.#list.hidden) return false;
    if (event.key === "Enter" || event.key === "Tab") this.#take();
    else if (event.key === "Escape") this.#hide();
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const count = this.#offered.length;
      this.#at = (this.#at + (event.key === "ArrowDown" ? 1 : count - 1)) % count;
      for (const [index, option] of [...this.#list.children].entries()) option.setAttribute("aria-selected", String(index === this.#at));
      this.#typing.box.setAttribute("aria-activedescendant", `${this.#list.id}-${this.#at}`);
    } else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  #take() {
    const editor = this.#typing;
    if (!editor) return;
    const word = this.#offered[this.#at];
    const { box, caret } = editor;
    const open = opening(box.value, caret);
    const from = open ? open.from : box.value.lastIndexOf("{{", caret);
    const mark = open ? `[${word}]` : `{{${word}}}`;
    const rest = box.value.slice(caret);
    const space = open && !/^\s/.test(rest) ? " " : "";
    const behind = open ? from + mark.length + 1 : from + mark.length;
    this.#hide();
    editor.put(box.value.slice(0, from) + mark + space + rest, behind);
  }

  close() {
    this.#hide();
    closeMenu();
  }
}

/** A direction in one's own words. @param {string} value @param {(words: string) => void} take */
function own(value, take) {
  const input = make("input", { type: "text", value, maxLength: 120, placeholder: t("studio.direction.own"), ariaLabel: t("studio.direction.own") });
  const form = make("form", { className: "own" }, input, make("button", { type: "submit", className: "tool", ariaLabel: t("studio.take") }, icon("check")));
  form.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    const words = input.value.replace(/[[\]]/g, "").trim();
    closeMenu();
    if (words) take(words);
  });
  return form;
}

/** Something that stands where the caret does. @param {Editor} editor @returns {HTMLElement} */
function caretOf(editor) {
  const range = document.createRange();
  const walker = document.createTreeWalker(editor.mirror, NodeFilter.SHOW_TEXT);
  let rest = editor.caret;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const length = node.textContent?.length ?? 0;
    if (rest <= length) {
      range.setStart(node, Math.max(0, rest - 1));
      range.setEnd(node, rest);
      break;
    }
    rest -= length;
  }
  const at = range.getBoundingClientRect();
  return /** @type {any} */ ({ getBoundingClientRect: () => (at.height ? at : editor.box.getBoundingClientRect()) });
}
