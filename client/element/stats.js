/**
 * What a viewer really gets, out of WebRTC's own statistics.
 * Pure: reports in, figures out.
 */

/** @param {number|undefined} sum @param {number|undefined} count */
const mean = (sum, count) => (sum !== undefined && count ? (sum / count) * 1000 : null);

/** @param {number|undefined} seconds */
const ms = (seconds) => (seconds === undefined ? null : seconds * 1000);

/** @param {any} report */
function video(report) {
  return {
    width: report.frameWidth ?? null,
    height: report.frameHeight ?? null,
    fps: report.framesPerSecond ?? null,
    framesDecoded: report.framesDecoded ?? 0,
    framesDropped: report.framesDropped ?? 0,
    freezes: report.freezeCount ?? 0,
    keyFrames: report.keyFramesDecoded ?? 0,
    bytes: report.bytesReceived ?? 0,
    jitterBufferMs: mean(report.jitterBufferDelay, report.jitterBufferEmittedCount),
    lost: report.packetsLost ?? 0,
  };
}

/** @param {any} report */
function audio(report) {
  return {
    energy: report.totalAudioEnergy ?? 0,
    concealed: report.concealedSamples ?? 0,
    samples: report.totalSamplesReceived ?? 0,
    bytes: report.bytesReceived ?? 0,
    jitterBufferMs: mean(report.jitterBufferDelay, report.jitterBufferEmittedCount),
    lost: report.packetsLost ?? 0,
  };
}

/**
 * Figures of one RTCStatsReport. `audio.energy` is totalAudioEnergy: it only grows, so compare two
 * readings to know whether there was sound; `jitterBufferMs` are means since the start.
 * @param {Iterable<any>} reports
 */
export function summary(reports) {
  /** @type {{roundTripMs: number|null, micBytes: number, video: ReturnType<typeof video>|null,
   * audio: ReturnType<typeof audio>|null}} */
  const figures = { roundTripMs: null, micBytes: 0, video: null, audio: null };
  for (const report of reports) {
    if (report.type === "inbound-rtp" && report.kind === "video") figures.video = video(report);
    if (report.type === "inbound-rtp" && report.kind === "audio") figures.audio = audio(report);
    if (report.type === "outbound-rtp" && report.kind === "audio") figures.micBytes = report.bytesSent ?? 0;
    if (report.type === "candidate-pair" && report.nominated) {
      figures.roundTripMs = ms(report.currentRoundTripTime);
    }
  }
  return figures;
}
