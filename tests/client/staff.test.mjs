// The staff's page without its DOM: streams, times, moods, who has a conversation.

import assert from "node:assert/strict";
import test from "node:test";

import { parsed } from "../../client/staff/service.js";
import { doing, duration, feeling, holder, reason, tongue } from "../../client/staff/words.js";

test("messages of a stream are whole, whatever pieces they come in", () => {
  const stream = 'data: {"type": "beat"}\n\ndata: {"type": "row",\ndata: "row": 1}\n\n: a comment\n\ndata: {"ty';
  const first = parsed(stream);
  assert.deepEqual(first.messages, [{ type: "beat" }, { type: "row", row: 1 }]);
  const second = parsed(`${first.rest}pe": "ended"}\n\n`);
  assert.deepEqual(second, { messages: [{ type: "ended" }], rest: "" });
  let rest = "";
  const letters = [...stream].flatMap((letter) => {
    const found = parsed(rest + letter);
    rest = found.rest;
    return found.messages;
  });
  assert.deepEqual(letters, first.messages);
});

test("times are written as clocks write them", () => {
  assert.deepEqual([0, 9.9, 75, 600, 3700, -1].map(duration), ["0:00", "0:09", "1:15", "10:00", "1:01:40", "0:00"]);
});

test("a mood is named only where there is enough to tell it by", () => {
  const calm = { frustration: 0, satisfaction: 0, urgency: 0, confidence: 1 };
  assert.equal(feeling({ ...calm, frustration: 0.9, confidence: 0.2 }), "");
  assert.equal(feeling({ ...calm, frustration: 0.9, satisfaction: 0.9 }), "Frustrated");
  assert.equal(feeling({ ...calm, frustration: 0.4 }), "A little frustrated");
  assert.equal(feeling({ ...calm, urgency: 0.7 }), "In a hurry");
  assert.equal(feeling({ ...calm, satisfaction: 0.6 }), "Content");
  assert.equal(feeling(calm), "");
});

test("who has it is told from whose page this is", () => {
  const row = { how: "typing", holder: "Anna", desk: "a" };
  assert.equal(holder(row, "a"), "You answer");
  assert.equal(holder(row, "b"), "Anna answers");
  assert.equal(holder({ ...row, how: "speaking" }, "b"), "Anna speaks");
  assert.equal(holder({ ...row, how: "" }, "a"), "");
});

test("states, reasons and languages have words", () => {
  assert.equal(doing({ state: "live", doing: "hearing" }), "The visitor speaks");
  assert.equal(doing({ state: "resting", doing: "idle" }), "Visitor away");
  assert.match(reason({ reason: "asked" }), /asks for a person/);
  assert.equal(reason({ reason: "wants a refund" }), "Wants a refund");
  assert.equal(reason({ reason: "danger: fire" }), "Words of danger (fire)");
  assert.match(reason({ reason: "" }), /person/);
  assert.equal(tongue("de-AT"), "Austrian German");
  assert.equal(tongue("-"), "-");
});
