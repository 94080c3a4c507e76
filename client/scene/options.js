/**
 * What the address of a scene asks for. No DOM.
 *
 * `avatar`, `voice`, `lang` (or `language`), `source`, `session` (the name by which you command it),
 * `transparent`, `background` (docs/api.md; with `transparent` a colour is the page's own), `captions`
 * ("on"), `fit` ("contain", else the face covers the source), `at` ("left", "right", "middle": where it
 * stands in a source of another shape), `muted`, `volume` (0 to 100), `mic` ("on": it hears this machine's
 * microphone), `notes` ("on": what is wrong is said in the picture). The access key comes after a #.
 */

const OFF = new Set(["off", "0", "false", "no"]);
const PASSED = ["avatar", "voice", "source", "background"];
const COLOUR = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i;

/** @param {URLSearchParams} asked @param {string} name */
function on(asked, name) {
  const value = asked.get(name);
  return value !== null && !OFF.has(value.toLowerCase());
}

/** @param {string} search @param {string} hash both as of `location` */
export function options(search, hash) {
  const asked = new URLSearchParams(search);
  const key = new URLSearchParams(hash.replace(/^#/, ""));
  const transparent = on(asked, "transparent") || asked.get("background") === "transparent";
  /** @type {Record<string, string>} */
  const attributes = {};
  for (const name of PASSED) if (asked.get(name)) attributes[name] = String(asked.get(name));
  const lang = asked.get("lang") || asked.get("language");
  const name = asked.get("session");
  if (lang) attributes.lang = lang;
  if (name) attributes["session-name"] = name;
  if (transparent) attributes.transparent = "";
  if (on(asked, "muted")) attributes.muted = "";
  if (on(asked, "mic") || attributes.source === "microphone") attributes.mode = "open";
  if (key.get("token")) attributes.token = String(key.get("token"));
  const background = attributes.background ?? "";
  if (transparent) delete attributes.background;
  const volume = Number(asked.get("volume") ?? 100);
  return {
    attributes,
    behind: transparent && COLOUR.test(background) ? background : "",
    captions: on(asked, "captions"),
    notes: on(asked, "notes"),
    fit: asked.get("fit") === "contain" || transparent ? "contain" : "cover",
    at: asked.get("at") ?? "",
    volume: Number.isFinite(volume) ? Math.min(Math.max(volume / 100, 0), 1) : 1,
  };
}
