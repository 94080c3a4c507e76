import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { relays } from "../../client/element/relays.js";

const fetched = globalThis.fetch;
const TURN = [{ urls: ["turn:relay.example"], username: "9:a", credential: "b" }];
let requests;
let answer;
let number = 0;

beforeEach(() => {
  requests = [];
  answer = () => ({ ok: true, json: async () => ({ iceServers: TURN, seconds: 600 }) });
  globalThis.fetch = async (url, { headers }) => {
    requests.push([String(url), headers]);
    return answer();
  };
});
afterEach(() => (globalThis.fetch = fetched));

const target = () => ({ server: `http://localhost/${number++}/`, token: "secret" });

test("relays are asked for once, with the token, and anew when half of their time is over", async () => {
  const one = target();
  assert.deepEqual(await Promise.all([relays(one, 0), relays(one, 0)]), [TURN, TURN]);
  await relays(one, 299_000);
  assert.deepEqual(requests, [[`${one.server}v1/ice-servers`, { Authorization: "Bearer secret" }]]);
  await relays(one, 301_000);
  assert.equal(requests.length, 2);
});

test("a server without relays, an old one and none at all cost nothing else", async () => {
  for (const given of [
    () => ({ ok: true, json: async () => ({ iceServers: [], seconds: 600 }) }),
    () => ({ ok: false, json: async () => ({}) }),
    () => ({ ok: true, json: async () => { throw new SyntaxError("no JSON"); } }),
    () => { throw new TypeError("unreachable"); },
  ]) {
    answer = given;
    assert.deepEqual(await relays(target()), []);
  }
});

test("an account that is old is kept while the server does not answer", async () => {
  const one = target();
  await relays(one, 0);
  answer = () => { throw new TypeError("unreachable"); };
  assert.deepEqual(await relays(one, 400_000), TURN);
  answer = () => ({ ok: true, json: async () => ({ iceServers: [], seconds: 600 }) });
  assert.deepEqual(await relays(one, 405_000), TURN);
  assert.deepEqual(await relays(one, 411_000), []);
});
