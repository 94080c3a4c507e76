/**
 * What has been said and what happens now, from the server's messages. Pure: no DOM, no clock.
 */

/**
 * One line of the conversation. `final` false: may still change. `cut`: interrupted.
 * @typedef {object} Line
 * @property {"visitor"|"avatar"} who
 * @property {number|null} turn null for typed words that the server has not confirmed yet; EARLIER
 * @property {string} text
 * @property {boolean} final
 * @property {boolean} cut
 */

/**
 * @typedef {object} Conversation
 * @property {"listening"|"hearing"|"thinking"|"speaking"} phase "hearing": the visitor speaks now
 * @property {readonly Line[]} lines
 * @property {{turn: number, text: string, heard: number}|null} caption the clause being said
 * @property {string} said the clauses of the running reply that are complete
 * @property {number} turn of the newest reply; what ends an older one does not change the phase
 */

const LINES = 60;
const EARLIER = -1; // of a session that is over: the next one counts its turns from the start

/** @type {Conversation} */
export const EMPTY = Object.freeze({ phase: "listening", lines: [], caption: null, said: "", turn: -1 });

/** @param {string} said @param {string} clause */
const joined = (said, clause) => (said && clause ? `${said} ${clause}` : said || clause);

/** Replace the last line that `matches`, or append. @param {readonly Line[]} lines
 * @param {(line: Line) => boolean} matches @param {Line} line */
function put(lines, matches, line) {
  const index = lines.findLastIndex(matches);
  const next = index < 0 ? [...lines, line] : lines.with(index, line);
  return next.slice(-LINES);
}

/** The visitor typed something. @param {Conversation} state @param {string} text @returns {Conversation} */
export function typed(state, text) {
  /** @type {Line} */
  const line = { who: "visitor", turn: null, text, final: true, cut: false };
  return { ...state, phase: "thinking", lines: [...settled(state.lines), line].slice(-LINES) };
}

/** Guesses at the visitor's words that never became final are no part of the conversation.
 * @param {readonly Line[]} lines */
const settled = (lines) => lines.filter((line) => line.who === "avatar" || line.final);

/** Another session begins: what was said before stays, and is no part of its turns.
 * @param {Conversation} state @returns {Conversation} */
function begun(state) {
  const lines = settled(state.lines).map((line) => (
    line.turn === null ? line : { ...line, turn: EARLIER, final: true, cut: line.cut || !line.final }
  ));
  return { ...EMPTY, lines };
}

/** @param {Conversation} state @param {any} message @returns {Conversation} */
function transcript(state, { turn, text, final }) {
  const own = (/** @type {Line} */ line) =>
    line.who === "visitor" && (line.turn === turn || (line.turn === null && line.text === text));
  const lines = state.lines.filter((line) => own(line) || line.who === "avatar" || line.final);
  if (!text) return { ...state, lines: lines.filter((line) => !own(line)) };
  return { ...state, lines: put(lines, own, { who: "visitor", turn, text, final, cut: false }) };
}

/** A clause that starts over after having been heard in full is a new one with the same words.
 * @param {Conversation} state @param {any} message */
function isNewClause({ caption }, { turn, text, heard }) {
  if (!caption || caption.turn !== turn || caption.text !== text) return true;
  return caption.heard >= text.length && heard < caption.heard;
}

/** @param {Conversation} state @param {any} message @returns {Conversation} */
function caption(state, { turn, text, heard }) {
  const sameReply = state.caption?.turn === turn;
  const before = sameReply ? state.said : "";
  const ended = sameReply && isNewClause(state, { turn, text, heard }) ? (state.caption?.text ?? "") : "";
  const said = joined(before, ended);
  const own = (/** @type {Line} */ line) => line.who === "avatar" && line.turn === turn;
  /** @type {Line} */
  const line = { who: "avatar", turn, text: joined(said, text), final: false, cut: false };
  const lines = put(state.lines, own, line);
  return { phase: "speaking", lines, caption: { turn, text, heard }, said, turn };
}

/** @param {Conversation} state @param {any} message @returns {Conversation} */
function ended(state, { turn, reason, heard }) {
  const own = (/** @type {Line} */ line) => line.who === "avatar" && line.turn === turn;
  const rest = state.lines.filter((line) => !own(line));
  /** @type {Line} */
  const line = { who: "avatar", turn, text: heard, final: true, cut: reason !== "done" };
  const lines = heard ? put(state.lines, own, line) : rest;
  const keeps = state.phase === "hearing" || turn < state.turn;
  return { ...state, phase: keeps ? state.phase : "listening", lines, caption: null, said: "" };
}

/** What the server remembers, and what of the page's own lines it cannot know yet.
 * @param {Conversation} state @param {any} message @returns {Conversation} */
function resumed(state, { history, captions }) {
  const known = (/** @type {any} */ { turn, who }) =>
    state.lines.find((line) => line.who === who && line.turn === turn);
  const lines = history.map((/** @type {any} */ each) => (
    { who: each.who, turn: each.turn, text: each.text, final: true, cut: known(each)?.cut ?? false }
  ));
  const asked = new Set(history.map((/** @type {any} */ each) => each.text));
  const typed = state.lines.filter((line) => line.turn === null && !asked.has(line.text));
  const earlier = state.lines.filter((line) => line.turn === EARLIER);
  const fresh = { ...EMPTY, lines: [...earlier, ...lines, ...typed].slice(-LINES) };
  return captions.reduce(caption, fresh);
}

/** The conversation after one message of the server. @param {Conversation} state
 * @param {any} message @returns {Conversation} */
export function after(state, message) {
  switch (message.type) {
    case "ready":
      if (message.resumed) return resumed(state, message);
      return begun(state);
    case "listening":
      if (message.active) return { ...state, phase: "hearing" };
      return state.phase === "hearing" ? { ...state, phase: "listening" } : state;
    case "transcript":
      return transcript(state, message);
    case "thinking":
      return { ...state, phase: "thinking", turn: message.turn, lines: settled(state.lines) };
    case "reply_started":
    case "reply_resumed":
      return { ...state, phase: "speaking", turn: message.turn };
    case "caption":
      return caption(state, message);
    case "reply_ended":
      return ended(state, message);
    case "error":
      if (message.code === "ends-soon") return state;
      return state.phase === "thinking" ? { ...state, phase: "listening" } : state;
    default:
      return state;
  }
}
