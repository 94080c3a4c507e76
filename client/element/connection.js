/**
 * One WebRTC connection to the server: offer, answer, tracks, data channel, end.
 * Knows nothing of retries, of microphone permission or of the page.
 */

import { authorization } from "./authorization.js";
import { Pulse } from "./pulse.js";
import { relays } from "./relays.js";
import { Sync } from "./sync.js";

export const LABEL = "visavis";
const GATHERING_MS = 300;
const SETTLING_MS = 20; // host candidates come within 10 ms of each other; TCP ones 120 ms later
const ANSWER_MS = 10_000;
const MEDIA_MS = 10_000;
const GONE_MS = 2000;

/**
 * Why there is no connection. `reason` is stable:
 * "unsupported" the browser has no WebRTC; "unreachable" no answer from the server;
 * "full" no place left; "unauthorised" wrong or missing token; "refused" the server does not take
 * this request; "server" the server failed; "blocked" the media found no way through;
 * "lost" it stood and fell; "over" the session that was to go on is no more; "ended" the server ended
 * it, and said why.
 * @typedef {"unsupported"|"unreachable"|"full"|"unauthorised"|"refused"|"server"|"blocked"|"lost"
 *   |"over"|"ended"} Reason
 */

export class ConnectionError extends Error {
  /** @param {Reason} reason @param {string} message @param {number|null} retryAfterMs */
  constructor(reason, message, retryAfterMs = null) {
    super(message);
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
    /** Of the server's problem, "" where there is none. */
    this.code = "";
    /** Whether what is over ended by a fault of the server. */
    this.isLost = false;
  }
}

/**
 * Where to connect and as whom.
 * @typedef {object} Target
 * @property {string} server base URL, ends with "/"
 * @property {string} avatar name, "" for the server's default
 * @property {string} voice name, "" for the server's default
 * @property {string} [language] BCP 47 or "auto", "" for the server's default
 * @property {string} [source] "dialogue" or "microphone", "" for the server's default
 * @property {string} [background] see docs/api.md, "" for the server's default
 * @property {string} [name] of the session, "" for one that nobody guesses
 * @property {string} token bearer token, "" for none
 * @property {RTCIceServer[]} iceServers
 */

/** @param {Target} target */
export function sessionsUrl(target) {
  const url = new URL("v1/sessions", target.server);
  if (target.avatar) url.searchParams.set("avatar", target.avatar);
  if (target.voice) url.searchParams.set("voice", target.voice);
  if (target.language) url.searchParams.set("language", target.language);
  if (target.source) url.searchParams.set("source", target.source);
  if (target.background) url.searchParams.set("background", target.background);
  if (target.name) url.searchParams.set("name", target.name);
  return url.href;
}

/** Retry-After (seconds or a date) in ms from `now`; null when absent or unreadable.
 * @param {string|null} value @param {number} now */
export function retryAfterMs(value, now = Date.now()) {
  if (!value) return null;
  const seconds = /^\d+$/.test(value.trim()) ? Number(value) : (Date.parse(value) - now) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds * 1000) : null;
}

/** @param {number} status @param {string} type of the problem @returns {Reason} */
export function reasonOf(status, type = "") {
  if (status === 401) return "unauthorised";
  if (/:(not-ready|starting)$/.test(type)) return "server";
  if (type.endsWith(":session-over") || type.endsWith(":session-lost")) return "over";
  if (/:quota-(hour|day)$/.test(type)) return "refused"; // nobody waits that long
  if (status === 503 || status === 429) return "full";
  return status >= 500 ? "server" : "refused";
}

/**
 * The offer without its ".local" candidates. Before the microphone is allowed, browsers hide their
 * addresses behind mDNS names; a server that cannot look those up waits a second for each, and the
 * connectivity checks that the browser sends tell it the address anyway.
 * @param {string} sdp
 */
export function withoutHiddenCandidates(sdp) {
  return sdp.replace(/^a=candidate:\S+ \d+ \S+ \d+ \S+\.local .*\r?\n/gim, "");
}

/** @param {Response} response */
async function refusal(response) {
  const problem = await response.json().catch(() => ({}));
  const words = problem.detail || problem.title || `The server answered ${response.status}.`;
  const wait = retryAfterMs(response.headers.get("Retry-After"));
  const type = String(problem.type ?? "");
  const error = new ConnectionError(reasonOf(response.status, type), String(words), wait);
  error.isLost = type.endsWith(":session-lost");
  error.code = type.startsWith("urn:visavis:") ? type.slice("urn:visavis:".length) : "";
  return error;
}

/** @param {Target} target @param {string} offer @param {string} resume token of the session to go
 * on with @param {number} patience ms */
async function exchange(target, offer, resume, patience) {
  /** @type {Record<string, string>} */
  const headers = { "Content-Type": "application/sdp", ...authorization(target.token) };
  if (resume) headers["Visavis-Resume"] = resume;
  const signal = AbortSignal.timeout(patience);
  const request = { method: "POST", headers, body: offer, signal };
  const response = await fetch(sessionsUrl(target), request).catch(() => {
    throw new ConnectionError("unreachable", "The server does not answer.");
  });
  if (response.status !== 201) throw await refusal(response);
  const location = response.headers.get("Location");
  if (!location) throw new ConnectionError("server", "The server named no session.");
  return { answer: await response.text(), location: new URL(location, response.url).href };
}

/** Enough candidates for an offer: all of them when there are ICE servers to ask; else the first
 * local ones, for what is missing the server learns from the browser's checks.
 * @param {RTCPeerConnection} peer @param {boolean} all */
function gathered(peer, all) {
  return new Promise((resolve) => {
    peer.addEventListener("icecandidate", ({ candidate }) => {
      if (!candidate) resolve(undefined);
      else if (!all) setTimeout(resolve, SETTLING_MS, undefined);
    });
    setTimeout(resolve, GATHERING_MS, undefined);
  });
}

/** As little buffering as the network allows; the browser still adds what jitter demands.
 * @param {RTCRtpReceiver} receiver @param {number} ms */
function keepShort(receiver, ms) {
  if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = ms;
}

export class Connection {
  /** @type {RTCPeerConnection} */ peer;
  /** @type {RTCDataChannel} */ channel;
  /** Resolves with a few words once the connection is gone. @type {Promise<string>} */ lost;
  /** Ms from the start of `open` to each step. @type {Record<string, number>} */ marks = {};

  /** @type {Target} */ #target;
  /** @type {RTCRtpSender} */ #microphone;
  /** @type {(why: string) => void} */ #lose = () => {};
  /** @type {(message: any) => void} */ #onMessage;
  #location = "";
  #resume;
  #patience;
  /** Settled by the server's first message, which may come before the answer has been taken in.
   * @type {Promise<string>} */ #first;
  #onFirst = () => {};
  /** @type {Sync} */ #sync;
  /** @type {Pulse} */ #pulse;
  #stream = new MediaStream();
  #startedAt = performance.now();

  /**
   * @param {Target} target
   * @param {{jitterBufferMs: number, onMessage: (message: any) => void, resume?: string,
   *   patience?: number}} options resume: token of the session to go on with; patience: ms for the
   *   server's answer
   */
  constructor(target, { jitterBufferMs, onMessage, resume = "", patience = ANSWER_MS }) {
    this.#target = target;
    this.#onMessage = onMessage;
    this.#resume = resume;
    this.#patience = patience;
    this.lost = new Promise((resolve) => (this.#lose = resolve));
    this.peer = new RTCPeerConnection({ iceServers: target.iceServers, bundlePolicy: "max-bundle" });
    this.channel = this.peer.createDataChannel(LABEL, { ordered: true });
    this.#first = new Promise((resolve) => {
      // After it was handled: what is sent next depends on it.
      this.#onFirst = () => resolve("ready");
    });
    const voice = this.peer.addTransceiver("audio", { direction: "sendrecv" });
    const picture = this.peer.addTransceiver("video", { direction: "recvonly" });
    this.#microphone = voice.sender;
    this.#sync = new Sync(voice.receiver, picture.receiver, jitterBufferMs);
    this.#pulse = new Pulse(voice.receiver);
    this.peer.addEventListener("track", ({ track, receiver }) => {
      keepShort(receiver, jitterBufferMs);
      this.#stream.addTrack(track);
    });
    this.peer.addEventListener("connectionstatechange", () => this.#onPeerState());
    this.channel.addEventListener("close", () => this.#lose("the data channel closed"));
    this.channel.addEventListener("message", ({ data }) => this.#receive(data));
  }

  get stream() {
    return this.#stream;
  }

  /** Offer, and take the server's answer. Rejects with ConnectionError. */
  async open() {
    const own = this.#target.iceServers.length > 0;
    if (!own) await this.#useRelays();
    // Through a relay of the server's the checks come all the same: its address need not be in the offer.
    const enough = gathered(this.peer, own);
    await this.peer.setLocalDescription();
    await enough;
    this.#mark("offer");
    const offer = withoutHiddenCandidates(this.peer.localDescription?.sdp ?? "");
    const { answer, location } = await exchange(this.#target, offer, this.#resume, this.#patience);
    this.#location = location;
    this.#mark("answer");
    if (this.peer.signalingState === "closed") throw new ConnectionError("lost", "Given up.");
    await this.peer.setRemoteDescription({ type: "answer", sdp: answer }).catch((error) => {
      throw new ConnectionError("server", `The answer is unusable: ${error.message}`);
    });
  }

  /** Those that the server offers. Rejects with ConnectionError. */
  async #useRelays() {
    const iceServers = await relays(this.#target);
    if (this.peer.signalingState === "closed") throw new ConnectionError("lost", "Given up.");
    if (iceServers.length) this.peer.setConfiguration({ iceServers, bundlePolicy: "max-bundle" });
  }

  /** Resolves when the server has said `ready`. Rejects with ConnectionError. */
  async ready() {
    let timer = 0;
    const late = new Promise((resolve) => (timer = Number(setTimeout(resolve, MEDIA_MS, "late"))));
    const outcome = await Promise.race([this.#first, late, this.lost]);
    clearTimeout(timer);
    if (outcome === "late") throw new ConnectionError("blocked", "No way through for the video.");
    if (outcome !== "ready") throw new ConnectionError("lost", String(outcome));
    this.#mark("ready");
    this.#sync.start();
    this.lost.then(() => this.#sync.stop());
  }

  /** For how many ms nothing has come from the server; it always sends sound. */
  quietMs() {
    return this.#pulse.quietMs();
  }

  /** @param {MediaStreamTrack|null} track */
  async setMicrophone(track) {
    if (this.peer.signalingState !== "closed") await this.#microphone.replaceTrack(track);
  }

  /** Whether the message went out. @param {object} message */
  send(message) {
    if (this.channel.readyState !== "open") return false;
    this.channel.send(JSON.stringify(message));
    return true;
  }

  /** Whether the server has the session no more; false also where it does not answer. */
  async isGone() {
    if (!this.#location) return false;
    const headers = authorization(this.#target.token);
    const signal = AbortSignal.timeout(GONE_MS);
    const response = await fetch(this.#location, { headers, signal }).catch(() => null);
    return response?.status === 404 || response?.status === 410;
  }

  /** Ask with this token from now on. @param {string} token */
  renew(token) {
    this.#target = { ...this.#target, token };
  }

  /** Treat the connection as gone. @param {string} why */
  giveUp(why) {
    this.#lose(why);
  }

  /** End it here; another connection goes on with the session. */
  drop() {
    this.#lose("dropped");
    this.peer.close();
    this.#location = "";
  }

  /** End it and its session; resolves when the server knows, or after `patience` ms.
   * @param {number} patience */
  async close(patience = 400) {
    const url = this.#location;
    this.drop();
    const gone = url && this.#tell(url, { method: "DELETE" });
    await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, patience))]);
  }

  /** The page goes; its session waits for it, briefly unless it is put aside to come back.
   * @param {boolean} back */
  leave(back) {
    const url = this.#location && `${this.#location}/leave`;
    const headers = { "Content-Type": "application/json" };
    if (url) this.#tell(url, { method: "POST", headers, body: JSON.stringify({ back }) });
    this.drop();
  }

  /** keepalive: it must leave even while the page is being closed. What is lost the server finds out.
   * @param {string} url @param {RequestInit} request */
  #tell(url, request) {
    const headers = { ...request.headers, ...authorization(this.#target.token) };
    return fetch(url, { ...request, headers, keepalive: true }).catch(() => undefined);
  }

  #onPeerState() {
    const state = this.peer.connectionState;
    if (state === "connected") this.#mark("connected");
    if (state === "failed" || state === "closed") this.#lose(`the connection ${state}`);
  }

  /** @param {any} data */
  #receive(data) {
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      console.warn("visavis: a message that is not JSON was dropped");
      return;
    }
    if (message && typeof message.type === "string") this.#onMessage(message);
    this.#onFirst();
  }

  /** @param {string} name */
  #mark(name) {
    this.marks[name] ??= Math.round(performance.now() - this.#startedAt);
  }
}
