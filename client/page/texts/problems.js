/** What the server says went wrong, in the page's language: by its code, where the page has words. */

import { has, language, t } from "./texts.js";

/** In English the server's own sentence, which may say more.
 * @param {string} code of a problem or an error, or "goodbye." and why @param {string} words */
export function problem(code, words) {
  const key = code.startsWith("goodbye.") ? code : `problem.${code}`;
  return language() !== "en" && has(key) ? t(key) : words;
}
