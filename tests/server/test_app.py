import asyncio
import os
import threading

import numpy as np
import pytest
from support.rtc_pair import Track
from support.services import FakeServices
from support.serving import SDP, Viewer, problem, serving, watching

from visavis.server.rtc import conversation
from visavis.server.rtc.peer import microphone


async def test_a_viewer_hears_sees_and_is_told():
    async with serving() as client, watching(client) as viewer:
        viewer.channel.send('{"type": "text", "text": "hello"}')
        sound = microphone(viewer.tracks["audio"])
        loudest = 0
        async with asyncio.timeout(10):
            while loudest < 5000:
                loudest = np.abs((await anext(sound)).astype(int)).max()
        picture = await viewer.tracks["video"].recv()
        assert (picture.width, picture.height) == (128, 128)
        ended = await viewer.wait_for("reply_ended")
        assert (ended["reason"], ended["heard"]) == ("done", "You said: hello")
        receipt = await viewer.wait_for("receipt")
        assert 0 < receipt["first_sound"] < 1000
        assert abs(receipt["skew"]) < 60


async def test_a_bad_message_is_answered_and_the_session_goes_on():
    async with serving() as client, watching(client) as viewer:
        viewer.channel.send("{")
        assert (await viewer.wait_for("error"))["code"] == "bad-message"
        viewer.channel.send('{"type": "text", "text": "  "}')
        await viewer.wait_for("error", code="empty-text")
        viewer.channel.send('{"type": "say", "text": "你好 😀"}')
        await viewer.wait_for("error", code="nothing-to-say")
        viewer.channel.send('{"type": "ping", "t": 7}')
        assert (await viewer.wait_for("pong"))["t"] == 7


async def test_a_session_can_be_commanded_over_http():
    async with serving() as client, watching(client) as viewer:
        answer = await client.post(f"{viewer.location}/say", json={"text": "one two three four"})
        assert answer.status == 202
        await viewer.wait_for("reply_started")
        assert (await client.post(f"{viewer.location}/interrupt")).status == 202
        assert (await viewer.wait_for("reply_ended"))["reason"] == "interrupted"
        directed = await client.post(f"{viewer.location}/direct", json={"prompt": "warm, flob"})
        assert directed.status == 202
        told = await directed.json()
        assert (told["styles"], told["dropped"]) == (["warm"], ["flob"])
        assert "thoughtful" in told["known"]
        described = await (await client.get(viewer.location)).json()
        assert described["turn"] >= 1
        mood = {"frustration": 0, "satisfaction": 0, "urgency": 0, "confidence": 0}
        assert described["mood"] == mood
        viewer.channel.send('{"type": "text", "text": "This is ridiculous"}')
        await viewer.wait_for("reply_ended", turn=described["turn"] + 1)
        assert (await (await client.get(viewer.location)).json())["mood"]["frustration"] > 0.3
        nothing = await client.post(f"{viewer.location}/say", json={"text": "<b>...</b>"})
        assert nothing.status == 400
        assert (await nothing.json())["type"] == "urn:visavis:nothing-to-say"


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/v1/sessions", "v=0\r\nnonsense", SDP, 422),
        ("/v1/sessions", "v=0\r\nm=audio 9 X\r\nm=video", SDP, 400),
        ("/v1/sessions", "hello", SDP, 400),
        ("/v1/sessions", "", SDP, 400),
        ("/v1/sessions", b"\xff\xfe", SDP, 400),
        ("/v1/sessions", "{}", {"Content-Type": "application/json"}, 415),
        ("/v1/sessions", "v=0" + "x" * 70_000, SDP, 413),
        ("/v1/sessions/none/say", "{}", {"Content-Type": "application/json"}, 404),
        ("/v1/nothing", "", {}, 404),
    ],
    ids=str.split("no-media sdp text empty bytes type long session path"),
)
async def test_a_bad_request_is_a_named_problem_and_the_server_goes_on(path, body, headers, status):
    async with serving() as client:
        given, said = await problem(await client.post(path, data=body, headers=headers))
        assert given == status
        assert said["detail"]
        async with watching(client):
            pass


async def test_an_offer_without_a_known_codec_is_refused():
    async with serving() as client:
        viewer = Viewer()
        offer = (await viewer.offer()).replace("opus/48000", "none/48000")
        status, _ = await problem(await client.post("/v1/sessions", data=offer, headers=SDP))
        assert status == 422
        await viewer.close()


async def refused(query):
    """Status and problem of a good offer with this query."""
    async with serving() as client:
        viewer = Viewer()
        response = await client.post(
            f"/v1/sessions?{query}", data=await viewer.offer(), headers=SDP
        )
        answer = await problem(response)
        await viewer.close()
        return answer


async def test_an_unknown_avatar_is_named():
    status, said = await refused("avatar=nobody")
    assert status == 404
    assert "nobody" in said["detail"]


async def test_an_unknown_source_is_named():
    status, said = await refused("source=telepathy")
    assert (status, said["type"]) == (400, "urn:visavis:unknown-source")
    assert "dialogue or microphone" in said["detail"]


async def test_a_language_that_is_not_spoken_is_named_with_those_that_are():
    status, said = await refused("language=tlh")
    assert (status, said["type"]) == (400, "urn:visavis:unknown-language")
    assert "auto or en, de" in said["detail"]


@pytest.mark.parametrize(
    ("query", "headers", "setting", "language"),
    [
        ("", {}, "en", "en"),
        ("?language=de", {}, "en", "de"),
        ("?voice=greta", {}, "en", "de"),
        ("?language=auto", {"Accept-Language": "de-AT, en;q=0.5"}, "en", "de"),
        ("", {"Accept-Language": "fi"}, "auto", "en"),
    ],
)
async def test_a_session_begins_in_the_language_that_was_asked_for(
    query, headers, setting, language
):
    async with serving(language=setting) as client:
        viewer = Viewer(Track("audio"))
        try:
            await viewer.connect(client, query, headers=headers)
            ready = await viewer.wait_for("ready")
            assert (ready["language"], "language" in ready["takes"]) == (language, True)
        finally:
            await viewer.close()


@pytest.mark.parametrize("setting", ["query", "server"])
async def test_a_voice_comes_back_from_the_avatar(setting):
    query, settings = (
        ("?source=microphone", {}) if setting == "query" else ("", {"source": "microphone"})
    )
    async with serving(**settings) as client:
        viewer = Viewer(Track("audio"))
        try:
            location = await viewer.connect(client, query)
            assert (await viewer.wait_for("ready"))["source"] == "microphone"
            sound = microphone(viewer.tracks["audio"])
            loudest = 0
            async with asyncio.timeout(10):
                while loudest < 5000:
                    loudest = np.abs((await anext(sound)).astype(int)).max()
            viewer.channel.send('{"type": "text", "text": "hello"}')
            await viewer.wait_for("error", code="no-words")
            said = await client.post(f"{location}/say", json={"text": "hello"})
            assert (await problem(said))[0] == 400
        finally:
            await viewer.close()


async def test_bad_json_in_a_command_is_a_problem():
    async with serving() as client, watching(client) as viewer:
        for body, code in (
            ("{", "malformed-json"),
            ("[]", "malformed-json"),
            ("{}", "bad-message"),
        ):
            headers = {"Content-Type": "application/json"}
            response = await client.post(f"{viewer.location}/say", data=body, headers=headers)
            status, said = await problem(response)
            assert (status, said["type"]) == (400, f"urn:visavis:{code}")


async def test_a_full_server_says_when_to_come_back(monkeypatch):
    monkeypatch.setattr(conversation, "_FAREWELL", 0.0)
    async with serving(max_sessions=1) as client:
        async with watching(client):
            viewer = Viewer()
            response = await client.post("/v1/sessions", data=await viewer.offer(), headers=SDP)
            status, _ = await problem(response)
            assert status == 503
            await viewer.close()
            assert int(response.headers["Retry-After"]) > 0
        await gone(client, 0)
        async with watching(client):
            pass


async def test_what_was_lent_comes_back_however_a_session_ends():
    services = FakeServices()
    async with serving(services) as client:
        refused = await client.post("/v1/sessions", data="v=0\r\nnonsense", headers=SDP)
        assert refused.status == 422
        assert services.lent == 0
        async with watching(client) as viewer:
            assert services.lent == 1
            await client.delete(viewer.location)
            assert services.lent == 0


async def gone(client, count, within=10.0):
    """Wait until the server counts so many sessions."""
    async with asyncio.timeout(within):
        while f"visavis_sessions {count:.1f}" not in await (await client.get("/metrics")).text():
            await asyncio.sleep(0.02)


async def test_a_server_that_still_loads_is_alive_but_not_ready():
    services = FakeServices()
    services.missing = "The server is loading its models."
    async with serving(services) as client:
        assert (await client.get("/healthz")).status == 200
        assert (await client.get("/readyz")).status == 503
        response = await client.post("/v1/sessions", data="v=0", headers=SDP)
        status, said = await problem(response)
        assert (status, said["type"]) == (503, "urn:visavis:starting")
        services.missing = "Drawing keeps failing."
        response = await client.post("/v1/sessions", data="v=0", headers=SDP)
        assert (await problem(response))[1]["type"] == "urn:visavis:not-ready"


async def test_the_token_opens_the_door_and_nothing_else_does():
    async with serving(token="secret", host="0.0.0.0") as client:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer é"}):
            response = await client.get("/v1/avatars", headers=headers)
            assert (await problem(response))[0] == 401
        assert (await client.get("/healthz")).status == 200
        assert (await client.get("/")).status == 200
        response = await client.get("/v1/avatars", headers={"Authorization": "Bearer secret"})
        assert response.status == 200


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://elsewhere.example"}, {"Host": "rebound.example"}]
)
async def test_without_a_token_other_sites_are_refused(headers):
    async with serving() as client:
        assert (await problem(await client.get("/v1/avatars", headers=headers)))[0] == 403


async def test_what_there_is_can_be_listed():
    async with serving() as client:
        avatars = await (await client.get("/v1/avatars")).json()
        assert [each["name"] for each in avatars["avatars"] if each["default"]] == ["mira"]
        assert (await (await client.get("/v1/voices")).json())["voices"][0]["name"] == "heart"
        preview = await client.get("/v1/avatars/mira/preview.webp")
        assert preview.content_type == "image/webp"
        assert (await problem(await client.get("/v1/avatars/x/preview.webp")))[0] == 404


@pytest.mark.parametrize(
    ("setting", "wish", "voice"), [("", "", "joe"), ("heart", "", "heart"), ("", "greta", "greta")]
)
async def test_a_session_that_names_no_voice_has_the_avatars_own(setting, wish, voice):
    services = FakeServices()
    services.own = "joe"
    query = f"?voice={wish}" if wish else ""
    async with serving(services, voice=setting) as client, watching(client, query) as viewer:
        assert (await viewer.wait_for("ready"))["voice"] == voice


async def test_metrics_count_the_turn():
    async with serving() as client, watching(client) as viewer:
        viewer.channel.send('{"type": "text", "text": "hello"}')
        await viewer.wait_for("receipt")
        text = await (await client.get("/metrics")).text()
        assert 'visavis_turns_total{ended="done"} 1.0' in text
        assert 'stage="first_sound"' in text
        assert "hello" not in text


async def test_shutting_down_ends_the_sessions():
    async with serving() as client:
        viewer = Viewer()
        await viewer.connect(client)
        await viewer.wait_for("ready")
        closed = asyncio.Event()
        viewer.pc.on("connectionstatechange", closed.set)
    async with asyncio.timeout(5):
        await closed.wait()
    await viewer.close()


@pytest.mark.slow
async def test_fifty_viewers_leave_nothing_behind(monkeypatch):
    monkeypatch.setattr(conversation, "_FAREWELL", 0.0)

    def left():
        sockets = [os.readlink(f"/proc/self/fd/{fd}") for fd in _fds()]
        threads = [t.name for t in threading.enumerate() if t.name.startswith(("lips", "drawing"))]
        return len(asyncio.all_tasks()), len([s for s in sockets if "socket" in s]), len(threads)

    async with serving(max_sessions=2) as client:
        async with watching(client):
            pass
        await gone(client, 0)
        await asyncio.sleep(0.3)
        before = left()
        for _ in range(50):
            async with watching(client):
                pass
            await gone(client, 0)
        async with asyncio.timeout(5):
            while left() > before:
                await asyncio.sleep(0.05)
        assert left() <= before


def _fds():
    for fd in os.listdir("/proc/self/fd"):
        if os.path.islink(f"/proc/self/fd/{fd}"):
            yield fd


async def test_deleting_ends_a_session():
    async with serving() as client, watching(client) as viewer:
        assert (await client.delete(viewer.location)).status == 200
        assert (await client.delete(viewer.location)).status == 404
