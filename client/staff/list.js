/** The list of conversations: one button each, changed in place so that focus stays where it is. */

import { byId, make } from "../page/dom.js";
import { t } from "../page/texts/texts.js";
import { doing, duration, feeling, holder, reason, tongue } from "./words.js";

export class List {
  #list = byId("sessions");
  /** @type {any[]} */ #rows = [];
  #desk = "";
  #receivedAt = 0;
  /** @type {(id: string) => void} */ #open;

  /** @param {(id: string) => void} open */
  constructor(open) {
    this.#open = open;
    this.#list.addEventListener("click", (/** @type {any} */ event) => {
      const button = event.target.closest("button");
      if (button) open(button.dataset.id);
    });
    this.#list.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#move(event));
    setInterval(() => this.#tick(), 1000);
  }

  /** @param {any[]} rows @param {string} desk of this page @param {string} opened id */
  show(rows, desk, opened) {
    this.#rows = rows;
    this.#desk = desk;
    this.#receivedAt = performance.now();
    byId("count").textContent = rows.length ? String(rows.length) : "";
    byId("nobody").hidden = rows.length > 0;
    const known = new Map([...this.#list.children].map((item) => [item.firstChild.dataset.id, item]));
    const wanted = rows.map((row) => known.get(row.id) ?? this.#made(row.id));
    for (const [id, item] of known) if (!rows.some((row) => row.id === id)) item.remove();
    wanted.forEach((item, at) => {
      if (this.#list.children[at] !== item) this.#list.insertBefore(item, this.#list.children[at] ?? null);
    });
    rows.forEach((row, at) => this.#write(wanted[at].firstChild, row, opened));
    this.#tick();
  }

  /** @param {string} id */
  #made(id) {
    const button = make("button", { type: "button", className: "session" },
      make("span", { className: "call" }),
      make("span", { className: "what" }, make("span", { className: "light" }), make("span", { className: "word" }),
        make("time", { className: "since" })),
      make("span", { className: "marks" }),
    );
    button.dataset.id = id;
    return make("li", {}, button);
  }

  /** @param {any} button @param {any} row @param {string} opened */
  #write(button, row, opened) {
    const waits = row.wanted_seconds !== null && !row.how;
    button.classList.toggle("waits", waits);
    button.classList.toggle("mine", row.desk === this.#desk);
    button.dataset.doing = row.state === "live" ? row.doing : "away";
    button.setAttribute("aria-current", String(row.id === opened));
    button.querySelector(".word").textContent = doing(row);
    const by = holder(row, this.#desk);
    const reading = row.watchers ? t("staff.reading", { count: row.watchers }) : "";
    const marks = [tongue(row.language), row.avatar, feeling(row.mood), by, by ? "" : reading];
    button.querySelector(".marks").replaceChildren(
      ...marks.filter(Boolean).map((text) => make("span", { textContent: text, className: text === by ? "by" : "" })),
    );
  }

  /** Times go on between two messages. */
  #tick() {
    const later = (performance.now() - this.#receivedAt) / 1000;
    for (const row of this.#rows) {
      const button = this.#list.querySelector(`[data-id="${CSS.escape(row.id)}"]`);
      if (!button) continue;
      button.querySelector(".since").textContent = duration(row.seconds + later);
      const waits = row.wanted_seconds !== null && !row.how;
      const since = waits ? duration(row.wanted_seconds + later) : "";
      const call = waits ? t("staff.waits", { since, why: reason(row) }) : "";
      button.querySelector(".call").textContent = call;
    }
  }

  /** Arrows go from one to the next. @param {KeyboardEvent} event */
  #move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...this.#list.querySelectorAll("button")];
    all.at((all.indexOf(document.activeElement) + step + all.length) % all.length)?.focus();
  }

  /** @param {string} id */
  focus(id) {
    (this.#list.querySelector(`[data-id="${CSS.escape(id)}"]`) ?? this.#list.querySelector("button"))?.focus();
  }
}
