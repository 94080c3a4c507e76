/**
 * A conversation that stays connected: retries, heartbeat, outbox, receipts. No DOM.
 *
 * When nothing comes any more, it offers anew with the session's token while the old connection still
 * stands; whichever answers first goes on. The server keeps the session meanwhile, see ARCHITECTURE.md.
 *
 * Events (CustomEvent): "state" {state, reason, words, code, retryInMs} (words: the server's, code: of
 * its problem; 0: trying right now);
 * "message" the server's message; "stream" {stream}; "lapsed" {reason} the old session could not be
 * kept, a new one begins: it was "over", "lost" by a fault of the server, or the server was "shutdown".
 */

import { areOnes } from "./authorization.js";
import { Connection, ConnectionError } from "./connection.js";
import { hooks } from "./hooks.js";
import { Outbox } from "./outbox.js";
import { remember } from "./remember.js";
import { summary } from "./stats.js";
import { LOOK_MS, ping, Vigil } from "./vigil.js";
import { backoffMs, patienceMs, Pause, resumeWaitMs } from "./waits.js";

/** @typedef {"idle"|"connecting"|"connected"|"reconnecting"|"waiting"|"failed"} State */
/** @typedef {import("./connection.js").Target} Target */
/** @typedef {import("./connection.js").Reason} Reason */
/** @typedef {import("./outbox.js").FromClient} FromClient */

const TERMINAL = new Set(["unsupported", "unauthorised", "refused"]);

export class Session extends EventTarget {
  /** @type {State} */ state = "idle";
  /** @type {Reason|""} */ reason = "";
  /** The reason in the server's words. */ words = "";
  /** The code of the server's problem, if it was one. */ code = "";
  id = "";
  /** @type {Record<string, number>} */ marks = {};
  /** @type {any[]} */ receipts = [];
  /** @type {{at: number, way: "in"|"out", type: string, turn: number|null}[]} */ messages = [];
  /** @type {{roundTripMs: number|null, offsetMs: number|null}} */
  clock = { roundTripMs: null, offsetMs: null };
  /** How fluent the server draws the face: "full", "mouth", "half", "few" or "still". */ fluency = "full";
  /** Whether the server hears in the voice, too, how a visitor feels. */ voiceMood = false;
  /** Who says that a computer speaks, as of `ready`; "page": whoever shows it. */ disclosure = "nobody";
  jitterBufferMs = 0;
  /** Token of the server's session; set it before connect() to go on with it, as after a reload. */
  resume = "";

  /** @type {Target} */ #target;
  /** The one that is used. @type {Connection|null} */ #connection = null;
  /** The one that is to take its place. @type {Connection|null} */ #coming = null;
  #vigil = new Vigil((connection) => this.#ask(connection), () => this.check());
  /** Told that the connection in doubt answers. */ #revive = () => {};
  #outbox = new Outbox();
  /** @type {MediaStreamTrack|null} */ #track = null;
  /** @type {AbortController|null} */ #run = null;
  #listening = false;
  #watching = true;
  /** Types of messages that the server takes, beyond those that all of its version do.
   * @type {string[]} */ #takes = [];
  #startedAt = 0;
  /** Between attempts. */ #pause = new Pause();

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
    this.#stop();
    this.#enter("idle");
    await this.#hangUp();
  }

  /** The page goes: its session waits for it at the server. @param {boolean} back see connection.js */
  leave(back) {
    this.#stop();
    this.#enter("idle");
    this.#connection?.leave(back);
    this.#connection = null;
  }

  /** Whether a target is another one than that it talks to. @param {Target} target */
  isOther(target) {
    const token = areOnes(target.token, this.#target.token) ? this.#target.token : target.token;
    return JSON.stringify({ ...target, token }) !== JSON.stringify(this.#target);
  }

  /** Talk to another avatar, with another voice or token; reconnects when connected, unless the
   * token is a new one of the same visitor's. @param {Target} target */
  retarget(target) {
    const isOther = this.isOther(target);
    this.#target = target;
    if (!isOther) this.#connection?.renew(target.token);
    if (!isOther || !this.#run) return;
    this.#startedAt = performance.now();
    this.marks = {};
    this.#hangUp(); // the session with the old one
    this.#pause.wake();
  }

  /** End this conversation here and at the server, and begin another: nothing of it is kept. */
  renew() {
    if (!this.#run) return;
    this.#outbox.forget();
    this.receipts.length = this.messages.length = 0;
    this.#startedAt = performance.now();
    this.marks = {};
    this.#hangUp();
    this.#pause.wake();
  }

  /** Connect anew and go on with this conversation, as when the picture stands still. */
  reopen() {
    this.#connection?.giveUp("reopened");
  }

  /** The network changed or the machine woke up: find out at once whether anybody is there. */
  check() {
    this.#pause.wake();
    const connection = this.#connection;
    if (this.state !== "connected" || !connection) return;
    this.#vigil.check(connection, () => connection === this.#connection);
  }

  /** Do not wait for the next attempt. */
  retryNow() {
    if (this.#run) this.#pause.wake();
    else this.connect();
  }

  /** Send, or keep for when the connection stands. False when there is no conversation.
   * @param {FromClient} message */
  send(message) {
    if (!this.#run) return false;
    if (this.state === "connected" && this.#connection) return this.#post(this.#connection, message);
    this.#outbox.keep(message);
    return true;
  }

  /** The track to send, or null; holds over reconnects. @param {MediaStreamTrack|null} track */
  setMicrophone(track) {
    this.#track = track;
    const connections = [this.#connection, this.#coming];
    return Promise.all(connections.map((connection) => connection?.setMicrophone(track)));
  }

  /** Whether the server is to listen; holds over reconnects. @param {boolean} on */
  listen(on) {
    this.#listening = on;
    if (this.state === "connected" && this.#connection) {
      this.#post(this.#connection, { type: "mic", on });
    }
  }

  /** Whether anybody can see the picture; holds over reconnects. @param {boolean} on */
  watch(on) {
    this.#watching = on;
    if (this.state === "connected" && this.#connection) this.#tellWatching(this.#connection);
  }

  /** Speak another language from now on: in this conversation where the server can, else in a new one.
   * @param {Target} target that names it */
  speak(target) {
    if (this.state !== "connected" || !this.#connection || !this.#takes.includes("language")) {
      return this.retarget(target);
    }
    this.#target = target;
    this.#post(this.#connection, { type: "language", language: target.language || "auto" });
  }

  /** @param {Connection} connection */
  #tellWatching(connection) {
    if (this.#takes.includes("watch")) this.#post(connection, { type: "watch", on: this.#watching });
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

  /** What `window.visavis` shows. */
  hooks() {
    return hooks(this);
  }

  /** @param {AbortSignal} signal */
  async #live(signal) {
    let attempt = 0;
    let stood = false;
    while (!signal.aborted) {
      try {
        if (this.state === "waiting") this.#enter("waiting", this.reason, this.words, 0);
        else this.#enter(stood || this.resume ? "reconnecting" : "connecting", stood ? "lost" : "");
        const connection = await this.#open(signal, attempt);
        attempt = 0;
        stood = true;
        await this.#watch(connection, signal);
      } catch (error) {
        if (signal.aborted) break;
        if (!(await this.#endure(error, attempt++, stood, signal))) break;
      }
    }
  }

  /** A connection that stands: a new one, or the old one if that answers first.
   * @param {AbortSignal} signal @param {number} attempt */
  async #open(signal, attempt) {
    if (typeof RTCPeerConnection === "undefined") {
      throw new ConnectionError("unsupported", "This browser has no WebRTC.");
    }
    const began = performance.now() - this.#startedAt;
    const old = this.#connection;
    const connection = this.#newConnection(signal, attempt);
    this.#coming = connection;
    const revived = new Promise((resolve) => (this.#revive = () => resolve(old)));
    const opened = this.#opened(connection, old, signal);
    opened.catch(() => undefined);
    const pinging = old && setInterval(() => ping(old), LOOK_MS);
    try {
      const standing = await Promise.race([opened, revived]);
      if (standing !== connection) connection.drop();
      if (signal.aborted) throw new ConnectionError("lost", "Ended while connecting.");
      this.#stand(standing, standing === connection ? began : null);
      return standing;
    } catch (error) {
      // Without a token it may have a session of its own at the server by now.
      if (this.resume) connection.drop();
      else await connection.close();
      throw error;
    } finally {
      clearInterval(pinging ?? 0);
      this.#coming = null;
      this.#revive = () => {};
    }
  }

  /** @param {AbortSignal} signal @param {number} attempt */
  #newConnection(signal, attempt) {
    const resume = this.resume;
    /** @type {Connection} */
    const connection = new Connection(this.#target, {
      jitterBufferMs: this.jitterBufferMs,
      onMessage: (message) => signal.aborted || this.#onMessage(connection, message),
      resume,
      ...(resume && { patience: patienceMs(attempt) }),
    });
    return connection;
  }

  /** @param {Connection} connection @param {Connection|null} old @param {AbortSignal} signal */
  async #opened(connection, old, signal) {
    await connection.setMicrophone(this.#track);
    await connection.open();
    const show = () => signal.aborted || this.#emit("stream", { stream: connection.stream });
    if (!old) show();
    await connection.ready();
    if (old) show();
    return connection;
  }

  /** It is the one that is used from now on. @param {Connection} connection
   * @param {number|null} began when it did, null for one that answers again */
  #stand(connection, began) {
    if (this.#connection !== connection) this.#connection?.drop();
    this.#connection = connection;
    if (began !== null) {
      for (const [name, at] of Object.entries(connection.marks)) this.marks[name] = Math.round(began + at);
    }
    this.#enter("connected");
    this.#post(connection, { type: "mic", on: this.#listening });
    // A new connection counts as seen; an old one as whatever was said before it was in doubt.
    if (!this.#watching || began === null) this.#tellWatching(connection);
    for (const message of this.#outbox.take()) this.#post(connection, message);
  }

  /** Resolves when the connection is gone or in doubt.
   * @param {Connection} connection @param {AbortSignal} signal */
  async #watch(connection, signal) {
    await this.#vigil.keep(connection);
    this.clock.roundTripMs = null;
    if (!signal.aborted) this.#enter("reconnecting", "lost");
  }

  /** The session may have ended, or failed with a part of the server: then the next connection is made
   * at once. What was said the server may still have under the token.
   * @param {Connection} connection */
  async #ask(connection) {
    if (!(await connection.isGone()) || connection !== this.#connection) return;
    if (!this.resume) return this.#lapse("lost");
    connection.drop();
    this.#connection = null;
  }

  /** The server has no session any more. @param {"over"|"lost"|"shutdown"} reason */
  #lapse(reason) {
    this.resume = "";
    this.#connection?.drop();
    this.#connection = null;
    this.#emit("lapsed", { reason });
  }

  /** Say what is wrong and wait for the next attempt; false when there is no point in one.
   * @param {any} error @param {number} attempt @param {boolean} stood @param {AbortSignal} signal */
  async #endure(error, attempt, stood, signal) {
    const reason = error instanceof ConnectionError ? error.reason : "server";
    if (!(error instanceof ConnectionError)) console.error("visavis:", error);
    if (TERMINAL.has(reason)) {
      await this.#end(reason, error.message, error.code);
      return false;
    }
    if (reason === "over") {
      this.#lapse(error.isLost ? "lost" : "over");
      return !signal.aborted;
    }
    const wait = error.retryAfterMs ?? (this.resume ? resumeWaitMs(attempt) : backoffMs(attempt));
    // the first stumbles of a conversation that stood are not worth a message
    const quiet = attempt < 2 && (reason === "lost" || (stood && reason !== "full"));
    const trying = stood ? "reconnecting" : "connecting";
    const shown = this.resume && reason !== "full" && reason !== "server" ? "lost" : reason;
    this.code = error.code ?? "";
    this.#enter(quiet ? trying : "waiting", shown, error.message, wait);
    await this.#pause.wait(wait);
    return !signal.aborted;
  }

  /** There is no conversation any more, for this reason. @param {Reason} reason @param {string} words
   * @param {string} code */
  async #end(reason, words, code = "") {
    this.#stop();
    this.code = code;
    this.#enter("failed", reason, words);
    await this.#hangUp();
  }

  #stop() {
    this.#run?.abort();
    this.#run = null;
    this.#pause.wake();
    this.#outbox.drop();
  }

  /** End the session at the server. */
  async #hangUp() {
    const [connection, coming] = [this.#connection, this.#coming];
    this.#connection = null;
    this.resume = "";
    if (connection) coming?.drop();
    await (connection ?? coming)?.close();
  }

  /** @param {Connection} connection @param {any} message */
  #onMessage(connection, message) {
    if (connection !== this.#connection && connection !== this.#coming) return;
    if (message.type === "pong") return this.#onPong(connection, message);
    this.#log("in", message);
    if (message.type === "ready") this.#onReady(connection, message);
    if (message.type === "pictures") this.fluency = message.fluency;
    if (message.type === "receipt") remember(this.receipts, message, 200);
    this.#emit("message", message);
    if (message.type !== "goodbye") return;
    if (message.reason === "shutdown") this.#lapse("shutdown"); // another server may take its place
    else this.#end("ended", message.message, `goodbye.${message.reason}`);
  }

  /** What the server did not take of a session that goes on is sent once more.
   * @param {Connection} connection @param {any} ready */
  #onReady(connection, ready) {
    if (connection === this.#coming && this.#connection) {
      this.#connection.drop(); // from here on the new one has the conversation
      this.#connection = connection;
    }
    this.id = ready.session;
    this.resume = ready.resume ?? "";
    this.fluency = ready.fluency ?? "full";
    this.voiceMood = ready.voice_mood === true;
    this.disclosure = ready.disclosure ?? "nobody";
    this.#takes = ready.takes ?? [];
    for (const message of this.#outbox.untaken(ready)) this.#post(connection, message);
  }

  /** @param {Connection} connection @param {{t: number, at_ms: number}} pong */
  #onPong(connection, { t, at_ms }) {
    const now = performance.now();
    this.#vigil.onAnswer(now);
    this.clock = { roundTripMs: now - t, offsetMs: at_ms - (t + now) / 2 };
    if (connection === this.#connection) this.#revive();
  }

  /** @param {Connection} connection @param {FromClient} message */
  #post(connection, message) {
    this.#log("out", message);
    if (!connection.send(message)) return false;
    this.#outbox.onSent(message);
    return true;
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
    if (state === "connected" || state === "idle") this.code = "";
    this.#emit("state", { state, reason, words, code: this.code, retryInMs });
  }

  /** @param {string} name @param {any} detail */
  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
