"""ICE restarted by plain clients, as after a change of their network: Chromium's own restartIce."""

import pytest
from support import npm
from support.serving import serving

from bench.live.chromium import visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
CLIENT = """
async () => {
  const pc = globalThis.pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  pc.addTransceiver("audio", { direction: "recvonly" });
  pc.addTransceiver("video", { direction: "recvonly" });
  globalThis.told = [];
  globalThis.channel = pc.createDataChannel("visavis");
  channel.onmessage = ({ data }) => told.push(JSON.parse(data));
  globalThis.gathered = () => new Promise((resolve) => {
    if (pc.iceGatheringState === "complete") resolve();
    pc.onicegatheringstatechange = () => pc.iceGatheringState === "complete" && resolve();
  });
  await pc.setLocalDescription();
  await gathered();
  const response = await fetch("/v1/sessions", {
    method: "POST", headers: { "Content-Type": "application/sdp" }, body: pc.localDescription.sdp,
  });
  globalThis.where = response.headers.get("Location");
  await pc.setRemoteDescription({ type: "answer", sdp: await response.text() });
}
"""
RESTART = r"""
async () => {
  const offer = await pc.createOffer({ iceRestart: true });
  await pc.setLocalDescription(offer);
  await gathered();
  const own = pc.localDescription.sdp.split("\r\n").filter((l) => /^a=(ice-|candidate)/.test(l));
  const response = await fetch(where, {
    method: "PATCH", headers: { "Content-Type": "application/trickle-ice-sdpfrag" },
    body: [...new Set(own)].join("\r\n") + "\r\n",
  });
  const text = await response.text();
  const [, user] = text.match(/a=ice-ufrag:(.*)\r\n/);
  const [, password] = text.match(/a=ice-pwd:(.*)\r\n/);
  const found = text.split("\r\n").filter((line) => line.startsWith("a=candidate")).join("\r\n");
  const sdp = pc.currentRemoteDescription.sdp
    .replace(/a=ice-ufrag:.*\r\n/g, `a=ice-ufrag:${user}\r\n`)
    .replace(/a=ice-pwd:.*\r\n/g, `a=ice-pwd:${password}\r\n`)
    .replace(/a=candidate:.*\r\n/g, "").replace(/a=end-of-candidates\r\n/g, "")
    .replace(/(m=audio.*\r\n)/, `$1${found}\r\n`);
  await pc.setRemoteDescription({ type: "answer", sdp });
  return response.status;
}
"""
WAY = """pc.getStats().then((reports) => {
  const transport = [...reports.values()].find(({ type }) => type === "transport");
  const pair = reports.get(transport.selectedCandidatePairId);
  const voice = [...reports.values()].find((r) => r.type === "inbound-rtp" && r.kind === "audio");
  const user = transport.iceLocalUsernameFragment;
  return { pair: pair.id, user, packets: voice?.packetsReceived ?? 0 };
})"""


async def test_a_plain_client_restarts_ice_and_goes_on(chromium):
    async with serving(media_addresses="127.0.0.1") as client, visitor(chromium) as context:
        page = await context.new_page()
        await page.goto(str(client.make_url("/healthz")))
        await page.evaluate(CLIENT)
        await page.wait_for_function("told[0]?.type === 'ready'")
        before = await page.evaluate(WAY)
        for _ in range(2):
            assert await page.evaluate(RESTART) == 200
            await page.wait_for_function("pc.iceConnectionState === 'connected'")
            await page.wait_for_timeout(300)
        after = await page.evaluate(WAY)
        assert after["user"] != before["user"]
        assert after["pair"] != before["pair"]
        await page.wait_for_timeout(300)
        later = await page.evaluate(WAY)
        assert later["packets"] - after["packets"] > 8
        await page.evaluate("""channel.send('{"type": "say", "text": "On another way."}')""")
        await page.wait_for_function("told.some(({ heard }) => heard === 'On another way.')")
        assert [each["type"] for each in await page.evaluate("told")].count("ready") == 1
        session = await (await client.get(await page.evaluate("where"))).json()
        assert session["state"] == "live"


WHEP = """
import { WHEPClient } from "whip-whep/whep.js";

globalThis.watch = async (url) => {
  const pc = globalThis.pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  pc.addTransceiver("audio", { direction: "recvonly" });
  pc.addTransceiver("video", { direction: "recvonly" });
  globalThis.client = new WHEPClient();
  await client.view(pc, url, "");
};
"""


@pytest.mark.slow
async def test_a_player_from_npm_restarts_ice(chromium):
    async with (
        serving(media_addresses="127.0.0.1", whep="on") as server,
        npm.page(chromium, "whep", WHEP) as page,
    ):
        await page.evaluate("(url) => watch(url)", str(server.make_url("/whep/mira")))
        await page.wait_for_function("pc.connectionState === 'connected'")
        before = await page.evaluate(WAY)
        await page.evaluate("client.restart()")
        await page.wait_for_timeout(600)
        after = await page.evaluate(WAY)
        assert after["pair"] != before["pair"]
        await page.wait_for_timeout(300)
        assert (await page.evaluate(WAY))["packets"] - after["packets"] > 8
