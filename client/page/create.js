/**
 * The dialog that makes an avatar of a photo: photo and name, consent, progress, result.
 */

import { authorization } from "../element/authorization.js";
import { inWords, lastDay } from "./days.js";
import { byId, make } from "./dom.js";
import { asName, fault, isClip, makeAvatar, MakingError, nameFrom, removeAvatar } from "./making.js";
import { Presence } from "./presence.js";
import { chosen, languageName } from "./settings.js";
import { stillOf } from "./stills.js";
import { remark } from "./texts/remarks.js";
import { has, language, onLanguage, primary, t } from "./texts/texts.js";

/** @typedef {"photo"|"consent"|"presence"|"making"|"done"} Step */
/** @typedef {"self"|"other"|"nobody"} Whose */

const NOBODY = "nobody: drawn or generated"; // in every language: the server knows it by that word
const TERMS = [3, 12, 60, 0]; // months of a consent; 0: without end
const USUAL = 12;
const BLANK = "…"; // in a record, for what is not filled in

/** What stands in the way, by its code, in the page's words; in English the server's say more.
 * @param {string} code @param {string} message of the server */
export function faultWords(code, message) {
  const known = has(`fault.${code}`) ? t(`fault.${code}`) : "";
  const own = /^(unreachable|unauthorised|server)$/.test(code);
  return (own || language() !== "en" ? known : "") || message || known || t("fault.server");
}

/** The record of a consent, as it is kept in the file. @param {Whose} whose @param {string} subject
 * @param {string} giver */
export function record(whose, subject, giver) {
  const who = { self: giver, other: subject, nobody: NOBODY }[whose];
  return { subject: who, statement: t(`consent.${whose}.words`, { subject, giver }), givenBy: giver };
}

export class Creation {
  #avatar;
  #use;
  #dialog = byId("create");
  /** @type {File|null} */ #photo = null;
  #picture = ""; // the photo's object URL
  #made = "";
  #running = new AbortController();
  #voices;
  #presence;

  /**
   * @param {import("../visavis-avatar.js").VisavisAvatar} avatar whose token is used
   * @param {(name: string) => void} use switches the conversation to a new avatar
   * @param {() => {name: string, language: string, description: string, default: boolean}[]} voices
   */
  constructor(avatar, use, voices) {
    this.#avatar = avatar;
    this.#use = use;
    this.#voices = voices;
    byId("create-close").addEventListener("click", () => this.#dialog.close());
    byId("create-back").addEventListener("click", () => this.#enter("photo"));
    byId("create-cancel").addEventListener("click", () => this.#running.abort());
    byId("create-use").addEventListener("click", () => this.#finish());
    byId("create-discard").addEventListener("click", () => this.#discard());
    this.#dialog.addEventListener("cancel", (/** @type {Event} */ event) => {
      if (this.#step === "making") event.preventDefault(); // Escape must not undo a minute of work
    });
    this.#presence = new Presence(() => this.#token, () => this.#allowProof());
    this.#dialog.addEventListener("close", () => {
      this.#running.abort();
      this.#presence.end();
    });
    this.#listenForPhotos();
    this.#onSubmit("create-photo", () => this.#toConsent());
    this.#onSubmit("create-consent", () => this.#toPresence());
    this.#onSubmit("create-presence", () => this.#make());
    byId("presence-back").addEventListener("click", () => this.#enter("consent"));
    byId("presence-skip").addEventListener("click", () => {
      this.#presence.end();
      void this.#make();
    });
    byId("create-limits").addEventListener("invalid", () => (byId("create-limits").open = true), true);
    byId("create-consent").addEventListener("input", () => this.#showRecord());
    onLanguage(() => this.#translate());
  }

  open() {
    this.#made = "";
    this.#choosePhoto(null);
    for (const form of ["create-photo", "create-consent"]) byId(form).reset();
    this.#offerTerms();
    this.#askAboutLikeness("");
    this.#showRecord();
    this.#offerVoices();
    this.#dialog.showModal();
    this.#enter("photo");
  }

  get #token() {
    return this.#avatar.getAttribute("token") ?? "";
  }

  /** @returns {Step} */
  get #step() {
    return this.#dialog.dataset.step;
  }

  get #name() {
    return byId("create-name").value.trim();
  }

  /** @returns {Whose} */
  get #whose() {
    return byId("create-consent").elements.whose.value;
  }

  /** @param {string} form @param {() => void} then */
  #onSubmit(form, then) {
    byId(form).addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      then();
    });
  }

  /** Show one step; screen readers hear its heading. @param {Step} step */
  #enter(step) {
    this.#dialog.dataset.step = step;
    if (step !== "presence" && step !== "making") this.#presence.end();
    for (const part of this.#dialog.querySelectorAll("[data-part]")) part.hidden = part.dataset.part !== step;
    byId("create-close").hidden = step === "making";
    this.#translate();
    byId("create-title").focus();
    this.#dialog.querySelector(".sheet-body").scrollTop = 0;
  }

  #translate() {
    byId("create-count").textContent = t(`creation.${this.#step}.count`);
    byId("create-title").textContent = t(`creation.${this.#step}.title`, { name: this.#name });
    byId("create-preview").alt = t("creation.preview");
    this.#offerTerms();
    this.#showRecord();
  }

  // --- the photo ---------------------------------------------------------------------------------

  #listenForPhotos() {
    const drop = byId("create-drop");
    const input = byId("create-file");
    input.addEventListener("change", () => input.files[0] && this.#choosePhoto(input.files[0]));
    for (const name of ["dragenter", "dragover"]) {
      drop.addEventListener(name, (/** @type {DragEvent} */ event) => {
        event.preventDefault();
        drop.classList.add("over");
      });
    }
    for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
    // a photo that misses the field must not replace the page
    this.#dialog.addEventListener("dragover", (/** @type {DragEvent} */ event) => event.preventDefault());
    this.#dialog.addEventListener("drop", (/** @type {DragEvent} */ event) => {
      event.preventDefault();
      const file = event.dataTransfer?.files[0];
      if (file && this.#step === "photo") this.#choosePhoto(file);
    });
  }

  /** @param {File|null} file */
  #choosePhoto(file) {
    const wrong = file ? fault(file) : "";
    this.#complain(wrong && t(`fault.${wrong}`));
    this.#photo = wrong ? null : file;
    URL.revokeObjectURL(this.#picture);
    this.#picture = this.#photo && !isClip(this.#photo) ? URL.createObjectURL(this.#photo) : "";
    byId("create-drop").classList.toggle("filled", this.#photo !== null);
    byId("create-chosen").textContent = this.#photo?.name ?? "";
    this.#showChosen();
    if (this.#photo && isClip(this.#photo)) void this.#showStill(this.#photo);
    if (this.#photo && !this.#name) byId("create-name").value = nameFrom(this.#photo.name);
  }

  #showChosen() {
    for (const image of this.#dialog.querySelectorAll("img.chosen")) {
      image.hidden = !this.#picture;
      if (this.#picture) image.src = this.#picture;
      else image.removeAttribute("src");
    }
  }

  /** @param {File} clip */
  async #showStill(clip) {
    const picture = await stillOf(clip);
    if (this.#photo !== clip) return URL.revokeObjectURL(picture);
    this.#picture = picture;
    this.#showChosen();
  }

  /** Which voice is to belong to it: the server's own, or another; those of the page's language first. */
  #offerVoices() {
    const here = (/** @type {{language: string}} */ voice) => primary(voice.language) === primary(language());
    const voices = [...this.#voices()].sort((a, b) => Number(here(b)) - Number(here(a)));
    const options = voices.map((voice) =>
      make("option", { value: voice.name }, `${voice.name} (${languageName(voice.language)}), ${voice.description}`),
    );
    byId("create-voice").replaceChildren(...options);
    byId("create-voice").value = chosen(voices, "")?.name ?? "";
  }

  /** @param {string} words */
  #complain(words) {
    byId("create-fault").textContent = words;
    byId("create-fault").hidden = !words;
  }

  #toConsent() {
    if (!this.#photo) {
      this.#complain(t("fault.no-photo"));
      byId("create-file").focus();
      return;
    }
    this.#complain("");
    byId("create-name").value = asName(this.#name);
    if (byId("create-photo").reportValidity()) this.#enter("consent"); // after the photo, the name
  }

  // --- consent -----------------------------------------------------------------------------------

  #showRecord() {
    const other = this.#whose === "other";
    byId("create-subject-field").hidden = !other;
    byId("create-subject").required = other;
    const { statement, givenBy } = this.#record(BLANK);
    byId("create-record").textContent = statement;
    byId("create-signed").textContent = `${givenBy}, ${inWords(new Date().toISOString().slice(0, 10))}`;
    this.#showLimits();
  }

  /** What the consent is for, in a line; of nobody's face nobody limits it. */
  #showLimits() {
    const nobody = this.#whose === "nobody";
    byId("create-limits").hidden = nobody;
    const boxes = this.#uses;
    const chosen = boxes.filter((box) => box.checked);
    boxes[0].setCustomValidity(nobody || chosen.length ? "" : t("consent.uses.none"));
    const names = chosen.map((box) => t(`consent.use.${box.value}`));
    const uses = new Intl.ListFormat(language(), { type: "unit", style: "short" }).format(names) || BLANK;
    const months = Number(byId("create-until").value);
    byId("create-limits-told").textContent = months
      ? t("consent.limits.until", { uses, day: inWords(lastDay(months)) })
      : t("consent.limits.never", { uses });
  }

  /** @returns {HTMLInputElement[]} */
  get #uses() {
    return [...byId("create-consent").querySelectorAll("input[name=use]")];
  }

  #offerTerms() {
    const select = byId("create-until");
    const wanted = select.value || String(USUAL);
    select.replaceChildren(...TERMS.map((months) => {
      const words = months ? inWords(lastDay(months)) : t("consent.until.never");
      return make("option", { value: String(months), selected: String(months) === wanted, defaultSelected: months === USUAL }, words);
    }));
  }

  /** What the consent is for, as the server takes it. @returns {Record<string, string>} */
  #limits() {
    if (this.#whose === "nobody") return {};
    const months = Number(byId("create-until").value);
    const uses = this.#uses.filter((box) => box.checked).map((box) => box.value);
    return {
      until: months ? lastDay(months) : "never", uses: uses.join(" "), languages: byId("create-languages").value.trim(),
    };
  }

  /** @param {string} blank for what has not been filled in */
  #record(blank = "") {
    const giver = byId("create-giver").value.trim() || blank;
    return record(this.#whose, byId("create-subject").value.trim() || blank, giver);
  }

  // --- whose face it is --------------------------------------------------------------------------

  /** A face that is here already: what is said of it stays in the record. @param {string} words of
   * the server, or "" where nothing is to be said */
  #askAboutLikeness(words) {
    byId("create-alike").hidden = !words;
    byId("create-likeness").required = Boolean(words);
    byId("create-alike-fault").textContent = words;
    if (!words) byId("create-likeness").value = "";
  }

  /** The step in which the person shows that they are there, where the operator has it. */
  #toPresence() {
    const asked = this.#dialog.dataset.presence ?? "off"; // see settings.js
    if (asked === "off" || this.#whose === "nobody") return void this.#make();
    byId("presence-skip").hidden = asked === "required";
    this.#presence.begin(this.#name, this.#record().subject);
    this.#enter("presence");
  }

  #allowProof() {
    byId("presence-send").disabled = !this.#presence.shown;
  }

  // --- making ------------------------------------------------------------------------------------

  async #make() {
    if (!this.#photo) return this.#enter("photo");
    this.#running = new AbortController();
    this.#progress("sending the photo", 0);
    this.#enter("making");
    try {
      const job = await makeAvatar(
        this.#token, this.#form(this.#photo), (what, share) => this.#progress(what, share), this.#running.signal,
      );
      this.#made = job.name;
      await this.#showResult(job);
    } catch (error) {
      if (!(error instanceof MakingError)) throw error;
      this.#failed(error);
    }
  }

  /** @param {File} photo */
  #form(photo) {
    const { subject, statement, givenBy } = this.#record();
    const form = new FormData();
    const fields = {
      name: this.#name, subject, consent: statement, given_by: givenBy, confirmed: "yes",
      voice: byId("create-voice").value, frame: byId("create-frame").value, ...this.#limits(),
    };
    for (const [key, value] of Object.entries(fields)) form.set(key, value);
    form.set("photo", photo, "photo"); // the file's own name is nobody's business
    const likeness = byId("create-likeness").value.trim();
    if (likeness) form.set("likeness", likeness);
    const shown = this.#presence.shown;
    if (shown) {
      form.set("presence", shown.id);
      form.set("video", shown.video, "video");
    }
    return form;
  }

  /** @param {string} what @param {number} share */
  #progress(what, share) {
    byId("create-progress").value = share;
    const key = `making.${what.replaceAll(" ", "-")}`;
    const words = has(key) ? t(key) : `${what.charAt(0).toUpperCase()}${what.slice(1)}…`;
    if (byId("create-what").textContent !== words) byId("create-what").textContent = words;
  }

  /** @param {MakingError} error */
  #failed({ code, message }) {
    if (!this.#dialog.open) return;
    const words = faultWords(code, message);
    if (code === "likeness-known" || code === "likeness-expired") {
      this.#enter("consent");
      this.#askAboutLikeness(words);
      byId("create-confirm").checked = false; // the record has changed
      byId("create-likeness").focus();
      return;
    }
    if (code.startsWith("presence-")) {
      this.#toPresence();
      this.#presence.complain(words);
      return;
    }
    this.#enter("photo");
    if (code !== "cancelled") this.#complain(faultWords(code, message));
    if (code.startsWith("name-")) byId("create-name").focus();
  }

  // --- the result --------------------------------------------------------------------------------

  /** @param {{title: string, preview: string, warnings: string[]}} job */
  async #showResult({ preview, warnings }) {
    byId("create-warnings").replaceChildren(...warnings.map((words) => make("li", {}, remark(words))));
    byId("create-remarks").hidden = warnings.length === 0;
    byId("create-good").hidden = warnings.length > 0;
    const image = byId("create-preview");
    const headers = authorization(this.#token);
    const response = await fetch(preview.replace(/^\//, ""), { headers }).catch(() => null);
    if (response?.ok) image.src = URL.createObjectURL(await response.blob());
    else image.src = this.#picture;
    if (!this.#dialog.open) return;
    this.#enter("done");
  }

  #finish() {
    this.#dialog.close();
    this.#use(this.#made);
  }

  async #discard() {
    try {
      await removeAvatar(this.#token, this.#made);
      this.#made = "";
      this.#enter("photo");
    } catch (error) {
      if (!(error instanceof MakingError)) throw error;
      byId("create-undone").textContent = faultWords(error.code, error.message);
    }
  }
}
