/**
 * Keeps the picture with the voice when the browser is slow to.
 *
 * A stall of the network or of the machine makes the browser hold the voice back at once, by as
 * much as 150 ms. It moves the picture after it by half the difference a second; we by all of it,
 * four times a second, through the picture's jitter buffer target (which adds to what the browser
 * asks for itself). Browsers without these figures keep their own pace.
 */

export const POLL_MS = 250;
const SLACK_MS = 25; // the browser's own estimate jitters by 10; people notice 45 (ITU-R BT.1359)
const MOST_MS = 400;

/**
 * How long the picture is to be held, ms.
 * @param {number} target of now
 * @param {number} heldMs how long pictures were held lately
 * @param {number} skewMs voice against picture, negative when the voice is behind
 */
export function nextTarget(target, heldMs, skewMs) {
  if (Math.abs(skewMs) <= SLACK_MS) return target;
  return Math.max(0, Math.min(MOST_MS, Math.round(heldMs - skewMs)));
}

/** @param {RTCRtpReceiver} receiver */
async function inbound(receiver) {
  const reports = await receiver.getStats();
  for (const report of reports.values()) if (report.type === "inbound-rtp") return report;
  return null;
}

export class Sync {
  /** @type {RTCRtpReceiver} */ #voice;
  /** @type {RTCRtpReceiver} */ #picture;
  #least;
  #target;
  /** @type {any} */ #before = null;
  #timer = 0;

  /** @param {RTCRtpReceiver} voice @param {RTCRtpReceiver} picture @param {number} leastMs */
  constructor(voice, picture, leastMs) {
    this.#voice = voice;
    this.#picture = picture;
    this.#least = this.#target = leastMs;
  }

  start() {
    if (!("jitterBufferTarget" in this.#picture)) return;
    this.#timer = Number(setInterval(() => this.#step(), POLL_MS));
  }

  stop() {
    clearInterval(this.#timer);
  }

  async #step() {
    const [voice, picture] = await Promise.all([inbound(this.#voice), inbound(this.#picture)]);
    const before = this.#before;
    this.#before = picture;
    if (!voice?.estimatedPlayoutTimestamp || !picture?.estimatedPlayoutTimestamp || !before) return;
    const count = picture.jitterBufferEmittedCount - before.jitterBufferEmittedCount;
    if (!count) return; // no picture since: its time stands still and says nothing
    const heldMs = ((picture.jitterBufferDelay - before.jitterBufferDelay) / count) * 1000;
    const skewMs = voice.estimatedPlayoutTimestamp - picture.estimatedPlayoutTimestamp;
    const target = Math.max(this.#least, nextTarget(this.#target, heldMs, skewMs));
    if (target !== this.#target) this.#picture.jitterBufferTarget = this.#target = target;
  }
}
