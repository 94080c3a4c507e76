/** A recording of one's own voice: as a scene's sound, or as the sample of a voice. */

import { make } from "../page/dom.js";
import { t } from "../page/texts/texts.js";
import { button } from "./controls.js";
import { dialog } from "./dialog.js";
import { filled } from "./marks.js";
import { clock } from "./words.js";

const LONGEST_S = 600;
const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];
const SUFFIX = { "audio/webm": ".webm", "audio/mp4": ".m4a", "audio/ogg": ".ogg" };

export class Recording {
  /** @param {import("./state.js").Studio} studio @param {import("./files.js").Files} files */
  constructor(studio, files) {
    this.studio = studio;
    this.files = files;
  }

  /** Opens the recorder; what is kept becomes a file of the project. @param {(name: string) => void} use */
  button(use) {
    return button(t("studio.record.open"), async () => {
      const text = filled(this.studio.chosen?.text ?? "").replace(/\[[^\]]*\]/g, " ").replace(/ {2,}/g, " ");
      const taken = await record(text);
      if (!taken) return;
      const name = await this.files.put(taken, `${this.studio.chosen?.name ?? "voice"}-${t("studio.record.file")}${suffixOf(taken)}`);
      if (name) use(name);
    }, { look: "quiet", icon: "mic" });
  }
}

/** @param {Blob} blob */
export const suffixOf = (blob) => SUFFIX[/** @type {keyof typeof SUFFIX} */ (blob.type.split(";")[0])] ?? ".webm";

/** The dialog: what was recorded and kept, or null. @param {string} text to be read
 * @returns {Promise<Blob|null>} */
export function record(text) {
  return new Promise((resolve) => new Recorder(text, resolve));
}

class Recorder {
  /** @type {MediaStream|null} */ #stream = null;
  /** @type {MediaRecorder|null} */ #recorder = null;
  /** @type {Blob|null} */ #taken = null;
  #kept = false;
  #began = 0;
  #ticking = 0;
  /** @type {AudioContext|null} */ #context = null;

  /** @param {string} text @param {(taken: Blob|null) => void} done */
  constructor(text, done) {
    this.dialog = dialog(t("studio.record.title"), { look: "narrow", closed: () => {
      this.#end();
      done(this.#kept ? this.#taken : null);
    } });
    this.level = make("meter", { min: 0, max: 1, value: 0, ariaLabel: t("studio.record.level") });
    this.time = make("p", { className: "record-time", role: "timer" }, clock(0));
    this.told = make("p", { className: "hint", role: "status" }, t("studio.record.hint"));
    this.sound = make("audio", { controls: true, hidden: true });
    const read = text.trim() ? [make("blockquote", { className: "read-aloud", dir: "auto" }, text.trim())] : [];
    this.dialog.body.append(this.told, ...read, this.time, this.level, this.sound);
    this.start = button(t("studio.record.start"), () => this.#begin(), { look: "dark", icon: "mic" });
    this.stop = button(t("studio.record.stop"), () => this.#recorder?.stop(), { look: "dark", icon: "stop" });
    this.again = button(t("studio.record.again"), () => this.#begin(), { icon: "again" });
    this.keep = button(t("studio.record.keep"), () => {
      this.#kept = true;
      this.dialog.close();
    }, { look: "dark", icon: "check" });
    this.dialog.foot.append(this.start, this.stop, this.again, this.keep);
    this.#show("ready");
    this.start.focus();
  }

  /** @param {"ready"|"recording"|"taken"} state */
  #show(state) {
    this.dialog.element.dataset.recording = state;
    this.start.hidden = state !== "ready";
    this.stop.hidden = state !== "recording";
    this.again.hidden = this.keep.hidden = this.sound.hidden = state !== "taken";
    this.level.hidden = state !== "recording";
  }

  async #begin() {
    this.dialog.complain("");
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
    } catch {
      return this.dialog.complain(t("studio.record.refused"));
    }
    const type = TYPES.find((each) => MediaRecorder.isTypeSupported(each));
    const recorder = (this.#recorder = new MediaRecorder(this.#stream, { mimeType: type, audioBitsPerSecond: 128_000 }));
    /** @type {Blob[]} */ const pieces = [];
    recorder.addEventListener("dataavailable", ({ data }) => pieces.push(data));
    recorder.addEventListener("stop", () => this.#take(new Blob(pieces, { type: recorder.mimeType })));
    recorder.start(1000);
    this.#began = performance.now();
    this.#show("recording");
    this.told.textContent = t("studio.record.now");
    this.stop.focus();
    this.#measure(this.#stream);
  }

  /** Level and time, as they are. @param {MediaStream} stream */
  #measure(stream) {
    this.#context = new AudioContext();
    const analyser = this.#context.createAnalyser();
    this.#context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.#ticking = window.setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const loudest = samples.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
      this.level.value = Math.min(1, loudest * 1.4);
      const seconds = (performance.now() - this.#began) / 1000;
      this.time.textContent = clock(seconds);
      if (seconds > LONGEST_S) this.#recorder?.stop();
    }, 80);
  }

  /** @param {Blob} blob */
  #take(blob) {
    this.#end();
    if (!this.dialog.element.isConnected) return;
    this.#taken = blob;
    this.sound.src = URL.createObjectURL(blob);
    this.told.textContent = t("studio.record.listen");
    this.#show("taken");
    this.keep.focus();
  }

  #end() {
    clearInterval(this.#ticking);
    if (this.#recorder?.state === "recording") this.#recorder.stop();
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    void this.#context?.close().catch(() => undefined);
    this.#stream = this.#context = null;
  }
}
