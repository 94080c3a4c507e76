import assert from "node:assert/strict";
import { test } from "node:test";

import { options } from "../../client/scene/options.js";

globalThis.ImageData = class {
  constructor(width, height) {
    Object.assign(this, { width, height, data: new Uint8ClampedArray(4 * width * height) });
  }
};
globalThis.document = { createElement: () => ({ getContext: () => null }) };
const { joined } = await import("../../client/element/cutout.js");

test("a scene passes on what its address asks for, the key from behind the #", () => {
  const asked = options("?avatar=mira&voice=joe&language=de&session=stage&captions&volume=40", "#token=abc");
  assert.deepEqual(asked.attributes, {
    avatar: "mira", voice: "joe", lang: "de", "session-name": "stage", token: "abc",
  });
  assert.equal(asked.captions, true);
  assert.equal(asked.volume, 0.4);
  assert.equal(asked.fit, "cover");
  assert.equal(options("", "").captions, false);
});

test("the key is taken from nowhere else, for addresses are logged", () => {
  assert.equal(options("?token=abc", "").attributes.token, undefined);
});

test("a transparent one has the page's colour behind it, another one the server's", () => {
  const asked = options("?transparent&background=%2300b140", "");
  assert.equal(asked.attributes.transparent, "");
  assert.equal(asked.attributes.background, undefined);
  assert.equal(asked.behind, "#00b140");
  assert.equal(asked.fit, "contain");
  assert.equal(options("?background=%2300b140", "").attributes.background, "#00b140");
  assert.equal(options("?background=%2300b140", "").behind, "");
  assert.equal(options("?background=transparent", "").attributes.transparent, "");
  assert.equal(options("?transparent=off", "").attributes.transparent, undefined);
  assert.equal(options("?transparent&background=url(x)", "").behind, "");
});

test("the microphone is asked for only where it is wanted", () => {
  assert.equal(options("", "").attributes.mode, undefined);
  assert.equal(options("?mic=on", "").attributes.mode, "open");
  assert.equal(options("?source=microphone", "").attributes.mode, "open");
  assert.equal(options("?volume=loud", "").volume, 1);
});

test("px by px, colour that was multiplied is divided by its matte again", () => {
  const double = new ImageData(1, 4);
  double.data.set([100, 50, 0, 255, 90, 90, 90, 255, 128, 128, 128, 255, 0, 0, 0, 255]);
  const made = joined(double, 2);
  assert.deepEqual([...made.data], [199, 100, 0, 128, 0, 0, 0, 0]);
});
