/**
 * What stands in a script besides words: directions and pauses in brackets, fields of a table in
 * braces; and the sentences between them. Knows nothing of the page.
 */

/** @typedef {{kind: "direction"|"pause"|"field", from: number, to: number, value: string}} Mark */

const MARK = /\[([^[\]\n]{1,200})\]|\{\{([^{}\n]{1,300})\}\}/g;
const PAUSE = /^pause(?:\s+(\d+(?:\.\d+)?)\s*s?)?$/i;
const END = /[.!?…;。！？；۔؟]["'”’»)\]]*(?=\s|$)|[。！？；]|\n/g;
export const LONGEST_PAUSE = 10; // s
const WORDS_PER_S = 2.6;
const CJK_PER_S = 4.6;
const CJK = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/gu;

/** In the order in which they stand. @param {string} text @returns {Mark[]} */
export function marks(text) {
  return [...text.matchAll(MARK)].map((found) => {
    const [all, bracket, field] = found;
    const from = found.index;
    const to = from + all.length;
    if (field !== undefined) return { kind: "field", from, to, value: field.trim() };
    const pause = PAUSE.exec(bracket.trim());
    return pause ? { kind: "pause", from, to, value: pause[1] ?? "0.5" } : { kind: "direction", from, to, value: bracket.trim() };
  });
}

/** The mark that a place in the text is within, or at its end with `edge`. @param {string} text @param {number} at
 * @param {boolean} edge @returns {Mark|undefined} */
export const markAt = (text, at, edge = false) =>
  marks(text).find(({ from, to }) => at > from && (edge ? at <= to : at < to));

/** "[pause 0.5]". @param {number} seconds */
export function pauseOf(seconds) {
  const tenths = Math.round(Math.max(0.1, Math.min(LONGEST_PAUSE, seconds)) * 10) / 10;
  return `[pause ${tenths}]`;
}

/** @param {string} text @param {{from: number, to: number}} at @param {string} by */
export const replaced = (text, { from, to }, by) => text.slice(0, from) + by + text.slice(to);

/** Without a mark, and without the second of two spaces that it stood between.
 * @param {string} text @param {Mark} mark */
export function removed(text, { from, to }) {
  const doubled = (from === 0 || text[from - 1] === " ") && text[to] === " ";
  return text.slice(0, from) + text.slice(doubled ? to + 1 : to);
}

/** With a mark put in at a place, a space on either side where words are. @param {string} text
 * @param {number} at @param {string} mark @returns {{text: string, at: number}} at: behind it */
export function inserted(text, at, mark) {
  const before = at > 0 && !/\s/.test(text[at - 1]) ? " " : "";
  const after = /\s/.test(text[at] ?? "") ? "" : " ";
  const whole = before + mark + after;
  return { text: text.slice(0, at) + whole + text.slice(at), at: at + whole.length + (after ? 0 : 1) };
}

/** Where the sentence around a place begins and ends, and the direction that is in force there.
 * @param {string} text @param {number} at @returns {{from: number, to: number, words: string, direction: string}} */
export function sentenceAt(text, at) {
  const found = sentences(text);
  const here = found.find(({ to }) => at <= to) ?? found.at(-1);
  return here ?? { from: 0, to: 0, words: "", direction: "" };
}

/** All that are spoken, in order. @param {string} text */
export function sentences(text) {
  const found = marks(text).filter(({ kind }) => kind !== "field");
  const cuts = [0, ...found.flatMap(({ from, to }) => [from, to]), text.length];
  let direction = "";
  const all = [];
  for (let index = 0; index + 1 < cuts.length; index += 1) {
    const mark = found.find(({ from }) => from === cuts[index]);
    if (mark && mark.to === cuts[index + 1]) {
      if (mark.kind === "direction") direction = mark.value;
      continue;
    }
    for (const { from, to } of cut(text, cuts[index], cuts[index + 1])) {
      all.push({ from, to, words: text.slice(from, to).trim(), direction });
    }
  }
  return all.filter(({ words }) => /[\p{L}\p{N}]/u.test(words));
}

/** @param {string} text @param {number} from @param {number} to */
function cut(text, from, to) {
  const pieces = [];
  let begin = from;
  for (const { 0: end, index } of text.slice(from, to).matchAll(END)) {
    pieces.push({ from: begin, to: from + index + end.length });
    begin = from + index + end.length;
  }
  if (begin < to) pieces.push({ from: begin, to });
  return pieces;
}

/** As it is sent to be said: with the direction in force, so that one sentence sounds as in the film.
 * @param {{words: string, direction: string}} sentence */
export const asSaid = ({ words, direction }) => (direction ? `[${direction}] ${words}` : words);

/** About how long it takes, s; the server's estimate knows the voice. Asked of the same texts with every
 * letter that is typed in one of them. @param {string} text @returns {number} */
export function seconds(text) {
  const found = known.get(text) ?? counted(text);
  if (known.size > MOST_KNOWN) known.clear();
  known.set(text, found);
  return found;
}

/** @type {Map<string, number>} */ const known = new Map();
const MOST_KNOWN = 1000;

/** @param {string} text */
function counted(text) {
  const found = marks(text);
  const paused = found.reduce((sum, { kind, value }) => sum + (kind === "pause" ? Number(value) : 0), 0);
  const spoken = text.replace(MARK, (all) => (all.startsWith("{") ? "name" : " "));
  const cjk = spoken.match(CJK)?.length ?? 0;
  const words = spoken.replace(CJK, " ").match(/[\p{L}\p{N}'’-]+/gu)?.length ?? 0;
  return words / WORDS_PER_S + cjk / CJK_PER_S + paused;
}

/** The bracket that is being typed before a place: what stands in it so far, null: none is open.
 * @param {string} text @param {number} at @returns {{from: number, typed: string}|null} */
export function opening(text, at) {
  const found = /\[([^[\]\n]{0,40})$/.exec(text.slice(0, at));
  return found && !/^[^[\n]*\]/.test(text.slice(at)) ? { from: found.index, typed: found[1] } : null;
}

/** As it may sound for one row: the first of what a condition chooses from, an empty cell's words or
 * the column's name. @param {string} text */
export const filled = (text) => text
  .replace(/\{\{\s*#if[^{}]*\}\}([^]*?)(?:\{\{\s*else[^]*?)?\{\{\s*\/if\s*\}\}/g, "$1")
  .replace(/\{\{\s*([^{}|]*?)\s*(?:\|([^{}]*))?\}\}/g, (_all, name, other) => (/^(#|\/|else)/.test(name) ? "" : (other ?? name.replaceAll("_", " ")).trim()));

/** Fields of a table that a text asks for. @param {string} text @returns {string[]} */
export function fields(text) {
  const asked = marks(text).filter(({ kind, value }) => kind === "field" && !/^(else$|\/)/.test(value));
  const names = asked.map(({ value }) => /^(?:#if|else if)?\s*(?:not\s+)?([\p{L}_][\p{L}\p{N}_ ]*?)\s*(?:$|[|=!<>]|\bis\b)/u.exec(value)?.[1] ?? "");
  return [...new Set(names.filter(Boolean).map((name) => name.toLowerCase().replaceAll(" ", "_")))];
}
