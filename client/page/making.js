/**
 * Making an avatar at the server: the upload, the waiting, the result. Knows nothing of the page.
 */

import { authorization } from "../element/authorization.js";

export const MAX_BYTES = 20 * 1024 * 1024; // the server's own limits, told before the upload
export const MAX_CLIP = 64 * 1024 * 1024;
const POLL_MS = 300;
const GONE_MS = 20_000; // without any answer, before the page gives up

/** What the server, or the way to it, had against an avatar; `code` is stable, see the README. */
export class MakingError extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** A code from a problem's type: "urn:visavis:no-face" -> "no-face". @param {string} type */
export function codeOf(type) {
  return type.startsWith("urn:visavis:") ? type.slice("urn:visavis:".length) : "";
}

/** Why a file cannot be sent, as a code; "" for a good one. @param {{type: string, size: number}} file */
export function fault({ type, size }) {
  if (isClip({ type })) return size > MAX_CLIP ? "clip-too-large" : "";
  if (type && !type.startsWith("image/")) return "no-picture";
  return size > MAX_BYTES ? "too-large" : "";
}

/** Whether a file is a film, by what the browser takes it for. @param {{type: string}} file */
export function isClip({ type }) {
  return type.startsWith("video/");
}

/** A name to begin with: "IMG_2041.jpeg" says nothing, "anna portrait.jpg" does. @param {string} file */
export function nameFrom(file) {
  const words = file.replace(/\.[^.]*$/, "").match(/\p{L}{2,}/gu) ?? [];
  const camera = /^(img|dsc|dscf|image|photo|pxl|portrait|screenshot|picture|download|unnamed|wa)$/i;
  return asName(words.find((word) => !camera.test(word)) ?? "");
}

/** A name as the server takes it: "Zoë Example" -> "zoe-example"; may be empty. @param {string} text */
export function asName(text) {
  const plain = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return plain.replace(/[^a-z0-9]+/g, "-").slice(0, 64).replace(/^-+|-+$/g, "");
}

/**
 * Send the form, tell how far it is, return the finished job: {name, title, preview, warnings}.
 * Raises MakingError; "cancelled" after `signal`, which ends the job at the server too.
 * @param {string} token @param {FormData} form @param {(what: string, share: number) => void} progress
 * @param {AbortSignal} signal
 */
export async function makeAvatar(token, form, progress, signal) {
  const headers = authorization(token);
  const response = await askFor("v1/avatars", { method: "POST", headers, body: form, signal });
  const job = (response.headers.get("Location") ?? "").replace(/^\//, "");
  const cancel = () => fetch(job, { method: "DELETE", headers, keepalive: true }).catch(() => undefined);
  signal.addEventListener("abort", cancel, { once: true });
  try {
    return await finished(job, { headers, signal }, progress);
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

/** Take an avatar away again. @param {string} token @param {string} name */
export async function removeAvatar(token, name) {
  await askFor(`v1/avatars/${encodeURIComponent(name)}`, { method: "DELETE", headers: authorization(token) });
}

/** @param {string} job @param {RequestInit} request @param {(what: string, share: number) => void} progress */
async function finished(job, request, progress) {
  let answeredAt = performance.now();
  for (;;) {
    const state = await askFor(job, request).then((answer) => answer.json(), stillThere);
    if (state) {
      answeredAt = performance.now();
      progress(state.what, state.share);
      if (state.state === "done") return state;
      if (state.state === "cancelled") throw new MakingError("cancelled", "");
    }
    if (performance.now() - answeredAt > GONE_MS) throw new MakingError("unreachable", "");
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** A question about a job that found no answer is asked again. @param {MakingError} error */
function stillThere(error) {
  if (error.code === "unreachable") return null;
  throw error;
}

/** An answer that is none raises MakingError. @param {string} path @param {RequestInit} request */
export async function askFor(path, request) {
  const response = await fetch(path, request).catch((error) => {
    throw new MakingError(error.name === "AbortError" ? "cancelled" : "unreachable", "");
  });
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  const code = response.status === 401 ? "unauthorised" : codeOf(String(problem.type ?? ""));
  throw new MakingError(code || "server", String(problem.detail ?? problem.title ?? ""));
}
