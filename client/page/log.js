/** The written conversation: one list item a line, changed in place while words still change. */

import { byId, make } from "./dom.js";
import { t } from "./texts/texts.js";

const NEAR_PX = 80;

export class Log {
  #box = byId("log");
  #list = byId("lines");
  #empty = byId("empty");

  /** Write all of it anew at the next render. */
  clear() {
    this.#list.replaceChildren();
  }

  /** @param {readonly import("./conversation.js").Line[]} lines */
  render(lines) {
    const { scrollTop, scrollHeight, clientHeight } = this.#box;
    const follows = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    this.#empty.hidden = lines.length > 0;
    while (this.#list.children.length > lines.length) this.#list.lastElementChild.remove();
    lines.forEach((line, index) => this.#write(line, this.#list.children[index] ?? this.#append()));
    if (follows) this.#box.scrollTop = this.#box.scrollHeight;
  }

  #append() {
    return this.#list.appendChild(make("li", {}, make("span", { className: "unseen" }), make("p", { dir: "auto" })));
  }

  /** @param {import("./conversation.js").Line} line @param {Element} item */
  #write(line, item) {
    const [speaker, words] = item.children;
    item.className = [line.who, line.final ? "" : "interim", line.cut ? "cut" : ""].join(" ").trim();
    const name = t(`log.${line.who}`);
    if (speaker.textContent !== name) speaker.textContent = name;
    if (words.textContent !== line.text) words.textContent = line.text;
  }
}
