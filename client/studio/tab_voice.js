/** The tab of the voice: whose, in which language and style, or a recording; and how words are said. */

import { make } from "../page/dom.js";
import { primary, t } from "../page/texts/texts.js";
import { button, field, select, text } from "./controls.js";
import { SOUNDS } from "./files.js";
import { COMMON, keyOf, MORE } from "./directions.js";
import { tongue } from "./words.js";

/** @typedef {import("./panel.js").Scope} Scope */

/** @param {import("./files.js").Files} files @param {import("./recording.js").Recording} recording
 * @param {import("./own_voices.js").OwnVoices} own @returns {import("./panel.js").Tab} */
export const voiceTab = (files, recording, own) => ({
  name: "voice", icon: "voice", scoped: true,
  looks: ({ project, chosen, files: kept, voices }) =>
    [project.voice, project.language, project.style, project.pronounce, chosen?.voice, chosen?.language, chosen?.style, chosen?.sound, kept.length, voices.length],
  draw: (scope) => [
    ...(scope.scope === "scene" ? [recorded(scope, files, recording)] : []),
    field(t("studio.voice"), voices(scope)),
    ...(scope.scope === "film" ? [own.button()] : []),
    field(t("studio.language"), languages(scope)),
    field(t("studio.style"), styles(scope), t("studio.style.hint")),
    ...(scope.scope === "film" ? [pronouncing(scope)] : []),
  ],
});

/** One's own first, then those of the language, then the others. @param {Scope} scope */
function voices(scope) {
  const { studio, owner, set } = scope;
  const wanted = primary(owner.language || studio.project.language || studio.language);
  const here = (/** @type {any} */ voice) => primary(voice.language) === wanted;
  const own = studio.voices.filter((voice) => voice.own);
  const rest = studio.voices.filter((voice) => !voice.own);
  const first = make("option", { value: "" }, inherited(scope, studio.project.voice) || t("studio.voice.own"));
  const element = make("select", {}, first);
  const groups = /** @type {[string, any[]][]} */ ([[t("studio.voice.mine"), own], [tongue(wanted), rest.filter(here)], [t("studio.voice.others"), rest.filter((voice) => !here(voice))]]);
  for (const [label, voices] of groups) {
    if (!voices.length) continue;
    element.append(make("optgroup", { label }, ...voices.map((voice) => make("option", { value: voice.name }, voiceWords(voice, here(voice))))));
  }
  if (owner.voice && !studio.voices.some(({ name }) => name === owner.voice)) element.append(make("option", { value: owner.voice }, owner.voice));
  element.value = owner.voice;
  element.addEventListener("change", () => set({ voice: element.value }));
  return element;
}

/** @param {any} voice @param {boolean} here whether it speaks the language that is asked for */
function voiceWords({ name, language, description, own }, here) {
  const about = own ? t("studio.voice.tuned") : description;
  return [name, about || (here ? "" : tongue(language))].filter(Boolean).join(" – ");
}

/** @param {Scope} scope */
function languages({ studio, scope, owner, set, redraw }) {
  const options = studio.languages.map((tag) => /** @type {[string, string]} */ ([tag, tongue(tag)]));
  const film = studio.project.language && tongue(studio.project.language);
  const none = inherited(scope, film) || t("studio.language.own", { language: tongue(studio.language === "auto" ? "en" : studio.language) });
  return select([["", none], ...options], owner.language, (language) => {
    set({ language });
    redraw();
  });
}

/** Of a scene: that it is as in the whole film. @param {string} scope @param {string} value */
function inherited(scope, value) {
  if (scope !== "scene") return "";
  return value ? t("studio.as-film.value", { value }) : t("studio.as-film");
}

/** @param {Scope} scope */
function styles({ scope, owner, set, studio }) {
  const input = text(owner.style, (style) => set({ style }, "style"), { maxLength: 200, placeholder: inherited(scope, studio.project.style) || t("studio.style.placeholder") });
  const list = make("datalist", { id: `styles-${scope}` }, ...[...COMMON, ...MORE].map((word) => make("option", { value: word, label: t(keyOf(word)) })));
  input.setAttribute("list", list.id);
  return make("span", { className: "with-list" }, input, list);
}

/** @param {Scope} scope @param {import("./files.js").Files} files @param {import("./recording.js").Recording} recording */
function recorded(scope, files, recording) {
  const { owner, set, redraw } = scope;
  const sound = "sound" in owner ? owner.sound : "";
  const use = (/** @type {string} */ name) => {
    set({ sound: name });
    redraw();
  };
  const place = make("section", { className: "group" }, make("h3", {}, t("studio.own-sound")), make("p", { className: "hint" }, t("studio.own-sound.hint")));
  if (!sound) place.append(recording.button(use));
  place.append(files.field({ words: t("studio.own-sound.choose"), accept: SOUNDS, value: sound }, use));
  return place;
}

/** Words, and how the voice is to say them. @param {Scope} scope */
function pronouncing({ studio, set, redraw }) {
  const rows = Object.entries(studio.project.pronounce);
  const write = (/** @type {[string, string][]} */ all, key = "") => set({ pronounce: Object.fromEntries(all.filter(([word]) => word)) }, key);
  const list = make("div", { className: "pronounce" });
  rows.forEach(([word, spoken], at) => list.append(pair(word, spoken, (one, other) => write(rows.map((row, index) => (index === at ? [one, other] : row)), `pronounce ${at}`), () => {
    write(rows.filter((_row, index) => index !== at));
    redraw();
  })));
  const add = button(t("studio.pronounce.add"), () => {
    add.replaceWith(pair("", "", (one, other) => write([...rows, [one, other]], "pronounce new"), redraw, true));
    /** @type {HTMLElement|null} */ (list.querySelector(".pair:last-of-type input"))?.focus();
  }, { look: "chip", icon: "plus" });
  list.append(add);
  return make("section", { className: "group" }, make("h3", {}, t("studio.pronounce")), make("p", { className: "hint" }, t("studio.pronounce.hint")), list);
}

/** @param {string} word @param {string} spoken @param {(word: string, spoken: string) => void} change
 * @param {() => void} remove */
function pair(word, spoken, change, remove, fresh = false) {
  let [one, other] = [word, spoken];
  const told = () => (!fresh || (one && other)) && change(one, other);
  const written = text(one, (value) => void ((one = value.trim()), told()), { placeholder: t("studio.pronounce.word"), ariaLabel: t("studio.pronounce.word") });
  const said = text(other, (value) => void ((other = value.trim()), told()), { placeholder: t("studio.pronounce.spoken"), ariaLabel: t("studio.pronounce.spoken") });
  const away = button(t("studio.remove"), remove, { look: "tool", icon: "close", label: `${t("studio.remove")} ${word}` });
  return make("div", { className: "pair" }, written, make("span", { ariaHidden: "true" }, "→"), said, away);
}
