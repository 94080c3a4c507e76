/**
 * A picture of a film that somebody chose, for the page alone: nothing is sent.
 */

const AT = 1; // s
const SIDE = 640; // px of the longer side

/** The address of a picture out of a film; "" where the browser cannot show it. @param {Blob} film */
export async function stillOf(film) {
  const video = document.createElement("video");
  const source = URL.createObjectURL(film);
  try {
    video.muted = true;
    video.preload = "auto";
    video.src = source;
    await once(video, "loadeddata");
    video.currentTime = Math.min(AT, (video.duration || 0) / 2);
    await once(video, "seeked");
    const scale = Math.min(1, SIDE / Math.max(video.videoWidth, video.videoHeight, 1));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    canvas.getContext("2d")?.drawImage(video, 0, 0, canvas.width, canvas.height);
    const picture = await new Promise((resolve) => canvas.toBlob(resolve, "image/webp", 0.9));
    return picture ? URL.createObjectURL(/** @type {Blob} */ (picture)) : "";
  } catch {
    return ""; // the server may still read it
  } finally {
    video.removeAttribute("src");
    URL.revokeObjectURL(source);
  }
}

/** @param {HTMLVideoElement} video @param {string} event */
function once(video, event) {
  return new Promise((resolve, reject) => {
    video.addEventListener(event, resolve, { once: true });
    video.addEventListener("error", reject, { once: true });
  });
}
