"""Sessions that have nothing but coturn between viewer and server, set up as deploy/ has it."""

import asyncio
from urllib.parse import quote

import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCIceServer, RTCIceTransportPolicy
from support import coturn
from support.coturn import RELAY, SECRET
from support.serving import Viewer, serving

from visavis import remote
from visavis.server.rtc.relays import Relays

pytestmark = pytest.mark.skipif(coturn.MISSING is not None, reason=str(coturn.MISSING))


def account(port, seconds=600):
    """One that ends by itself."""
    relays = Relays((f"turn:{RELAY}:{port}",), SECRET, seconds)
    (server,) = relays.servers()
    return RTCIceServer(**server)


def relayed(port, seconds=600):
    """A viewer who has no other way than the relay."""
    policy = RTCIceTransportPolicy.RELAY
    return Viewer(
        configuration=RTCConfiguration([account(port, seconds)], iceTransportPolicy=policy)
    )


async def test_a_program_that_can_only_relay_sees_and_hears(tmp_path):
    """visavis.remote asks the server for an account, and comes back through the relay, too."""
    with coturn.coturn(tmp_path) as port:
        async with (
            serving(media_addresses="127.0.0.1", **coturn.settings(port)) as client,
            remote.connect(str(client.make_url("/")), relay_only=True) as face,
        ):
            offered = face._link._pc.localDescription.sdp
            assert " typ relay " in offered
            assert " typ host " not in offered
            pictures, sounds = face.pictures(), face.sound()
            assert (await anext(pictures)).image.any()
            reply = await face.say("Through the relay.")
            while not np.abs((await asyncio.wait_for(anext(sounds), 5)).pcm).max() > 1000:
                pass
            assert (await reply.ended()).heard == "Through the relay."
            await face._link._pc.close()
            assert (await face.wait_for(remote.messages.Ready)).resumed
            assert (await anext(face.pictures())).image.any()


async def test_an_account_that_has_ended_is_refused(tmp_path):
    with coturn.coturn(tmp_path) as port:
        for seconds, is_relayed in ((600, True), (-600, False)):
            viewer = relayed(port, seconds)
            assert (" typ relay " in await viewer.offer()) is is_relayed
            await viewer.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "allowed"),
    [
        ({"never_contact": f"{RELAY}/32"}, "127.0.0.1"),  # the server refuses the relay
        ({}, "127.0.0.3"),  # the relay refuses the server
    ],
    ids=["never_contact", "denied-peer-ip"],
)
async def test_a_relay_is_used_only_where_both_allow_it(tmp_path, settings, allowed):
    with coturn.coturn(tmp_path, allowed=allowed) as port:
        async with serving(media_addresses="127.0.0.1", **settings) as client:
            viewer = relayed(port)
            try:
                where = await viewer.connect(client)
                with pytest.raises(TimeoutError):
                    await viewer.wait_for("ready", within=4)
                assert (await (await client.get(where)).json())["state"] == "offered"
            finally:
                await viewer.close()


@pytest.mark.slow
async def test_a_server_that_has_a_relay_of_its_own(tmp_path):
    """`ice_servers` with an account; coturn lets nothing through but from relay to relay."""
    with coturn.coturn(tmp_path, allowed=RELAY) as port:
        relay = account(port)
        name, secret = quote(relay.username, safe=""), quote(relay.credential, safe="")
        url = f"turn:{name}:{secret}@{RELAY}:{port}"
        async with serving(media_addresses="127.0.0.1", ice_servers=url) as client:
            viewer = relayed(port)
            try:
                await viewer.connect(client)
                assert " typ relay " in viewer.pc.remoteDescription.sdp
                await viewer.wait_for("ready")
                await asyncio.wait_for(viewer.tracks["video"].recv(), 5)
            finally:
                await viewer.close()
