import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { faultWords, record } from "../../client/page/create.js";
import { asName, codeOf, fault, makeAvatar, MAX_BYTES, MAX_CLIP, nameFrom } from "../../client/page/making.js";
import { remark } from "../../client/page/texts/remarks.js";
import { problem } from "../../client/page/texts/problems.js";

const fetched = globalThis.fetch;
afterEach(() => (globalThis.fetch = fetched));

const answer = (body, status = 200, headers = {}) => ({
  ok: status < 400, status, json: async () => body, headers: new Headers(headers),
});

/** Answers in turn; what was asked is kept. */
function server(...answers) {
  const asked = [];
  globalThis.fetch = async (path, { method = "GET" } = {}) => {
    asked.push(`${method} ${path}`);
    if (method === "DELETE") return answer({}, 204);
    const next = answers.shift();
    if (next instanceof Error) throw next;
    return next;
  };
  return asked;
}

const accepted = answer({}, 202, { Location: "/v1/avatars/jobs/7" });
const make = (progress = () => {}, signal = new AbortController().signal) =>
  makeAvatar("", new FormData(), progress, signal);

test("a job is followed to its end", async () => {
  const asked = server(accepted, answer({ state: "making", what: "fitting", share: 0.3 }),
    answer({ state: "done", what: "done", share: 1, name: "Anna" }));
  const seen = [];
  assert.equal((await make((what, share) => seen.push([what, share]))).name, "Anna");
  assert.deepEqual(seen, [["fitting", 0.3], ["done", 1]]);
  assert.deepEqual(asked, ["POST v1/avatars", "GET v1/avatars/jobs/7", "GET v1/avatars/jobs/7"]);
});

test("what is wrong with a photo comes with its code and the server's words", async () => {
  server(accepted, answer({ type: "urn:visavis:no-face", detail: "No face was found." }, 422));
  await assert.rejects(make(), { code: "no-face", message: "No face was found." });
  server(answer({ type: "about:blank", title: "Unauthorized" }, 401));
  await assert.rejects(make(), { code: "unauthorised" });
});

test("a question that is lost on the way is asked again", async () => {
  server(accepted, new TypeError("network"), answer({ state: "done", what: "done", share: 1 }));
  assert.equal((await make()).state, "done");
});

test("giving up ends the job at the server too", async () => {
  const controller = new AbortController();
  const asked = server(accepted, answer({ state: "making", what: "fitting", share: 0.3 }),
    answer({ state: "cancelled", what: "fitting", share: 0.3 }));
  await assert.rejects(make(() => controller.abort(), controller.signal), { code: "cancelled" });
  assert.ok(asked.includes("DELETE v1/avatars/jobs/7"));
});

test("files that cannot be photos are known before the upload", () => {
  assert.equal(fault({ type: "image/jpeg", size: 1000 }), "");
  assert.equal(fault({ type: "", size: 1000 }), ""); // the system does not know: the server will
  assert.equal(fault({ type: "video/mp4", size: MAX_BYTES + 1 }), "");
  assert.equal(fault({ type: "video/webm", size: MAX_CLIP + 1 }), "clip-too-large");
  assert.equal(fault({ type: "application/pdf", size: 1000 }), "no-picture");
  assert.equal(fault({ type: "image/png", size: MAX_BYTES + 1 }), "too-large");
});

test("a name is taken from a file that has one", () => {
  assert.equal(nameFrom("anna-portrait.jpg"), "anna");
  assert.equal(nameFrom("IMG_2041.jpeg"), "");
  assert.equal(nameFrom("Zoë.webp"), "zoe");
  assert.equal(nameFrom("20261122.png"), "");
});

test("what people write becomes a name that the server takes", () => {
  assert.equal(asName(" Zoë Example (2) "), "zoe-example-2");
  assert.equal(asName("小明"), "");
  assert.equal(asName("a".repeat(80)).length, 64);
});

test("codes are read from problems", () => {
  assert.equal(codeOf("urn:visavis:several-faces"), "several-faces");
  assert.equal(codeOf("about:blank"), "");
});

test("a record names who allows it and who says so", () => {
  const { subject, statement, givenBy } = record("other", "Anna Example", "Bo Sample");
  assert.deepEqual([subject, givenBy], ["Anna Example", "Bo Sample"]);
  assert.match(statement, /^Anna Example has allowed/);
  assert.equal(record("self", "", "Bo Sample").subject, "Bo Sample");
  assert.match(record("nobody", "", "Bo Sample").subject, /^nobody/);
  for (const whose of ["self", "other", "nobody"]) {
    assert.doesNotMatch(Object.values(record(whose, "A", "B")).join(), /[{}]/);
  }
});

test("in English the server's own words are shown, where it has some", () => {
  assert.equal(faultWords("no-face", "No face was found in it."), "No face was found in it.");
  assert.match(faultWords("unreachable", "The server does not answer."), /still here/);
  assert.match(faultWords("unheard-of", ""), /could not make/);
  assert.equal(problem("ends-soon", "It ends in 30 s."), "It ends in 30 s.");
  assert.match(remark("The face is only 90 px high: the picture will look soft."), /90 px/);
  assert.equal(remark("Something new."), "Something new.");
});
