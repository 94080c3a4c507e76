/**
 * The staff's page: signs in, lists the conversations, opens one.
 *
 * The token is taken from `#token=...` (and leaves the address at once) or asked for, and kept for as
 * long as the tab lives. Tests may read `window.staff`.
 */

import { byId, make, setIcon } from "../page/dom.js";
import { language, LANGUAGES, onLanguage, primary, speak, t } from "../page/texts/texts.js";
import { Bell } from "./bell.js";
import { List } from "./list.js";
import { Opened } from "./opened.js";
import { Refused, Service } from "./service.js";
import { reason } from "./words.js";

const AGAIN_MS = [500, 1000, 2000, 4000];

const service = new Service();
const bell = new Bell();
const list = new List((id) => openSession(id));
const opened = new Opened(service);
/** @type {any[]} */ let rows = [];
let members = 0;
let linked = "staff.link.out";
/** @type {Set<string>} */ let calling = new Set();
let streaming = new AbortController();

/** @param {string} id */
function openSession(id) {
  const row = rows.find((each) => each.id === id);
  if (row) opened.open(id, row);
  showList();
}

// --- the list ----------------------------------------------------------------------------------

/** @param {any} message */
function told(message) {
  if (message.type !== "sessions") return;
  rows = message.sessions;
  members = message.members;
  link(members > 1 ? "staff.link.others" : "staff.link.alone");
  const waiting = rows.filter((row) => row.wanted_seconds !== null && !row.how);
  const fresh = waiting.filter((row) => !calling.has(row.id));
  calling = new Set(waiting.map((row) => row.id));
  if (fresh.length) byId("alarm").textContent = t("staff.alarm", { why: reason(fresh[0]) });
  bell.show(waiting.length);
  showBell();
  showList();
  opened.listed(rows);
}

function showList() {
  list.show(rows, service.desk, opened.id);
}

/** @param {string} key of a text @param {boolean} good */
function link(key, good = true) {
  const line = byId("link");
  linked = key;
  const words = t(key, { count: members });
  if (line.textContent !== words) line.textContent = words;
  line.classList.toggle("bad", !good);
}

/** Be told of the list until signed out; a refusal asks for the token again. */
async function live() {
  streaming.abort();
  streaming = new AbortController();
  const { signal } = streaming;
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      await service.stream("events", signal, (message) => {
        attempt = 0;
        told(message);
      });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if ([401, 403, 429].includes(error.status)) return ask(error);
    }
    if (signal.aborted) return;
    link("staff.link.lost", false);
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS[Math.min(attempt, AGAIN_MS.length - 1)]));
  }
}

// --- signing in ---------------------------------------------------------------------------------

/** @param {Refused|null} why */
function ask(why = null) {
  const off = why?.code === "staff-off";
  byId("staff-off").hidden = !off;
  byId("sign-in-form").hidden = byId("sign-in-words").hidden = off;
  byId("sign-in-fault").hidden = !why || off;
  byId("sign-in-fault").textContent = why?.status === 401 ? t("staff.sign-in.wrong") : (why?.message ?? "");
  byId("name").value ||= localStorage.getItem("visavis-staff-name") ?? "";
  byId("sign-out").hidden = true;
  link("staff.link.out");
  if (!byId("sign-in").open) byId("sign-in").showModal();
  if (!off) byId(byId("name").value ? "token" : "name").focus();
}

/** @param {string} token @param {string} name */
async function signIn(token, name) {
  service.signIn(token, crypto.randomUUID(), name);
  try {
    await service.sessions();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return ask(error);
  }
  sessionStorage.setItem("visavis-staff", JSON.stringify({ token, name }));
  localStorage.setItem("visavis-staff-name", name);
  byId("token").value = "";
  byId("sign-in").close();
  byId("sign-out").hidden = false;
  link("staff.link.connecting");
  live();
}

function signOut() {
  opened.close(false);
  streaming.abort();
  sessionStorage.removeItem("visavis-staff");
  rows = [];
  bell.show(0);
  showList();
  ask();
}

/** @returns {{token: string, name: string}} */
function known() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  const kept = JSON.parse(sessionStorage.getItem("visavis-staff") ?? "{}");
  const name = kept.name ?? localStorage.getItem("visavis-staff-name") ?? "";
  if (!given) return { token: kept.token ?? "", name };
  history.replaceState(null, "", location.pathname + location.search);
  return { token: given, name };
}

// --- the bell ----------------------------------------------------------------------------------

function showBell() {
  const button = byId("bell");
  button.ariaPressed = String(bell.muted);
  setIcon(button.querySelector("use"), bell.muted ? "bell-off" : "bell");
  button.querySelector(".unseen").textContent = t("staff.bell.silence");
  button.title = t(bell.muted ? "staff.bell.silent" : "staff.bell.title");
}

/** @param {boolean} muted */
function mute(muted) {
  bell.muted = muted;
  localStorage.setItem("visavis-staff-bell", muted ? "off" : "on");
  showBell();
}

// --- the language --------------------------------------------------------------------------------

const NAMES = { en: "English", es: "Español", fr: "Français", de: "Deutsch", zh: "中文", ar: "العربية" };

/** The first of the browser's languages that the page has, unless the address names one. */
function wantedLanguage() {
  const asked = new URLSearchParams(location.search).get("lang");
  const tags = asked ? [asked] : navigator.languages;
  return tags.map(primary).find((tag) => LANGUAGES.includes(tag)) ?? "en";
}

function offerLanguages() {
  const choice = byId("language");
  choice.append(...LANGUAGES.map((tag) => make("option", { value: tag, lang: tag, textContent: NAMES[/** @type {keyof typeof NAMES} */ (tag)] })));
  choice.addEventListener("change", () => speak(choice.value));
  onLanguage(() => {
    choice.value = language();
    link(linked, !byId("link").classList.contains("bad"));
    bell.show(calling.size);
    showBell();
    showList();
    opened.translate();
  });
}

// --- wiring ------------------------------------------------------------------------------------

byId("sign-in-form").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  signIn(byId("token").value.trim(), byId("name").value.trim());
});
byId("sign-in").addEventListener("cancel", (/** @type {Event} */ event) => event.preventDefault());
byId("staff-off-again").addEventListener("click", () => location.reload());
byId("sign-out").addEventListener("click", signOut);
byId("bell").addEventListener("click", () => mute(!bell.muted));
opened.addEventListener("closed", (/** @type {any} */ { detail }) => {
  showList();
  list.focus(detail.id);
});
for (const event of ["pointerdown", "keydown"]) addEventListener(event, () => bell.allow());
addEventListener("keydown", (event) => {
  const target = /** @type {Element} */ (event.target);
  const typing = target.matches?.("input, textarea, dialog[open] *") || event.ctrlKey || event.metaKey || event.altKey;
  if (event.key.toLowerCase() === "m" && !typing) mute(!bell.muted);
  if (event.key === "Escape" && !document.querySelector("dialog[open]") && !opened.mine) opened.close();
});

Object.assign(window, {
  staff: Object.freeze({
    get rows() { return rows; },
    get opened() { return opened.id; },
    get rings() { return bell.rings; },
  }),
});
bell.muted = localStorage.getItem("visavis-staff-bell") === "off";
offerLanguages();
await speak(wantedLanguage());
showBell();
const { token, name } = known();
if (token && name) signIn(token, name);
else if (token) {
  byId("token").value = token;
  ask();
} else {
  // Without a token the server says whether there is one at all.
  service.signIn("", crypto.randomUUID(), "");
  service.sessions().catch((error) => ask(error.code === "staff-off" ? error : null));
}
