"""The audit log as processes write to it."""

import json
import threading

import pytest

from visavis.server.system import chain
from visavis.server.system.audit import AuditLog, auditing, folder_of
from visavis.server.system.config import Config


def rows(home):
    return [
        json.loads(line)
        for file in chain.files(folder_of(home))
        for line in file.path.read_bytes().splitlines()
    ]


def test_each_line_holds_the_hash_of_the_one_before(tmp_path):
    with auditing(Config(home=str(tmp_path)), "test") as log:
        log.record("session-opened", avatar="mira", door="page")
        log.record("session-closed", avatar="mira", seconds=3.5)
    lines = chain.files(folder_of(tmp_path))[0].path.read_bytes().splitlines()
    first, second = map(json.loads, lines)
    assert (first["what"], first["avatar"], first["n"]) == ("session-opened", "mira", 1)
    assert first["prev"] == chain.NOTHING
    assert second["prev"] == chain.digest_of(lines[0])
    assert chain.read_head(folder_of(tmp_path)).digest == chain.digest_of(lines[1])


def test_a_field_that_nobody_has_named_is_refused(tmp_path):
    with (
        auditing(Config(home=str(tmp_path)), "test") as log,
        pytest.raises(ValueError, match="words"),
    ):
        log.record("staff-said", words="hello")


def test_several_writers_make_one_chain(tmp_path):
    logs = [AuditLog(tmp_path, f"worker {n}") for n in range(4)]

    def write(log):
        for at in range(20):
            log.record("session-opened", count=at)
        log.close()

    threads = [threading.Thread(target=write, args=(log,)) for log in logs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = rows(tmp_path)
    assert [row["n"] for row in found] == list(range(1, 81))
    assert {row["what"] for row in found} == {"session-opened"}
    for by in {row["by"] for row in found}:
        assert [row["count"] for row in found if row["by"] == by] == list(range(20))


def test_an_installation_may_have_none(tmp_path):
    with auditing(Config(home=str(tmp_path), audit="off"), "test") as log:
        log.record("session-opened", avatar="mira")
    assert not any(tmp_path.iterdir())
