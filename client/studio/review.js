/** A translation beside its source, read and mended before it is filmed. */

import { make } from "../page/dom.js";
import { direction, has, t } from "../page/texts/texts.js";
import { button, freshId } from "./controls.js";
import { dialog } from "./dialog.js";
import { progress } from "./progress.js";
import { number, refusal, tongue } from "./words.js";

/** @typedef {{scene: string, field: string, source: string, target: string, fit: number, state: "machine"|"checked"|"stale"}} Pair
 * fit: the rate of speech with which it is as long as the original; stale: that has changed since */

const WIDEST = 0.15; // the voice is sped up or slowed down by so much at most

export class Review {
  #kept = false;

  /** @param {import("./state.js").Studio} studio @param {import("./service.js").Service} service
   * @param {import("./saving.js").Saving} saving */
  constructor(studio, service, saving) {
    this.studio = studio;
    this.service = service;
    this.saving = saving;
  }

  /** Whether a translation is there once the dialog is closed. @param {string} language @returns {Promise<boolean>} */
  open(language) {
    return new Promise((resolve) => {
      const ended = new AbortController();
      const shown = dialog(t("studio.review.title", { language: tongue(language) }), { look: "full", closed: () => {
        ended.abort();
        resolve(this.#kept);
      } });
      this.#kept = false;
      void this.#begin(shown, language, ended.signal);
    });
  }

  /** @param {import("./dialog.js").Dialog} shown @param {string} language @param {AbortSignal} signal */
  async #begin(shown, language, signal) {
    const bar = progress(t("studio.review.translating"));
    const told = make("p", { className: "soft", role: "status" }, t("studio.review.translating"));
    shown.body.append(told);
    try {
      await this.saving.now();
      const answer = await this.service.translate(this.studio.name, language, (state) => {
        if (!bar.element.isConnected) shown.body.append(bar.element);
        bar.show(state);
      }, signal);
      if (signal.aborted) return;
      this.#show(shown, language, answer);
    } catch (error) {
      if (signal.aborted) return;
      shown.body.replaceChildren();
      shown.complain(refusal(error));
    }
  }

  /** @param {import("./dialog.js").Dialog} shown @param {string} language
   * @param {{by: string, pairs: Pair[], notes: string[]}} answer */
  #show(shown, language, { by, pairs, notes }) {
    this.#kept = true; // it lies at the server already, unread
    const before = new Map(pairs.map((pair) => [pair, JSON.stringify([pair.target, pair.state])]));
    const left = make("p", { className: "soft estimate", role: "status" });
    const count = () => {
      const open = pairs.filter(({ state }) => state !== "checked").length;
      left.textContent = open ? t("studio.review.left", { count: number(open) }) : t("studio.review.done");
    };
    const rows = pairs.map((pair) => this.#row(pair, language, count));
    const heads = make("div", { className: "review-heads", ariaHidden: "true" }, make("b", {}, tongue(this.studio.project.language || this.studio.language)), make("b", {}, tongue(language)));
    const told = [by && t("studio.review.by", { by }), ...notes].filter(Boolean);
    shown.body.replaceChildren(
      ...(told.length ? [make("ul", { className: "notes soft" }, ...told.map((words) => make("li", {}, words)))] : []),
      heads, make("div", { className: "review" }, ...rows),
    );
    const keep = button(t("studio.review.keep"), () => this.#keep(shown, language, pairs.filter((pair) => before.get(pair) !== JSON.stringify([pair.target, pair.state]))), { look: "dark", icon: "check" });
    const all = button(t("studio.review.all"), () => {
      for (const pair of pairs) pair.state = "checked";
      for (const box of shown.body.querySelectorAll(".review input")) /** @type {HTMLInputElement} */ (box).checked = true;
      count();
      keep.focus();
    });
    shown.foot.replaceChildren(left, all, keep);
    count();
  }

  /** @param {Pair} pair @param {string} language @param {() => void} count */
  #row(pair, language, count) {
    const id = freshId("pair");
    const scene = this.studio.project.scenes.findIndex(({ name }) => name === pair.scene);
    const where = [scene >= 0 ? t("studio.scene.number", { number: number(scene + 1) }) : "", fieldWords(pair.field)].filter(Boolean).join(", ");
    const box = make("textarea", { id, value: pair.target, lang: language, dir: direction(language), rows: 1, spellcheck: true });
    const seen = make("input", { type: "checkbox", checked: pair.state === "checked" });
    const fit = make("span", { className: "fit" });
    const stale = pair.state === "stale" ? [make("span", { className: "fit stale" }, t("studio.review.stale"))] : [];
    const show = () => {
      const far = Math.abs(pair.fit - 1) > WIDEST;
      fit.hidden = !pair.fit || pair.field !== "text";
      fit.dataset.far = String(far);
      fit.textContent = fitWords(pair.fit, far);
    };
    box.addEventListener("input", () => {
      pair.target = box.value;
      pair.state = "checked";
      seen.checked = true;
      fit.hidden = true; // the server measures it anew
      count();
    });
    seen.addEventListener("change", () => {
      pair.state = seen.checked ? "checked" : "machine";
      count();
    });
    show();
    return make("section", { className: "pair-row" },
      make("div", { className: "source" }, make("small", {}, where), make("p", { dir: "auto" }, pair.source)),
      make("div", { className: "target" }, make("label", { className: "unseen", htmlFor: id }, `${where}, ${tongue(language)}`),
        make("div", { className: "growing" }, box),
        make("p", { className: "pair-state" }, make("label", { className: "confirm" }, seen, make("span", {}, t("studio.review.seen"))), ...stale, fit)));
  }

  /** @param {import("./dialog.js").Dialog} shown @param {string} language @param {Pair[]} pairs */
  async #keep(shown, language, pairs) {
    try {
      if (pairs.length) await this.service.saveTranslation(this.studio.name, language, pairs);
      shown.close();
    } catch (error) {
      shown.complain(refusal(error));
    }
  }
}

/** @param {string} field */
const fieldWords = (field) => (field === "text" || !has(`studio.field.${field}`) ? "" : t(`studio.field.${field}`));

/** @param {number} fit factor on the rate of speech @param {boolean} far */
function fitWords(fit, far) {
  if (!fit || Math.abs(fit - 1) < 0.02) return t("studio.fit.same");
  const share = number(Math.abs(fit - 1), { style: "percent", maximumFractionDigits: 0 });
  if (far) return t(fit > 1 ? "studio.fit.too-long" : "studio.fit.too-short", { share });
  return t(fit > 1 ? "studio.fit.faster" : "studio.fit.slower", { share });
}
