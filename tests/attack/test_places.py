"""Who holds places without being there must not keep those out who are."""

import asyncio
import re
from collections import Counter
from time import time

import pytest
from support.serving import SDP, Viewer, problem, serving, watching

from visavis.server.http import avatars, passes, places, sessions
from visavis.server.http.callers import caller, is_here
from visavis.server.http.places import Places
from visavis.server.http.uploads import Uploads
from visavis.server.rtc import conversation as conversations
from visavis.server.system.errors import Busy, Full

ATTACKER, VISITOR = "192.0.2.1", "198.51.100.7"


@pytest.fixture
def calling(monkeypatch):
    """Requests come from the address in the header `X-From`, where there is one."""

    def named(request):
        return request.headers.get("X-From", caller(request))

    for module in (sessions, avatars):
        monkeypatch.setattr(module, "caller", named)


async def offer_without_end(client, offer, who, pause):
    """The same offer again and again; nobody ever connects."""
    answers = []
    while True:
        headers = {**SDP, "X-From": who}
        async with client.post("/v1/sessions", data=offer, headers=headers) as response:
            answers.append(response.status)
        await asyncio.sleep(pause)


@pytest.fixture
async def offer():
    """One that a browser might make."""
    viewer = Viewer()
    yield await viewer.offer()
    await viewer.close()


@pytest.mark.parametrize(
    ("who", "pause", "at_once"), [(ATTACKER, 0.01, 3), ("127.0.0.1", 0.5, 1)], ids=["other", "same"]
)
async def test_a_flood_of_offers_keeps_no_visitor_out(calling, offer, who, pause, at_once):
    """Of another address as fast as it can; of the same one, at a pace that a proxy may keep."""
    async with serving(max_sessions=2) as client, asyncio.TaskGroup() as group:
        floods = [
            group.create_task(offer_without_end(client, offer, who, pause)) for _ in range(at_once)
        ]
        await asyncio.sleep(0.5)
        for _ in range(3):
            async with asyncio.timeout(6), watching(client) as viewer:
                viewer.channel.send('{"type": "text", "text": "hello"}')
                assert (await viewer.wait_for("reply_ended"))["reason"] == "done"
            await asyncio.sleep(0.2)
        for flood in floods:
            flood.cancel()


async def test_ten_offers_do_not_hold_ten_places(calling, offer):
    """One address has four of them, and no visitor is turned away."""
    async with serving(max_sessions=10) as client:
        answers = []
        for _ in range(10):
            headers = {**SDP, "X-From": ATTACKER}
            response = await client.post("/v1/sessions", data=offer, headers=headers)
            answers.append(response.status)
        assert answers == [201] * 4 + [503] * 6
        assert int(response.headers["Retry-After"]) <= 2
        async with watching(client), watching(client):
            text = await (await client.get("/metrics")).text()
            assert "visavis_sessions 6.0" in text


async def test_offers_that_are_ended_at_once_are_no_way_to_the_processor(calling, offer):
    async with serving(max_sessions=10) as client:
        answers = []
        for _ in range(60):
            headers = {**SDP, "X-From": ATTACKER}
            response = await client.post("/v1/sessions", data=offer, headers=headers)
            answers.append(response.status)
            if response.status == 201:
                await client.delete(response.headers["Location"])
        assert answers == [201] * 50 + [429] * 10
        async with watching(client):
            pass


async def test_what_is_no_offer_costs_nobody_their_place():
    async with serving(max_sessions=1) as client, watching(client) as away:
        await client.post(f"{away.location}/leave", json={"back": True})
        for nonsense in ("v=0", "v=0\r\nm=audio 9 x 0\r\n\nm=video"):
            response = await client.post("/v1/sessions", data=nonsense, headers=SDP)
            assert response.status in {400, 422}
        state = await (await client.get(away.location)).json()
        assert state["state"] == "resting"


async def test_an_offer_that_nobody_takes_up_is_over_soon(monkeypatch, offer):
    monkeypatch.setattr(conversations, "_CONNECT_WITHIN", 0.3)
    async with serving(max_sessions=1) as client:
        response = await client.post("/v1/sessions", data=offer, headers=SDP)
        assert response.status == 201
        async with asyncio.timeout(3):
            while (await client.get(response.headers["Location"])).status == 200:
                await asyncio.sleep(0.02)


async def test_who_is_connected_keeps_the_place(calling, offer):
    async with serving(max_sessions=1) as client, watching(client) as viewer:
        for who in (ATTACKER, VISITOR, "127.0.0.1"):
            headers = {**SDP, "X-From": who}
            answer = await client.post("/v1/sessions", data=offer, headers=headers)
            assert (await problem(answer))[0] == 503
        viewer.channel.send('{"type": "ping", "t": 1}')
        await viewer.wait_for("pong")


# --- who gives way, by itself --------------------------------------------------------------------


class Held:
    """What holds a place."""

    def __init__(self, state="offered", since=0.0, begun=False):
        self.state, self.since, self.begun = state, since, begun


class Hall:
    """Places whose time is set by hand."""

    def __init__(self, most, each=0):
        self.now = 100.0
        self.places = Places(most, each, lambda: self.now)

    def come(self, name, who, state="offered", begun=False):
        left = self.places.take(name, who)
        self.places.hold(name, Held(state, self.now, begun))
        self.now += 0.1
        return left


def test_an_offer_that_was_not_taken_up_goes_first():
    hall = Hall(3)
    hall.come("old", "a")
    hall.come("rests", "b", "resting")
    hall.now += places._STALE
    hall.come("new", "c")
    assert [hall.come(name, who) for name, who in (("x", "d"), ("y", "e"))] == ["old", "rests"]


def test_an_offer_whose_peer_has_begun_outlives_one_whose_has_not():
    hall = Hall(2)
    hall.come("slow", "a", begun=True)
    hall.come("dead", "b")
    hall.now += places._STALE + 1
    assert hall.come("x", "c") == "dead"


def test_a_flood_gives_way_to_itself_and_to_others():
    hall = Hall(4)
    for name in "abcd":
        hall.come(name, ATTACKER, begun=True)
    assert hall.come("visitor", VISITOR) == "a"
    for name in "efghijkl":
        assert hall.come(name, ATTACKER) != "visitor"


def test_an_offer_may_have_to_go_while_it_is_answered():
    hall = Hall(2)
    hall.places.take("a", ATTACKER)
    hall.places.take("b", ATTACKER)
    assert hall.come("visitor", VISITOR) == "a"
    assert not hall.places.hold("a", Held())


def test_the_last_visitor_does_not_push_out_the_one_before():
    hall = Hall(2)
    hall.come("first", "a")
    hall.come("second", "b")
    with pytest.raises(Full) as caught:
        hall.come("third", "c")
    assert caught.value.retry_after <= 2  # not 10 s: one of them may be nobody
    hall.now += places._STALE
    assert hall.come("third", "c") == "first"


def test_whoever_is_live_stays():
    hall = Hall(1)
    hall.come("live", "a", "live")
    hall.now += 1000
    with pytest.raises(Full) as caught:
        hall.come("x", "b")
    assert caught.value.retry_after == 10


def test_an_address_has_its_share_and_this_machine_has_all():
    hall = Hall(20, each=3)
    for name in "abc":
        hall.come(name, ATTACKER, "live")
    with pytest.raises(Full, match="3 places"):
        hall.come("d", ATTACKER)
    hall.come("e", VISITOR)
    for name in "ghijk":
        hall.come(name, "127.0.0.1", "live")
    other = Hall(20, each=2)
    other.come("rests", ATTACKER, "resting")
    other.come("live", ATTACKER, "live")
    assert other.come("x", ATTACKER) == "rests"


def test_a_visitor_who_changes_networks_counts_at_the_new_one():
    hall = Hall(20, each=1)
    hall.come("a", ATTACKER, "live")
    hall.places.move("a", VISITOR)
    hall.come("b", ATTACKER, "live")
    with pytest.raises(Full):
        hall.come("c", VISITOR)


# --- addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("remote", "known", "local"),
    [
        ("192.0.2.1", "192.0.2.1", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("::1", "::1", True),
        ("::ffff:192.0.2.1", "192.0.2.1", False),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", False),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64", False),
        (None, "", True),
    ],
)
def test_an_ipv6_network_is_one_caller(remote, known, local):
    class Request:
        pass

    request = Request()
    request.remote = remote
    assert caller(request) == known
    assert is_here(known) == local


# --- uploads ------------------------------------------------------------------------------------


def test_an_address_uploads_two_photos_at_once_and_all_together_eight():
    uploads = Uploads()
    with uploads.receiving(ATTACKER), uploads.receiving(ATTACKER):
        with pytest.raises(Busy), uploads.receiving(ATTACKER):
            pass
        with uploads.receiving(VISITOR):
            pass
    with uploads.receiving(ATTACKER):
        pass
    assert not uploads._receiving


def test_an_address_has_twelve_avatars_made_in_ten_minutes():
    now = [0.0]
    uploads = Uploads(lambda: now[0])
    for _ in range(12):
        uploads.begin(ATTACKER)
        uploads.begin("127.0.0.1")
    with pytest.raises(Busy):
        uploads.begin(ATTACKER)
    uploads.begin("127.0.0.1")
    uploads.begin(VISITOR)
    now[0] = 601.0
    uploads.begin(ATTACKER)


async def test_stalled_uploads_hold_neither_the_workshop_nor_other_addresses(calling, tmp_path):
    async with serving(home=str(tmp_path)) as client:
        head = (
            f"POST /v1/avatars HTTP/1.1\r\nHost: 127.0.0.1\r\nX-From: {ATTACKER}\r\n"
            "Content-Length: 90000\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n"
            '--x\r\nContent-Disposition: form-data; name="photo"\r\n\r\nabc'
        )
        stalled = []
        for _ in range(4):
            reader, writer = await asyncio.open_connection("127.0.0.1", client.server.port)
            writer.write(head.encode())
            stalled.append((reader, writer))
        for reader, _ in stalled[2:]:  # the address has two already
            assert re.match(rb"HTTP/1.1 503", await reader.readline())
        body = b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nAna\r\n--x--\r\n'
        headers = {"Content-Type": "multipart/form-data; boundary=x", "X-From": VISITOR}
        status, said = await problem(await client.post("/v1/avatars", data=body, headers=headers))
        assert (status, said["type"]) == (422, "urn:visavis:photo-missing")  # it was read
        for _, writer in stalled:
            writer.close()
        await asyncio.sleep(0.1)


async def test_a_crowd_outside_costs_those_inside_next_to_nothing(offer, monkeypatch):
    """Its offers are not even read, wrong tokens get no further than the door, all are told."""
    token, secret = "an operator's token", "a secret that signs visitors' tokens"
    async with serving(max_sessions=1, token=token, token_secret=secret) as client:
        operator = {"Authorization": f"Bearer {token}"}
        viewer = Viewer()
        await viewer.connect(client, headers=operator)
        await viewer.wait_for("ready")

        def reads(*_args):
            raise AssertionError("an offer was read for which there is no place")

        monkeypatch.setattr(sessions.offers, "checked", reads)
        tokens = [
            token,
            passes.sign(secret, time(), 60, {}),
            "guess",
            passes.sign("x" * 32, time(), 9, {}),
        ]
        answers = Counter()
        for number in range(80):
            headers = {**SDP, "Authorization": f"Bearer {tokens[number % 4]}"}
            async with client.post("/v1/sessions", data=offer, headers=headers) as response:
                answers[response.status] += 1
                assert response.status == 401 or "Retry-After" in response.headers
        assert answers == {503: 40, 401: 10, 429: 30}
        viewer.channel.send('{"type": "text", "text": "hello"}')
        assert (await viewer.wait_for("reply_ended"))["reason"] == "done"
        seen = await (await client.get("/metrics", headers=operator)).text()
        assert "visavis_sessions_refused_total 40.0" in seen
        await viewer.close()


async def test_who_asks_for_an_avatar_that_there_is_not_takes_nobodys_place(offer):
    async with serving(max_sessions=1, whep="on") as client, watching(client):
        for path in ("/v1/sessions?avatar=nobody", "/whep/nobody"):
            answer = await client.post(path, data=offer, headers=SDP)
            assert (await problem(answer))[0] == 404, path
        answer = await client.post("/v1/sessions", data=offer, headers=SDP)
        assert (await problem(answer))[0] == 503  # there is no place, indeed
