/** What the staff's page writes, and how it writes times, moods and states. Pure: no DOM. */

export const DOING = {
  idle: "Quiet", hearing: "The visitor speaks", thinking: "Thinking", speaking: "The avatar speaks",
};
export const STATE = { offered: "Connecting", resting: "Visitor away", over: "Over" };
export const REASON = { asked: "The visitor asks for a person." };
export const LOST = "The part of the server that had this conversation failed. The visitor's page begins a new one.";
export const ENDED = "This conversation has ended.";
export const AGAIN = "The connection to the server was lost. Trying again…";
export const MICROPHONE = {
  refused: "The browser does not allow the microphone. Allow it in the address bar, then try again.",
  missing: "No microphone was found.",
  busy: "Another program has the microphone.",
  insecure: "The browser gives a microphone to https pages only.",
  closed: "The microphone was closed.",
};
export const VOICE = {
  connecting: "Connecting your microphone…",
  on: "The face says what you say, in your voice, 0.4 s later. Wear headphones.",
  silent: "Your microphone sends nothing. Is it muted?",
};
export const HONEST = {
  watching: "The visitor’s page says that a member of staff is reading along. Nothing is kept of what you see.",
  mine: "The visitor’s page says that a member of staff is answering. Their words come to you, and no machine answers.",
  theirs: "A colleague has this conversation. You can read along.",
  relayed: "Here the avatar speaks what its visitor’s microphone hears: there are no words to read or answer.",
};

/** 75 -> "1:15", 3700 -> "1:01:40". @param {number} seconds */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 60) % 60, whole % 60];
  if (whole >= 3600) parts.unshift(Math.floor(whole / 3600));
  return parts.map((part, at) => (at ? String(part).padStart(2, "0") : String(part))).join(":");
}

/** A mood in a word; "" while there is too little to tell it by.
 * @param {{frustration: number, satisfaction: number, urgency: number, confidence: number}} mood */
export function feeling({ frustration, satisfaction, urgency, confidence }) {
  if (confidence < 0.3) return "";
  if (frustration >= 0.6) return "Frustrated";
  if (urgency >= 0.6) return "In a hurry";
  if (frustration >= 0.35) return "A little frustrated";
  return satisfaction >= 0.5 ? "Content" : "";
}

/** "de-AT" -> "German". @param {string} tag */
export function tongue(tag) {
  try {
    return new Intl.DisplayNames(["en"], { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/** What a session does, in words. @param {any} row */
export const doing = (row) => STATE[/** @type {keyof STATE} */ (row.state)]
  ?? DOING[/** @type {keyof DOING} */ (row.doing)];

/** Why somebody is wanted. @param {any} row */
export function reason({ reason: why }) {
  const words = REASON[/** @type {keyof REASON} */ (why)] ?? (why || "A person is wanted.");
  const danger = /^danger: (.+)$/.exec(words);
  return danger ? `Words of danger (${danger[1]})` : words[0].toUpperCase() + words.slice(1);
}

/** Who has it, if anybody: "you" for this page. @param {any} row @param {string} desk */
export function holder(row, desk) {
  if (!row.how) return "";
  if (row.desk === desk) return row.how === "speaking" ? "You speak" : "You answer";
  return `${row.holder} ${row.how === "speaking" ? "speaks" : "answers"}`;
}
