/**
 * Senses who comes with the camera, if the operator wants that. Its picture is made 40 x 30 grey cells
 * five times a second, compared with the one before, and forgotten: none leaves the page.
 */

import { grey, Motion } from "./motion.js";

const WIDTH = 40;
const HEIGHT = 30;
const LOOK_MS = 200;
const AGAIN_MS = 30_000; // a camera that is not there may be plugged in
const CONSTRAINTS = { video: { width: 160, height: 120, frameRate: { ideal: 5, max: 10 } }, audio: false };

export class Presence {
  #come;
  #tell;
  #motion = new Motion();
  #video = document.createElement("video");
  #context;
  #timer = 0;

  /** @param {() => void} come somebody came
   * @param {(works: boolean) => void} tell whether the camera works, which is said on the screen */
  constructor(come, tell) {
    this.#come = come;
    this.#tell = tell;
    const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT });
    this.#context = canvas.getContext("2d", { willReadFrequently: true });
    Object.assign(this.#video, { muted: true, playsInline: true });
  }

  get isThere() {
    return this.#motion.isThere;
  }

  async start() {
    const stream = await navigator.mediaDevices?.getUserMedia(CONSTRAINTS).catch(() => null);
    if (!stream) return this.#lost();
    stream.getVideoTracks()[0].addEventListener("ended", () => this.#lost());
    this.#video.srcObject = stream;
    await this.#video.play().catch(() => undefined);
    this.#tell(true);
    clearInterval(this.#timer);
    this.#timer = Number(setInterval(() => this.#look(), LOOK_MS));
  }

  #lost() {
    clearInterval(this.#timer);
    this.#motion = new Motion();
    this.#tell(false);
    setTimeout(() => this.start(), AGAIN_MS);
  }

  #look() {
    if (!this.#context || this.#video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    this.#context.drawImage(this.#video, 0, 0, WIDTH, HEIGHT);
    const { data } = this.#context.getImageData(0, 0, WIDTH, HEIGHT);
    if (this.#motion.step(grey(data), performance.now())) this.#come();
  }
}
