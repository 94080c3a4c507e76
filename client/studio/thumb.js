/** A scene in small: face, background, what stands beside it. */

import { make } from "../page/dom.js";

/** @param {import("./state.js").Studio} studio @param {import("./service.js").Service} service
 * @param {any} scene complete, see model.js */
export function thumb(studio, service, scene) {
  const { aspect } = studio.project.frame;
  const frame = make("span", { className: "thumb", ariaHidden: "true" });
  frame.dataset.aspect = aspect;
  frame.dataset.background = scene.background.kind;
  const face = make("img", { className: "face-small", alt: "" });
  const { kind, value } = scene.background;
  if (kind === "colour") frame.style.background = value;
  if (kind === "picture") frame.append(picture(service.file(studio.name, value), "behind"));
  frame.append(face);
  const preview = studio.avatar(scene.avatar)?.preview;
  if (preview) fill(face, service.picture(preview));
  if (scene.beside) {
    frame.dataset.beside = scene.beside.side;
    frame.append(picture(service.file(studio.name, scene.beside.file), "beside"));
  }
  return frame;
}

/** @param {Promise<string>} address @param {string} className */
function picture(address, className) {
  const image = make("img", { alt: "", className });
  fill(image, address);
  return image;
}

/** @param {HTMLImageElement} image @param {Promise<string>} address */
export async function fill(image, address) {
  const found = await address;
  if (found) image.src = found;
  else image.remove();
}
