/**
 * What is open in the studio, and the one way to change it: project, chosen scene, undo, and what the
 * server said last. Everything that shows it listens.
 */

import { History } from "./history.js";
import { added, complete, sceneOf, whole } from "./model.js";

/** @typedef {import("./model.js").Project} Project */
/** @typedef {import("./model.js").Scene} Scene */
/** @typedef {{scene: string, line: number, what: string, fix: string, grave: boolean}} Fault */
/** @typedef {{name: string, bytes: number, kind: string}} FileKept */

export class Studio {
  /** Of the project, as the server knows it. */ name = "";
  etag = "";
  /** @type {FileKept[]} */ files = [];
  /** @type {Fault[]} */ faults = [];
  seconds = 0;
  /** What the server has. @type {Project} */ kept = whole({});
  /** The chosen scene's name. */ scene = "";
  /** @type {any[]} */ avatars = [];
  /** @type {any[]} */ voices = [];
  /** @type {string[]} */ languages = [];
  /** The installation's own. */ language = "en";
  /** Whether avatars can be made here. */ creates = false;
  /** Languages into which the open film can be put; null: nobody knows. @type {string[]|null} */ possible = null;
  #history = new History(this.kept);
  /** @type {Set<(why: string) => void>} */ #listeners = new Set();

  /** @param {(why: string) => void} listener why: "edit" | "scene" | "server" | "open" | "choices" */
  listen(listener) {
    this.#listeners.add(listener);
  }

  /** @param {string} why */
  tell(why) {
    for (const listener of this.#listeners) listener(why);
  }

  /** @returns {Project} */
  get project() {
    return this.#history.state;
  }

  /** The chosen scene. @returns {Scene|undefined} */
  get chosen() {
    return sceneOf(this.project, this.scene) ?? this.project.scenes[0];
  }

  /** The chosen scene with what is the film's. */
  get shown() {
    return this.chosen && complete(this.project, this.chosen);
  }

  get canUndo() {
    return this.#history.canUndo;
  }

  get canRedo() {
    return this.#history.canRedo;
  }

  /** @param {any} answer of the server, of a project that is opened */
  open(answer) {
    this.name = answer.name;
    this.kept = whole(answer.project);
    this.#history = new History(this.kept);
    this.scene = this.kept.scenes[0]?.name ?? "";
    this.#heard(answer);
    this.tell("open");
    if (this.kept.scenes.length) return;
    const { project, name } = added(this.kept, "");
    this.edit(project, "", name);
  }

  /** It was kept: this is what the server has now. @param {any} answer @param {Project} sent */
  saved(answer, sent) {
    this.kept = sent;
    this.#heard(answer);
    this.tell("server");
  }

  /** @param {any} answer */
  #heard({ etag, files = [], faults = [], seconds = 0 }) {
    this.etag = etag;
    Object.assign(this, { files, faults, seconds });
  }

  /** key: what follows under it quickly is undone together. @param {Project} project @param {string} key
   * @param {string} scene which one is chosen then */
  edit(project, key = "", scene = this.scene) {
    if (project === this.project && scene === this.scene) return;
    this.#history.push(project, key, this.scene);
    this.scene = scene;
    this.tell("edit");
  }

  /** @param {(project: Project) => Project} change @param {string} key */
  change(change, key = "") {
    this.edit(change(this.project), key);
  }

  /** The other editor's version, or what was made of both. @param {any} answer @param {Project} project */
  adopt(answer, project) {
    this.kept = whole(answer.project);
    this.etag = answer.etag;
    this.#history.push(project);
    this.tell("edit");
  }

  /** @param {string} name */
  choose(name) {
    if (name === this.scene || !sceneOf(this.project, name)) return;
    this.scene = name;
    this.#history.close();
    this.tell("scene");
  }

  undo() {
    this.#step(this.#history.undo());
  }

  redo() {
    this.#step(this.#history.redo());
  }

  /** @param {string|null} where */
  #step(where) {
    if (where === null) return;
    if (sceneOf(this.project, where)) this.scene = where;
    else this.scene = this.chosen?.name ?? "";
    this.tell("edit");
  }

  /** @param {string} name "" for the installation's own */
  avatar(name) {
    return this.avatars.find((each) => (name ? each.name === name : each.default)) ?? this.avatars[0];
  }
}
