/**
 * Whether anything still comes from the server: it sends 50 packets of sound a second, silence too.
 */

const POLL_MS = 500;

export class Pulse {
  #receiver;
  #packets = -1;
  #changedAt = performance.now();
  #askedAt = 0;
  #pending = false;

  /** @param {RTCRtpReceiver} receiver */
  constructor(receiver) {
    this.#receiver = receiver;
  }

  /** Ms since something came, as far as is known; asks anew for the next time. */
  quietMs(now = performance.now()) {
    // After a pause of the page's own timers what is known is old: ask before judging.
    const known = now - this.#askedAt < 3 * POLL_MS;
    this.#ask(now);
    return known ? now - this.#changedAt : 0;
  }

  /** @param {number} now */
  async #ask(now) {
    if (this.#pending) return;
    this.#pending = true;
    const reports = await this.#receiver.getStats().catch(() => null); // of a connection just closed
    this.#pending = false;
    this.#askedAt = now;
    for (const report of reports?.values() ?? []) {
      if (report.type !== "inbound-rtp" || report.packetsReceived === this.#packets) continue;
      this.#packets = report.packetsReceived;
      this.#changedAt = now;
    }
  }
}
