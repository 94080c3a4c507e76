/** Two soft notes: the end of a visit is near. Heard whatever the voice can say. */

const NOTES = [659.3, 523.3]; // Hz: E5, C5
const NOTE_S = 0.35;

/** @type {AudioContext|null} */ let context = null;

/** @param {number} volume in [0, 1] */
export function chime(volume) {
  context ??= new AudioContext();
  const begin = context.currentTime + 0.02;
  NOTES.forEach((frequency, at) => note(/** @type {AudioContext} */ (context), frequency, begin + at * NOTE_S * 0.6, volume));
}

/** @param {AudioContext} to @param {number} frequency @param {number} at s @param {number} volume */
function note(to, frequency, at, volume) {
  const gain = new GainNode(to, { gain: 0 });
  const source = new OscillatorNode(to, { frequency });
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(0.3 * volume, at + 0.02);
  gain.gain.exponentialRampToValueAtTime(0.0001, at + NOTE_S);
  source.connect(gain).connect(to.destination);
  source.start(at);
  source.stop(at + NOTE_S);
  source.addEventListener("ended", () => gain.disconnect());
}
