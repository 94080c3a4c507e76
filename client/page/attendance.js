/** Who of the staff is there, said on the page: somebody who reads along, or who answers. */

import { byId } from "./dom.js";
import { t } from "./texts/texts.js";

/** @typedef {"nobody"|"watching"|"answering"|"speaking"} By */

/** Show it. @param {By} by @param {string} disclosure what the page says of itself while the avatar
 * answers */
export function showAttendance(by, disclosure) {
  const chip = byId("attended");
  const words = by === "nobody" ? "" : t(`staff.${by}`);
  if (chip.textContent !== words) chip.textContent = words; // a status, so it is read out
  document.body.dataset.attended = by;
  const answers = by === "answering" || by === "speaking";
  byId("disclosure").textContent = answers ? t("staff.disclosure") : disclosure;
}
