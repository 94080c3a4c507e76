/** Dialogs of the studio: a heading, a body, a foot; Escape closes, and the focus goes back by itself. */

import { byId, make } from "../page/dom.js";
import { t } from "../page/texts/texts.js";
import { button, freshId } from "./controls.js";

/** @typedef {{element: HTMLDialogElement, body: HTMLElement, foot: HTMLElement, title: (words: string) => void,
 *   close: () => void, complain: (words: string) => void}} Dialog */

/** @param {string} title @param {{look?: string, closed?: () => void, stay?: () => boolean}} how stay: it must
 * not be closed now @returns {Dialog} */
export function dialog(title, { look = "", closed, stay } = {}) {
  const heading = make("h2", { id: freshId("dialog"), tabIndex: -1 }, title);
  const body = make("div", { className: "dialog-body" });
  const foot = make("footer", { className: "dialog-foot" });
  const fault = make("p", { className: "fault", role: "alert", hidden: true });
  const away = button(t("close"), () => end(), { look: "tool", icon: "close" });
  const element = make("dialog", { className: `dialog ${look}` }, make("header", { className: "dialog-head" }, heading, ...(stay ? [] : [away])), body, fault, foot);
  element.setAttribute("aria-labelledby", heading.id);
  // By ourselves and at once: the browser tells of "close" late, after a key that is pressed quickly.
  const end = () => {
    if (!element.isConnected) return;
    element.close();
    element.remove();
    closed?.();
  };
  element.addEventListener("cancel", (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!stay?.()) end();
  });
  element.addEventListener("close", end);
  byId("dialogs").append(element);
  element.showModal();
  heading.focus();
  return {
    element, body, foot,
    title: (words) => (heading.textContent = words),
    close: end,
    complain: (words) => {
      fault.textContent = words;
      fault.hidden = !words;
    },
  };
}

/** Asked before something that cannot be undone. @param {string} title @param {string} words
 * @param {string} act @returns {Promise<boolean>} */
export function sure(title, words, act) {
  return new Promise((resolve) => {
    let yes = false;
    const asked = dialog(title, { look: "narrow", closed: () => resolve(yes) });
    asked.body.append(make("p", {}, words));
    asked.foot.append(
      button(t("creation.cancel"), asked.close),
      button(act, () => {
        yes = true;
        asked.close();
      }, { look: "dark" }),
    );
  });
}
