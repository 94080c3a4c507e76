"""The mark in the picture: put in, not seen, and found again."""

import hashlib

import cv2
import numpy as np
import pytest

from visavis.engines.base import EngineError
from visavis.engines.marking import pattern
from visavis.engines.marking.embedding import Mark
from visavis.engines.marking.evidence import LIMIT
from visavis.engines.marking.finding import find
from visavis.engines.marking.payload import CODED, Payload, SessionClass, encode
from visavis.models.pictures import double
from visavis.models.pictures.canvas import Canvas

SAID = Payload(0xABCDEF, 332, SessionClass.LIVE)
SIZE = 384


def drawn(size=SIZE, seed=1):
    """I420: something smooth, something busy, and something dark and flat."""
    rng = np.random.default_rng(seed)
    image = np.full((size * 3 // 2, size), 128, np.uint8)
    smooth = cv2.resize(rng.uniform(60, 200, (6, 6)).astype(np.float32), (size, size))
    busy = 12 * rng.standard_normal((size, size))
    face = np.hypot(*(np.mgrid[:size, :size] / size - 0.5)) < 0.25
    luma = np.where(face, smooth + busy, smooth)
    luma[-size // 6 :] = 20
    image[:size] = luma.clip(16, 235)
    return image


def marked(image, payload=SAID):
    size, copy = image.shape[1], image.copy()
    Mark(payload, Canvas(size, size)).finish(copy, 0)
    return copy


def luma(image):
    return image[: image.shape[1]]


@pytest.fixture(scope="module")
def one():
    return marked(drawn())


@pytest.mark.parametrize(
    "change",
    [
        lambda seen: seen,
        lambda seen: cv2.resize(seen, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
        lambda seen: cv2.resize(seen, None, fx=1.37, fy=1.37, interpolation=cv2.INTER_CUBIC),
        lambda seen: seen[21:-17, 30:-8],
        lambda seen: cv2.copyMakeBorder(seen, 90, 40, 33, 150, cv2.BORDER_CONSTANT, value=235),
        lambda seen: ((seen.astype(np.float32) - 16) * 255 / 219).clip(0, 255).astype(np.uint8),
    ],
    ids=["as it is", "half as large", "larger", "a tenth cut off", "in a page", "full range"],
)
def test_it_is_found(one, change):
    found = find([change(luma(one))], 3.5, 11.5)
    assert found is not None
    assert found.payload == SAID
    assert found.log10_false_alarm < LIMIT


def test_it_is_not_found_where_there_is_none():
    assert find([luma(drawn())], 5, 7) is None
    assert find([np.full((200, 300), 90, np.uint8)]) is None


def test_it_is_hardly_there(one):
    change = luma(one).astype(int) - luma(drawn())
    assert np.abs(change).max() == 1
    assert 10 * np.log10(255**2 / np.square(change).mean()) > 42
    assert set(np.unique(change[-SIZE // 6 + 8 :])) == {0, 1}  # where it is flat
    assert (one[SIZE:] == drawn()[SIZE:]).all()  # no colour


def test_what_stands_still_stands_still(one):
    assert (marked(drawn()) == one).all()


def test_of_a_person_cut_out_the_person_alone_is_marked():
    canvas = Canvas(SIZE, SIZE, is_double=True)
    image = double.empty(SIZE, SIZE)
    double.paint(image, drawn())
    matte = double.matte(image, SIZE)
    matte[:, SIZE // 4 :] = 235
    before = image.copy()
    Mark(SAID, canvas).finish(image, 0)
    changed = canvas.planes(image)[0] != canvas.planes(before)[0]
    assert changed[:, SIZE // 4 :].mean() > 0.4
    assert not changed[:, : SIZE // 4].any()
    assert (double.matte(image, SIZE) == double.matte(before, SIZE)).all()
    assert find([canvas.planes(image)[0]], 7, 9).payload == SAID


def test_sizes_that_are_no_whole_cells():
    for width, height in ((64, 64), (66, 130), (1280, 720), (270, 480)):
        image = np.full((height * 3 // 2, width), 100, np.uint8)
        Mark(SAID, Canvas(width, height)).finish(image, 0)
        assert set(np.unique(image[:height])) == {100, 101}
        assert (image[height:] == 100).all()


def test_a_cell_is_whole_blocks_of_the_codecs():
    sizes = ((512, 512), (1280, 720), (720, 1280), (1920, 1080), (256, 256), (64, 64))
    assert [pattern.cell(*size) for size in sizes] == [8, 12, 12, 16, 4, 4]


def test_the_key_is_the_same_for_ever():
    """Or no mark that was put in before would be found."""
    tile = pattern.tile(np.ones(CODED, np.int8))
    keyed = hashlib.sha256(tile.tobytes() + pattern.pilots().tobytes()).hexdigest()
    assert keyed.startswith("63fa0c9b40bcdb52")
    assert int((pattern.pilots() != 0).sum()) == 256
    said, sums = pattern.data(tile)
    assert (said == 1).all()
    assert set(sums) == {3, 4}
    assert (pattern.data(pattern.tile(encode(SAID)))[0] == pattern.carried(encode(SAID))).all()


def test_pictures_of_several_sizes_are_refused():
    with pytest.raises(EngineError, match="one size"):
        find([np.zeros((64, 64), np.uint8), np.zeros((64, 66), np.uint8)])
    with pytest.raises(EngineError, match="one size"):
        find([])
