"""A visitor who comes back when the session is over already goes on in another one."""

import asyncio
import json
import logging
from dataclasses import replace
from time import monotonic

import pytest
from support.coming_back import offered, refusal, resumed, say, state_is, token_of, told
from support.services import FakeServices
from support.serving import Viewer, problem, serving, watching

from visavis.engines.base import PLAIN, Remark
from visavis.engines.direction.director import Director
from visavis.engines.direction.styles import ActiveStyles
from visavis.server.http import keepsakes, opening
from visavis.server.http.keepsakes import Keepsakes, Kept, proof_of
from visavis.server.playout.messages import Request
from visavis.server.rtc import conversation as conversations
from visavis.server.session import keepsake
from visavis.server.session.keepsake import MOST, Keepsake, names_of, read, written

SECRET = "my name is Rumpelstiltskin"


@pytest.fixture(autouse=True)
def _short_farewell(monkeypatch):
    monkeypatch.setattr(conversations, "_FAREWELL", 0.3)


async def go(client, viewer):
    """The visitor's page is gone, and its session over."""
    token = await token_of(viewer)
    await viewer.close()
    await state_is(client, viewer.location, 404)
    return token


async def test_what_was_said_and_directed_goes_on_in_another_session():
    services = FakeServices()
    async with serving(services) as client, watching(client) as first:
        say(first, "direct", prompt="warm")
        await first.wait_for("directed")
        say(first, "text", text="hello")
        await first.wait_for("reply_ended", turn=1)
        token = await go(client, first)
        assert services.lent == 0
        async with resumed(client, token) as second:
            ready = await second.wait_for("ready")
            assert second.location == first.location
            assert (ready["resumed"], ready["taken"], ready["resume"]) == (True, 2, token)
            assert [(line["who"], line["text"]) for line in ready["history"]] == [
                ("visitor", "hello"),
                ("avatar", "You said: hello"),
            ]
            say(second, "text", text="and more")
            ended = await second.wait_for("reply_ended", reason="done")
            assert ended["turn"] > 1
            assert [e.visitor for e in services.dialogue.histories[-1]] == ["hello"]
            prosodies = {prosody for _, prosody in services.tts.prosodies if prosody != PLAIN}
            assert len(prosodies) == 1  # "warm" is in force, before and after
            assert services.tts.prosodies[-1][1] != PLAIN
            assert await told(client, "visavis_sessions_resumed_total") == 1
            token = await go(client, second)
        async with resumed(client, token) as third:  # and once more
            assert len((await third.wait_for("ready"))["history"]) == 4


async def test_the_answer_that_was_under_way_is_said_to_its_end():
    words = [f"w{n}" for n in range(24)]
    async with serving(FakeServices(answer=lambda _: " ".join(words))) as client:
        async with watching(client) as first:
            say(first, "text", text="count")
            await first.wait_for("caption", turn=1)
            await asyncio.sleep(1.0)
            token = await go(client, first)
        async with resumed(client, token) as second:
            ready = await second.wait_for("ready")
            await second.wait_for("reply_ended", reason="done")
            avatar = [line["text"] for line in ready["history"] if line["who"] == "avatar"]
            heard = second.messages[-2:]
            rest = next(m["heard"] for m in heard if m["type"] == "reply_ended")
            said = " ".join([*avatar, rest]).split()
            assert len(avatar) == 1
            assert said == words


async def test_what_was_stopped_can_still_be_gone_on_with():
    async with serving(FakeServices(answer=lambda _: "one two three four five six")) as client:
        async with watching(client) as first:
            say(first, "text", text="count")
            await first.wait_for("caption")
            say(first, "text", text="Stop.")
            heard = (await first.wait_for("reply_ended"))["heard"]
            token = await go(client, first)
        async with resumed(client, token) as second:
            say(second, "text", text="Go on.")
            rest = (await second.wait_for("reply_ended"))["heard"]
            assert f"{heard} {rest}".split() == ["one", "two", "three", "four", "five", "six"]


async def test_who_ends_the_conversation_leaves_nothing():
    async with serving() as client, watching(client) as viewer:
        say(viewer, "text", text="hello")
        await client.delete(viewer.location)
        status, said = await refusal(client, await token_of(viewer))
        assert (status, said["type"]) == (404, "urn:visavis:session-over")


async def test_a_server_that_waits_for_nobody_keeps_nothing():
    async with serving(resume_seconds=0) as client, watching(client) as viewer:
        assert (await refusal(client, await go(client, viewer)))[0] == 404


async def test_it_is_gone_when_its_time_is_over(monkeypatch):
    monkeypatch.setattr(opening, "SECONDS", 1.0)
    async with serving() as client, watching(client) as viewer:
        token = await go(client, viewer)
        await asyncio.sleep(1.0)
        assert (await refusal(client, token))[0] == 404


async def test_only_its_own_token_finds_it():
    async with serving() as client, watching(client) as viewer:
        token = await go(client, viewer)
        for wrong in (f"{token}x", token.partition(".")[0], token[:-1], "\u00e9"):
            assert (await refusal(client, wrong))[0] == 404
        async with resumed(client, token):
            pass


async def test_a_full_house_does_not_lose_it():
    async with serving(max_sessions=1) as client, watching(client) as first:
        say(first, "text", text="hello")
        await first.wait_for("reply_ended")
        token = await go(client, first)
        async with watching(client) as other:
            status, said = await refusal(client, token)
            assert (status, said["type"]) == (503, "urn:visavis:full")
            await client.delete(other.location)
        async with resumed(client, token) as second:
            assert len((await second.wait_for("ready"))["history"]) == 2


async def test_an_offer_that_cannot_be_used_does_not_lose_it():
    async with serving() as client, watching(client) as first:
        token = await go(client, first)
        headers = {"Content-Type": "application/sdp", "Visavis-Resume": token}
        answer = await client.post("/v1/sessions", data="v=0\r\nnonsense", headers=headers)
        assert (await problem(answer))[0] in {400, 422}
        async with resumed(client, token) as second:
            assert (await second.wait_for("ready"))["resumed"]


async def test_a_page_that_offers_twice_gets_one_session():
    services = FakeServices()
    async with serving(services) as client, watching(client) as first:
        token = await go(client, first)
        pages = [Viewer(), Viewer()]
        answers = await asyncio.gather(*(offered(client, page, token) for page in pages))
        assert [answer.status for answer in answers] == [201, 201]
        assert len({answer.headers["Location"] for answer in answers}) == 1
        assert services.lent == 1
        for page in pages:
            await page.close()


async def test_one_that_is_not_taken_up_is_kept_on(monkeypatch):
    monkeypatch.setattr(conversations, "_CONNECT_WITHIN", 0.3)
    async with serving() as client, watching(client) as first:
        token = await go(client, first)
        lost = Viewer()
        assert (await offered(client, lost, token)).status == 201
        await state_is(client, first.location, 404)
        monkeypatch.setattr(conversations, "_CONNECT_WITHIN", 10.0)
        async with resumed(client, token) as second:
            assert (await second.wait_for("ready"))["resumed"]
        await lost.close()


async def test_no_log_says_what_was_said(caplog):
    caplog.set_level(logging.DEBUG)
    async with serving() as client, watching(client) as first:
        say(first, "text", text=SECRET)
        await first.wait_for("reply_ended")
        async with resumed(client, await go(client, first)) as second:
            assert SECRET in json.dumps(await second.wait_for("ready"))
    told = [f"{record.getMessage()} {record.__dict__}" for record in caplog.records]
    assert told
    assert not any("Rumpel" in line for line in told)


# --- what is kept -------------------------------------------------------------------------------


def one(text="hello", turns=1):
    rows = [
        row
        for turn in range(1, turns + 1)
        for row in (
            Remark(turn, "visitor", text),
            Remark(turn, "tool", "12", name="count"),
            Remark(turn, "avatar", f"[smiles] {text}", text),
        )
    ]
    active = ActiveStyles().directed(Director().literal("very warm, slowly"))
    stopped = Request(text, "text", 48_000, 1, 0.5, "calm", skip=3)
    return Keepsake(turns, tuple(rows), names_of(active), stopped)


def test_what_is_written_is_read_again():
    kept = one("¿Qué? \U0001f600 \u2028 \"'")
    back = read(written(kept))
    assert back == replace(kept, unfinished=back.unfinished)
    assert back.unfinished is not None
    assert (back.unfinished.text, back.unfinished.skip) == (kept.unfinished.text, 3)
    assert [(s.name, k) for s, k in back.active().held] == list(kept.styles)
    assert len(kept.styles) == 2
    unknown = replace(kept, styles=(("no such style", 1.0),))
    assert unknown.active().held == ()


def test_a_long_conversation_keeps_its_end():
    kept = one("x" * 3000, turns=20).within()
    assert len(written(kept).encode()) <= MOST
    assert {each.turn for each in kept.remarks} == set(range(20 - len(kept.remarks) // 3 + 1, 21))
    assert kept.remarks
    endless = one("x" * 40_000).within()
    assert len(written(endless)) <= MOST
    assert (endless.remarks, endless.unfinished) == ((), None)
    wide = one("\u4e2d" * 3000, turns=20).within()
    assert len(written(wide).encode()) <= MOST


def test_it_shows_nothing_of_what_was_said():
    kept = Kept(proof_of("a.b"), 0.0, written(one(SECRET)))
    assert "Rumpel" not in repr(kept)
    assert "Rumpel" not in repr(one(SECRET))


async def test_it_is_bounded_in_number_and_bytes_and_the_oldest_goes(monkeypatch):
    monkeypatch.setattr(keepsakes, "_NUMBER", 3)
    monkeypatch.setattr(keepsakes, "_BYTES", 100)
    until = monotonic() + 60
    store = Keepsakes()
    for name in "abcd":
        store.keep(name, Kept(proof_of(f"{name}.t"), until, name * 10))
    assert [store.has(name) for name in "abcd"] == [False, True, True, True]
    store.keep("e", Kept(proof_of("e.t"), until, "\u00e9" * 45))  # 90 bytes
    assert [store.has(name) for name in "bcde"] == [False, False, True, True]
    store.keep("e", Kept(proof_of("e.t"), until, "e"))
    assert len(store) == 2
    assert store.take("e.wrong") is None
    assert store.take("e.t").content == "e"
    assert store.take("e.t") is None
    store.keep("late", Kept(proof_of("late.t"), monotonic() + 0.05, "x"))
    store.keep("later", Kept(proof_of("later.t"), monotonic() - 1, "x"))
    assert [store.has("late"), store.has("later")] == [True, False]
    await asyncio.sleep(0.1)
    assert not store.has("late")  # nobody had to ask
    store.clear()
    assert len(store) == store._bytes == 0


def test_the_time_of_one_is_that_of_a_visitor_who_may_resume():
    assert keepsakes.SECONDS == 120
    assert keepsake.MOST * 8 < keepsakes._BYTES
