import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { Sight } from "../../client/element/sight.js";

class Page extends EventTarget {
  visibilityState = "visible";
  turn(state) {
    this.visibilityState = state;
    this.dispatchEvent(new Event("visibilitychange"));
  }
}

/** @type {{report: (inView: boolean) => void, ended: boolean}} */ let observer;

globalThis.IntersectionObserver = class {
  constructor(callback) {
    observer = { report: (isIntersecting) => callback([{ isIntersecting }]), ended: false };
  }
  observe() {}
  disconnect() { observer.ended = true; }
};

// --- time that does not wait ----------------------------------------------------------------------

const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
let now, timers;
const tick = (ms) => {
  now += ms;
  for (const [id, [at, act]] of [...timers]) if (at <= now) timers.delete(id) && act();
};

let page, told, sight;
beforeEach(() => {
  now = 0;
  timers = new Map();
  globalThis.setTimeout = (act, ms) => (timers.set(timers.size + 1, [now + ms, act]), timers.size);
  globalThis.clearTimeout = (id) => timers.delete(id);
  page = new Page();
  told = [];
  sight = new Sight({ ownerDocument: page }, (seen) => told.push(seen));
  sight.start();
});
afterEach(() => Object.assign(globalThis, real));

test("a page that goes into the background is unseen after a moment, and seen again at once", () => {
  page.turn("hidden");
  tick(400);
  assert.deepEqual(told, []);
  tick(200);
  assert.deepEqual(told, [false]);
  page.turn("visible");
  assert.deepEqual(told, [false, true]);
});

test("an element that is scrolled past is not worth a word", () => {
  observer.report(false);
  tick(300);
  observer.report(true);
  tick(1000);
  assert.deepEqual(told, []);
  observer.report(false);
  tick(1000);
  assert.deepEqual(told, [false]);
});

test("in view of a hidden page it is not seen", () => {
  page.turn("hidden");
  tick(1000);
  observer.report(true);
  tick(1000);
  assert.deepEqual(told, [false]);
});

test("an element that is taken out of the page is no longer watched", () => {
  page.turn("hidden");
  sight.stop();
  tick(1000);
  page.turn("visible");
  assert.deepEqual(told, []);
  assert.ok(observer.ended);
});
