"""A session goes on when its connection falls away and another one comes."""

import asyncio
import time

import pytest
from aioice import ice, stun
from support.coming_back import offered, refusal, resumed, say, state_is, token_of, told
from support.pace import soon
from support.rtc_pair import Track
from support.services import FakeServices
from support.serving import SDP, Viewer, problem, serving, watching
from support.stage import Stage
from support.virtual_time import virtual_time

from visavis.engines.base import PLAIN
from visavis.server.playout.messages import ms
from visavis.server.rtc import conversation as conversations
from visavis.server.rtc import hooks
from visavis.server.rtc.allowance import Limits
from visavis.server.session import events
from visavis.server.system.config import Config

WORDS = "one two three four five six seven eight nine ten eleven twelve"
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}


@pytest.fixture(autouse=True)
def _short_farewell(monkeypatch):
    monkeypatch.setattr(conversations, "_FAREWELL", 0.6)


@pytest.fixture
def _alert(monkeypatch):
    """A loss is noticed after 1 s instead of 8 to 10: the same checks, ten times as fast."""
    hooks.install()
    monkeypatch.setattr(ice, "CONSENT_INTERVAL", ice.CONSENT_INTERVAL)  # what `install` sets goes
    monkeypatch.setattr(hooks, "_CONSENT_INTERVAL", hooks._CONSENT_INTERVAL / 10)
    monkeypatch.setattr(stun, "RETRY_RTO", stun.RETRY_RTO / 10)


def pull(viewer):
    """Nothing comes through any more, as when a cable is pulled: no goodbye."""
    for transceiver in viewer.pc.getTransceivers():
        for protocol in transceiver.receiver.transport.transport._connection._protocols:
            protocol.transport.abort()


async def test_a_new_connection_goes_on_with_the_session_and_the_old_one_is_closed():
    services = FakeServices()
    async with serving(services, max_sessions=1) as client, watching(client) as first:
        say(first, "direct", prompt="warm")
        await first.wait_for("directed")
        say(first, "text", text="hello")
        await first.wait_for("reply_ended", turn=1)
        token = await token_of(first)
        pull(first)
        began = time.monotonic()
        async with resumed(client, token) as second:
            assert soon(time.monotonic() - began, 2)
            assert second.location == first.location
            ready = await second.wait_for("ready")
            assert (ready["resumed"], ready["taken"], ready["resume"]) == (True, 2, token)
            assert ready["history"] == [
                {"turn": 1, "who": "visitor", "text": "hello"},
                {"turn": 1, "who": "avatar", "text": "You said: hello"},
            ]
            say(second, "text", text="and the bar")
            ended = await second.wait_for("reply_ended", reason="done")
            assert (ended["turn"] > 1, ended["heard"]) == (True, "You said: and the bar")
            assert [e.visitor for e in services.dialogue.histories[-1]] == ["hello"]
            prosodies = {prosody for _, prosody in services.tts.prosodies[1:]}  # less the apology
            assert len(prosodies) == 1  # that of "warm", before and after
            assert prosodies != {PLAIN}
            assert (await told(client, "visavis_sessions ")) == 1
            assert (await told(client, "visavis_sessions_resumed_total")) == 1
            assert services.lent == 1
        async with asyncio.timeout(5):
            while await told(client, "visavis_sessions "):
                await asyncio.sleep(0.05)
        assert services.lent == 0


@pytest.mark.usefixtures("_alert")
async def test_without_a_connection_a_session_rests_and_nothing_is_drawn():
    services = FakeServices()
    async with serving(services) as client, watching(client) as first:
        say(first, "text", text="one two three")
        await first.wait_for("caption")
        pull(first)
        await state_is(client, first.location, "resting")
        assert await told(client, "visavis_sessions_resting") == 1
        drawn = len(services.generator.drawn)
        said = await client.post(f"{first.location}/say", json={"text": "hello"})
        assert (await problem(said))[1]["type"] == "urn:visavis:visitor-away"
        await asyncio.sleep(1.2)  # longer than who said goodbye is waited for
        assert len(services.generator.drawn) <= drawn + 1
        async with resumed(client, await token_of(first)) as second:
            ready = await second.wait_for("ready")
            assert ready["history"][0]["text"] == "one two three"
            await state_is(client, second.location, "live")
            ended = await second.wait_for("reply_ended", reason="done")
            assert ended["heard"].split()[-1] == "three"
            assert len(services.generator.drawn) > drawn + 5
            assert await told(client, "visavis_sessions_resting") == 0


async def test_a_reply_goes_on_at_the_word_where_the_link_fell_away():
    async with serving() as client, watching(client) as first:
        say(first, "say", text=WORDS)
        await first.wait_for("caption", heard=len("one two three"))
        pull(first)
        await asyncio.sleep(2.0)  # eight words, and the server has not noticed anything
        async with resumed(client, await token_of(first)) as second:
            (line,) = (await second.wait_for("ready"))["history"]
            heard = line["text"].split()
            assert 1 <= len(heard) <= 6
            ended = await second.wait_for("reply_ended", reason="done")
            assert [*heard, *ended["heard"].split()] == WORDS.split()


async def test_a_page_that_goes_while_it_connects_is_gone():
    async with serving() as client:
        viewer = Viewer()
        location = await client.post("/v1/sessions", data=await viewer.offer(), headers=SDP)
        location = location.headers["Location"]
        assert (await client.post(f"{location}/leave")).status == 202
        await state_is(client, location, 404, within=2)
        await viewer.close()


@virtual_time
async def test_what_was_not_heard_is_said_again_when_the_visitor_comes_back_soon():
    async with Stage(answer=lambda text: WORDS) as stage:
        stage.session.ask("count")
        await stage.pass_time(2000)  # some seven words
        stage.session.rest(stage.clock.now() - ms(1000))
        heard = stage.of(events.ReplyEnded)[0].heard
        assert 2 <= len(heard.split()) <= 4
        assert stage.session.history.remarks[-1].heard == heard
        drawn = len(stage.generator.drawn)
        await stage.pass_time(20_000)
        assert len(stage.generator.drawn) <= drawn + 1
        stage.session.wake()
        await stage.pass_time(4000)
        assert f"{heard} {stage.of(events.ReplyEnded)[1].heard}" == WORDS
        assert len(stage.generator.drawn) > drawn + 80


@virtual_time
async def test_a_reply_that_ended_after_the_visitor_had_gone_was_not_heard():
    async with Stage(answer=lambda text: WORDS) as stage:
        stage.session.ask("count")
        await stage.pass_time(5000)
        ended = stage.of(events.ReplyEnded)[0]
        assert (ended.reason, ended.heard) == ("done", WORDS)
        stage.session.rest(stage.at(events.ReplyStarted)[0] + ms(1000))
        heard = stage.session.history.remarks[-1].heard
        assert 2 <= len(heard.split()) <= 4
        stage.session.wake()
        await stage.pass_time(4000)
        assert f"{heard} {stage.of(events.ReplyEnded)[1].heard}" == WORDS
        said = [line.text for line in stage.session.said]
        assert said == ["count", heard, WORDS.removeprefix(f"{heard} ")]


@virtual_time
async def test_who_comes_back_late_hears_nothing_of_the_old_answer():
    async with Stage(answer=lambda text: WORDS) as stage:
        stage.session.ask("count")
        await stage.pass_time(1500)
        stage.session.rest(stage.clock.now())
        await stage.pass_time(60_000)
        stage.session.wake()
        await stage.pass_time(2000)
        assert len(stage.of(events.ReplyStarted)) == 1
        assert stage.session.quiet == ms(2000)


async def test_the_clauses_of_a_reply_under_way_are_told():
    async with serving() as client, watching(client) as first:
        say(first, "say", text="One two. Three four five six seven.")
        await first.wait_for("caption", text="Three four five six seven.")
        async with resumed(client, await token_of(first)) as second:
            clauses = (await second.wait_for("ready"))["captions"]
            assert [c["text"].split()[0] for c in clauses] == ["One", "Three"]
            assert clauses[0]["heard"] == len("One two.")
            assert 0 < clauses[1]["heard"] < len(clauses[1]["text"])
            assert (await second.wait_for("reply_ended"))["reason"] == "done"


async def test_a_wrong_token_is_refused_and_changes_nothing():
    async with serving() as client, watching(client) as viewer:
        token = await token_of(viewer)
        for wrong in (f"{token}x", token.partition(".")[0], token[:-1], "none.such", "\u00e9"):
            status, said = await refusal(client, wrong)
            assert (status, said["type"]) == (404, "urn:visavis:session-over")
        say(viewer, "text", text="hello")
        await viewer.wait_for("reply_ended", reason="done")


@pytest.mark.usefixtures("_alert")
async def test_a_session_waits_no_longer_than_it_is_told_to():
    async with serving(resume_seconds=1) as client, watching(client) as viewer:
        pull(viewer)
        await state_is(client, viewer.location, "resting")
        await state_is(client, viewer.location, 404, within=3)


@pytest.mark.usefixtures("_alert")
async def test_a_newcomer_gets_the_place_of_a_session_that_rests():
    async with serving(max_sessions=1) as client, watching(client) as gone:
        pull(gone)
        await state_is(client, gone.location, "resting")
        async with watching(client):
            assert (await refusal(client, await token_of(gone)))[0] == 503  # it is full
            assert await told(client, "visavis_sessions ") == 1
            assert await told(client, 'visavis_places_given_away_total{state="resting"}') == 1


async def test_a_page_that_is_reloaded_finds_its_session_and_a_closed_one_is_over():
    async with serving() as client, watching(client) as page:
        left = await client.post(f"{page.location}/leave", json={})
        assert left.status == 202
        await page.close()
        async with resumed(client, await token_of(page)) as reloaded:
            assert (await reloaded.wait_for("ready"))["resumed"]
        await state_is(client, page.location, "resting", within=2)  # its DTLS said goodbye
        await state_is(client, page.location, 404, within=2)


async def test_a_page_that_is_put_aside_may_return():
    async with serving() as client, watching(client) as page:
        await client.post(f"{page.location}/leave", json={"back": True})
        await page.close()
        await asyncio.sleep(0.4)
        async with resumed(client, await token_of(page)) as again:
            assert (await again.wait_for("ready"))["resumed"]
        assert (await problem(await client.post(f"{page.location}/leave", json={"back": 1})))[
            0
        ] == 400


async def test_who_ends_a_session_ends_it_for_good():
    async with serving() as client, watching(client) as viewer:
        await client.delete(viewer.location)
        assert (await refusal(client, await token_of(viewer)))[0] == 404


async def test_a_recording_goes_on(tmp_path):
    async with serving(home=str(tmp_path)) as client, watching(client) as first:
        await client.post(f"{first.location}/recording")
        await asyncio.sleep(0.5)
        async with resumed(client, await token_of(first)) as second:
            running = await (await client.get(f"{second.location}/recording")).json()
            assert (running["state"], running["seconds"] > 0.3) == ("recording", True)
            await asyncio.sleep(0.5)
            made = await (await client.delete(f"{second.location}/recording")).json()
            assert (made["state"], made["seconds"] > running["seconds"] + 0.3) == ("done", True)


async def test_the_microphone_of_the_new_connection_is_heard():
    async with (
        serving() as client,
        watching(client) as first,
        resumed(client, await token_of(first), Track("audio")) as second,
    ):
        await second.wait_for("listening", active=True)
        say(second, "mic", on=False)
        await second.wait_for("transcript", final=True)


async def test_an_offer_that_is_not_taken_up_leaves_the_session_as_it_was(monkeypatch):
    monkeypatch.setattr(conversations, "_CONNECT_WITHIN", 0.3)
    async with serving() as client, watching(client) as viewer:
        for _ in range(2):
            idle = Viewer()
            assert (await offered(client, idle, await token_of(viewer))).status == 201
            await idle.close()
        await asyncio.sleep(0.5)
        say(viewer, "text", text="hello")
        await viewer.wait_for("reply_ended", reason="done")
        await state_is(client, viewer.location, "live")


async def test_a_restart_of_ice_that_comes_to_nothing_leaves_the_connection():
    password = "a=ice-pwd:0123456789012345678901\r\n"
    async with serving() as client, watching(client) as viewer:
        sdp = viewer.pc.localDescription.sdp
        user = next(line for line in sdp.splitlines() if line.startswith("a=ice-ufrag:"))
        for number in range(5):  # nobody answers there; the fifth is too much
            fragment = f"a=ice-ufrag:other{number}\r\n{password}"
            response = await client.patch(viewer.location, data=fragment, headers=FRAGMENT)
            assert response.status == (200 if number < 4 else 429)
        for fragment, status in ((f"{user}\r\n", 204), ("a=ice-ufrag:other\r\n", 400), ("", 204)):
            response = await client.patch(viewer.location, data=fragment, headers=FRAGMENT)
            assert response.status == status
        assert (await response.text()) == ""
        viewer.channel.send('{"type": "ping", "t": 1}')
        await viewer.wait_for("pong")


# --- how long a session may be -----------------------------------------------------------------


def test_a_visitor_is_warned_once_and_then_told():
    allowance = conversations.Allowance(Limits(idle=600, length=7200))
    assert allowance.look(100, 100) is None
    warned = allowance.look(571, 571)
    assert (warned.code, "29 s" in warned.message) == ("ends-soon", True)
    assert allowance.look(572, 572) is None
    assert allowance.look(580, 1) is None  # somebody spoke
    assert allowance.look(1200, 580).code == "ends-soon"
    over = allowance.look(1300, 600)
    assert (over.reason, "10 minutes" in over.message) == ("idle", True)
    assert allowance.look(7200, 0).reason == "length"
    assert conversations.Allowance(Limits()).look(1e6, 1e6) is None


@pytest.mark.parametrize(("setting", "reason"), [("idle", "idle"), ("session", "length")])
async def test_a_session_that_has_had_its_time_ends_with_a_word(monkeypatch, setting, reason):
    monkeypatch.setattr(Config, f"{setting}_seconds", property(lambda self: 1.5))
    async with serving() as client, watching(client) as viewer:
        assert (await viewer.wait_for("error"))["code"] == "ends-soon"
        goodbye = await viewer.wait_for("goodbye")
        assert (goodbye["reason"], "1.5 s" in goodbye["message"]) == (reason, True)
        await state_is(client, viewer.location, 404)
        assert (await refusal(client, await token_of(viewer)))[0] == 404


def test_limits_hold_where_others_may_call_unless_they_are_set():
    assert (Config().idle_seconds, Config().session_seconds) == (0, 0)
    assert (Config(token="t").idle_seconds, Config(token="t").session_seconds) == (600, 7200)
    assert Config(token="t", idle_minutes=0, session_minutes=0).idle_seconds == 0
    assert Config(session_minutes=3).session_seconds == 180
