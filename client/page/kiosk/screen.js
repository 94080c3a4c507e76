/**
 * A screen that is the kiosk's alone: full, awake, without a cursor when nobody moves it, and without
 * the ways out that a browser has.
 */

const CURSOR_MS = 4000;
const LEAVING = new Set(["F1", "F3", "F5", "F6", "F7", "F10", "F11", "F12", "BrowserBack", "BrowserHome"]);
const WITH_CONTROL = /^Key[DFGHJLNOPRSTUW]$|^(Digit0|Equal|Minus|Tab)$/;

/** @param {() => boolean} hasOperator whether the full screen may be left again at all */
export function keepTheScreen(hasOperator) {
  stayAwake();
  hideTheCursor();
  shutTheWaysOut();
  addEventListener("click", () => fill(hasOperator), { capture: true });
}

/** A click is what a browser wants before it fills the screen; started with --kiosk it does so alone.
 * @param {() => boolean} hasOperator */
function fill(hasOperator) {
  const root = document.documentElement;
  if (document.fullscreenElement || innerHeight >= screen.height || !root.requestFullscreen) return;
  root.requestFullscreen({ navigationUI: "hide" }).then(() => {
    // Esc for a moment does nothing then; Chromium alone has it
    if (hasOperator()) /** @type {any} */ (navigator).keyboard?.lock?.().catch(() => undefined);
  }, () => undefined);
}

async function stayAwake() {
  if (!("wakeLock" in navigator)) return;
  const hold = () => navigator.wakeLock.request("screen").catch(() => null); // on battery it may be denied
  await hold();
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && hold());
}

function hideTheCursor() {
  let timer = 0;
  const root = document.documentElement;
  const hide = () => root.classList.add("kiosk-no-cursor");
  addEventListener("pointermove", ({ pointerType }) => {
    clearTimeout(timer);
    root.classList.toggle("kiosk-no-cursor", pointerType !== "mouse");
    timer = Number(setTimeout(hide, CURSOR_MS));
  });
  hide();
}

/** What a page can shut; the rest is the browser's start (deploy/kiosk). */
function shutTheWaysOut() {
  for (const event of ["contextmenu", "dragstart", "drop", "dragover"]) {
    addEventListener(event, (each) => each.preventDefault());
  }
  addEventListener("keydown", (event) => {
    const isShortcut = (event.ctrlKey || event.metaKey) && WITH_CONTROL.test(event.code);
    if (LEAVING.has(event.code) || isShortcut || (event.altKey && event.code.startsWith("Arrow"))) event.preventDefault();
  }, { capture: true });
  addEventListener("wheel", (event) => event.ctrlKey && event.preventDefault(), { passive: false });
  addEventListener("click", (event) => {
    const link = /** @type {Element} */ (event.target).closest?.("a[href]");
    if (link) event.preventDefault();
  }, { capture: true });
  history.pushState(null, "", location.href);
  addEventListener("popstate", () => history.pushState(null, "", location.href));
}
