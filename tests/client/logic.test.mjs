import assert from "node:assert/strict";
import { test } from "node:test";

import { stretch, wordsOf } from "../../client/page/captions.js";
import { Connection, reasonOf, retryAfterMs, sessionsUrl, withoutHiddenCandidates } from "../../client/element/connection.js";
import { areOnes } from "../../client/element/authorization.js";
import { after, EMPTY, typed } from "../../client/page/conversation.js";
import { loudness, reasonOf as micReasonOf } from "../../client/element/microphone.js";
import { backoffMs } from "../../client/element/waits.js";
import { chosen, languageName } from "../../client/page/settings.js";
import { summary } from "../../client/element/stats.js";
import { nextTargets, Sync } from "../../client/element/sync.js";
import { told } from "../../client/page/trouble.js";

const play = (...messages) => messages.reduce(after, EMPTY);
const caption = (turn, text, heard) => ({ type: "caption", turn, text, heard });
const ended = (turn, reason, heard) => ({ type: "reply_ended", turn, reason, heard });

test("a spoken question and its answer become two lines", () => {
  const state = play(
    { type: "listening", active: true },
    { type: "transcript", turn: 1, text: "When is", final: false },
    { type: "listening", active: false },
    { type: "transcript", turn: 1, text: "When is breakfast?", final: true },
    { type: "thinking", turn: 1 },
    { type: "reply_started", turn: 1, at_ms: 10 },
    caption(1, "Good morning.", 13),
    caption(1, "At seven.", 2),
    ended(1, "done", "Good morning. At seven."),
  );
  assert.equal(state.phase, "listening");
  assert.deepEqual(state.lines.map(({ who, text, final, cut }) => [who, text, final, cut]), [
    ["visitor", "When is breakfast?", true, false],
    ["avatar", "Good morning. At seven.", true, false],
  ]);
});

test("a reply that is held goes on as the same line", () => {
  const before = [{ type: "reply_started", turn: 1, at_ms: 10 }, caption(1, "At seven.", 2)];
  const held = [{ type: "reply_held", turn: 1 }, { type: "listening", active: true }];
  const on = [{ type: "listening", active: false }, { type: "reply_resumed", turn: 1, at_ms: 900 }];
  assert.equal(play(...before, ...held).phase, "hearing");
  assert.equal(play(...before, ...held, ...on).phase, "speaking");
  const state = play(...before, ...held, ...on, caption(1, "At seven.", 9), ended(1, "done", "At seven."));
  assert.deepEqual(state.lines.map(({ text, final, cut }) => [text, final, cut]), [["At seven.", true, false]]);
});

test("clauses of a running reply add up, repeated ones too", () => {
  const state = play(caption(1, "No.", 0), caption(1, "No.", 3), caption(1, "No.", 0), caption(1, "Really.", 0));
  assert.equal(state.lines[0].text, "No. No. Really.");
  assert.equal(state.phase, "speaking");
});

const next = (targets, held, skew) => {
  const { voice, picture } = nextTargets(
    { voice: targets[0], picture: targets[1] }, { voice: held[0], picture: held[1] }, skew,
  );
  return [voice, picture];
};

test("a picture that runs ahead of the voice is held by the difference", () => {
  assert.deepEqual(next([0, 0], [60, 60], -100), [0, 160]);
  assert.deepEqual(next([0, 160], [60, 160], 40), [0, 120]);
});

test("voice and picture that are in step, or nearly, are left alone", () => {
  assert.deepEqual(next([30, 120], [60, 60], 24), [30, 120]);
  assert.deepEqual(next([0, 120], [60, 60], -24), [0, 120]);
});

test("a voice that runs ahead of a picture by what people notice is held, until it no longer does", () => {
  assert.deepEqual(next([0, 0], [50, 100], 60), [85, 40]);
  assert.deepEqual(next([85, 40], [85, 100], 20), [85, 40]);
  assert.deepEqual(next([85, 40], [85, 60], -5), [0, 40]);
});

test("nothing is ever held for longer than 400 ms, nor for less than nothing", () => {
  assert.deepEqual(next([0, 0], [60, 100], -2000), [0, 400]);
  assert.deepEqual(next([0, 100], [60, 50], 1000), [400, 0]);
});

/** A receiver whose playout runs `behind` ms and which held its pictures for 60 ms each. */
function receiver(behind) {
  let emitted = 0;
  return {
    jitterBufferTarget: 0,
    async getStats() {
      emitted += 6;
      const inbound = {
        type: "inbound-rtp", estimatedPlayoutTimestamp: 1e12 - behind,
        jitterBufferEmittedCount: emitted, jitterBufferDelay: emitted * 0.06,
      };
      return new Map([["a", { type: "codec" }], ["b", inbound]]);
    },
  };
}

test("the picture's buffer follows a voice that fell behind", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const [voice, picture] = [receiver(100), receiver(0)];
  const sync = new Sync(voice, picture, 0);
  sync.start();
  for (let step = 0; step < 2; step++) {
    t.mock.timers.tick(250);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(picture.jitterBufferTarget, 160);
  assert.equal(voice.jitterBufferTarget, 0);
  sync.stop();
});

test("an interrupted reply keeps only what was heard", () => {
  const [line] = play(caption(1, "At seven in the garden.", 9), ended(1, "interrupted", "At seven")).lines;
  assert.deepEqual([line.text, line.cut], ["At seven", true]);
});

test("a reply of which nothing was heard leaves no line", () => {
  assert.deepEqual(play(caption(1, "At seven.", 0), ended(1, "interrupted", "")).lines, []);
});

test("the end of an older reply does not end the thinking about a newer question", () => {
  const state = play({ type: "reply_started", turn: 1 }, { type: "thinking", turn: 2 }, ended(1, "interrupted", "At"));
  assert.equal(state.phase, "thinking");
});

test("the visitor who interrupts is still being heard when the reply ends", () => {
  const state = play(caption(1, "At seven.", 2), { type: "listening", active: true }, ended(1, "interrupted", "At"));
  assert.equal(state.phase, "hearing");
});

test("words that never became final vanish", () => {
  const guess = { type: "transcript", turn: 1, text: "cough", final: false };
  assert.deepEqual(play(guess, { type: "transcript", turn: 1, text: "", final: true }).lines, []);
  assert.deepEqual(play(guess, { type: "thinking", turn: 2 }).lines, []);
});

test("typed words show at once, and once when the server confirms them", () => {
  const state = after(typed(EMPTY, "Hello"), { type: "transcript", turn: 4, text: "Hello", final: true });
  assert.deepEqual(state.lines.map(({ text, turn }) => [text, turn]), [["Hello", 4]]);
  assert.equal(state.phase, "thinking");
});

test("an error does not leave the avatar thinking", () => {
  assert.equal(play({ type: "thinking", turn: 1 }, { type: "error", code: "x", message: "y" }).phase, "listening");
});

test("the log is bounded and unknown messages change nothing", () => {
  let state = EMPTY;
  for (let n = 0; n < 100; n++) state = typed(state, `${n}`);
  assert.equal(state.lines.length, 60);
  assert.equal(state.lines.at(-1).text, "99");
  assert.equal(after(state, { type: "news" }), state);
});

test("a long clause is shown in stretches that cover it and hold what is being heard", () => {
  const text = "word ".repeat(60).trim();
  const seen = new Set();
  for (let heard = 0; heard <= text.length; heard++) {
    const { start, end } = stretch(text, heard, 92);
    assert.ok(end - start <= 92 + 5);
    assert.ok(heard <= end || end === text.length);
    wordsOf(text, { start, end }).forEach(({ at }) => seen.add(at));
  }
  assert.equal(seen.size, 60);
  assert.deepEqual(stretch("short", 0, 92), { start: 0, end: 5 });
  assert.deepEqual(stretch("x".repeat(200), 5, 92), { start: 0, end: 200 });
});

test("words know their place in the whole clause", () => {
  assert.deepEqual(wordsOf("At seven, please", { start: 3, end: 16 }), [{ word: "seven,", at: 3 }, { word: "please", at: 10 }]);
});

test("retries wait longer and longer, spread, up to a limit", () => {
  const middle = [0, 1, 2, 3].map((attempt) => backoffMs(attempt, () => 0.5));
  assert.deepEqual(middle, [250, 500, 1000, 2000]);
  assert.ok(backoffMs(50, () => 1) <= 18_001);
  assert.ok(backoffMs(0, () => 0) < backoffMs(0, () => 1));
});

test("Retry-After is read as seconds or as a date", () => {
  assert.equal(retryAfterMs("7"), 7000);
  assert.equal(retryAfterMs("Wed, 21 Oct 2015 07:28:10 GMT", Date.parse("2015-10-21T07:28:00Z")), 10_000);
  assert.equal(retryAfterMs("Wed, 21 Oct 2015 07:28:10 GMT"), 0);
  assert.equal(retryAfterMs("soon"), null);
  assert.equal(retryAfterMs(null), null);
});

test("statuses have reasons", () => {
  const reasons = [401, 403, 503, 429, 500, 400, 415, 422].map((status) => reasonOf(status));
  assert.deepEqual(reasons, ["unauthorised", "refused", "full", "full", "server", "refused", "refused", "refused"]);
  assert.equal(reasonOf(503, "urn:visavis:not-ready"), "server");
  assert.equal(reasonOf(503, "urn:visavis:starting"), "server"); // not "full": a place is not what it lacks
  const quotas = ["sessions", "hour", "day"].map((what) => reasonOf(429, `urn:visavis:quota-${what}`));
  assert.deepEqual(quotas, ["full", "refused", "refused"]);
  assert.deepEqual(["NotAllowedError", "NotFoundError", "NotReadableError"].map(micReasonOf), ["refused", "missing", "busy"]);
});

test("a token is a visitor's own by its subject, as far as a page can tell", () => {
  const token = (claims, signature) => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.${signature}`;
  const anna = token({ sub: "änna", exp: 1 }, "a");
  assert.ok(areOnes(anna, token({ sub: "änna", exp: 2 }, "b")));
  assert.ok(areOnes("plain", "plain"));
  const others = ["", "plain", token({}, "a"), token({ sub: "" }, "a"), token({ sub: "ben" }, "a"), "a.b.c", "a.%.c"];
  for (const other of others) assert.ok(!areOnes(anna, other), other);
  assert.ok(!areOnes(token({}, "a"), token({}, "b")));
});

test("names are escaped in the address and left out when empty", () => {
  const target = { server: "https://a.example/x/", avatar: "a b&c", voice: "", token: "", iceServers: [] };
  assert.equal(sessionsUrl(target), "https://a.example/x/v1/sessions?avatar=a+b%26c");
  const relayed = { ...target, avatar: "", source: "microphone" };
  assert.equal(sessionsUrl(relayed), "https://a.example/x/v1/sessions?source=microphone");
});

test("only hidden candidates are taken out of the offer", () => {
  const hidden = "a=candidate:1 1 udp 2113937151 0b2a-7c.local 50000 typ host generation 0\r\n";
  const open = "a=candidate:2 1 udp 2122260223 192.0.2.7 50001 typ host generation 0\r\n";
  assert.equal(withoutHiddenCandidates(`v=0\r\n${hidden}${open}a=mid:0\r\n`), `v=0\r\n${open}a=mid:0\r\n`);
});

test("loudness runs from silence to full scale", () => {
  assert.equal(loudness(new Float32Array(64)), 0);
  assert.equal(loudness(new Float32Array(64).fill(1)), 1);
  const half = loudness(new Float32Array(64).fill(0.0316)); // -30 dB
  assert.ok(Math.abs(half - 0.5) < 0.01);
});

test("the wanted choice, else the default, else the first", () => {
  const items = [{ name: "a" }, { name: "b", default: true }];
  assert.equal(chosen(items, "a").name, "a");
  assert.equal(chosen(items, "gone").name, "b");
  assert.equal(chosen([{ name: "c" }], undefined).name, "c");
  assert.equal(chosen([], "a"), undefined);
  assert.equal(languageName("not a tag"), "not a tag");
});

test("a countdown says when, and when it is now", () => {
  assert.match(told("full", 4200, ""), /Trying again in 5 s\.$/);
  assert.match(told("full", null, ""), /Trying again now\.$/);
  assert.equal(told("refused", 0, "No such avatar."), "No such avatar.");
});

test("statistics become figures, in ms where they are times", () => {
  const figures = summary([
    { type: "inbound-rtp", kind: "video", framesDecoded: 50, jitterBufferDelay: 2, jitterBufferEmittedCount: 50 },
    { type: "inbound-rtp", kind: "audio", totalAudioEnergy: 0.5, jitterBufferEmittedCount: 0 },
    { type: "candidate-pair", nominated: true, currentRoundTripTime: 0.002 },
    { type: "candidate-pair", nominated: false, currentRoundTripTime: 9 },
  ]);
  assert.equal(figures.video.jitterBufferMs, 40);
  assert.equal(figures.audio.jitterBufferMs, null);
  assert.equal(figures.audio.energy, 0.5);
  assert.equal(figures.roundTripMs, 2);
});

test("a server that says ready before its answer was taken in is heard", async () => {
  class Channel extends EventTarget { readyState = "open"; send() {} }
  class Peer extends EventTarget {
    signalingState = "stable";
    localDescription = { sdp: "v=0\r\n" };
    channel = new Channel();
    createDataChannel() { return this.channel; }
    addTransceiver() { return { sender: { replaceTrack: async () => undefined }, receiver: {} }; }
    async setLocalDescription() { this.dispatchEvent(Object.assign(new Event("icecandidate"), { candidate: null })); }
    async setRemoteDescription() {
      this.channel.dispatchEvent(new MessageEvent("message", { data: '{"type":"ready"}' }));
    }
    close() {}
  }
  globalThis.RTCPeerConnection = Peer;
  globalThis.MediaStream = class {};
  globalThis.fetch = async () => ({
    status: 201, url: "http://localhost/v1/sessions",
    headers: new Headers({ Location: "/v1/sessions/x" }), text: async () => "v=0",
  });
  const heard = [];
  const target = { server: "http://localhost/", avatar: "", voice: "", token: "", iceServers: [] };
  const connection = new Connection(target, { jitterBufferMs: 0, onMessage: (m) => heard.push(m.type) });
  await connection.open();
  const outcome = await Promise.race([
    connection.ready().then(() => "ready"),
    new Promise((resolve) => setTimeout(resolve, 500, "missed")),
  ]);
  assert.equal(outcome, "ready");
  assert.deepEqual(heard, ["ready"]);
});
