/** A new avatar from a photo: the dialog of the visitors' page, taken from there when it is first asked for. */

import { byId } from "../page/dom.js";
import { translate } from "../page/texts/texts.js";

export class Faces {
  /** @type {Promise<{open: () => void}>|null} */ #ready = null;

  /** @param {import("../visavis-avatar.js").VisavisAvatar} element whose token is used
   * @param {() => any[]} voices @param {(name: string) => void} use a new avatar */
  constructor(element, voices, use) {
    this.element = element;
    this.voices = voices;
    this.use = use;
  }

  /** Who is to be told of the avatar that is made; the dialog opens. @param {string} presence "off" | "asked" | "required"
   * @param {(name: string) => void} [use] */
  async open(presence, use) {
    if (use) this.use = use;
    this.#ready ??= this.#load();
    const creation = await this.#ready;
    byId("create").dataset.presence = presence;
    creation.open();
  }

  async #load() {
    const page = await (await fetch("index.html")).text();
    const dialog = new DOMParser().parseFromString(page, "text/html").querySelector("#create");
    if (!dialog) throw new Error("index.html has no dialog that makes an avatar");
    byId("dialogs").append(document.importNode(dialog, true));
    translate(byId("create"));
    const { Creation } = await import("../page/create.js");
    return new Creation(this.element, (name) => {
      byId("create").close();
      this.use(name);
    }, this.voices);
  }
}
