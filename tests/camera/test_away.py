import numpy as np
import pytest

from visavis.engines.marking.label import Label
from visavis.engines.settings import Lettered
from visavis.models.pictures.canvas import Canvas
from visavis.server.camera.away import Away, card
from visavis.server.camera.labelled import keep
from visavis.server.camera.wide import Wide
from visavis.server.playout.messages import FRAME, ms

SIZE = 128
RNG = np.random.default_rng(0)


def picture():
    return RNG.integers(16, 236, (SIZE * 3 // 2, SIZE)).astype(np.uint8)


def test_nobody_away_costs_nothing():
    shown, away = picture(), Away()
    assert away.shown(shown, 0) is shown


def test_the_card_comes_softly_stays_and_goes():
    face, away = picture(), Away("Back soon")
    away.shown(face, 0)
    away.switch(True)
    came = [away.shown(face, n * FRAME).astype(int) for n in range(1, 30)]
    steps = [np.abs(b - a).mean() for a, b in zip([face.astype(int), *came], came, strict=False)]
    assert max(steps) < 0.2 * np.abs(came[-1] - face).mean()  # no jump
    np.testing.assert_array_equal(came[-1], came[-2])
    away.switch(False)
    gone = [away.shown(face, n * FRAME) for n in range(30, 60)]
    assert gone[-1] is face


def test_no_feature_of_the_face_is_left_and_the_words_stand_out():
    face = picture()
    made = card(face, "Back soon")
    assert made.shape == face.shape
    assert made.dtype == np.uint8
    upper = made[: SIZE // 2].astype(float)
    assert upper.std() < 0.1 * face[: SIZE // 2].std()
    low = made[round(SIZE * 0.8) : round(SIZE * 0.92)]
    assert low.max() > 200
    assert low.max() - upper.mean() > 100


def test_long_words_stay_inside():
    made = card(np.full((SIZE * 3 // 2, SIZE), 100, np.uint8), "I shall be back in ten minutes")
    assert made[:SIZE, :4].max() < 120
    assert made[:SIZE, -4:].max() < 120


@pytest.mark.parametrize("away", [False, True])
def test_the_label_stays_sharp_beside_blurred_sides_and_on_the_card(away: bool) -> None:
    canvas = Canvas(512, 512)
    picture = np.full(canvas.shape, 128, np.uint8)
    picture[:512] = np.random.default_rng(1).integers(60, 200, (512, 512), np.uint8)
    label = Label(Lettered(), canvas)
    label.finish(picture, 0)
    card = Away()
    card.switch(away)
    framed = Wide().framed(picture)
    card.shown(framed, 0)
    shown = keep(label.shown, picture, card.shown(framed, ms(2000)))
    top, left, rows, columns = label.box
    beside = (shown.shape[1] - 512) // 2
    there = shown[top : top + rows, left + beside : left + beside + columns]
    assert (there == picture[top : top + rows, left : left + columns]).all()
    assert keep(None, picture, picture) is picture
