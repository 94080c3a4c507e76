/** The studio's keys, and the dialog that lists them. */

import { byId, make } from "../page/dom.js";
import { t } from "../page/texts/texts.js";
import { dialog } from "./dialog.js";
import { pauseOf } from "./marks.js";

/** @type {[string, string][]} keys, and what they do as a text */
const LIST = [
  ["Alt Enter", "studio.say.clause"], ["Alt Shift Enter", "studio.say.scene"], ["Esc", "studio.keys.stop"],
  ["[", "studio.keys.direction"], ["Ctrl .", "studio.pause.insert"], ["{{", "studio.keys.field"],
  ["Ctrl Enter", "studio.scene.add"], ["Alt ↑ ↓", "studio.keys.move"], ["Alt 1 … 5", "studio.keys.tabs"],
  ["Ctrl Z", "studio.undo"], ["Ctrl Shift Z", "studio.redo"], ["Ctrl S", "studio.keys.save"],
  ["Ctrl Shift Enter", "studio.film.open"], ["F1", "studio.keys.title"],
];

export function showKeys() {
  const shown = dialog(t("studio.keys.title"), { look: "narrow" });
  shown.body.append(make("dl", { className: "keys" }, ...LIST.flatMap(([keys, words]) => [
    make("dt", {}, ...keys.split(" ").map((key) => make("kbd", {}, key))), make("dd", {}, t(words)),
  ])));
}

/**
 * @param {{studio: import("./state.js").Studio, palette: import("./palette.js").Palette, script: import("./script.js").Script,
 *   preview: import("./preview.js").Preview, panel: import("./panel.js").Panel, saving: import("./saving.js").Saving,
 *   film: () => void}} parts
 */
export function listen({ studio, palette, script, preview, panel, saving, film }) {
  /** @param {KeyboardEvent} event */
  const act = (event) => {
    const control = event.ctrlKey || event.metaKey;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key === "F1") return showKeys;
    if (!studio.name) return null;
    if (control && key === "z") return () => (event.shiftKey ? studio.redo() : studio.undo());
    if (control && key === "y") return () => studio.redo();
    if (control && key === "s") return () => saving.now();
    if (control && event.shiftKey && key === "Enter") return film;
    if (control && key === "Enter") return () => script.add(studio.chosen?.name ?? "");
    if (control && key === ".") return () => palette.insert(pauseOf(0.5));
    if (event.altKey && key === "Enter") return () => (event.shiftKey ? preview.sayScene() : preview.saySentence());
    if (event.altKey && /^[1-5]$/.test(key)) return () => panel.show(panel.tabs[Number(key) - 1].name);
    if (key === "Escape" && preview.talking) return () => preview.stop();
    return null;
  };
  addEventListener("keydown", (event) => {
    if (palette.onKey(event)) return;
    if (document.querySelector("dialog[open]")) return;
    const deed = act(event);
    if (deed) {
      event.preventDefault();
      void deed();
      return;
    }
    script.walk(event);
  }, true);
  byId("keys-open").addEventListener("click", showKeys);
}
