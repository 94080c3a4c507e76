"""The audit log as processes write to it."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from visavis.server.system import audit_check, chain
from visavis.server.system.audit import DEEDS, FIELDS, AuditLog, auditing
from visavis.server.system.config import Config
from visavis.server.system.installation import Installation
from visavis.server.system.metrics import Metrics


def rows(home):
    return [
        json.loads(line)
        for file in chain.files(chain.folder_of(home))
        for line in file.path.read_bytes().splitlines()
    ]


def test_each_line_holds_the_hash_of_the_one_before(tmp_path):
    with auditing(Config(home=str(tmp_path)), "test") as log:
        log.record("session-opened", avatar="mira", door="page")
        log.record("session-closed", avatar="mira", seconds=3.5)
    lines = chain.files(chain.folder_of(tmp_path))[0].path.read_bytes().splitlines()
    first, second = map(json.loads, lines)
    assert (first["what"], first["avatar"], first["n"]) == ("session-opened", "mira", 1)
    assert first["prev"] == chain.NOTHING
    assert second["prev"] == chain.digest_of(lines[0])
    assert chain.read_head(chain.folder_of(tmp_path)).digest == chain.digest_of(lines[1])


def test_a_field_that_nobody_has_named_is_refused(tmp_path):
    with (
        auditing(Config(home=str(tmp_path)), "test") as log,
        pytest.raises(ValueError, match="words"),
    ):
        log.record("staff-said", words="hello")


def test_the_page_names_every_deed_and_every_field():
    page = (Path(__file__).parents[2] / "docs" / "trust.md").read_text("utf-8")
    for name in (*DEEDS, *FIELDS.keys() - {"since", "first", "last"}):
        assert f"`{name}`" in page


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


def test_a_full_disk_keeps_nobody_waiting_and_the_log_says_what_it_missed(tmp_path):
    script = """
import resource, sys, time
from pathlib import Path
from visavis.server.system import audit
from visavis.server.system.metrics import Metrics

audit._AGAIN = 0.05
metrics = Metrics()
log = audit.AuditLog(Path(sys.argv[1]), "server", metrics)
log.record("server-started")
wait = lambda met: next(None for _ in iter(lambda: time.sleep(0.01), 1) if met())
value = lambda name: metrics.registry.get_sample_value(name)
folder = Path(sys.argv[1]) / "audit"
wait(lambda: (folder / "head.json").exists())
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # no file may grow beyond
longest = 0.0
for number in range(1100):
    begun = time.perf_counter()
    log.record("session-opened", count=number)
    longest = max(longest, time.perf_counter() - begun)
wait(lambda: value("visavis_audit_waiting") == 1000)
assert value("visavis_audit_missed_total") == 100
assert longest < 1.0
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
wait(lambda: value("visavis_audit_waiting") == 0)
log.close()
"""
    subprocess.run([sys.executable, "-P", "-c", script, str(tmp_path)], check=True, timeout=120)
    found = audit_check.check(chain.folder_of(tmp_path), Installation.of(tmp_path).key)
    (note,) = found.findings
    assert note.text.startswith("100 lines were missed from 20")
    assert [row.get("count") for row in rows(tmp_path)] == [None, *range(1000), 100]


def test_a_home_that_cannot_be_written_to_is_told_and_does_no_harm(tmp_path, caplog):
    (tmp_path / "audit").write_text("in the way")
    metrics = Metrics()
    log = AuditLog(tmp_path, "server", metrics)
    log.record("server-started")
    log.close()
    assert "the audit log cannot be written" in caplog.text
    assert "lines of the audit log are lost" in caplog.text
    assert metrics.registry.get_sample_value("visavis_audit_waiting") == 1
