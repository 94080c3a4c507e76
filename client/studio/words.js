/** How the studio writes lengths, sizes, languages and refusals, in the page's language. */

import { languageName } from "../page/settings.js";
import { has, language, t } from "../page/texts/texts.js";

/** 75 -> "1:15". @param {number} seconds */
export function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const rest = [Math.floor(whole / 60) % 60, whole % 60].map((part) => String(part).padStart(2, "0"));
  return whole >= 3600 ? `${Math.floor(whole / 3600)}:${rest.join(":")}` : `${Math.floor(whole / 60)}:${rest[1]}`;
}

/** What is left, roughly, as people say it. @param {number|null|undefined} seconds */
export function left(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 55) return t("studio.left.seconds", { count: number(Math.max(5, Math.ceil(seconds / 5) * 5)) });
  return t("studio.left.minutes", { count: number(Math.ceil(seconds / 60)) });
}

/** @param {number} value @param {Intl.NumberFormatOptions} how */
export const number = (value, how = {}) => new Intl.NumberFormat(language(), { maximumFractionDigits: 1, ...how }).format(value);

/** @param {number} seconds */
export const secondsWord = (seconds) => t("studio.seconds", { count: number(seconds) });

/** @param {number} share */
export const percent = (share) => number(share, { style: "percent", maximumFractionDigits: 0 });

/** @param {number} bytes */
export function size(bytes) {
  const megabytes = bytes / 1e6;
  if (megabytes >= 1) return number(megabytes, { style: "unit", unit: "megabyte" });
  return number(Math.max(1, bytes / 1e3), { style: "unit", unit: "kilobyte", maximumFractionDigits: 0 });
}

/** @param {string} tag */
export const tongue = (tag) => languageName(tag);

/** When something was changed: today the time, else the day. @param {number|string} at Unix s, or ISO */
export function when(at) {
  const date = typeof at === "number" ? new Date(at * 1000) : new Date(at);
  if (Number.isNaN(date.getTime())) return "";
  const today = date.toDateString() === new Date().toDateString();
  return date.toLocaleString(language() === "en" ? "en-GB" : language(), today ? { timeStyle: "short" } : { dateStyle: "medium" });
}

/** Why the server did not do it. In English its own words, which say more. @param {any} error */
export function refusal(error) {
  const { code = "server", message = "" } = error ?? {};
  const known = has(`studio.fault.${code}`) ? t(`studio.fault.${code}`) : "";
  const own = /^(unreachable|unauthorised|server)$/.test(code);
  return (own || language() !== "en" ? known : "") || message || known || t("studio.fault.server");
}

/** A scene as people call it: its title, else its first words, else its number.
 * @param {import("./model.js").Scene} scene @param {number} at */
export function sceneName(scene, at) {
  const words = scene.text.slice(0, 400).replace(/\[[^\]]*\]/g, " ").trim().replace(/\s+/g, " ");
  const first = words.length > 48 ? `${words.slice(0, 46).trimEnd()}…` : words;
  return scene.title || first || (scene.sound ? t("studio.scene.recorded") : t("studio.scene.number", { number: number(at + 1) }));
}
