"""A video behind the person: over and over, at any time, from whatever a telephone writes."""

import random

import av
import numpy as np
import pytest
from support.films import moving

from visavis.models.avatar.file import SHIPPED, load_avatar
from visavis.server.studio.document.project import Background, Frame, Project, Scene
from visavis.server.studio.layers import moving as moving_
from visavis.server.studio.layers.composition import Composition
from visavis.server.studio.layers.moving import Moving
from visavis.server.system.errors import Unprocessable

SIZE = (128, 72)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Two seconds that become lighter."""
    path = tmp_path_factory.mktemp("film") / "lighter.mp4"
    moving(path)
    return path


def light(video: Moving, at: float) -> float:
    image = video.picture(at)
    assert image.shape == (108, 128)
    return float(image[:72].mean())


def test_any_moment_is_the_same_whatever_was_seen_before(film):
    video = Moving(film, "lighter.mp4", SIZE)
    assert video.length == pytest.approx(2.0)
    forward = [light(video, n / 25) for n in range(50)]
    assert forward[0] < forward[20] < forward[49]
    for at in (1.9, 0.0, 0.52, 0.48, 1.0):
        assert light(video, at) == forward[int(at * 25 + 0.01)]
    assert light(video, 2.0) == forward[0], "it begins anew"
    assert light(video, 61.0) == forward[25]
    video.close()


def test_it_fills_the_picture_upright(tmp_path):
    moving(tmp_path / "upright.mp4", size=(64, 160), dark_above=True)
    plane = Moving(tmp_path / "upright.mp4", "a", SIZE).picture(0)[:72]
    assert plane[:20].mean() + 20 < plane[-20:].mean(), "dark above, as it was filmed"
    assert np.ptp(plane.mean(0)) < 6, "and it has no empty sides"


def test_a_film_that_breaks_off_is_told_when_it_does(film, tmp_path):
    data = bytearray(film.read_bytes())
    middle = len(data) * 2 // 3
    data[middle : middle + 400] = bytes(400)
    (tmp_path / "hurt.mp4").write_bytes(data)
    video = Moving(tmp_path / "hurt.mp4", "hurt.mp4", SIZE)
    try:  # FFmpeg hides some damage; what it does not hide is told in words
        for n in range(50):
            video.picture(n / 25)
    except Unprocessable as error:
        assert "hurt.mp4" in error.detail  # noqa: PT017
        assert "damaged near" in error.detail  # noqa: PT017


def test_too_large_a_film_is_told(film, monkeypatch, tmp_path):
    monkeypatch.setattr(moving_, "_BYTES", 100)
    with pytest.raises(Unprocessable, match="2 GB"):
        Moving(film, "a", SIZE)
    monkeypatch.undo()
    monkeypatch.setattr(moving_, "_SIDE", 50)
    with pytest.raises(Unprocessable, match="px a side"):
        Moving(film, "a", SIZE)


def test_sound_alone_is_no_film(tmp_path):
    with av.open(str(tmp_path / "sound.mp4"), "w") as file:
        stream = file.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), "s16", "mono")
        frame.sample_rate = 48000
        file.mux(stream.encode(frame))
        file.mux(stream.encode())
    with pytest.raises(Unprocessable, match="no video"):
        Moving(tmp_path / "sound.mp4", "sound.mp4", SIZE)


def test_keys_of_a_scene_before_it_hang_on_its_place_in_the_loop(film):
    scene = Scene("a", background=Background("video", film.name))
    project = Project(scenes=(scene,), frame=Frame("16:9", 360))
    whole = Composition(
        project, scene, film.parent, (128, 72), load_avatar(SHIPPED / "mira.avatar")
    )
    assert whole.key(0, 1) == whole.key(2, 3) != whole.key(0.5, 1.5)
    whole.close()


def test_whatever_is_wrong_with_a_film_is_told_in_words(film, tmp_path):
    rng, data = random.Random(1), film.read_bytes()
    told = 0
    for _ in range(60):
        hurt = bytearray(data)
        for _ in range(rng.choice((1, 3, 20))):
            hurt[rng.randrange(len(hurt))] = rng.randrange(256)
        (tmp_path / "hurt.mp4").write_bytes(hurt[: rng.choice((None, len(hurt) // 2))])
        try:
            video = Moving(tmp_path / "hurt.mp4", "hurt.mp4", SIZE)
            for n in range(0, 60, 7):
                video.picture(n / 25)
            video.close()
        except Unprocessable:
            told += 1
    assert 10 < told < 60


def test_a_film_in_high_definition_has_its_own_colours(tmp_path):
    shown = []
    for side in (480, 720):  # a film says nothing of its colours: players go by its size
        with av.open(str(tmp_path / "a.mp4"), "w") as file:
            stream = file.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = 640, side, "yuv420p"
            image = np.full((side * 3 // 2, 640), 200, np.uint8)
            image[:side] = 100
            for _ in range(10):
                file.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="yuv420p")))
            file.mux(stream.encode())
        shown.append(Moving(tmp_path / "a.mp4", "a", SIZE).picture(0))
    assert abs(int(shown[0][0, 0]) - 100) <= 1
    assert int(shown[1][0, 0]) > 105, "luma of BT.709 is another one"
