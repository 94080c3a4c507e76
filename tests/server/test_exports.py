"""Files that are made of a film, as others read them."""

import av
import numpy as np
import pytest
from PIL import Image
from support.films import moving, transparent

from visavis.engines.base import PLAY_RATE
from visavis.models.pictures import double
from visavis.models.pictures.canvas import Canvas
from visavis.server.recording.files import read_sound
from visavis.server.studio.layers import exports, previews

SIZE = (128, 72)


def cut_out():
    """A bright square before nothing; half of it is there at its left."""
    image = double.empty(*SIZE)
    luma, blue, red = double.planes(image, SIZE[1])
    matte = double.matte(image, SIZE[1])
    luma[20:52, 40:88], matte[20:52, 40:88] = 200, 235
    blue[10:26, 20:44], red[10:26, 20:44] = 110, 160
    matte[20:52, 40:56] = 126
    luma[20:52, 40:56] = 16 + (200 - 16) // 2
    blue[10:26, 20:28], red[10:26, 20:28] = 119, 144
    return image


@pytest.fixture(scope="module")
def webm(tmp_path_factory):
    path = tmp_path_factory.mktemp("webm") / "film.webm"
    return transparent(path, [cut_out() for _ in range(25)], Canvas(*SIZE, is_double=True))


def test_a_film_is_transparent_where_nobody_is(webm):
    with av.open(str(webm)) as file:
        assert file.streams.video[0].metadata["alpha_mode"] == "1"
        frame = next(previews._decoded(file, file.streams.video[0], alpha=True))
        rgba = frame.reformat(format="rgba").to_ndarray()
    assert rgba[5, 5, 3] <= 2
    assert rgba[36, 80, 3] >= 253
    assert abs(int(rgba[36, 46, 3]) - 128) < 8
    assert np.abs(rgba[36, 46, :3].astype(int) - rgba[36, 80, :3]).max() < 12, "colour undarkened"


def test_one_without_opacity_stands_before_the_colour_to_key():
    canvas = Canvas(*SIZE, is_double=True)
    image = exports.before(cut_out(), canvas)
    assert image.shape == (108, 128)
    assert image[0, 0] == 111
    assert image[36, 80] == 200
    green = exports.opaque(cut_out(), canvas).to_ndarray(format="rgb24")[5, 5]
    assert np.abs(green.astype(int) - (0, 177, 64)).max() < 4
    plain = exports.transparent(image, Canvas(*SIZE))
    assert np.frombuffer(memoryview(plain.planes[3]), np.uint8)[:128].min() == 255


@pytest.mark.parametrize("kind", exports.SOUNDS)
def test_sound_is_as_long_and_as_loud_as_it_was(tmp_path, kind):
    pcm = (np.sin(np.arange(PLAY_RATE * 2) / 20) * 8000).astype(np.int16)
    exports.sound(pcm, tmp_path / f"a.{kind}", kind)
    back = read_sound(tmp_path / f"a.{kind}")
    assert len(back) == pytest.approx(len(pcm), abs=2400)
    middle = back[PLAY_RATE // 2 : PLAY_RATE].astype(float)
    assert np.sqrt((middle**2).mean()) == pytest.approx(8000 / np.sqrt(2), rel=0.1)
    assert [path.name for path in tmp_path.iterdir()] == [f"a.{kind}"]


@pytest.mark.parametrize("kind", ["webp", "gif"])
def test_a_preview_moves_and_has_an_end(tmp_path, kind):
    moving(tmp_path / "film.mp4", size=(640, 480), pictures=25 * 8)
    previews.preview(tmp_path / "film.mp4", tmp_path / f"p.{kind}", kind)
    with Image.open(tmp_path / f"p.{kind}") as picture:
        assert min(picture.size) in (300, 400)
        shown = [_lasts(picture, n) for n in range(picture.n_frames)]
        assert len(shown) > 10
        assert sum(shown) == pytest.approx(6000, abs=150)
        picture.seek(0)
        first = np.asarray(picture.convert("L"), float).mean()
        picture.seek(picture.n_frames - 1)
        assert np.asarray(picture.convert("L"), float).mean() > first + 20


def test_a_preview_of_a_transparent_film_is_transparent(webm, tmp_path):
    previews.preview(webm, tmp_path / "p.webp", "webp")
    with Image.open(tmp_path / "p.webp") as picture:
        rgba = np.asarray(picture.convert("RGBA"))
    assert rgba[5, 5, 3] <= 3
    assert rgba[rgba.shape[0] // 2, round(0.6 * rgba.shape[1]), 3] > 250


def test_what_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), exports.arriving(tmp_path / "a.txt") as part:
        part.write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="film.mp4"):
        previews.preview(tmp_path / "film.mp4", tmp_path / "p.gif", "gif")


def _lasts(picture: Image.Image, number: int) -> float:
    """ms"""
    picture.seek(number)
    picture.load()
    return float(picture.info["duration"])
