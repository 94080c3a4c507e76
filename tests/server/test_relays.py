"""Relays that viewers are given: accounts as coturn checks them, settings, the address."""

import base64
import hashlib
import hmac

import pytest
from aiortc.rtcicetransport import connection_kwargs
from support.serving import serving

from visavis.server.rtc.connection import configuration
from visavis.server.rtc.relays import Relays
from visavis.server.system.config import Config
from visavis.server.system.config_reading import check, load
from visavis.server.system.errors import ConfigError

SECRET = "shared-with-the-relay"
TURN = "turn:relay.example:3478?transport=udp"


def relays(*addresses, **options):
    return Relays(addresses, SECRET, 600, now=lambda: 1_000.9, **options)


def test_an_account_is_what_the_rest_scheme_says():
    (server,) = relays(TURN, "turns:relay.example:5349").servers()
    assert server["urls"] == [TURN, "turns:relay.example:5349"]
    end, name = server["username"].split(":")
    assert int(end) == 1_600
    digest = hmac.new(SECRET.encode(), f"1600:{name}".encode(), hashlib.sha1).digest()
    assert server["credential"] == base64.b64encode(digest).decode()


def test_each_viewer_has_another_account():
    assert relays(TURN).servers() != relays(TURN).servers()


def test_stun_needs_none():
    assert relays("stun:relay.example").servers() == [{"urls": ["stun:relay.example"]}]
    assert relays("stun:relay.example").urls() == ("stun:relay.example",)
    assert relays().servers() == []


def test_as_an_address_it_carries_its_account():
    (url,) = relays(TURN).urls()
    (server,) = configuration([url]).iceServers
    name, password = server.username, server.credential
    assert name.startswith("1600:")
    digest = hmac.digest(SECRET.encode(), name.encode(), "sha1")
    assert password == base64.b64encode(digest).decode()
    assert connection_kwargs([server])["turn_server"] == ("relay.example", 3478)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"turn_servers": TURN}, "turn_secret is empty"),
        ({"turn_secret": SECRET}, "names no relay"),
        ({"turn_secret": SECRET, "turn_servers": "stun:a.example"}, "names no relay"),
        ({"turn_servers": "relay.example"}, "no address of a relay"),
        ({"turn_servers": "turn:name:hidden@relay.example"}, "turn_servers: relay.example is no"),
        ({"turn_seconds": 10}, "turn_seconds is 10"),
    ],
)
def test_settings_that_do_not_fit_are_told(settings, words):
    with pytest.raises(ConfigError, match=words) as caught:
        check(Config(**settings))
    assert "hidden" not in str(caught.value)


def test_the_secret_is_no_option_and_may_lie_in_a_file(tmp_path):
    with pytest.raises(ConfigError, match="turn_secret_file"):
        load({"turn_secret": SECRET, "turn_servers": TURN}, env={})
    file = tmp_path / "secret"
    file.write_text(SECRET)
    file.chmod(0o600)
    config = load({"turn_secret_file": str(file), "turn_servers": TURN}, env={})
    assert config.turn_secret == SECRET


async def test_whoever_may_open_a_session_gets_an_account():
    settings = {"turn_servers": TURN, "turn_secret": SECRET, "turn_seconds": 600}
    async with serving(token="right-one-of-this-test", **settings) as client:
        assert (await client.get("/v1/ice-servers")).status == 401
        headers = {"Authorization": "Bearer right-one-of-this-test"}
        response = await client.get("/v1/ice-servers", headers=headers)
        found = await response.json()
        assert found["seconds"] == 600
        assert found["iceServers"][0]["urls"] == [TURN]
        assert response.headers["Cache-Control"] == "no-store"
        assert SECRET not in await response.text()


async def test_nobody_gets_the_servers_own_account():
    async with serving(ice_servers="turn:name:hidden@relay.example") as client:
        text = await (await client.get("/v1/ice-servers")).text()
        assert text == '{"iceServers": [], "seconds": 43200}'
