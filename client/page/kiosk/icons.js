/** Signs that only a kiosk needs, drawn for it; the page's own are in index.html. */

const SVG = "http://www.w3.org/2000/svg";

/** @type {Record<string, string[]>} paths on a field of 24 x 24 */
const PATHS = {
  keyboard: ["M4 6.5h16a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1z", "M6.5 10h.1M10 10h.1M13.9 10h.1M17.4 10h.1M6.5 14h.1M17.4 14h.1M9.5 14h5"],
  "keyboard-down": ["M4 4h16a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1z", "M7 7.5h.1M12 7.5h.1M17 7.5h.1M9 11h6M9 18l3 3 3-3"],
  shift: ["M12 4 4.5 12H9v7h6v-7h4.5z"],
  erase: ["M8.5 5.5H20a1 1 0 0 1 1 1v11a1 1 0 0 1-1 1H8.5L3 12z", "M11.5 9.5l5 5M16.5 9.5l-5 5"],
  globe: ["M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z", "M3.5 12h17M12 3.5c2.6 2.4 3.8 5.2 3.8 8.5s-1.2 6.1-3.8 8.5c-2.6-2.4-3.8-5.2-3.8-8.5s1.2-6.1 3.8-8.5z"],
  contrast: ["M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z", "M12 3.5v17M12 7l5.5-1M12 11l8-1.4M12 15l8-1.4M12 19l5-.9"],
  quieter: ["M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM16 12h5"],
  louder: ["M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM16 12h5M18.5 9.5v5"],
  aloud: ["M5 4.5h14v11h-7l-4 4v-4H5z", "M9 8.5h6M9 11.5h4"],
  headphones: ["M4.5 16v-3.5a7.5 7.5 0 0 1 15 0V16", "M4.5 14.5h2a1 1 0 0 1 1 1v3a1 1 0 0 1-1 1h-1a1 1 0 0 1-1-1zM19.5 14.5h-2a1 1 0 0 0-1 1v3a1 1 0 0 0 1 1h1a1 1 0 0 0 1-1z"],
  camera: ["M4 7.5h3l1.5-2h7l1.5 2h3a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1z", "M12 10a3.2 3.2 0 1 0 0 6.4 3.2 3.2 0 0 0 0-6.4z"],
  other: ["M5 12a7 7 0 0 1 12-5l2 2M19 5v4h-4M19 12a7 7 0 0 1-12 5l-2-2M5 19v-4h4"],
};

/** A sign to put into a button; the page's own by the same way. @param {string} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("viewBox", "0 0 24 24");
  for (const path of PATHS[name] ?? []) {
    const drawn = document.createElementNS(SVG, "path");
    drawn.setAttribute("d", path);
    svg.append(drawn);
  }
  if (!PATHS[name]) {
    const use = document.createElementNS(SVG, "use");
    use.setAttribute("href", `#icon-${name}`);
    svg.append(use);
  }
  return svg;
}
