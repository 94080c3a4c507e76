/** What is heard and read in the title while somebody waits for a person. */

import { t } from "../page/texts/texts.js";

const AGAIN_MS = 12_000;
const TONES = [[880, 0], [1108.7, 0.16], [880, 0.5], [1108.7, 0.66]]; // Hz, s
const BLINK_MS = 1200;

/** @param {AudioContext} context */
function ring(context) {
  for (const [frequency, at] of TONES) {
    const tone = new OscillatorNode(context, { frequency });
    const gain = new GainNode(context, { gain: 0 });
    const start = context.currentTime + at;
    gain.gain.setTargetAtTime(0.16, start, 0.01);
    gain.gain.setTargetAtTime(0, start + 0.12, 0.05);
    tone.connect(gain).connect(context.destination);
    tone.start(start);
    tone.stop(start + 0.5);
  }
}

export class Bell {
  muted = false;
  /** How often it has rung. */ rings = 0;
  /** @type {AudioContext|null} */ #context = null;
  #waiting = 0;
  #again = 0;
  #blinking = 0;
  #title = document.title;

  /** Browsers let a page sound once somebody has touched it. */
  allow() {
    this.#context ??= new AudioContext();
    if (this.#context.state === "suspended") this.#context.resume().catch(() => undefined);
  }

  /** Whether the browser keeps it quiet. */
  get blocked() {
    return this.#context?.state !== "running";
  }

  /** How many wait for a person. @param {number} count */
  show(count) {
    if (count > this.#waiting) this.#ring();
    this.#waiting = count;
    clearInterval(this.#blinking);
    document.title = this.#title = `${t("staff.title")} – visavis`;
    if (!count) return clearInterval(this.#again);
    const call = t(count === 1 ? "staff.call.one" : "staff.call.more", { count });
    document.title = call;
    this.#blinking = Number(setInterval(() => {
      document.title = document.title === call ? this.#title : call;
    }, BLINK_MS));
  }

  #ring() {
    clearInterval(this.#again);
    const once = () => {
      if (this.muted || !this.#waiting) return;
      this.rings += 1;
      if (this.#context && !this.blocked) ring(this.#context);
    };
    queueMicrotask(once);
    this.#again = Number(setInterval(once, AGAIN_MS));
  }
}
