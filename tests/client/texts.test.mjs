import assert from "node:assert/strict";
import { test } from "node:test";

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
