/**
 * A file looked at by the server: sent, and its answer read. Knows nothing of the page.
 */

import { authorization } from "../element/authorization.js";
import { codeOf } from "../page/making.js";

export const LARGEST = 256 * 1024 * 1024; // the server's own limit, told before the file is sent

/** @typedef {{in: "picture"|"sound", confidence: string}} Mark */
/** @typedef {{installation: string, own: boolean, day: string, session: string, marks: Mark[]}} Maker */
/** @typedef {{made_by: Maker[], seconds: number}} Report */

/** What the server, or the way to it, had against a file; `code` is stable, see docs/api.md. */
export class DetectionError extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/**
 * Send a file and return what was found. Raises DetectionError; "cancelled" after `signal`.
 * XMLHttpRequest, because fetch does not tell how much of a body was sent.
 * @param {string} token @param {File} file @param {AbortSignal} signal
 * @param {(share: number) => void} progress of what is sent @returns {Promise<Report>}
 */
export function detect(token, file, signal, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const fail = (/** @type {string} */ code, message = "") => reject(new DetectionError(code, message));
    request.open("POST", "v1/detect");
    request.responseType = "json";
    for (const [name, value] of Object.entries(authorization(token))) request.setRequestHeader(name, value);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", ({ loaded, total }) => progress(total ? loaded / total : 0));
    request.upload.addEventListener("load", () => progress(1));
    request.addEventListener("abort", () => fail("cancelled"));
    request.addEventListener("error", () => fail("unreachable"));
    request.addEventListener("load", () => {
      if (request.status === 200 && request.response) return resolve(request.response);
      const problem = request.response ?? {};
      const code = request.status === 401 ? "unauthorised" : codeOf(String(problem.type ?? ""));
      fail(code || "server", String(problem.detail ?? ""));
    });
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}
