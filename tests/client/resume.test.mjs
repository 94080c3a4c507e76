import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { reasonOf } from "../../client/element/connection.js";
import { Pulse } from "../../client/element/pulse.js";
import { Session } from "../../client/element/session.js";
import { patienceMs, resumeWaitMs } from "../../client/element/waits.js";
import { after, EMPTY, typed } from "../../client/page/conversation.js";

const until = async (condition, ms = 4000) => {
  const end = Date.now() + ms;
  while (!condition()) {
    assert.ok(Date.now() < end, `in vain: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

// --- a server, as far as the page can tell ------------------------------------------------------

/** @type {any[]} */ let peers;
/** @type {any[]} */ let requests;
/** @type {(peer: any) => any} */ let ready; // what the server says first to a peer, null: nothing
/** @type {() => any} */ let answer;

class Channel extends EventTarget {
  readyState = "open";
  sent = [];
  deaf = false;
  send(data) {
    const message = JSON.parse(data);
    if (message.type !== "ping") this.sent.push(message);
    else if (!this.deaf) queueMicrotask(() => this.tell({ type: "pong", t: message.t, at_ms: 0 }));
  }
  tell(message) {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  }
}

class Peer extends EventTarget {
  signalingState = "stable";
  connectionState = "connected";
  localDescription = { sdp: "v=0\r\n" };
  channel = new Channel();
  constructor() {
    super();
    peers.push(this);
  }
  createDataChannel() { return this.channel; }
  microphone = null;
  addTransceiver(kind) {
    const replaceTrack = async (track) => void (kind === "audio" && (this.microphone = track));
    return { sender: { replaceTrack }, receiver: { getStats: async () => new Map() } };
  }
  async setLocalDescription() {
    this.dispatchEvent(Object.assign(new Event("icecandidate"), { candidate: null }));
  }
  async setRemoteDescription() {
    const message = ready(this);
    if (message) setTimeout(() => this.channel.tell({ type: "ready", session: "x", ...message }), 5);
  }
  close() { this.signalingState = "closed"; }
}

const created = () => ({
  status: 201, url: "http://localhost/v1/sessions",
  headers: new Headers({ Location: "/v1/sessions/x" }), text: async () => "v=0",
});
const problem = (status, code) => ({
  status, url: "", headers: new Headers(), json: async () => ({ type: `urn:visavis:${code}`, detail: code }),
});

beforeEach(() => {
  peers = [];
  requests = [];
  answer = created;
  ready = () => ({ resume: "x.secret", resumed: peers.length > 1, taken: 0, history: [], captions: [] });
  globalThis.RTCPeerConnection = Peer;
  globalThis.MediaStream = class {};
  globalThis.fetch = async (url, request) => {
    requests.push({ url: String(url), ...request });
    return answer();
  };
});

const TARGET = { server: "http://localhost/", avatar: "", voice: "", token: "", iceServers: [] };

async function connected() {
  const session = new Session(TARGET);
  const states = [];
  session.addEventListener("state", ({ detail }) => states.push(detail.state));
  session.connect();
  await until(() => session.state === "connected");
  return { session, states };
}

const offers = () => requests.filter(({ method, url }) => method === "POST" && /sessions(\?.*)?$/.test(url));
const ends = () => requests.filter(({ method }) => method === "DELETE");

// --- tests ----------------------------------------------------------------------------------------

test("a connection in doubt is replaced by one to the same session, which is not ended", async () => {
  const { session } = await connected();
  ready = () => ({ resume: "x.secret", resumed: true, taken: 1, history: [], captions: [] });
  peers[0].channel.deaf = true;
  session.check();
  await until(() => peers.length === 2 && session.state === "connected");
  assert.equal(offers()[0].headers["Visavis-Resume"], undefined);
  assert.equal(offers()[1].headers["Visavis-Resume"], "x.secret");
  assert.equal(peers[0].signalingState, "closed");
  assert.deepEqual(ends(), []);
  await session.disconnect();
  assert.equal(ends().length, 1);
});

test("a microphone that is allowed while it connects joins the connection that comes", async () => {
  const session = new Session(TARGET);
  session.connect();
  await until(() => peers.length === 1);
  await session.setMicrophone(/** @type {any} */ ("track"));
  await until(() => session.state === "connected");
  assert.equal(peers[0].microphone, "track");
  await session.disconnect();
});

test("what the server did not take is said again, and nothing else", async () => {
  const { session } = await connected(); // says: mic
  session.send({ type: "text", text: "heard" });
  session.send({ type: "interrupt" });
  session.send({ type: "text", text: "lost" });
  ready = () => ({ resume: "x.secret", resumed: true, taken: 2, history: [], captions: [] });
  peers[0].channel.deaf = true;
  session.check();
  await until(() => session.state === "reconnecting");
  session.send({ type: "text", text: "meanwhile" });
  await until(() => peers.length === 2 && session.state === "connected");
  assert.deepEqual(peers[1].channel.sent.map((m) => m.text ?? m.type), ["lost", "mic", "meanwhile"]);
  await session.disconnect();
});

test("the old connection stays when it answers before the new one stands", async () => {
  const { session } = await connected();
  ready = () => null;
  peers[0].channel.deaf = true;
  session.check();
  await until(() => peers.length === 2);
  session.send({ type: "text", text: "meanwhile" });
  peers[0].channel.deaf = false;
  await until(() => session.state === "connected");
  assert.equal(peers[1].signalingState, "closed");
  assert.equal(peers[0].signalingState, "stable");
  assert.equal(peers[0].channel.sent.at(-1).text, "meanwhile");
  assert.deepEqual(ends(), []);
  await session.disconnect();
});

test("without a network it goes on trying with the token, and quickly", async () => {
  const { session, states } = await connected();
  answer = () => { throw new TypeError("offline"); };
  peers[0].channel.dispatchEvent(new Event("close"));
  await until(() => offers().length > 4);
  assert.ok(states.includes("waiting"));
  assert.equal(session.reason, "lost");
  answer = created;
  await until(() => session.state === "connected", 1500);
  assert.ok(offers().slice(1).every(({ headers }) => headers["Visavis-Resume"] === "x.secret"));
  await session.disconnect();
});

test("a session that is no more makes room for a new one by itself", async () => {
  const { session } = await connected();
  let lapsed = 0;
  session.addEventListener("lapsed", () => lapsed++);
  answer = () => (offers().length === 2 ? problem(404, "session-over") : created());
  ready = () => ({ session: "y", resume: "y.other", resumed: false, taken: 0, history: [], captions: [] });
  peers[0].channel.dispatchEvent(new Event("close"));
  await until(() => session.state === "connected" && session.id === "y");
  assert.equal(lapsed, 1);
  assert.equal(offers()[2].headers["Visavis-Resume"], undefined);
  assert.equal(session.resume, "y.other");
  await session.disconnect();
});

test("a server that says goodbye is not called again", async () => {
  const { session } = await connected();
  peers[0].channel.tell({ type: "goodbye", reason: "idle", message: "Nobody spoke." });
  await until(() => session.state === "failed");
  assert.deepEqual([session.reason, session.words, session.active], ["ended", "Nobody spoke.", false]);
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.equal(offers().length, 1);
  assert.equal(session.resume, "");
});

test("a session that was lost at the server is begun anew before the connection is in doubt", async () => {
  const { session } = await connected();
  const reasons = [];
  session.addEventListener("lapsed", ({ detail }) => reasons.push(detail.reason));
  ready = () => ({ session: "y", resume: "y.other", resumed: false, taken: 0, history: [], captions: [] });
  answer = () => {
    const { method, headers } = requests.at(-1);
    const anew = method === "POST" && !headers["Visavis-Resume"];
    return anew ? created() : problem(410, "session-lost");
  };
  await until(() => session.state === "connected" && session.id === "y", 2000);
  assert.deepEqual(reasons, ["lost"]);
  assert.equal(offers()[1].headers["Visavis-Resume"], "x.secret");
  assert.equal(offers()[2].headers["Visavis-Resume"], undefined);
  await session.disconnect();
});

test("a session that is over goes on where the server kept what was said in it", async () => {
  const { session } = await connected();
  let lapsed = 0;
  session.addEventListener("lapsed", () => lapsed++);
  answer = () => (requests.at(-1).method === "POST" ? created() : problem(404, "notfound"));
  await until(() => offers().length === 2 && session.state === "connected", 2000);
  assert.equal(offers()[1].headers["Visavis-Resume"], "x.secret");
  assert.equal(lapsed, 0);
  await session.disconnect();
});

test("a server that does not answer the question loses no session over it", async () => {
  const { session } = await connected();
  answer = () => { throw new TypeError("offline"); };
  await until(() => requests.some(({ method }) => method !== "POST"), 1500);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual([session.state, session.resume], ["connected", "x.secret"]);
  await session.disconnect();
});

test("a server that is shut down is called again, for a new session", async () => {
  const { session } = await connected();
  const reasons = [];
  session.addEventListener("lapsed", ({ detail }) => reasons.push(detail.reason));
  ready = () => ({ session: "y", resume: "y.other", resumed: false, taken: 0, history: [], captions: [] });
  peers[0].channel.tell({ type: "goodbye", reason: "shutdown", message: "The server was shut down." });
  await until(() => session.state === "connected" && session.id === "y", 1500);
  assert.deepEqual(reasons, ["shutdown"]);
  assert.equal(offers()[1].headers["Visavis-Resume"], undefined);
  await session.disconnect();
});

test("a page that goes says whether it may come back, and keeps the token", async () => {
  const { session } = await connected();
  session.leave(true);
  const last = requests.at(-1);
  assert.deepEqual([last.method, last.url, last.body, last.keepalive], [
    "POST", "http://localhost/v1/sessions/x/leave", '{"back":true}', true,
  ]);
  assert.deepEqual([session.state, session.resume], ["idle", "x.secret"]);
  session.connect();
  await until(() => session.state === "connected");
  assert.equal(offers()[1].headers["Visavis-Resume"], "x.secret");
  await session.disconnect();
});

test("another avatar is another session", async () => {
  const { session } = await connected();
  session.retarget({ ...TARGET, avatar: "ana" });
  await until(() => peers.length === 2 && session.state === "connected");
  assert.equal(ends().length, 1);
  assert.equal(offers()[1].headers["Visavis-Resume"], undefined);
  await session.disconnect();
});

test("a fresh token of the same visitor's goes on with the conversation", async () => {
  const token = (sub, signature) => `e30.${Buffer.from(JSON.stringify({ sub })).toString("base64url")}.${signature}`;
  const { session } = await connected();
  session.retarget({ ...TARGET, token: token("anna", "old") });
  await until(() => peers.length === 2 && session.state === "connected"); // from none to one
  const before = ends().length;
  session.retarget({ ...TARGET, token: token("anna", "new") });
  session.leave(true);
  assert.equal(requests.at(-1).headers.Authorization, `Bearer ${token("anna", "new")}`);
  assert.deepEqual([ends().length, peers.length], [before, 2]);
  session.connect();
  await until(() => session.state === "connected");
  session.retarget({ ...TARGET, token: token("ben", "new") });
  await until(() => ends().length === before + 1);
  await session.disconnect();
});

test("silence is measured from the last packet, and not over a sleep of the page", async () => {
  let packetsReceived = 1;
  const getStats = async () => new Map([["a", { type: "inbound-rtp", packetsReceived }]]);
  const pulse = new Pulse(/** @type {any} */ ({ getStats }));
  const at = async (now) => {
    const quiet = pulse.quietMs(now);
    await new Promise((resolve) => setImmediate(resolve));
    return quiet;
  };
  await at(10_000);
  packetsReceived = 2;
  await at(10_500);
  assert.equal(await at(11_000), 500);
  assert.equal(await at(11_500), 1000);
  assert.equal(await at(60_000), 0); // a laptop that slept: ask first
  packetsReceived = 3;
  await at(60_500);
  assert.equal(await at(61_000), 500);
});

test("attempts to go on are frequent for two minutes", () => {
  assert.ok(resumeWaitMs(3, () => 0.5) <= 500);
  assert.ok(resumeWaitMs(100, () => 0.5) <= 1000);
  assert.ok(resumeWaitMs(200, () => 0.5) > 10_000);
  assert.deepEqual([0, 1, 2, 3].map(patienceMs), [2000, 2000, 2000, 10_000]);
  assert.equal(reasonOf(404, "urn:visavis:session-over"), "over");
});

test("a conversation that is gone on with shows what the server remembers", () => {
  const line = (turn, who, text) => ({ turn, who, text });
  const history = [line(1, "visitor", "hello"), line(1, "avatar", "Hel"), line(2, "visitor", "and then")];
  const captions = [{ turn: 2, text: "First.", heard: 6 }, { turn: 2, text: "Then this.", heard: 4 }];
  let state = after(EMPTY, { type: "reply_ended", turn: 1, reason: "interrupted", heard: "Hello, who" });
  state = typed(typed(state, "and then"), "not yet sent");
  state = after(state, { type: "ready", resumed: true, history, captions });
  assert.deepEqual(state.lines.map(({ who, text, cut }) => [who, text, cut]), [
    ["visitor", "hello", false],
    ["avatar", "Hel", true],
    ["visitor", "and then", false],
    ["visitor", "not yet sent", false],
    ["avatar", "First. Then this.", false],
  ]);
  assert.equal(state.phase, "speaking");
  state = after(state, { type: "caption", turn: 2, text: "And that.", heard: 0 });
  assert.equal(state.lines.at(-1).text, "First. Then this. And that.");
  assert.deepEqual(after(EMPTY, { type: "ready", resumed: true, history: [], captions: [] }).lines, []);
});

test("whether anybody watches is told to servers that want to know, over reconnects too", async () => {
  const known = { resume: "x.secret", resumed: false, taken: 0, history: [], captions: [], takes: ["watch"] };
  ready = () => known;
  const { session } = await connected();
  session.watch(false);
  assert.deepEqual(peers[0].channel.sent.at(-1), { type: "watch", on: false });
  assert.equal(session.voiceMood, false);
  ready = () => ({ ...known, resumed: true, taken: 2, fluency: "half", voice_mood: true });
  peers[0].channel.dispatchEvent(new Event("close"));
  await until(() => peers.length === 2 && session.state === "connected");
  assert.deepEqual(peers[1].channel.sent.map((m) => [m.type, m.on]), [["mic", false], ["watch", false]]);
  assert.equal(session.fluency, "half");
  assert.equal(session.hooks().voiceMood, true);
  session.watch(true);
  assert.deepEqual(peers[1].channel.sent.at(-1), { type: "watch", on: true });
  peers[1].channel.tell({ type: "pictures", fluency: "still" });
  await until(() => session.hooks().fluency === "still");
  await session.disconnect();
});

test("who looks again while the connection is in doubt is seen by the old one, if that stays", async () => {
  ready = () => ({ resume: "x.secret", resumed: false, taken: 0, history: [], captions: [], takes: ["watch"] });
  const { session } = await connected();
  session.watch(false);
  ready = () => null;
  peers[0].channel.deaf = true;
  session.check();
  await until(() => peers.length === 2);
  session.watch(true);
  peers[0].channel.deaf = false;
  await until(() => session.state === "connected");
  const told = peers[0].channel.sent.filter((m) => m.type === "watch");
  assert.deepEqual(told.at(-1), { type: "watch", on: true });
  await session.disconnect();
});

test("a server that does not know of it is told nothing", async () => {
  const { session } = await connected();
  session.watch(false);
  session.watch(true);
  assert.deepEqual(peers[0].channel.sent.map((m) => m.type), ["mic"]);
  await session.disconnect();
});

test("turns of a new session are none of the one before", () => {
  let state = typed(EMPTY, "When is breakfast?");
  state = after(state, { type: "transcript", turn: 1, text: "When is breakfast?", final: true });
  state = after(state, { type: "caption", turn: 1, text: "From seven", heard: 4 });
  state = typed(state, "And tea?");
  state = after(state, { type: "ready", resumed: false });
  state = typed(state, "And where?");
  state = after(state, { type: "transcript", turn: 1, text: "And where?", final: true });
  state = after(state, { type: "caption", turn: 1, text: "Downstairs.", heard: 0 });
  assert.deepEqual(
    state.lines.map(({ who, text, cut }) => [who, text, cut]),
    [
      ["visitor", "When is breakfast?", false],
      ["avatar", "From seven", true],
      ["visitor", "And tea?", false],
      ["visitor", "And where?", false],
      ["avatar", "Downstairs.", false],
    ],
  );
  state = after(state, { type: "ready", resumed: true, history: [], captions: [] });
  assert.deepEqual(state.lines.map(({ text }) => text).slice(0, 2), ["When is breakfast?", "From seven"]);
});
