import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { REMARKS, remark } from "../../client/page/texts/remarks.js";
import { common } from "../../client/page/tongue.js";
import { direction, has, LANGUAGES, primary, t } from "../../client/page/texts/texts.js";

const texts = Object.fromEntries(
  await Promise.all(LANGUAGES.map(async (tag) => [tag, (await import(`../../client/page/texts/${tag}.js`)).default])),
);
const blanks = (/** @type {string} */ text) => [...text.matchAll(/\{\w+\}/g)].map(([name]) => name).sort();

for (const tag of LANGUAGES) {
  test(`the page has all its words in ${tag}, with the same blanks`, () => {
    assert.deepEqual(Object.keys(texts[tag]).sort(), Object.keys(texts.en).sort());
    for (const [key, text] of Object.entries(texts[tag])) {
      assert.ok(text, key);
      assert.deepEqual([...new Set(blanks(text))], [...new Set(blanks(texts.en[key]))], key);
    }
  });
}

test("a text is filled in, and an unknown one is an error", () => {
  assert.equal(t("language.name"), "English");
  assert.ok(has("language.name"));
  assert.throws(() => t("no.such"), /no\.such/);
});

test("tags and directions", () => {
  assert.equal(primary("pt-BR"), "pt");
  assert.deepEqual(["ar-EG", "zh", "en"].map(direction), ["rtl", "ltr", "ltr"]);
});

test("every key that the page's HTML asks for is there", () => {
  const html = readFileSync(new URL("../../client/index.html", import.meta.url), "utf-8");
  const keys = [...html.matchAll(/data-text(?:-\w+)?="([^"]+)"/g)].map(([, key]) => key);
  assert.ok(keys.length > 60);
  for (const key of keys) assert.ok(has(key), key);
});

test("what the page's HTML says without a script is its English", () => {
  const html = readFileSync(new URL("../../client/index.html", import.meta.url), "utf-8");
  for (const [, key, text] of html.matchAll(/data-text="([^"]+)">([^<]*)</g)) assert.equal(text, t(key));
});

test("what the server may say of a photo is known to the page", () => {
  const photo = readFileSync(new URL("../../models/bake/photo.py", import.meta.url), "utf-8");
  const said = [...photo.matchAll(/out\.append\(f?"([^"]+)"\)/g)].map(([, words]) => words);
  assert.equal(said.length, 8);
  for (const words of said.map((each) => each.replace(/\{.*?\}/, "90"))) {
    assert.equal(REMARKS.filter(([begins]) => begins.test(words)).length, 1, words);
    assert.equal(remark(words), words);
  }
});

test("the first of the visitor's languages that is spoken there", () => {
  assert.equal(common(["it-IT", "de-AT", "en"], ["en", "de"]), "de-AT");
  assert.equal(common(["it-IT"], ["en", "de"]), "");
});

test("the page that looks for marks has all its words, and its English is what its HTML says", () => {
  const read = (/** @type {string} */ name) => readFileSync(new URL(`../../client/${name}`, import.meta.url), "utf-8");
  const html = read("detect.html");
  const keys = [...html.matchAll(/data-text="([^"]+)">([^<]*)</g)];
  assert.ok(keys.length > 6);
  for (const [, key, text] of keys) assert.equal(text, t(key));
  const asked = [...read("detect/detect.js").matchAll(/\bt\((?:\w+ \? )?"(detect\.[\w.-]+)"/g)].map(([, key]) => key);
  assert.ok(asked.length > 6);
  for (const key of asked) assert.ok(has(key), key);
  for (const kind of ["other", "live", "video", "camera", "published", "embedded"]) assert.ok(has(`detect.session.${kind}`));
});
