/** The films of a server, made and in the making: followed until they are over. */

import { isOver, Refused } from "./service.js";

/** @typedef {{id: string, title: string, project: string, language: string, status: string, done: number,
 *   left: number|null, note: string, fault: string, code: string, at: number, files: Record<string, string>,
 *   seconds: number|null, notes: string[]}} Film files: addresses, by format */

export class Films {
  /** @type {Map<string, Film>} */ #all = new Map();
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
    return [...this.#all.values()].filter((film) => film.project === project).sort((one, other) => other.at - one.at);
  }

  get running() {
    return [...this.#all.values()].filter(({ status }) => !isOver(status));
  }

  /** What the server has. */
  async load() {
    for (const film of await this.service.films()) if (!this.#all.has(film.id)) this.#take(film);
  }

  /** @param {Record<string, any>} request of POST /v1/videos */
  async make(request) {
    return this.#take(await this.service.film(request));
  }

  /** Cancel it, or forget it. @param {Film} film */
  async drop(film) {
    await this.service.dropFilm(film.id).catch((error) => {
      if (!(error instanceof Refused) || error.status !== 404) throw error;
    });
    if (isOver(film.status)) this.#all.delete(film.id);
  }

  /** @param {Film} film */
  #take(film) {
    this.#all.set(film.id, film);
    if (!isOver(film.status)) void this.#watch(film);
    return film;
  }

  /** @param {Film} film */
  async #watch(film) {
    try {
      await this.service.watch(`v1/videos/${encodeURIComponent(film.id)}`, this.#watching.signal, (state) => this.#told(film, state));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#told(film, { status: error.status === 404 ? "cancelled" : "failed", fault: error.message, code: error.code });
    }
  }

  /** @param {Film} film @param {any} state */
  #told(film, state) {
    const before = isOver(film.status);
    const { at: _at, ...news } = state; // where it stands in the list is when it was asked for
    Object.assign(film, news);
    const over = isOver(film.status) && !before;
    for (const listener of this.#listeners) listener(film, over);
  }
}
