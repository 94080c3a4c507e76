/** Somebody else changed the project, too: both versions of what differs, and which one is kept. */

import { make } from "../page/dom.js";
import { t } from "../page/texts/texts.js";
import { button, freshId } from "./controls.js";
import { dialog } from "./dialog.js";
import { differences, merged, usual } from "./merging.js";
import { sizeOf, whole } from "./model.js";
import { number, percent, sceneName, secondsWord, tongue } from "./words.js";

/** Resolves once it is settled: the studio then has what was chosen.
 * @param {import("./state.js").Studio} studio @param {{etag: string, project: any}} answer of the server */
export async function settle(studio, answer) {
  const theirs = whole(answer.project ?? {});
  const found = differences(studio.kept, studio.project, theirs);
  const takes = usual(found);
  if (found.some(({ by }) => by === "both")) await ask(studio, found, takes);
  studio.adopt(answer, merged(studio.project, theirs, takes));
}

/** @param {import("./state.js").Studio} studio @param {import("./merging.js").Difference[]} found
 * @param {Map<string, "mine"|"theirs">} takes is written into @returns {Promise<void>} */
function ask(studio, found, takes) {
  return new Promise((resolve) => {
    // Closing it is keeping what is chosen: nothing of either is lost, undo brings mine back.
    const shown = dialog(t("studio.conflict.title"), { look: "wide", closed: resolve });
    shown.body.append(make("p", { className: "hint" }, t("studio.conflict.words")));
    for (const difference of found) shown.body.append(both(studio, difference, takes));
    const all = (/** @type {"mine"|"theirs"} */ whose) => () => {
      for (const { key } of found) takes.set(key, whose);
      shown.close();
    };
    shown.foot.append(
      button(t("studio.conflict.theirs"), all("theirs")),
      button(t("studio.conflict.mine"), all("mine")),
      button(t("studio.conflict.keep"), shown.close, { look: "dark" }),
    );
  });
}

/** @param {import("./state.js").Studio} studio @param {import("./merging.js").Difference} difference
 * @param {Map<string, "mine"|"theirs">} takes */
function both(studio, { key, field, mine, theirs, by }, takes) {
  const group = freshId("versions");
  const side = (/** @type {"mine"|"theirs"} */ whose, /** @type {any} */ value) => {
    const input = make("input", { type: "radio", name: group, checked: takes.get(key) === whose });
    input.addEventListener("change", () => takes.set(key, whose));
    const words = make("div", { className: "version-words", dir: "auto" }, inWords(field, value));
    return make("label", { className: "version" }, make("span", { className: "version-head" }, input, make("b", {}, t(`studio.conflict.${whose === "mine" ? "yours" : "others"}`))), words);
  };
  const legend = field === "scene" ? name(studio, mine ?? theirs) : t(`studio.field.${field}`);
  const told = make("small", {}, t(`studio.conflict.by.${by}`));
  return make("fieldset", { className: "versions" }, make("legend", {}, legend, " ", told), make("div", { className: "sides" }, side("mine", mine), side("theirs", theirs)));
}

/** @param {import("./state.js").Studio} studio @param {any} scene */
const name = (studio, scene) => sceneName(scene, studio.project.scenes.findIndex((each) => each.name === scene.name));

/** @param {string} field @param {any} value */
function inWords(field, value) {
  if (value === undefined || value === null) return t("studio.conflict.gone");
  if (field !== "scene") return plain(field, value);
  const { name: _name, text, ...looks } = value;
  const usual = { after: 0.3, rate: 1 };
  const told = Object.entries(looks).filter(([key, each]) => each && each !== usual[/** @type {keyof typeof usual} */ (key)]);
  return [text || t("studio.conflict.none"), ...told.map(([key, each]) => `${t(`studio.field.${key}`)}: ${plain(key, each)}`)].join("\n");
}

/** A field as people would say it. @param {string} field @param {any} value @returns {string} */
function plain(field, value) {
  const list = (/** @type {any[]} */ ...words) => words.filter(Boolean).join(", ") || t("studio.conflict.none");
  if (value === null || value === "") return t("studio.conflict.none");
  if (Array.isArray(value)) return list(...value.map((each) => (field === "languages" ? tongue(each) : each)));
  if (field === "background") return list(t(`studio.background.${value.kind}`), value.value);
  if (field === "beside") return list(value.file, t(`studio.${value.side}`), percent(value.share));
  if (field === "lower_third") return list(value.name, value.line);
  if (field === "music") return list(value.file, t("studio.decibels", { count: number(value.level) }));
  if (field === "frame") return list(value.aspect, `${sizeOf(value).join(" × ")}`);
  if (field === "pronounce") return list(...Object.entries(value).map(([word, spoken]) => `${word} → ${spoken}`));
  if (field === "subtitles") return t(value ? "studio.conflict.yes" : "studio.conflict.no");
  if (field === "after") return secondsWord(value);
  if (field === "rate") return percent(value);
  return field === "language" ? tongue(value) : String(value);
}
