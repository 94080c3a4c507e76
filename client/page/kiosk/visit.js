/**
 * One visitor after the other: standby, a visit, the warning before its end, the goodbye.
 * Pure: no DOM; time comes from a clock (see clock.js).
 *
 * A visit ends after a silence, when it has lasted too long, or when somebody says so. Before the
 * first two the visitor is warned and may ask for more time, as often as they like. A voice alone
 * does not lengthen a visit that has lasted too long: a television must not hold a kiosk all day.
 * Somebody who was greeted and did nothing has only passed by, and is neither warned nor bidden goodbye.
 */

/**
 * @typedef {"standby"|"visit"|"warning"|"goodbye"} Phase
 * @typedef {"touch"|"key"|"event"|"presence"|"voice"|"question"} Arrival
 * @typedef {"silence"|"length"|"asked"|"farewell"|"lost"} Reason why it ends: "asked" by the visitor's
 *   button, "farewell" by the avatar, which has said goodbye itself, "lost" with the session
 */

const AGAIN_MS = 20_000; // somebody who walks away after the goodbye is not greeted as the next
const GOODBYE_MS = 9000; // at most, when the voice does not say that it has finished
const LINGER_MS = 3500; // the goodbye stays to be read once it was said
const SPEAKING_MS = 8000; // for words that are being said when the time is over

export class Visit {
  /** @type {Phase} */ phase = "standby";
  /** @type {Reason|""} why the warning stands, or the visit ends */ reason = "";
  /** @type {Arrival|""} what began it */ arrival = "";
  /** Whether the visitor has done anything: touched, typed, spoken. */ isEngaged = false;

  #clock;
  #options;
  #tell;
  /** @type {() => void} */ #stopSilence = () => {};
  /** @type {() => void} */ #stopLength = () => {};
  /** @type {() => void} */ #stopEnd = () => {};
  #dueAt = 0;
  #emptySince = -Infinity;
  #isSpeaking = false;

  /**
   * @param {{now: () => number, after: (ms: number, act: () => void) => () => void}} clock
   * @param {{silence: number, warning: number, longest: number, lastWarning: number}} options
   * @param {(phase: Phase, before: Phase) => void} tell called after each change of the phase
   */
  constructor(clock, options, tell) {
    this.#clock = clock;
    this.#options = options;
    this.#tell = tell;
  }

  /** For how long nobody has been there, ms. */
  get emptyMs() {
    return this.phase === "standby" ? this.#clock.now() - this.#emptySince : 0;
  }

  /** What is left of the warning, ms. */
  get leftMs() {
    return Math.max(0, this.#dueAt - this.#clock.now());
  }

  /** Somebody is there. @param {Arrival} arrival */
  arrive(arrival) {
    if (this.phase !== "standby") return this.sign(arrival);
    if (arrival === "presence" && this.emptyMs < AGAIN_MS) return;
    this.arrival = arrival;
    this.isEngaged = arrival !== "presence" && arrival !== "event";
    this.reason = "";
    this.#enter("visit");
    this.#lengthen(this.#options.longest);
    this.#listen();
  }

  /** A sign of life. @param {Arrival|"reply"} from "reply": the avatar speaks, which is none in a
   * warning, as the warning is spoken */
  sign(from) {
    if (from === "presence" || this.phase === "standby") return;
    if (from !== "reply" && from !== "event") this.isEngaged = true;
    if (this.phase === "visit") return this.#listen();
    if (from === "reply" || (this.reason === "length" && from === "voice")) return;
    if (this.phase === "warning" || this.reason === "silence" || this.reason === "farewell") this.more();
  }

  /** The visitor asks for more time, in so many words or by a touch. */
  more() {
    if (this.phase !== "warning" && this.phase !== "goodbye") return;
    const wasLong = this.reason === "length";
    this.#stopEnd();
    this.reason = "";
    this.#enter("visit");
    if (wasLong || this.#lengthIsOver) this.#lengthen(this.#options.longest / 3 + this.#options.lastWarning);
    this.#listen();
  }

  /** Words are being said, or no longer: nobody is cut off. @param {boolean} on */
  speaking(on) {
    this.#isSpeaking = on;
  }

  /** The visit is over. @param {Reason} reason */
  finish(reason) {
    if (this.phase === "standby" || this.phase === "goodbye") return;
    this.#stop();
    this.reason = reason;
    this.#enter("goodbye");
    if (reason === "lost") this.#leave();
    else this.#stopEnd = this.#clock.after(GOODBYE_MS, () => this.#leave());
  }

  /** The goodbye was said. */
  said() {
    if (this.phase !== "goodbye") return;
    this.#stopEnd();
    this.#stopEnd = this.#clock.after(LINGER_MS, () => this.#leave());
  }

  /** Nobody is there any more. */
  #leave() {
    this.#stop();
    this.#emptySince = this.#clock.now();
    this.#enter("standby");
    this.reason = this.arrival = "";
    this.isEngaged = false;
  }

  #listen() {
    this.#stopSilence();
    const { silence, warning } = this.#options;
    this.#stopSilence = this.#clock.after(silence - warning, () => this.#warn("silence", warning));
  }

  #lengthIsOver = false;

  /** @param {number} ms */
  #lengthen(ms) {
    this.#stopLength();
    this.#lengthIsOver = false;
    const { lastWarning } = this.#options;
    this.#stopLength = this.#clock.after(ms - lastWarning, () => {
      this.#lengthIsOver = true;
      this.#warn("length", lastWarning);
    });
  }

  /** @param {"silence"|"length"} reason @param {number} ms */
  #warn(reason, ms) {
    if (this.phase === "goodbye") return;
    if (!this.isEngaged) return this.#leave();
    this.#stopSilence();
    this.#stopEnd();
    this.reason = reason;
    this.#dueAt = this.#clock.now() + ms;
    this.#enter("warning");
    this.#stopEnd = this.#clock.after(ms, () => this.#due());
  }

  /** Whoever is saying something may finish; what they said is then a sign of life, or not. */
  #due() {
    if (!this.#isSpeaking || this.reason === "length") return this.finish(/** @type {Reason} */ (this.reason));
    this.#isSpeaking = false;
    this.#stopEnd = this.#clock.after(SPEAKING_MS, () => this.#due());
  }

  #stop() {
    this.#stopSilence();
    this.#stopLength();
    this.#stopEnd();
    this.#lengthIsOver = false;
  }

  /** @param {Phase} phase */
  #enter(phase) {
    const before = this.phase;
    this.phase = phase;
    this.#tell(phase, before);
  }
}
