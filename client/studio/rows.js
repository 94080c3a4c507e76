/** The rows of a batch: how far each is, its film, why it failed; and what can be done about all of them. */

import { byId, make } from "../page/dom.js";
import { t } from "../page/texts/texts.js";
import { button } from "./controls.js";
import { sure } from "./dialog.js";
import { finished, formatName, save } from "./film_dialog.js";
import { progress } from "./progress.js";
import { isOver } from "./service.js";
import { number, refusal } from "./words.js";

/** @typedef {{row: number, label: string, status: string, done: number, fault: string, files: Record<string, string>}} Row */

const SHOWN = 200; // in the page at a time

export class Rows {
  #ended = new AbortController();
  #failedOnly = false;
  /** @type {any} */ #state = { status: "queued", done: 0, proof: false };
  /** @type {Map<number, Row>} */ #rows = new Map();
  #bar = progress(t("studio.batch.title"));
  #list = make("ol", { className: "rows", ariaLabel: t("studio.batch.rows") });
  #films = make("div", { className: "proofs" });

  /** @param {import("./service.js").Service} service @param {import("./dialog.js").Dialog} shown
   * @param {string} id @param {string} language */
  constructor(service, shown, id, language) {
    this.service = service;
    this.shown = shown;
    this.id = id;
    this.language = language;
    shown.body.replaceChildren(this.#bar.element, this.#films, this.#list);
    shown.foot.replaceChildren();
  }

  stop() {
    this.#ended.abort();
  }

  get #path() {
    return `v1/batches/${encodeURIComponent(this.id)}`;
  }

  /** Until it is over, or nobody looks any more. */
  async follow() {
    try {
      this.#told(await this.service.batchState(this.id));
      if (isOver(this.#state.status)) return;
      await this.service.watch(this.#path, this.#ended.signal, (state) => this.#told(state));
    } catch (error) {
      if (!this.#ended.signal.aborted) this.shown.complain(refusal(error));
    }
  }

  /** @param {any} state with the rows that have changed */
  #told({ rows = [], ...state }) {
    if (this.#ended.signal.aborted) return;
    this.#state = { ...this.#state, ...state };
    for (const row of rows) this.#rows.set(row.row, row);
    const over = isOver(this.#state.status);
    this.#bar.element.hidden = over;
    this.#bar.show(this.#state);
    this.#drawRows();
    this.#foot();
    if (over && this.#state.proof && this.#state.waiting > 0 && !this.#films.childElementCount) this.#proofs();
  }

  // --- drawing ------------------------------------------------------------------------------------

  #drawRows() {
    const all = [...this.#rows.values()].sort((one, other) => one.row - other.row);
    const wanted = this.#failedOnly ? all.filter(({ status }) => status === "failed") : all;
    const items = wanted.slice(0, SHOWN).map((row, at) => {
      const old = /** @type {HTMLElement|undefined} */ (this.#list.children[at]);
      const key = JSON.stringify([row.row, row.status, row.fault, row.status === "running" ? Math.round(row.done * 50) : 0]);
      if (old?.dataset.key === key) return old;
      const item = this.#row(row);
      item.dataset.key = key;
      return item;
    });
    if (wanted.length > SHOWN) items.push(make("li", { className: "soft" }, t("studio.batch.more-rows", { count: number(wanted.length - SHOWN) })));
    if (items.length !== this.#list.children.length || items.some((item, at) => item !== this.#list.children[at])) this.#list.replaceChildren(...items);
  }

  /** @param {Row} row */
  #row({ row, label, status, done = 0, fault = "", files = {} }) {
    const item = make("li", { className: "row-state" }, make("span", { className: "index" }, number(row)), make("b", { dir: "auto" }, label || `#${row}`));
    item.dataset.status = status;
    if (status === "running") item.append(make("progress", { max: 1, value: done, ariaLabel: label }));
    else item.append(make("span", { className: "state-word" }, t(`studio.status.${status}`)));
    if (fault) item.append(make("span", { className: "row-fault" }, fault));
    for (const [format, address] of Object.entries(files)) {
      const name = decodeURIComponent(address.slice(address.lastIndexOf("/") + 1));
      item.append(button(formatName(format), async () => save(await this.service.picture(address), `${label || row}${name.slice(name.lastIndexOf("."))}`), { look: "link", label: `${label}, ${format}` }));
    }
    return item;
  }

  /** The films of a proof, side by side. */
  #proofs() {
    for (const { label, status, files } of this.#rows.values()) {
      if (status !== "done") continue;
      this.#films.append(make("figure", {}, ...finished(this.service, { files }, label, this.language), make("figcaption", { dir: "auto" }, label)));
    }
  }

  // --- what can be done -----------------------------------------------------------------------------

  #foot() {
    const { status, proof, waiting = 0 } = this.#state;
    const rows = [...this.#rows.values()];
    const count = (/** @type {string} */ wanted) => rows.filter((row) => row.status === wanted).length;
    const [done, failed] = [count("done"), count("failed")];
    const over = isOver(status);
    const words = t("studio.batch.count", { done: number(done), all: number(rows.length), failed: number(failed) });
    const told = make("p", { className: "soft estimate", role: "status" }, words);
    const acts = [];
    if (failed) acts.push(...this.#onFailed(failed, over));
    if (!over) acts.push(button(t("creation.cancel"), () => this.#cancel()));
    const rest = over && proof && waiting > 0;
    if (done) acts.push(button("manifest.csv", () => this.#save("manifest.csv"), { icon: "table" }), button(t("studio.batch.zip"), () => this.#save("files.zip"), { look: rest ? "quiet" : "dark", icon: "down-load" }));
    if (rest) acts.push(button(t("studio.batch.all.now", { count: number(waiting) }), () => this.#again(this.service.restOfBatch(this.id)), { look: "dark", icon: "film" }));
    const held = this.shown.foot.contains(document.activeElement);
    this.shown.foot.replaceChildren(told, ...acts);
    if (held) /** @type {HTMLElement|undefined} */ (acts.at(-1))?.focus();
    if (over) byId("told").textContent = words;
  }

  /** @param {number} failed @param {boolean} over */
  #onFailed(failed, over) {
    const shown = button(t(this.#failedOnly ? "studio.batch.show-all" : "studio.batch.show-failed"), () => {
      this.#failedOnly = !this.#failedOnly;
      this.#drawRows();
      this.#foot();
    }, { look: "link" });
    if (!over) return [shown];
    return [shown, button(t("studio.batch.retry", { count: number(failed) }), () => this.#again(this.service.retryBatch(this.id)), { icon: "again" })];
  }

  /** @param {Promise<any>} asked */
  async #again(asked) {
    try {
      await asked;
      this.#failedOnly = false;
      this.#films.replaceChildren();
      await this.follow();
    } catch (error) {
      this.shown.complain(refusal(error));
    }
  }

  /** @param {string} what */
  async #save(what) {
    try {
      const blob = await this.service.blob(`${this.#path}/${what}`);
      save(URL.createObjectURL(blob), what);
    } catch (error) {
      this.shown.complain(refusal(error));
    }
  }

  async #cancel() {
    if (!(await sure(t("studio.batch.cancel"), t("studio.batch.cancel.words"), t("studio.batch.cancel.act")))) return;
    await this.service.dropBatch(this.id).catch((error) => this.shown.complain(refusal(error)));
  }
}
