"""When the echo canceller is asked, and what it hears of the time in which it was not."""

import numpy as np

from visavis.engines.base import VAD_FRAME
from visavis.server.playout.clock import Clock
from visavis.server.session.cancelling import Cancelling
from visavis.server.system.metrics import Metrics

SILENCE = np.zeros(VAD_FRAME, np.int16)


class Noted:
    """A canceller that gives back one less than it hears; notes the first sample of each frame."""

    def __init__(self):
        self.heard = []

    def process(self, mic, far):
        self.heard.append((int(mic[0]), int(far[0])))
        return mic - 1


def frame(value):
    return np.full(VAD_FRAME, value, np.int16)


def cancelling(engine):
    failures = []
    return Cancelling(lambda: engine, Clock(), Metrics(), failures.append), failures


def test_it_hears_every_frame_while_the_avatar_speaks():
    engine = Noted()
    canceller, _ = cancelling(engine)
    clean = [canceller.clean(frame(n), frame(n + 100)) for n in range(1, 60)]
    assert [int(one[0]) for one in clean] == list(range(59))
    assert engine.heard == [(n, n + 100) for n in range(1, 60)]


def test_where_the_avatar_is_silent_it_is_not_asked_after_its_echo_is_over():
    engine = Noted()
    canceller, _ = cancelling(engine)
    canceller.clean(frame(1), frame(1))
    for n in range(2, 200):
        clean = canceller.clean(frame(n), SILENCE)
    assert int(clean[0]) == 199  # as it is
    assert len(engine.heard) == 1 + 50
    assert int(canceller.clean(frame(7), frame(8))[0]) == 6
    assert engine.heard[-1] == (7, 8)
    assert len(engine.heard) == 52


def test_after_a_rest_it_catches_up_with_what_was_heard_meanwhile():
    engine = Noted()
    canceller, _ = cancelling(engine)
    for n in range(1, 501):
        canceller.rest(frame(n), frame(n))
    assert engine.heard == []
    results = [canceller.clean(frame(n), frame(n)) for n in range(501, 541)]
    unknown = sum(one is None for one in results)
    assert 0 < unknown <= 20  # 0.4 s
    assert [int(one[0]) for one in results[unknown:]] == list(range(500 + unknown, 540))
    kept = [n for n, _ in engine.heard]
    assert kept == list(range(kept[0], 541))  # without a hole
    assert 501 - kept[0] >= 74  # from a second and a half before


def test_after_a_rest_in_silence_there_is_nothing_to_catch_up_with():
    engine = Noted()
    canceller, _ = cancelling(engine)
    for n in range(1, 101):
        canceller.rest(frame(n), SILENCE)
    assert int(canceller.clean(frame(101), SILENCE)[0]) == 101
    assert int(canceller.clean(frame(102), frame(1))[0]) == 101
    assert engine.heard == [(102, 1)]


def test_one_that_fails_is_told_and_what_it_made_is_not_known():
    class Broken:
        def process(self, mic, far):
            raise RuntimeError("broken")

    canceller, failures = cancelling(Broken())
    assert [canceller.clean(frame(1), frame(1)) for _ in range(4)] == [None] * 4
    assert failures == [False, False, True]


def test_one_that_makes_something_else_is_a_failure():
    class Short:
        def process(self, mic, far):
            return mic[1:]

    canceller, failures = cancelling(Short())
    assert canceller.clean(frame(1), frame(1)) is None
    assert failures == [False]
