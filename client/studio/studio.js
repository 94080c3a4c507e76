/**
 * The studio: signs in, opens a film, and puts the parts of the page together.
 *
 * Address: `?project=NAME` opens a film, `?lang=TAG` is the page's language; the operator's token is
 * taken from `#token=...` (and leaves the address at once) or asked for, and kept for as long as the
 * tab lives. Tests may read `window.studio`.
 */

import { byId, make } from "../page/dom.js";
import { keep, remembered } from "../page/settings.js";
import { include, language, LANGUAGES, onLanguage, primary, speak, t } from "../page/texts/texts.js";
import { Batch } from "./batch.js";
import { settle } from "./conflict.js";
import { button, icon, selectTab, tabbing } from "./controls.js";
import { dialog } from "./dialog.js";
import { Faces } from "./faces.js";
import { FilmDialog } from "./film_dialog.js";
import { Films } from "./films.js";
import { Files } from "./files.js";
import { Home } from "./home.js";
import { listen } from "./keys.js";
import { OwnVoices } from "./own_voices.js";
import { Palette } from "./palette.js";
import { Panel } from "./panel.js";
import { Preview } from "./preview.js";
import { Recording } from "./recording.js";
import { Review } from "./review.js";
import { Saving } from "./saving.js";
import { Scenes } from "./scenes.js";
import { Script } from "./script.js";
import { Refused, Service } from "./service.js";
import { Studio } from "./state.js";
import { formatTab, languagesTab, musicTab } from "./tab_film.js";
import { lookTab } from "./tab_look.js";
import { voiceTab } from "./tab_voice.js";
import english from "./texts/en.js";
import { percent, refusal } from "./words.js";

include(english, async (tag) => (await import(`./texts/${tag}.js`)).default);

const TOKEN = "visavis-studio";
const TOAST_MS = 7000;

const service = new Service();
const studio = new Studio();
const films = new Films(service);
const files = new Files(studio, service, (words) => toast(words));
let presence = "off";
let toasting = 0;

const palette = new Palette(byId("palette"), () => script.editor);
/** @type {Script} */
const script = new Script(studio, byId("sheets"), palette, (tab) => panel.show(tab));
const preview = new Preview(studio, service, script, () => !films.running.length);
const faces = new Faces(preview.element, () => studio.voices, (name) => useFace(name));
const saving = new Saving(studio, service, (theirs) => settle(studio, theirs));
const review = new Review(studio, service, saving);
const batch = new Batch(studio, service, saving);
const panel = new Panel(studio, [
  voiceTab(files, new Recording(studio, files), new OwnVoices(studio, service, loadChoices)),
  lookTab(files, service, () => faces.open(presence, useFace)),
  musicTab(files), formatTab(), languagesTab((tag) => review.open(tag)),
]);
const filmDialog = new FilmDialog(studio, films, service, saving, { review: (tag) => review.open(tag), go });
const scenes = new Scenes(studio, service, script, () => view("script"));
const home = new Home(studio, service, { open: opened, create: (use) => faces.open(presence, async (name) => {
  await loadChoices();
  use(name);
}) });

// --- what is open --------------------------------------------------------------------------------

/** @param {any} answer of the server: a project */
function opened(answer) {
  if (!answer.project) return toast(answer.faults?.[0]?.what ?? t("studio.fault.server"));
  at("desk");
  studio.open(answer);
  address(answer.name);
  view("script");
  script.focus(studio.scene);
  void lookForLanguages();
}

/** Into which somebody here can translate the film. */
async function lookForLanguages() {
  const found = await service.translations(studio.name).catch(() => null);
  studio.possible = found ? found.possible.map((/** @type {any} */ each) => each.language) : null;
  studio.tell("choices");
}

/** @param {"home"|"desk"} place */
function at(place) {
  document.body.dataset.at = place;
  byId("home").hidden = place !== "home";
  byId("desk").hidden = place !== "desk";
  byId("brand").classList.toggle("unseen", place === "desk");
  for (const id of ["home-open", "title", "saved", "edits", "batch-open", "film-open"]) byId(id).hidden = place === "home";
  document.title = place === "home" ? `${t("studio.title")} – visavis` : document.title;
}

async function goHome() {
  await saving.now();
  if (saving.dirty) return toast(t(`studio.saved.${saving.state}`));
  preview.stop();
  studio.name = "";
  at("home");
  address("");
  await home.load().catch(refused);
  byId("home").focus();
}

/** @param {string} project */
function address(project) {
  const here = new URL(location.href);
  if (project) here.searchParams.set("project", project);
  else here.searchParams.delete("project");
  history.replaceState(null, "", here.pathname + here.search);
}

/** One column at a time, where the page is narrow. @param {string} to */
function view(to) {
  document.body.dataset.view = to;
  selectTab(/** @type {HTMLElement} */ (document.querySelector(".views")), byId(`view-${to}`));
}

/** @param {string} scene */
function go(scene) {
  studio.choose(scene);
  view("script");
  script.focus(scene);
}

/** @param {string} name of a new avatar */
async function useFace(name) {
  await loadChoices();
  studio.change((project) => ({ ...project, avatar: name }));
}

function render() {
  const title = byId("title");
  if (title.value !== studio.project.title) title.value = studio.project.title;
  byId("undo").disabled = !studio.canUndo;
  byId("redo").disabled = !studio.canRedo;
  if (studio.name) document.title = `${studio.project.title || t("studio.untitled")} – ${t("studio.title")}`;
  showFaults();
}

/** Those of the chosen scene, and of the film as a whole. */
function showFaults() {
  const place = byId("faults");
  const here = studio.faults.filter(({ scene }) => !scene || scene === studio.chosen?.name);
  const key = JSON.stringify(here) + language();
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  place.hidden = !here.length;
  place.replaceChildren(...here.slice(0, 4).map(({ what, fix, grave }) => make("p", { className: grave ? "grave" : "" }, icon("warning"), make("span", {}, make("b", {}, what), " ", fix))));
}

// --- what can be chosen ----------------------------------------------------------------------------

async function loadChoices() {
  const [faces_, voices] = await Promise.all([service.avatars(), service.voices()]);
  const own = (voices.own ?? []).map((/** @type {any} */ voice) => ({ ...(typeof voice === "string" ? { name: voice } : voice), own: true }));
  Object.assign(studio, {
    avatars: faces_.avatars, creates: faces_.create ?? false, voices: [...voices.voices.filter((/** @type {any} */ voice) => !own.some((/** @type {any} */ each) => each.name === voice.name)), ...own],
    languages: voices.languages ?? [], language: voices.language === "auto" ? "en" : (voices.language ?? "en"),
  });
  presence = faces_.presence ?? "off";
  studio.tell("choices");
}

// --- words to the user -----------------------------------------------------------------------------

/** @param {string} words @param {{words: string, act: () => void}} [deed] */
function toast(words, deed) {
  const place = byId("toast");
  clearTimeout(toasting);
  place.replaceChildren(make("p", {}, words));
  const hide = () => (place.hidden = true);
  if (deed) place.append(button(deed.words, () => {
    hide();
    deed.act();
  }, { look: "bright" }));
  place.append(button(t("close"), hide, { look: "tool", icon: "close" }));
  place.hidden = false;
  byId("alarm").textContent = words;
  toasting = window.setTimeout(hide, deed ? 4 * TOAST_MS : TOAST_MS);
}

films.listen((film, over) => {
  const { running } = films;
  const open = byId("film-open");
  const share = running.reduce((sum, { done }) => sum + done, 0) / (running.length || 1);
  open.querySelector("span").textContent = running.length ? t("studio.film.running", { share: percent(share) }) : t("studio.film.open");
  if (!over || document.querySelector("dialog.film-dialog")) return;
  const words = film.status === "done" ? t("studio.film.ready", { title: film.title }) : film.status === "failed" ? t("studio.film.failed", { title: film.title }) : "";
  if (words) toast(words, { words: t("studio.film.show"), act: () => filmDialog.open() });
});

// --- signing in ------------------------------------------------------------------------------------

/** @param {any} error */
function refused(error) {
  if (!(error instanceof Refused)) throw error;
  if (error.status === 401 || error.status === 403) return signIn(error);
  toast(refusal(error), { words: t("trouble.now"), act: begin });
}

/** @param {Refused} error */
function signIn(error) {
  if (document.querySelector("dialog.sign-in")) return;
  const asked = dialog(t("studio.sign-in"), { look: "narrow sign-in", stay: () => true });
  const input = make("input", { type: "password", autocomplete: "off", spellcheck: false, required: true, dir: "ltr" });
  const form = make("form", { id: "sign-in", className: "stack" }, make("p", {}, t("studio.sign-in.words")), make("label", { className: "field" }, make("span", {}, t("studio.sign-in.token")), input));
  form.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    take(input.value.trim());
    asked.close();
    void begin();
  });
  const submit = make("button", { type: "submit", className: "dark" }, t("key.submit"));
  submit.setAttribute("form", "sign-in");
  asked.body.append(form);
  asked.foot.append(submit);
  if (service.token) asked.complain(error.status === 403 ? t("studio.sign-in.other") : t("studio.sign-in.wrong"));
  input.focus();
}

/** @param {string} token */
function take(token) {
  service.token = token;
  preview.element.setAttribute("token", token);
  sessionStorage.setItem(TOKEN, token);
}

async function begin() {
  try {
    await loadChoices();
    void films.load().catch(() => undefined); // a server may make none
    const project = new URLSearchParams(location.search).get("project");
    if (project) {
      const answer = await service.project(project).catch((error) => {
        if (error.status !== 404) throw error;
        return null;
      });
      if (answer) return opened(answer);
      address("");
    }
    at("home");
    await home.load();
  } catch (error) {
    refused(error);
  }
}

// --- wiring ------------------------------------------------------------------------------------------

const on = (/** @type {string} */ id, /** @type {(event: any) => void} */ act, event = "click") => byId(id).addEventListener(event, act);

on("home-open", goHome);
on("title", () => studio.change((project) => ({ ...project, title: byId("title").value }), "title"), "input");
on("undo", () => studio.undo());
on("redo", () => studio.redo());
on("scene-add", () => {
  view("script");
  script.add(studio.project.scenes.at(-1)?.name ?? "");
});
on("film-open", () => filmDialog.open());
on("batch-open", () => batch.open());
on("language", () => {
  keep({ studioLang: byId("language").value });
  void speak(byId("language").value);
}, "change");
studio.listen(render);
const views = /** @type {HTMLElement} */ (document.querySelector(".views"));
tabbing(views, (tab) => view(tab.dataset.to ?? "script"));
listen({ studio, palette, script, preview, panel, saving, film: () => filmDialog.open() });

const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) history.replaceState(null, "", location.pathname + location.search);
take(given ?? sessionStorage.getItem(TOKEN) ?? "");
const NAMES = { en: "English", es: "Español", fr: "Français", de: "Deutsch", zh: "中文", ar: "العربية" };
byId("language").append(...LANGUAGES.map((tag) => make("option", { value: tag, lang: tag }, NAMES[/** @type {keyof typeof NAMES} */ (tag)])));
onLanguage(() => {
  byId("language").value = language();
  render();
});
const asked = new URLSearchParams(location.search).get("lang") ?? remembered().studioLang;
await speak((asked ? [asked] : navigator.languages).map(primary).find((tag) => LANGUAGES.includes(tag)) ?? "en");
view("script");
await begin();

Object.assign(window, { studio: { state: studio, saving, films, preview, script, panel, scenes } });
