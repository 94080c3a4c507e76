/** "Make the film": what of it, then its progress, then the film itself with its downloads. */

import { make } from "../page/dom.js";
import { t } from "../page/texts/texts.js";
import { button, icon } from "./controls.js";
import { dialog } from "./dialog.js";
import { fields } from "./marks.js";
import { progress } from "./progress.js";
import { isOver } from "./service.js";
import { keep, remembered } from "../page/settings.js";
import { sizeOf } from "./model.js";
import { clock, number, refusal, tongue, when } from "./words.js";

/** @typedef {import("./films.js").Film} Film */

export const FORMATS = ["mp4", "webm", "gif", "webp", "m4a", "mp3", "wav", "srt", "vtt", "txt"];
const GROUPS = /** @type {const} */ ([["picture", ["mp4", "webm", "gif"]], ["sound", ["m4a", "mp3", "wav"]], ["words", ["srt", "vtt", "txt"]]]);

export class FilmDialog {
  /** @type {import("./dialog.js").Dialog|null} */ #shown = null;
  #list = make("div", { className: "films" });
  /** @type {Map<string, any>} */ #translations = new Map();
  /** @type {Map<string, {card: HTMLElement, status: string, show: (film: Film) => void}>} */ #cards = new Map();

  /** @param {import("./state.js").Studio} studio @param {import("./films.js").Films} films
   * @param {import("./service.js").Service} service @param {import("./saving.js").Saving} saving
   * @param {{review: (language: string) => Promise<boolean>, go: (scene: string) => void}} leads */
  constructor(studio, films, service, saving, leads) {
    this.studio = studio;
    this.films = films;
    this.service = service;
    this.saving = saving;
    this.leads = leads;
    films.listen((film) => this.#told(film));
  }

  async open() {
    if (this.#shown) return;
    this.#shown = dialog(t("studio.film.open"), { look: "wide film-dialog", closed: () => {
      this.#shown = null;
      this.#cards.clear();
    } });
    const { body, foot } = this.#shown;
    this.#cards.clear();
    this.#list.replaceChildren();
    body.append(make("p", { className: "soft" }, t("studio.saved.saving")));
    await this.saving.now();
    this.#translations = await this.#translated();
    if (!this.#shown) return;
    body.replaceChildren(...this.#faults(), ...this.#unfilled(), this.#choices(), this.#list);
    const go = button(t("studio.film.make"), () => this.#make(go), { look: "dark", icon: "film" });
    go.disabled = this.studio.faults.some(({ grave }) => grave);
    foot.append(make("p", { className: "soft estimate" }, this.#about()), go);
    const films = this.films.of(this.studio.name);
    films.forEach((film, at) => this.#show(film, false, at > 0));
    if (!go.disabled) go.focus();
    if (films.some(({ status }) => !isOver(status))) this.#list.scrollIntoView({ block: "start" });
  }

  #about() {
    const [across, down] = sizeOf(this.studio.project.frame);
    return t("studio.film.about", { length: clock(this.studio.seconds), size: `${across} × ${down}` });
  }

  /** What stands in the way, each with the way there. */
  #faults() {
    const { faults } = this.studio;
    if (!faults.length) return [];
    const rows = faults.slice(0, 30).map((fault) => {
      const row = make("li", { className: fault.grave ? "grave" : "" }, icon("warning"), make("span", {}, make("b", {}, `${fault.what}:`), " ", fault.fix));
      if (fault.scene) row.append(button(t("studio.fault.show"), () => {
        this.#shown?.close();
        this.leads.go(fault.scene);
      }, { look: "link" }));
      return row;
    });
    return [make("ul", { className: "fault-list" }, ...rows)];
  }

  /** One film says a batch's places as they stand, which nobody wants. */
  #unfilled() {
    const asked = [...new Set(this.studio.project.scenes.flatMap((scene) => fields([scene.text, scene.title, scene.lower_third?.name, scene.lower_third?.line].join(" "))))];
    if (!asked.length) return [];
    const names = asked.map((name) => make("code", { className: "column" }, name)).flatMap((name) => [name, " "]);
    return [make("p", { className: "notice" }, icon("warning"), make("span", {}, t("studio.film.unfilled", { act: t("studio.batch.open") }), " ", ...names))];
  }

  #choices() {
    const wanted = new Set(remembered().formats ?? ["mp4"]);
    const group = (/** @type {string} */ name, /** @type {readonly string[]} */ formats) => make("fieldset", { className: "formats" },
      make("legend", {}, t(`studio.formats.${name}`)),
      ...formats.map((format) => make("label", { className: "confirm" },
        make("input", { type: "checkbox", name: "format", value: format, checked: wanted.has(format) }),
        make("span", {}, make("b", {}, format.toUpperCase()), " ", make("small", {}, t(`studio.format.${format}`))))));
    return make("form", { className: "stack", id: "film-choices" }, ...this.#languages(), make("div", { className: "format-groups" }, ...GROUPS.map(([name, formats]) => group(name, formats))));
  }

  #languages() {
    const { project, language } = this.studio;
    if (!project.languages.length) return [];
    const own = project.language || language;
    const rows = ["", ...project.languages].map((tag) => {
      const label = make("label", { className: "confirm" }, make("input", { type: "checkbox", name: "language", value: tag, checked: true }), make("span", {}, tongue(tag || own)));
      const row = make("div", { className: "language-row" }, label);
      if (tag) row.append(make("small", { className: "soft" }, this.#standing(tag)), button(t("studio.review.open"), async () => {
        await this.leads.review(tag);
        this.#translations = await this.#translated();
        row.replaceChild(make("small", { className: "soft" }, this.#standing(tag)), /** @type {Node} */ (row.children[1]));
      }, { look: "link", label: t("studio.review.open.in", { language: tongue(tag) }) }));
      return row;
    });
    return [make("fieldset", { className: "formats" }, make("legend", {}, t("studio.tab.languages")), ...rows)];
  }

  /** Which translations there are, by their languages; nothing where the server has none.
   * @returns {Promise<Map<string, any>>} */
  async #translated() {
    if (!this.studio.project.languages.length) return new Map();
    const { languages } = await this.service.translations(this.studio.name).catch(() => ({ languages: [] }));
    return new Map(languages.map((each) => [each.language, each]));
  }

  /** How far a translation is. @param {string} tag */
  #standing(tag) {
    const there = this.#translations.get(tag);
    if (!there) return t("studio.review.none");
    const open = there.machine + there.stale;
    return open ? t("studio.review.left", { count: number(open) }) : t("studio.review.done");
  }

  /** @param {HTMLButtonElement} go */
  async #make(go) {
    const form = /** @type {HTMLFormElement} */ (this.#shown?.body.querySelector("#film-choices"));
    const checked = (/** @type {string} */ name) => /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll(`input[name=${name}]:checked`)]).map(({ value }) => value);
    const formats = checked("format");
    const languages = form.querySelector("input[name=language]") ? checked("language") : [""];
    if (!formats.length || !languages.length) return this.#shown?.complain(t("studio.film.nothing"));
    keep({ formats });
    this.#shown?.complain("");
    go.disabled = true;
    try {
      for (const language of languages) {
        // Nobody films what nobody has seen.
        if (language && !this.#translations.has(language) && !(await this.leads.review(language))) continue;
        await this.#begin(formats, language);
      }
    } catch (error) {
      this.#shown?.complain(refusal(error));
    }
    go.disabled = false;
    if (this.#shown && this.#list.firstChild) this.#list.scrollIntoView({ block: "start" });
  }

  /** @param {string[]} formats @param {string} language "" for the script's own */
  async #begin(formats, language) {
    this.#show(await this.films.make({ project: this.studio.name, formats, ...(language && { language }) }), true);
  }

  // --- what comes of it ---------------------------------------------------------------------------

  /** @param {Film} film */
  #told(film) {
    if (this.#shown && film.project === this.studio.name) this.#show(film, true);
  }

  /** @param {Film} film @param {boolean} first whether it stands above the others @param {boolean} folded */
  #show(film, first, folded = false) {
    const known = this.#cards.get(film.id);
    if (known && known.status === film.status) return known.show(film);
    const made = this.#card(film, folded);
    if (known) known.card.replaceWith(made.card);
    else if (first) this.#list.prepend(made.card);
    else this.#list.append(made.card);
    this.#cards.set(film.id, { ...made, status: film.status });
    made.show(film);
  }

  /** @param {Film} film @param {boolean} folded whether it is fetched only once somebody wants to see it */
  #card(film, folded) {
    const language = film.language || this.studio.project.language || this.studio.language;
    const title = film.title || t("studio.untitled");
    const name = `${title} · ${tongue(language)}`;
    const heading = make("h3", {}, name, " ", make("small", {}, when(film.at)));
    const card = make("article", { className: "film", ariaLabel: name }, heading);
    card.dataset.status = film.status;
    if (!isOver(film.status)) {
      const bar = progress(name);
      card.append(bar.element, button(t("creation.cancel"), () => void this.films.drop(film), { look: "quiet small" }));
      return { card, show: bar.show };
    }
    if (film.status === "done" && folded) card.append(unfolding(() => finished(this.service, film, title, language)));
    else if (film.status === "done") card.append(...finished(this.service, film, title, language));
    else card.append(make("p", { className: film.status === "failed" ? "fault" : "soft" }, film.status === "failed" ? refusal({ code: film.code, message: film.fault }) : t("studio.status.cancelled")));
    card.append(button(t("studio.film.forget"), () => {
      void this.films.drop(film);
      card.remove();
      this.#cards.delete(film.id);
    }, { look: "link" }));
    return { card, show: () => undefined };
  }
}

/** @param {() => Node[]} draw */
function unfolding(draw) {
  const show = button(t("studio.film.show"), () => show.replaceWith(...draw()), { look: "quiet small", icon: "play" });
  return show;
}

/** The film in the page, and its files to take away. @param {import("./service.js").Service} service
 * @param {{files?: Record<string, string>, notes?: string[]}} made files: addresses, by format
 * @param {string} title @param {string} language */
export function finished(service, { files = {}, notes = [] }, title, language) {
  const played = ["mp4", "webm"].find((format) => files[format]);
  const shown = [];
  if (played) {
    const video = make("video", { controls: true, playsInline: true, ariaLabel: title });
    video.setAttribute("aria-label", title);
    void service.picture(files[played]).then((source) => (video.src = source));
    shown.push(video);
    if (files.vtt) void service.picture(files.vtt).then((src) => video.append(make("track", { kind: "subtitles", src, srclang: language, label: tongue(language) })));
  }
  const saved = Object.entries(files).map(([format, address]) => button(formatName(format), async () => save(await service.picture(address), downloadName(title, language, address)), {
    look: "quiet small", icon: "down-load", label: t("studio.film.save", { format: formatName(format) }),
  }));
  shown.push(make("div", { className: "downloads", role: "group", ariaLabel: t("studio.film.downloads") }, ...saved));
  if (notes.length) shown.push(make("ul", { className: "notes soft" }, ...notes.map((note) => make("li", {}, note))));
  return shown;
}

/** "mp4" -> "MP4"; a signature that lies beside its film is called what it is. @param {string} format */
export const formatName = (format) => (format.endsWith("c2pa") ? "C2PA" : format.toUpperCase());

/** @param {string} title @param {string} language @param {string} address */
function downloadName(title, language, address) {
  const suffix = address.slice(address.lastIndexOf("."));
  const plain = title.normalize("NFC").replace(/[\\/:*?"<>|\s]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 60) || "film";
  return `${plain}-${language}${suffix}`;
}

/** @param {string} address @param {string} name */
export function save(address, name) {
  if (!address) return;
  const link = make("a", { href: address, download: name });
  link.click();
}

