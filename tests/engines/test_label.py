"""The label that is seen: drawn in every script of the page, in its corner, on light and dark."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from visavis.engines.base import I420, EngineError
from visavis.engines.marking.label import Label
from visavis.engines.settings import CORNERS, Corner, Lettered
from visavis.models.pictures import double, lettering
from visavis.models.pictures.canvas import Canvas

SIZES = [(128, 128), (256, 144), (512, 512), (640, 360), (1080, 1920), (1920, 1920), (130, 1918)]
TEXTS = ["AI", "KI-GENERIERT", "généré par l'IA", "人工智能生成", "ذكاء اصطناعي", "ИИ"]


def picture(canvas: Canvas, luma: int) -> I420:
    image = np.full(canvas.shape, 128, np.uint8)
    canvas.planes(image)[0][:] = luma
    return image


def labelled(lettered: Lettered, canvas: Canvas, luma: int) -> tuple[Label, I420]:
    label, image = Label(lettered, canvas), picture(canvas, luma)
    label.finish(image, 0)
    return label, image


def contrast(one: float, other: float) -> float:
    """Of two luma values, as WCAG has it."""
    light, dark = sorted((_light(one), _light(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _light(luma: float) -> float:
    share = float(np.clip((luma - 16) / 219, 0, 1))
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("text", TEXTS)
def test_it_lies_within_the_picture_and_changes_nothing_else(
    size: tuple[int, int], text: str
) -> None:
    canvas = Canvas(*size)
    label, image = labelled(Lettered(text), canvas, 120)
    top, left, rows, columns = label.box
    luma = canvas.planes(image)[0]
    assert top + rows <= canvas.height
    assert left + columns <= canvas.width
    assert luma[top : top + rows, left : left + columns].max() > 200
    luma[top : top + rows, left : left + columns] = 120
    assert (image[: canvas.height] == 120).all()
    assert (image[canvas.height :] == 128).all()  # it has no colour


@pytest.mark.parametrize("luma", [16, 60, 126, 200, 235])
@pytest.mark.parametrize("size", [(128, 128), (512, 512)])
def test_it_is_legible_on_light_and_dark(luma: int, size: tuple[int, int]) -> None:
    canvas = Canvas(*size)
    label, image = labelled(Lettered(), canvas, luma)
    top, left, rows, columns = label.box
    there = canvas.planes(image)[0][top : top + rows, left : left + columns]
    letters, plate = np.percentile(there, 97), np.median(there[rows // 8 : -rows // 8])
    assert contrast(float(letters), float(plate)) > 7  # WCAG's AAA


@pytest.mark.parametrize("corner", CORNERS)
def test_it_is_in_its_corner(corner: Corner) -> None:
    top, left, rows, columns = Label(Lettered(corner=corner), Canvas(512, 512)).box
    assert (top < 100) == corner.startswith("top")
    assert (left < 100) == corner.endswith("left")
    if not corner.startswith("top"):
        assert top + rows > 480
    if not corner.endswith("left"):
        assert left + columns > 480


def test_a_long_one_is_smaller_rather_than_over_the_face() -> None:
    _, left, _, columns = Label(Lettered("AI-GENERATED PERSON"), Canvas(512, 512)).box
    assert columns <= 260
    assert left > 230


def test_capitals_are_as_high_as_was_asked() -> None:
    for share in (0.03, 0.035, 0.1):
        letters = lettering.ink("AI", round(share * 1000))
        assert abs(len(letters) - share * 1000) <= 2


def test_before_nothing_it_is_opaque_in_the_matte_and_in_the_colour() -> None:
    canvas = Canvas(512, 512, is_double=True)
    image = double.empty(512, 512)
    label = Label(Lettered(), canvas)
    label.finish(image, 0)
    top, left, rows, columns = label.box
    matte = double.matte(image, 512)[top : top + rows, left : left + columns]
    assert (matte[4:-4, 4:-4] > 225).mean() > 0.98  # round corners
    assert np.percentile(canvas.planes(image)[0][top : top + rows, left : left + columns], 97) > 220
    outside = double.matte(image, 512).copy()
    outside[top : top + rows, left : left + columns] = 16
    assert (outside == 16).all()
    again = image.copy()
    label.finish(again, 0)
    assert double.matte(again, 512)[top + rows // 2, left + columns // 2] == 235


def test_what_no_font_has_is_told_by_name() -> None:
    assert lettering.unwritable("AI 🤖") == "🤖"
    assert lettering.unwritable("ป") == "ป"
    assert lettering.unwritable("A\u200fI") == "\u200f"
    assert lettering.unwritable("  ")
    with pytest.raises(EngineError, match="🤖"):
        Label(Lettered("🤖"), Canvas(512, 512))


@pytest.mark.parametrize("text", TEXTS)
def test_all_scripts_of_the_page_can_be_written(text: str) -> None:
    assert lettering.unwritable(text) == ""
    assert lettering.ink(text, 24).max() > 240


def test_arabic_letters_join_and_run_from_right_to_left() -> None:
    assert lettering.shaped("\u0628\u0628") == "\ufe90\ufe91"  # its end on the left
    assert lettering.shaped("\u0644\u0627") == "\ufefb"  # lam and alef are one sign
    assert lettering.shaped("\u0628 AI 12") == "AI 12 \ufe8f"
    assert len(lettering.ink("\u0628\u0628", 24)[0]) < 2 * len(lettering.ink("\u0628", 24)[0])


def test_threads_that_letter_at_once_each_get_their_own_size():
    """Those of a film do; OpenCV lets them run while it draws."""
    wanted = [("AI", 25), ("Welcome", 60), ("Anna Example", 18)]
    alone = [lettering.ink(*each) for each in wanted]
    with ThreadPoolExecutor(4) as threads:
        drawn = list(threads.map(lambda each: lettering.ink(*each), wanted * 200))
    assert all(np.array_equal(ink, alone[n % 3]) for n, ink in enumerate(drawn))
