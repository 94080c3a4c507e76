/**
 * Whether anybody can see an element: its page is shown, and the element is in view.
 *
 * A page in the background tab, a minimised window, an element that is scrolled away or not displayed:
 * the server need not draw for them. Knows nothing of servers.
 */

const GONE_MS = 500; // a page that is scrolled past is not worth a word; back is told at once

export class Sight {
  seen = true;

  #element;
  #tell;
  #inView = true;
  #timer = 0;
  /** @type {IntersectionObserver|null} */ #observer = null;
  /** @type {AbortController|null} */ #listeners = null;

  /** @param {Element} element @param {(seen: boolean) => void} tell */
  constructor(element, tell) {
    this.#element = element;
    this.#tell = tell;
  }

  start() {
    const page = this.#element.ownerDocument;
    this.#listeners = new AbortController();
    page.addEventListener("visibilitychange", () => this.#look(), { signal: this.#listeners.signal });
    if (typeof IntersectionObserver !== "undefined") {
      this.#observer = new IntersectionObserver((entries) => {
        this.#inView = entries[entries.length - 1].isIntersecting;
        this.#look();
      });
      this.#observer.observe(this.#element);
    }
    this.#look();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#observer?.disconnect();
    this.#listeners?.abort();
    this.#inView = true;
  }

  #look() {
    const seen = this.#inView && this.#element.ownerDocument.visibilityState === "visible";
    clearTimeout(this.#timer);
    if (seen) this.#say(true);
    else if (this.seen) this.#timer = Number(setTimeout(() => this.#say(false), GONE_MS));
  }

  /** @param {boolean} seen */
  #say(seen) {
    if (seen === this.seen) return;
    this.seen = seen;
    this.#tell(seen);
  }
}
