/**
 * That the face is synthetic, on the page: what lies over the picture is kept clear of the label in it, and
 * where no reply says it in words, the page does.
 */

import { byId } from "./dom.js";

const GAP_PX = 8;
const ROW_PX = 20; // from the edge to where the rows at top and bottom begin, about
const ROW_HIGH_PX = 64;
const ROOM_PX = 420; // that the row at the top takes at most

/** @typedef {import("../element/label.js").Box} Box */

/** What is to be kept clear at each edge of the stage, px. @param {Box|null} box the label's
 * @param {number} width @param {number} height of the stage
 * @returns {{left: number, right: number, top: number, bottom: number}} */
export function clear(box, width, height) {
  const kept = { left: 0, right: 0, top: 0, bottom: 0 };
  if (!box) return kept;
  if (box.top > height / 2) return { ...kept, bottom: Math.max(0, height - box.top + GAP_PX - ROW_PX) };
  if (box.top > ROW_HIGH_PX) return kept;
  const [left, right] = [box.right, width - box.left].map((px) => Math.max(0, px + GAP_PX - ROW_PX));
  if (width - Math.min(left, right) < ROOM_PX) return { ...kept, top: Math.max(0, box.bottom + GAP_PX - ROW_PX) };
  return left < right ? { ...kept, left } : { ...kept, right };
}

/** @param {HTMLElement} stage @param {Box|null} box of the event "label" */
export function keepClear(stage, box) {
  for (const [edge, px] of Object.entries(clear(box, stage.clientWidth, stage.clientHeight))) {
    stage.style.setProperty(`--keep-${edge}`, `${Math.round(px)}px`);
  }
}

/** Say it over the picture until the first answer was heard; the line at the foot of the page stays.
 * @param {import("../element/session.js").Session} session @param {readonly import("./conversation.js").Line[]} lines
 * @param {string} words */
export function disclose(session, lines, words) {
  const answered = lines.some((line) => line.who === "avatar" && line.final);
  byId("synthetic").textContent = words;
  byId("synthetic").hidden = session.state !== "connected" || session.disclosure !== "page" || answered;
}
