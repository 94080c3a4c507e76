"""Avatars over HTTP: every refusal by its name, one at a time, and a real one from end to end."""

import asyncio
import io
import re
import struct
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.serving import problem, serving
from support.uploads import form, until

from visavis import client
from visavis.models.avatar.file import SHIPPED, Consent, load_avatar, read_card, read_preview
from visavis.models.bake.framing import FRAMINGS
from visavis.server.avatars import baking, workshop
from visavis.server.avatars.baking import Bake, Baked, Order, Refused, Step
from visavis.server.http import avatars
from visavis.server.system import audit

PERSONA = Path(__file__).parents[1] / "data" / "persona.webp"


@pytest.fixture
def home(tmp_path):
    return {"home": str(tmp_path)}


def made(home):
    return list(Path(home["home"]).rglob("*.avatar"))


class Slow:
    """A bake that waits to be let on."""

    def __init__(self, order, photo, *_):
        self.path = order.path
        self.go = threading.Event()
        self.killed = False
        Slow.last = self

    def run(self):
        yield Step("fitting the head", 0.3)
        self.go.wait(10)
        if not self.killed:
            yield Baked(("The face is very dark.",))

    def kill(self):
        self.killed = True
        self.go.set()


@pytest.fixture
def slow_bakes(monkeypatch):
    monkeypatch.setattr(workshop, "Making", Slow)


# --- the door -----------------------------------------------------------------------------------


async def test_an_operator_can_switch_it_off(home):
    async with serving(create_avatars="off", **home) as client:
        for answer in (
            await client.post("/v1/avatars", data=form()),
            await client.delete("/v1/avatars/newcomer"),
        ):
            status, said = await problem(answer)
            assert (status, said["type"]) == (403, "urn:visavis:creation-off")
        assert (await (await client.get("/v1/avatars")).json())["create"] is False
    async with serving(**home) as client:
        assert (await (await client.get("/v1/avatars")).json())["create"] is True


async def test_the_token_and_the_origin_are_asked_for_as_everywhere(home):
    async with serving(token="secret", host="0.0.0.0", **home) as client:
        assert (await problem(await client.post("/v1/avatars", data=form())))[0] == 401
        assert (await problem(await client.delete("/v1/avatars/x")))[0] == 401
    async with serving(**home) as client:
        headers = {"Origin": "https://elsewhere.example"}
        answer = await client.post("/v1/avatars", data=form(), headers=headers)
        assert (await problem(answer))[0] == 403


# --- the form -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"photo": None}, 422, "photo-missing"),
        ({"photo": b""}, 422, "photo-missing"),
        ({"name": None}, 422, "name-invalid"),
        ({"name": "../../etc/passwd"}, 422, "name-invalid"),
        ({"name": "\N{CJK UNIFIED IDEOGRAPH-20000}" * 64}, 422, "name-invalid"),
        ({"name": "MIRA"}, 422, "name-invalid"),
        ({"name": "mira"}, 409, "name-taken"),
        ({"subject": None}, 422, "consent-missing"),
        ({"consent": "  "}, 422, "consent-missing"),
        ({"confirmed": None}, 422, "consent-missing"),
        ({"confirmed": "no"}, 422, "consent-missing"),
        ({"consent": "x" * 5000}, 422, "field-too-long"),
        ({"colour": "red"}, 400, "unknown-field"),
        ({"voice": "nobody"}, 422, "unknown-voice"),
        ({"frame": "knees"}, 422, "unknown-frame"),
        ({"subject": io.BytesIO(b"\xff\xfe")}, 400, "malformed-form"),
    ],
)
async def test_a_faulty_form_is_refused_by_name(home, changes, status, code):
    async with serving(**home) as client:
        given, said = await problem(await client.post("/v1/avatars", data=form(**changes)))
        assert (given, said["type"]) == (status, f"urn:visavis:{code}")
        assert len(said["detail"]) > 15
    assert not made(home)


_X = "multipart/form-data; boundary=x"
NO_FORMS = {
    "json": (b"{}", "application/json", 415),
    "empty": (b"", "multipart/form-data", 400),
    "text": (b"no boundary anywhere", _X, 400),
    "cut": (b"--x\r\nContent-Disposition: form-data; name=photo\r\n\r\n", _X, 400),
    "header": (b"--x\r\n\xff\xfe: \x00\r\n\r\nz\r\n--x--", _X, 400),
    "nested": (
        b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\n--y--\r\n--x--",
        _X,
        400,
    ),
}


@pytest.mark.parametrize(("body", "kind", "status"), NO_FORMS.values(), ids=NO_FORMS.keys())
async def test_what_is_no_form_is_refused_and_the_place_is_free_again(home, body, kind, status):
    async with serving(**home) as client:
        for _ in range(2):
            answer = await client.post("/v1/avatars", data=body, headers={"Content-Type": kind})
            given, said = await problem(answer)
            assert given == status
            assert said["detail"]


async def test_too_large_a_photo_is_refused_by_its_announced_size(home):
    async with serving(**home) as client:
        headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": "90000000"}
        async with client.post("/v1/avatars", data=b"", headers=headers) as answer:
            status, said = await problem(answer)
    assert (status, said["type"]) == (413, "urn:visavis:image-too-large")


async def test_too_large_a_photo_is_not_read_to_its_end(home, monkeypatch):
    monkeypatch.setattr(avatars.photos, "MAX_BYTES", 100_000)
    async with serving(**home) as client:
        status, said = await problem(await client.post("/v1/avatars", data=form(b"x" * 200_000)))
        assert (status, said["type"]) == (413, "urn:visavis:image-too-large")


async def test_an_upload_that_stands_still_gives_its_place_back(home, monkeypatch):
    monkeypatch.setattr(avatars, "_PATIENCE", 0.2)

    async def stalled():
        yield b"--x\r\nContent-Disposition: form-data; name=photo\r\n\r\n"
        await asyncio.sleep(1)

    async with serving(**home) as client:
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = await client.post("/v1/avatars", data=stalled(), headers=headers)
        status, said = await problem(answer)
        assert (status, said["type"]) == (408, "urn:visavis:upload-timeout")
        assert (await problem(await client.post("/v1/avatars", data=form(None))))[0] == 422


async def test_an_upload_that_stalls_does_not_keep_others_from_making_one(home, caplog):
    async with serving(**home) as client:
        _, writer = await asyncio.open_connection("127.0.0.1", client.server.port)
        head = "POST /v1/avatars HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 90000\r\n"
        kind = "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        part = '--x\r\nContent-Disposition: form-data; name="photo"\r\n\r\nabc'
        writer.write((head + kind + part).encode())
        await writer.drain()
        await asyncio.sleep(0.1)
        assert (await problem(await client.post("/v1/avatars", data=form(None))))[0] == 422
        writer.close()
        await asyncio.sleep(0.1)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_there_is_an_end_to_how_many_are_kept(home, monkeypatch):
    monkeypatch.setattr(avatars, "_MOST", 1)  # mira is there
    async with serving(**home) as client:
        status, said = await problem(await client.post("/v1/avatars", data=form()))
        assert (status, said["type"]) == (409, "urn:visavis:too-many-avatars")


# --- one at a time ------------------------------------------------------------------------------


async def test_progress_is_told_and_a_second_one_is_asked_to_wait(home, slow_bakes):
    async with serving(**home) as client:
        answer = await client.post("/v1/avatars", data=form())
        assert answer.status == 202
        job = answer.headers["Location"]
        async with asyncio.timeout(5):
            while (await (await client.get(job)).json())["what"] != "fitting the head":
                await asyncio.sleep(0.01)
        second = await client.post("/v1/avatars", data=form(name="other"))
        status, said = await problem(second)
        assert (status, said["type"]) == (503, "urn:visavis:busy")
        assert int(second.headers["Retry-After"]) > 0
        Slow.last.go.set()
        status, body = await until(client, job, "done")
        assert (status, body["share"]) == (200, 1.0)
        assert body["warnings"] == ["The face is very dark."]
        assert body["preview"] == "/v1/avatars/newcomer/preview.webp"
        assert (await client.post("/v1/avatars", data=form(name="other"))).status == 202
        Slow.last.go.set()


async def test_a_cancelled_job_ends_and_frees_the_place(home, slow_bakes):
    async with serving(**home) as client:
        job = (await client.post("/v1/avatars", data=form())).headers["Location"]
        assert (await client.delete(job)).status == 204
        assert (await until(client, job, "cancelled"))[0] == 200
        async with asyncio.timeout(5):
            while (await client.post("/v1/avatars", data=form())).status == 503:
                await asyncio.sleep(0.02)
        Slow.last.go.set()
        assert (await problem(await client.get("/v1/avatars/jobs/none")))[0] == 404


async def test_a_bake_without_end_is_given_up(home, slow_bakes, monkeypatch):
    monkeypatch.setattr(workshop, "_PATIENCE", 0.1)
    async with serving(**home) as client:
        job = (await client.post("/v1/avatars", data=form())).headers["Location"]
        status, said = await until(client, job, "done")
        assert (status, said["type"]) == (422, "urn:visavis:bake-timeout")
        assert Slow.last.killed


async def test_shutting_down_does_not_wait_for_a_bake(home, slow_bakes):
    async with asyncio.timeout(5):
        async with serving(**home) as client:
            assert (await client.post("/v1/avatars", data=form())).status == 202
    assert Slow.last.killed


# --- taking away --------------------------------------------------------------------------------


async def test_only_what_was_made_here_can_be_removed(home):
    folder = Path(home["home"]) / "avatars"
    folder.mkdir()
    (folder / "anna.avatar").write_bytes(b"an avatar")
    (folder / "house.avatar").write_bytes(b"an avatar")
    async with serving(avatar="house", **home) as client:
        assert (await client.delete("/v1/avatars/anna")).status == 204
        for name, status, code in (
            ("anna", 404, "notfound"),
            ("mira", 403, "avatar-shipped"),
            ("house", 409, "avatar-in-use"),
            ("..%2F..%2Fetc", 422, "name-invalid"),
        ):
            given, said = await problem(await client.delete(f"/v1/avatars/{name}"))
            assert (given, said["type"]) == (status, f"urn:visavis:{code}")
    assert [path.name for path in folder.iterdir()] == ["house.avatar"]


# --- real bakes ---------------------------------------------------------------------------------


def encoded(picture):
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def bomb():
    data = bytearray(encoded(Image.new("L", (8, 8))))
    data[16:24] = struct.pack(">II", 60_000, 60_000)
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


def two_faces():
    one = Image.open(PERSONA).convert("RGB").resize((512, 512))
    both = Image.new("RGB", (1024, 512))
    both.paste(one, (0, 0))
    both.paste(one, (512, 0))
    return encoded(both)


def noise():
    pixels = np.random.default_rng(1).integers(0, 255, (300, 300, 3)).astype(np.uint8)
    return encoded(Image.fromarray(pixels))


slow = pytest.mark.slow  # each starts a process; test_portrait.py has every code without one


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("photo", "status", "code"),
    [
        pytest.param(lambda: b"this is no picture", 422, "image-unreadable", marks=slow),
        (bomb, 413, "image-too-large"),
        pytest.param(
            lambda: encoded(Image.new("RGB", (80, 80))), 422, "image-too-small", marks=slow
        ),
        pytest.param(noise, 422, "no-face", marks=slow),
        (two_faces, 422, "several-faces"),
    ],
)
async def test_a_photo_that_cannot_be_used_is_a_named_problem(home, photo, status, code):
    async with serving(**home) as client:
        job = (await client.post("/v1/avatars", data=form(photo()))).headers["Location"]
        given, said = await until(client, job, "done")
        assert (given, said["type"]) == (status, f"urn:visavis:{code}")
        assert len(said["detail"]) > 20
    assert not made(home)


@pytest.fixture
def deeds(monkeypatch):
    """What would be in the audit log, checked as there."""
    found, check = [], audit.Unaudited.record

    def record(self, what, **fields):
        check(self, what, **fields)
        found.append({"what": what, **fields})

    monkeypatch.setattr(audit.Unaudited, "record", record)
    return found


async def noted(deeds, what):
    """The first deed of a kind, once it is there."""
    async with asyncio.timeout(20):
        while not (found := [each for each in deeds if each["what"] == what]):
            await asyncio.sleep(0.02)
    return found[0]


@pytest.mark.timeout(180)
async def test_a_photo_becomes_an_avatar_with_its_consent_in_it(home, deeds):
    async with serving(**home) as client:
        answer = await client.post("/v1/avatars", data=form(PERSONA.read_bytes()))
        status, body = await until(client, answer.headers["Location"], "done", within=120)
        assert (status, body["state"], body["name"]) == (200, "done", "newcomer")
        path = Path(home["home"]) / "avatars" / "newcomer.avatar"
        card = read_card(path)
        assert card.consent.statement == "rendered from free data"
        assert card.consent.given_by == "the tests"
        assert list(card.warnings) == body["warnings"]
        assert load_avatar(path).side == 512
        assert read_preview(path).startswith(b"RIFF")
        given = await noted(deeds, "consent-given")
        assert (given["avatar"], given["door"]) == ("newcomer", "page")
        assert (given["reference"], given["presence"]) == (card.reference, "not shown")
        assert (await client.delete("/v1/avatars/newcomer")).status == 204
    assert not made(home)


def order(tmp_path):
    consent = Consent("nobody", "made by a test", "a test", "2026-01-01")
    return Order("x", tmp_path / "avatars" / "x.avatar", consent, "CC0-1.0")


def test_a_process_that_falls_over_is_told_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(baking.sys, "executable", "/bin/false")
    *steps, end = Bake(order(tmp_path), b"x" * 1_000_000).run()
    assert all(isinstance(event, Step) for event in steps)
    assert end.code == "bake-failed"
    assert not list((tmp_path / "avatars").iterdir())


def test_a_killed_bake_just_ends(tmp_path):
    bake = Bake(order(tmp_path), PERSONA.read_bytes())
    events = bake.run()
    assert isinstance(next(events), Step)
    bake.kill()
    assert all(isinstance(event, Step) for event in events)
    assert not list((tmp_path / "avatars").iterdir())


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "avatars").write_text("a file where the folder should be")
    (event,) = Bake(order(tmp_path), b"").run()
    assert isinstance(event, Refused)
    assert event.code == "avatar-unwritable"


def test_a_name_that_was_taken_meanwhile_is_kept(tmp_path, monkeypatch):
    wanted = order(tmp_path)
    bake = Bake(wanted, b"")
    wanted.path.parent.mkdir()
    wanted.path.write_bytes(b"the other one")
    child = tmp_path / "child"
    child.write_text("#!/bin/sh\ncat > /dev/null\necho '{\"bytes\": 3}'\nprintf abc\n")
    child.chmod(0o755)
    monkeypatch.setattr(baking.sys, "executable", str(child))
    *_, event = bake.run()
    assert event.code == "name-taken"
    assert wanted.path.read_bytes() == b"the other one"


# --- files that are no avatars -------------------------------------------------------------------


async def test_a_broken_avatar_is_named_with_its_reason(home, caplog):
    folder = Path(home["home"]) / "avatars"
    folder.mkdir()
    (folder / "torn.avatar").write_bytes(b"PK\x03\x04 nothing")
    async with serving(**home) as client:
        for _ in range(2):
            listed = await (await client.get("/v1/avatars")).json()
        assert [avatar["name"] for avatar in listed["avatars"]] == sorted(
            path.stem for path in SHIPPED.glob("*.avatar")
        )
        (broken,) = listed["broken"]
        assert broken["name"] == "torn"
        assert "damaged" in broken["why"]
        status, said = await problem(await client.get("/v1/avatars/torn/preview.webp"))
        assert (status, broken["why"] in said["detail"]) == (404, True)
    assert [record.message for record in caplog.records].count("an avatar cannot be used") == 1


def test_the_pages_form_asks_for_every_frame_that_there_is():
    page = (Path(client.__path__[0]) / "index.html").read_text("utf-8")
    asked = page.partition('id="create-frame"')[2].partition("</select>")[0]
    assert re.findall(r'<option value="(\w+)" data-text="creation.frame.\1">', asked) == [*FRAMINGS]
