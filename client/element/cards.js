/**
 * The card that an avatar shows beside its words: a picture, a link or a map, one at a time.
 *
 * It lies over the picture, says to a screen reader what it is, takes no focus, and can be put away.
 * Pictures of the server are fetched, since an image tag cannot carry a token. On a kiosk a link is
 * a QR code for the visitor's own phone: nothing there leads away from the page.
 */

import { authorization } from "./authorization.js";

/**
 * @typedef {object} Card
 * @property {"picture"|"link"|"map"} kind
 * @property {string} title
 * @property {string} address
 * @property {string} text
 * @property {string} image
 */

/** What a card itself says; a page in another language sets them anew. */
export const WORDS = {
  picture: "Picture",
  link: "Link",
  map: "Map",
  close: "Put away",
  open: "Open",
  openMap: "Open the map",
  scan: "Scan to open",
  enlarge: "Enlarge the picture",
  reduce: "Make the picture smaller",
};

const SVG = "http://www.w3.org/2000/svg";
const STAYS = 2; // turns: it goes when the next reply but one begins
const QUIET = 4; // modules of white around a QR code (ISO/IEC 18004 5.3.8)

export const STYLE = `
.shelf { position: absolute; inset: 0; z-index: 2; container-type: size; pointer-events: none; }
.card {
  position: absolute; inset: auto 1rem var(--visavis-card-bottom, 1rem) auto; pointer-events: auto;
  display: flex; flex-direction: column; box-sizing: border-box; overflow: hidden;
  width: min(17rem, 100% - 2rem); max-height: calc(100% - 2rem - var(--visavis-card-bottom, 1rem));
  border-radius: 1.125rem; background: var(--visavis-card-background, #fdfaf4);
  color: var(--visavis-card-color, #2a201a); box-shadow: 0 0.75rem 2rem -0.5rem rgb(0 0 0 / 50%);
  font: 400 0.9375rem/1.4 var(--visavis-card-font, system-ui, sans-serif); text-align: start;
  animation: rise 250ms ease;
}
.card[hidden] { display: none; }
.card :focus-visible { outline: 2px solid currentcolor; outline-offset: 2px; }
.view { display: block; flex: 0 1 10rem; min-height: 0; border: 0; padding: 0; background: #0002; cursor: zoom-in; }
.view[hidden] { display: none; }
.view img { display: block; width: 100%; height: 100%; object-fit: cover; }
.body { display: flex; gap: 0.875rem; align-items: center; padding: 0.8125rem 3.25rem 0.8125rem 1.125rem; }
.body:dir(rtl) { padding-inline: 1.125rem 3.25rem; }
.words { min-width: 0; flex: 1; }
.words > * { margin: 0; overflow-wrap: anywhere; unicode-bidi: plaintext; text-align: start; }
.title { font-weight: 600; font-size: 1.0625rem; }
.text { white-space: pre-line; }
.text:empty, .title:empty { display: none; }
.act { display: flex; align-items: center; min-height: 2.75rem; margin-bottom: -0.5rem; color: inherit; font-weight: 600;
  text-underline-offset: 0.2em; }
.close { position: absolute; inset-block-start: 0.25rem; inset-inline-end: 0.25rem; width: 2.75rem; height: 2.75rem;
  border: 0; border-radius: 50%; padding: 0.75rem; background: var(--visavis-card-background, #fdfaf4); color: inherit; cursor: pointer; }
.close svg, .pin { display: block; fill: none; stroke: currentcolor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
.pin { width: 1.75rem; height: 1.75rem; flex: none; }
.code { width: 8rem; height: 8rem; flex: none; border-radius: 0.5rem; background: #fff; }
.coded { width: min(22rem, 100% - 2rem); }
.scan { display: block; font-size: 0.875rem; }
.told { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }

/* beside the conversation instead of over the picture */
.flow { position: static; container-type: inline-size; }
.flow .card { position: relative; inset: auto; width: auto; max-height: none; box-shadow: 0 0 0 1px var(--visavis-card-line, #0002); }
.flow .coded:not(.large) { flex-direction: row; }
.flow .coded:not(.large) .view { flex: 0 0 6.5rem; }
.flow .card.large { position: fixed; z-index: 10; }

.card.large { inset: 1rem; width: auto; max-height: none; }
.large .view { flex: 1 1 auto; cursor: zoom-out; }
.large .view img { object-fit: contain; background: #16120f; }

@container (max-width: 30rem) {
  .shelf:not(.flow) .card:not(.large) { inset-inline: 0.75rem; width: auto; }
  .code { width: 6.5rem; height: 6.5rem; }
}
@container (max-width: 30rem) and (max-height: 60rem) {
  .card:not(.large, .coded) { flex-direction: row; max-height: 9rem; font-size: 0.875rem; }
  .card:not(.large, .coded) .view { flex: 0 0 6.5rem; }
  .card:not(.large, .coded) .body { flex: 1; padding-block: 0.5rem; overflow-y: auto; }
  .link .text { display: none; }
}
@media (max-width: 56rem), (orientation: portrait) {
  .flow .card:not(.large) { flex-direction: row; font-size: 0.875rem; }
  .flow .card:not(.large, .coded) { max-height: 7.5rem; }
  .flow .card:not(.large) .view { flex: 0 0 6.5rem; }
  .flow .card:not(.large) .body { flex: 1; padding-block: 0.5rem; overflow-y: auto; }
}
@keyframes rise { from { opacity: 0; transform: translateY(0.5rem); } }
@media (prefers-reduced-motion: reduce) { .card { animation: none; } }
`;

/** A new element. @param {string} tag @param {string} part @param {Record<string, any>} properties
 * @returns {any} */
function make(tag, part, properties = {}) {
  const element = Object.assign(document.createElement(tag), properties);
  element.classList.add(part);
  element.part.add(`card-${part}`);
  return element;
}

/** Lines of an icon of 24 by 24. @param {string} className @param {string} path */
function icon(className, path) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  if (className) svg.classList.add(className);
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/** An address that may be opened, else "". @param {string} address */
export function safe(address) {
  const url = URL.parse ? URL.parse(address) : tried(address);
  return url && /^https?:$/.test(url.protocol) ? url.href : "";
}

/** @param {string} address */
function tried(address) {
  try {
    return new URL(address);
  } catch {
    return null;
  }
}

/** One square path for the dark modules of a QR code, and its width. @param {boolean[][]} rows */
export function squares(rows) {
  const path = rows.map((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : "")).join(""));
  return { path: path.join(""), width: rows.length };
}

/** @param {number} turn @param {Card} card */
const named = (turn, card) => `${turn} ${card.kind} ${card.title} ${card.address}`;

export class CardShelf {
  words = { ...WORDS };
  #root;
  #target;
  #away;
  #shelf = document.createElement("div");
  #card = make("section", "card");
  #view = make("button", "view", { type: "button" });
  #image = make("img", "image");
  #title = make("p", "title");
  #text = make("p", "text");
  #body = make("div", "body");
  #words = make("div", "words");
  #close = make("button", "close", { type: "button" });
  #told = document.createElement("p");
  /** @type {Card|null} */ #shown = null;
  #turn = 0;
  #putAway = ""; // which card the visitor wanted no more
  #showing = 0;

  /**
   * @param {ShadowRoot} root
   * @param {() => {server: string, token: string, kiosk: boolean}} target
   * @param {() => void} away called when a card is put away
   * @param {boolean} flows it stands in the page, and not over a picture
   */
  constructor(root, target, away, flows = false) {
    this.#root = root;
    this.#away = away;
    this.#target = target;
    this.#shelf.classList.add("shelf");
    this.#shelf.classList.toggle("flow", flows);
    this.#told.classList.add("told");
    this.#told.role = "status";
    this.#close.append(icon("", "M6 6l12 12M18 6L6 18"));
    this.#view.append(this.#image);
    this.#card.role = "region";
    this.#words.append(this.#title, this.#text);
    this.#body.append(this.#words);
    this.#card.append(this.#view, this.#body, this.#close);
    this.#card.hidden = true;
    this.#shelf.append(this.#card, this.#told);
    this.#root.append(this.#shelf);
    this.#view.addEventListener("click", () => this.#resize(!this.#card.classList.contains("large")));
    this.#close.addEventListener("click", () => this.#putItAway());
    this.#card.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#onKey(event));
  }

  /** What is shown now. @returns {Card|null} */
  get card() {
    return this.#shown;
  }

  /** Whoever resumes is told of the last card again; one that was put away stays away.
   * @param {number} turn @param {Card} card */
  async show(turn, card) {
    if (this.#putAway === named(turn, card)) return;
    const mine = ++this.#showing;
    this.#turn = turn;
    const [picture, code] = await Promise.all([
      this.#picture(card.kind === "picture" ? card.address : card.image),
      this.#code(card),
    ]);
    if (mine !== this.#showing) return;
    this.#write(card, picture, code);
    this.#card.hidden = false;
    this.#shown = card;
    const { words } = this;
    this.#told.textContent = [`${words[card.kind]}: ${card.title}`, card.text].filter(Boolean).join(". ");
  }

  /** A reply begins: a card of long ago goes. @param {number} turn */
  onReply(turn) {
    if (this.#shown && turn >= this.#turn + STAYS) this.hide();
  }

  #putItAway() {
    const away = this.#shown ? named(this.#turn, this.#shown) : "";
    this.hide();
    this.#putAway = away;
  }

  hide() {
    this.#putAway = "";
    this.#showing += 1;
    if (!this.#shown) return;
    this.#shown = null;
    this.#card.hidden = true;
    this.#told.textContent = "";
    this.#resize(false);
    this.#forgetPicture();
    this.#away();
  }

  /** @param {Card} card @param {string} picture @param {SVGElement|null} code */
  #write(card, picture, code) {
    const { words } = this;
    this.#forgetPicture();
    this.#resize(false);
    this.#view.hidden = !picture;
    this.#image.src = picture;
    this.#image.alt = card.kind === "picture" ? card.text : "";
    this.#title.textContent = card.title;
    // what is seen on a picture is its description, and no caption beside the title
    this.#text.textContent = card.kind === "picture" && picture ? "" : card.text;
    this.#card.ariaLabel = `${words[card.kind]}: ${card.title}`;
    this.#close.ariaLabel = words.close;
    this.#close.title = words.close;
    this.#words.replaceChildren(this.#title, this.#text, ...this.#acts(card, code));
    this.#body.replaceChildren(...this.#aside(card, code), this.#words);
    this.#card.classList.toggle("coded", code !== null);
    this.#card.classList.toggle("link", card.kind === "link");
    this.#view.ariaLabel = words.enlarge;
  }

  /** @param {Card} card @param {SVGElement|null} code */
  #acts(card, code) {
    const href = card.kind === "picture" ? "" : safe(card.address);
    if (!href) return [];
    const { host } = new URL(href);
    if (code) return [make("span", "scan", { textContent: `${this.words.scan}: ${host}` })];
    if (this.#target().kiosk) return [];
    const words = card.kind === "map" ? this.words.openMap : `${this.words.open} ${host}`;
    return [make("a", "act", { href, target: "_blank", rel: "noopener noreferrer", textContent: words })];
  }

  /** @param {Card} card @param {SVGElement|null} code */
  #aside(card, code) {
    if (code) return [code];
    if (card.kind !== "map") return [];
    return [icon("pin", "M12 21c4-5 6.5-8.2 6.5-11.3a6.5 6.5 0 0 0-13 0C5.5 12.8 8 16 12 21zM12 12a2.4 2.4 0 1 0 0-4.8 2.4 2.4 0 0 0 0 4.8z")];
  }

  /** @param {boolean} on */
  #resize(on) {
    this.#card.classList.toggle("large", on);
    this.#view.ariaLabel = on ? this.words.reduce : this.words.enlarge;
    this.#view.ariaPressed = String(on);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.key !== "Escape") return;
    event.stopPropagation(); // the page's Escape stops the reply
    if (this.#card.classList.contains("large")) this.#resize(false);
    else this.#putItAway();
  }

  #forgetPicture() {
    if (this.#image.src.startsWith("blob:")) URL.revokeObjectURL(this.#image.src);
    this.#image.removeAttribute("src");
  }

  /** A picture that has been loaded, as an address; "" where there is none.
   * @param {string} address */
  async #picture(address) {
    if (!address) return "";
    const own = address.startsWith("/");
    const source = own ? await this.#fetched(address) : safe(address);
    if (!source) return "";
    const image = new Image();
    image.referrerPolicy = "no-referrer";
    image.src = source;
    const loaded = await image.decode().then(() => true, () => false);
    return loaded ? source : "";
  }

  /** @param {string} address of the server */
  async #fetched(address) {
    const { server, token } = this.#target();
    const url = new URL(address.slice(1), server);
    const response = await fetch(url, { headers: authorization(token) }).catch(() => null);
    return response?.ok ? URL.createObjectURL(await response.blob()) : "";
  }

  /** A link as a QR code, where it is not to be opened. @param {Card} card
   * @returns {Promise<SVGElement|null>} */
  async #code(card) {
    const href = card.kind === "picture" ? "" : safe(card.address);
    if (!href || !this.#target().kiosk) return null;
    const { encodeQR } = await import("./vendor/qr.js");
    const { path, width } = squares(encodeQR(href, "raw", { ecc: "medium", border: QUIET }));
    const svg = icon("code", path);
    svg.setAttribute("viewBox", `0 0 ${width} ${width}`);
    svg.setAttribute("shape-rendering", "crispEdges");
    svg.setAttribute("part", "card-code");
    return svg;
  }
}
