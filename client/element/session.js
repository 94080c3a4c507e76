/**
 * A conversation that stays connected: retries, heartbeat, outbox, receipts. No DOM.
 *
 * Events (CustomEvent): "state" {state, reason, words, retryInMs} (0: trying right now);
 * "message" the server's message; "stream" {stream}. The page shows `window.visavis = session.hooks()`, which tests may read:
 *   state         "idle" | "connecting" | "connected" | "reconnecting" | "waiting" | "failed"
 *   reason        why it waits or failed (see connection.js), or ""
 *   id            the server's session id
 *   marks         ms from connect() to offer, answer, connected, ready and firstPicture
 *   firstPictureMs  marks.firstPicture, or null before the first picture
 *   clock         {roundTripMs, offsetMs}: session clock = performance.now() + offsetMs
 *   receipts      the server's receipts, newest last, at most 200
 *   messages      {at, way: "in" | "out", type, turn}, newest last, at most 1000; `at` is
 *                 performance.now(); neither pings nor what anybody said
 *   stats()       a promise of what stats.js describes, null without a connection
 */

import { Connection, ConnectionError } from "./connection.js";
import { summary } from "./stats.js";

/** @typedef {"idle"|"connecting"|"connected"|"reconnecting"|"waiting"|"failed"} State */
/** @typedef {import("./connection.js").Target} Target */
/** @typedef {import("./connection.js").Reason} Reason */

/**
 * What the client may say; server/protocol.py has the limits. Pings are the session's own.
 * @typedef {{type: "text", text: string} | {type: "say", text: string, style: string}
 *   | {type: "interrupt"} | {type: "direct", prompt: string} | {type: "mic", on: boolean}} FromClient
 */

const PING_MS = 2000;
const MISSES = 2; // pings without an answer before the connection counts as lost
const CHECK_MS = 1200;
const LONGEST_WAIT_MS = 15_000;
const OUTBOX = 8;
const TERMINAL = new Set(["unsupported", "unauthorised", "refused"]);

/** Wait before attempt `attempt` (0 is the first retry): 250 ms doubling, +-20 % so that a whole
 * lobby does not come back in the same instant. @param {number} attempt */
export function backoffMs(attempt, random = Math.random) {
  const wait = Math.min(LONGEST_WAIT_MS, 250 * 2 ** Math.min(attempt, 10));
  return wait * (0.8 + 0.4 * random());
}

/** A list that forgets its oldest. @template T @param {T[]} list @param {T} item @param {number} most */
function remember(list, item, most) {
  list.push(item);
  if (list.length > most) list.splice(0, list.length - most);
}

export class Session extends EventTarget {
  /** @type {State} */ state = "idle";
  /** @type {Reason|""} */ reason = "";
  /** The reason in the server's words. */ words = "";
  id = "";
  /** @type {Record<string, number>} */ marks = {};
  /** @type {any[]} */ receipts = [];
  /** @type {{at: number, way: "in"|"out", type: string, turn: number|null}[]} */ messages = [];
  /** @type {{roundTripMs: number|null, offsetMs: number|null}} */
  clock = { roundTripMs: null, offsetMs: null };
  jitterBufferMs = 0;

  /** @type {Target} */ #target;
  /** @type {Connection|null} */ #connection = null;
  /** @type {FromClient[]} */ #outbox = [];
  /** @type {MediaStreamTrack|null} */ #track = null;
  /** @type {AbortController|null} */ #run = null;
  #listening = false;
  #startedAt = 0;
  #answeredAt = 0;
  /** Ends a pause between attempts early. */ #wake = () => {};

  /** @param {Target} target */
  constructor(target) {
    super();
    this.#target = target;
  }

  get active() {
    return this.#run !== null;
  }

  /** Connect and stay connected until `disconnect`. */
  connect() {
    if (this.#run) return;
    this.#run = new AbortController();
    this.#startedAt = performance.now();
    this.marks = {};
    this.#live(this.#run.signal);
  }

  /** End the conversation here and at the server. */
  async disconnect() {
    this.#run?.abort();
    this.#run = null;
    this.#wake();
    this.#outbox.length = 0;
    this.#enter("idle");
    await this.#hangUp();
  }

  /** Talk to another avatar, with another voice or token; reconnects when connected.
   * @param {Target} target */
  retarget(target) {
    if (JSON.stringify(target) === JSON.stringify(this.#target)) return;
    this.#target = target;
    if (!this.#run) return;
    this.#startedAt = performance.now();
    this.marks = {};
    this.#wake();
    this.#connection?.giveUp("another avatar or voice");
  }

  /** The network changed or the machine woke up: find out at once whether anybody is there. */
  check() {
    this.#wake();
    const connection = this.#connection;
    if (this.state !== "connected" || !connection) return;
    const asked = performance.now();
    this.#ping(connection);
    setTimeout(() => {
      if (this.#answeredAt < asked) connection.giveUp("no answer after a network change");
    }, CHECK_MS);
  }

  /** Do not wait for the next attempt. */
  retryNow() {
    if (this.#run) this.#wake();
    else this.connect();
  }

  /** Send, or keep for when the connection stands. False when there is no conversation.
   * @param {FromClient} message */
  send(message) {
    if (!this.#run) return false;
    if (this.state === "connected" && this.#connection) return this.#post(this.#connection, message);
    remember(this.#outbox, message, OUTBOX);
    return true;
  }

  /** The track to send, or null; holds over reconnects. @param {MediaStreamTrack|null} track */
  setMicrophone(track) {
    this.#track = track;
    return this.#connection?.setMicrophone(track);
  }

  /** Whether the server is to listen; holds over reconnects. @param {boolean} on */
  listen(on) {
    this.#listening = on;
    if (this.state === "connected" && this.#connection) {
      this.#post(this.#connection, { type: "mic", on });
    }
  }

  /** The first picture is on the screen. */
  pictureShown() {
    this.marks.firstPicture ??= Math.round(performance.now() - this.#startedAt);
    return this.marks.firstPicture;
  }

  async stats() {
    const report = await this.#connection?.peer.getStats();
    return report ? summary(report.values()) : null;
  }

  /** What `window.visavis` shows; see the top of this file. */
  hooks() {
    const session = this;
    return Object.freeze({
      get state() { return session.state; },
      get reason() { return session.reason; },
      get id() { return session.id; },
      get marks() { return { ...session.marks }; },
      get firstPictureMs() { return session.marks.firstPicture ?? null; },
      get clock() { return { ...session.clock }; },
      get receipts() { return [...session.receipts]; },
      get messages() { return [...session.messages]; },
      stats: () => session.stats(),
    });
  }

  /** @param {AbortSignal} signal */
  async #live(signal) {
    let attempt = 0;
    let stood = false;
    while (!signal.aborted) {
      try {
        if (this.state === "waiting") this.#enter("waiting", this.reason, this.words, 0);
        else this.#enter(stood ? "reconnecting" : "connecting");
        const connection = await this.#open(signal);
        attempt = 0;
        stood = true;
        await this.#watch(connection, signal);
      } catch (error) {
        if (signal.aborted) break;
        if (!(await this.#endure(error, attempt++, stood, signal))) break;
      } finally {
        if (!signal.aborted) await this.#hangUp();
      }
    }
  }

  /** @param {AbortSignal} signal */
  async #open(signal) {
    if (typeof RTCPeerConnection === "undefined") {
      throw new ConnectionError("unsupported", "This browser has no WebRTC.");
    }
    const began = performance.now() - this.#startedAt;
    const options = { jitterBufferMs: this.jitterBufferMs, onMessage: this.#onMessage(signal) };
    const connection = new Connection(this.#target, options);
    this.#connection = connection;
    await connection.setMicrophone(this.#track);
    try {
      await connection.open();
      if (!signal.aborted) this.#emit("stream", { stream: connection.stream });
      await connection.ready();
      if (signal.aborted) throw new ConnectionError("lost", "Ended while connecting.");
    } catch (error) {
      await connection.close(); // it may have a session at the server by now
      throw error;
    }
    for (const [name, at] of Object.entries(connection.marks)) this.marks[name] = Math.round(began + at);
    this.#enter("connected");
    this.#post(connection, { type: "mic", on: this.#listening });
    for (const message of this.#outbox.splice(0)) this.#post(connection, message);
    return connection;
  }

  /** Resolves when the connection is gone. @param {Connection} connection @param {AbortSignal} signal */
  async #watch(connection, signal) {
    let misses = 0;
    const beat = () => {
      misses = this.#answeredAt < asked ? misses + 1 : 0;
      if (misses >= MISSES) connection.giveUp("no answer to pings");
      asked = performance.now();
      this.#ping(connection);
    };
    const onState = () => connection.peer.connectionState === "disconnected" && this.check();
    connection.peer.addEventListener("connectionstatechange", onState);
    let asked = performance.now();
    this.#ping(connection);
    const timer = setInterval(beat, PING_MS);
    await connection.lost;
    clearInterval(timer);
    this.clock.roundTripMs = null;
    if (!signal.aborted) this.#enter("reconnecting", "lost");
  }

  /** Say what is wrong and wait for the next attempt; false when there is no point in one.
   * @param {any} error @param {number} attempt @param {boolean} stood @param {AbortSignal} signal */
  async #endure(error, attempt, stood, signal) {
    const reason = error instanceof ConnectionError ? error.reason : "server";
    if (!(error instanceof ConnectionError)) console.error("visavis:", error);
    if (TERMINAL.has(reason)) {
      this.#run = null;
      this.#enter("failed", reason, error.message);
      return false;
    }
    await this.#hangUp();
    const wait = error.retryAfterMs ?? backoffMs(attempt);
    // the first stumbles of a conversation that stood are not worth a message
    const quiet = attempt < 2 && (reason === "lost" || (stood && reason !== "full"));
    const trying = stood ? "reconnecting" : "connecting";
    this.#enter(quiet ? trying : "waiting", reason, error.message, wait);
    await this.#pause(wait);
    return !signal.aborted;
  }

  /** @param {number} wait */
  #pause(wait) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake(), wait);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = () => {};
        resolve(undefined);
      };
    });
  }

  async #hangUp() {
    const connection = this.#connection;
    this.#connection = null;
    await connection?.close();
  }

  /** @param {AbortSignal} signal @returns {(message: any) => void} */
  #onMessage(signal) {
    return (message) => {
      if (signal.aborted) return;
      if (message.type === "pong") return this.#onPong(message);
      this.#log("in", message);
      if (message.type === "ready") this.id = message.session;
      if (message.type === "receipt") remember(this.receipts, message, 200);
      this.#emit("message", message);
    };
  }

  /** @param {{t: number, at_ms: number}} pong */
  #onPong({ t, at_ms }) {
    const now = performance.now();
    this.#answeredAt = now;
    this.clock = { roundTripMs: now - t, offsetMs: at_ms - (t + now) / 2 };
  }

  /** @param {Connection} connection */
  #ping(connection) {
    connection.send({ type: "ping", t: performance.now() });
  }

  /** @param {Connection} connection @param {FromClient} message */
  #post(connection, message) {
    this.#log("out", message);
    return connection.send(message);
  }

  /** @param {"in"|"out"} way @param {any} message */
  #log(way, { type, turn = null }) {
    remember(this.messages, { at: performance.now(), way, type, turn }, 1000);
  }

  /** @param {State} state @param {Reason|""} reason @param {string} words @param {number|null} retryInMs */
  #enter(state, reason = "", words = "", retryInMs = null) {
    this.state = state;
    this.reason = reason;
    this.words = words;
    this.#emit("state", { state, reason, words, retryInMs });
  }

  /** @param {string} name @param {any} detail */
  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
