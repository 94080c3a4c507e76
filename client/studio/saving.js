/** Kept by itself: a moment after the last change, again when the server did not answer, and once more
 * before the page is left. Two editors of one project are told of each other. */

import { byId } from "../page/dom.js";
import { onLanguage, t } from "../page/texts/texts.js";
import { Refused } from "./service.js";
import { refusal } from "./words.js";

const AFTER_MS = 700;
const AGAIN_MS = [1000, 2000, 4000, 8000];

export class Saving {
  #line = byId("saved");
  #timer = 0;
  #attempt = 0;
  /** @type {Promise<void>|null} */ #running = null;
  /** @type {"saved"|"changed"|"saving"|"offline"|"refused"|"conflict"} */ state = "saved";
  #why = "";

  /** @param {import("./state.js").Studio} studio @param {import("./service.js").Service} service
   * @param {(theirs: any) => Promise<void>} conflict shown, and settled */
  constructor(studio, service, conflict) {
    this.studio = studio;
    this.service = service;
    this.conflict = conflict;
    studio.listen((why) => this.#on(why));
    onLanguage(() => this.#show(this.state, this.#why));
    addEventListener("beforeunload", (event) => {
      if (!this.dirty) return;
      void this.now();
      event.preventDefault();
    });
    document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && this.dirty && this.now());
    addEventListener("online", () => this.dirty && this.now());
  }

  get dirty() {
    return this.studio.name !== "" && this.studio.project !== this.studio.kept;
  }

  /** @param {string} why */
  #on(why) {
    if (why === "open") return this.#show("saved");
    if (why !== "edit") return;
    // Undone, as far as what is kept.
    if (!this.dirty) return this.#running || this.state === "conflict" ? undefined : this.#show("saved");
    if (this.state !== "conflict") this.#show("changed");
    this.#soon(AFTER_MS);
  }

  /** @param {number} ms */
  #soon(ms) {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.now(), ms);
  }

  /** Keep it now; resolves when nothing is left to keep, or it cannot be. */
  async now() {
    clearTimeout(this.#timer);
    while (this.dirty && this.state !== "conflict") {
      this.#running ??= this.#save().finally(() => (this.#running = null));
      await this.#running;
      if (this.state === "offline" || this.state === "refused") return;
    }
  }

  async #save() {
    const { studio } = this;
    const [sent, name] = [studio.project, studio.name];
    this.#show("saving");
    try {
      const answer = await this.service.save(name, sent, studio.etag);
      if (studio.name !== name) return;
      this.#attempt = 0;
      studio.saved(answer, sent);
      this.#show(this.dirty ? "changed" : "saved");
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (studio.name === name) await this.#failed(error);
    }
  }

  /** @param {Refused} error */
  async #failed(error) {
    if (error.status === 412) {
      this.#show("conflict");
      await this.conflict(error.body);
      this.#show(this.dirty ? "changed" : "saved");
      if (this.dirty) this.#soon(0);
      return;
    }
    const passing = error.status === 0 || error.status >= 500 || error.status === 429;
    this.#show(passing ? "offline" : "refused", refusal(error));
    if (passing) this.#soon(AGAIN_MS[Math.min(this.#attempt++, AGAIN_MS.length - 1)]);
  }

  /** @param {typeof this.state} state @param {string} why */
  #show(state, why = "") {
    this.state = state;
    this.#why = why;
    this.#line.dataset.state = state;
    const words = t(`studio.saved.${state}`);
    // "Saving" comes and goes with every word: it is seen, and not read out.
    if (this.#line.textContent !== words) this.#line.textContent = words;
    this.#line.title = why || words;
    this.#line.ariaLive = state === "saving" || state === "changed" ? "off" : "polite";
  }
}
