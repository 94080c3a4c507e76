/**
 * A person cut out of a double picture: colour above, matte below (docs/api.md, "Transparent
 * pictures"), composed in the page. The element loads this only where it is `transparent`.
 *
 * Colour comes multiplied by opacity already, as a person before black is, so nothing is divided and
 * whatever the page has behind shines through the rest. Knows nothing of servers or sessions.
 */

const VERTEX = `
attribute vec2 at;
varying vec2 place;
void main() {
  place = vec2(at.x, 1.0 - at.y);
  gl_Position = vec4(2.0 * at - 1.0, 0.0, 1.0);
}`;

// part: of the double picture's height that its colour has; px: size of one of its px.
// Browsers spread each sample of chroma over 2 x 2 px. Along an edge that is seen as a row of teeth of
// the wrong hue, so chroma is taken from the four samples around instead, as it was meant.
// No premultiplied colour is brighter than its opacity: what a codec adds there would glow.
const FRAGMENT = `
precision highp float;
varying vec2 place;
uniform sampler2D picture;
uniform float part;
uniform vec2 px;
const vec3 LUMA = vec3(0.299, 0.587, 0.114);
vec3 hue(vec2 block) {
  vec2 most = vec2(1.0, part) / (2.0 * px) - 1.0;
  vec3 seen = texture2D(picture, (2.0 * clamp(block, vec2(0.0), floor(most)) + 0.5) * px).rgb;
  return seen - dot(seen, LUMA);
}
void main() {
  vec2 half_px = 0.5 * px;
  vec2 at = vec2(place.x, clamp(place.y * part, half_px.y, part - half_px.y));
  float luma = dot(texture2D(picture, at).rgb, LUMA);
  vec2 block = at / (2.0 * px) - 0.5;
  vec2 first = floor(block), way = block - first;
  vec3 above = mix(hue(first), hue(first + vec2(1.0, 0.0)), way.x);
  vec3 below = mix(hue(first + vec2(0.0, 1.0)), hue(first + vec2(1.0)), way.x);
  float opacity = texture2D(picture, vec2(at.x, at.y + 0.5)).g;
  vec3 colour = luma + mix(above, below, way.y);
  gl_FragColor = vec4(clamp(colour, 0.0, opacity), opacity);
}`;

/** How it is done; "opaque": not at all, the person stands before black.
 * @typedef {"webgl" | "canvas" | "opaque"} Way */

/** How a double picture lies: px of the face's picture, and the row at which the matte begins.
 * @typedef {{size: [number, number], matte: number}} Layout */

/** @param {WebGLRenderingContext} gl */
function program(gl) {
  const made = /** @type {WebGLProgram} */ (gl.createProgram());
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = /** @type {WebGLShader} */ (gl.createShader(Number(kind)));
    gl.shaderSource(shader, String(source));
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(gl.getProgramInfoLog(made) ?? "the shader does not link");
  }
  return made;
}

/** Composes on the graphics card, or where there is none in a rasteriser such as SwiftShader. */
class Card {
  /** @type {Way} */ way = "webgl";
  #gl;
  /** @type {Record<"part"|"px", WebGLUniformLocation|null>} */ #uniforms = { part: null, px: null };

  /** @param {WebGLRenderingContext} gl */
  constructor(gl) {
    this.#gl = gl;
    this.prepare();
  }

  /** Everything that a context holds, which one that was lost and came back does not. */
  prepare() {
    const gl = this.#gl;
    const made = program(gl);
    gl.useProgram(made);
    this.#uniforms = { part: gl.getUniformLocation(made, "part"), px: gl.getUniformLocation(made, "px") };
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([0, 0, 1, 0, 0, 1, 1, 1]), gl.STATIC_DRAW);
    const at = gl.getAttribLocation(made, "at");
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, 2, gl.FLOAT, false, 0, 0);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
    for (const size of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, size, gl.LINEAR);
  }

  /** @param {HTMLVideoElement} video @param {Layout} layout */
  draw(video, { size, matte }) {
    const gl = this.#gl;
    if (gl.isContextLost()) return;
    gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, video);
    gl.uniform1f(this.#uniforms.part, size[1] / (2 * matte));
    gl.uniform2f(this.#uniforms.px, 1 / video.videoWidth, 1 / video.videoHeight);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }
}

/** Composes px by px where there is no WebGL: some ms a picture. */
class Canvas {
  /** @type {Way} */ way = "canvas";
  #context;
  #double = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

  /** @param {CanvasRenderingContext2D} context */
  constructor(context) {
    this.#context = context;
  }

  prepare() {}

  /** @param {HTMLVideoElement} video @param {Layout} layout */
  draw(video, { size: [width, height], matte }) {
    const { videoWidth: wide, videoHeight: tall } = video;
    const part = (tall * height) / (2 * matte);
    if (this.way === "opaque" || !this.#double) {
      this.#context.drawImage(video, 0, 0, wide, part, 0, 0, width, height);
      return;
    }
    const { canvas } = this.#double;
    if (canvas.width !== width || canvas.height !== 2 * height) Object.assign(canvas, { width, height: 2 * height });
    this.#double.drawImage(video, 0, 0, wide, part, 0, 0, width, height);
    this.#double.drawImage(video, 0, tall / 2, wide, part, 0, height, width, height);
    try {
      this.#context.putImageData(joined(this.#double.getImageData(0, 0, width, 2 * height), height), 0, 0);
    } catch {
      this.way = "opaque"; // a browser that lets no page read its canvases
      this.draw(video, { size: [width, height], matte });
    }
  }
}

/** Colour by its matte. ImageData is not premultiplied, so what was multiplied is divided again.
 * @param {ImageData} double @param {number} height */
export function joined({ data, width }, height) {
  const made = new ImageData(width, height);
  const out = made.data;
  const below = 4 * width * height;
  for (let k = 0; k < below; k += 4) {
    const opacity = data[below + k + 1];
    if (!opacity) continue;
    const scale = 255 / opacity;
    out[k] = data[k] * scale;
    out[k + 1] = data[k + 1] * scale;
    out[k + 2] = data[k + 2] * scale;
    out[k + 3] = opacity;
  }
  return made;
}

export class Cutout {
  /** Where the person is seen. */ canvas;
  #video;
  #tell;
  /** @type {Card | Canvas | null} */ #by = null;
  /** @type {Layout | null} */ #layout = null;
  #running = false;
  #told = "";

  /** @param {HTMLVideoElement} video whose pictures are double @param {HTMLCanvasElement} canvas
   * @param {(way: Way, why: string) => void} tell how it is done, and why no better, when that changes */
  constructor(video, canvas, tell) {
    this.#video = video;
    this.#tell = tell;
    this.canvas = canvas;
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault()); // else it stays lost
    canvas.addEventListener("webglcontextrestored", () => this.#restore());
  }

  /** How pictures lie from now on; null: they are not double, and nothing is shown.
   * @param {Layout | null} layout */
  lie(layout) {
    this.#layout = layout;
    if (!layout) return;
    const [width, height] = layout.size;
    this.#by ??= this.#chosen();
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    this.draw();
  }

  start() {
    if (this.#running) return;
    this.#running = true;
    this.#next();
  }

  stop() {
    this.#running = false;
  }

  /** What the video shows now. */
  draw() {
    if (!this.#layout || !this.#by || !this.#video.videoWidth) return;
    this.#by.draw(this.#video, this.#layout);
    this.#say(this.#by.way, this.#by.way === "opaque" ? "this browser lets no page read its pictures" : "");
  }

  #next() {
    const draw = () => {
      if (!this.#running) return;
      this.draw();
      this.#next();
    };
    if ("requestVideoFrameCallback" in this.#video) this.#video.requestVideoFrameCallback(draw);
    else requestAnimationFrame(draw);
  }

  /** A canvas has one kind of context for ever. */
  #chosen() {
    let why = "there is no WebGL here";
    const gl = this.canvas.getContext("webgl", {
      alpha: true, premultipliedAlpha: true, antialias: false, depth: false, stencil: false,
    });
    if (gl) {
      try {
        return new Card(gl);
      } catch (error) {
        why = `WebGL cannot do it here (${error})`;
        const other = /** @type {HTMLCanvasElement} */ (this.canvas.cloneNode());
        this.canvas.replaceWith(other);
        this.canvas = other;
      }
    }
    const context = this.canvas.getContext("2d");
    this.#say(context ? "canvas" : "opaque", `${why}: it takes more of the processor`);
    return context && new Canvas(context);
  }

  #restore() {
    this.#by?.prepare();
    this.draw();
  }

  /** @param {Way} way @param {string} why */
  #say(way, why) {
    if (way === this.#told) return;
    this.#told = way;
    this.#tell(way, why);
  }
}
