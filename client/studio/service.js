/**
 * What the studio asks of the server: projects with their files, films, batches, translations, voices.
 * Knows nothing of the page.
 */

import { authorization } from "../element/authorization.js";
import { codeOf } from "../page/making.js";
import { parsed } from "../staff/service.js";

const AGAIN_MS = 1500;

/** A refusal. code: stable, see docs/api.md; "unreachable": no answer. body: what it said besides. */
export class Refused extends Error {
  /** @param {number} status @param {string} code @param {string} message @param {any} body */
  constructor(status, code, message, body = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.body = body;
  }
}

const segment = encodeURIComponent;

export class Service {
  token = "";
  /** @type {Map<string, Promise<string>>} */ #pictures = new Map();

  /** @param {string} path @param {RequestInit} request @returns {Promise<Response>} */
  async ask(path, request = {}) {
    const headers = { ...request.headers, ...authorization(this.token) };
    const response = await fetch(path, { cache: "no-store", ...request, headers }).catch((error) => {
      if (request.signal?.aborted) throw error;
      throw new Refused(0, "unreachable", "");
    });
    if (response.ok) return response;
    const problem = await response.json().catch(() => ({}));
    const code = response.status === 401 ? "unauthorised" : codeOf(String(problem.type ?? ""));
    throw new Refused(response.status, code || "server", String(problem.detail ?? problem.title ?? ""), problem);
  }

  /** @param {string} path @param {string} method @param {any} [body] @param {Record<string, string>} headers
   * @returns {Promise<any>} */
  async json(path, method = "GET", body, headers = {}) {
    const type = body === undefined ? {} : { "Content-Type": "application/json" };
    const text = body === undefined ? undefined : JSON.stringify(body);
    const response = await this.ask(path, { method, body: text, headers: { ...type, ...headers } });
    return response.status === 204 ? null : response.json();
  }

  // --- projects -------------------------------------------------------------------------------

  projects() {
    return this.json("v1/projects").then(({ projects }) => projects);
  }

  /** @param {{title?: string, script?: string, name?: string}} fields */
  create(fields) {
    return this.json("v1/projects", "POST", fields);
  }

  /** @param {string} name */
  project(name) {
    return this.json(`v1/projects/${segment(name)}`);
  }

  /** @param {string} name @param {any} project @param {string} etag of the version that was changed */
  save(name, project, etag) {
    return this.json(`v1/projects/${segment(name)}`, "PUT", { project }, { "If-Match": etag });
  }

  /** @param {string} name */
  remove(name) {
    return this.ask(`v1/projects/${segment(name)}`, { method: "DELETE" });
  }

  /** A project made of a file. @param {File} file */
  import(file) {
    const body = new FormData();
    body.set("file", file, file.name);
    return this.ask("v1/projects/import", { method: "POST", body }).then((response) => response.json());
  }

  /** All files that are there then. @param {string} project @param {string} name @param {Blob} file
   * @returns {Promise<{name: string, bytes: number, kind: string}[]>} */
  async putFile(project, name, file) {
    this.#pictures.delete(this.#fileOf(project, name));
    const answer = await this.ask(this.#fileOf(project, name), { method: "PUT", body: file });
    return (await answer.json()).files;
  }

  /** @param {string} project @param {string} name */
  removeFile(project, name) {
    this.#pictures.delete(this.#fileOf(project, name));
    return this.ask(this.#fileOf(project, name), { method: "DELETE" });
  }

  /** @param {string} project @param {string} name */
  #fileOf(project, name) {
    return `v1/projects/${segment(project)}/files/${segment(name)}`;
  }

  /** A file of a project to show or play: an address in this page. @param {string} project @param {string} name */
  file(project, name) {
    return this.picture(this.#fileOf(project, name));
  }

  /** Something that needs the token, as an address in this page; fetched once, "" where there is none.
   * @param {string} path @returns {Promise<string>} */
  picture(path) {
    const address = path.replace(/^\//, "");
    const known = this.#pictures.get(address);
    if (known) return known;
    const found = this.blob(address).then((blob) => URL.createObjectURL(blob)).catch(() => {
      this.#pictures.delete(address);
      return "";
    });
    this.#pictures.set(address, found);
    return found;
  }

  /** @param {string} path @param {AbortSignal} [signal] */
  blob(path, signal) {
    return this.ask(path.replace(/^\//, ""), { signal }).then((response) => response.blob());
  }

  // --- what can be chosen -----------------------------------------------------------------------

  avatars() {
    return this.json("v1/avatars");
  }

  voices() {
    return this.json("v1/voices");
  }

  // --- films ------------------------------------------------------------------------------------

  /** @param {Record<string, any>} request */
  film(request) {
    return this.json("v1/videos", "POST", request);
  }

  films() {
    return this.json("v1/videos").then(({ videos }) => videos);
  }

  /** @param {string} id */
  filmState(id) {
    return this.json(`v1/videos/${segment(id)}`);
  }

  /** Cancels it, or forgets what is over. @param {string} id */
  dropFilm(id) {
    return this.ask(`v1/videos/${segment(id)}`, { method: "DELETE" });
  }

  // --- batches ----------------------------------------------------------------------------------

  /** @param {Record<string, string|Blob>} fields @param {File} table */
  batch(fields, table) {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.set(name, value);
    body.set("table", table, table.name);
    return this.ask("v1/batches", { method: "POST", body }).then((response) => response.json());
  }

  batches() {
    return this.json("v1/batches").then(({ batches }) => batches);
  }

  /** @param {string} id */
  batchState(id) {
    return this.json(`v1/batches/${segment(id)}`);
  }

  /** @param {string} id */
  retryBatch(id) {
    return this.json(`v1/batches/${segment(id)}/retry`, "POST", {});
  }

  /** After a proof: the other rows. @param {string} id */
  restOfBatch(id) {
    return this.ask(`v1/batches/${segment(id)}/rest`, { method: "POST" });
  }

  /** @param {string} id */
  dropBatch(id) {
    return this.ask(`v1/batches/${segment(id)}`, { method: "DELETE" });
  }

  // --- translations -----------------------------------------------------------------------------

  /** Those there are, with how many of their texts are read, and languages that are possible.
   * @param {string} project @returns {Promise<{languages: any[], possible: {language: string}[]}>} */
  translations(project) {
    return this.json(`v1/projects/${segment(project)}/translations`);
  }

  /** Once it is there. @param {string} project @param {string} language @param {(state: any) => void} told how
   * far it is @param {AbortSignal} signal */
  async translate(project, language, told, signal) {
    const path = `v1/projects/${segment(project)}/translations`;
    for (;;) {
      const answer = await this.json(path, "POST", { language });
      signal.throwIfAborted();
      if (answer.pairs) return answer;
      told(answer);
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      signal.throwIfAborted();
    }
  }

  /** @param {string} project @param {string} language @param {any[]} pairs those that have changed */
  saveTranslation(project, language, pairs) {
    return this.json(`v1/projects/${segment(project)}/translations/${segment(language)}`, "PUT", { pairs });
  }

  // --- what takes its time ----------------------------------------------------------------------

  /** Each state until it is over or `signal` ends it; a connection that was lost is made again.
   * @param {string} path of the job @param {AbortSignal} signal @param {(state: any) => void} told */
  async watch(path, signal, told) {
    while (!signal.aborted) {
      let over = false;
      try {
        await this.#stream(`${path}/events`, signal, (state) => {
          over = isOver(state.status);
          told(state);
        });
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Refused && error.status >= 400 && error.status < 500) throw error;
      }
      if (over || signal.aborted) return;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  /** @param {string} path @param {AbortSignal} signal @param {(message: any) => void} told */
  async #stream(path, signal, told) {
    const response = await this.ask(path, { signal, headers: { Accept: "text/event-stream" } });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (let piece = await reader?.read(); piece && !piece.done; piece = await reader?.read()) {
      const found = parsed(rest + piece.value.replaceAll("\r\n", "\n"));
      rest = found.rest;
      for (const message of found.messages) if (message.status) told(message); // what else comes is a beat
    }
  }
}

/** @param {string} status of a job */
export const isOver = (status) => ["done", "failed", "cancelled"].includes(status);
