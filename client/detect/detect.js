/**
 * The page that says whether a film or a recording was made by visavis: one file at a time, sent to
 * the server that the page came from.
 *
 * Address: `?lang=TAG`; the access key is taken from `#token=...` and kept in memory only.
 */

import { byId, make } from "../page/dom.js";
import { has, language, LANGUAGES, onLanguage, primary, speak, t } from "../page/texts/texts.js";
import { DetectionError, detect, LARGEST } from "./service.js";

/** @typedef {import("./service.js").Report} Report */

const NAMES = { en: "English", es: "Español", fr: "Français", de: "Deutsch", zh: "中文", ar: "العربية" };
const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";

let running = new AbortController();
/** @type {{name: string, report: Report}|null} */ let shown = null;
/** @type {DetectionError|null} */ let failed = null;
/** @type {"sending"|"looking"|""} */ let doing = "";

/** @param {File} file */
async function check(file) {
  running.abort();
  const mine = (running = new AbortController());
  shown = failed = null;
  try {
    if (file.size > LARGEST) throw new DetectionError("file-too-large", "");
    advance("sending", 0);
    const report = await detect(token, file, mine.signal, (share) => {
      if (mine === running) advance(share < 1 ? "sending" : "looking", share);
    });
    if (mine === running) shown = { name: file.name, report };
  } catch (error) {
    if (!(error instanceof DetectionError)) throw error;
    if (mine === running && error.code !== "cancelled") failed = error;
  }
  if (mine !== running) return;
  doing = "";
  render();
  if (shown) byId("verdict").focus();
}

/** @param {"sending"|"looking"} what @param {number} share of the file that is sent */
function advance(what, share) {
  const progress = byId("progress");
  if (what === "looking") progress.removeAttribute("value");
  else progress.value = share;
  if (what === doing) return; // it is read out once
  doing = what;
  render();
}

function render() {
  byId("working").hidden = !doing;
  if (doing) byId("doing").textContent = t(`detect.${doing}`);
  byId("fault").hidden = !failed;
  byId("fault").textContent = failed ? words(failed) : "";
  byId("answer").hidden = !shown;
  if (shown) answer(shown.name, shown.report);
}

/** @param {string} name @param {Report} report */
function answer(name, report) {
  const found = report.made_by.length > 0;
  byId("answer").dataset.found = found ? "yes" : "no";
  byId("name").textContent = name;
  byId("verdict").textContent = t(found ? "detect.found" : "detect.nothing");
  byId("makers").replaceChildren(...report.made_by.map(maker));
  byId("meaning").textContent = t(found ? "detect.found.meaning" : "detect.nothing.meaning");
}

/** @param {Report["made_by"][number]} by */
function maker(by) {
  const number = make("dd", {}, make("code", {}, by.installation));
  if (by.own) number.append(` (${t("detect.own")})`);
  // The day as it was written: of no time zone.
  const day = new Date(`${by.day}T12:00:00Z`);
  const date = new Intl.DateTimeFormat(language(), { dateStyle: "long", timeZone: "UTC" }).format(day);
  const kind = has(`detect.session.${by.session}`) ? `detect.session.${by.session}` : "detect.session.other";
  const rows = [make("dt", {}, t("detect.installation")), number];
  rows.push(make("dt", {}, t("detect.day")), make("dd", {}, date));
  rows.push(make("dt", {}, t("detect.session")), make("dd", {}, t(kind)));
  for (const mark of by.marks) {
    rows.push(make("dt", {}, t(`detect.in.${mark.in}`)), make("dd", {}, t("detect.sure", { share: mark.confidence })));
  }
  return make("dl", { className: "maker" }, ...rows);
}

/** @param {DetectionError} error */
function words({ code, message }) {
  const key = `detect.fault.${code}`;
  if (language() === "en" && message) return message;
  return has(key) ? t(key) : message || t("detect.fault.server");
}

/** The first of the visitor's languages that the page has. */
function wanted() {
  const asked = new URLSearchParams(location.search).get("lang");
  const tags = asked ? [asked] : navigator.languages;
  return tags.map(primary).find((tag) => LANGUAGES.includes(tag)) ?? "en";
}

function listen() {
  const drop = byId("drop");
  const take = (/** @type {FileList|null|undefined} */ files) => files?.[0] && check(files[0]);
  byId("file").addEventListener("change", () => {
    take(byId("file").files);
    byId("file").value = ""; // the same file may be chosen again
  });
  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drop.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take(event.dataTransfer?.files);
  });
  byId("cancel").addEventListener("click", () => {
    running.abort();
    byId("file").focus();
  });
  const choice = byId("language");
  choice.append(...LANGUAGES.map((tag) => make("option", { value: tag, lang: tag }, NAMES[/** @type {keyof typeof NAMES} */ (tag)])));
  choice.addEventListener("change", () => speak(choice.value));
  onLanguage(() => {
    choice.value = language();
    document.title = t("detect.title");
    render();
  });
}

listen();
await speak(wanted());
