/**
 * The language of page and conversation: what the address or an earlier visit asks for, what the
 * server is set to, and what the conversation turns out to be in.
 */

import { byId } from "./dom.js";
import { direction, primary, speak } from "./texts/texts.js";

const AUTO = "auto";

/** The first of the visitor's own languages that is spoken there, "" for none.
 * @param {readonly string[]} theirs @param {readonly string[]} spoken */
export function common(theirs, spoken) {
  const known = new Set(spoken.map(primary));
  return theirs.find((tag) => known.has(primary(tag))) ?? "";
}

export class Tongue {
  #avatar;
  #first;

  /** @param {import("../visavis-avatar.js").VisavisAvatar} avatar
   * @param {string} wanted a tag, "auto", or "" for the server's setting */
  constructor(avatar, wanted) {
    this.#avatar = avatar;
    this.#first = wanted;
    if (wanted) avatar.setAttribute("lang", wanted);
    if (wanted && wanted !== AUTO) this.speak(wanted);
  }

  /** What the server is set to and can speak: the page is in it until a conversation says otherwise.
   * @param {string} setting @param {string[]} languages */
  offered(setting, languages) {
    if (this.#avatar.session.active) return;
    const wanted = this.#avatar.getAttribute("lang") || setting;
    this.speak(wanted === AUTO ? common(navigator.languages, languages) || "en" : wanted);
  }

  /** The visitor chose it from the menu. @param {string} tag or "auto" */
  choose(tag) {
    this.#avatar.removeAttribute("voice"); // it speaks one language; the server has one for each
    this.#avatar.setAttribute("lang", tag);
    if (tag !== AUTO) this.speak(tag);
  }

  /** As before anybody chose, for the next visitor of a kiosk. @param {string} setting of the server
   * @param {string} voice that is asked for, or "" */
  reset(setting, voice) {
    if ((this.#avatar.getAttribute("lang") ?? "") === this.#first) return;
    if (this.#first) this.#avatar.setAttribute("lang", this.#first);
    else this.#avatar.removeAttribute("lang");
    if (voice) this.#avatar.setAttribute("voice", voice);
    this.speak(this.#first && this.#first !== AUTO ? this.#first : setting === AUTO ? "en" : setting);
  }

  /** Page, captions and log are in this language. @param {string} tag */
  speak(tag) {
    for (const id of ["captions", "captions-live", "lines"]) {
      byId(id).lang = tag;
      byId(id).dir = direction(tag);
    }
    return speak(tag);
  }
}
