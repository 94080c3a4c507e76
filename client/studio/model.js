/**
 * A project as the page edits it: the JSON of server/studio/document/project.py with every field
 * there, never changed in place. Knows nothing of the page.
 */

/** @typedef {{kind: string, value: string}} Background */
/** @typedef {{file: string, side: "left"|"right", share: number}} Beside */
/** @typedef {{name: string, line: string}} LowerThird */
/** @typedef {{file: string, level: number, ducked: number}} Music */
/** @typedef {{name: string, text: string, sound: string, avatar: string, voice: string, language: string,
 *   style: string, background: Background|null, beside: Beside|null, title: string,
 *   lower_third: LowerThird|null, after: number}} Scene */
/** @typedef {{title: string, scenes: Scene[], avatar: string, voice: string, language: string, style: string,
 *   frame: {aspect: string, lines: number}, background: Background, music: Music|null,
 *   pronounce: Record<string, string>, languages: string[], glossary: string[], subtitles: boolean}} Project */

export const ASPECTS = ["16:9", "9:16", "1:1", "4:5"];
export const LINES = [360, 480, 720, 1080];
export const BACKGROUNDS = ["own", "blur", "colour", "picture", "video", "transparent"];
const INHERITED = /** @type {const} */ (["avatar", "voice", "language", "style", "background"]);

/** @type {Omit<Scene, "name">} */
const SCENE = {
  text: "", sound: "", avatar: "", voice: "", language: "", style: "", background: null, beside: null,
  title: "", lower_third: null, after: 0.3,
};

/** @param {any} scene as the server has it, fields may be missing @returns {Scene} */
const wholeScene = (scene) => ({
  ...SCENE, ...scene,
  background: scene.background ? { kind: "own", value: "", ...scene.background } : null,
  beside: scene.beside ? { side: "right", share: 0.5, ...scene.beside } : null,
  lower_third: scene.lower_third ? { line: "", ...scene.lower_third } : null,
});

/** Every field filled in. @param {any} given @returns {Project} */
export function whole(given) {
  const project = {
    title: "", avatar: "", voice: "", language: "", style: "", music: null, pronounce: {}, languages: [],
    glossary: [], subtitles: false, ...given,
  };
  return {
    ...project,
    scenes: (given.scenes ?? []).map(wholeScene),
    frame: { aspect: "16:9", lines: 720, ...given.frame },
    background: { kind: "own", value: "", ...given.background },
    music: project.music ? { level: -16, ducked: 12, ...project.music } : null,
  };
}

/** The scene with the project's where it names none of its own. @param {Project} project @param {Scene} scene
 * @returns {Scene & {background: Background}} */
export function complete(project, scene) {
  const found = Object.fromEntries(INHERITED.map((field) => [field, scene[field] || project[field]]));
  return /** @type {any} */ ({ ...scene, ...found });
}

/** @param {Project} project @param {string} name */
export const sceneOf = (project, name) => project.scenes.find((scene) => scene.name === name);

/** A name that no scene has yet: "scene-3". @param {Project} project */
export function freeName(project) {
  const taken = new Set(project.scenes.map((scene) => scene.name));
  let number = project.scenes.length + 1;
  while (taken.has(`scene-${number}`)) number += 1;
  return `scene-${number}`;
}

/** @param {Project} project @param {string} name @param {Partial<Scene>} fields @returns {Project} */
export function withScene(project, name, fields) {
  const scenes = project.scenes.map((scene) => (scene.name === name ? { ...scene, ...fields } : scene));
  return { ...project, scenes };
}

/** A new scene behind another one; at the end where there is none of that name.
 * @param {Project} project @param {string} behind @param {Partial<Scene>} fields
 * @returns {{project: Project, name: string}} */
export function added(project, behind, fields = {}) {
  const name = freeName(project);
  const at = project.scenes.findIndex((scene) => scene.name === behind);
  const scenes = [...project.scenes];
  scenes.splice(at < 0 ? scenes.length : at + 1, 0, { ...SCENE, ...fields, name });
  return { project: { ...project, scenes }, name };
}

/** @param {Project} project @param {string} name @returns {Project} */
export const without = (project, name) => ({
  ...project, scenes: project.scenes.filter((scene) => scene.name !== name),
});

/** A scene moved to another place. @param {Project} project @param {string} name @param {number} to
 * @returns {Project} */
export function moved(project, name, to) {
  const from = project.scenes.findIndex((scene) => scene.name === name);
  const at = Math.max(0, Math.min(project.scenes.length - 1, to));
  if (from < 0 || from === at) return project;
  const scenes = [...project.scenes];
  scenes.splice(at, 0, ...scenes.splice(from, 1));
  return { ...project, scenes };
}

/** Cut in two at a place in its text: the second half is a scene of its own, with the first one's looks.
 * @param {Project} project @param {string} name @param {number} at
 * @returns {{project: Project, name: string}} */
export function split(project, name, at) {
  const scene = sceneOf(project, name);
  if (!scene) return { project, name };
  const { name: _name, ...looks } = scene;
  const first = withScene(project, name, { text: scene.text.slice(0, at).trimEnd() });
  return added(first, name, { ...looks, title: "", sound: "", text: scene.text.slice(at).trimStart() });
}

/** px across and down, both even, as the film has them. @param {{aspect: string, lines: number}} frame
 * @returns {[number, number]} */
export function sizeOf({ aspect, lines }) {
  const [across, down] = aspect.split(":").map(Number);
  const unit = lines / Math.min(across, down);
  return [2 * Math.round((across * unit) / 2), 2 * Math.round((down * unit) / 2)];
}

/** Files of the folder that the project names. @param {Project} project @returns {Set<string>} */
export function used(project) {
  const files = [project.music?.file, ofBackground(project.background)];
  for (const { sound, beside, background } of project.scenes) files.push(sound, beside?.file, ofBackground(background));
  return new Set(/** @type {string[]} */ (files.filter(Boolean)));
}

/** @param {Background|null} background */
function ofBackground(background) {
  return background && (background.kind === "picture" || background.kind === "video") ? background.value : "";
}

/** Whether two pieces of JSON say the same, whatever the order of their fields.
 * @param {any} one @param {any} other @returns {boolean} */
export function same(one, other) {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => key in other && same(one[key], other[key]));
}
