"""Faces give way when drawing takes too long: in order, one step at a time, and not to and fro."""

import pytest

from visavis.server.playout.clock import PERIOD
from visavis.server.services.relief import Relief

ALL = ("unseen", "idle", "attentive", "speaking")
COST = {"full": 1.0, "mouth": 0.65, "half": 0.5, "still": 0.0}  # of drawing every picture whole


class Server:
    """Sessions whose pictures take as long as there are many, in a time of its own."""

    def __init__(self, present=ALL, patches=True):
        self.relief = Relief(patches=patches)
        self.now, self.present = 100.0, list(present)
        self.levels = [0]

    def pass_time(self, seconds, share, late=0.0, times=25):
        """Pictures that take `share` of a picture's time, of which some are late."""
        until, number = self.now + seconds, 0
        while self.now < until:
            self.now += 1 / times
            number += 1
            is_late = late * number % 1 + late >= 1
            asked = self.now - share * PERIOD
            due = asked + 0.05
            done = max(self.now, due + 0.001) if is_late else self.now
            self.relief.drawn(asked, due, done, whole=True, present=lambda: self.present)
            if self.relief.level != self.levels[-1]:
                self.levels.append(self.relief.level)
        return self.relief.level

    def load(self):
        """What the sessions cost now."""
        return sum(COST[self.relief.fluency(who)] for who in self.present)


def fluencies(relief):
    return [relief.fluency(who) for who in ALL]


def test_first_goes_what_is_missed_least_and_last_who_speaks():
    server, seen = Server(), []
    while server.pass_time(0.04, share=3.0) < 8:
        seen.append(fluencies(server.relief))
    seen = [*dict.fromkeys(map(tuple, seen)), tuple(fluencies(server.relief))]
    assert seen.pop(0) == ("full",) * 4
    assert seen == [
        ("still", "full", "full", "full"),
        ("still", "half", "full", "full"),
        ("still", "half", "half", "full"),
        ("still", "half", "half", "mouth"),
        ("still", "half", "half", "half"),
        ("still", "still", "half", "half"),
        ("still", "still", "still", "half"),
        ("still", "still", "still", "still"),
    ]
    assert server.pass_time(10, share=3.0) == 8  # there is no more


def test_without_patches_the_mouth_has_no_step():
    server = Server(["speaking"], patches=False)
    server.pass_time(0.6, share=3.0)
    assert server.relief.fluency("speaking") == "half"


def test_steps_that_nobody_there_would_take_are_passed_over():
    server = Server(["speaking"])
    server.pass_time(0.6, share=3.0)
    assert server.relief.fluency("speaking") == "mouth"
    assert server.relief.fluency("idle") == "half"
    server.pass_time(6, share=0.2)
    assert fluencies(server.relief)[-1] == "full"
    server.pass_time(6, share=0.2)
    assert server.relief.level == 0


def test_nothing_is_given_up_where_nothing_helps():
    server = Server(["unseen"])
    server.pass_time(0.6, share=3.0)
    assert server.pass_time(5, share=3.0) == 1


def test_a_moment_is_no_reason():
    server = Server()
    server.pass_time(2, share=0.2)
    server.pass_time(0.2, share=0.9, late=0.4)
    assert server.pass_time(2, share=0.2) == 0


@pytest.mark.parametrize(("share", "late"), [(0.9, 0.0), (0.3, 0.2)])
def test_slow_pictures_and_late_ones_are_both_a_reason_if_they_last(share, late):
    server = Server()
    server.pass_time(0.7, share, late)
    assert server.relief.level == 0
    server.pass_time(0.8, share, late)
    assert server.relief.level == 1


def test_what_is_neither_too_much_nor_little_changes_nothing():
    server = Server()
    server.pass_time(1.2, share=0.9)
    level = server.relief.level
    assert level == 1
    assert server.pass_time(60, share=0.6) == level


def test_it_is_undone_step_by_step_when_there_is_time_again():
    server = Server()
    while server.pass_time(0.6, share=3.0) < 8:
        pass
    server.levels = [8]
    server.pass_time(4.4, share=0.2)
    assert server.levels == [8]
    server.pass_time(60, share=0.2)
    assert server.levels == [8, 7, 6, 5, 4, 3, 2, 1, 0]


def test_it_does_not_flutter():
    """A load that only the half of it is too little for: tried again ever more rarely."""
    server = Server(["speaking"] * 4)
    for _ in range(600):
        server.pass_time(0.5, share=0.9 if server.load() > 3 else 0.3)
    assert server.relief.hold == 60
    changes = len(server.levels) - 1
    assert changes < 24  # in 5 minutes
    tail = Server(["speaking"] * 4)
    tail.relief = server.relief
    tail.now = server.now
    tail.levels = [server.relief.level]
    for _ in range(200):
        tail.pass_time(0.5, share=0.9 if tail.load() > 3 else 0.3)
    assert len(tail.levels) - 1 <= 4  # in 100 s: once up and down a minute


def test_after_a_calm_minute_it_is_quick_again():
    server = Server(["speaking"])
    for _ in range(3):
        while server.relief.level == 0:
            server.pass_time(0.5, share=0.9)
        while server.relief.level:
            server.pass_time(0.5, share=0.2)
    assert server.relief.hold > 10
    server.pass_time(70, share=0.2)
    server.pass_time(1.6, share=0.9)
    assert server.relief.level == 4
    assert server.relief.hold == 5


def test_pictures_from_before_a_step_say_nothing_about_it():
    server = Server(["speaking"])
    server.pass_time(0.6, share=3.0)
    level, now = server.relief.level, server.now
    for _ in range(100):
        server.relief.drawn(
            server.now - 2, server.now - 1, server.now + 1, whole=True, present=lambda: ["speaking"]
        )
    assert (server.relief.level, server.now) == (level, now)


def test_mouths_alone_do_not_make_it_look_quick():
    relief, now = Relief(patches=True), 100.0
    for n in range(200):
        now += 0.02
        share = (0.1, 0.9)[n % 2]
        asked = now - share * PERIOD
        relief.drawn(asked, asked + 0.05, now, whole=n % 2 == 1, present=lambda: ["speaking"])
    assert relief.level > 0


def test_few_pictures_are_judged_too():
    server = Server(["speaking"])
    server.pass_time(10, share=5.0, times=1)
    assert server.relief.level >= 5


def test_at_half_rate_a_picture_may_take_twice_as_long():
    for lead, gives_way in ((0.05, True), (0.09, False)):
        relief, now = Relief(patches=True), 100.0
        for _ in range(30):
            now += 0.08
            relief.drawn(
                now - 0.045, now - 0.045 + lead, now, whole=True, present=lambda: ["speaking"]
            )
        assert (relief.level > 0) == gives_way
