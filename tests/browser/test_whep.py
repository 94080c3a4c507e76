"""The unmodified whip-whep (npm) in Chromium: two players of one avatar, and a voice for it."""

import pytest
from support import npm
from support.serving import serving

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

KEY, VOICE = "players-own-token-1", "speakers-own-token-1"
SOURCE = """
import { WHEPClient } from "whip-whep/whep.js";
import { WHIPClient } from "whip-whep/whip.js";

async function watch(url, token) {
  const pc = new RTCPeerConnection(), video = document.createElement("video");
  const stream = new MediaStream();
  Object.assign(video, { autoplay: true, muted: true, srcObject: stream });
  document.body.append(video);
  pc.addTransceiver("audio", { direction: "recvonly" });
  pc.addTransceiver("video", { direction: "recvonly" });
  pc.ontrack = ({ track }) => stream.addTrack(track);
  const client = new WHEPClient();
  await client.view(pc, url, token);
  return { pc, client, video, stream };
}

async function speak(url, token) {
  const context = new AudioContext(), tone = context.createOscillator();
  const sink = context.createMediaStreamDestination();
  tone.connect(sink);
  tone.start();
  const pc = new RTCPeerConnection();
  pc.addTransceiver(sink.stream.getTracks()[0], { direction: "sendonly" });
  const client = new WHIPClient();
  await client.publish(pc, url, token);
  return { pc, client, context };
}

const frames = (pc) => pc.getStats().then((stats) => [...stats.values()].find(
  (each) => each.type === "inbound-rtp" && each.kind === "video")?.framesDecoded ?? 0);
// Whether anything loud is heard within some ms.
async function hears({ stream }, ms) {
  const context = new AudioContext(), analyser = context.createAnalyser();
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let loud = false;
  for (const end = performance.now() + ms; !loud && performance.now() < end;) {
    analyser.getFloatTimeDomainData(samples);
    loud = samples.some((sample) => Math.abs(sample) > 0.1);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await context.close();
  return loud;
}
const until = async (met) => {
  for (let i = 0; i < 500 && !await met(); i++)
    await new Promise((resolve) => setTimeout(resolve, 20));
  return met();
};
Object.assign(globalThis, { watch, speak, frames, hears, until });
"""


async def test_players_and_a_voice(chromium):
    settings = {"whep": "on", "whip": "on", "whep_token": KEY, "whip_token": VOICE}
    async with serving(**settings) as server, npm.page(chromium, "whep", SOURCE) as page:
        url = str(server.make_url("")).rstrip("/")
        told = await page.evaluate(
            """async ([url, key, voice]) => {
                const seen = [await watch(`${url}/whep/mira`, key)];
                seen.push(await watch(`${url}/whep/mira`, key));
                for (const each of seen) await until(async () => await frames(each.pc) > 10);
                const before = await hears(seen[1], 300);
                const spoken = await speak(`${url}/whip/mira`, voice);
                const heard = [await hears(seen[0], 9000), await hears(seen[1], 3000)];
                const size = [seen[1].video.videoWidth, seen[1].video.videoHeight];
                await spoken.client.stop();
                await seen[0].client.stop();
                const then = await frames(seen[1].pc);
                await until(async () => await frames(seen[1].pc) > then + 5);
                const left = await frames(seen[1].pc) - then;
                await seen[1].client.stop();
                return { before, heard, size, left };
            }""",
            [url, KEY, VOICE],
        )
        assert told["size"] == [128, 128]
        assert (told["before"], told["heard"]) == (False, [True, True])
        assert told["left"] > 5  # the other one goes on
        text = await (await server.get("/metrics")).text()
        assert "visavis_whep_viewers 0.0" in text


@pytest.mark.parametrize(("path", "key"), [("whep/mira", "wrong"), ("whep/nobody", KEY)])
async def test_what_is_wrong_reaches_its_caller(chromium, path, key):
    async with (
        serving(whep="on", whep_token=KEY) as server,
        npm.page(chromium, "whep", SOURCE) as page,
    ):
        url = str(server.make_url("")).rstrip("/")
        told = await page.evaluate(
            "([url, key]) => watch(url, key).catch((error) => error.message)",
            [f"{url}/{path}", key],
        )
        assert ("401" if key == "wrong" else "404") in told
