/**
 * The picture of a conversation: a poster before there is one, the live video, the person alone where that is
 * wanted, and a still while there is no new picture. Knows nothing of sessions.
 */

import { Label, STYLE as LABEL_STYLE } from "./label.js";
import { Poster } from "./poster.js";

export const STYLE = `
:host { display: block; position: relative; overflow: hidden; aspect-ratio: 1; background: #16120f; }
:host([hidden]) { display: none; }
:host([transparent]) { background: none; }
:host([transparent]) :is(video, img) { visibility: hidden; }
.layer { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: cover;
    object-position: inherit; transition: opacity 350ms ease; }
.hidden { opacity: 0; }
.at-once { transition: none; }
@media (prefers-reduced-motion: reduce) { .layer { transition: none; } }
${LABEL_STYLE}`;

/** @param {string} tag @param {string} part */
function layer(tag, part) {
  const element = document.createElement(tag);
  element.part.add(part);
  element.classList.add("layer", "hidden");
  return element;
}

export class Stage {
  video = /** @type {HTMLVideoElement} */ (layer("video", "video"));
  poster = new Poster(/** @type {HTMLImageElement} */ (layer("img", "poster")), (image) => this.#reveal(image));

  #host;
  #emit;
  #label;
  /** In the live picture. @type {import("./label.js").Labelled|null} */ #labelled = null;
  #still = /** @type {HTMLCanvasElement} */ (layer("canvas", "still"));
  /** Of a `transparent` element: what composes its picture. @type {import("./cutout.js").Cutout|null} */ #cutout = null;
  /** @type {import("./cutout.js").Layout|null} */ #layout = null;

  /** @param {HTMLElement} host @param {ShadowRoot} root of the host, which has STYLE
   * @param {(name: "cutout"|"playblocked"|"label", detail: object) => void} emit */
  constructor(host, root, emit) {
    this.#host = host;
    this.#emit = emit;
    root.append(this.poster.image, this.video, this.#still);
    this.#label = new Label(host, root, (box) => emit("label", { box }));
    this.video.addEventListener("resize", () => this.#label.place());
    this.#still.ariaHidden = "true";
    this.video.playsInline = true;
    this.video.disablePictureInPicture = true;
  }

  /** Keep the last picture while there is no new one. */
  freeze() {
    const face = this.#face;
    const [width, height] = this.#cutout ? [face.width, face.height] : [this.video.videoWidth, this.video.videoHeight];
    if (!width || face.classList.contains("hidden")) return;
    this.#cutout?.draw(); // what a context has drawn is gone once it was shown
    Object.assign(this.#still, { width, height });
    this.#still.getContext("2d")?.drawImage(face, 0, 0);
    this.#reveal(this.#still, true);
    face.classList.add("hidden", "at-once");
  }

  /** What the picture is seen in. */
  get #face() {
    return this.#cutout?.canvas ?? this.video;
  }

  /** The person alone, or before a background again, as the host's `transparent` says. */
  async cutOut() {
    const wanted = () => this.#host.hasAttribute("transparent");
    if (wanted() && !this.#cutout) {
      const { Cutout } = await import("./cutout.js");
      if (!wanted() || this.#cutout) return;
      const canvas = /** @type {HTMLCanvasElement} */ (layer("canvas", "cutout"));
      canvas.role = "img";
      this.video.after(canvas);
      this.#cutout = new Cutout(this.video, canvas, (by, why) => this.#onCutout(by, why));
      this.describe();
      this.#cutout.lie(this.#layout);
      if (this.video.srcObject) this.#withNextPicture(() => this.#uncover());
      this.#cutout.start();
    } else if (!wanted() && this.#cutout) {
      this.#cutout.stop();
      this.#cutout.canvas.remove();
      this.#cutout = null;
      this.describe();
    }
  }

  /** @param {string} by @param {string} why */
  #onCutout(by, why) {
    if (why) console.warn(`visavis: the picture is ${by === "opaque" ? "not transparent" : `composed by ${by}`}: ${why}`);
    this.#emit("cutout", { by, why });
  }

  /** How its pictures lie, and where their label is.
   * @param {{size?: [number, number], matte?: number, label?: import("./label.js").Labelled|null}} ready */
  lie({ size, matte, label }) {
    this.#labelled = label ?? null;
    if (!this.#face.classList.contains("hidden")) this.#label.over(this.#face, this.#labelled);
    this.#layout = size && matte ? { size, matte } : null;
    if (!this.#cutout) return;
    this.#cutout.lie(this.#layout);
    this.video.style.visibility = this.#layout ? "" : "visible";
    this.video.classList.toggle("hidden", this.#layout !== null);
    if (!this.#layout) this.#onCutout("opaque", "the server sends no matte");
  }

  /** @param {MediaStream} stream @param {() => void} onShown its first picture */
  show(stream, onShown) {
    this.video.srcObject = stream;
    this.#withNextPicture(() => {
      this.#uncover();
      onShown();
    });
    this.video.play().catch((error) => this.#onPlayFailed(error));
  }

  /** A connection that was in doubt goes on with the stream that is there. */
  thaw() {
    if (!this.#still.classList.contains("hidden")) this.#withNextPicture(() => this.#uncover());
  }

  /** @param {() => void} act unless another stream has come meanwhile */
  #withNextPicture(act) {
    const video = this.video;
    const stream = video.srcObject;
    const shown = () => video.srcObject === stream && act();
    if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(shown);
    else this.video.addEventListener("loadeddata", shown, { once: true });
  }

  /** The live picture instead of the still. */
  #uncover() {
    this.#reveal(this.#face);
    this.#still.classList.remove("at-once");
    this.#still.classList.add("hidden");
  }

  /** @param {HTMLElement} element @param {boolean} atOnce */
  #reveal(element, atOnce = false) {
    element.classList.toggle("at-once", atOnce);
    element.classList.remove("hidden");
    // a poster that comes late is behind the picture
    if (element !== this.poster.image) this.#label.over(element, this.#labelled);
    else if (!this.video.srcObject) this.#label.over(element, this.poster.label);
  }

  /** @param {DOMException} error */
  #onPlayFailed(error) {
    if (error.name !== "NotAllowedError") return; // replaced by a newer stream: that one plays
    this.video.muted = true;
    this.video.play().catch(() => undefined); // not even a silent picture: the poster stays
    this.#emit("playblocked", {});
  }

  /** No picture but the poster. */
  clear() {
    this.#face.classList.remove("at-once");
    this.#face.classList.add("hidden");
    this.#still.classList.add("hidden");
    this.video.srcObject = null;
    if (!this.poster.image.classList.contains("hidden")) this.#label.over(this.poster.image, this.poster.label);
  }

  describe() {
    this.#face.ariaLabel = this.#host.ariaLabel || "Live picture of an avatar, which a computer generates";
  }
}
