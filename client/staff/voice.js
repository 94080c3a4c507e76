/** The staff member's own voice to a session's face: microphone and connection. No page. */

import { Microphone } from "../element/microphone.js";
import { withoutHiddenCandidates } from "../element/connection.js";

const GATHERING_MS = 300;

/** Event "ended": the connection is over, or the microphone is gone. */
export class Voice extends EventTarget {
  #service;
  #microphone = new Microphone();
  /** @type {RTCPeerConnection|null} */ #peer = null;

  /** @param {import("./service.js").Service} service */
  constructor(service) {
    super();
    this.#service = service;
    this.#microphone.addEventListener("lost", () => this.close());
  }

  get open() {
    return this.#peer !== null;
  }

  /** In [0, 1], what the microphone hears now. */
  level() {
    return this.#microphone.level();
  }

  /** Speak through this session's face; what it looks like. Rejects with MicrophoneError or Refused.
   * @param {string} session */
  async start(session) {
    const track = await this.#microphone.open();
    const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.#peer = peer;
    try {
      const stream = await this.#connect(peer, track, session);
      this.#microphone.enable(true);
      return stream;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** @param {RTCPeerConnection} peer @param {MediaStreamTrack} track @param {string} session */
  async #connect(peer, track, session) {
    const stream = new MediaStream();
    peer.addTransceiver(track, { direction: "sendrecv" });
    peer.addTransceiver("video", { direction: "recvonly" });
    peer.addEventListener("track", (event) => stream.addTrack(event.track));
    peer.addEventListener("connectionstatechange", () => {
      if (["failed", "closed", "disconnected"].includes(peer.connectionState)) this.close();
    });
    await peer.setLocalDescription();
    await new Promise((resolve) => {
      peer.addEventListener("icecandidate", ({ candidate }) => candidate || resolve(undefined));
      setTimeout(resolve, GATHERING_MS);
    });
    const offer = withoutHiddenCandidates(peer.localDescription?.sdp ?? "");
    await peer.setRemoteDescription({ type: "answer", sdp: await this.#service.voice(session, offer) });
    return stream;
  }

  close() {
    const peer = this.#peer;
    this.#peer = null;
    this.#microphone.close();
    peer?.close();
    if (peer) this.dispatchEvent(new CustomEvent("ended"));
  }
}
