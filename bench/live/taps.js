// Measures in the page itself: the microphone's signal, the voice that is heard, the picture.
// All times are performance.now() in ms. Injected before the page's own scripts.
(() => {
  const taps = { mic: [], voice: [], heard: [], frames: [], skew: [], start: null };
  window.taps = taps;
  const context = new AudioContext({ latencyHint: "interactive" });

  // What the page's own element lets through: it may mute at once what the track still carries.
  function volume() {
    const element = document.querySelector("visavis-avatar")?.shadowRoot.querySelector("video");
    return !element || element.muted ? 0 : element.volume;
  }

  // `outputs`: where the level goes, and what it is multiplied by on the way.
  function meter(stream, outputs) {
    const source = context.createMediaStreamSource(stream);
    const analyser = context.createAnalyser();
    analyser.fftSize = 256; // 5.3 ms at 48 kHz
    source.connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const timer = setInterval(() => {
      context.resume();
      analyser.getFloatTimeDomainData(samples);
      let power = 0;
      for (const sample of samples) power += sample * sample;
      const [now, level] = [performance.now(), Math.sqrt(power / samples.length)];
      for (const { into, gain } of outputs) {
        into.push([now, level * gain()]);
        if (into.length > 400000) into.shift();
      }
    }, 5);
    stream.getTracks()[0].addEventListener("ended", () => clearInterval(timer));
  }

  const media = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (constraints) => {
    const stream = await media(constraints);
    meter(stream, [{ into: taps.mic, gain: () => 1 }]);
    return stream;
  };

  const Peer = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Peer {
    constructor(...rest) {
      super(...rest);
      taps.peer = this;
      this.addEventListener("track", ({ track }) => {
        if (track.kind === "audio") {
          meter(new MediaStream([track]), [
            { into: taps.voice, gain: () => 1 },
            { into: taps.heard, gain: volume },
          ]);
        } else watch(new MediaStream([track]));
      });
    }
  };

  const SIDE = 32; // px that a region is reduced to
  const MOUTH = [0.39, 0.54, 0.22, 0.16]; // left, top, width, height, as parts of the picture
  const FOREHEAD = [0.375, 0.13, 0.25, 0.16];
  // The mouth's region moves when the lips do; the forehead moves with the head alone.
  function watch(stream) {
    const video = document.createElement("video");
    Object.assign(video, { muted: true, srcObject: stream, playsInline: true });
    video.play();
    const canvas = new OffscreenCanvas(SIDE, 2 * SIDE);
    const draw = canvas.getContext("2d", { willReadFrequently: true });
    let before = null;
    const copy = ([x, y, width, height], top) => {
      const [w, h] = [video.videoWidth, video.videoHeight];
      draw.drawImage(video, x * w, y * h, width * w, height * h, 0, top, SIDE, SIDE);
    };
    const difference = (data, top) => {
      let sum = 0;
      for (let at = top * SIDE * 4 + 1; at < (top + SIDE) * SIDE * 4; at += 4)
        sum += Math.abs(data[at] - before[at]);
      return sum / SIDE ** 2;
    };
    const seen = (now) => {
      copy(MOUTH, 0);
      copy(FOREHEAD, SIDE);
      const { data } = draw.getImageData(0, 0, SIDE, 2 * SIDE);
      if (before) taps.frames.push([now, difference(data, 0), difference(data, SIDE)]);
      if (taps.frames.length > 40000) taps.frames.shift();
      before = data;
      video.requestVideoFrameCallback(seen);
    };
    video.requestVideoFrameCallback(seen);
  }

  // The playout times of both tracks on the sender's clock: their difference is the A/V skew.
  setInterval(async () => {
    if (!taps.peer || taps.peer.connectionState !== "connected") return;
    const times = {};
    (await taps.peer.getStats()).forEach((each) => {
      if (each.type === "inbound-rtp" && each.estimatedPlayoutTimestamp)
        times[each.kind] = each.estimatedPlayoutTimestamp;
    });
    if (times.audio && times.video)
      taps.skew.push([performance.now(), times.audio - times.video]);
  }, 500);
})();
