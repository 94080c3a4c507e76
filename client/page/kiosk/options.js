/**
 * What an operator says of a kiosk in its address. Pure: text in, settings out.
 *
 * What is no number, or out of its range, counts as not said: a kiosk must come up.
 */

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/**
 * @typedef {object} Options all times in ms
 * @property {number} silence without a sign of life until the goodbye, the warning included
 * @property {number} warning how long the warning stands before that
 * @property {number} longest of a visit, the last warning included
 * @property {number} lastWarning how long that stands
 * @property {number} invite between two spoken invitations, at least; 0 for none
 * @property {number} rest of standby until the face stands still
 * @property {number} stir how often it moves then; 0 for never
 * @property {number} sleep of standby until the session is given up; 0 for never
 * @property {[number, number]|null} quiet hours of the day in which it speaks to nobody unasked
 * @property {number|null} reload minute of the day at which the page is loaded anew; null for never
 * @property {boolean} camera whether the camera senses who comes
 * @property {boolean} headphones whether there is a socket for them
 * @property {string[]} languages to choose from, of those that the server speaks
 * @property {string[]} questions to suggest, in place of those of the knowledge file
 * @property {string} pin that lets the operator out; "" for no way out
 * @property {number} speed of the kiosk's own clock, to try a day in minutes
 */

/** A number in [least, most], else `otherwise`. @param {string|null} text @param {number} least
 * @param {number} most @param {number} otherwise */
function number(text, least, most, otherwise) {
  const value = text?.trim() ? Number(text) : NaN;
  return value >= least && value <= most ? value : otherwise;
}

/** "22-7" -> [22, 7]. @param {string|null} text @returns {[number, number]|null} */
export function hours(text) {
  const [, from, to] = /^(\d{1,2})-(\d{1,2})$/.exec(text?.trim() ?? "") ?? [];
  return from && Number(from) < 24 && Number(to) <= 24 ? [Number(from), Number(to) % 24] : null;
}

/** "04:00" -> 240. @param {string|null} text @param {number} otherwise @returns {number|null} */
export function minuteOfDay(text, otherwise) {
  if (text?.trim() === "off") return null;
  const [, hour, minute] = /^(\d{1,2}):(\d{2})$/.exec(text?.trim() ?? "") ?? [];
  return hour && Number(hour) < 24 && Number(minute) < 60 ? Number(hour) * 60 + Number(minute) : otherwise;
}

/** Whether an hour of the day is one of `quiet`, which may go over midnight.
 * @param {[number, number]|null} quiet @param {number} hour */
export function isQuiet(quiet, hour) {
  if (!quiet) return false;
  const [from, to] = quiet;
  return from < to ? hour >= from && hour < to : hour >= from || hour < to;
}

/** @param {URLSearchParams} address @param {URLSearchParams} secret what stands behind the #, which
 * never leaves the browser @returns {Options} */
export function optionsOf(address, secret) {
  const silence = SECOND * number(address.get("kiosk"), 4, 3600, 90);
  const longest = MINUTE * number(address.get("longest"), 0.1, 24 * 60, 15);
  const pin = secret.get("pin") ?? "";
  return {
    silence,
    warning: Math.min(30 * SECOND, silence / 2),
    longest,
    lastWarning: Math.min(MINUTE, longest / 3),
    invite: SECOND * number(address.get("invite"), 20, 86_400, 0),
    rest: SECOND * number(address.get("rest"), 1, 86_400, 120),
    stir: SECOND * number(address.get("stir"), 0, 86_400, 60),
    sleep: MINUTE * number(address.get("sleep"), 0, 24 * 60, 20),
    quiet: hours(address.get("quiet") ?? "22-7"),
    reload: minuteOfDay(address.get("reload"), 4 * 60),
    camera: address.get("presence") === "camera",
    headphones: address.has("headphones"),
    languages: (address.get("languages") ?? "").split(/[ ,]+/).filter(Boolean),
    questions: address.getAll("ask").map((each) => each.trim()).filter(Boolean),
    pin: /^\d{4,12}$/.test(pin) ? pin : "",
    speed: number(address.get("speed"), 1, 3600, 1),
  };
}
