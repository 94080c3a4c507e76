/** A tuned voice of one's own: a short sample and the consent of whoever is heard in it. */

import { make } from "../page/dom.js";
import { t } from "../page/texts/texts.js";
import { asName } from "../page/making.js";
import { button, drop, field, select, text } from "./controls.js";
import { dialog, sure } from "./dialog.js";
import { SOUNDS } from "./files.js";
import { record, suffixOf } from "./recording.js";
import { progress } from "./progress.js";
import { isOver, Refused } from "./service.js";
import { refusal, tongue } from "./words.js";

const POLL_MS = 700;

export class OwnVoices {
  /** @param {import("./state.js").Studio} studio @param {import("./service.js").Service} service
   * @param {() => Promise<void>} reload voices there are */
  constructor(studio, service, reload) {
    this.studio = studio;
    this.service = service;
    this.reload = reload;
  }

  button() {
    return button(t("studio.voice.make"), () => this.open(), { look: "chip", icon: "plus" });
  }

  open() {
    const shown = dialog(t("studio.voice.make"), { look: "narrow" });
    /** @type {Blob|null} */ let sample = null;
    let whose = "self";
    const fields = { name: "", subject: "", giver: "", language: this.studio.project.language || this.studio.language };
    const heard = make("audio", { controls: true, hidden: true });
    const take = (/** @type {Blob} */ blob) => {
      sample = blob;
      heard.src = URL.createObjectURL(blob);
      heard.hidden = false;
      shown.complain("");
    };
    const subject = field(t("studio.voice.subject"), text("", (value) => (fields.subject = value.trim()), { maxLength: 120 }));
    subject.hidden = true;
    const statement = make("p", {});
    const show = () => {
      subject.hidden = whose === "self";
      statement.textContent = this.#statement(whose, fields.subject || "…");
    };
    const form = make("form", { className: "stack", id: "own-voice" },
      make("p", { className: "hint" }, t("studio.voice.hint")),
      make("div", { className: "pair-buttons" },
        button(t("studio.record.open"), async () => {
          const taken = await record(t("studio.voice.read"));
          if (taken) take(taken);
        }, { icon: "mic" }),
        drop({ words: t("studio.voice.sample"), accept: SOUNDS }, take)),
      heard,
      field(t("studio.voice.name"), text("", (value) => (fields.name = asName(value)), { maxLength: 64, required: true, dir: "ltr" })),
      field(t("studio.language"), select(this.studio.languages.map((tag) => [tag, tongue(tag)]), fields.language, (value) => (fields.language = value))),
      field(t("studio.voice.whose"), select([["self", t("studio.voice.self")], ["other", t("studio.voice.other")]], whose, (value) => {
        whose = value;
        show();
      })),
      subject,
      field(t("consent.giver"), text("", (value) => (fields.giver = value.trim()), { maxLength: 120, required: true, autocomplete: "name" })),
      make("section", { className: "record" }, make("h3", {}, t("studio.voice.record")), make("blockquote", {}, statement)),
      make("label", { className: "confirm" }, make("input", { type: "checkbox", required: true }), make("span", {}, t("consent.confirm"))),
    );
    form.addEventListener("input", show);
    form.addEventListener("submit", async (/** @type {Event} */ event) => {
      event.preventDefault();
      if (!sample) return shown.complain(t("studio.voice.no-sample"));
      const body = new FormData();
      const said = whose === "self" ? fields.giver : fields.subject;
      const sent = { name: fields.name, language: fields.language, subject: said, consent: this.#statement(whose, said), given_by: fields.giver, confirmed: "yes" };
      for (const [key, value] of Object.entries(sent)) body.set(key, value);
      body.set("sample", sample, `sample${suffixOf(sample)}`);
      make_.disabled = true;
      try {
        await this.#make(body, shown);
        this.studio.change((project) => ({ ...project, voice: fields.name }));
        shown.close();
      } catch (error) {
        shown.complain(refusal(error));
      }
      make_.disabled = false;
    });
    const make_ = make("button", { type: "submit", className: "dark" }, t("studio.voice.make.act"));
    make_.setAttribute("form", "own-voice");
    show();
    shown.body.append(form, ...this.#list(shown));
    shown.foot.append(make_);
  }

  /** @param {string} whose @param {string} subject */
  #statement(whose, subject) {
    return t(`studio.voice.consent.${whose}`, { subject });
  }

  /** @param {FormData} body @param {import("./dialog.js").Dialog} shown */
  async #make(body, shown) {
    const response = await this.service.ask("v1/voices", { method: "POST", body });
    const made = await response.json().catch(() => ({}));
    if (response.status === 202) await this.#made(String(response.headers.get("Location") ?? `v1/voices/jobs/${made.id}`), shown);
    await this.reload();
  }

  /** Until it is over. @param {string} job @param {import("./dialog.js").Dialog} shown */
  async #made(job, shown) {
    const bar = progress(t("studio.voice.make"));
    shown.body.append(bar.element);
    bar.element.scrollIntoView({ block: "nearest" });
    try {
      for (;;) {
        const state = await this.service.json(job.replace(/^\//, ""));
        bar.show(state);
        if (state.status === "done") return;
        if (isOver(state.status)) throw new Refused(422, state.code, state.fault);
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    } finally {
      bar.element.remove();
    }
  }

  /** Voices that were made, and may be taken away. @param {import("./dialog.js").Dialog} shown */
  #list(shown) {
    const own = this.studio.voices.filter((voice) => voice.own);
    if (!own.length) return [];
    const rows = own.map(({ name }) => make("li", {}, make("b", { dir: "ltr" }, name), button(t("studio.remove"), async () => {
      if (!(await sure(t("studio.voice.remove", { name }), t("studio.voice.remove.words"), t("studio.remove")))) return;
      try {
        await this.service.ask(`v1/voices/${encodeURIComponent(name)}`, { method: "DELETE" });
        await this.reload();
        shown.close();
      } catch (error) {
        shown.complain(refusal(error));
      }
    }, { look: "quiet small" })));
    return [make("section", { className: "group" }, make("h3", {}, t("studio.voice.mine")), make("ul", { className: "tongue-list" }, ...rows))];
  }
}
