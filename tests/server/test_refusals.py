"""How the audit log tells of refused tokens: seldom, and of all of them."""

from visavis.server.http.refusals import Refusals


class Noted:
    def __init__(self):
        self.lines = []

    def record(self, what, **fields):
        self.lines.append((what, fields["why"], fields["count"]))


def test_a_burst_is_told_to_its_end_though_no_other_one_comes():
    noted, waiting = Noted(), []
    refusals = Refusals(noted, lambda seconds, tell: waiting.append((seconds, tell)))
    for _ in range(1000):
        refusals.put("token-forged")
    refusals.put("wrong-role")
    first = [("token-refused", "token-forged", 1), ("token-refused", "wrong-role", 1)]
    assert noted.lines == first
    assert [seconds for seconds, _ in waiting] == [60, 60]
    waiting.pop(0)[1]()
    assert noted.lines == [*first, ("token-refused", "token-forged", 999)]
    while waiting:  # nothing more to tell: no line, and no more waiting
        waiting.pop()[1]()
    assert len(noted.lines) == 3
    refusals.put("wrong-role")
    assert noted.lines[-1] == ("token-refused", "wrong-role", 1)
