/** The shelf of films: begin a new one, import one, open or throw away one that is there. */

import { byId, make } from "../page/dom.js";
import { language, onLanguage, primary, t } from "../page/texts/texts.js";
import { button, drop, dropping, field, segments, select, text } from "./controls.js";
import { sure } from "./dialog.js";
import { fill } from "./thumb.js";
import { clock, number, refusal, tongue, when } from "./words.js";

const IMPORTS = ".md,.txt,.srt,.vtt,.pptx";

/** Paragraphs are scenes. @param {string} script */
export function scenesOf(script) {
  const parts = script.replaceAll("\r\n", "\n").split(/\n\s*\n+/).map((part) => part.trim()).filter(Boolean);
  return (parts.length ? parts : [""]).map((part, at) => ({ name: `scene-${at + 1}`, text: part }));
}

/** A title out of what is said first. @param {string} script */
export function titleOf(script) {
  const line = script.replace(/\[[^\]]*\]|\{\{[^}]*\}\}/g, " ").trim().split(/[\n.!?。！？]/)[0].replace(/\s+/g, " ").replace(/[\s,;:،、，]+$/u, "").trim();
  return line.length > 60 ? `${line.slice(0, 58).trimEnd()}…` : line;
}

export class Home {
  #place = byId("home");
  #draft = { script: "", title: "", avatar: "", language: "" };
  /** @type {any[]} */ #projects = [];
  #loaded = false;

  /** @param {import("./state.js").Studio} studio @param {import("./service.js").Service} service
   * @param {{open: (answer: any) => void, create: (use: (name: string) => void) => void}} leads */
  constructor(studio, service, leads) {
    this.studio = studio;
    this.service = service;
    this.leads = leads;
    onLanguage(() => this.render());
    studio.listen((why) => why === "choices" && this.render());
    dropping(this.#place, (file) => this.#import(file));
  }

  async load() {
    this.#projects = await this.service.projects();
    this.#loaded = true;
    this.render();
  }

  render() {
    if (!this.#loaded || document.body.dataset.at !== "home") return;
    const held = /** @type {HTMLElement|null} */ (document.activeElement);
    const id = held?.closest("[data-hold]")?.getAttribute("data-hold");
    this.#place.replaceChildren(this.#fresh(), ...this.#shelf());
    if (id) /** @type {HTMLElement|null} */ (this.#place.querySelector(`[data-hold="${id}"]`))?.focus();
  }

  #fresh() {
    const draft = this.#draft;
    const box = make("textarea", { value: draft.script, rows: 6, dir: "auto", spellcheck: true, placeholder: t("studio.new.placeholder") });
    box.dataset.hold = "script";
    const fault = make("p", { className: "fault", role: "alert", hidden: true, id: "new-fault" });
    box.addEventListener("input", () => (draft.script = box.value));
    const begin = make("button", { type: "submit", className: "dark" }, t("studio.new.begin"));
    const imported = drop({ words: t("studio.import"), accept: IMPORTS, hint: t("studio.import.formats") }, (file) => this.#import(file));
    const form = make("form", { className: "fresh" },
      make("h2", {}, t("studio.new")),
      make("div", { className: "fresh-face" }, this.#faces()),
      make("div", { className: "fresh-words" },
        field(t("studio.new.script"), make("div", { className: "growing" }, box), t("studio.new.script.hint")),
        make("div", { className: "fresh-row" }, field(t("studio.language"), this.#languages()), field(t("studio.film.title"), text(draft.title, (title) => (draft.title = title), { maxLength: 200, placeholder: t("studio.new.title") }))),
        fault,
        make("div", { className: "fresh-go" }, begin, imported)));
    form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.#begin(begin);
    });
    return form;
  }

  #faces() {
    const { studio } = this;
    const options = studio.avatars.map((avatar) => {
      const image = make("img", { alt: "", className: "face" });
      if (avatar.preview) void fill(image, this.service.picture(avatar.preview));
      return /** @type {[string, Node]} */ ([avatar.name, make("span", { className: "face-option" }, image, make("span", {}, avatar.title || avatar.name))]);
    });
    const now = this.#draft.avatar || (studio.avatar("")?.name ?? "");
    const group = segments(t("studio.new.face"), options, now, (name) => (this.#draft.avatar = name), "faces-choice");
    if (!studio.creates) return group;
    const create = button(t("settings.create"), () => this.leads.create((name) => {
      this.#draft.avatar = name;
      this.render();
    }), { look: "chip", icon: "plus" });
    create.dataset.hold = "create";
    group.append(create);
    return group;
  }

  #languages() {
    const { languages } = this.studio;
    const own = languages.find((tag) => primary(tag) === primary(language())) ?? "";
    this.#draft.language ||= own;
    return select(languages.map((tag) => /** @type {[string, string]} */ ([tag, tongue(tag)])), this.#draft.language || (languages[0] ?? "en"), (tag) => (this.#draft.language = tag));
  }

  #shelf() {
    if (!this.#projects.length) return [];
    const cards = this.#projects.map((project) => this.#card(project));
    return [make("section", { className: "kept", ariaLabel: t("studio.home") }, make("h2", {}, t("studio.home")), make("ul", {}, ...cards))];
  }

  /** @param {{name: string, title: string, scenes: number, changed: number, seconds: number}} project */
  #card({ name, title, scenes, changed, seconds }) {
    const about = [t("studio.scenes.count", { count: number(scenes) }), clock(seconds), when(changed)].filter(Boolean).join(" · ");
    const open = make("button", { type: "button", className: "film-card" }, make("b", { dir: "auto" }, title || t("studio.untitled")), make("small", {}, about));
    open.addEventListener("click", () => this.#open(name));
    const bin = button(t("studio.project.remove"), () => this.#remove(name, title), { look: "tool", icon: "bin", label: `${t("studio.project.remove")}: ${title || name}` });
    return make("li", {}, open, bin);
  }

  /** @param {string} words */
  #complain(words) {
    const fault = this.#place.querySelector("#new-fault");
    if (!fault) return;
    fault.textContent = words;
    /** @type {HTMLElement} */ (fault).hidden = !words;
  }

  /** @param {string} name */
  async #open(name) {
    try {
      this.leads.open(await this.service.project(name));
    } catch (error) {
      this.#complain(refusal(error));
    }
  }

  /** @param {HTMLButtonElement} begin */
  async #begin(begin) {
    const { script, avatar, language: tag, title: given } = this.#draft;
    begin.disabled = true;
    try {
      const title = given.trim() || titleOf(script);
      const made = await this.service.create({ title });
      const project = { ...made.project, title, avatar, language: tag, scenes: scenesOf(script) };
      const kept = await this.service.save(made.name, project, made.etag);
      this.#draft = { script: "", title: "", avatar: "", language: "" };
      this.leads.open(kept);
    } catch (error) {
      this.#complain(refusal(error));
    }
    begin.disabled = false;
  }

  /** @param {File} file */
  async #import(file) {
    try {
      const made = await this.service.import(file);
      this.leads.open(made);
      // A file without a title of its own is called what it is called.
      const title = file.name.replace(/\.[^.]*$/, "");
      if (!made.project?.title) this.studio.change((project) => ({ ...project, title }));
    } catch (error) {
      this.#complain(refusal(error));
    }
  }

  /** @param {string} name @param {string} title */
  async #remove(name, title) {
    if (!(await sure(t("studio.project.remove"), t("studio.project.remove.words", { title: title || name }), t("studio.project.remove")))) return;
    try {
      await this.service.remove(name);
      await this.load();
    } catch (error) {
      this.#complain(refusal(error));
    }
  }
}
