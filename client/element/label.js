/**
 * The label that says that a face is synthetic. It is in the picture itself, wherever that goes. Where the
 * element shows so little of the picture, or shows it so small, that the label cannot be read, it is shown once
 * more over the picture. Knows nothing of sessions.
 */

const LEAST_PX = 15; // of the label's height, so that its letters can be read
const FONT_PX = 14; // of the element's own, at least
const MARGIN_PX = 10;
const ROUND = 0.25; // of the shorter side: an element with such corners shows no corner of the picture

export const STYLE = `
.label { position: absolute; z-index: 1; display: flex; align-items: center; justify-content: center;
    box-sizing: border-box; min-height: 24px; padding: 0 9px; border-radius: 7px; background: #1b1715; color: #fff;
    font: 600 ${FONT_PX}px/1 system-ui, sans-serif; white-space: nowrap; pointer-events: none; }
.label[hidden] { display: none; }
`;

/** @typedef {{text: string, box: [number, number, number, number]}} Labelled left, top, width, height as shares */
/** @typedef {{width: number, height: number}} Size */
/** @typedef {{left: number, top: number, right: number, bottom: number}} Box */

/** One half of an `object-position`, px from the edge. @param {string} part @param {number} room */
const offset = (part, room) => (part.endsWith("%") ? (parseFloat(part) / 100) * room : parseFloat(part));

/** Where a label of the picture is in the element, px. @param {Labelled} label @param {Size} picture
 * @param {Size} element @param {string} fit @param {string} position both as computed styles @returns {Box} */
export function laid(label, picture, element, fit, position) {
  const scales = [element.width / picture.width, element.height / picture.height];
  const even = fit === "contain" ? Math.min(...scales) : Math.max(...scales);
  const [across, down] = fit === "fill" ? scales : [even, even];
  const [width, height] = [picture.width * across, picture.height * down];
  const [x, y] = position.split(" ");
  const left = offset(x, element.width - width) + label.box[0] * width;
  const top = offset(y ?? "50%", element.height - height) + label.box[1] * height;
  return { left, top, right: left + label.box[2] * width, bottom: top + label.box[3] * height };
}

/** Whether it can be read there. @param {Box} box @param {Size} element @param {number} radius px of its corners */
export function isSeen(box, element, radius) {
  const inside = box.left >= 0 && box.top >= 0 && box.right <= element.width + 0.5 && box.bottom <= element.height + 0.5;
  return inside && box.bottom - box.top >= LEAST_PX && !isCut(box, element, radius);
}

/** Whether round corners cut it off. @param {Box} box @param {Size} element @param {number} radius */
function isCut(box, element, radius) {
  const right = box.left + box.right > element.width;
  const low = box.top + box.bottom > element.height;
  const across = right ? element.width - box.right : box.left;
  const down = low ? element.height - box.bottom : box.top;
  if (across >= radius || down >= radius) return false;
  return Math.hypot(radius - across, radius - down) > radius;
}

/** Where the element's own label goes: in the same corner, over what is left of the other one.
 * @param {Box} box of the one in the picture @param {Size} element @param {Size} own @param {number} radius
 * @returns {Box} */
export function placed(box, element, own, radius) {
  if (radius > ROUND * Math.min(element.width, element.height)) {
    const left = (element.width - own.width) / 2;
    const top = element.height * 0.92 - own.height;
    return { left, top, right: left + own.width, bottom: top + own.height };
  }
  const isRight = box.left + box.right > element.width;
  const isLow = box.top + box.bottom > element.height;
  const left = isRight ? element.width - MARGIN_PX - own.width : MARGIN_PX;
  const top = isLow ? element.height - MARGIN_PX - own.height : MARGIN_PX;
  const rest = {
    left: Math.max(0, box.left), top: Math.max(0, box.top),
    right: Math.min(element.width, box.right), bottom: Math.min(element.height, box.bottom),
  };
  if (rest.left >= rest.right || rest.top >= rest.bottom) {
    return { left, top, right: left + own.width, bottom: top + own.height };
  }
  return {
    left: Math.min(left, rest.left), top: Math.min(top, rest.top),
    right: Math.max(left + own.width, rest.right), bottom: Math.max(top + own.height, rest.bottom),
  };
}

export class Label {
  #host;
  #told;
  #chip = Object.assign(document.createElement("div"), { className: "label", hidden: true });
  /** @type {HTMLElement|null} what is seen now */ #face = null;
  /** @type {Labelled|null} of that */ #label = null;
  #last = "";

  /** @param {HTMLElement} host @param {ShadowRoot} root
   * @param {(box: Box|null) => void} told where the label is, of the picture or its own; null: there is none */
  constructor(host, root, told) {
    this.#host = host;
    this.#told = told;
    this.#chip.part.add("label");
    root.append(this.#chip);
    if (globalThis.ResizeObserver) new ResizeObserver(() => this.place()).observe(host);
  }

  /** This is seen from now on, with this label in it. @param {HTMLElement} face @param {Labelled|null} label */
  over(face, label) {
    this.#face = face;
    this.#label = label;
    this.place();
  }

  /** Look where it is, once more. */
  place() {
    const box = this.#placed();
    const now = JSON.stringify(box);
    if (now === this.#last) return;
    this.#last = now;
    this.#told(box);
  }

  /** @returns {Box|null} */
  #placed() {
    const element = { width: this.#host.clientWidth, height: this.#host.clientHeight };
    const picture = this.#face && sizeOf(this.#face);
    if (!this.#label || !this.#face || !picture?.width || !element.width || !element.height) {
      return this.#hide();
    }
    const style = getComputedStyle(this.#face);
    if (style.visibility === "hidden") return this.#hide(); // as of a transparent one's poster
    const box = laid(this.#label, picture, element, style.objectFit, style.objectPosition);
    const radius = radiusOf(this.#host, element);
    this.#chip.hidden = isSeen(box, element, radius);
    return this.#chip.hidden ? box : this.#show(box, element, radius);
  }

  #hide() {
    this.#chip.hidden = true;
    return null;
  }

  /** @param {Box} box @param {Size} element @param {number} radius */
  #show(box, element, radius) {
    this.#chip.textContent = this.#label?.text ?? "";
    Object.assign(this.#chip.style, { left: "0", top: "0", width: "", height: "", fontSize: "" });
    const own = { width: this.#chip.offsetWidth, height: this.#chip.offsetHeight };
    const at = placed(box, element, own, radius);
    const [width, height] = [at.right - at.left, at.bottom - at.top];
    const larger = Math.min(width / own.width, height / own.height);
    Object.assign(this.#chip.style, {
      left: `${at.left}px`, top: `${at.top}px`, width: `${width}px`, height: `${height}px`,
      fontSize: `${Math.floor(FONT_PX * larger)}px`,
    });
    return at;
  }
}

/** @param {any} face @returns {Size} */
function sizeOf(face) {
  return { width: face.videoWidth ?? face.naturalWidth ?? face.width, height: face.videoHeight ?? face.naturalHeight ?? face.height };
}

/** px of its corners, a share of it told in %. @param {HTMLElement} host @param {Size} element */
function radiusOf(host, element) {
  const radius = getComputedStyle(host).borderTopRightRadius.split(" ")[0] || "0";
  return Math.min(offset(radius, element.width), element.width / 2, element.height / 2);
}
