/**
 * A page that is nothing but the face: for a browser source of OBS, a projector, a frame in a page.
 *
 * It connects by itself and comes back by itself, for ever: whoever shows it is not there to press a
 * button. Address: see options.js. Tests may read `window.visavis`: see element/session.js.
 */

import "../visavis-avatar.js";
import { Captions } from "../page/captions.js";
import { options } from "./options.js";

const AGAIN_MS = 2000; // after the conversation was ended, or refused: others' settings may change
const LONGEST_MS = 30_000;

const wanted = options(location.search, location.hash);
const avatar = /** @type {import("../visavis-avatar.js").VisavisAvatar} */ (document.getElementById("avatar"));
const notes = /** @type {HTMLElement} */ (document.getElementById("notes"));
const captions = new Captions(
  /** @type {HTMLElement} */ (document.getElementById("captions")),
  /** @type {HTMLElement} */ (document.getElementById("captions-live")),
);
let refusals = 0;

Object.assign(window, { visavis: avatar.session.hooks() });
Object.assign(document.body.dataset, { fit: wanted.fit, at: wanted.at });
document.body.style.background = wanted.behind;
for (const [name, value] of Object.entries(wanted.attributes)) avatar.setAttribute(name, value);
avatar.volume = wanted.volume;

/** What is wrong: in the console, which OBS writes to its log, and in the picture only if asked for.
 * @param {string} words */
function note(words) {
  if (words) console.warn(`visavis: ${words}`);
  notes.textContent = words;
  notes.hidden = !words || !wanted.notes;
}

/** @param {{state: string, reason: string, words: string, code: string}} detail */
function onState({ state, reason, words, code }) {
  if (state === "connected") {
    refusals = 0;
    note("");
  }
  if (state === "waiting") note(words || reason);
  if (state !== "failed") return;
  captions.clear();
  const ended = code.startsWith("goodbye."); // as after a time without words
  note(ended ? "" : words || reason);
  setTimeout(() => avatar.connect(), ended ? AGAIN_MS : Math.min(AGAIN_MS * 2 ** refusals++, LONGEST_MS));
}

/** A browser that wants a click before there is sound gets it anywhere; OBS wants none. */
function unlock() {
  note("The browser plays no sound before somebody has clicked.");
  const play = () => avatar.play().then(() => note(""), () => undefined);
  for (const event of ["pointerdown", "keydown"]) addEventListener(event, play, { once: true });
}

avatar.addEventListener("state", (event) => onState(/** @type {CustomEvent} */ (event).detail));
avatar.addEventListener("playblocked", unlock);
avatar.addEventListener("farewell", (event) => event.preventDefault());
avatar.addEventListener("micerror", (event) => note(`No microphone: ${/** @type {CustomEvent} */ (event).detail.reason}.`));
avatar.addEventListener("error", (event) => note(/** @type {any} */ (event).detail?.message ?? ""));
if (wanted.captions) {
  avatar.addEventListener("caption", (event) => captions.show(/** @type {CustomEvent} */ (event).detail));
  avatar.addEventListener("reply_ended", (event) => {
    captions.end(/** @type {CustomEvent} */ (event).detail.reason === "interrupted");
  });
}
// OBS tells the page when its source is shown; the page may have been stopped meanwhile.
addEventListener("obsSourceVisibleChanged", (event) => {
  if (/** @type {any} */ (event).detail?.visible) avatar.session.check();
});
avatar.connect();
