/**
 * Text size, contrast, volume, language: in the lower half, where they are reached from a wheelchair.
 * All of it is as before for the next visitor.
 */

import { make } from "../dom.js";
import { ownName } from "../settings.js";
import { direction, t } from "../texts/texts.js";
import { button } from "./view.js";

const SCALES = [1, 1.15, 1.3];
// Steps of 6 dB. The second loudest is what the operator sets the amplifier by.
const VOLUMES = [0, 0.125, 0.25, 0.5, 1];
const USUAL_VOLUME = 3;

export class Controls {
  #avatar;
  #root = document.documentElement;
  #scale = 0;
  #volume = USUAL_VOLUME;
  #contrast = false;
  #tongues;
  #choose;
  #globe;
  #status;

  /**
   * @param {import("../../visavis-avatar.js").VisavisAvatar} avatar
   * @param {HTMLElement} bar
   * @param {{aloud: () => void, finish: () => void, choose: (tag: string) => void,
   *   headphones: boolean}} actions choose: the visitor chose a language
   */
  constructor(avatar, bar, { aloud, finish, choose, headphones }) {
    this.#avatar = avatar;
    this.#choose = choose;
    this.#status = make("p", { className: "unseen", role: "status" });
    this.#tongues = make("div", { className: "kiosk-tongues", hidden: true, role: "group" });
    const tool = (/** @type {string} */ name, /** @type {string} */ key, /** @type {() => void} */ act) =>
      button(name, key, "kiosk-tool", act);
    this.size = make("button", { type: "button", className: "kiosk-tool kiosk-size" }, make("b", { ariaHidden: "true" }, "A"), make("span"));
    this.size.lastElementChild.dataset.text = "kiosk.size";
    this.size.addEventListener("click", () => this.#enlarge());
    this.contrast = tool("contrast", "kiosk.contrast", () => this.#setContrast(!this.#contrast));
    this.#globe = tool("globe", "kiosk.language", () => (this.#tongues.hidden = !this.#tongues.hidden));
    bar.append(
      this.size, this.contrast,
      tool("quieter", "kiosk.quieter", () => this.#setVolume(this.#volume - 1)),
      tool("louder", "kiosk.louder", () => this.#setVolume(this.#volume + 1)),
      this.#globe,
      tool("aloud", "kiosk.aloud", aloud),
      tool("leave", "kiosk.finish", finish),
      this.#tongues, this.#status,
    );
    bar.lastElementChild?.previousElementSibling?.previousElementSibling?.classList.add("kiosk-end");
    if (headphones) bar.after(this.#headphones());
    this.reset();
  }

  /** Each in its own words, for whoever cannot read the page's. @param {string[]} languages */
  offer(languages) {
    this.#globe.hidden = languages.length < 2;
    this.#tongues.replaceChildren(...languages.map((tag) => this.#tongue(tag)));
  }

  /** For the next visitor. */
  reset() {
    this.#scale = 0;
    this.#apply();
    this.#setContrast(false);
    this.#setVolume(USUAL_VOLUME);
    this.#tongues.hidden = true;
  }

  #enlarge() {
    this.#scale = (this.#scale + 1) % SCALES.length;
    this.#apply();
  }

  #apply() {
    this.#root.style.setProperty("--scale", String(SCALES[this.#scale]));
    this.#root.dataset.scale = String(this.#scale);
    this.size.ariaPressed = String(this.#scale > 0);
  }

  /** @param {boolean} on */
  #setContrast(on) {
    this.#contrast = on;
    this.#root.classList.toggle("contrast", on);
    this.contrast.ariaPressed = String(on);
  }

  /** @param {number} step */
  #setVolume(step) {
    this.#volume = Math.min(VOLUMES.length - 1, Math.max(0, step));
    this.#avatar.volume = VOLUMES[this.#volume];
    this.#root.style.setProperty("--volume", String(this.#volume / (VOLUMES.length - 1)));
    this.#status.textContent = t("kiosk.volume", { step: this.#volume, most: VOLUMES.length - 1 });
  }

  /** @param {string} tag */
  #tongue(tag) {
    const made = make("button", { type: "button", className: "kiosk-tongue", lang: tag, dir: direction(tag) }, ownName(tag));
    made.addEventListener("click", () => {
      this.#tongues.hidden = true;
      this.#choose(tag);
    });
    return made;
  }

  #headphones() {
    const line = button("headphones", "kiosk.headphones", "kiosk-headphones", () => {});
    line.disabled = true;
    return line;
  }
}
