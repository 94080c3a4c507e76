"""Every kept input once more: each of them broke something, or shows the way to what may break."""

import time

import pytest
from support.pace import within

from fuzz.target import GROUNDS, SLOWEST, load


@pytest.mark.parametrize("name", GROUNDS)
def test_the_kept_inputs_break_nothing(name: str) -> None:
    target = load(name)
    seeds = list(target.seeds())
    assert seeds
    try:
        target.check(seeds[0].read_bytes())  # the first one also pays for what is made once
        for seed in seeds:
            data = seed.read_bytes()
            assert len(data) <= target.most, seed.name
            began = time.process_time()
            target.check(data)
            assert within(time.process_time() - began, SLOWEST), seed.name
    finally:
        target.close()
