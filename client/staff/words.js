/** What the staff's page writes, in the language it is shown in, and how it writes times, moods and
 * states. Pure: no DOM. */

import { has, include, language, t } from "../page/texts/texts.js";
import english from "./texts/en.js";

include(english, async (tag) => (await import(`./texts/${tag}.js`)).default);

/** Why there is no microphone, in words; "" for a reason that nobody foresaw. @param {string} why */
export const microphone = (why) => (has(`staff.mic.${why}`) ? t(`staff.mic.${why}`) : "");

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
  if (frustration >= 0.6) return t("staff.mood.frustrated");
  if (urgency >= 0.6) return t("staff.mood.hurry");
  if (frustration >= 0.35) return t("staff.mood.little");
  return satisfaction >= 0.5 ? t("staff.mood.content") : "";
}

/** "de-AT" -> "Austrian German", in the page's language. @param {string} tag */
export function tongue(tag) {
  try {
    return new Intl.DisplayNames([language()], { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/** What a session does, in words. @param {any} row */
export const doing = (row) => t(has(`staff.state.${row.state}`) ? `staff.state.${row.state}` : `staff.doing.${row.doing}`);

/** Why somebody is wanted. @param {any} row */
export function reason({ reason: why }) {
  if (!why) return t("staff.reason.none");
  const danger = /^danger: (.+)$/.exec(why);
  if (danger) return t("staff.reason.danger", { what: danger[1] });
  return why === "asked" ? t("staff.reason.asked") : why[0].toUpperCase() + why.slice(1);
}

/** Who has it, if anybody: "you" for this page. @param {any} row @param {string} desk */
export function holder(row, desk) {
  if (!row.how) return "";
  const does = row.how === "speaking" ? "speaking" : "answering";
  return row.desk === desk ? t(`staff.you.${does}`) : t(`staff.other.${does}`, { name: row.holder });
}
