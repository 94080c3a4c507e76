/**
 * How fast the replies come: one figure, and on request every stage of the last turns.
 */

import { byId, make } from "./dom.js";
import { has, onLanguage, t } from "./texts/texts.js";

const TURNS = 5;
const REFRESH_MS = 1000;

/** @param {number|null|undefined} value @param {number} digits */
export const figure = (value, digits = 0) => (value == null ? "–" : value.toFixed(digits));

/** Stages of a receipt in table order, in ms. @param {any} receipt */
export function stages(receipt) {
  const { transcript, first_clause, first_sound, first_picture, skew } = receipt;
  return [transcript, first_clause, first_sound, first_picture, skew].map((value) => figure(value));
}

/** The figure that a visitor feels. @param {any[]} receipts */
export function headline(receipts) {
  const last = receipts.findLast((receipt) => receipt.first_sound != null);
  if (!last) return t("latency.none");
  return t("latency.replied", { seconds: (last.first_sound / 1000).toFixed(2) });
}

/** Lines about the connection. @param {any} hooks @param {any} stats */
export function connection({ firstPictureMs, clock }, stats) {
  const video = stats?.video;
  const roundTrip = clock.roundTripMs ?? stats?.roundTripMs;
  const buffers = { video: figure(video?.jitterBufferMs), voice: figure(stats?.audio?.jitterBufferMs) };
  return [
    [t("latency.first"), `${figure(firstPictureMs)} ms`],
    [t("latency.trip"), `${figure(roundTrip, 1)} ms`],
    [t("latency.size"), video?.width ? t("latency.fps", { size: `${video.width} × ${video.height}`, fps: figure(video.fps) }) : "–"],
    [t("latency.buffered"), t("latency.buffers", buffers)],
    [t("latency.freezes"), figure(video?.freezes)],
  ];
}

export class Latency {
  #hooks;
  #details = byId("latency");
  #figures = byId("latency-figures");
  #word = byId("latency-word");
  #timer = 0;

  /** @param {any} hooks see hooks.js */
  constructor(hooks) {
    this.#hooks = hooks;
    this.#details.addEventListener("toggle", () => this.#onToggle());
    onLanguage(() => this.render());
    addEventListener("pointerdown", ({ target }) => {
      if (!this.#details.contains(target)) this.#details.open = false;
    });
  }

  get open() {
    return this.#details.open;
  }

  close() {
    this.#details.open = false;
  }

  render() {
    this.#word.textContent = headline(this.#hooks.receipts);
    if (this.#details.open) this.#fill();
  }

  #onToggle() {
    clearInterval(this.#timer);
    if (!this.#details.open) return;
    this.#fill();
    this.#timer = Number(setInterval(() => this.#fill(), REFRESH_MS));
  }

  async #fill() {
    const stats = await this.#hooks.stats();
    const list = make("dl");
    for (const [name, value] of connection(this.#hooks, stats)) {
      list.append(make("dt", {}, name), make("dd", {}, value));
    }
    this.#figures.replaceChildren(this.#turns(), list);
  }

  #turns() {
    const receipts = this.#hooks.receipts.slice(-TURNS).reverse();
    if (!receipts.length) return make("p", {}, t("latency.empty"));
    const heads = ["turn", "words", "clause", "sound", "picture", "skew"];
    const rows = receipts.map((/** @type {any} */ receipt) => {
      const origin = has(`latency.${receipt.origin}`) ? t(`latency.${receipt.origin}`) : receipt.origin;
      const cells = stages(receipt).map((value) => make("td", {}, value));
      return make("tr", {}, make("th", { scope: "row" }, origin), ...cells);
    });
    const head = make("tr", {}, ...heads.map((name) => make("th", { scope: "col" }, t(`latency.${name}`))));
    const caption = make("caption", {}, t("latency.caption"));
    return make("table", {}, caption, make("thead", {}, head), make("tbody", {}, ...rows));
  }
}
