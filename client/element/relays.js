/**
 * The relays that a server offers its viewers, each with an account for a time. Asked for once, and anew
 * when half of that time is over; whoever asks meanwhile waits for the same answer.
 */

import { authorization } from "./authorization.js";

const PATIENCE_MS = 1000; // without an answer one connects without relays
const AGAIN_MS = 10_000; // what failed is asked for again

/** @typedef {{answer: Promise<RTCIceServer[]>, until: number}} Known */
/** @type {Map<string, Known>} by server and token */
const known = new Map();

/** @param {{server: string, token: string}} target @returns {Promise<RTCIceServer[]>} never rejects */
export function relays({ server, token }, now = Date.now()) {
  const key = `${server} ${token}`;
  const before = known.get(key);
  if (before && now < before.until) return before.answer;
  const asked = ask(server, token);
  /** @type {Known} */ const found = { answer: asked.then(({ servers }) => servers), until: now + AGAIN_MS };
  asked.then(({ ms }) => (found.until = now + ms));
  // An account that ends soon is better than none while the server does not answer.
  if (before) found.answer = asked.then(({ servers, failed }) => (failed ? before.answer : servers));
  known.set(key, found);
  return found.answer;
}

/** @param {string} server @param {string} token */
async function ask(server, token) {
  const request = { headers: authorization(token), signal: AbortSignal.timeout(PATIENCE_MS) };
  const response = await fetch(new URL("v1/ice-servers", server), request).catch(() => null);
  const found = response?.ok ? await response.json().catch(() => null) : null;
  const servers = Array.isArray(found?.iceServers) ? found.iceServers : [];
  return { servers, failed: !found, ms: found ? 500 * (Number(found.seconds) || 0) : AGAIN_MS };
}
