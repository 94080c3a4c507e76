/**
 * The step in which somebody shows that they are there: camera on, a sentence read, the recording kept for
 * the form. Knows nothing of the form itself.
 */

import { authorization } from "../element/authorization.js";
import { byId } from "./dom.js";
import { askFor, MakingError } from "./making.js";
import { language, t } from "./texts/texts.js";

const LONGEST_MS = 15_000;
const WISHED = { video: { width: 640, height: 480, facingMode: "user" }, audio: true };
const KINDS = ["video/webm;codecs=vp8,opus", "video/webm", "video/mp4"]; // the first that the browser can record
const RATE = 1_200_000; // bits a second: 15 s are 2 MB

/** @typedef {"off"|"ready"|"recording"|"recorded"} State */
/** @typedef {{id: string, video: Blob}} Shown what goes with the form */

/** The first kind of video that can be recorded here; "" where none can. */
export function kind() {
  const recorder = globalThis.MediaRecorder;
  return recorder ? KINDS.find((each) => recorder.isTypeSupported(each)) ?? "" : "";
}

export class Presence {
  #token;
  /** @type {MediaStream|null} */ #stream = null;
  /** @type {MediaRecorder|null} */ #recorder = null;
  /** @type {Shown|null} */ #shown = null;
  #asked = { name: "", subject: "" };
  #turn = 0; // what was begun before the last `begin` or `end` is of no use any more
  #end = 0; // a timer

  /** @param {() => string} token @param {() => void} changed there is something to send, or no longer */
  constructor(token, changed) {
    this.#token = token;
    this.changed = changed;
    byId("presence-start").addEventListener("click", () => void this.#start());
    byId("presence-record").addEventListener("click", () => this.#record());
    byId("presence-stop").addEventListener("click", () => this.#recorder?.stop());
    byId("presence-again").addEventListener("click", () => void this.#ask());
  }

  /** What was recorded; null: nothing yet. */
  get shown() {
    return this.#shown;
  }

  /** The step is entered: whose avatar, and under which name. @param {string} name @param {string} subject */
  begin(name, subject) {
    this.end();
    this.#asked = { name, subject };
    this.complain("");
    this.#enter("off");
  }

  /** Camera off, recording dropped. */
  end() {
    this.#turn += 1;
    clearTimeout(this.#end);
    if (this.#recorder?.state === "recording") this.#recorder.stop();
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = this.#recorder = this.#shown = null;
    byId("presence-view").srcObject = null;
  }

  /** @param {string} words */
  complain(words) {
    byId("presence-fault").textContent = words;
    byId("presence-fault").hidden = !words;
  }

  async #start() {
    this.complain("");
    const turn = this.#turn;
    if (!navigator.mediaDevices || !kind()) return this.complain(t("fault.presence-camera"));
    const stream = await navigator.mediaDevices.getUserMedia(WISHED).catch(() => null);
    if (turn !== this.#turn) {
      for (const track of stream?.getTracks() ?? []) track.stop(); // the step was left meanwhile
      return;
    }
    if (!stream) return this.complain(t("fault.presence-camera"));
    this.#stream = stream;
    byId("presence-view").srcObject = stream;
    await this.#ask();
  }

  /** A sentence is good for one recording, and for minutes. */
  async #ask() {
    this.complain("");
    this.#shown = null;
    const turn = this.#turn;
    try {
      const response = await askFor("v1/avatars/sentences", {
        method: "POST",
        headers: { ...authorization(this.#token()), "Content-Type": "application/json" },
        body: JSON.stringify({ ...this.#asked, language: language() }),
      });
      const { id, text, language: spoken } = await response.json();
      if (turn !== this.#turn) return;
      const words = byId("presence-sentence");
      words.textContent = text;
      words.lang = spoken;
      words.dir = "auto";
      words.dataset.id = id;
      this.#enter("ready");
    } catch (error) {
      if (!(error instanceof MakingError)) throw error;
      if (turn === this.#turn) this.complain(error.message || t("fault.unreachable"));
    }
  }

  #record() {
    if (!this.#stream) return;
    const id = byId("presence-sentence").dataset.id ?? "";
    const turn = this.#turn;
    /** @type {Blob[]} */
    const parts = [];
    const recorder = (this.#recorder = new MediaRecorder(this.#stream, { mimeType: kind(), videoBitsPerSecond: RATE }));
    recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
    recorder.addEventListener("stop", () => {
      clearTimeout(this.#end);
      if (turn !== this.#turn) return;
      this.#shown = { id, video: new Blob(parts, { type: recorder.mimeType }) };
      this.#enter("recorded");
    });
    recorder.start();
    this.#end = setTimeout(() => recorder.state === "recording" && recorder.stop(), LONGEST_MS);
    this.#enter("recording");
  }

  /** @param {State} state */
  #enter(state) {
    const part = byId("create-presence");
    part.dataset.state = state;
    const on = { off: ["start"], ready: ["record"], recording: ["stop"], recorded: ["again"] }[state];
    for (const each of ["start", "record", "stop", "again"]) byId(`presence-${each}`).hidden = !on.includes(each);
    byId("presence-stage").hidden = state === "off";
    byId("presence-told").textContent = state === "off" || state === "ready" ? "" : t(`presence.${state}`);
    if (part.contains(document.activeElement) || document.activeElement === document.body) byId(`presence-${on[0]}`).focus();
    this.changed();
  }
}
