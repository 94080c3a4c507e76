"""What a session's face stands before, names of sessions, and pictures that carry a matte."""

import asyncio
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image
from support.services import FakeServices
from support.serving import SDP, serving, watching

from visavis.models.avatar.backdrop import NOTHING, ORIGINAL, Backdrop
from visavis.models.pictures import double
from visavis.server.avatars.backgrounds import Backgrounds
from visavis.server.http import naming
from visavis.server.rtc import encoders, legacy
from visavis.server.rtc.ladder import Step
from visavis.server.services.configured import services as composed
from visavis.server.session.doors import Playout
from visavis.server.session.keepsake import Keepsake
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError, Malformed


@pytest.fixture
def folder(tmp_path):
    Image.new("RGB", (40, 30), (10, 20, 30)).save(tmp_path / "hall.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    return tmp_path


def test_a_background_is_a_word_a_colour_or_a_picture_of_the_folder(folder):
    found = Backgrounds(folder).find
    assert found("") == found("original") == ORIGINAL
    assert found("transparent") == NOTHING
    assert found("#00b140") == Backdrop("colour", (0, 177, 64))
    hall = found("hall")
    assert hall.kind == "picture"
    assert hall.picture == folder / "hall.png"
    Image.new("RGB", (40, 30)).save(folder / "hall.png")
    assert Backgrounds(folder, "hall").find("") != hall, "another picture under the same name"


@pytest.mark.parametrize("wanted", ["lobby", "notes", "../hall", "hall.png", "#12", "x" * 4000])
def test_another_word_names_those_that_there_are(folder, wanted):
    with pytest.raises(Malformed, match="hall") as raised:
        Backgrounds(folder).find(wanted)
    assert raised.value.code == "unknown-background"
    assert len(raised.value.detail) < 300


def test_a_server_whose_own_background_is_missing_does_not_start(folder):
    with pytest.raises(ConfigError, match=r"lobby.*hall"):
        composed(Config(background="lobby", background_folder=str(folder)), None, None)


def test_nobody_gets_mattes_who_did_not_ask_for_them():
    with pytest.raises(ConfigError, match="others would see the matte"):
        composed(Config(background="transparent"), None, None)


def playout(image, height):
    return Playout(None, None, image, None, None, None, height)


def test_who_knows_nothing_of_mattes_sees_a_person_before_black():
    image = double.empty(64, 72)
    double.planes(image, 72)[0][10:20] = 200
    assert image.shape == (3 * 128, 64), "both halves are whole blocks"
    seen = playout(image, 72).seen(image)
    assert seen.shape == (108, 64)
    assert (seen[10:20] == 200).all()
    assert (seen[72:] == 128).all()
    plain = np.zeros((108, 64), np.uint8)
    assert playout(plain, 0).seen(plain) is plain
    assert playout(image, 72).busy < 1 == playout(plain, 0).busy


@pytest.mark.parametrize("codec", [encoders.H264, encoders.Vp8])
@pytest.mark.parametrize("scale", [1.0, 0.75, 0.5])
def test_a_matte_comes_through_the_encoders_in_every_size_that_is_sent(codec, scale):
    """Its outline and nothing of the colour above it; 90 rows, which no block ends with."""
    image = double.empty(128, 90)
    luma, blue, _ = double.planes(image, 90)
    luma[:], blue[:] = 180, 90  # bright and coloured down to its last row
    columns = np.clip((np.arange(128) - 56) / 16, 0, 1) * double.SPAN + double.BLACK
    double.matte(image, 90)[:] = columns
    seen = passed(image, codec(), scale)
    half = double.rows(90) * scale
    assert seen.shape == (3 * half, 128 * scale)
    told = seen[int(half) : int(half + 90 * scale)].astype(int)
    every = round(128 / seen.shape[1], 3)
    where = ((np.arange(seen.shape[1]) + 0.5) * every - 0.5).round().astype(int)
    assert np.abs(told[:-2] - columns[where]).mean() < 2
    assert np.abs(told[0] - columns[where]).mean() < 4, "the row that lies next to the colour's"


def passed(image, codec, scale):
    """What a viewer decodes of the tenth time it is sent."""
    video, raw = encoders.Video(codec), []
    video.target_bitrate, video.step = 1_000_000, Step(scale, 1)
    codec.payloads = lambda data: raw.append(data) or [data]
    decoder = av.CodecContext.create("h264" if isinstance(codec, encoders.H264) else "vp8", "r")
    for n in range(10):
        frame = av.VideoFrame.from_numpy_buffer(image, format="yuv420p")
        frame.pts, frame.time_base = n * 3600, Fraction(1, 90_000)
        video.encode(frame)
    frames = [each for data in raw for each in decoder.decode(av.Packet(data))]
    return frames[-1].to_ndarray(format="yuv420p")


async def test_a_transparent_session_tells_its_page_how_the_picture_lies():
    async with serving() as client:
        async with watching(client, "?background=transparent") as viewer:
            ready = await viewer.wait_for("ready")
            assert (ready["size"], ready["matte"]) == ([128, 128], 128)
            picture = await viewer.tracks["video"].recv()
            assert (picture.width, picture.height) == (128, 256)
        async with watching(client) as viewer:
            ready = await viewer.wait_for("ready")
            assert (ready["size"], ready["matte"]) == ([128, 128], 0)


async def test_what_a_session_stands_before_goes_over_to_the_one_that_goes_on_with_it():
    left = legacy.Legacy("a.b", 1.0, 2, "mira", "heart", "dialogue", Keepsake(3), "#00b140")
    again = legacy.read(left.written(), "a.b")
    assert replace(again, keepsake=left.keepsake) == left


async def test_a_session_is_commanded_by_its_name_and_taken_over_by_a_page_that_comes_anew():
    async with serving() as client, watching(client, "?name=stage") as first:
        ready = await first.wait_for("ready")
        assert ready["session"] == "scene-stage"
        said = await client.post("/v1/sessions/scene-stage/say", json={"text": "Good evening."})
        assert said.status == 202
        async with watching(client, "?name=stage") as second:
            assert (await second.wait_for("ready"))["session"] == "scene-stage"
            assert not (await second.wait_for("ready"))["resumed"]
            told = await client.get("/v1/sessions/scene-stage")
            assert (await told.json())["state"] == "live"
            said = await client.post("/v1/sessions/scene-stage/say", json={"text": "Welcome."})
            assert said.status == 202
            await second.wait_for("reply_started")
            assert (await client.get("/readyz")).status == 200


async def test_pages_that_ask_for_a_name_at_once_get_it_one_after_the_other():
    services = FakeServices()
    async with serving(services) as client, watching(client) as viewer:
        offer = await viewer.offer()
        asked = [client.post("/v1/sessions?name=stage", data=offer, headers=SDP) for _ in range(3)]
        assert [answer.status for answer in await asyncio.gather(*asked)] == [201] * 3
        async with asyncio.timeout(3):
            while services.lent > 2:  # the viewer's own, and the last one of that name
                await asyncio.sleep(0.01)
        assert (await client.get("/v1/sessions/scene-stage")).status == 200


async def test_a_bad_name_is_refused_in_words():
    async with serving() as client, watching(client) as viewer:
        offer = await viewer.offer()
        answer = await client.post("/v1/sessions?name=Stage%20one", data=offer, headers=SDP)
        assert answer.status == 400
        assert (await answer.json())["type"] == "urn:visavis:name-invalid"


async def test_names_can_be_switched_off_and_are_where_others_call():
    assert Config().may_name
    assert not Config(host="0.0.0.0", token="t" * 20).may_name
    async with serving(scene_names="off") as client, watching(client) as viewer:
        answer = await client.post("/v1/sessions?name=a", data=await viewer.offer(), headers=SDP)
        assert answer.status == 403
        assert (await answer.json())["type"] == "urn:visavis:names-off"


def test_a_name_cannot_be_that_of_somebody_elses_session():
    assert naming.given("", may=False) != naming.given("", may=False)
    assert naming.given("whep-mira", may=True) == "scene-whep-mira"


@pytest.mark.parametrize("name", ["a.b", "-a", "a" * 33, "ä", "A", "a/b"])
def test_a_name_is_small_letters_digits_and_hyphens(name):
    with pytest.raises(Malformed, match="lower-case"):
        naming.given(name, may=True)
