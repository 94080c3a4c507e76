/** Days of a consent: which one is its last, and how people write it. */

import { language } from "./texts/texts.js";

/** The last day of a consent that is given now, as 2027-11-29. @param {number} months @param {Date} now */
export function lastDay(months, now = new Date()) {
  const day = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months, 1));
  const length = new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1, 0)).getUTCDate();
  day.setUTCDate(Math.min(now.getUTCDate(), length));
  return day.toISOString().slice(0, 10);
}

/** A day in the page's language. @param {string} day as 2027-11-29 */
export function inWords(day) {
  const tag = language() === "en" ? "en-GB" : language();
  return new Date(`${day}T00:00Z`).toLocaleDateString(tag, { dateStyle: "long", timeZone: "UTC" });
}
