"""A page that calls OpenAI's Realtime as its documentation shows it: here it also gets a face."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from support.realtime_client import KEY
from support.serving import serving

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(60),
    pytest.mark.asyncio(loop_scope="session"),
]

PAGE = """
async ([address, key, video]) => {
  const pc = new RTCPeerConnection();
  const face = document.createElement("video");
  face.autoplay = true;
  document.body.append(face);
  const got = { events: [], kinds: [], answer: "", width: 0 };
  pc.ontrack = (e) => { got.kinds.push(e.track.kind); face.srcObject = e.streams[0]; };
  const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
  pc.addTrack(microphone.getTracks()[0]);
  if (video) pc.addTransceiver("video", { direction: "recvonly" });
  const channel = pc.createDataChannel("oai-events");
  const done = new Promise((resolve) => {
    channel.addEventListener("message", (message) => {
      const event = JSON.parse(message.data);
      got.events.push(event.type);
      if (event.type === "response.done") resolve(event.response);
    });
  });
  await pc.setLocalDescription(await pc.createOffer());
  const response = await fetch(`${address}/v1/realtime/calls`, {
    method: "POST", body: pc.localDescription.sdp,
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/sdp" },
  });
  got.status = response.status;
  got.location = response.headers.get("Location");
  await pc.setRemoteDescription({ type: "answer", sdp: await response.text() });
  await new Promise((resolve) => channel.addEventListener("open", resolve));
  channel.send(JSON.stringify({ type: "conversation.item.create", item: {
    type: "message", role: "user", content: [{ type: "input_text", text: "hello" }] } }));
  channel.send(JSON.stringify({ type: "response.create" }));
  got.answer = (await done).output[0].content[0].transcript;
  if (video) {
    while (!face.videoWidth) await new Promise((resolve) => setTimeout(resolve, 20));
    got.width = face.videoWidth;
  }
  const stats = [...(await pc.getStats()).values()].filter((s) => s.type === "inbound-rtp");
  got.heard = stats.some((s) => s.kind === "audio" && s.totalAudioEnergy > 0);
  pc.close();
  return got;
}
"""


def empty_page():
    """Of another origin, really served: Chromium lets no other call this machine."""

    async def empty(_request):
        return web.Response(text="<!doctype html><body>", content_type="text/html")

    app = web.Application()
    app.add_routes([web.get("/", empty)])
    return app


@pytest.mark.parametrize(
    "video", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["face", "voice"]
)
async def test_the_documented_call_of_a_page(chromium, video):
    async with serving(realtime_key=KEY) as server, TestServer(empty_page()) as elsewhere:
        made = await server.post(
            "/v1/realtime/client_secrets", json={}, headers={"Authorization": f"Bearer {KEY}"}
        )
        key = (await made.json())["value"]
        context = await chromium.new_context(permissions=["microphone"])
        try:
            page = await context.new_page()
            await page.goto(f"http://localhost:{elsewhere.port}/")
            address = str(server.make_url("")).rstrip("/")
            got = await asyncio.wait_for(page.evaluate(PAGE, [address, key, video]), 40)
        finally:
            await context.close()
        assert got["status"] == 201
        assert got["location"].startswith("/v1/realtime/calls/rtc_")
        assert got["answer"] == "You said: hello"
        assert sorted(got["kinds"]) == (["audio", "video"] if video else ["audio"])
        assert got["width"] == (128 if video else 0)
        assert "session.created" in got["events"]
        assert "output_audio_buffer.stopped" in got["events"]
        assert got["heard"]
