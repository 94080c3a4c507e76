/** What the staff's page asks of the server: requests, and streams of server-sent events.
 *
 * Not EventSource, which can send no token but in the address. Knows nothing of the page.
 */

import { t } from "../page/texts/texts.js";

const SILENT_MS = 12_000; // the server says something every 3 s

/** A refusal of the server. `code` is stable ("held", "staff-off"); "unreachable": no answer. */
export class Refused extends Error {
  /** @param {number} status @param {string} code @param {string} message */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The messages in a piece of a stream, and what is left of it: each block of lines that ends with an
 * empty one has one message. @param {string} text @returns {{messages: any[], rest: string}} */
export function parsed(text) {
  const blocks = text.split("\n\n");
  const rest = blocks.pop() ?? "";
  const data = blocks.map((block) =>
    block.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trim()).join("\n"),
  );
  return { messages: data.filter(Boolean).map((each) => JSON.parse(each)), rest };
}

export class Service {
  #token = "";
  /** This page, until it is closed or loaded anew. */
  desk = "";
  name = "";

  /** @param {string} token @param {string} desk @param {string} name */
  signIn(token, desk, name) {
    this.#token = token;
    this.desk = desk;
    this.name = name;
  }

  /** @param {string} path @param {RequestInit & {query?: boolean}} request */
  async #fetch(path, request) {
    const url = new URL(`v1/staff/${path}`, location.href);
    url.searchParams.set("desk", this.desk);
    url.searchParams.set("name", this.name);
    const headers = { ...request.headers, Authorization: `Bearer ${this.#token}` };
    const response = await fetch(url, { ...request, headers, cache: "no-store" }).catch((error) => {
      if (request.signal?.aborted) throw error;
      throw new Refused(0, "unreachable", t("staff.unreachable"));
    });
    if (response.ok) return response;
    const problem = await response.json().catch(() => ({}));
    const code = String(problem.type ?? "").replace("urn:visavis:", "");
    throw new Refused(response.status, code, problem.detail ?? `The server answered ${response.status}.`);
  }

  /** The sessions there are. */
  async sessions() {
    return (await this.#fetch("sessions", {})).json();
  }

  /** @param {string} session @param {string} what @param {string} method
   * @param {object} [fields] of the body */
  async act(session, what, method = "POST", fields) {
    const body = fields && JSON.stringify(fields);
    const headers = fields ? { "Content-Type": "application/json" } : {};
    const path = `sessions/${encodeURIComponent(session)}/${what}`;
    await (await this.#fetch(path, { method, body, headers })).text();
  }

  /** SDP offer -> SDP answer. @param {string} session @param {string} offer */
  async voice(session, offer) {
    const headers = { "Content-Type": "application/sdp" };
    const request = { method: "POST", body: offer, headers };
    return (await this.#fetch(`sessions/${encodeURIComponent(session)}/voice`, request)).text();
  }

  /** Each message of a stream, until it ends. Rejects with Refused. @param {string} path
   * @param {AbortSignal} signal @param {(message: any) => void} told */
  async stream(path, signal, told) {
    const silent = new AbortController();
    const either = AbortSignal.any([signal, silent.signal]);
    let timer = setTimeout(() => silent.abort(), SILENT_MS);
    try {
      const response = await this.#fetch(path, { signal: either });
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (let piece = await reader?.read(); piece && !piece.done; piece = await reader?.read()) {
        clearTimeout(timer);
        timer = setTimeout(() => silent.abort(), SILENT_MS);
        const found = parsed(rest + piece.value);
        rest = found.rest;
        for (const message of found.messages) told(message);
      }
    } catch (error) {
      if (error instanceof Refused) throw error;
      if (!signal.aborted) throw new Refused(0, "unreachable", t("staff.reconnecting"));
    } finally {
      clearTimeout(timer);
    }
  }
}
