/** The words above the page's welcome, by the hour of the visitor's day. */

import { byId } from "./dom.js";
import { t } from "./texts/texts.js";

const MORNING = 5; // o'clock, when each begins
const AFTERNOON = 12;
const NIGHT = 18;

export function greet() {
  const hour = new Date().getHours();
  const part = hour < MORNING || hour >= NIGHT ? "night" : hour < AFTERNOON ? "morning" : "afternoon";
  byId("greeting").textContent = t(`greeting.${part}`);
}
