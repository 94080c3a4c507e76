/**
 * Captions that follow the voice: the part of a clause that fits two lines, heard words bright.
 */

const READABLE = 92; // characters shown at once: two lines of at most 46
const LINGER_MS = 3500;

/**
 * The stretch of `text` to show when its first `heard` characters have been said: pieces of about
 * equal length, cut at spaces, none longer than `limit` unless one word is.
 * @param {string} text @param {number} heard @param {number} limit
 * @returns {{start: number, end: number}}
 */
export function stretch(text, heard, limit = READABLE) {
  const pieces = Math.ceil(text.length / limit);
  let start = 0;
  for (let piece = 1; piece < pieces; piece++) {
    const ideal = Math.round((text.length * piece) / pieces);
    const space = text.indexOf(" ", ideal);
    if (space < 0) break;
    if (heard <= space) return { start, end: space };
    start = space + 1;
  }
  return { start, end: text.length };
}

/** Words of a stretch with their places in the whole text.
 * @param {string} text @param {{start: number, end: number}} range */
export function wordsOf(text, { start, end }) {
  return [...text.slice(start, end).matchAll(/\S+/g)].map((match) => ({
    word: match[0],
    at: start + match.index,
  }));
}

export class Captions {
  #root;
  #live;
  #shown = "";
  #timer = 0;
  /** @type {{at: number, element: HTMLElement}[]} */ #words = [];

  /** @param {HTMLElement} root what is seen @param {HTMLElement} live what a screen reader reads */
  constructor(root, live) {
    this.#root = root;
    this.#live = live;
  }

  /** @param {{turn: number, text: string, heard: number}} caption */
  show({ turn, text, heard }) {
    clearTimeout(this.#timer);
    const range = stretch(text, heard);
    const key = `${turn} ${range.start} ${range.end} ${text}`;
    if (key !== this.#shown) this.#write(text, range);
    this.#shown = key;
    if (this.#live.textContent !== text) this.#live.textContent = text;
    for (const { at, element } of this.#words) element.classList.toggle("heard", at < heard);
    this.#root.classList.add("shown");
  }

  /** The reply is over. @param {boolean} cut it was interrupted */
  end(cut) {
    this.#root.classList.toggle("cut", cut);
    clearTimeout(this.#timer);
    this.#timer = Number(setTimeout(() => this.clear(), cut ? LINGER_MS / 3 : LINGER_MS));
  }

  clear() {
    clearTimeout(this.#timer);
    this.#root.classList.remove("shown");
    this.#shown = "";
  }

  /** @param {string} text @param {{start: number, end: number}} range */
  #write(text, range) {
    const line = document.createElement("p");
    line.dir = "auto"; // an answer may be in another language than the page
    this.#words = wordsOf(text, range).map(({ word, at }) => {
      const element = document.createElement("span");
      element.textContent = word;
      line.append(element, " ");
      return { at, element };
    });
    this.#root.classList.remove("cut");
    this.#root.replaceChildren(line);
    this.#fit(line);
  }

  /** Balanced lines are shorter than the box that balances them: shrink it to them.
   * @param {HTMLElement} line */
  #fit(line) {
    this.#root.style.width = "";
    this.#root.style.width = `${Math.ceil(line.getBoundingClientRect().width) + 1}px`;
  }
}
