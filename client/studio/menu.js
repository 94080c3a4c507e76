/** A menu at a button: arrow keys, Escape, and whoever opened it has the focus again afterwards. */

import { make } from "../page/dom.js";
import { icon } from "./controls.js";

/** @typedef {{words: string, act: () => void, icon?: string, shortcut?: string, grave?: boolean, off?: boolean}} Item */

/** @type {(() => void)|null} */ let closing = null;

export const closeMenu = () => closing?.();

/** @param {HTMLElement} anchor @param {string} label @param {Item[]} items @param {HTMLElement} [before] what
 * stands above the items */
export function openMenu(anchor, label, items, before) {
  closeMenu();
  const menu = make("div", { className: "menu", role: "menu", ariaLabel: label });
  if (before) menu.append(before);
  menu.append(...items.filter(({ off }) => !off).map((item) => itemOf(item, () => close(true))));
  (anchor.closest("dialog") ?? document.body).append(menu);
  place(menu, anchor);
  anchor.setAttribute("aria-expanded", "true");
  const outside = (/** @type {Event} */ event) => {
    if (!menu.contains(/** @type {Node} */ (event.target)) && !anchor.contains(/** @type {Node} */ (event.target))) close(false);
  };
  const close = (/** @type {boolean} */ back) => {
    closing = null;
    menu.remove();
    anchor.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
    if (back && anchor.isConnected) anchor.focus();
  };
  closing = () => close(false);
  document.addEventListener("pointerdown", outside, true);
  menu.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => onKey(event, menu, close));
  /** @type {HTMLElement|null} */ (menu.querySelector("input, [role=menuitem]"))?.focus();
}

/** @param {Item} item @param {() => void} close */
function itemOf({ words, act, icon: name, shortcut, grave }, close) {
  const item = make("button", { type: "button", role: "menuitem", tabIndex: -1, className: grave ? "grave" : "" });
  if (name) item.append(icon(name));
  item.append(make("span", {}, words));
  if (shortcut) item.append(make("kbd", {}, shortcut));
  item.addEventListener("click", () => {
    close();
    act();
  });
  return item;
}

/** @param {KeyboardEvent} event @param {HTMLElement} menu @param {(back: boolean) => void} close */
function onKey(event, menu, close) {
  if (event.key === "Escape" || event.key === "Tab") {
    if (event.key === "Tab" && menu.querySelector("form")) return;
    event.preventDefault();
    event.stopPropagation();
    return close(true);
  }
  const items = /** @type {HTMLElement[]} */ ([...menu.querySelectorAll("input, [role=menuitem]")]);
  const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  items[to % items.length].focus();
}

/** Below its anchor, or above it where there is no room. @param {HTMLElement} menu @param {HTMLElement} anchor */
export function place(menu, anchor) {
  const at = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const rtl = document.documentElement.dir === "rtl";
  const left = Math.max(8, Math.min(rtl ? at.right - width : at.left, innerWidth - width - 8));
  const below = at.bottom + height + 12 < innerHeight || at.top < height + 12;
  const top = below ? Math.min(at.bottom + 6, innerHeight - height - 8) : at.top - height - 6;
  menu.style.left = `${left}px`;
  menu.style.top = `${Math.max(8, top)}px`;
}
