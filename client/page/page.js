/**
 * The page: connects the <visavis-avatar> with buttons, captions, the log and the settings.
 *
 * Address: `?kiosk` or `?kiosk=SECONDS` (see kiosk/options.js), `?avatar=NAME`, `?voice=NAME`,
 * `?mode=open|talk`, `?source=dialogue|microphone` (who has the words), `?lang=TAG|auto` (the language
 * of conversation and page); the access key is taken from `#token=...` and
 * kept in memory only. Tests may read `window.visavis`: see hooks.js.
 */

import "../visavis-avatar.js";
import { showAttendance } from "./attendance.js";
import { Captions } from "./captions.js";
import { showCards } from "./cards.js";
import { after, EMPTY, typed } from "./conversation.js";
import { Creation } from "./create.js";
import { byId, setIcon } from "./dom.js";
import { greet } from "./greeting.js";
import { disclose, keepClear } from "./label.js";
import { Latency } from "./latency.js";
import { Log } from "./log.js";
import { keep, keepSession, keptSession, remembered, Settings } from "./settings.js";
import { Talk } from "./talk.js";
import { Notice, Trouble } from "./trouble.js";
import { problem } from "./texts/problems.js";
import { has, onLanguage, t } from "./texts/texts.js";
import { Tongue } from "./tongue.js";

const FAREWELL_MS = 2500; // the last words are read to their end
const ANNOUNCE_MS = 400;

const address = new URLSearchParams(location.search);
const kiosk = address.has("kiosk");
const choice = { ...(kiosk ? {} : remembered()), ...Object.fromEntries(address) };

/** @type {import("../visavis-avatar.js").VisavisAvatar} */
const avatar = byId("avatar");
const captions = new Captions(byId("captions"), byId("captions-live"));
const log = new Log();
const notice = new Notice();
const settings = new Settings(avatar, choice);
const tongue = new Tongue(avatar, choice.lang ?? "");
const hooks = avatar.session.hooks();
const latency = new Latency(hooks);
const trouble = new Trouble({ retry, leave: end, key: useKey });
const talk = new Talk(avatar, takeFloor);
const creation = new Creation(avatar, (name) => settings.use(name), () => settings.voices);

let conversation = EMPTY;
let returning = false; // a page that was reloaded looks for its conversation
/** @type {"dialogue"|"microphone"} */ let source = "dialogue";
/** @type {import("./attendance.js").By} */ let attended = "nobody";
let wasStopped = false; // the server said that it ends
let announcing = 0;
/** @type {import("./kiosk/kiosk.js").Kiosk|null} */ let host = null;

Object.assign(window, { visavis: hooks });

// --- what happens ------------------------------------------------------------------------------

function start() {
  if (avatar.session.active) return;
  avatar.connect();
  byId("talk").focus({ preventScroll: true });
}

function end() {
  if (host) return host.finish();
  forget();
  avatar.disconnect();
  clear();
  trouble.hide();
  greet();
}

/** Nothing of what was said stays on the screen. */
function clear() {
  conversation = EMPTY;
  captions.clear();
  byId("composer").reset();
  render();
}

function retry() {
  if (avatar.session.active) avatar.retryNow();
  else avatar.connect();
}

/** The visitor starts to talk: whoever is speaking stops. */
function takeFloor() {
  start();
  if (conversation.phase === "speaking") avatar.interrupt();
}

/** @param {string} text */
function ask(text) {
  const words = text.trim();
  if (!words) return;
  start();
  if (!avatar.ask(words)) return;
  conversation = typed(conversation, words);
  render();
}

function interrupt() {
  if (conversation.phase === "speaking" || conversation.phase === "thinking") avatar.interrupt();
}

/** @param {string} key */
function useKey(key) {
  avatar.setAttribute("token", key);
  trouble.hide();
  loadChoices();
  if (avatar.session.state === "failed") avatar.connect();
}

/** @param {boolean} on */
function setMuted(on) {
  avatar.muted = on;
  byId("mute").ariaPressed = String(on);
  setIcon(byId("mute").querySelector("use"), on ? "sound-off" : "sound");
}

/** @param {boolean} on */
function setCaptions(on) {
  byId("captions-toggle").ariaPressed = String(on);
  document.body.classList.toggle("no-captions", !on);
  byId("captions-live").ariaLive = on ? "polite" : "off";
}

/** @param {boolean} on */
function setHandsFree(on) {
  avatar.mode = on ? "open" : "talk";
  byId("hands-free").checked = on;
  writeMode();
  talk.render();
}

/** Whose words the avatar speaks. Its sound is muted where it speaks what the microphone hears:
 * echo cancellation would take it out, and bits of the visitor's own voice with it.
 * @param {"dialogue"|"microphone"} next */
function setSource(next) {
  if (next === source || !has(`source.${next}.empty`)) return;
  source = next;
  const relayed = next === "microphone";
  document.body.dataset.source = next;
  byId(`source-${next}`).checked = true;
  writeMode();
  setHandsFree(relayed || choice.mode === "open");
  setMuted(relayed);
}

/** What depends on whose words the avatar speaks, and on the microphone. */
function writeMode() {
  byId("invitation").textContent = t(`source.${source}.invitation`);
  byId("empty-words").textContent = t(`source.${source}.empty`);
  byId("privacy").textContent = t(`privacy.${avatar.mode}`);
}

/** @param {"dialogue"|"microphone"} wanted */
function chooseSource(wanted) {
  avatar.setAttribute("source", wanted);
  setSource(wanted);
  render();
}

async function loadChoices() {
  const status = await settings.load();
  if (status === 401) trouble.show("unauthorised", "", null);
  tongue.offered(settings.language, settings.languages);
  host?.offer(settings.languages);
  writeName();
}

function writeName() {
  const { current } = settings;
  byId("name").textContent = current ? current.title || current.name : t("host.name");
}

// --- what is shown -----------------------------------------------------------------------------

/** @returns {string} a key of the texts, after "state." */
function shownState() {
  if (avatar.session.state !== "connected") return avatar.session.state;
  if (source === "microphone") return avatar.micOn ? "speaking" : "ready";
  if (conversation.phase === "hearing") return "listening";
  if (conversation.phase === "listening") return avatar.micOn ? "listening" : "ready";
  return conversation.phase;
}

function render() {
  const shown = shownState();
  const { state } = avatar.session;
  Object.assign(document.body.dataset, { state, phase: conversation.phase, shown });
  const word = byId("state-word");
  if (word.textContent !== t(`state.${shown}`)) {
    word.textContent = t(`state.${shown}`);
    announce(word.textContent ?? "");
  }
  const fluency = `fluency.${avatar.session.fluency}`;
  byId("fluency").textContent = has(fluency) ? t(fluency) : "";
  byId("fluency").hidden = state !== "connected" || !has(fluency);
  showAttendance(state === "connected" ? attended : "nobody", t(`source.${source}.disclosure`));
  disclose(avatar.session, conversation.lines, t(`source.${source}.disclosure`));
  byId("voice-mood").hidden = state !== "connected" || !avatar.session.voiceMood;
  byId("welcome").hidden = state !== "idle";
  byId("end").hidden = state === "idle";
  byId("interrupt").hidden = conversation.phase !== "speaking" || state !== "connected";
  log.render(conversation.lines);
}

/** States that pass at once are not read out. @param {string} words */
function announce(words) {
  clearTimeout(announcing);
  announcing = Number(setTimeout(() => (byId("state-live").textContent = words), ANNOUNCE_MS));
}

/** Which card: a server that starts, or was stopped, is no fault of it or of the network.
 * @param {any} reason @param {string} code */
function cardOf(reason, code) {
  if (code === "starting") return code;
  return reason === "unreachable" && wasStopped ? "stopped" : reason;
}

/** @param {{state: string, reason: any, words: string, code: string, retryInMs: number|null}} detail */
function onState({ state, reason, words, code, retryInMs }) {
  const told = problem(code, words);
  if (state === "connected" || state === "idle") wasStopped = false;
  if (state === "waiting" || state === "failed") trouble.show(cardOf(reason, code), told, retryInMs);
  else trouble.hide();
  if (state !== "connected") {
    conversation = { ...conversation, phase: "listening" };
    captions.end(true);
  }
  render();
}

/** The session at the server is no more, and nothing replaces what was said in it.
 * @param {{reason: "over"|"lost"|"shutdown"}} detail */
function onLapsed({ reason }) {
  wasStopped = reason === "shutdown";
  if (returning) end();
  else notice.problem(t(`lapsed.${reason}`));
}

/** @param {any} message */
function onMessage(message) {
  conversation = after(conversation, message);
  if (message.type === "ready") onReady(message);
  if (message.type === "caption") captions.show(message);
  if (message.type === "reply_ended") captions.end(message.reason !== "done");
  if (message.type === "receipt") latency.render();
  if (message.type === "directed") {
    settings.understood(message.styles, message.dropped, message.known);
  }
  if (message.type === "attended") attended = message.by;
  if (message.type === "language") onLanguageSpoken(message);
  if (message.type === "error") notice.problem(problem(message.code, message.message));
  host?.onMessage(message);
  render();
}

/** @param {any} message */
function onReady({ source: given, resume, language, attended: by }) {
  returning = false;
  attended = by ?? "nobody";
  if (language) onLanguageSpoken({ language });
  setSource(given);
  if (!kiosk) keepSession(resume);
}

/** The conversation has a language: page, captions and log are in it. @param {any} message */
function onLanguageSpoken({ language }) {
  tongue.speak(language);
  settings.spoken(language);
}

/** All that this module writes, once more: the page has another language. */
function rewrite() {
  greet();
  writeMode();
  writeName();
  log.clear();
  render();
}

/** The card says why; a warning that it was about to come is no news then. */
function onGoodbye() {
  forget();
  notice.hide("problem");
}

/** The avatar ended it; a kiosk has a goodbye of its own. @param {Event} event */
function onFarewell(event) {
  event.preventDefault();
  const { id } = avatar.session;
  if (!kiosk) setTimeout(() => avatar.session.id === id && end(), FAREWELL_MS);
}

function forget() {
  keepSession("");
}

/** Go on with the conversation that this tab had before it was reloaded. */
function comeBack() {
  const token = keptSession();
  if (!token) return;
  returning = true;
  avatar.resume = token;
  start();
}

// --- the kiosk ---------------------------------------------------------------------------------

/** Loaded where it is wanted: an ordinary page has no need of it. */
async function beKiosk() {
  const { Kiosk } = await import("./kiosk/kiosk.js");
  host = new Kiosk({ avatar, ask, clear, phase: () => conversation.phase, address, tongue, settings });
  await host.begin();
}

// --- wiring ------------------------------------------------------------------------------------

/** @param {string} id @param {string} event @param {(event: any) => void} listener */
const on = (id, event, listener) => byId(id).addEventListener(event, listener);

on("start", "click", start);
on("end", "click", end);
on("interrupt", "click", interrupt);
on("mute", "click", () => setMuted(!avatar.muted));
on("captions-toggle", "click", () => {
  const shown = byId("captions-toggle").ariaPressed !== "true";
  setCaptions(shown);
  keep({ captions: shown });
});
on("hands-free", "change", ({ target }) => {
  setHandsFree(target.checked);
  if (!kiosk) keep({ mode: target.checked ? "open" : "talk" });
  render();
});
on("sources", "change", ({ target }) => {
  chooseSource(target.value);
  if (!kiosk) keep({ source: target.value });
});
on("composer", "submit", (event) => {
  event.preventDefault();
  ask(byId("text").value);
  byId("composer").reset();
});
on("suggestions", "click", ({ target }) => target.matches("button") && ask(target.textContent));
on("languages", "change", ({ target }) => {
  tongue.choose(target.value);
  if (!kiosk) keep({ lang: target.value });
});
on("create-open", "click", () => creation.open());
on("create", "close", () => settings.load());
on("settings", "chosen", writeName);

on("avatar", "state", ({ detail }) => onState(detail));
on("avatar", "message", ({ detail }) => onMessage(detail));
on("avatar", "lapsed", ({ detail }) => onLapsed(detail));
on("avatar", "goodbye", onGoodbye);
on("avatar", "farewell", onFarewell);
on("avatar", "mic", render);
on("avatar", "micready", () => notice.hide("microphone"));
on("avatar", "micerror", ({ detail }) => notice.microphone(detail.reason, () => avatar.connect()));
on("avatar", "playblocked", () => notice.sound(() => avatar.play().then(() => notice.hide("sound"))));
on("avatar", "label", ({ detail }) => keepClear(byId("stage"), detail.box));
on("avatar", "firstpicture", () => latency.render());

addEventListener("keydown", (event) => {
  const target = /** @type {Element} */ (event.target);
  if (event.key === "Escape" && !document.querySelector("dialog[open]")) {
    if (latency.open) latency.close();
    else interrupt();
  }
  const typing = target.matches?.("input:not([type=checkbox]), textarea, dialog[open] *");
  if (event.key.toLowerCase() === "m" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    setMuted(!avatar.muted);
  }
});

/** The key leaves the address, so that nobody reads it off the screen; a kiosk keeps it, since it
 * must survive a restart. */
function takeKey() {
  const key = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!key) return;
  avatar.setAttribute("token", key);
  if (!kiosk) history.replaceState(null, "", location.pathname + location.search);
}
addEventListener("hashchange", () => {
  takeKey();
  trouble.hide();
  loadChoices();
});

takeKey();
showCards(avatar);
onLanguage(rewrite);
greet();
setCaptions(choice.captions !== false);
setHandsFree(choice.mode === "open");
if (choice.source) chooseSource(choice.source);
if (typeof RTCPeerConnection === "undefined") trouble.show("unsupported", "", null);
render();
loadChoices();
if (kiosk) beKiosk();
else comeBack();
