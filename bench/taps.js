// Measures in the page itself: the microphone's signal, the voice that is heard, the picture.
// All times are performance.now() in ms. Injected before the page's own scripts.
(() => {
  const taps = { mic: [], voice: [], frames: [], skew: [], start: null };
  window.taps = taps;
  const context = new AudioContext({ latencyHint: "interactive" });

  function meter(stream, into) {
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
      into.push([performance.now(), Math.sqrt(power / samples.length)]);
      if (into.length > 400000) into.shift();
    }, 5);
    stream.getTracks()[0].addEventListener("ended", () => clearInterval(timer));
  }

  const media = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (constraints) => {
    const stream = await media(constraints);
    meter(stream, taps.mic);
    return stream;
  };

  const Peer = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Peer {
    constructor(...rest) {
      super(...rest);
      taps.peer = this;
      this.addEventListener("track", ({ track }) => {
        if (track.kind === "audio") meter(new MediaStream([track]), taps.voice);
        else watch(new MediaStream([track]));
      });
    }
  };

  // The mouth's region moves when the lips do; the forehead moves with the head alone.
  function watch(stream) {
    const video = document.createElement("video");
    Object.assign(video, { muted: true, srcObject: stream, playsInline: true });
    video.play();
    const canvas = new OffscreenCanvas(64, 64);
    const draw = canvas.getContext("2d", { willReadFrequently: true });
    let before = null;
    const seen = (now, info) => {
      draw.drawImage(video, 0, 0, 64, 64);
      const { data } = draw.getImageData(0, 0, 64, 64);
      const difference = (x0, y0, x1, y1) => {
        let sum = 0;
        for (let y = y0; y < y1; y++)
          for (let x = x0; x < x1; x++) {
            const at = (y * 64 + x) * 4 + 1;
            sum += Math.abs(data[at] - before[at]);
          }
        return sum / ((x1 - x0) * (y1 - y0));
      };
      if (before) taps.frames.push([now, difference(24, 32, 40, 48), difference(24, 8, 40, 18), data[(4 * 64 + 4) * 4]]);
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
