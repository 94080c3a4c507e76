"""The staff's addresses: who may, what is seen, what is done, and what happens when they go."""

import asyncio
import json
import types
from contextlib import asynccontextmanager
from fractions import Fraction

import av
import numpy as np
import pytest
from aiortc import MediaStreamTrack, RTCSessionDescription
from support.pace import soon
from support.services import FakeServices
from support.serving import SDP, Viewer, problem, serving, watching
from support.staffing import ANNA, BEN, STAFF, TOKEN, desk, do, looking, of

from visavis.engines.language.phrasebook import LANGUAGES, phrases
from visavis.server.playout.clock import Clock
from visavis.server.session.attendance import Presence
from visavis.server.session.session import Session
from visavis.server.staff import attendant
from visavis.server.staff.attendant import Member
from visavis.server.staff.desk import Desk
from visavis.server.staff.roster import Roster


@pytest.fixture(autouse=True)
def _few_words(monkeypatch):
    """What the avatar says of its own takes seconds; here it says which sentence it would be."""
    monkeypatch.setattr(attendant, "phrase", lambda key, _language, _turn: key)


@pytest.fixture
async def client():
    async with serving(staff_token=TOKEN) as client:
        yield client


async def test_a_visitor_is_listed_looked_at_taken_over_and_handed_back(client):
    async with desk(client) as list_, watching(client) as viewer:
        name = viewer.location.rsplit("/", 1)[1]
        await list_.until(lambda m: [s["id"] for s in m.get("sessions", [])] == [name])
        await list_.until(lambda m: [s["state"] for s in m.get("sessions", [])] == ["live"])
        async with looking(client, viewer) as page:
            await page.wait_for("history")
            await viewer.wait_for("attended", by="watching")
            assert (await do(client, "POST", viewer, "hold"))[0] == 204
            await viewer.wait_for("attended", by="answering")
            await viewer.wait_for("reply_ended")
            viewer.channel.send(json.dumps({"type": "text", "text": "Is my room ready?"}))
            await page.wait_for("transcript", text="Is my room ready?")
            assert (await do(client, "POST", viewer, "say", text="Nine."))[0] == 202
            said = await viewer.wait_for("reply_ended", heard="Nine.")
            assert said["reason"] == "done"
            assert (await do(client, "DELETE", viewer, "hold"))[0] == 204
            await viewer.wait_for("attended", by="watching")
            viewer.channel.send(json.dumps({"type": "text", "text": "Thanks"}))
            await viewer.wait_for("caption", heard=len("You said: Thanks"))
        await viewer.wait_for("attended", by="nobody")


async def test_without_a_token_of_its_own_nothing_is_served_but_how_to_set_one():
    async with serving() as client:
        for path in ("/v1/staff/sessions", "/v1/staff/events", "/v1/staff/sessions/x/events"):
            status, told = await problem(await client.get(path, headers=STAFF))
            assert (status, told["type"]) == (403, "urn:visavis:staff-off")
            assert "staff_token_file" in told["detail"]
        assert (await client.get("/staff")).status == 200


async def test_the_visitors_token_is_no_token_of_the_staff_and_the_other_way_round():
    async with serving(token="visitors-token", staff_token=TOKEN) as client:
        visitors = {"Authorization": "Bearer visitors-token"}
        assert (await client.get("/v1/staff/sessions", headers=visitors)).status == 403
        assert (await client.get("/v1/staff/sessions", headers=STAFF)).status == 200
        assert (await client.get("/v1/avatars", headers=STAFF)).status == 403
        assert (await client.get("/v1/avatars", headers=visitors)).status == 200


async def test_who_guesses_the_staffs_token_is_slowed_down_and_who_has_it_is_not(client):
    statuses = []
    for n in range(12):
        headers = {"Authorization": f"Bearer guess-{n}"}
        async with client.get("/v1/staff/sessions", headers=headers) as response:
            statuses.append(response.status)
            assert "Access-Control-Allow-Origin" not in response.headers
    assert statuses[0] == 401
    assert statuses[-1] == 429
    assert (await client.get("/v1/staff/sessions", headers=STAFF)).status == 200
    # Elsewhere nobody is slowed down for it.
    assert (await client.get("/v1/avatars")).status == 200


async def test_no_other_site_reaches_the_staffs_addresses_through_a_browser(client):
    foreign = {**STAFF, "Origin": "https://evil.example"}
    assert (await client.get("/v1/staff/sessions", headers=foreign)).status == 403
    async with client.options(
        "/v1/staff/sessions", headers={"Origin": "http://localhost"}
    ) as asked:
        assert asked.status in {401, 405}  # and nothing that lets a page go on
        assert "Access-Control-Allow-Headers" not in asked.headers


@pytest.mark.parametrize(
    "who", [{}, {"desk": "short"}, {"desk": "a b c d e f"}, {"desk": "x" * 65}]
)
async def test_a_page_has_to_name_itself(client, who):
    async with (
        watching(client) as viewer,
        client.post(of(viewer, "/hold"), headers=STAFF, params=who) as response,
    ):
        assert (await problem(response))[1]["type"] == "urn:visavis:no-desk"


async def test_two_of_the_staff_one_holds_and_the_other_sees_who(client):
    async with desk(client) as list_, watching(client) as viewer:
        async with looking(client, viewer, ANNA) as anna, looking(client, viewer, BEN) as ben:
            assert (await do(client, "POST", viewer, "hold", ANNA))[0] == 204
            await ben.until(lambda m: m.get("row", {}).get("holder") == "Anna")
            for method, what in [("POST", "hold"), ("DELETE", "hold"), ("POST", "end")]:
                status, told = await do(client, method, viewer, what, BEN)
                assert status == 409
                assert json.loads(told)["detail"] == "Anna has this conversation."
            status, told = await do(client, "POST", viewer, "say", BEN, text="Hello")
            assert (status, json.loads(told)["type"]) == (409, "urn:visavis:held")
            assert (await do(client, "DELETE", viewer, "hold", ANNA))[0] == 204
            assert (await do(client, "POST", viewer, "hold", BEN))[0] == 204
            await anna.until(lambda m: m.get("row", {}).get("holder") == "Ben")
        await list_.until(lambda m: m.get("sessions") and m["sessions"][0]["holder"] == "Ben")


async def test_lines_are_said_one_after_the_other_and_no_more_than_a_few_wait(client):
    async with watching(client) as viewer, looking(client, viewer):
        texts = [f"line {n}" for n in range(3)]
        for text in texts:
            assert (await do(client, "POST", viewer, "say", text=text))[0] == 202
        for text in texts:
            said = await viewer.wait_for("reply_ended", heard=text)
            assert said["reason"] == "done"
        many = [
            (await do(client, "POST", viewer, "say", text="one two three"))[0] for _ in range(20)
        ]
        assert many[-1] == 429
        assert many[:5] == [202] * 5


@pytest.mark.parametrize(
    ("body", "code"),
    [({}, "empty-text"), ({"text": " "}, "empty-text"), ({"text": 5}, "bad-message"),
     ({"text": "x" * 2001}, "bad-message"), ({"text": "<b></b>"}, "nothing-to-say")],
)  # fmt: skip
async def test_a_line_that_cannot_be_said_is_refused(client, body, code):
    async with (
        watching(client) as viewer,
        client.post(of(viewer, "/say"), headers=STAFF, params=ANNA, json=body) as response,
    ):
        assert (await problem(response))[1]["type"] == f"urn:visavis:{code}"


async def test_a_wish_for_a_person_is_at_the_desk_within_a_second_and_answered_honestly(client):
    async with desk(client) as list_, watching(client) as viewer:
        viewer.channel.send(json.dumps({"type": "text", "text": "Can I talk to a person?"}))
        began = asyncio.get_running_loop().time()
        await list_.until(
            lambda m: m.get("sessions") and m["sessions"][0]["wanted_seconds"] is not None
        )
        assert soon(asyncio.get_running_loop().time() - began, 1)
        await viewer.wait_for("staff", reason="asked")
        said = await viewer.wait_for("reply_ended", reason="done")
        assert said["heard"] == "staff.called"
        metrics = await (await client.get("/metrics")).text()
        assert 'visavis_staff_wanted_total{there="yes"} 1.0' in metrics
        assert "visavis_staff_waiting 1.0" in metrics
        assert "visavis_staff_present 1.0" in metrics
        assert (await do(client, "POST", viewer, "hold"))[0] == 204
        await list_.until(lambda m: m.get("sessions") and m["sessions"][0]["how"] == "typing")
        metrics = await (await client.get("/metrics")).text()
        assert "visavis_staff_wait_seconds_count 1.0" in metrics
        assert 'visavis_staff_taken_over_total{wanted="yes"} 1.0' in metrics


async def test_a_wish_that_nobody_is_there_for_is_answered_by_the_mind_and_honestly(client):
    async with watching(client) as viewer:
        viewer.channel.send(json.dumps({"type": "text", "text": "Human!"}))
        await viewer.wait_for("reply_ended", heard="You said: Human!")
        async with asyncio.timeout(10):
            while not any(m["heard"] == "staff.away" for m in ended(viewer)):
                await asyncio.sleep(0.02)
        async with desk(client) as list_:  # whoever comes sees it
            await list_.until(
                lambda m: m.get("sessions") and m["sessions"][0]["wanted_seconds"] is not None
            )


def ended(viewer):
    return [m for m in viewer.messages if m["type"] == "reply_ended"]


async def test_a_page_that_is_gone_gives_the_answers_back_and_the_visitor_is_told(
    client, monkeypatch
):
    monkeypatch.setattr(attendant, "LEASE", 0.6)
    monkeypatch.setattr(attendant, "_LOST", 0.3)
    async with watching(client) as viewer:
        async with looking(client, viewer):
            assert (await do(client, "POST", viewer, "hold"))[0] == 204
            await viewer.wait_for("attended", by="answering")
            for _ in range(3):  # renewed, it lasts
                await asyncio.sleep(0.3)
                assert (await do(client, "POST", viewer, "hold"))[0] == 204
        viewer.messages.clear()
        await viewer.wait_for("attended", by="nobody")
        async with asyncio.timeout(10):
            while not any(m["heard"] == "staff.lost" for m in ended(viewer)):
                await asyncio.sleep(0.02)
        viewer.channel.send(json.dumps({"type": "text", "text": "hello?"}))
        await viewer.wait_for("reply_ended", heard="You said: hello?")


async def test_a_session_that_ends_while_it_is_looked_at_is_told_as_over(client):
    async with watching(client) as viewer, looking(client, viewer) as page:
        await page.wait_for("history")
        assert (await do(client, "POST", viewer, "hold"))[0] == 204
        await client.delete(viewer.location)
        await page.wait_for("ended")
        status, _ = await do(client, "POST", viewer, "say", text="Still there?")
        assert status == 404
        metrics = await (await client.get("/metrics")).text()
        assert 'visavis_staff_handed_back_total{why="ended"} 1.0' in metrics


async def test_a_conversation_is_ended_with_a_goodbye(client):
    async with watching(client) as viewer, looking(client, viewer) as page:
        assert (await do(client, "POST", viewer, "end", text="Bye."))[0] == 200
        heard = [m["heard"] for m in ended(viewer)]
        assert "Bye." in heard
        await viewer.wait_for("goodbye", reason="staff", message="Bye.")
        await page.wait_for("ended")


async def test_what_is_said_is_told_to_those_who_look_and_kept_nowhere(client):
    async with desk(client) as list_, watching(client) as viewer:
        viewer.channel.send(json.dumps({"type": "text", "text": "xyzzy"}))
        await viewer.wait_for("reply_ended")
        assert "xyzzy" not in json.dumps(list_.messages)
        async with looking(client, viewer) as page:
            history = await page.wait_for("history")
            assert [line["text"] for line in history["history"]] == [
                "xyzzy", "You said: xyzzy",
            ]  # fmt: skip
            assert {m["type"] for m in page.messages} <= {"history", "row", "beat", "attended"}


async def test_fifty_sessions_are_listed_and_each_can_be_taken_over(monkeypatch):
    services = FakeServices()
    presence, metrics = Presence(offered=True, members=1), services.metrics
    sessions = types.SimpleNamespace(listeners=[])
    roster = Roster(sessions, services, presence, metrics)
    table, made = Desk(presence, metrics), []
    roster.publish = lambda rows: table.put(0, rows)
    for n in range(50):
        session = Session(f"s{n}", services.engines(), metrics, Clock())
        conversation = types.SimpleNamespace(
            session=session, state="live", terms=types.SimpleNamespace(avatar="mira")
        )
        made.append((conversation, asyncio.create_task(session.run())))
        sessions.listeners[0](conversation)
    for n in range(50):
        roster.of(f"s{n}").hold(Member("desk-of-anna", "Anna"))
        made[n][0].session.ask("hello")
    await asyncio.sleep(0.3)
    assert len(table.rows) == 50
    assert {row.holder for row in table.rows} == {"Anna"}
    assert services.dialogue.histories == []
    began = asyncio.get_running_loop().time()
    for _ in range(10):
        table.put(0, roster.rows)
    assert soon((asyncio.get_running_loop().time() - began) / 10, 0.02)
    for conversation, task in made:
        conversation.state = "over"
        sessions.listeners[0](conversation)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0.2)
    assert table.rows == []
    await roster.close()
    services.close()


@pytest.mark.parametrize(
    "key", ["called", "away", "waiting", "taken", "returned", "lost", "goodbye"]
)
def test_each_sentence_is_there_in_every_language(key):
    said = [phrases(f"staff.{key}", language)[0] for language in LANGUAGES]
    assert len(set(said)) == len(LANGUAGES)


class Caller(MediaStreamTrack):
    """A microphone that hears a steady tone, or nothing."""

    kind = "audio"

    def __init__(self, level=8000):
        super().__init__()
        self._level, self._at = level, 0
        self._began = asyncio.get_running_loop().time()

    async def recv(self):
        due = self._began + self._at / 48_000
        await asyncio.sleep(max(0, due - asyncio.get_running_loop().time()))
        samples = np.arange(self._at, self._at + 960)
        pcm = (self._level * np.sin(samples * 2 * np.pi * 440 / 48_000)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, self._at, Fraction(1, 48_000)
        self._at += 960
        return frame


@asynccontextmanager
async def speaking(client, viewer, level=8000):
    """Anna, who has it, speaks with her own voice."""
    caller = Viewer(Caller(level))
    async with client.post(
        of(viewer, "/voice"), headers={**STAFF, **SDP}, params=ANNA, data=await caller.offer()
    ) as response:
        text = await response.text()
        assert response.status == 201, text
    await caller.pc.setRemoteDescription(RTCSessionDescription(text, "answer"))
    try:
        yield caller
    finally:
        await caller.close()


async def loud(track, within=8.0):
    """Until something is heard."""
    async with asyncio.timeout(within):
        while np.abs((await track.recv()).to_ndarray()).max() < 2000:
            pass


async def test_a_persons_own_voice_reaches_the_visitor_and_typing_is_back_when_it_ends(client):
    async with watching(client) as viewer, looking(client, viewer) as page:
        offer = {"headers": {**STAFF, **SDP}, "params": ANNA, "data": "v=0"}
        async with client.post(of(viewer, "/voice"), **offer) as refused:
            assert (await problem(refused))[1]["type"] == "urn:visavis:not-held"
        assert (await do(client, "POST", viewer, "hold"))[0] == 204
        async with client.post(of(viewer, "/voice"), **offer) as refused:
            assert (await problem(refused))[0] in {400, 422}
        await viewer.wait_for("reply_ended", heard="staff.taken")
        async with speaking(client, viewer) as caller:
            await viewer.wait_for("attended", by="speaking")
            await loud(viewer.tracks["audio"])
            await loud(caller.tracks["audio"])  # and hears the face that speaks
            assert (await caller.tracks["video"].recv()).height == 128
            status, told = await do(client, "POST", viewer, "say", text="Hello")
            assert (status, json.loads(told)["type"]) == (409, "urn:visavis:voice-on")
        await page.until(lambda m: m["type"] == "attended" and m["by"] == "speaking")
        page.messages.clear()
        await page.until(lambda m: m["type"] == "attended" and m["by"] == "answering")
        assert (await do(client, "POST", viewer, "say", text="Hello"))[0] == 202
        await viewer.wait_for("reply_ended", heard="Hello")


async def test_a_microphone_that_sends_nothing_is_said_and_switched_off_by_handing_back(
    client, monkeypatch
):
    monkeypatch.setattr(attendant, "_SILENT", 0.5)
    async with watching(client) as viewer, looking(client, viewer) as page:
        assert (await do(client, "POST", viewer, "hold"))[0] == 204
        async with speaking(client, viewer, level=0):
            await page.until(lambda m: m.get("row", {}).get("silent"))
            assert (await do(client, "DELETE", viewer, "hold"))[0] == 204
            await viewer.wait_for("attended", by="watching")
        viewer.channel.send(json.dumps({"type": "text", "text": "hello"}))
        await viewer.wait_for("reply_ended", heard="You said: hello")
