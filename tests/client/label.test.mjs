import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

globalThis.document ??= /** @type {any} */ ({});
const { isSeen, laid, placed } = await import("../../client/element/label.js");
const { clear } = await import("../../client/page/label.js");

const SQUARE = { width: 512, height: 512 };
const LABEL = { text: "AI", box: /** @type {[number, number, number, number]} */ ([0.87, 0.03, 0.1, 0.07]) };
const rounded = (/** @type {any} */ box) => Object.fromEntries(Object.entries(box).map(([key, px]) => [key, Math.round(/** @type {number} */ (px))]));

test("a picture that fills its box has its label where it is", () => {
  const box = laid(LABEL, SQUARE, { width: 1000, height: 1000 }, "cover", "50% 50%");
  assert.deepEqual(rounded(box), { left: 870, top: 30, right: 970, bottom: 100 });
  assert.ok(isSeen(box, { width: 1000, height: 1000 }, 0));
});

test("one that is cut off, or too small to read, is not seen", () => {
  const wide = { width: 1600, height: 900 };
  assert.ok(!isSeen(laid(LABEL, SQUARE, wide, "cover", "50% 50%"), wide, 0));
  assert.ok(isSeen(laid(LABEL, SQUARE, wide, "contain", "50% 50%"), wide, 0));
  const high = { width: 390, height: 844 };
  assert.ok(!isSeen(laid(LABEL, SQUARE, high, "cover", "50% 50%"), high, 0));
  const tiny = { width: 96, height: 96 };
  assert.ok(!isSeen(laid(LABEL, SQUARE, tiny, "cover", "50% 50%"), tiny, 0));
});

test("where the picture stands, its label stands", () => {
  const wide = { width: 1600, height: 900 };
  assert.equal(Math.round(laid(LABEL, SQUARE, wide, "cover", "50% 0%").top), 48);
  assert.equal(Math.round(laid(LABEL, SQUARE, wide, "contain", "0% 50%").left), 783);
  assert.deepEqual(rounded(laid(LABEL, SQUARE, wide, "fill", "50% 50%")), { left: 1392, top: 27, right: 1552, bottom: 90 });
});

test("round corners cut it off, and then it is in the middle below", () => {
  const size = { width: 300, height: 300 };
  const box = laid(LABEL, SQUARE, size, "cover", "50% 50%");
  assert.ok(isSeen(box, size, 12));
  assert.ok(!isSeen(box, size, 150));
  const at = placed(box, size, { width: 40, height: 24 }, 150);
  assert.deepEqual(rounded(at), { left: 130, top: 252, right: 170, bottom: 276 });
});

test("the element's own covers what is left of the picture's, in the same corner", () => {
  const high = { width: 390, height: 446 };
  const box = { left: 357, top: 10, right: 401, bottom: 50 };
  assert.deepEqual(placed(box, high, { width: 40, height: 24 }, 0), { left: 340, top: 10, right: 390, bottom: 50 });
  const gone = { left: 420, top: -60, right: 470, bottom: -20 };
  assert.deepEqual(placed(gone, high, { width: 40, height: 24 }, 0), { left: 340, top: 10, right: 380, bottom: 34 });
  const low = { left: -60, top: 460, right: -20, bottom: 490 };
  assert.deepEqual(placed(low, high, { width: 40, height: 24 }, 0), { left: 10, top: 412, right: 50, bottom: 436 });
});

test("the page's controls go beside it, or below it where there is no room", () => {
  assert.deepEqual(clear(null, 800, 700), { left: 0, right: 0, top: 0, bottom: 0 });
  assert.deepEqual(clear({ left: 720, top: 20, right: 780, bottom: 70 }, 800, 700), { left: 0, right: 68, top: 0, bottom: 0 });
  assert.deepEqual(clear({ left: 20, top: 20, right: 80, bottom: 70 }, 800, 700), { left: 68, right: 0, top: 0, bottom: 0 });
  assert.deepEqual(clear({ left: 340, top: 10, right: 390, bottom: 50 }, 390, 446), { left: 0, right: 0, top: 38, bottom: 0 });
  assert.deepEqual(clear({ left: 20, top: 640, right: 80, bottom: 680 }, 800, 700), { left: 0, right: 0, top: 0, bottom: 48 });
});

for (const tag of ["en", "de", "fr", "es", "zh", "ar"]) {
  test(`the page says in ${tag} what the server says`, async () => {
    const texts = (await import(`../../client/page/texts/${tag}.js`)).default;
    const data = readFileSync(new URL(`../../engines/data/phrasebook.${tag}.toml`, import.meta.url), "utf-8");
    const [, said] = data.match(/\[disclosure\]\nspoken = "(.*)"/) ?? [];
    assert.equal(texts["disclosure.spoken"], said);
    assert.ok(texts["kiosk.greeting.disclosed"].includes(said));
  });
}
