/** The form controls that the panels are made of: each labelled, each by keyboard. */

import { make } from "../page/dom.js";
import { t } from "../page/texts/texts.js";

let count = 0;
/** @param {string} prefix */
export const freshId = (prefix) => `${prefix}-${(count += 1)}`;

/** An icon of the page. @param {string} name */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

/** @param {string} words @param {() => void} act @param {{look?: string, icon?: string, label?: string}} how */
export function button(words, act, { look = "quiet", icon: name = "", label = "" } = {}) {
  const element = make("button", { type: "button", className: look });
  if (name) element.append(icon(name));
  if (look === "tool") element.append(make("span", { className: "unseen" }, label || words));
  else element.append(make("span", {}, words));
  if (look === "tool") element.title = label || words;
  else if (label) element.setAttribute("aria-label", label);
  element.addEventListener("click", act);
  return element;
}

/** A label with its control below it. @param {string} words @param {HTMLElement} control @param {string} hint */
export function field(words, control, hint = "") {
  const label = make("label", { className: "field" }, make("span", {}, words), control);
  if (!hint) return label;
  const told = make("small", { className: "hint", id: freshId("hint") }, hint);
  control.setAttribute("aria-describedby", told.id);
  label.append(told);
  return label;
}

/** @param {string} value @param {(value: string) => void} change @param {Record<string, any>} properties */
export function text(value, change, properties = {}) {
  const input = make("input", { type: "text", value, autocomplete: "off", dir: "auto", ...properties });
  input.addEventListener("input", () => change(input.value));
  return input;
}

/** @param {[string, string][]} options value, words @param {string} value
 * @param {(value: string) => void} change */
export function select(options, value, change) {
  const known = options.some(([each]) => each === value);
  const all = known ? options : [...options, /** @type {[string, string]} */ ([value, value])];
  const element = make("select", {}, ...all.map(([each, words]) => make("option", { value: each, selected: each === value }, words)));
  element.addEventListener("change", () => change(element.value));
  return element;
}

/** @param {string} words @param {boolean} checked @param {(on: boolean) => void} change */
export function toggle(words, checked, change) {
  const input = make("input", { type: "checkbox", checked });
  input.addEventListener("change", () => change(input.checked));
  return make("label", { className: "switch" }, input, make("span", {}), make("b", {}, words));
}

/** One of a few, side by side. @param {string} legend @param {[string, string|Node][]} options
 * @param {string} value @param {(value: string) => void} change @param {string} look */
export function segments(legend, options, value, change, look = "segments") {
  const name = freshId("choice");
  const choices = options.map(([each, words]) => {
    const input = make("input", { type: "radio", name, value: each, checked: each === value });
    input.addEventListener("change", () => change(each));
    return make("label", {}, input, typeof words === "string" ? make("span", {}, words) : words);
  });
  return make("fieldset", { className: look }, make("legend", {}, legend), make("div", {}, ...choices));
}

/** @param {string} words @param {{min: number, max: number, step: number, value: number}} range
 * @param {(value: number) => string} told @param {(value: number) => void} change */
export function slider(words, range, told, change) {
  const input = make("input", { type: "range", ...range, value: range.value });
  // The order matters: a value beyond the bounds of before would be cut.
  Object.assign(input, { min: range.min, max: range.max, step: range.step, value: range.value });
  const output = make("output", {}, told(range.value));
  input.setAttribute("aria-valuetext", told(range.value));
  input.addEventListener("input", () => {
    output.textContent = told(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
    change(Number(input.value));
  });
  return make("label", { className: "field slider" }, make("span", {}, words, output), input);
}

/** A place for a file: chosen, or dropped. @param {{words: string, accept: string, hint?: string, several?: boolean}} what
 * @param {(file: File) => void} take */
export function drop({ words, accept, hint = "" }, take) {
  const input = make("input", { type: "file", className: "unseen", accept });
  const told = make("span", { className: "drop-words" }, icon("plus"), make("b", {}, words), make("span", { className: "by-mouse" }, t("studio.drop")));
  if (hint) told.append(make("span", { className: "limit" }, hint));
  const label = make("label", { className: "drop small" }, input, told);
  input.addEventListener("change", () => {
    if (input.files?.[0]) take(input.files[0]);
    input.value = ""; // the same file may be chosen again
  });
  dropping(label, take);
  return label;
}

/** Take files that are dropped on an element. @param {HTMLElement} place @param {(file: File) => void} take */
export function dropping(place, take) {
  for (const name of ["dragenter", "dragover"]) {
    place.addEventListener(name, (event) => {
      if (!(/** @type {DragEvent} */ (event).dataTransfer?.types.includes("Files"))) return;
      event.preventDefault();
      place.classList.add("over");
    });
  }
  place.addEventListener("dragleave", () => place.classList.remove("over"));
  place.addEventListener("drop", (event) => {
    place.classList.remove("over");
    const file = /** @type {DragEvent} */ (event).dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    event.stopPropagation();
    take(file);
  });
}

/** Tabs by arrow keys, as one stop of the Tab key. @param {HTMLElement} list @param {(tab: HTMLElement) => void} choose */
export function tabbing(list, choose) {
  const all = () => /** @type {HTMLElement[]} */ ([...list.querySelectorAll("[role=tab]")]);
  list.addEventListener("keydown", (event) => {
    const tabs = all();
    const at = tabs.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const way = document.documentElement.dir === "rtl" ? -1 : 1;
    const to = { ArrowRight: at + way, ArrowLeft: at - way, Home: 0, End: tabs.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const tab = tabs[(to + tabs.length) % tabs.length];
    tab.focus();
    choose(tab);
  });
  list.addEventListener("click", (event) => {
    const tab = /** @type {Element} */ (event.target).closest("[role=tab]");
    if (tab) choose(/** @type {HTMLElement} */ (tab));
  });
}

/** @param {HTMLElement} list @param {HTMLElement} chosen */
export function selectTab(list, chosen) {
  for (const tab of list.querySelectorAll("[role=tab]")) {
    tab.setAttribute("aria-selected", String(tab === chosen));
    /** @type {HTMLElement} */ (tab).tabIndex = tab === chosen ? 0 : -1;
  }
}
