/**
 * What a visitor says to "Are you still there?". Pure. Only these words and no others: a sentence that
 * has one of them in it is a question like any other.
 */

const FILLERS = 2; // words beside them, as in "yes please, thank you"

/** @param {string} text */
const wordsOf = (text) => text.toLowerCase().normalize("NFKC").replace(/[^\p{L}\p{M}\p{N}' ]/gu, " ").split(/\s+/).filter(Boolean);

/** @param {string[]} words @param {string[]} phrase */
function begins(words, phrase) {
  return words.length <= phrase.length + FILLERS && phrase.every((word, at) => words[at] === word);
}

/** @param {string} text @param {(key: string) => string} t the page's texts: phrases with a | between
 * them @returns {"more"|"finish"|""} */
export function askedFor(text, t) {
  const words = wordsOf(text);
  const isOneOf = (/** @type {string} */ key) => t(key).split("|").some((phrase) => begins(words, wordsOf(phrase)));
  if (!words.length) return "";
  if (isOneOf("kiosk.words.finish")) return "finish";
  return isOneOf("kiosk.words.more") ? "more" : "";
}
