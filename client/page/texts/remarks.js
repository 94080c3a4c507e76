/** What the server says of a photo, in the page's language. Its sentences are those of
 * models/bake/remarks.py; one that is not known here is shown as it is. */

import { t } from "./texts.js";

/** How each begins. @type {[RegExp, string][]} */
export const REMARKS = [
  [/^The face is turned away/, "turned"],
  [/^The photo is cut close/, "tight"],
  [/^The face is only (\d+) px/, "small"],
  [/^The eyes are closed/, "closed"],
  [/^The face is very dark/, "dark"],
  [/^The head is tilted/, "tilted"],
  [/^Part of the face is overexposed/, "burnt"],
  [/^The face is out of focus/, "blurred"],
  [/^The mouth is hidden/, "hidden"],
  [/^Glare hides/, "glare"],
  [/^An eye is hidden/, "eye"],
];

/** @param {string} words of the server */
export function remark(words) {
  for (const [begins, name] of REMARKS) {
    const found = begins.exec(words);
    if (found) return t(`remark.${name}`, { pixels: found[1] ?? "" });
  }
  return words;
}
