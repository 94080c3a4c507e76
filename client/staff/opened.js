/** One conversation, opened: what is said, as it is said, and what staff do about it.
 *
 * Nothing of it is kept: it is forgotten when the conversation is closed here.
 */

import { after, EMPTY } from "../page/conversation.js";
import { byId, make } from "../page/dom.js";
import { Refused } from "./service.js";
import { Voice } from "./voice.js";
import { has, t } from "../page/texts/texts.js";
import { doing, duration, feeling, holder, microphone, reason, tongue } from "./words.js";

const AGAIN_MS = 1500;
const NEAR_PX = 80;

/** A text by its key; the server's words as they are. @param {string} words */
const written = (words) => (has(words) ? t(words) : words);

/** Event "closed": the list is to be shown. */
export class Opened extends EventTarget {
  #service;
  #voice;
  id = "";
  /** @type {any} */ #row = null;
  #rowAt = 0;
  #conversation = EMPTY;
  /** Lines that wait to be said. @type {string[]} */ #waiting = [];
  /** Those that were typed here, to be told from the avatar's own. */ #typed = new Set();
  /** Keys of texts, or the server's own words. */ #over = "";
  #fault = "";
  #watching = new AbortController();

  /** @param {import("./service.js").Service} service */
  constructor(service) {
    super();
    this.#service = service;
    this.#voice = new Voice(service);
    this.#voice.addEventListener("ended", () => this.#unspoken());
    byId("composer").addEventListener("submit", (/** @type {Event} */ event) => this.#say(event));
    byId("take").addEventListener("click", () => this.#take());
    byId("hand-back").addEventListener("click", () => this.#try(() => this.#act("hold", "DELETE")));
    byId("speak").addEventListener("click", () => this.#speakOrNot());
    byId("wish-done").addEventListener("click", () => this.#try(() => this.#act("call", "DELETE")));
    byId("back").addEventListener("click", () => this.close());
    byId("end").addEventListener("click", () => byId("ending").showModal());
    byId("ending-cancel").addEventListener("click", () => byId("ending").close());
    byId("ending-form").addEventListener("submit", () => this.#end());
    setInterval(() => this.#tick(), 1000);
  }

  get mine() {
    return this.#row?.desk === this.#service.desk && Boolean(this.#row?.how);
  }

  /** @param {string} id @param {any} row of the list */
  open(id, row) {
    if (id === this.id) return;
    this.close(false);
    this.id = id;
    this.#watching = new AbortController();
    this.#conversation = EMPTY;
    this.#waiting = [];
    this.#typed.clear();
    this.#over = this.#fault = "";
    this.#takeRow(row);
    document.body.dataset.view = "opened";
    byId("opened").hidden = false;
    byId("unopened").hidden = true;
    this.#render();
    byId("opened-title").focus({ preventScroll: true });
    this.#watch(id, this.#watching.signal);
  }

  /** Look away. @param {boolean} tell */
  close(tell = true) {
    if (!this.id) return;
    if (this.mine) this.#act("hold", "DELETE").catch(() => undefined);
    const id = this.id;
    this.id = "";
    this.#watching.abort();
    this.#voice.close();
    this.#conversation = EMPTY;
    document.body.dataset.view = "list";
    byId("opened").hidden = true;
    byId("unopened").hidden = false;
    byId("lines").replaceChildren();
    if (tell) this.dispatchEvent(new CustomEvent("closed", { detail: { id } }));
  }

  /** The list has news. @param {any[]} rows */
  listed(rows) {
    const row = rows.find((each) => each.id === this.id);
    if (row) this.#takeRow(row);
    if (this.id) this.#render();
  }

  /** The page speaks another language. */
  translate() {
    this.#render();
  }

  /** @param {any} row */
  #takeRow(row) {
    this.#row = row;
    this.#rowAt = performance.now();
  }

  /** @param {string} id @param {AbortSignal} signal */
  async #watch(id, signal) {
    while (!signal.aborted && !this.#over) {
      try {
        await this.#service.stream(`sessions/${encodeURIComponent(id)}/events`, signal, (message) => this.#told(message));
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        if (error.status === 404) this.#finish("staff.ended");
        if (error.status === 410) this.#finish("staff.lost");
      }
      if (signal.aborted) return;
      if (!this.#over) this.#fault = "staff.reconnecting";
      this.#render();
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  /** @param {any} message */
  #told(message) {
    if (message.type === "beat") {
      // By the server's beat, not a timer: those of a page that is hidden hardly run.
      if (this.mine) this.#act("hold").catch(() => undefined);
      return;
    }
    if (message.type === "history") {
      if (this.#fault === "staff.reconnecting") this.#fault = "";
      this.#conversation = after(EMPTY, { ...message, type: "ready", resumed: true });
    }
    if (message.row) this.#takeRow(message.row);
    if (message.type === "ended") this.#finish("staff.ended");
    if (message.type === "caption") this.#begun(message.text);
    // Whole lines are read out, and not each word as it comes.
    if (message.type === "transcript" && message.final) byId("heard").textContent = message.text && t("staff.heard.visitor", message);
    if (message.type === "reply_ended") byId("heard").textContent = message.heard && t("staff.heard.avatar", { text: message.heard });
    this.#conversation = after(this.#conversation, message);
    this.#render();
  }

  /** @param {string} why */
  #finish(why) {
    this.#over = why;
    this.#waiting = [];
    this.#voice.close();
  }

  /** A line that waited is being said. @param {string} text of its first clause */
  #begun(text) {
    const at = this.#waiting.findIndex((line) => line.replace(/\[[^\]]*\]/g, "").trim().startsWith(text.slice(0, 12)));
    if (at >= 0) this.#waiting.splice(0, at + 1);
  }

  // --- what is done ------------------------------------------------------------------------------

  /** @param {string} what @param {string} method @param {object} [fields] */
  #act(what, method = "POST", fields) {
    return this.#service.act(this.id, what, method, fields);
  }

  /** @param {() => Promise<unknown>} work @returns {Promise<boolean>} */
  async #try(work) {
    try {
      this.#fault = "";
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#fault = error.message;
      return false;
    } finally {
      this.#render();
    }
  }

  async #take() {
    if (await this.#try(() => this.#act("hold"))) byId("line").focus();
  }

  /** @param {Event} event */
  async #say(event) {
    event.preventDefault();
    const text = byId("line").value.trim();
    if (!text) return;
    byId("line").value = "";
    this.#waiting.push(text);
    this.#typed.add(text);
    if (await this.#try(() => this.#act("say", "POST", { text }))) return;
    this.#waiting = this.#waiting.filter((line) => line !== text);
    byId("line").value ||= text; // not lost with the refusal
    this.#render();
  }

  async #end() {
    await this.#try(() => this.#act("end", "POST", { text: byId("ending-words").value.trim() }));
    byId("ending-words").value = "";
  }

  async #speakOrNot() {
    if (this.#voice.open) {
      await this.#try(() => this.#act("voice", "DELETE"));
      this.#voice.close();
      return;
    }
    byId("voice-words").textContent = t("staff.voice.connecting");
    byId("voice").hidden = false;
    try {
      byId("face").srcObject = await this.#voice.start(this.id);
    } catch (error) {
      this.#fault = microphone(error.reason) || error.message;
      if (!(error instanceof Refused) && !error.reason) console.error("visavis:", error);
    }
    this.#measure();
    this.#render();
  }

  #unspoken() {
    byId("face").srcObject = null;
    if (this.id) this.#render();
  }

  #measure() {
    if (!this.#voice.open) return;
    byId("level").value = this.#voice.level();
    setTimeout(() => this.#measure(), 100);
  }

  // --- what is shown -----------------------------------------------------------------------------

  #tick() {
    if (!this.id || !this.#row) return;
    const later = (performance.now() - this.#rowAt) / 1000;
    const row = this.#row;
    const about = [tongue(row.language), feeling(row.mood), row.avatar, duration(row.seconds + later)];
    byId("opened-about").textContent = about.filter(Boolean).join(" · ");
    const waits = row.wanted_seconds !== null && !row.how && !this.#over;
    byId("wish").hidden = !waits;
    if (waits) byId("wish-words").textContent = `${reason(row)} (${duration(row.wanted_seconds + later)})`;
  }

  #render() {
    const row = this.#row;
    if (!this.id || !row) return;
    const over = Boolean(this.#over);
    const theirs = Boolean(row.how) && !this.mine;
    const relayed = row.source === "microphone";
    const away = row.state === "resting";
    byId("opened-title").textContent = over ? t("staff.state.over") : holder(row, this.#service.desk) || t("staff.avatar-answers");
    byId("opened-doing").textContent = over ? "" : doing(row);
    byId("opened").dataset.doing = over ? "away" : row.state === "live" ? row.doing : "away";
    byId("take").hidden = over || Boolean(row.how) || relayed;
    byId("hand-back").hidden = over || !this.mine;
    byId("speak").hidden = over || !this.mine;
    byId("speak").ariaPressed = String(this.#voice.open);
    byId("speak-word").textContent = t(this.#voice.open ? "staff.type" : "staff.speak");
    byId("end").hidden = over || theirs;
    byId("composer").hidden = over || theirs || relayed || this.#voice.open;
    byId("line").disabled = away;
    const label = t(this.mine ? "staff.answer" : "staff.line");
    byId("line").placeholder = away ? t("staff.line.away") : label;
    byId("line-label").textContent = label;
    byId("voice").hidden = !this.#voice.open;
    byId("voice-words").textContent = t(`staff.voice.${row.how !== "speaking" ? "connecting" : row.silent ? "silent" : "on"}`);
    byId("voice").classList.toggle("silent", row.silent);
    const fault = written(this.#over || this.#fault);
    byId("fault").hidden = !fault;
    if (byId("fault").textContent !== fault) byId("fault").textContent = fault;
    const stance = relayed ? "relayed" : this.mine ? "mine" : theirs ? "theirs" : "watching";
    byId("honest").textContent = over ? "" : t(`staff.honest.${stance}`);
    this.#renderLines();
    this.#tick();
  }

  #renderLines() {
    const box = byId("log");
    const follows = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
    const { lines, caption } = this.#conversation;
    byId("silence").hidden = lines.length + this.#waiting.length > 0;
    const list = byId("lines");
    while (list.children.length > lines.length) list.lastElementChild.remove();
    lines.forEach((line, at) => {
      const item = list.children[at] ?? list.appendChild(make("li", {}, make("span", { className: "speaker" }), make("p", { dir: "auto" })));
      this.#write(item, line, caption);
    });
    byId("waiting-lines").replaceChildren(...this.#waiting.map((text) => make("li", {}, make("span", { className: "speaker", textContent: t("staff.who.next") }), make("p", { textContent: text, dir: "auto" }))));
    if (follows) box.scrollTop = box.scrollHeight;
  }

  /** @param {any} item @param {import("../page/conversation.js").Line} line
   * @param {{turn: number, text: string, heard: number}|null} caption */
  #write(item, line, caption) {
    const typed = line.who === "avatar" && this.#typed.has(line.text);
    item.className = [line.who, line.final ? "" : "interim", line.cut ? "cut" : "", typed ? "mine" : ""].filter(Boolean).join(" ");
    const [speaker, words] = item.children;
    const name = t(`staff.who.${typed ? "you" : line.who}`);
    if (speaker.textContent !== name) speaker.textContent = name;
    const live = line.who === "avatar" && !line.final && caption?.turn === line.turn;
    if (!live) {
      if (words.textContent !== line.text || words.childElementCount) words.textContent = line.text;
      return;
    }
    const unsaid = caption.text.slice(caption.heard);
    const said = line.text.slice(0, line.text.length - unsaid.length);
    words.replaceChildren(make("span", { textContent: said }), make("span", { className: "unsaid", textContent: unsaid }));
  }
}
