/** Files of a project: chosen from those that are there, or put there. */

import { make } from "../page/dom.js";
import { t } from "../page/texts/texts.js";
import { button, drop } from "./controls.js";
import { fill } from "./thumb.js";
import { refusal, size } from "./words.js";

export const PICTURES = ".png,.jpg,.jpeg,.webp";
export const VIDEOS = ".mp4,.webm,.mov,.mkv";
export const SOUNDS = ".mp3,.m4a,.wav,.ogg,.opus,.flac,.webm";

/** What the server takes as a name: "Strand & Meer.JPG" -> "strand-meer.jpg". @param {string} name */
export function fileName(name) {
  const dot = name.lastIndexOf(".");
  const [stem, suffix] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  const plain = stem.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-");
  return (plain.slice(0, 60).replace(/^-+|-+$/g, "") || "file") + suffix.toLowerCase();
}

/** A name that is not taken by another file. @param {{name: string}[]} files @param {string} name */
export function freeFile(files, name) {
  const taken = new Set(files.map((file) => file.name));
  const dot = name.lastIndexOf(".");
  let free = name;
  for (let count = 2; taken.has(free); count += 1) free = `${name.slice(0, dot)}-${count}${name.slice(dot)}`;
  return free;
}

export class Files {
  /** @param {import("./state.js").Studio} studio @param {import("./service.js").Service} service
   * @param {(words: string) => void} complain */
  constructor(studio, service, complain) {
    this.studio = studio;
    this.service = service;
    this.complain = complain;
  }

  /** Put a file into the project; its name there, "" where it was refused.
   * @param {Blob} file @param {string} name @returns {Promise<string>} */
  async put(file, name) {
    const free = freeFile(this.studio.files, fileName(name));
    try {
      this.studio.files = await this.service.putFile(this.studio.name, free, file);
    } catch (error) {
      this.complain(refusal(error));
      return "";
    }
    return free;
  }

  /** A field for one file. @param {{words: string, accept: string, value: string, hint?: string}} what
   * @param {(name: string) => void} change "" when it is taken away */
  field({ words, accept, value, hint }, change) {
    const place = make("div", { className: "file-field" });
    const here = this.studio.files.filter(({ name }) => accept.split(",").some((suffix) => name.toLowerCase().endsWith(suffix)) && name !== value);
    if (value) place.append(this.#shown(value, accept, change));
    else {
      const dropped = drop({ words, accept, hint }, async (file) => {
        dropped.classList.add("busy");
        const name = await this.put(file, file.name);
        dropped.classList.remove("busy");
        if (name) change(name);
      });
      place.append(dropped);
    }
    if (!value && here.length) {
      const choices = make("div", { className: "file-choices", role: "group", ariaLabel: t("studio.files.here") });
      for (const file of here.slice(0, 12)) choices.append(this.#choice(file.name, accept, change));
      place.append(choices);
    }
    return place;
  }

  /** @param {string} name @param {string} accept @param {(name: string) => void} change */
  #shown(name, accept, change) {
    const file = this.studio.files.find((each) => each.name === name);
    const about = make("span", { className: "file-about" }, make("b", { dir: "ltr" }, name));
    if (file) about.append(make("small", {}, size(file.bytes)));
    const away = button(t("studio.file.away", { name }), () => change(""), { look: "tool", icon: "close" });
    const row = make("div", { className: "file-shown" });
    if (accept === PICTURES) row.append(this.#picture(name));
    row.append(about, away);
    if (accept === SOUNDS) {
      const sound = make("audio", { controls: true, preload: "none" });
      void fill(/** @type {any} */ (sound), this.service.file(this.studio.name, name));
      row.append(sound);
    }
    return row;
  }

  /** @param {string} name @param {string} accept @param {(name: string) => void} change */
  #choice(name, accept, change) {
    const choice = make("button", { type: "button", className: "file-choice", title: name });
    if (accept === PICTURES) choice.append(this.#picture(name), make("span", { className: "unseen" }, name));
    else choice.append(make("span", { dir: "ltr" }, name));
    choice.addEventListener("click", () => change(name));
    return choice;
  }

  /** @param {string} name */
  #picture(name) {
    const image = make("img", { alt: "" });
    void fill(image, this.service.file(this.studio.name, name));
    return image;
  }
}
