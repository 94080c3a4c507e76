"""The unmodified simli-client (npm) in Chromium, against our addresses."""

import pytest
from support import npm
from support.serving import serving

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

KEY = "sesame-sesame-sesame"
# Its own index names "./Client", and the file is client.js: that is found on no Linux.
SOURCE = """
import {
  SimliClient, generateSimliSessionToken, generateIceServers,
} from "simli-client/dist/client.js";

async function open(url, { key, face = "mira", idle = 30, token } = {}) {
  const video = document.createElement("video"), audio = document.createElement("audio");
  for (const each of [video, audio]) { each.autoplay = true; document.body.append(each); }
  video.muted = true;
  const config = { faceId: face, handleSilence: true, maxSessionLength: 60, maxIdleTime: idle };
  token ??= (await generateSimliSessionToken({ config, apiKey: key }, url)).session_token;
  const ice = await generateIceServers(key, url);
  const client = new SimliClient(
    token, video, audio, ice, 3, "p2p", "websockets", url.replace("http", "ws"));
  const events = [];
  for (const name of ["start", "stop", "error", "speaking", "silent", "unknown"])
    client.on(name, (detail) => events.push([name, detail ?? ""]));
  return { client, video, audio, events, ice };
}

// Loudest sample of what the audio element plays, of some ms.
async function loudness(audio, ms) {
  const context = new AudioContext();
  const source = context.createMediaStreamSource(audio.srcObject);
  const analyser = context.createAnalyser();
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let most = 0;
  for (const end = performance.now() + ms; performance.now() < end;) {
    analyser.getFloatTimeDomainData(samples);
    most = Math.max(most, ...samples.map(Math.abs));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await context.close();
  return most;
}

const tone = (seconds) => new Uint8Array(Int16Array.from(
  { length: 16000 * seconds }, (_, i) => 9000 * Math.sin(i * 0.08)).buffer);
const until = async (met) => {
  for (let i = 0; i < 500 && !met(); i++) await new Promise((resolve) => setTimeout(resolve, 20));
  return met();
};
Object.assign(globalThis, { open, loudness, tone, until });
"""


async def test_it_shows_our_face_and_speaks_the_sound_that_it_sends(chromium):
    async with serving(simli_key=KEY) as server, npm.page(chromium, "simli", SOURCE) as page:
        url = str(server.make_url("")).rstrip("/")
        told = await page.evaluate(
            """async ([url, key]) => {
                const { client, video, audio, events, ice } = await open(url, { key });
                await client.start();
                const size = [video.videoWidth, video.videoHeight];
                const quiet = await loudness(audio, 300);
                client.sendAudioDataImmediate(tone(2));
                await until(() => events.some(([name]) => name === "speaking"));
                const loud = await loudness(audio, 500);
                client.ClearBuffer();
                await until(() => events.some(([name]) => name === "silent"));
                await new Promise((resolve) => setTimeout(resolve, 300));
                const after = await loudness(audio, 300);
                await client.stop();
                return { size, quiet, loud, after, events, ice };
            }""",
            [url, KEY],
        )
        assert told["size"] == [128, 128]
        assert told["loud"] > 0.1
        assert max(told["quiet"], told["after"]) < 0.01
        assert [name for name, _ in told["events"]] == ["start", "speaking", "silent"]
        assert "google" not in str(told["ice"])  # its fallback, where there are no servers


async def test_what_is_wrong_reaches_its_caller(chromium):
    async with serving(simli_key=KEY) as server, npm.page(chromium, "simli", SOURCE) as page:
        url = str(server.make_url("")).rstrip("/")
        failing = """async ([url, options]) => {
            try { const { client } = await open(url, options); await client.start(); }
            catch (error) { return String(error); }
        }"""
        wrong_key = await page.evaluate(failing, [url, {"key": "wrong"}])
        assert "x-simli-api-key" in wrong_key
        wrong_face = await page.evaluate(failing, [url, {"key": KEY, "face": "nobody"}])
        assert "INVALID_FACE_ID" in wrong_face
        wrong_token = await page.evaluate(failing, [url, {"key": KEY, "token": "a.b.c"}])
        assert wrong_token == "ERROR: INVALID SESSION TOKEN"


async def test_an_idle_session_stops_and_another_one_begins(chromium):
    async with serving(simli_key=KEY) as server, npm.page(chromium, "simli", SOURCE) as page:
        url = str(server.make_url("")).rstrip("/")
        told = await page.evaluate(
            """async ([url, key]) => {
                const first = await open(url, { key, idle: 1 });
                await first.client.start();
                await until(() => first.events.some(([name]) => name === "stop"));
                const second = await open(url, { key });
                await second.client.start();
                second.client.sendAudioData(tone(1));
                await until(() => second.events.some(([name]) => name === "speaking"));
                const loud = await loudness(second.audio, 300);
                await second.client.stop();
                return { ended: first.events, loud };
            }""",
            [url, KEY],
        )
        assert [name for name, _ in told["ended"]] == ["start", "stop"]
        assert told["loud"] > 0.1
