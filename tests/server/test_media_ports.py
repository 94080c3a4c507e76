"""Where media is received: chosen ports, chosen addresses, the address of a NAT before it."""

import re
import socket

import pytest
from aiortc import RTCSessionDescription
from support.rtc_pair import LOCAL, Pair
from support.serving import SDP, Viewer, problem, serving, watching

from visavis.server.cli import main
from visavis.server.commands.composition import reach
from visavis.server.rtc import connection as rtc
from visavis.server.rtc import hooks, ports
from visavis.server.rtc.reach import Reach
from visavis.server.system import config_reading as config
from visavis.server.system.errors import ConfigError, Full


@pytest.fixture(autouse=True)
def installed():
    hooks.install()


@pytest.fixture
def span():
    """Four ports in a row, free at the moment."""
    for first in range(20_000, 60_000, 97):
        try:
            for port in range(first, first + 4):
                ports._bound("127.0.0.1", port).close()
        except OSError:
            continue
        return range(first, first + 4)
    raise AssertionError


def candidates_of(answer: str) -> set[tuple[str, int]]:
    found = re.findall(r"a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host", answer)
    return {(host, int(port)) for host, port in found}


async def test_media_flows_through_a_port_of_the_range(span):
    pair = Pair()
    await pair.reply(await pair.offer(), Reach(LOCAL.hosts, ports=span))
    try:
        await pair.until("video", 3)
        ((host, port),) = candidates_of(pair.answer)
        assert host == "127.0.0.1"
        assert port in span
    finally:
        await pair.close()


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
async def test_media_flows_over_ipv6(span):
    pair, own = Pair(), Reach(("::1",))
    offer = await pair.offer(reach=own)
    await pair.reply(offer, Reach(own.hosts, ports=span))
    try:
        await pair.until("video", 3)
        assert {host for host, _ in candidates_of(pair.answer)} == {"::1"}
    finally:
        await pair.close()


async def test_ports_in_use_are_passed_over_and_come_back(span):
    taken = [ports._bound("127.0.0.1", port) for port in span[:3]]
    try:
        for _ in range(2):
            pair = Pair()
            await pair.reply(await pair.offer(), Reach(LOCAL.hosts, ports=span))
            assert {port for _, port in candidates_of(pair.answer)} == {span[3]}
            await pair.close()
    finally:
        for one in taken:
            one.close()


async def test_when_all_ports_are_taken_the_server_is_full_and_says_why(span):
    settings = {"media_ports": f"{span[0]}-{span[1]}", "max_sessions": 2}
    held = ports._bound("127.0.0.1", span[0])
    try:
        async with serving(**settings) as client:
            async with watching(client):
                late = Viewer()
                response = await client.post("/v1/sessions", data=await late.offer(), headers=SDP)
                status, said = await problem(response)
                await late.close()
                assert (status, said["type"]) == (503, "urn:visavis:full")
                assert "media_ports" in said["detail"]
                assert int(response.headers["Retry-After"]) > 0
            held.close()
            async with watching(client):
                pass
    finally:
        held.close()


async def test_the_nats_address_is_told_in_place_of_ours(span):
    pair = Pair()
    (announced,) = config.Config(media_announce="203.0.113.7").announced
    offer = await pair.offer()
    own = Reach(LOCAL.hosts, announce=(announced,), ports=span)
    for track in pair.tracks:
        pair.server.addTrack(track)
    answer = await rtc.answer(pair.server, offer, own)
    try:
        ((host, port),) = candidates_of(answer)
        assert host == "203.0.113.7"
        assert "127.0.0.1" not in answer
        through_nat = answer.replace("203.0.113.7", "127.0.0.1")  # what a 1:1 NAT does
        await pair.client.setRemoteDescription(RTCSessionDescription(through_nat, "answer"))
        await pair.until("video", 3)
        assert port in span
    finally:
        await pair.close()


def test_an_address_of_another_version_stays():
    own = Reach(announce=config.Config(media_announce="203.0.113.7").announced)
    assert own.announced("10.0.0.5") == "203.0.113.7"
    assert own.announced("2001:db8::5") == "2001:db8::5"


# --- settings ------------------------------------------------------------------------------------


def loaded(**settings: str) -> config.Config:
    return config.load({}, env={f"VISAVIS_{k.upper()}": v for k, v in settings.items()})


@pytest.mark.parametrize(
    ("settings", "hosts"),
    [
        ({}, ("127.0.0.1",)),
        ({"host": "0.0.0.0", "token": "t"}, ()),
        ({"host": "192.0.2.10", "token": "t"}, ("192.0.2.10",)),
        ({"host": "localhost"}, ("127.0.0.1",)),
        ({"media_addresses": "0.0.0.0"}, ()),  # behind a proxy
        ({"media_addresses": "192.0.2.10 2001:db8::10"}, ("192.0.2.10", "2001:db8::10")),
        ({"host": "0.0.0.0", "token": "t", "media_addresses": "10.0.0.5"}, ("10.0.0.5",)),
    ],
)
def test_where_media_is_received(settings, hosts):
    assert reach(loaded(**settings)).hosts == hosts


def test_the_settings_reach_the_connection():
    made = reach(loaded(media_ports="40000-40100", media_announce="203.0.113.7",
                        media_addresses="10.0.0.5", never_contact="10.0.0.0/8"))  # fmt: skip
    assert made.ports == range(40_000, 40_101)
    assert [str(a) for a in made.announce] == ["203.0.113.7"]
    assert not made.may_contact("10.9.9.9")
    assert made.may_contact("169.254.1.1")  # what the setting replaced
    assert not reach(loaded()).may_contact("169.254.169.254")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"media_ports": "many"}, "such as 40000-40100"),
        ({"media_ports": "50000-40000"}, "such as 40000-40100"),
        ({"media_ports": "80-90"}, "from 1024"),
        ({"media_ports": "40000-70000"}, "to 65535"),
        ({"media_ports": "40000", "max_sessions": "2"}, "widen the range or lower max_sessions"),
        ({"media_addresses": "eth0"}, "write IP addresses"),
        ({"media_announce": "example.org", "media_addresses": "10.0.0.5"}, "write IP addresses"),
        ({"media_announce": "203.0.113.7"}, "set media_addresses"),
        ({"media_announce": "203.0.113.7 203.0.113.8", "media_addresses": "0.0.0.0"}, "at most"),
        ({"never_contact": "private"}, "write ranges"),
        ({"never_contact": "10.0.0.0/40"}, "write ranges"),
    ],
)
def test_a_wrong_setting_is_named_with_its_fix(settings, words):
    with pytest.raises(ConfigError, match=words):
        loaded(**settings)


def test_an_address_of_another_machine_is_refused_at_the_start(tmp_path, capsys):
    arguments = ["serve", "--port", "0", "--home", str(tmp_path), "--media-addresses"]
    assert main([*arguments, "192.0.2.99"]) == 2
    said = capsys.readouterr().err
    assert "192.0.2.99 is no address of this machine" in said
    assert "media_announce" in said


def test_a_range_that_others_hold_is_refused_at_the_start(span):
    held = [ports._bound("127.0.0.1", port) for port in span]
    try:
        with pytest.raises(ConfigError, match="none of them is free"):
            ports.check(Reach(LOCAL.hosts, ports=span))
        with pytest.raises(Full, match=f"{span[0]}-{span[-1]}"):
            ports.bound("127.0.0.1", span)
    finally:
        for one in held:
            one.close()
    ports.check(Reach(LOCAL.hosts, ports=span))


def test_a_socket_that_cannot_be_bound_is_closed():
    held = ports._bound("127.0.0.1", 0)
    with pytest.raises(OSError, match="in use"):
        ports._bound("127.0.0.1", held.getsockname()[1])
    assert held.type == socket.SOCK_DGRAM
    held.close()
