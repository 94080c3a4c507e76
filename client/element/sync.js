/**
 * Keeps voice and picture together when the browser is slow to.
 *
 * A stall of the network or of the machine makes the browser hold the voice back at once, by as
 * much as 150 ms. It moves the picture after it by half the difference a second, and leaves it up
 * to 60 ms behind when the voice has recovered. We compare the two four times a second and move by
 * the whole difference, through the targets of their jitter buffers, which add to what the browser
 * asks for itself. Browsers without these figures keep their own pace.
 */

export const POLL_MS = 250;
// The browser's own estimate jitters by 10 ms. People notice a voice that is 45 ms early or 125 ms
// late (ITU-R BT.1359), and a voice that is held makes every answer late, so it is held last.
const PICTURE_SLACK_MS = 25;
const VOICE_SLACK_MS = 45;
const VOICE_AHEAD_MS = 25; // what is left of that when the voice is held
const MOST_MS = 400;

/** How long something is to be held: so long that `ms` are made up, if they are worth it.
 * @param {number} heldMs lately @param {number} ms */
const made = (heldMs, ms) => Math.max(0, Math.min(MOST_MS, Math.round(heldMs + ms)));

/**
 * @typedef {{voice: number, picture: number}} Held in ms
 * @param {Held} targets of now
 * @param {Held} held how long each was held lately
 * @param {number} skewMs voice against picture, negative when the voice is behind
 * @returns {Held}
 */
export function nextTargets(targets, held, skewMs) {
  const next = { ...targets };
  if (Math.abs(skewMs) > PICTURE_SLACK_MS) next.picture = made(held.picture, -skewMs);
  if (skewMs > VOICE_SLACK_MS) next.voice = made(held.voice, skewMs - VOICE_AHEAD_MS);
  else if (skewMs < 0) next.voice = 0;
  return next;
}

/** @param {RTCRtpReceiver} receiver */
async function inbound(receiver) {
  const reports = await receiver.getStats().catch(() => null); // of a connection just closed
  for (const report of reports?.values() ?? []) if (report.type === "inbound-rtp") return report;
  return null;
}

/** Mean time in the jitter buffer between two reports, ms; null when nothing came out.
 * @param {any} report @param {any} before */
function heldMs(report, before) {
  const count = report.jitterBufferEmittedCount - before.jitterBufferEmittedCount;
  return count > 0 ? ((report.jitterBufferDelay - before.jitterBufferDelay) / count) * 1000 : null;
}

export class Sync {
  /** @type {RTCRtpReceiver} */ #voice;
  /** @type {RTCRtpReceiver} */ #picture;
  #least;
  /** @type {Held} */ #targets;
  /** @type {any[]} */ #before = [];
  #timer = 0;

  /** @param {RTCRtpReceiver} voice @param {RTCRtpReceiver} picture @param {number} leastMs */
  constructor(voice, picture, leastMs) {
    this.#voice = voice;
    this.#picture = picture;
    this.#least = leastMs;
    this.#targets = { voice: leastMs, picture: leastMs };
  }

  start() {
    if (!("jitterBufferTarget" in this.#picture)) return;
    this.#timer = Number(setInterval(() => this.#step(), POLL_MS));
  }

  stop() {
    clearInterval(this.#timer);
  }

  async #step() {
    const now = await Promise.all([inbound(this.#voice), inbound(this.#picture)]);
    const before = this.#before;
    this.#before = now;
    if (![...before, ...now].every((report) => report?.estimatedPlayoutTimestamp)) return;
    if (!before.length) return;
    const [voice, picture] = now.map((report, which) => heldMs(report, before[which]));
    if (voice == null || picture == null) return; // its playout time stands still: no skew
    const skew = now[0].estimatedPlayoutTimestamp - now[1].estimatedPlayoutTimestamp;
    this.#hold(nextTargets(this.#targets, { voice, picture }, skew));
  }

  /** @param {Held} next */
  #hold(next) {
    const wanted = {
      voice: Math.max(this.#least, next.voice),
      picture: Math.max(this.#least, next.picture),
    };
    if (wanted.voice !== this.#targets.voice) this.#voice.jitterBufferTarget = wanted.voice;
    if (wanted.picture !== this.#targets.picture) this.#picture.jitterBufferTarget = wanted.picture;
    this.#targets = wanted;
  }
}
