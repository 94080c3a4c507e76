/**
 * The text of one scene: an ordinary text box, over a layer that draws the same letters with the
 * directions and fields as chips, under one with the handles of pauses and chips.
 *
 * A text box keeps what a drawn editor loses: input methods, spelling, selection, screen readers.
 */

import { make } from "../page/dom.js";
import { t } from "../page/texts/texts.js";
import { draggable, valued } from "./drag.js";
import { LONGEST_PAUSE, markAt, marks, pauseOf, removed, replaced } from "./marks.js";
import { withScene } from "./model.js";
import { number, secondsWord } from "./words.js";

/** @typedef {import("./marks.js").Mark} Mark */

const S_PER_PX = 0.02;

export class Editor {
  /** @type {Mark[]} */ #marks = [];
  /** @type {HTMLButtonElement[]} */ #handles = [];
  #caret = 0;
  #text = "\0";
  #said = "";

  /** @param {import("./state.js").Studio} studio @param {string} scene
   * @param {{direct: (anchor: HTMLElement, editor: Editor, mark: Mark) => void, typed: (editor: Editor) => void}} palette */
  constructor(studio, scene, palette) {
    this.studio = studio;
    this.scene = scene;
    this.palette = palette;
    this.mirror = make("div", { className: "mirror", ariaHidden: "true", dir: "auto" });
    this.box = make("textarea", { dir: "auto", rows: 1, spellcheck: true, maxLength: 400_000, placeholder: t("studio.script.placeholder") });
    this.layer = make("div", { className: "handles", role: "group", ariaLabel: t("studio.marks") });
    this.element = make("div", { className: "script" }, this.mirror, this.box, this.layer);
    this.box.addEventListener("input", () => this.#typed());
    this.box.addEventListener("beforeinput", (/** @type {InputEvent} */ event) => this.#before(event));
    this.box.addEventListener("focus", () => studio.choose(scene));
    this.box.addEventListener("focus", () => document.addEventListener("selectionchange", this.#selected));
    this.box.addEventListener("blur", () => document.removeEventListener("selectionchange", this.#selected));
    // Keys may come quicker than the browser tells of the caret.
    this.box.addEventListener("keydown", () => this.#selected());
    new ResizeObserver(() => this.#place()).observe(this.mirror);
  }

  get caret() {
    return this.box.selectionStart;
  }

  /** @param {number} at */
  set caret(at) {
    this.#caret = at;
    this.box.setSelectionRange(at, at);
  }

  /** @param {string} label of the text box */
  set label(label) {
    if (this.box.ariaLabel !== label) this.box.ariaLabel = label;
  }

  /** The page has another language. */
  translate() {
    this.box.placeholder = t("studio.script.placeholder");
    this.layer.ariaLabel = t("studio.marks");
    this.#text = "\0";
  }

  /** @param {string} text */
  show(text) {
    if (text === this.#text) return;
    this.#text = text;
    this.#marks = marks(text);
    if (this.box.value !== text) this.#write(text);
    this.#draw();
  }

  /** From outside: the caret stands behind what has changed. @param {string} text */
  #write(text) {
    const before = this.box.value;
    let same = 0;
    while (same < Math.min(before.length, text.length) && before.at(-1 - same) === text.at(-1 - same)) same += 1;
    this.box.value = text;
    if (document.activeElement === this.box) this.caret = text.length - same;
  }

  /** A change by the page itself. @param {string} text @param {number} [caret] @param {string} key */
  put(text, caret, key = "") {
    this.studio.edit(withScene(this.studio.project, this.scene, { text }), key && `${key} ${this.scene}`, this.scene);
    if (caret !== undefined) {
      this.box.focus();
      this.caret = caret;
    }
  }

  /** Show which part is being said; an empty one: none. @param {number} from @param {number} to */
  saying(from, to) {
    const now = `${from} ${to}`;
    if (now === this.#said) return;
    this.#said = now;
    this.#draw();
  }

  #typed() {
    this.put(this.box.value, undefined, "text");
    this.palette.typed(this);
  }

  /** Chips go as a whole, and the box's own undo knows too little. @param {InputEvent} event */
  #before(event) {
    if (event.inputType === "historyUndo" || event.inputType === "historyRedo") {
      event.preventDefault();
      if (event.inputType === "historyUndo") this.studio.undo();
      else this.studio.redo();
      return;
    }
    if (this.box.selectionStart !== this.box.selectionEnd) return;
    const back = event.inputType === "deleteContentBackward";
    if (!back && event.inputType !== "deleteContentForward") return;
    const at = this.caret;
    const mark = this.#marks.find(({ from, to }) => (back ? at > from && at <= to : at >= from && at < to));
    if (!mark) return;
    event.preventDefault();
    this.put(removed(this.#text, mark), mark.from);
  }

  /** The caret stands before or behind a chip, never within. */
  #selected = () => {
    if (this.box.selectionStart !== this.box.selectionEnd) return;
    const at = this.box.selectionStart;
    const mark = markAt(this.box.value, at);
    if (mark && mark.kind !== "field") this.caret = this.#caret <= mark.from ? mark.to : mark.from;
    else this.#caret = at;
  };

  // --- drawing ----------------------------------------------------------------------------------

  #draw() {
    const text = this.#text;
    const [from, to] = this.#said ? this.#said.split(" ").map(Number) : [0, 0];
    const pieces = [];
    let at = 0;
    for (const mark of this.#marks) {
      pieces.push(...this.#plain(at, mark.from, from, to), drawn(mark, text.slice(mark.from, mark.to)));
      at = mark.to;
    }
    // A line that is empty still has its height.
    pieces.push(...this.#plain(at, text.length, from, to), "\u200b");
    this.mirror.replaceChildren(...pieces);
    this.#hold();
    this.#place();
  }

  /** Text without marks; the part that is being said is lit. @param {number} begin @param {number} end
   * @param {number} from @param {number} to @returns {(string|Node)[]} */
  #plain(begin, end, from, to) {
    const text = this.#text;
    const [first, last] = [Math.max(begin, from), Math.min(end, to)];
    if (last <= first) return [text.slice(begin, end)];
    return [text.slice(begin, first), make("mark", { className: "said" }, text.slice(first, last)), text.slice(last, end)];
  }

  /** A handle for each mark; one that is held keeps its element. */
  #hold() {
    const wanted = this.#marks.filter(({ kind }) => kind !== "field");
    while (this.#handles.length > wanted.length) this.#handles.pop()?.remove();
    wanted.forEach((mark, index) => {
      const held = this.#handles[index];
      if (held?.dataset.kind !== mark.kind) {
        const handle = this.#handle(mark.kind, index);
        if (held) held.replaceWith(handle);
        else this.layer.append(handle);
        this.#handles[index] = handle;
      }
      this.#label(this.#handles[index], mark);
    });
  }

  /** @param {"pause"|"direction"|"field"} kind @param {number} index @returns {HTMLButtonElement} */
  #handle(kind, index) {
    const handle = make("button", { type: "button", className: `handle ${kind}` });
    handle.dataset.kind = kind;
    const mark = () => this.#marks.filter((each) => each.kind !== "field")[index];
    const remove = () => {
      const gone = mark();
      this.put(removed(this.#text, gone), gone.from);
    };
    if (kind === "pause") {
      const set = (/** @type {number} */ value) =>
        this.put(replaced(this.#text, mark(), pauseOf(value)), undefined, `pause ${index}`);
      draggable(handle, { get: () => Number(mark().value), set, remove, min: 0.1, max: LONGEST_PAUSE, step: 0.1, perPixel: S_PER_PX });
      handle.ariaLabel = t("studio.pause");
      return handle;
    }
    handle.ariaHasPopup = "menu";
    handle.addEventListener("click", () => this.palette.direct(handle, this, mark()));
    handle.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Delete" && event.key !== "Backspace") return;
      event.preventDefault();
      remove();
    });
    return handle;
  }

  /** @param {HTMLButtonElement} handle @param {Mark} mark */
  #label(handle, mark) {
    if (mark.kind === "direction") {
      handle.ariaLabel = t("studio.direction.chip", { words: mark.value });
      return;
    }
    const value = Number(mark.value);
    valued(handle, value, secondsWord(value));
    handle.title = t("studio.pause.title");
    handle.replaceChildren(make("bdi", { dir: "ltr" }, `${number(value)} s`));
  }

  /** Where the drawn letters are. */
  #place() {
    const origin = this.element.getBoundingClientRect();
    if (!origin.width) return;
    const chips = this.mirror.querySelectorAll(".chip-text:not(.slot)");
    this.#handles.forEach((handle, index) => {
      const at = chips[index]?.getClientRects()[0];
      if (!at) return;
      const { style } = handle;
      style.left = `${at.left - origin.left}px`;
      style.top = `${at.top - origin.top}px`;
      style.width = `${at.width}px`;
      style.height = `${at.height}px`;
    });
  }
}

/** A mark as it is drawn: its own letters, so that the lines of both layers break alike.
 * @param {Mark} mark @param {string} raw */
function drawn({ kind }, raw) {
  const edge = kind === "field" ? 2 : 1;
  const [open, close] = [make("i", {}, raw.slice(0, edge)), make("i", {}, raw.slice(-edge))];
  return make("span", { className: `chip-text ${kind === "field" ? "slot" : kind}` }, open, raw.slice(edge, -edge), close);
}
