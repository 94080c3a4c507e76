"""A page that can only relay: Chromium, the element, coturn, and a server that gives accounts."""

import pytest
from support import coturn
from support.serving import serving

from bench.live.chromium import visitor

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(coturn.MISSING is not None, reason=str(coturn.MISSING)),
]
RELAY_ONLY = """
    const Plain = RTCPeerConnection;
    const only = (given) => ({ ...given, iceTransportPolicy: "relay" });
    globalThis.RTCPeerConnection = class extends Plain {
      constructor(given) { super(only(given)); globalThis.peer = this; }
      setConfiguration(given) { super.setConfiguration(only(given)); }
    };
"""
ELEMENT = """
    import("/visavis-avatar.js").then(() => {
      globalThis.face = document.body.appendChild(document.createElement("visavis-avatar"));
      face.connect();
    })
"""
WAY = """peer.getStats().then((reports) => {
    const all = [...reports.values()];
    const transport = all.find(({ type }) => type === "transport");
    const pair = reports.get(transport.selectedCandidatePairId);
    return [reports.get(pair.localCandidateId).candidateType,
            all.some(({ type, kind, totalAudioEnergy }) =>
              type === "inbound-rtp" && kind === "audio" && totalAudioEnergy > 0)];
})"""


async def test_a_page_that_can_only_relay_sees_and_hears(chromium, tmp_path):
    with coturn.coturn(tmp_path) as port:
        async with (
            serving(media_addresses="127.0.0.1", **coturn.settings(port)) as client,
            visitor(chromium) as context,
        ):
            page = await context.new_page()
            await page.add_init_script(RELAY_ONLY)
            await page.goto(str(client.make_url("/healthz")))
            await page.evaluate(ELEMENT)
            await page.wait_for_function("face.session.state === 'connected'")
            await page.wait_for_function("face.session.marks.firstPicture")
            await page.evaluate("face.say('Through the relay.')")
            await page.wait_for_function("face.session.receipts.length === 1")
            assert await page.evaluate(WAY) == ["relay", True]
