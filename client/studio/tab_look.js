/** The tab of the looks: the face, what is behind it, and in a scene what stands beside and over it. */

import { make } from "../page/dom.js";
import { t } from "../page/texts/texts.js";
import { button, field, segments, slider, text } from "./controls.js";
import { PICTURES, VIDEOS } from "./files.js";
import { BACKGROUNDS } from "./model.js";
import { fill } from "./thumb.js";
import { percent } from "./words.js";

/** @typedef {import("./panel.js").Scope} Scope */

const COLOURS = ["#f3ede3", "#ffffff", "#dfe9e2", "#dbe5f0", "#24614d", "#1f3a5f", "#2a211b", "#8a5c22"];

/** @param {import("./files.js").Files} files @param {import("./service.js").Service} service
 * @param {() => void} create a new avatar @returns {import("./panel.js").Tab} */
export const lookTab = (files, service, create) => ({
  name: "look", icon: "look", scoped: true,
  looks: ({ project, chosen, avatars, files: kept }) =>
    [project.avatar, project.background, chosen?.avatar, chosen?.background, chosen?.beside, chosen?.title, chosen?.lower_third, avatars.length, kept.length],
  draw: (scope) => [
    faces(scope, service, create),
    background(scope, files),
    ...(scope.scope === "scene" ? [titles(scope), lowerThird(scope), beside(scope, files)] : [make("p", { className: "hint" }, t("studio.look.scenes", { number: nth(scope) }))]),
  ],
});

/** Of the chosen scene, from 1 on. @param {Scope} scope */
const nth = ({ studio: { project, chosen } }) => project.scenes.findIndex(({ name }) => name === chosen?.name) + 1;

/** @param {Scope} scope @param {import("./service.js").Service} service @param {() => void} create */
function faces({ studio, scope, owner, set, redraw }, service, create) {
  const choose = (/** @type {string} */ avatar) => {
    set({ avatar });
    redraw();
  };
  const options = studio.avatars.map((avatar) => {
    const image = make("img", { alt: "", className: "face" });
    if (avatar.preview) void fill(image, service.picture(avatar.preview));
    return /** @type {[string, Node]} */ ([avatar.name, make("span", { className: "face-option" }, image, make("span", {}, avatar.title || avatar.name))]);
  });
  if (scope === "scene") options.unshift(["", make("span", { className: "face-option" }, make("span", { className: "face none", ariaHidden: "true" }, "="), make("span", {}, t("studio.as-film")))]);
  const now = owner.avatar || (scope === "film" ? studio.avatar("")?.name ?? "" : "");
  const group = segments(t("studio.face"), options, now, choose, "faces-choice");
  if (studio.creates) group.append(button(t("settings.create"), create, { look: "chip", icon: "plus" }));
  return group;
}

/** @param {Scope} scope @param {import("./files.js").Files} files */
function background({ scope, owner, set, redraw }, files) {
  const now = owner.background;
  const kind = now?.kind ?? "";
  const put = (/** @type {string} */ next, value = "") => {
    set({ background: next ? { kind: next, value } : null });
    redraw();
  };
  const kinds = BACKGROUNDS.map((each) => /** @type {[string, string]} */ ([each, t(`studio.background.${each}`)]));
  if (scope === "scene") kinds.unshift(["", t("studio.as-film")]);
  const choice = segments(t("studio.background"), kinds, kind, (next) => put(next, next === "colour" ? COLOURS[0] : ""), "segments wrap");
  const group = make("section", { className: "group" }, choice);
  if (kind === "colour" && now) group.append(colours(now.value, (value) => set({ background: { kind, value } }, "colour"), redraw));
  if (kind === "picture" && now) group.append(files.field({ words: t("studio.picture.choose"), accept: PICTURES, value: now.value }, (value) => put(kind, value)));
  if (kind === "video" && now) group.append(files.field({ words: t("studio.video.choose"), accept: VIDEOS, value: now.value, hint: t("studio.video.hint") }, (value) => put(kind, value)));
  if (kind === "transparent") group.append(make("p", { className: "hint" }, t("studio.background.transparent.hint")));
  return group;
}

/** @param {string} value @param {(value: string) => void} change @param {() => void} redraw */
function colours(value, change, redraw) {
  const swatches = COLOURS.map((colour) => {
    const swatch = make("button", { type: "button", className: "swatch", title: colour, ariaLabel: colour });
    swatch.style.background = colour;
    swatch.setAttribute("aria-pressed", String(colour === value));
    swatch.addEventListener("click", () => {
      change(colour);
      redraw();
    });
    return swatch;
  });
  const own = make("input", { type: "color", value: /^#[0-9a-f]{6}$/i.test(value) ? value : COLOURS[0], ariaLabel: t("studio.colour.own"), title: t("studio.colour.own") });
  own.addEventListener("input", () => change(own.value));
  return make("div", { className: "swatches", role: "group", ariaLabel: t("studio.colour") }, ...swatches, own);
}

/** @param {any} scope */
function titles({ owner, set }) {
  return field(t("studio.scene.title"), text(owner.title, (title) => set({ title }, "title"), { maxLength: 120, placeholder: t("studio.scene.title.placeholder") }), t("studio.scene.title.hint"));
}

/** @param {any} scope */
function lowerThird({ owner, set }) {
  const now = owner.lower_third ?? { name: "", line: "" };
  const put = (/** @type {string} */ name, /** @type {string} */ line) => {
    Object.assign(now, { name, line });
    set({ lower_third: name || line ? { name, line } : null }, "lower third");
  };
  return make("fieldset", { className: "group" }, make("legend", {}, t("studio.lower")),
    text(now.name, (name) => put(name, now.line), { maxLength: 80, placeholder: t("studio.lower.name"), ariaLabel: t("studio.lower.name") }),
    text(now.line, (line) => put(now.name, line), { maxLength: 120, placeholder: t("studio.lower.line"), ariaLabel: t("studio.lower.line") }));
}

/** @param {any} scope @param {import("./files.js").Files} files */
function beside({ owner, set, redraw }, files) {
  const now = owner.beside;
  const put = (/** @type {any} */ next) => {
    set({ beside: next });
    redraw();
  };
  const group = make("section", { className: "group" }, make("h3", {}, t("studio.beside")));
  group.append(files.field({ words: t("studio.picture.choose"), accept: PICTURES, value: now?.file ?? "", hint: t("studio.beside.hint") },
    (file) => put(file ? { side: "right", share: 0.5, ...now, file } : null)));
  if (!now) return group;
  group.append(
    segments(t("studio.beside.side"), [["left", t("studio.left")], ["right", t("studio.right")]], now.side, (side) => put({ ...now, side })),
    slider(t("studio.beside.share"), { min: 0.25, max: 0.75, step: 0.05, value: now.share }, percent, (share) => set({ beside: { ...now, share } }, "share")),
  );
  return group;
}
