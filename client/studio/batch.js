/** A film for each row of a table: dropped, checked, proven with three, then all of them (rows.js). */

import { make } from "../page/dom.js";
import { t } from "../page/texts/texts.js";
import { button, drop, icon } from "./controls.js";
import { dialog } from "./dialog.js";
import { save } from "./film_dialog.js";
import { fields } from "./marks.js";
import { Rows } from "./rows.js";
import { clock, number, refusal, when } from "./words.js";

const PROOF = 3;

export class Batch {
  /** @type {File|null} */ #table = null;
  /** @type {Rows|null} */ #rows = null;

  /** @param {import("./state.js").Studio} studio @param {import("./service.js").Service} service
   * @param {import("./saving.js").Saving} saving */
  constructor(studio, service, saving) {
    this.studio = studio;
    this.service = service;
    this.saving = saving;
  }

  async open() {
    this.#table = null;
    this.shown = dialog(t("studio.batch.title"), { look: "full", closed: () => this.#rows?.stop() });
    void this.saving.now();
    await this.#begin();
  }

  // --- the table ----------------------------------------------------------------------------------

  async #begin() {
    const { body, foot } = this.shown;
    this.#rows?.stop();
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
      make("li", {}, make("b", {}, when(each.at), " ", make("small", { className: "soft" }, t("studio.batch.count", { done: number(each.counts?.done ?? 0), all: number(each.count ?? 0), failed: number(each.counts?.failed ?? 0) }))),
        make("span", { className: "soft" }, t(`studio.status.${each.status}`)), button(t("studio.batch.show"), () => this.#follow(each.id), { look: "quiet small" }))))));
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

  /** @param {File} file @param {{rows: number, films: number, columns: string[], faults: any[], more: number,
   * seconds: number, sample: any[]}} found films: of rows that can be made */
  #checked(file, { rows, films, columns, faults, more = 0, seconds, sample }) {
    const { body, foot } = this.shown;
    const lost = rows - films;
    body.replaceChildren(
      make("p", { className: "checked" }, icon("table"), make("b", { dir: "auto" }, file.name), make("span", {}, t("studio.batch.found", { rows: number(rows), length: clock(seconds) }))),
      make("p", {}, ...columns.map((name) => make("code", { className: "column" }, name))),
      this.#faults(faults, more), this.#samples(sample),
    );
    // Rows that cannot be made are left out only by somebody who has read so.
    const skip = lost && films ? { skip: "true" } : {};
    const proof = button(t("studio.batch.proof", { count: Math.min(PROOF, films) }), () => this.#run(file, { proof: String(PROOF), ...skip }), { look: films ? "dark" : "quiet", icon: "play" });
    const all = button(t("studio.batch.all", { count: number(films) }), () => this.#run(file, skip));
    proof.disabled = all.disabled = !films;
    const told = lost ? [make("p", { className: "estimate lost" }, t("studio.batch.lost", { count: number(lost) }))] : [];
    foot.replaceChildren(...told, button(t("studio.batch.other"), () => this.#begin(), { look: "link" }), all, proof);
    (films ? proof : /** @type {HTMLElement} */ (foot.querySelector("button"))).focus();
  }

  /** @param {any[]} faults @param {number} more that are not told */
  #faults(faults, more) {
    if (!faults.length) return make("p", { className: "good" }, icon("check"), t("studio.batch.good"));
    const rows = faults.slice(0, 100).map(({ row, column, what, grave }) => make("li", { className: grave ? "grave" : "" }, icon("warning"),
      make("span", {}, place(row, column), what)));
    more += Math.max(0, faults.length - 100);
    const rest = more ? [make("p", { className: "soft" }, t("studio.batch.more-faults", { count: number(more) }))] : [];
    return make("section", { className: "group" }, make("h3", {}, t("studio.batch.faults", { count: number(faults.length + more) })), make("ul", { className: "fault-list" }, ...rows), ...rest);
  }

  /** @param {any[]} sample */
  #samples(sample = []) {
    if (!sample.length) return "";
    const texts = sample.slice(0, PROOF).map((each) => make("li", { dir: "auto" }, make("small", {}, each.label), each.text));
    return make("section", { className: "group" }, make("h3", {}, t("studio.batch.samples")), make("ol", { className: "samples" }, ...texts));
  }

  /** @param {File} file @param {Record<string, string>} more */
  async #run(file, more) {
    this.shown.complain("");
    for (const each of this.shown.foot.querySelectorAll("button")) each.disabled = true;
    try {
      const { id } = await this.service.batch(this.#request(more), file);
      await this.#follow(id);
    } catch (error) {
      this.shown.complain(refusal(error));
      for (const each of this.shown.foot.querySelectorAll("button")) each.disabled = false;
    }
  }

  /** @param {string} id */
  async #follow(id) {
    this.#rows?.stop();
    this.#rows = new Rows(this.service, this.shown, id, this.studio.project.language || this.studio.language);
    await this.#rows.follow();
  }
}

/** Where a fault is, before what it is. @param {number} row 0: of the table as a whole @param {string} column */
function place(row, column) {
  const words = [row ? t("studio.batch.row", { row: number(row) }) : "", column].filter(Boolean);
  return words.length ? make("b", {}, `${words.join(", ")}: `) : "";
}
