"""What one visitor may have of a server."""

import pytest

from visavis.server.http.passes import Pass
from visavis.server.http.places import Places
from visavis.server.http.visits import Quotas, Visits
from visavis.server.system.errors import Forbidden, NotFound, TooMany


class Holder:
    def __init__(self):
        self.state, self.since, self.begun = "live", 0.0, True


class Hall:
    """Visits over real places, in a time set by hand."""

    def __init__(self, longest=7200.0, **quotas):
        self.now, self.clock, self.count = 1000.0, 5000.0, 0
        self.places = Places(50, 0, lambda: self.now)
        self.visits = Visits(
            self.places, Quotas(**quotas), longest, self.places.free, lambda: self.now,
            lambda: self.clock,
        )  # fmt: skip

    def begin(self, subject="anna", name="", resumed="", **bounds):
        """A session that is open; the s that it was given."""
        it = Pass(subject, self.clock + 600, **bounds)
        with self.visits.opening(it, resumed) as visit:
            self.count += 1
            name = name or resumed or f"s{self.count}"
            self.places.take(name, "")
            self.places.hold(name, Holder())
            visit.name = name
        return visit.length

    def end(self, name, after=0.0):
        self.now += after
        self.places.free(name)

    def state(self, name, state):
        self.places._taken[name].holder.state = state


def refusal(code):
    return pytest.raises(TooMany, check=lambda error: error.code == code)


def test_so_many_at_a_time_and_no_more():
    hall = Hall(sessions=2)
    hall.begin()
    hall.begin()
    hall.begin("ben")
    with refusal("quota-sessions"):
        hall.begin()
    hall.end("s1")
    hall.begin()


def test_a_token_may_say_how_many():
    hall = Hall(sessions=2)
    hall.begin(sessions=1)
    with refusal("quota-sessions"):
        hall.begin(sessions=1)
    for _ in range(3):
        hall.begin("ben", sessions=3)
    with refusal("quota-sessions"):
        hall.begin("ben", sessions=3)


def test_a_session_that_is_being_opened_counts():
    hall = Hall(sessions=1)
    with hall.visits.opening(Pass("anna", 9e9)), refusal("quota-sessions"):
        hall.begin()
    hall.begin()  # the other one never was


def test_a_page_that_was_loaded_anew_takes_the_place_of_the_one_before():
    hall = Hall(sessions=1)
    hall.begin()
    hall.state("s1", "resting")
    hall.begin()
    assert not hall.places.has("s1")
    assert hall.places.has("s2")


def test_so_many_an_hour_and_then_when_to_come_back():
    hall = Hall(hourly=2)
    for _ in range(2):
        hall.begin()
        hall.end(f"s{hall.count}", 600)
    with refusal("quota-hour") as raised:
        hall.begin()
    assert raised.value.retry_after == 2400
    hall.begin("ben")
    hall.now += 2401
    hall.begin()


def test_so_many_minutes_a_day_whatever_the_token_says():
    hall = Hall(minutes=10)
    assert hall.begin(length=300) == 300
    hall.end("s1", 240)
    assert hall.begin() == 360  # what is left
    with refusal("quota-day"):  # all of it is given away
        hall.begin()
    hall.end("s2", 360)
    with refusal("quota-day") as raised:
        hall.begin()
    assert raised.value.retry_after == 86_400 - 360
    hall.now += 86_400
    assert hall.begin() == 600


def test_sessions_that_overlap_have_no_more_than_the_days_minutes():
    hall = Hall(minutes=10)
    assert [hall.begin(length=400), hall.begin(length=400)] == [400, 200]


def test_a_token_for_one_session_opens_one():
    hall = Hall()
    it = Pass("anna", hall.clock + 600, once="7")
    with hall.visits.opening(it), pytest.raises(Forbidden):  # the first is refused later on
        hall.begin(once="7")  # and the second comes at the same moment
    hall.begin(once="7")
    with pytest.raises(Forbidden) as raised:
        hall.begin(once="7")
    assert raised.value.code == "token-used"
    hall.begin(resumed="s1", once="7")  # its own goes on
    hall.clock += 900  # expired, and by a clock that was set back it is not
    hall.now += 900
    with pytest.raises(Forbidden):
        hall.begin(once="7")


def test_nobody_reaches_the_session_of_somebody_else():
    hall = Hall()
    hall.begin("anna")
    hall.places.take("operators", "")
    hall.visits.check_owner(Pass("anna", 9e9), "s1")
    for subject, name in (("ben", "s1"), ("anna", "operators"), ("anna", "none"), ("", "s1")):
        with pytest.raises(NotFound) as raised:
            hall.visits.check_owner(Pass(subject, 9e9), name)
        assert "There is no such session" in raised.value.detail
        with pytest.raises(NotFound):
            hall.begin(subject, resumed=name)
    hall.end("s1", 5)
    hall.visits.check_owner(Pass("anna", 9e9), "s1")  # to be told that it was lost
    hall.now += 200
    hall.begin("ben")
    with pytest.raises(NotFound):
        hall.visits.check_owner(Pass("anna", 9e9), "s1")


def test_what_goes_on_with_a_session_has_the_rest_of_its_time():
    hall = Hall(sessions=1, hourly=1)
    assert hall.begin(length=300) == 300
    hall.end("s1", 100)
    assert hall.begin(resumed="s1", length=300) == 200  # and it is none of the hour's
    hall.end("s1", 150)
    assert hall.begin(resumed="s1", length=300) == 50
    hall.end("s1", 50)
    with pytest.raises(NotFound):
        hall.begin(resumed="s1", length=300)


def test_going_on_again_and_again_is_no_way_round_the_server_s_own_length():
    hall = Hall(longest=600.0)
    assert hall.begin(once="one session") == 0  # as the server has it
    hall.end("s1", 400)
    assert hall.begin(resumed="s1") == 200
    hall.end("s1", 150)
    assert hall.begin(resumed="s1") == 50
    hall.end("s1", 50)
    with pytest.raises(NotFound):
        hall.begin(resumed="s1")


def test_so_many_files_an_hour():
    hall = Hall(uploads=2)
    anna = Pass("anna", 9e9)
    hall.visits.upload(anna)
    hall.now += 60
    hall.visits.upload(anna)
    with refusal("quota-uploads") as raised:
        hall.visits.upload(anna)
    assert raised.value.retry_after == 3540
    hall.visits.upload(Pass("ben", 9e9))
    hall.now += 3541
    hall.visits.upload(anna)


def test_what_is_over_before_it_was_told_is_over():
    hall = Hall(sessions=1)
    with hall.visits.opening(Pass("anna", 9e9)) as visit:
        visit.name = "gone"
    hall.begin()


def test_nothing_is_remembered_without_end():
    hall = Hall(sessions=1, hourly=5)
    for n in range(2000):
        hall.begin(f"visitor-{n}", once=str(n))
        hall.end(f"s{hall.count}", 10)
    hall.now += 90_000
    hall.clock += 90_000
    hall.begin("last")
    assert len(hall.visits._visits) == 1
    assert len(hall.visits._past) == 1
    assert not hall.visits._once
