/**
 * What a visitor says to "Are you still there?". Pure. These words and a "please" beside them, no
 * others: a sentence that has one of them in it is a question like any other.
 */

/** @param {string} text */
const wordsOf = (text) => text.toLowerCase().normalize("NFKC").replace(/[^\p{L}\p{M}\p{N}' ]/gu, " ").split(/\s+/).filter(Boolean);

/** @param {string[]} words @param {string[]} phrase @param {Set<string>} besides */
function says(words, phrase, besides) {
  return phrase.every((word, at) => words[at] === word) && words.slice(phrase.length).every((word) => besides.has(word));
}

/** @param {string} text @param {(key: string) => string} t the page's texts: phrases with a | between
 * them @returns {"more"|"finish"|""} */
export function askedFor(text, t) {
  const words = wordsOf(text);
  const besides = new Set(wordsOf(t("kiosk.words.besides")));
  const isOneOf = (/** @type {string} */ key) => t(key).split("|").some((phrase) => says(words, wordsOf(phrase), besides));
  if (!words.length) return "";
  if (isOneOf("kiosk.words.finish")) return "finish";
  return isOneOf("kiosk.words.more") ? "more" : "";
}
