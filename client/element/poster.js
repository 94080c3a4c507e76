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

export class Poster {
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
    URL.revokeObjectURL(this.image.src);
    this.image.src = URL.createObjectURL(await response.blob());
    await this.image.decode().catch(() => undefined); // unreadable: the dark stage stays
    if (this.image.naturalWidth) this.#reveal(this.image);
  }
}
