/** The directions that are offered: what stands in the bracket, and what the page calls it. */

/** The ones on the toolbar; each has a text `studio.direction.KEY`. */
export const COMMON = ["confident", "warm", "thoughtful", "happy", "serious", "slower", "faster", "smiles", "nods"];
export const MORE = [
  "calm", "friendly", "excited", "energetic", "proud", "curious", "surprised", "concerned", "sympathetic", "sorry",
  "playful", "quieter", "louder", "keep still", "raise your eyebrows", "tilt your head", "wink", "neutral",
];
export const ALL = [...COMMON, ...MORE];

/** Key of a direction's text. @param {string} word */
export const keyOf = (word) => `studio.direction.${word.replaceAll(" ", "-")}`;

/** Those that begin like what is typed, by their own words or the page's.
 * @param {string} typed @param {(key: string) => string} t @returns {string[]} */
export function matching(typed, t) {
  const wanted = typed.trim().toLowerCase();
  if (!wanted) return COMMON;
  return ALL.filter((word) => [word, t(keyOf(word)).toLowerCase()].some((each) => each.split(" ").some((part) => part.startsWith(wanted)) || each.startsWith(wanted)));
}
