/** Two versions of one project that began as the same: what differs, and who changed it. Knows nothing
 * of the page. */

import { same } from "./model.js";

/** @typedef {import("./model.js").Project} Project */
/** @typedef {import("./model.js").Scene} Scene */
/** @typedef {{key: string, field: string, mine: any, theirs: any, by: "me"|"them"|"both"}} Difference key: a
 * scene's name, or "." and a field of the film */

const OWN = /** @type {(keyof Project)[]} */ ([
  "title", "avatar", "voice", "language", "style", "frame", "background", "music", "pronounce", "languages", "glossary", "subtitles",
]);

/** @param {any} before @param {any} mine @param {any} theirs */
function by(before, mine, theirs) {
  if (same(mine, before)) return "them";
  return same(theirs, before) ? "me" : "both";
}

/** What differs between two versions. before: what both began with. @param {Project} before
 * @param {Project} mine @param {Project} theirs @returns {Difference[]} */
export function differences(before, mine, theirs) {
  /** @type {Difference[]} */ const found = [];
  for (const field of OWN) {
    if (same(mine[field], theirs[field])) continue;
    found.push({ key: `.${field}`, field, mine: mine[field], theirs: theirs[field], by: by(before[field], mine[field], theirs[field]) });
  }
  const named = (/** @type {Project} */ project) => new Map(project.scenes.map((scene) => [scene.name, scene]));
  const [old, own, other] = [named(before), named(mine), named(theirs)];
  for (const name of new Set([...own.keys(), ...other.keys()])) {
    const [one, two] = [own.get(name), other.get(name)];
    if (!same(one ?? null, two ?? null)) found.push({ key: name, field: "scene", mine: one, theirs: two, by: by(old.get(name) ?? null, one ?? null, two ?? null) });
  }
  return found;
}

/** One project of both. takes: which version of each difference. @param {Project} mine @param {Project} theirs
 * @param {Map<string, "mine"|"theirs">} takes @returns {Project} */
export function merged(mine, theirs, takes) {
  /** @type {any} */ const project = { ...mine };
  for (const field of OWN) if (takes.get(`.${field}`) === "theirs") project[field] = theirs[field];
  const pick = (/** @type {string} */ name) => (takes.get(name) === "theirs" ? theirs : mine).scenes.find((scene) => scene.name === name);
  // In my order; scenes that only they have, behind the one that they follow there.
  const names = mine.scenes.map(({ name }) => name);
  theirs.scenes.forEach(({ name }, at) => {
    if (names.includes(name)) return;
    const before = theirs.scenes.slice(0, at).findLast((scene) => names.includes(scene.name));
    names.splice(before ? names.indexOf(before.name) + 1 : 0, 0, name);
  });
  project.scenes = names.map(pick).filter(Boolean);
  return project;
}

/** Whose version is taken of each where one alone changed it; mine where both did.
 * @param {Difference[]} found @returns {Map<string, "mine"|"theirs">} */
export const usual = (found) => new Map(found.map(({ key, by: who }) => [key, who === "them" ? "theirs" : "mine"]));
