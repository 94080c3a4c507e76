/** The films that are being made or are made: followed until they are over, kept by their project. */

import { keep, remembered } from "../page/settings.js";
import { isOver, Refused } from "./service.js";

/** @typedef {{id: string, project: string, language: string, title: string, at: number}} Known */
/** @typedef {Known & {status: string, done: number, left: number|null, note: string, fault: string, code: string,
 *   result: {files?: Record<string, string>, seconds?: number, notes?: string[]}}} Film */

const MOST = 40;

export class Films {
  /** @type {Map<string, Film>} */ all = new Map();
  #watching = new AbortController();
  /** @type {Set<(film: Film, over: boolean) => void>} */ #listeners = new Set();

  /** @param {import("./service.js").Service} service */
  constructor(service) {
    this.service = service;
  }

  /** @param {(film: Film, over: boolean) => void} listener over: it has just come to its end */
  listen(listener) {
    this.#listeners.add(listener);
  }

  /** Of a project, the newest first. @param {string} project @returns {Film[]} */
  of(project) {
    return [...this.all.values()].filter((film) => film.project === project).sort((one, other) => other.at - one.at);
  }

  get running() {
    return [...this.all.values()].filter(({ status }) => !isOver(status));
  }

  /** What this browser had made before, as far as the server still has it. */
  async load() {
    /** @type {Known[]} */ const known = remembered().films ?? [];
    const there = new Map((await this.service.films().catch(() => [])).map((/** @type {any} */ state) => [state.id, state]));
    for (const each of known) {
      const state = there.get(each.id);
      if (state) this.#take(each, state);
    }
    this.#remember();
  }

  /** @param {Record<string, any>} request of POST /v1/videos @param {Omit<Known, "id"|"at">} about */
  async make(request, about) {
    const state = await this.service.film(request);
    const film = this.#take({ ...about, id: state.id, at: Date.now() / 1000 }, state);
    this.#remember();
    return film;
  }

  /** Cancel it, or forget it. @param {Film} film */
  async drop(film) {
    await this.service.dropFilm(film.id).catch((error) => {
      if (!(error instanceof Refused) || error.status !== 404) throw error;
    });
    if (isOver(film.status)) this.all.delete(film.id);
    this.#remember();
  }

  /** @param {Known} known @param {any} state @returns {Film} */
  #take(known, state) {
    const film = { done: 0, left: null, note: "", fault: "", code: "", result: {}, ...known, ...pick(state) };
    this.all.set(known.id, film);
    if (!isOver(film.status)) void this.#watch(film);
    return film;
  }

  /** @param {Film} film */
  async #watch(film) {
    const { signal } = this.#watching;
    try {
      await this.service.watch(`v1/videos/${encodeURIComponent(film.id)}`, signal, (state) => this.#told(film, state));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#told(film, { status: error.status === 404 ? "cancelled" : "failed", fault: error.message, code: error.code });
    }
  }

  /** @param {Film} film @param {any} state */
  #told(film, state) {
    const before = isOver(film.status);
    Object.assign(film, pick(state));
    const over = isOver(film.status) && !before;
    for (const listener of this.#listeners) listener(film, over);
  }

  #remember() {
    const known = [...this.all.values()].sort((one, other) => other.at - one.at).slice(0, MOST);
    keep({ films: known.map(({ id, project, language, title, at }) => ({ id, project, language, title, at })) });
  }
}

/** @param {any} state of the server */
function pick({ status = "queued", done, left, note, fault, code, result }) {
  return Object.fromEntries(Object.entries({ status, done, left, note, fault, code, result }).filter(([, value]) => value !== undefined));
}
