/**
 * The page's own words in the visitor's language: `t(key)`, and what of the document has keys.
 *
 * An element says its key in `data-text` (its text), `data-text-label` (aria-label),
 * `data-text-title` or `data-text-placeholder`. English is there at once; others are loaded when they
 * are asked for. What a language lacks is shown in English.
 */

import english from "./en.js";

/** Languages that the page has words in. */
export const LANGUAGES = ["en", "es", "fr", "de", "zh", "ar"];
const RIGHT_TO_LEFT = new Set(["ar", "fa", "he", "ur", "yi", "ps", "sd", "ug", "dv"]);

/** @type {Record<string, string>} */ const fallback = { ...english };
/** @type {Record<string, string>} */ let own = fallback;
/** Each gives its texts in a language. @type {((tag: string) => Promise<Record<string, string>>)[]} */
const sources = [async (tag) => (await import(`./${tag}.js`)).default];
let now = "en";
let wanted = 0;
/** @type {Set<() => void>} */ const listeners = new Set();

/** The language of a BCP 47 tag without region and script: "pt-BR" -> "pt". @param {string} tag */
export const primary = (tag) => tag.replace("_", "-").split("-")[0].toLowerCase();

/** The page's language, one of LANGUAGES. */
export const language = () => now;

/** Which way a language is written. @param {string} tag @returns {"rtl"|"ltr"} */
export const direction = (tag) => (RIGHT_TO_LEFT.has(primary(tag)) ? "rtl" : "ltr");

/** One text, what is in braces filled in. @param {string} key
 * @param {Record<string, string|number>} values @returns {string} */
export function t(key, values = {}) {
  const text = own[key] ?? fallback[key];
  if (text === undefined) throw new Error(`the page has no text ${key}`);
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** Whether there is such a text. @param {string} key */
export const has = (key) => key in fallback;

/** A page's texts of its own, beside the common ones, before it first calls `speak`.
 * @param {Record<string, string>} texts in English
 * @param {(tag: string) => Promise<Record<string, string>>} load in another of LANGUAGES */
export function include(texts, load) {
  Object.assign(fallback, texts);
  sources.push(load);
}

/** Show the page in a language; in English if it has no words in it. The newest call wins.
 * @param {string} tag */
export async function speak(tag) {
  const next = LANGUAGES.includes(primary(tag)) ? primary(tag) : "en";
  const mine = ++wanted;
  const texts = next === "en" ? [] : await Promise.all(sources.map((load) => load(next)));
  if (mine !== wanted) return;
  own = next === "en" ? fallback : Object.assign({}, ...texts);
  now = next;
  document.documentElement.lang = next;
  document.documentElement.dir = direction(next);
  translate(document);
  for (const listener of listeners) listener();
}

/** Call `listener` whenever the page speaks another language. @param {() => void} listener */
export function onLanguage(listener) {
  listeners.add(listener);
}

/** Write all texts of the elements under `root` that have keys. @param {ParentNode} root */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-text]")) {
    element.textContent = t(/** @type {HTMLElement} */ (element).dataset.text ?? "");
  }
  for (const [attribute, name] of [
    ["data-text-label", "aria-label"], ["data-text-title", "title"], ["data-text-placeholder", "placeholder"],
  ]) {
    for (const element of root.querySelectorAll(`[${attribute}]`)) {
      element.setAttribute(name, t(element.getAttribute(attribute) ?? ""));
    }
  }
}
