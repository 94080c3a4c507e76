import numpy as np

from visavis.server.camera.away import Away, card
from visavis.server.playout.messages import FRAME

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
