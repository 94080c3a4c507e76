from visavis.server.system.bucket import Bucket


def test_what_was_not_used_may_be_used_at_once_up_to_the_burst():
    now = 0.0
    bucket = Bucket(rate=10, burst=5, now=lambda: now)
    assert bucket.take(5)
    assert not bucket.take(1)
    now = 0.1
    assert bucket.take(1)
    assert not bucket.take(0.5)
    now = 100.0
    assert not bucket.take(6)  # refused whole, and nothing is used
    assert bucket.take(5)


def test_over_a_long_time_it_is_the_rate():
    now, taken = 0.0, 0
    bucket = Bucket(rate=12, burst=10, now=lambda: now)
    for _ in range(10_000):
        now += 0.001
        taken += bucket.take(1)
    assert 129 <= taken <= 130  # 10 s at 12, and the burst
