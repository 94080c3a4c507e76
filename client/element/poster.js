/** The still portrait of an avatar, before the first picture and when there is none. */

import { authorization } from "./authorization.js";

/** @param {string} server @param {string} token */
async function defaultAvatar(server, token) {
  const url = new URL("v1/avatars", server);
  const response = await fetch(url, { headers: authorization(token) }).catch(() => null);
  if (!response?.ok) return "";
  const { avatars } = await response.json();
  return (avatars.find((/** @type {any} */ each) => each.default) ?? avatars[0])?.name ?? "";
}

/** @param {string|null} label as of the response's header; older servers send none */
function read(label) {
  return label ? JSON.parse(label) : null;
}

export class Poster {
  /** In the picture. @type {import("./label.js").Labelled|null} */ label = null;
  #reveal;
  #preview = "";

  /** @param {HTMLImageElement} image @param {(image: HTMLImageElement) => void} reveal */
  constructor(image, reveal) {
    this.image = image;
    this.#reveal = reveal;
    image.alt = "";
  }

  /** @param {{server: string, avatar: string, token: string}} target avatar: "": the server's default */
  async load({ server, avatar, token }) {
    const name = avatar || (await defaultAvatar(server, token));
    const url = name && new URL(`v1/avatars/${encodeURIComponent(name)}/preview.webp`, server).href;
    if (!url || url === this.#preview) return;
    this.#preview = url;
    // fetched, not linked: an image tag cannot carry a token
    const response = await fetch(url, { headers: authorization(token) }).catch(() => null);
    if (!response?.ok || this.#preview !== url) return;
    this.label = read(response.headers.get("Visavis-Label"));
    URL.revokeObjectURL(this.image.src);
    this.image.src = URL.createObjectURL(await response.blob());
    await this.image.decode().catch(() => undefined); // unreadable: the dark stage stays
    if (this.image.naturalWidth) this.#reveal(this.image);
  }
}
