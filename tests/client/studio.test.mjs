// The studio without its DOM: scripts and their marks, projects and their versions, undo, texts.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";

import page from "../../client/page/texts/en.js";
import { LANGUAGES } from "../../client/page/texts/texts.js";
import { ALL, keyOf, matching } from "../../client/studio/directions.js";
import { fileName, freeFile } from "../../client/studio/files.js";
import { History } from "../../client/studio/history.js";
import { scenesOf, titleOf } from "../../client/studio/home.js";
import * as marks from "../../client/studio/marks.js";
import { differences, merged, usual } from "../../client/studio/merging.js";
import * as model from "../../client/studio/model.js";
import { clock } from "../../client/studio/words.js";

const STUDIO = new URL("../../client/studio/", import.meta.url);
const texts = Object.fromEntries(
  await Promise.all(LANGUAGES.map(async (tag) => [tag, (await import(`../../client/studio/texts/${tag}.js`)).default])),
);
const blanks = (/** @type {string} */ text) => [...new Set([...text.matchAll(/\{\w+\}/g)].map(([name]) => name))].sort();
const project = (/** @type {any} */ fields = {}) => model.whole({ scenes: [{ name: "one", text: "First." }, { name: "two", text: "Second." }], ...fields });

for (const tag of LANGUAGES) {
  test(`the studio has all its words in ${tag}, with the same blanks`, () => {
    assert.deepEqual(Object.keys(texts[tag]).sort(), Object.keys(texts.en).sort());
    for (const [key, text] of Object.entries(texts[tag])) {
      assert.ok(text, key);
      assert.deepEqual(blanks(text), blanks(texts.en[key]), key);
    }
  });
}

test("the studio asks for texts that are there, has none that nobody asks for, and its HTML says the same", () => {
  const code = readdirSync(STUDIO).filter((name) => name.endsWith(".js")).map((name) => readFileSync(new URL(name, STUDIO), "utf-8")).join("\n");
  const html = readFileSync(new URL("../../client/studio.html", import.meta.url), "utf-8");
  const asked = new Set([...`${code}\n${html}`.matchAll(/"((?:studio|creation|consent|trouble|key|settings)\.[a-zA-Z0-9._-]+)"/g)].map(([, key]) => key));
  const known = { ...page, ...texts.en };
  for (const key of asked) assert.ok(known[key], key);
  const made = /^studio\.(direction|background|aspect|field|formats?|status|saved|tab|fault|voice\.consent|conflict\.(by|yours|others))\b/;
  assert.deepEqual(Object.keys(texts.en).filter((key) => !asked.has(key) && !made.test(key)), []);
  for (const [, key, text] of html.matchAll(/data-text="([^"]+)">([^<]*)</g)) assert.equal(text, known[key], key);
  for (const word of ALL) assert.ok(texts.en[keyOf(word)], word);
  for (const kind of model.BACKGROUNDS) assert.ok(texts.en[`studio.background.${kind}`]);
});

test("what stands in a script besides words", () => {
  const text = "[warm] Hello {{first_name|there}}. [pause 1.2] Bye [pause]";
  assert.deepEqual(marks.marks(text).map(({ kind, value }) => [kind, value]), [
    ["direction", "warm"], ["field", "first_name|there"], ["pause", "1.2"], ["pause", "0.5"],
  ]);
  assert.equal(marks.markAt(text, 3)?.value, "warm");
  assert.equal(marks.markAt(text, 6), undefined); // behind it
  assert.equal(marks.pauseOf(0.74), "[pause 0.7]");
  assert.deepEqual([0, 99].map(marks.pauseOf), ["[pause 0.1]", "[pause 10]"]);
  assert.equal(marks.removed("One [nods] two", marks.marks("One [nods] two")[0]), "One two");
  assert.deepEqual(marks.inserted("One two", 3, "[nods]"), { text: "One [nods] two", at: 11 });
  assert.deepEqual(marks.inserted("", 0, "[nods]"), { text: "[nods] ", at: 7 });
  assert.deepEqual(marks.opening("Hello [wa", 9), { from: 6, typed: "wa" });
  assert.equal(marks.opening("Hello [wa] there", 9), null); // closed already
});

test("the columns that a script asks for", () => {
  const text = "{{First Name|you}} {{#if not city}}a{{else if points > 3}}b{{else}}c{{/if}} {{#if city = \"Rome\"}}x{{/if}}";
  assert.deepEqual(marks.fields(text), ["first_name", "city", "points"]);
  assert.equal(marks.filled("Hi {{first_name|there}}{{#if city}} in {{city}}{{else}} at home{{/if}}."), "Hi there in city.");
});

test("the sentence at the caret, with the direction in force", () => {
  const text = "[warm] Welcome, Anna! It costs 2.5 euros. [serious, slower] Mind the step.\nBye";
  assert.deepEqual(marks.sentences(text).map(({ words, direction }) => [words, direction]), [
    ["Welcome, Anna!", "warm"], ["It costs 2.5 euros.", "warm"], ["Mind the step.", "serious, slower"], ["Bye", "serious, slower"],
  ]);
  assert.equal(marks.asSaid(marks.sentenceAt(text, 30)), "[warm] It costs 2.5 euros.");
  assert.equal(marks.sentenceAt(text, text.length).words, "Bye");
  assert.equal(marks.sentenceAt("[nods] ", 3).words, "");
  assert.deepEqual(marks.sentences("你好。再见！").map(({ words }) => words), ["你好。", "再见！"]);
});

test("about how long it takes", () => {
  assert.equal(marks.seconds("[pause 2]"), 2);
  assert.ok(Math.abs(marks.seconds("one two three four five six seven eight nine ten") - 3.85) < 0.1);
  assert.ok(marks.seconds("今天天气很好。") > 1);
  assert.deepEqual([4.4, 75, 3725].map(clock), ["0:04", "1:15", "1:02:05"]);
});

test("directions are found by their own words and the page's", () => {
  const german = (/** @type {string} */ key) => texts.de[key];
  assert.deepEqual(matching("conf", german), ["confident"]);
  assert.ok(matching("lang", german).includes("slower"));
  assert.deepEqual(matching("zzz", german), []);
});

test("a project is whole, whatever the server leaves out, and scenes have the film's looks", () => {
  const whole = model.whole({ scenes: [{ name: "a", beside: { file: "x.png" } }], background: { kind: "blur" } });
  assert.deepEqual(whole.scenes[0].beside, { side: "right", share: 0.5, file: "x.png" });
  assert.equal(whole.scenes[0].after, 0.3);
  assert.deepEqual(model.complete(whole, whole.scenes[0]).background, { kind: "blur", value: "" });
  assert.deepEqual([...model.used(project({ music: { file: "m.mp3" } }))], ["m.mp3"]);
  assert.deepEqual(["16:9", "9:16", "4:5"].map((aspect) => model.sizeOf({ aspect, lines: 1080 })), [[1920, 1080], [1080, 1920], [1080, 1350]]);
});

test("scenes are added, moved, cut and taken out; nothing is changed in place", () => {
  const before = project();
  const text = JSON.stringify(before);
  const { project: more, name } = model.added(before, "one", { text: "New." });
  assert.deepEqual(more.scenes.map((scene) => scene.name), ["one", name, "two"]);
  assert.deepEqual(model.moved(more, "two", -5).scenes.map((scene) => scene.name), ["two", "one", name]);
  assert.deepEqual(model.without(more, "one").scenes.map((scene) => scene.name), [name, "two"]);
  const cut = model.split(project({ scenes: [{ name: "one", text: "First. Second.", title: "T", voice: "heart" }] }), "one", 6);
  assert.deepEqual(cut.project.scenes.map((scene) => [scene.text, scene.title, scene.voice]), [["First.", "T", "heart"], ["Second.", "", "heart"]]);
  assert.equal(JSON.stringify(before), text);
});

test("what follows quickly under one key is undone together", () => {
  let now = 0;
  const history = new History("", () => now);
  for (const text of ["a", "ab", "abc"]) history.push(text, "text", "one");
  now = 5000;
  history.push("abcd", "text", "one");
  history.push("abcde", "other", "two");
  assert.equal(history.undo(), "two");
  assert.equal(history.state, "abcd");
  history.undo();
  assert.equal(history.state, "abc");
  history.undo();
  assert.equal(history.state, "");
  assert.equal(history.undo(), null);
  history.redo();
  assert.equal(history.state, "abc");
  history.push("other");
  assert.ok(!history.canRedo);
});

test("two versions: whoever alone changed something is right, and both are asked where both did", () => {
  const before = project({ title: "Old" });
  const mine = model.withScene({ ...before, title: "Mine" }, "one", { text: "Mine." });
  const theirs = model.added(model.withScene({ ...before, title: "Theirs" }, "two", { text: "Theirs." }), "one", { text: "New." }).project;
  const found = differences(before, mine, theirs);
  assert.deepEqual(found.map(({ key, by }) => [key, by]), [[".title", "both"], ["one", "me"], ["two", "them"], ["scene-3", "them"]]);
  const both = merged(mine, theirs, usual(found));
  assert.equal(both.title, "Mine");
  assert.deepEqual(both.scenes.map(({ text }) => text), ["Mine.", "New.", "Theirs."]);
  const other = merged(mine, theirs, new Map([[".title", "theirs"], ["one", "theirs"], ["two", "theirs"], ["scene-3", "mine"]]));
  assert.deepEqual([other.title, ...other.scenes.map(({ text }) => text)], ["Theirs", "First.", "Theirs."]);
  const deleted = differences(before, model.without(before, "two"), before);
  assert.deepEqual(merged(model.without(before, "two"), before, usual(deleted)).scenes.map(({ name }) => name), ["one"]);
});

test("a script that is pasted: paragraphs are scenes, its first words a title", () => {
  assert.deepEqual(scenesOf("One\nstill one\r\n\r\n\r\n Two ").map(({ text }) => text), ["One\nstill one", "Two"]);
  assert.deepEqual(scenesOf("").map(({ name }) => name), ["scene-1"]);
  assert.equal(titleOf("[warm] Welcome to us, {{first_name}}. More"), "Welcome to us");
});

test("names of files are taken as the server takes them, and none is written over", () => {
  assert.equal(fileName("Strand & Meer.JPG"), "strand-meer.jpg");
  assert.equal(fileName("../..png"), "file.png");
  assert.equal(freeFile([{ name: "a.png" }, { name: "a-2.png" }], "a.png"), "a-3.png");
});
