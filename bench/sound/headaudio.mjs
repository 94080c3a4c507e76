// HeadAudio's own processor over raw sound: what it tells the browser, as JSON lines.
//
//   node headaudio.mjs PACKAGE OPTIONS_JSON FILE...
//
// FILE: mono float32 at the rate in the options. A line for each: [[time s, viseme or null], ...],
// one entry for every vector that passes its voice gate, and ["ended", time s] where speech ends.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, options, ...files] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(join(folder, "modules", name)));
const { Processor } = await load("processor.mjs");
const { Training } = await load("training.mjs");
const PARAMS = await load("parameters.mjs");

const bytes = readFileSync(join(folder, "dist", "model-en-mixed.bin"));
const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
const training = new Training();
const model = [];
for (let at = 0; at + PARAMS.RECORD_OFFSET <= buffer.byteLength; at += PARAMS.RECORD_OFFSET) {
  model.push(training.decodeBinaryRecord(new Float32Array(buffer, at, PARAMS.RECORD_LEN)));
}

for (const file of files) {
  const told = [];
  const port = {
    postMessage: (message) => {
      if (message.event === "viseme") told.push([message.t, message.viseme]);
      if (message.event === "ended") told.push(["ended", message.t]);
    },
  };
  const processor = new Processor(JSON.parse(options), { port });
  processor._onmessage({ data: { event: "model", model } });
  const raw = readFileSync(file);
  const audio = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength));
  for (let at = 0; at < audio.length; at += 128) processor.process(audio.subarray(at, at + 128));
  process.stdout.write(JSON.stringify(told) + "\n");
}
