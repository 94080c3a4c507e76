/**
 * The visitor's microphone: permission, track and level. Knows nothing of connections or of the page.
 *
 * Event "lost": the device went away while it was open.
 */

const CONSTRAINTS = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 },
};
const FLOOR_DB = -60; // a quiet room after noise suppression

/** `reason`: "refused", "missing", "busy" (taken by another program), "insecure" (needs https) or
 * "closed" (no longer wanted when it was allowed). */
export class MicrophoneError extends Error {
  /** @param {"refused"|"missing"|"busy"|"insecure"|"closed"} reason */
  constructor(reason) {
    super(`microphone ${reason}`);
    this.reason = reason;
  }
}

/** @param {string} name of a DOMException @returns {"refused"|"missing"|"busy"} */
export function reasonOf(name) {
  if (name === "NotAllowedError" || name === "SecurityError") return "refused";
  return name === "NotFoundError" || name === "OverconstrainedError" ? "missing" : "busy";
}

/** Loudness in [0, 1] of samples in [-1, 1]: RMS on a decibel scale. @param {Float32Array} samples */
export function loudness(samples) {
  let energy = 0;
  for (const sample of samples) energy += sample * sample;
  const decibels = 10 * Math.log10(energy / samples.length + 1e-12);
  return Math.min(1, Math.max(0, 1 - decibels / FLOOR_DB));
}

export class Microphone extends EventTarget {
  /** @type {Promise<MediaStreamTrack>|null} */ #opening = null;
  /** @type {MediaStreamTrack|null} */ #track = null;
  /** @type {AudioContext|null} */ #context = null;
  /** @type {AnalyserNode|null} */ #analyser = null;
  #samples = new Float32Array(512);
  #closures = 0;

  get track() {
    return this.#track;
  }

  /** Ask once; later calls share the answer. Rejects with MicrophoneError. */
  open() {
    this.#opening ??= this.#request().catch((error) => {
      if (error.reason !== "closed") this.#opening = null;
      throw error;
    });
    return this.#opening;
  }

  /** @param {boolean} on */
  enable(on) {
    if (this.#track) this.#track.enabled = on;
  }

  /** What it hears now, in [0, 1]. */
  level() {
    if (!this.#analyser || !this.#track?.enabled) return 0;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    return loudness(this.#samples);
  }

  close() {
    this.#closures += 1;
    this.#track?.stop();
    this.#opening = this.#track = this.#analyser = null;
    this.#context?.close();
    this.#context = null;
  }

  async #request() {
    if (!navigator.mediaDevices?.getUserMedia) throw new MicrophoneError("insecure");
    const closures = this.#closures;
    const stream = await navigator.mediaDevices.getUserMedia(CONSTRAINTS).catch((error) => {
      throw new MicrophoneError(reasonOf(error.name));
    });
    const [track] = stream.getAudioTracks();
    if (closures !== this.#closures) {
      track.stop();
      throw new MicrophoneError("closed");
    }
    track.enabled = false;
    track.addEventListener("ended", () => {
      this.close();
      this.dispatchEvent(new CustomEvent("lost"));
    });
    this.#track = track;
    this.#measure(stream);
    return track;
  }

  /** @param {MediaStream} stream */
  #measure(stream) {
    this.#context = new AudioContext();
    this.#analyser = this.#context.createAnalyser();
    this.#analyser.fftSize = this.#samples.length;
    this.#context.createMediaStreamSource(stream).connect(this.#analyser);
  }
}
