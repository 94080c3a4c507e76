/** A film for each row of a table: dropped, checked, proven with three, then all of them. */

import { byId, make } from "../page/dom.js";
import { t } from "../page/texts/texts.js";
import { button, drop, icon } from "./controls.js";
import { dialog, sure } from "./dialog.js";
import { finished, save } from "./film_dialog.js";
import { fields } from "./marks.js";
import { progress } from "./progress.js";
import { isOver } from "./service.js";
import { clock, number, refusal } from "./words.js";

const PROOF = 3;
const SHOWN = 200; // rows in the page at a time

export class Batch {
  /** @type {File|null} */ #table = null;
  #following = new AbortController();
  /** @type {any} */ #state = null;
  #failedOnly = false;

  /** @param {import("./state.js").Studio} studio @param {import("./service.js").Service} service
   * @param {import("./saving.js").Saving} saving */
  constructor(studio, service, saving) {
    this.studio = studio;
    this.service = service;
    this.saving = saving;
  }

  async open() {
    this.#table = null;
    this.shown = dialog(t("studio.batch.title"), { look: "full", closed: () => this.#following.abort() });
    void this.saving.now();
    await this.#begin();
  }

  // --- the table ----------------------------------------------------------------------------------

  async #begin() {
    const { body, foot } = this.shown;
    this.#following.abort();
    const asked = [...new Set(this.studio.project.scenes.flatMap((scene) => fields([scene.text, scene.title, scene.lower_third?.name, scene.lower_third?.line].join(" "))))];
    const told = asked.length
      ? make("p", {}, t("studio.batch.asks"), " ", ...asked.map((name) => make("code", { className: "column" }, name)))
      : make("p", { className: "notice" }, icon("warning"), make("span", {}, t("studio.batch.no-fields")));
    body.replaceChildren(
      make("p", { className: "hint" }, t("studio.batch.hint")), told,
      drop({ words: t("studio.batch.choose"), accept: ".csv,.tsv,.txt,.xlsx", hint: t("studio.batch.formats") }, (file) => this.#check(file)),
      make("p", {}, button(t("studio.batch.sample"), () => this.#sample(asked), { look: "link" })),
    );
    foot.replaceChildren();
    const before = await this.service.batches().catch(() => []);
    const mine = before.filter((/** @type {any} */ each) => !each.project || each.project === this.studio.name);
    if (!mine.length || !this.shown.element.isConnected || this.#table) return;
    body.append(make("section", { className: "group" }, make("h3", {}, t("studio.batch.before")), make("ul", { className: "tongue-list" }, ...mine.slice(0, 8).map((/** @type {any} */ each) =>
      make("li", {}, make("b", {}, each.label || each.id), make("span", { className: "soft" }, t(`studio.status.${each.status}`)), button(t("studio.batch.show"), () => this.#follow(each.id), { look: "quiet small" }))))));
  }

  /** A table to begin with. @param {string[]} asked */
  #sample(asked) {
    const columns = asked.length ? asked : ["first_name"];
    const text = `\ufeff${columns.join(",")}\r\n${columns.map((name) => (name.includes("name") ? "Anna" : "")).join(",")}\r\n`;
    save(URL.createObjectURL(new Blob([text], { type: "text/csv" })), "people.csv");
  }

  /** @param {Record<string, string>} more */
  #request(more) {
    return { project: this.studio.name, formats: "mp4", ...more };
  }

  /** @param {File} file */
  async #check(file) {
    this.#table = file;
    const { body, foot, complain } = this.shown;
    complain("");
    body.replaceChildren(make("p", { className: "soft", role: "status" }, t("studio.batch.checking", { name: file.name })));
    foot.replaceChildren();
    try {
      await this.saving.now();
      this.#checked(file, await this.service.batch(this.#request({ check: "true" }), file));
    } catch (error) {
      await this.#begin();
      complain(refusal(error));
    }
  }

  /** @param {File} file @param {{rows: number, columns: string[], faults: any[], seconds: number, sample: any[]}} found */
  #checked(file, { rows, columns, faults, seconds, sample }) {
    const { body, foot } = this.shown;
    const grave = faults.some((fault) => fault.grave ?? !fault.row);
    body.replaceChildren(
      make("p", { className: "checked" }, icon("table"), make("b", { dir: "auto" }, file.name), make("span", {}, t("studio.batch.found", { rows: number(rows), length: clock(seconds) }))),
      make("p", {}, ...columns.map((name) => make("code", { className: "column" }, name))),
      this.#faults(faults), this.#samples(sample),
    );
    const proof = button(t("studio.batch.proof", { count: Math.min(PROOF, rows) }), () => this.#run(file, { proof: String(PROOF) }), { look: grave ? "quiet" : "dark", icon: "play" });
    const all = button(t("studio.batch.all", { count: number(rows) }), () => this.#run(file, {}));
    proof.disabled = all.disabled = grave || !rows;
    foot.replaceChildren(button(t("studio.batch.other"), () => this.#begin(), { look: "link" }), all, proof);
    (grave ? /** @type {HTMLElement} */ (foot.firstElementChild) : proof).focus();
  }

  /** @param {any[]} faults */
  #faults(faults) {
    if (!faults.length) return make("p", { className: "good" }, icon("check"), t("studio.batch.good"));
    const rows = faults.slice(0, 100).map(({ row, column, what, fix = "" }) => make("li", { className: row ? "" : "grave" }, icon("warning"),
      make("span", {}, make("b", {}, [row ? t("studio.batch.row", { row: number(row) }) : "", column].filter(Boolean).join(", ")), " ", what, " ", fix)));
    const rest = faults.length > 100 ? [make("p", { className: "soft" }, t("studio.batch.more-faults", { count: number(faults.length - 100) }))] : [];
    return make("section", { className: "group" }, make("h3", {}, t("studio.batch.faults", { count: number(faults.length) })), make("ul", { className: "fault-list" }, ...rows), ...rest);
  }

  /** @param {any[]} sample */
  #samples(sample = []) {
    if (!sample.length) return "";
    const texts = sample.slice(0, PROOF).map((each) => make("li", { dir: "auto" }, typeof each === "string" ? each : each.text ?? each.script ?? Object.values(each).join(" · ")));
    return make("section", { className: "group" }, make("h3", {}, t("studio.batch.samples")), make("ol", { className: "samples" }, ...texts));
  }

  /** @param {File} file @param {Record<string, string>} more */
  async #run(file, more) {
    this.shown.complain("");
    for (const each of this.shown.foot.querySelectorAll("button")) each.disabled = true;
    try {
      const { id } = await this.service.batch(this.#request(more), file);
      await this.#follow(id, Boolean(more.proof));
    } catch (error) {
      this.shown.complain(refusal(error));
      for (const each of this.shown.foot.querySelectorAll("button")) each.disabled = false;
    }
  }

  // --- the rows -----------------------------------------------------------------------------------

  /** @param {string} id @param {boolean} proof */
  async #follow(id, proof = false) {
    this.#following.abort();
    const mine = (this.#following = new AbortController());
    const { body, foot, complain } = this.shown;
    const bar = progress(t("studio.batch.title"));
    const list = make("ol", { className: "rows", ariaLabel: t("studio.batch.rows") });
    const films = make("div", { className: "proofs" });
    body.replaceChildren(bar.element, films, list);
    foot.replaceChildren();
    let asking = false;
    const look = async () => {
      if (asking) return;
      asking = true;
      const state = await this.service.batchState(id).catch(() => null);
      asking = false;
      if (!state || mine.signal.aborted) return;
      this.#state = state;
      bar.show(state);
      this.#rows(list, state, id);
      this.#foot(state, id, proof);
      if (isOver(state.status) && proof && !films.childElementCount) this.#proofs(films, state, id);
    };
    await look();
    try {
      await this.service.watch(`v1/batches/${encodeURIComponent(id)}`, mine.signal, (state) => {
        bar.show({ ...this.#state, ...state });
        void look();
      });
      await look();
    } catch (error) {
      complain(refusal(error));
    }
  }

  /** @param {HTMLElement} list @param {any} state @param {string} id */
  #rows(list, { rows = [] }, id) {
    const wanted = this.#failedOnly ? rows.filter((/** @type {any} */ row) => row.status === "failed") : rows;
    const items = wanted.slice(0, SHOWN).map((/** @type {any} */ row, /** @type {number} */ at) => {
      const old = /** @type {HTMLElement|undefined} */ (list.children[at]);
      const key = JSON.stringify([row.row, row.status, row.fault, row.status === "running" ? Math.round(row.done * 50) : 0]);
      if (old?.dataset.key === key) return old;
      const item = this.#row(row, id);
      item.dataset.key = key;
      return item;
    });
    if (wanted.length > SHOWN) items.push(make("li", { className: "soft" }, t("studio.batch.more-rows", { count: number(wanted.length - SHOWN) })));
    list.replaceChildren(...items);
  }

  /** @param {any} row @param {string} id */
  #row({ row, label, status, done = 0, fault = "", files = {} }, id) {
    const item = make("li", { className: "row-state" }, make("span", { className: "index" }, number(row)), make("b", { dir: "auto" }, label || `#${row}`));
    item.dataset.status = status;
    if (status === "running") item.append(make("progress", { max: 1, value: done, ariaLabel: label }));
    else item.append(make("span", { className: "state-word" }, t(`studio.status.${status}`)));
    if (fault) item.append(make("span", { className: "row-fault" }, fault));
    const named = Array.isArray(files) ? Object.fromEntries(files.map((name) => [name.split(".").pop(), name])) : files;
    for (const [format, name] of Object.entries(named)) {
      const address = `v1/batches/${encodeURIComponent(id)}/rows/${row}/${encodeURIComponent(name)}`;
      item.append(button(format.toUpperCase(), async () => save(await this.service.picture(address), name), { look: "link", label: `${label}, ${format}` }));
    }
    return item;
  }

  /** @param {HTMLElement} place @param {any} state @param {string} id */
  #proofs(place, { rows = [] }, id) {
    for (const { row, label, status, files = {} } of rows.slice(0, PROOF)) {
      if (status !== "done") continue;
      const named = Array.isArray(files) ? Object.fromEntries(files.map((/** @type {string} */ name) => [name.split(".").pop(), name])) : files;
      place.append(make("figure", {}, ...finished(this.service, `v1/batches/${encodeURIComponent(id)}/rows/${row}`, { files: named }, label, this.studio.language), make("figcaption", {}, label)));
    }
  }

  /** @param {any} state @param {string} id @param {boolean} proof */
  #foot({ status, rows = [] }, id, proof) {
    const count = (/** @type {string} */ wanted) => rows.filter((/** @type {any} */ row) => row.status === wanted).length;
    const [done, failed] = [count("done"), count("failed")];
    const told = make("p", { className: "soft estimate", role: "status" }, t("studio.batch.count", { done: number(done), all: number(rows.length), failed: number(failed) }));
    const acts = [];
    const over = isOver(status) || rows.every((/** @type {any} */ row) => isOver(row.status));
    if (failed) {
      acts.push(button(t(this.#failedOnly ? "studio.batch.show-all" : "studio.batch.show-failed"), () => {
        this.#failedOnly = !this.#failedOnly;
        const list = this.shown.body.querySelector(".rows");
        if (list) this.#rows(/** @type {HTMLElement} */ (list), this.#state, id);
        this.#foot(this.#state, id, proof);
      }, { look: "link" }));
      if (over) acts.push(button(t("studio.batch.retry", { count: number(failed) }), async () => {
        await this.service.retryBatch(id).catch((error) => this.shown.complain(refusal(error)));
        await this.#follow(id, proof);
      }, { icon: "again" }));
    }
    if (!over) acts.push(button(t("creation.cancel"), () => this.#cancel(id)));
    if (done) acts.push(button("manifest.csv", () => this.#save(id, "manifest.csv"), { icon: "table" }), button(t("studio.batch.zip"), () => this.#save(id, "files.zip"), { look: proof && this.#table ? "quiet" : "dark", icon: "down-load" }));
    const table = this.#table;
    if (over && proof && table) acts.push(button(t("studio.batch.all.now"), () => this.#run(table, {}), { look: "dark", icon: "film" }));
    const held = this.shown.foot.contains(document.activeElement);
    this.shown.foot.replaceChildren(told, ...acts);
    if (held) /** @type {HTMLElement|undefined} */ (acts.at(-1))?.focus();
    byId("told").textContent = over ? (told.textContent ?? "") : "";
  }

  /** @param {string} id @param {string} what */
  async #save(id, what) {
    try {
      const blob = await this.service.blob(`v1/batches/${encodeURIComponent(id)}/${what}`);
      save(URL.createObjectURL(blob), what);
    } catch (error) {
      this.shown.complain(refusal(error));
    }
  }

  /** @param {string} id */
  async #cancel(id) {
    if (!(await sure(t("studio.batch.cancel"), t("studio.batch.cancel.words"), t("studio.batch.cancel.act")))) return;
    await this.service.dropBatch(id).catch((error) => this.shown.complain(refusal(error)));
  }
}
