"""A consent that is over ends what runs, behind every door, and lets nothing begin."""

import asyncio
import datetime
from dataclasses import replace
from typing import ClassVar

import pytest
from support.rig_by_hand import CONSENT, avatar
from support.services import FakeServices
from support.serving import SDP, Viewer, problem, serving, watching

from visavis.models.avatar.consent import NOBODY
from visavis.models.errors import AvatarError
from visavis.server.avatars import granting
from visavis.server.avatars.store import AvatarStore
from visavis.server.commands.composition import SESSIONS
from visavis.server.http.wishes import Wish
from visavis.server.protocol import Goodbye
from visavis.server.system.errors import Ended

WHY = "Not any more."
NOW = datetime.datetime(2026, 11, 29, 12, 0, 1, tzinfo=datetime.UTC)


async def gone(client, location):
    async with asyncio.timeout(10):
        while (await client.get(location)).status != 404:
            await asyncio.sleep(0.05)


async def test_a_visitors_session_is_told_and_ends():
    fakes = FakeServices()
    async with serving(fakes) as client, watching(client) as viewer:
        fakes.forbidden = WHY
        told = await viewer.wait_for("goodbye")
        assert (told["reason"], told["message"]) == ("consent", WHY)
        await gone(client, viewer.location)
        token = (await viewer.wait_for("ready"))["resume"]
        again = Viewer()
        answer = await client.post(
            "/v1/sessions", data=await again.offer(), headers={**SDP, "Visavis-Resume": token}
        )
        await again.close()
        assert answer.status in (400, 404)  # nobody goes on with it


async def test_a_session_whose_visitor_is_away_ends_too():
    fakes = FakeServices()
    async with serving(fakes) as client, watching(client) as viewer:
        await client.post(f"{viewer.location}/leave", json={"back": True})
        async with asyncio.timeout(10):
            while (await (await client.get(viewer.location)).json())["state"] != "resting":
                await asyncio.sleep(0.02)
        fakes.forbidden = WHY
        await gone(client, viewer.location)


async def test_a_wires_session_is_told_and_ends():
    fakes = FakeServices()
    async with serving(fakes) as client:
        hosted = await client.server.app[SESSIONS].hosted(Wish(source="dialogue"), "127.0.0.1")
        told = []
        hosted.told = told.append
        with hosted.present():
            await asyncio.sleep(0)
            fakes.forbidden = WHY
            async with asyncio.timeout(10):
                await hosted.ended.wait()
        assert told == [Goodbye("consent", WHY)]


async def test_a_recording_needs_a_consent_for_videos(tmp_path):
    fakes = FakeServices()
    fakes.card = replace(avatar().card, consent=replace(CONSENT, uses=("live",)))
    async with serving(fakes, home=str(tmp_path)) as client, watching(client) as viewer:
        status, said = await problem(await client.post(f"{viewer.location}/recording"))
        assert (status, said["type"]) == (403, "urn:visavis:use-not-allowed")
        assert not (tmp_path / "recordings").exists()


@pytest.mark.parametrize(
    ("query", "setting", "accepts", "begins"),
    [
        ("?language=de", "en", "", "de"),
        ("?language=en", "en", "", None),
        ("?voice=heart", "en", "", None),  # whose language is English
        ("", "en", "", "de"),
        ("", "auto", "en", "de"),
        ("", "auto", "fr,en", "de"),
    ],
)
async def test_a_session_stays_in_the_languages_that_are_allowed(query, setting, accepts, begins):
    fakes = FakeServices()
    fakes.allowed = ("de",)
    async with serving(fakes, language=setting) as client:
        viewer = Viewer()
        answer = await client.post(
            f"/v1/sessions{query}", data=await viewer.offer(),
            headers={**SDP, "Accept-Language": accepts},
        )  # fmt: skip
        await viewer.close()
        if begins is None:
            status, said = await problem(answer)
            assert (status, said["type"]) == (403, "urn:visavis:language-not-allowed")
            return
        assert answer.status == 201
        (held,) = client.server.app[SESSIONS].all
        assert held.session.language == begins


@pytest.fixture
def two(tmp_path):
    store = AvatarStore(tmp_path)
    store.folder.mkdir()
    for name, until in (("anna", "2999-01-31"), ("bert", "2020-01-31")):
        consent = replace(CONSENT, subject=name, until=until, uses=("live",), date="2019-01-01")
        store.file(name).write_bytes(store.sealed(avatar(name, consent).content()))
    return tmp_path


async def test_the_list_of_avatars_has_their_dates(two):
    async with serving(home=str(two)) as client:
        listed = await (await client.get("/v1/avatars")).json()
        (anna,) = [each for each in listed["avatars"] if each["name"] == "anna"]
        assert (anna["until"], anna["uses"], anna["languages"]) == ("2999-01-31", ["live"], [])
        (bert,) = listed["broken"]
        assert (bert["name"], bert["code"]) == ("bert", "consent-expired")
        status, said = await problem(await client.get("/v1/avatars/bert/preview.webp"))
        assert (status, said["type"]) == (410, "urn:visavis:consent-expired")


# --- what is asked for when one is given --------------------------------------------------------


def granted(subject="Anna Example", **more):
    return granting.granted(subject, "yes", "Anna", NOW, **more)


def test_a_consent_has_an_end_and_the_usual_uses_unless_more_is_said():
    usual = granted()
    assert (usual.until, usual.uses, usual.languages) == ("2027-11-29", ("live", "videos"), ())
    assert usual.date == "2026-11-29T12:00:01Z"
    free = granted(until="never", uses="camera,live", languages="DE, fr")
    assert (free.until, free.uses, free.languages) == ("", ("live", "camera"), ("de", "fr"))
    synthetic = granted(f"{NOBODY}: drawn")
    assert (synthetic.until, synthetic.uses) == ("", ("live", "videos", "camera"))
    assert granted(until="2026-11-29").until == "2026-11-29"


@pytest.mark.parametrize(
    "more",
    [
        {"until": "2026-11-28"}, {"until": "soon"}, {"uses": "everything"}, {"uses": "live live"},
        {"languages": "english"}, {"subject": " "},
    ],
)  # fmt: skip
def test_what_is_no_consent_is_refused(more):
    with pytest.raises(AvatarError):
        granted(**more)


async def test_who_is_refused_is_noted_once_in_a_while():
    class Noted:
        rows: ClassVar = []

        def record(self, what, **fields):
            self.rows.append((what, fields))

    class Over(FakeServices):
        async def check(self, avatar, voice):
            raise Ended("over", "consent-revoked")

    fakes = Over()
    async with serving(fakes) as client:
        sessions = client.server.app[SESSIONS]
        sessions._audit = Noted()
        for _ in range(3):
            with pytest.raises(Ended):
                await sessions.kind(Wish())
    assert Noted.rows == [("consent-refused", {"avatar": "mira", "why": "consent-revoked"})]
