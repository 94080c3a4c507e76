/** The tabs of what the whole film has: its music, its format, its languages. */

import { make } from "../page/dom.js";
import { primary, t } from "../page/texts/texts.js";
import { button, field, segments, select, slider, text, toggle } from "./controls.js";
import { SOUNDS } from "./files.js";
import { ASPECTS, LINES, sizeOf } from "./model.js";
import { number, tongue } from "./words.js";

const decibels = (/** @type {number} */ value) => t("studio.decibels", { count: number(value) });

/** @param {import("./files.js").Files} files @returns {import("./panel.js").Tab} */
export const musicTab = (files) => ({
  name: "music", icon: "music", scoped: false,
  looks: ({ project, files: kept }) => [project.music, kept.length],
  draw: ({ studio, set, redraw }) => {
    const { music } = studio.project;
    const choose = (/** @type {string} */ file) => {
      set({ music: file ? { level: -16, ducked: 12, ...music, file } : null });
      redraw();
    };
    const place = files.field({ words: t("studio.music.choose"), accept: SOUNDS, value: music?.file ?? "", hint: t("studio.music.formats") }, choose);
    const change = (/** @type {Record<string, number>} */ fields) => set({ music: { ...studio.project.music, ...fields } }, "music");
    return [
      make("p", { className: "hint" }, t("studio.music.hint")), place,
      ...(music ? [
        slider(t("studio.music.level"), { min: -40, max: -6, step: 1, value: music.level }, decibels, (level) => change({ level })),
        slider(t("studio.music.ducked"), { min: 0, max: 30, step: 1, value: music.ducked }, decibels, (ducked) => change({ ducked })),
      ] : []),
    ];
  },
});

/** @returns {import("./panel.js").Tab} */
export const formatTab = () => ({
  name: "format", icon: "format", scoped: false,
  looks: ({ project }) => [project.frame, project.subtitles],
  draw: ({ studio, set, redraw }) => {
    const { frame } = studio.project;
    const shapes = ASPECTS.map((aspect) => {
      const shape = make("i", { className: "shape", ariaHidden: "true" });
      shape.dataset.aspect = aspect;
      return /** @type {[string, Node]} */ ([aspect, make("span", { className: "shape-option" }, shape, make("b", {}, aspect), make("small", {}, t(`studio.aspect.${aspect.replace(":", "-")}`)))]);
    });
    const lines = LINES.map((each) => {
      const [across, down] = sizeOf({ aspect: frame.aspect, lines: each });
      return /** @type {[string, string]} */ ([String(each), `${across} × ${down}`]);
    });
    return [
      segments(t("studio.aspect"), shapes, frame.aspect, (aspect) => {
        set({ frame: { ...studio.project.frame, aspect } });
        redraw();
      }, "shapes"),
      field(t("studio.lines"), select(lines, String(frame.lines), (value) => set({ frame: { ...studio.project.frame, lines: Number(value) } })), t("studio.lines.hint")),
      toggle(t("studio.subtitles"), studio.project.subtitles, (subtitles) => set({ subtitles })),
      make("p", { className: "hint" }, t("studio.subtitles.hint")),
    ];
  },
});

/** @param {(language: string) => void} review @returns {import("./panel.js").Tab} */
export const languagesTab = (review) => ({
  name: "languages", icon: "globe", scoped: false,
  looks: ({ project, languages, possible }) => [project.languages, project.language, project.glossary, languages.length, possible],
  draw: ({ studio, set, redraw }) => {
    const { project } = studio;
    const own = primary(project.language || studio.language || "en");
    const open = (studio.possible ?? studio.languages).filter((tag) => primary(tag) !== own && !project.languages.includes(tag));
    const put = (/** @type {string[]} */ languages) => {
      set({ languages });
      redraw();
    };
    const rows = project.languages.map((tag) => make("li", {},
      make("b", {}, tongue(tag)),
      button(t("studio.review.open"), () => review(tag), { look: "quiet small", label: t("studio.review.open.in", { language: tongue(tag) }) }),
      button(t("studio.remove"), () => put(project.languages.filter((each) => each !== tag)), { look: "tool", icon: "close", label: `${t("studio.remove")} ${tongue(tag)}` })));
    const choice = select([["", t("studio.languages.choose")], ...open.map((tag) => /** @type {[string, string]} */ ([tag, tongue(tag)]))], "", (tag) => tag && put([...project.languages, tag]));
    const words = text(project.glossary.join(", "), (value) => set({ glossary: value.split(/[,،、;\n]/).map((word) => word.trim()).filter(Boolean) }, "glossary"), { placeholder: t("studio.glossary.placeholder") });
    return [
      make("p", { className: "hint" }, t("studio.languages.hint", { language: tongue(own) })),
      ...(rows.length ? [make("ul", { className: "tongue-list" }, ...rows)] : []),
      open.length ? field(t("studio.languages.add"), choice) : make("p", { className: "hint" }, t(project.languages.length ? "studio.languages.no-more" : "studio.languages.none")),
      field(t("studio.glossary"), words, t("studio.glossary.hint")),
    ];
  },
});
