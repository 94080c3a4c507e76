import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { REMARKS, remark } from "../../client/page/texts/remarks.js";
import { common } from "../../client/page/tongue.js";
import { direction, has, LANGUAGES, primary, t } from "../../client/page/texts/texts.js";

const texts = Object.fromEntries(
  await Promise.all(LANGUAGES.map(async (tag) => [tag, (await import(`../../client/page/texts/${tag}.js`)).default])),
);
const staff = Object.fromEntries(
  await Promise.all(LANGUAGES.map(async (tag) => [tag, (await import(`../../client/staff/texts/${tag}.js`)).default])),
);
const blanks = (/** @type {string} */ text) => [...text.matchAll(/\{\w+\}/g)].map(([name]) => name).sort();

for (const tag of LANGUAGES) {
  for (const [page, words] of Object.entries({ visitors: texts, staff })) {
    test(`the page of ${page} has all its words in ${tag}, with the same blanks`, () => {
      assert.deepEqual(Object.keys(words[tag]).sort(), Object.keys(words.en).sort());
      for (const [key, text] of Object.entries(words[tag])) {
        assert.ok(text, key);
        assert.deepEqual([...new Set(blanks(text))], [...new Set(blanks(words.en[key]))], key);
      }
    });
  }
}

test("the staff's page has every text that it asks for, and its HTML says the same in English", () => {
  const folder = new URL("../../client/staff/", import.meta.url);
  const code = readdirSync(folder).filter((name) => name.endsWith(".js")).map((name) => readFileSync(new URL(name, folder), "utf-8"));
  const html = readFileSync(new URL("../../client/staff.html", import.meta.url), "utf-8");
  const said = Object.keys(staff.en).filter((key) => code.some((text) => text.includes(`"${key}"`)) || html.includes(`"${key}"`));
  const made = /^staff\.(doing|state|mic|honest|voice|you|other|who|mood|reason)\./; // from what the server says
  assert.deepEqual(Object.keys(staff.en).filter((key) => !said.includes(key) && !made.test(key)), []);
  for (const text of code) for (const [, key] of text.matchAll(/"(staff\.[a-z.-]+)"/g)) assert.ok(staff.en[key], key);
  for (const [, key, text] of html.matchAll(/data-text="(staff\.[^"]+)">([^<]*)</g)) assert.equal(text, staff.en[key]);
});

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
  const photo = readFileSync(new URL("../../models/bake/remarks.py", import.meta.url), "utf-8");
  const said = [...photo.matchAll(/out\.append\(f?"([^"]+)"\)/g)].map(([, words]) => words);
  assert.equal(said.length, 11);
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
