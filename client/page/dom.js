/** The two or three DOM idioms that every part of the page uses. */

/** The element with this id; a page without it is broken. @param {string} id @returns {any} */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/** A new element. @param {string} tag @param {Record<string, any>} properties
 * @param {(Node|string)[]} children @returns {any} */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  Object.assign(element, properties);
  element.append(...children);
  return element;
}

/** Show another icon in an svg's `use`. @param {Element} use @param {string} name */
export function setIcon(use, name) {
  use.setAttribute("href", `#icon-${name}`);
}
