"""What both marks carry."""

from datetime import date

import numpy as np
import pytest

from visavis.engines.marking.evidence import LIMIT, Found, log10_false_alarm
from visavis.engines.marking.payload import (
    CODED,
    Payload,
    SessionClass,
    decode,
    encode,
)

SOME = [
    Payload(0, 0, SessionClass.OTHER),
    Payload((1 << 24) - 1, (1 << 13) - 1, SessionClass.EMBEDDED),
    Payload(0xABCDEF, 332, SessionClass.LIVE),
]


@pytest.mark.parametrize("payload", SOME)
def test_what_is_encoded_is_decoded(payload):
    signs = encode(payload)
    assert signs.shape == (CODED,)
    assert set(np.unique(signs)) <= {-1, 1}
    assert decode(signs) == payload


def test_words_are_far_apart():
    rng, base = np.random.default_rng(1), encode(SOME[2])
    far = min(
        int((encode(Payload(int(n), 332, SessionClass.LIVE)) != base).sum())
        for n in rng.integers(0, 1 << 24, 300)
        if n != SOME[2].installation
    )
    near = [Payload(SOME[2].installation ^ 1 << bit, 332, SessionClass.LIVE) for bit in range(24)]
    assert far >= 24
    assert min(int((encode(one) != base).sum()) for one in near) >= 24


def test_it_is_read_from_noise():
    """At 3 dB a bit nearly always; and what is read wrongly has the wrong check."""
    rng, read, wrong = np.random.default_rng(2), 0, 0
    for payload in SOME * 10:
        noise = rng.standard_normal(CODED)
        strength = np.sqrt(2 * 56 * 10**0.3 / CODED)  # of a sign against noise of 1
        got = decode(strength * encode(payload) + noise)
        read += got == payload
        wrong += got is not None and got != payload
    assert read >= 27
    assert wrong == 0


def test_lost_signs_are_made_good():
    soft = encode(SOME[2]).astype(np.float32)
    soft[np.random.default_rng(3).permutation(CODED)[:110]] = 0
    assert decode(soft) == SOME[2]


def test_noise_says_nothing():
    rng = np.random.default_rng(4)
    assert [decode(rng.standard_normal(CODED)) for _ in range(20)] == [None] * 20


def test_what_cannot_be_said_is_refused_or_the_nearest():
    with pytest.raises(ValueError, match="installation"):
        Payload(1 << 24, 0, SessionClass.LIVE)
    with pytest.raises(ValueError, match="day"):
        Payload(0, -1, SessionClass.LIVE)
    assert Payload.of(1, date(1970, 1, 1), SessionClass.LIVE).date == date(2026, 1, 1)
    assert Payload.of(1, date(2026, 11, 29), SessionClass.LIVE).date == date(2026, 11, 29)
    assert Payload.of(1, date(2999, 1, 1), SessionClass.LIVE).day == (1 << 13) - 1


def test_the_law_of_false_alarms():
    assert log10_false_alarm(0, 1) == 0
    assert log10_false_alarm(9, 1e6) == 0
    assert log10_false_alarm(11, 1e6) < LIMIT < log10_false_alarm(10, 1e6)
    assert Found(SOME[2], 0.5, -7).confidence == pytest.approx(0.9999999)


def test_the_law_holds_for_one_word_at_one_place():
    """Whatever is observed: here few large values, for which a normal law would be too bold."""
    rng = np.random.default_rng(5)
    seen = rng.standard_t(2, 400)
    signs = rng.choice([-1.0, 1.0], (20_000, 400))
    evidence = signs @ seen / np.linalg.norm(seen)
    for limit in (1.5, 2.5, 3.5):
        assert (evidence >= limit).mean() <= np.exp(-(limit**2) / 2)
