import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { letters, marks, signs } from "../../client/page/kiosk/layouts.js";
import { changed, grey, Motion } from "../../client/page/kiosk/motion.js";
import { hours, isQuiet, minuteOfDay, optionsOf } from "../../client/page/kiosk/options.js";
import { Visit } from "../../client/page/kiosk/visit.js";
import { askedFor } from "../../client/page/kiosk/wishes.js";
import { LANGUAGES, speak, t } from "../../client/page/texts/texts.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Time that does not wait. */
class Clock {
  #now = 0;
  #due = [];
  now() { return this.#now; }
  after(ms, act) {
    const one = { at: this.#now + ms, act };
    this.#due.push(one);
    return () => (this.#due = this.#due.filter((each) => each !== one));
  }
  get pending() { return this.#due.length; }
  pass(ms) {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#due.filter(({ at }) => at <= end).sort((one, two) => one.at - two.at)[0];
      if (!next) break;
      this.#due = this.#due.filter((each) => each !== next);
      this.#now = next.at;
      next.act();
    }
    this.#now = end;
  }
}

const OPTIONS = optionsOf(new URLSearchParams(), new URLSearchParams());
let clock, told, visit;
beforeEach(() => {
  clock = new Clock();
  told = [];
  visit = new Visit(clock, OPTIONS, (phase) => told.push([clock.now() / SECOND, phase]));
});

// --- a visit -----------------------------------------------------------------------------------

test("a silence is warned of, said goodbye to, and forgotten", () => {
  visit.arrive("touch");
  clock.pass(2 * MINUTE);
  visit.said();
  clock.pass(MINUTE);
  assert.deepEqual(told, [[0, "visit"], [60, "warning"], [90, "goodbye"], [99, "standby"]]);
  assert.equal(clock.pending, 0);
});

test("the goodbye ends once it was said, and stays to be read", () => {
  visit.arrive("question");
  visit.finish("asked");
  clock.pass(2 * SECOND);
  visit.said();
  clock.pass(10 * SECOND);
  assert.deepEqual(told.at(-1), [5.5, "standby"]);
});

test("a touch, a key or a voice is more time, ten times and more", () => {
  visit.arrive("touch");
  for (const sign of ["touch", "key", "voice", "question", "touch", "key", "voice", "touch", "key", "voice"]) {
    clock.pass(70 * SECOND);
    assert.equal(visit.phase, "warning");
    visit.sign(sign);
    assert.equal(visit.phase, "visit");
  }
});

test("the avatar's own voice is a sign of life, but not in its warning", () => {
  visit.arrive("touch");
  for (let second = 0; second < 300; second += 20) {
    clock.pass(20 * SECOND);
    visit.sign("reply");
  }
  assert.equal(visit.phase, "visit");
  clock.pass(61 * SECOND);
  visit.sign("reply");
  assert.equal(visit.phase, "warning");
});

test("nobody is cut off while they speak", () => {
  visit.arrive("touch");
  clock.pass(89 * SECOND);
  visit.speaking(true);
  clock.pass(3 * SECOND);
  assert.equal(visit.phase, "warning");
  visit.sign("voice");
  assert.equal(visit.phase, "visit");
});

test("a voice that never says a word does not hold the goodbye back for long", () => {
  visit.arrive("touch");
  clock.pass(89 * SECOND);
  visit.speaking(true);
  clock.pass(20 * SECOND);
  assert.equal(visit.phase === "goodbye" || visit.phase === "standby", true);
});

test("a television does not hold a kiosk for longer than its longest", () => {
  visit.arrive("voice");
  for (let second = 0; second < 20 * 60; second += 10) {
    clock.pass(10 * SECOND);
    if (visit.phase !== "standby") visit.sign("voice");
  }
  assert.deepEqual(told.slice(0, 4), [[0, "visit"], [840, "warning"], [900, "goodbye"], [909, "standby"]]);
});

test("a person has more time by a touch, even then, and again", () => {
  visit.arrive("touch");
  let warnings = 0;
  for (let second = 0; second < 3600; second += 10) {
    clock.pass(10 * SECOND);
    if (visit.phase === "warning") {
      warnings += 1;
      assert.equal(visit.reason, "length");
      visit.sign("touch");
    } else visit.sign("voice");
  }
  assert.equal(visit.phase, "visit");
  assert.ok(warnings >= 6, String(warnings));
});

test("who is still there after the goodbye goes on; who finished does not", () => {
  visit.arrive("touch");
  clock.pass(91 * SECOND);
  assert.equal(visit.phase, "goodbye");
  visit.sign("touch");
  assert.equal(visit.phase, "visit");
  visit.finish("asked");
  visit.sign("touch");
  assert.equal(visit.phase, "goodbye");
});

test("who only passes by is greeted, and left alone without a word", () => {
  visit.arrive("presence");
  clock.pass(2 * MINUTE);
  assert.deepEqual(told.map(([, phase]) => phase), ["visit", "standby"]);
});

test("who walks away is not greeted as the next, but a touch is", () => {
  visit.arrive("touch");
  visit.finish("asked");
  clock.pass(10 * SECOND);
  visit.arrive("presence");
  assert.equal(visit.phase, "standby");
  visit.arrive("touch");
  assert.equal(visit.phase, "visit");
});

test("a session that is over ends the visit at once", () => {
  visit.arrive("touch");
  visit.finish("lost");
  assert.equal(visit.phase, "standby");
  assert.equal(clock.pending, 0);
});

test("twelve hours with a visitor every five minutes leave nothing behind", () => {
  let visits = 0;
  for (let at = 0; at < 12 * HOUR; at += 5 * MINUTE) {
    visit.arrive(["touch", "presence", "voice", "question"][visits % 4]);
    visits += 1;
    clock.pass(20 * SECOND);
    visit.sign("question");
    clock.pass(5 * MINUTE - 20 * SECOND);
    assert.equal(visit.phase, "standby");
    assert.equal(clock.pending, 0, "no timer outlives a visitor");
  }
  assert.equal(told.filter(([, phase]) => phase === "visit").length, visits);
  assert.equal(told.filter(([, phase]) => phase === "standby").length, visits);
});

// --- what an operator says ---------------------------------------------------------------------

const options = (query, hash = "") => optionsOf(new URLSearchParams(query), new URLSearchParams(hash));

test("the address says how a kiosk behaves, and nonsense in it does not stop one", () => {
  const said = options("kiosk=60&longest=5&invite=300&quiet=20-6&reload=03:30&presence=camera&ask=One%3F&ask=Two%3F&rest=30", "pin=4711");
  assert.equal(said.silence, 60 * SECOND);
  assert.equal(said.warning, 30 * SECOND);
  assert.equal(said.longest, 5 * MINUTE);
  assert.equal(said.lastWarning, MINUTE);
  assert.deepEqual([said.invite, said.rest, said.reload, said.camera], [300 * SECOND, 30 * SECOND, 210, true]);
  assert.deepEqual(said.questions, ["One?", "Two?"]);
  assert.equal(said.pin, "4711");
  const wrong = options("kiosk=-3&longest=soon&invite=1&quiet=later&reload=25:00", "pin=12ab");
  const plain = options("kiosk");
  assert.deepEqual({ ...wrong, quiet: plain.quiet }, plain);
  assert.deepEqual([plain.silence, plain.warning, plain.longest, plain.pin, plain.camera, plain.invite], [90 * SECOND, 30 * SECOND, 15 * MINUTE, "", false, 0]);
});

test("quiet hours go over midnight, and the night's reload can be switched off", () => {
  const night = hours("22-7");
  assert.deepEqual([21, 22, 3, 7].map((hour) => isQuiet(night, hour)), [false, true, true, false]);
  assert.deepEqual([11, 12, 13, 14].map((hour) => isQuiet(hours("12-14"), hour)), [false, true, true, false]);
  assert.equal(isQuiet(hours("never"), 3), false);
  assert.equal(minuteOfDay("off", 240), null);
  assert.equal(minuteOfDay("4:05", 0), 245);
});

// --- who comes ---------------------------------------------------------------------------------

const WIDTH = 40, HEIGHT = 30;
let seed = 1;
const noise = () => ((seed = (seed * 16807) % 2147483647) / 2147483647 - 0.5);

/** A room with the noise of a cheap camera, `lamp` brighter, and a person from column `x` on. */
function room({ x = null, lamp = 0, grain = 8, sway = 0 } = {}) {
  const cells = new Uint8Array(WIDTH * HEIGHT);
  for (let at = 0; at < cells.length; at++) {
    const [column, row] = [at % WIDTH, Math.floor(at / WIDTH)];
    const inside = x !== null && column >= x + (row < 10 ? sway : 0) && column < x + 9 && row > 5;
    cells[at] = Math.max(0, Math.min(255, (inside ? 60 : 130 + column) + lamp + grain * noise()));
  }
  return cells;
}

/** Whether somebody came, looking five times a second. */
function watched(pictures, motion = new Motion()) {
  const came = pictures.map((picture, at) => motion.step(picture, at * 200));
  return { motion, came: came.filter(Boolean).length };
}

test("an empty room is empty, by day, by night and when the lamp is switched on", () => {
  const pictures = Array.from({ length: 300 }, (_, at) => room({ lamp: at > 100 ? 40 : 0, grain: at > 200 ? 16 : 8 }));
  assert.equal(watched(pictures).came, 0);
});

test("somebody who comes is noticed within a second, once, and stays while they stand and read", () => {
  const walk = Array.from({ length: 8 }, (_, at) => room({ x: 2 * at }));
  const stand = Array.from({ length: 200 }, (_, at) => room({ x: 16, sway: Math.floor(at / 5) % 2 * 2 }));
  const { motion, came } = watched([room(), room(), ...walk, ...stand]);
  assert.equal(came, 1);
  assert.equal(motion.isThere, true);
  const gone = Array.from({ length: 100 }, () => room());
  gone.forEach((picture, at) => motion.step(picture, 210 * 200 + at * 200));
  assert.equal(motion.isThere, false);
});

test("a flash is nobody", () => {
  const flash = (at) => room({ lamp: at === 20 ? 90 : 0 });
  assert.equal(watched(Array.from({ length: 60 }, (_, at) => flash(at))).came, 0);
});

test("pictures of another size begin anew", () => {
  const motion = new Motion();
  motion.step(new Uint8Array(4), 0);
  assert.equal(motion.step(new Uint8Array(9).fill(200), 200), false);
  assert.equal(changed(new Uint8Array([0, 0, 0, 100]), new Uint8Array([0, 0, 0, 0])), 1);
  assert.deepEqual([...grey(new Uint8ClampedArray([255, 255, 255, 255, 0, 0, 0, 255]))], [255, 0]);
});

// --- what they say to the warning ----------------------------------------------------------------

const SAID = {
  en: ["Yes.", "Wait, please!", "No, thank you.", "Yes, where is breakfast?", "I'm still here."],
  es: ["Sí.", "Un momento, por favor.", "No, gracias.", "Sí, ¿cuándo es el desayuno los domingos?", "Sigo aquí."],
  fr: ["Oui !", "Attendez, s'il vous plaît.", "Non merci.", "Oui, à quelle heure est le petit déjeuner ?", "Je suis là."],
  de: ["Ja.", "Einen Moment bitte.", "Nein danke.", "Ja, wann gibt es sonntags Frühstück?", "Ich bin noch da."],
  zh: ["在。", "等一下。", "不用了。", "早餐几点开始？", "我在。"],
  ar: ["نعم.", "لحظة من فضلك.", "لا شكرا.", "نعم، متى يكون الفطور يوم الأحد؟", "أنا هنا."],
};

test("yes, wait and no are understood in all six languages, and a question is one", async () => {
  for (const tag of LANGUAGES) {
    await speak(tag).catch(() => undefined); // there is no document here
    assert.deepEqual(SAID[tag].map((text) => askedFor(text, t)), ["more", "more", "finish", "", "more"], tag);
  }
});

// --- keys ----------------------------------------------------------------------------------------

test("each language can be typed: its letters, marks and figures", () => {
  const alphabet = { en: "abcdefghijklmnopqrstuvwxyz", es: "ñáéíóúü¿¡z", fr: "éèêàçùœz", de: "äöüßz", ar: "ابتثجحخدذرزسشصضطظعغفقكلمنهويءةىأإآؤئ", zh: "abcz" };
  for (const [tag, wanted] of Object.entries(alphabet)) {
    const keys = new Set(letters(tag).flat());
    for (const letter of wanted) assert.ok(keys.has(letter), `${tag} lacks ${letter}`);
    const all = letters(tag).flat();
    assert.equal(new Set(all).size, all.length, `${tag} has a key twice`);
    assert.ok(letters(tag).every((row) => row.length <= 12), `${tag} has a row too long to touch`);
    assert.equal(marks(tag).length, 3);
  }
  assert.deepEqual(signs()[0], [..."1234567890"]);
});
