"""@pipecat-ai/client-js and its SmallWebRTC transport, unmodified, talk with an avatar of ours.

Its usual microphone comes from a script that it loads from its maker's server; here it is the other
one of the package. It shares no screen, so the test says that it does: then the offer has all the
sections that it has with the usual one.
"""

from contextlib import asynccontextmanager

import pytest
from support import npm
from support.doors import house

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

KEY = "a-key-of-pipecats-clients"
SOURCE = """
import { PipecatClient } from "@pipecat-ai/client-js";
import { SmallWebRTCTransport, WavMediaManager } from "@pipecat-ai/small-webrtc-transport";

const heard = [];
const note = (name) => (data) => heard.push([name, data]);
const callbacks = {};
for (const name of [
  "onConnected", "onBotReady", "onBotConnected", "onBotDisconnected", "onDisconnected", "onError",
  "onUserTranscript", "onBotOutput", "onBotLlmText", "onBotTtsText", "onBotStartedSpeaking",
  "onBotStoppedSpeaking", "onBotLlmStarted", "onBotTtsStarted", "onMessageError",
]) callbacks[name] = note(name);

const video = document.createElement("video");
video.muted = true;
document.body.append(video);
callbacks.onTrackStarted = (track, participant) => {
  heard.push(["onTrackStarted", { kind: track.kind, local: participant?.local }]);
  if (track.kind !== "video" || participant?.local) return;
  video.srcObject = new MediaStream([track]);
  video.play();
};

class Media extends WavMediaManager {
  get supportsScreenShare() { return true; }
}
const transport = new SmallWebRTCTransport({ mediaManager: new Media() });
const client = new PipecatClient({ transport, enableMic: true, enableCam: false, callbacks });
const connect = (endpoint, key, requestData) => client.connect({
  webrtcRequestParams: {
    endpoint, headers: new Headers({ Authorization: `Bearer ${key}` }), requestData,
  },
});
const picture = async () => {
  while (!video.videoWidth) await new Promise((done) => setTimeout(done, 50));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return { width: canvas.width, shade: data[0] };
};
const until = async (name, ms = 10_000) => {
  for (const end = Date.now() + ms; Date.now() < end; ) {
    const found = heard.filter(([each]) => each === name);
    if (found.length) return found.map(([, data]) => data);
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error(`no ${name} in ${JSON.stringify(heard)}`);
};
Object.assign(globalThis, { client, connect, heard, picture, until, transport });
"""


@asynccontextmanager
async def visiting(chromium):
    """(a page with the client, where it offers)."""
    async with house(pipecat_key=KEY) as server:
        origin = f"http://127.0.0.1:{server.port}"
        async with npm.page(chromium, "pipecat", SOURCE, origin=origin) as page:
            yield page, f"{origin}/api/offer"


async def test_the_client_connects_talks_and_leaves(chromium):
    async with visiting(chromium) as (page, address):
        ready = await page.evaluate(f"connect({address!r}, {KEY!r}, {{ avatar: 'mira' }})")
        assert ready == {"version": "2.1.0", "about": {"library": "visavis"}}
        assert await page.evaluate("client.state") == "ready"
        shown = await page.evaluate("picture()")
        assert shown["width"] > 0
        assert shown["shade"] > 30  # what the fake generator draws; without a picture it is 0
        await page.evaluate("client.sendText('hello')")
        (transcript, *_) = await page.evaluate("until('onUserTranscript')")
        assert (transcript["text"], transcript["final"]) == ("hello", True)
        await page.evaluate("until('onBotStartedSpeaking')")
        await page.evaluate("until('onBotStoppedSpeaking')")
        outputs = await page.evaluate("until('onBotOutput')")
        assert outputs[0]["text"] == "You said: hello"
        assert outputs[-1]["spoken_status"] == "completed"
        answer = await page.evaluate("client.sendClientRequest('direct', { prompt: 'warm' })")
        assert answer["type"] == "directed"
        refused = "client.sendClientRequest('fly', {}).catch((error) => error.data.error)"
        assert "must be one of" in await page.evaluate(refused)
        assert await page.evaluate("heard.filter(([name]) => name === 'onError')") == []
        await page.evaluate("client.disconnect()")
        assert await page.evaluate("client.state") == "disconnected"


async def test_a_connection_that_is_made_anew_goes_on_with_the_session(chromium):
    async with visiting(chromium) as (page, address):
        await page.evaluate(f"connect({address!r}, {KEY!r})")
        before = await page.evaluate("transport.pc_id")
        # What it does by itself when ICE has failed: `restart_pc` with the same `pc_id`.
        await page.evaluate("transport.attemptReconnection(true)")
        assert await page.evaluate("transport.pc_id") == before
        await page.evaluate(
            "(async () => { while (transport.dc.readyState !== 'open')"
            " await new Promise((done) => setTimeout(done, 20)); })()"
        )
        await page.evaluate("client.sendText('again')")
        await page.evaluate("until('onBotStartedSpeaking')")
        await page.evaluate("client.disconnect()")


async def test_a_wrong_key_is_an_error_at_once(chromium):
    async with visiting(chromium) as (page, address):
        failed = f"connect({address!r}, 'wrong').then(() => '', (error) => String(error.status))"
        assert await page.evaluate(failed) == "401"
        assert await page.evaluate("client.state") == "disconnected"
