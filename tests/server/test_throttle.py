"""How often a caller may be wrong, and who a caller is."""

import pytest

from visavis.server.http.callers import is_here, network
from visavis.server.http.throttle import _KNOWN, Throttle


def test_a_caller_waits_until_its_window_is_over():
    now = 0.0
    throttle = Throttle(most=2, window=60, now=lambda: now)
    assert [throttle.again("a") for _ in range(3)] == [0, 0, 60]
    assert throttle.again("b") == 0
    now = 59.5
    assert throttle.again("a") == 1
    now = 60
    assert throttle.again("a") == 0


def test_callers_are_not_remembered_without_end():
    throttle = Throttle(most=1)
    for number in range(_KNOWN + 100):
        throttle.again(str(number))
    assert len(throttle._known) == _KNOWN


@pytest.mark.parametrize(
    ("address", "who", "here"),
    [
        ("192.0.2.1", "192.0.2.1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", False),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", False),
        ("fe80::1%eth0", "fe80::/64", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("::1", "::1", True),
        ("::ffff:127.0.0.1", "127.0.0.1", True),
        ("", "", True),
    ],
)
def test_a_caller_is_what_one_subscriber_has(address, who, here):
    assert network(address) == who
    assert is_here(who) is here
