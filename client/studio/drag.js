/** A handle for a number: dragged along the line, or moved by the keys of a slider. */

/**
 * @param {HTMLElement} handle
 * @param {{get: () => number, set: (value: number, end: boolean) => void, remove?: () => void,
 *   min: number, max: number, step: number, perPixel: number}} how perPixel: of the value, for each px
 */
export function draggable(handle, { get, set, remove, min, max, step, perPixel }) {
  const fit = (/** @type {number} */ value) => Math.max(min, Math.min(max, Math.round(value / step) * step));
  const way = () => (getComputedStyle(handle).direction === "rtl" ? -1 : 1);
  handle.setAttribute("role", "slider");
  handle.setAttribute("aria-valuemin", String(min));
  handle.setAttribute("aria-valuemax", String(max));
  handle.addEventListener("keydown", (event) => {
    const by = {
      ArrowRight: step * way(), ArrowLeft: -step * way(), ArrowUp: step, ArrowDown: -step, PageUp: 5 * step, PageDown: -5 * step,
    }[event.key];
    const to = { Home: min, End: max }[event.key];
    if ((event.key === "Delete" || event.key === "Backspace") && remove) remove();
    else if (to !== undefined) set(to, true);
    else if (by !== undefined && !event.altKey && !event.ctrlKey) set(fit(get() + by), true);
    else return;
    event.preventDefault();
  });
  handle.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const [from, began] = [event.clientX, get()];
    handle.setPointerCapture(event.pointerId);
    handle.classList.add("dragged");
    const move = (/** @type {PointerEvent} */ moving) => set(fit(began + (moving.clientX - from) * way() * perPixel), false);
    const end = () => {
      handle.removeEventListener("pointermove", move);
      handle.classList.remove("dragged");
      set(get(), true);
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener("lostpointercapture", end, { once: true });
  });
}

/** @param {HTMLElement} handle @param {number} value @param {string} words */
export function valued(handle, value, words) {
  handle.setAttribute("aria-valuenow", String(value));
  handle.setAttribute("aria-valuetext", words);
}
