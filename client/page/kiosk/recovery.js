/**
 * A kiosk heals by itself: it connects again for ever, notices a picture that stands still, loads the
 * page anew at night or when the server is another one, and tells the start page that it is alive.
 */

const WAITS_MS = [1000, 5000, 15_000, 30_000, 60_000]; // after a failure that does not heal by itself
const CALM_MS = 4000; // without a connection before the curtain falls
const LOOK_MS = 5000;
const STILL_LOOKS = 4; // looks without a new picture: even a face that rests has one in half a second
const BEAT_MS = 2000;
const AGAIN_MS = 10 * 60_000; // between two reloads, whatever is wrong
const EMPTY_MS = 60_000; // without anybody before the page may be loaded anew
const HEAP_BYTES = 400 * 2 ** 20;
const RELOADED = "visavis.reloaded";

export class Recovery {
  #avatar;
  #clock;
  #reloadAt;
  #cover;
  #emptyMs;
  #failures = 0;
  #calm = 0;
  #retry = 0;
  #pictures = -1;
  #still = 0;
  #isStale = "";
  #night;

  /**
   * @param {import("../../visavis-avatar.js").VisavisAvatar} avatar
   * @param {import("./clock.js").Clock} clock
   * @param {{reload: number|null, cover: (on: boolean, detail?: string) => void,
   *   emptyMs: () => number}} needs reload: minute of the day; emptyMs: for how long nobody was there
   */
  constructor(avatar, clock, { reload, cover, emptyMs }) {
    this.#avatar = avatar;
    this.#clock = clock;
    this.#reloadAt = reload;
    this.#cover = cover;
    this.#emptyMs = emptyMs;
    this.#night = clock.date();
    avatar.addEventListener("state", (/** @type {any} */ event) => this.#onState(event.detail));
    avatar.addEventListener("lapsed", () => (this.#isStale = "another server"));
    addEventListener("error", () => (this.#isStale = "a fault of the page"));
    addEventListener("unhandledrejection", () => (this.#isStale = "a fault of the page"));
    setInterval(() => this.#look(), LOOK_MS);
    setInterval(() => this.#beat(), BEAT_MS);
    this.#beat();
  }

  /** @param {{state: string, reason: string}} detail */
  #onState({ state, reason }) {
    clearTimeout(this.#retry);
    if (state === "connected" || state === "idle") {
      clearTimeout(this.#calm);
      this.#calm = 0;
      this.#failures = 0;
      this.#still = 0;
      this.#cover(false);
      return;
    }
    this.#calm ||= Number(setTimeout(() => this.#fall(), CALM_MS));
    if (this.#calm && state === "failed") this.#endure(reason);
    if (reason && reason !== "ended") this.detail = `${reason} ${new Date().toLocaleTimeString("en-GB")}`;
  }

  /** What the operator reads in the corner. */ detail = "";

  #fall() {
    this.#cover(true, this.detail);
  }

  /** The session gives up where there is no point in another attempt; a kiosk has nobody to tell.
   * @param {string} reason */
  #endure(reason) {
    const wait = reason === "ended" ? 500 : WAITS_MS[Math.min(this.#failures++, WAITS_MS.length - 1)];
    this.#retry = Number(setTimeout(() => this.#avatar.connect(), wait));
  }

  async #look() {
    await this.#lookAtPictures();
    this.#lookAtNight();
    const heap = /** @type {any} */ (performance).memory?.usedJSHeapSize ?? 0;
    if (heap > HEAP_BYTES) this.#isStale = "memory";
    if (this.#isStale && this.#emptyMs() >= EMPTY_MS) this.reload();
  }

  async #lookAtPictures() {
    const { session } = this.#avatar;
    const decoded = (await session.stats().catch(() => null))?.video?.framesDecoded ?? -1;
    const isStill = session.state === "connected" && decoded >= 0 && decoded === this.#pictures;
    this.#pictures = decoded;
    this.#still = isStill ? this.#still + 1 : 0;
    if (this.#still < STILL_LOOKS) return;
    this.#still = 0;
    session.reopen();
  }

  /** Once a day, at a quiet hour, what has gathered in a browser is thrown away. */
  #lookAtNight() {
    if (this.#reloadAt === null) return;
    const minutes = (/** @type {Date} */ date) => date.getHours() * 60 + date.getMinutes();
    const now = this.#clock.date();
    const passed = minutes(this.#night) < this.#reloadAt && minutes(now) >= this.#reloadAt;
    const overnight = now.getDate() !== this.#night.getDate() && minutes(now) >= this.#reloadAt;
    this.#night = now;
    if (passed || overnight) this.#isStale = "night";
  }

  /** Load the page anew, if there is one to be had; not again and again. */
  async reload(now = false) {
    const last = Number(sessionStorage.getItem(RELOADED) ?? 0);
    if (!now && Date.now() - last < AGAIN_MS) return;
    const answer = await fetch("healthz", { cache: "no-store" }).catch(() => null);
    if (!answer?.ok || (!now && this.#emptyMs() < EMPTY_MS)) return; // or somebody came meanwhile
    sessionStorage.setItem(RELOADED, String(Date.now()));
    location.reload();
  }

  /** The start page loads this one anew when no word comes any more: see deploy/kiosk/start.html. */
  #beat() {
    if (parent !== window) parent.postMessage({ type: "visavis:beat" }, "*");
  }
}
