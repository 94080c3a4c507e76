from visavis.server.system.allowance import Allowance


def test_what_was_not_used_may_be_used_at_once_up_to_the_burst():
    now = 0.0
    allowance = Allowance(rate=10, burst=5, now=lambda: now)
    assert allowance.take(5)
    assert not allowance.take(1)
    now = 0.1
    assert allowance.take(1)
    assert not allowance.take(0.5)
    now = 100.0
    assert not allowance.take(6)  # refused whole, and nothing is used
    assert allowance.take(5)


def test_over_a_long_time_it_is_the_rate():
    now, taken = 0.0, 0
    allowance = Allowance(rate=12, burst=10, now=lambda: now)
    for _ in range(10_000):
        now += 0.001
        taken += allowance.take(1)
    assert 129 <= taken <= 130  # 10 s at 12, and the burst
