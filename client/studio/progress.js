/** How far something is that takes its time: a bar, words, time left. */

import { make } from "../page/dom.js";
import { has, t } from "../page/texts/texts.js";
import { left, percent } from "./words.js";

/** @typedef {{element: HTMLElement, show: (state: {status: string, done: number, left?: number|null, note?: string}) => void}} Progress */

/** @param {string} label @returns {Progress} */
export function progress(label) {
  const bar = make("progress", { max: 1, value: 0, ariaLabel: label });
  const words = make("span", { className: "progress-words" });
  const rest = make("span", { className: "progress-left" });
  const element = make("div", { className: "progress" }, bar, make("p", { className: "soft" }, words, rest));
  const show = (/** @type {{status: string, done: number, left?: number|null, note?: string}} */ { status, done, left: seconds, note }) => {
    if (status === "queued") bar.removeAttribute("value");
    else bar.value = done;
    words.textContent = status === "queued" ? t("studio.status.queued") : [percent(done), noteWords(note)].filter(Boolean).join(" · ");
    rest.textContent = status === "running" ? left(seconds) : "";
  };
  return { element, show };
}

/** What it does now, in the page's words where it has some. @param {string|undefined} note */
function noteWords(note) {
  if (!note) return "";
  const key = `studio.note.${note.toLowerCase().replace(/[^a-z]+/g, "-").replace(/^-|-$/g, "")}`;
  return has(key) ? t(key) : note;
}
