"""Every way to tamper with an audit log is found, and honest accidents are told from it."""

import json
import subprocess
import sys
from random import Random

import pytest

from visavis.server.cli import main
from visavis.server.system import audit_check, chain
from visavis.server.system.chain import Chain
from visavis.server.system.installation import Installation

LINES = 8


@pytest.fixture
def home(tmp_path):
    """One whose log has 8 lines, in two files."""
    write(tmp_path, 5, "2026-11-28")
    write(tmp_path, 3, "2026-11-29")
    return tmp_path


def write(home, count, day, first=0):
    made = log_of(home, day)
    for number in range(count):
        made.append([made.row("session-opened", count=first + number)])


def log_of(home, day="2026-11-29"):
    at = chain.datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp()
    return Chain(chain.folder_of(home), Installation.of(home), lambda: at)


def check(home, **given):
    """Without what it says of the clock, which these tests move."""
    found = audit_check.check(chain.folder_of(home), Installation.of(home).key, **given)
    found.findings = [each for each in found.findings if "the clock jumped" not in each.text]
    return found


def files(home):
    return [file.path for file in chain.files(chain.folder_of(home))]


def edit(home, change):
    """change: lines of the log -> what lies there instead."""
    lines = [line for path in files(home) for line in path.read_bytes().splitlines(keepends=True)]
    changed = change(lines)
    first, second = files(home)
    first.write_bytes(b"".join(changed[:5]))
    second.write_bytes(b"".join(changed[5:]))


def relinked(lines):
    """The same deeds with hashes that fit again, as somebody makes them who has no key."""
    rows = [{k: v for k, v in json.loads(line).items() if k not in {"n", "prev"}} for line in lines]
    return chain._linked(rows, chain.End())


def test_what_nobody_touched_is_whole(home):
    found = check(home)
    assert (found.lines, found.end.number, found.findings) == (LINES, LINES, [])


def test_a_changed_byte_is_found_wherever_it_is(home):
    whole = [path.read_bytes() for path in files(home)]
    for path, content in zip(files(home), whole, strict=True):
        for at in range(0, len(content), 7):  # all of them take 5 s
            path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
            assert check(home).faults, f"byte {at} of {path.name}: {content[at : at + 20]}"
        path.write_bytes(content)
    assert not check(home).faults


def test_a_changed_line_is_named(home):
    edit(home, lambda lines: [*lines[:2], lines[2].replace(b'"count":2', b'"count":3'), *lines[3:]])
    (fault,) = check(home).faults
    assert (fault.line, fault.place) == (4, "0000000001.2026-11-28.jsonl:4")
    assert "line 3 before it is not the one that was there" in fault.text


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [*lines[:3], *lines[4:]],
        lambda lines: lines[1:],
        lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]],
        lambda lines: [*lines[:4], lines[3], *lines[4:]],
        lambda lines: [*lines[:5], *lines[6:]],
        lambda lines: [*lines[:6], b"{}\n", *lines[6:]],
        lambda lines: [*lines[:6], b"\n", *lines[6:]],
        lambda lines: lines[:-1],
        lambda lines: [*lines[:-1], lines[-1][:30]],
        lambda lines: lines[:2],
        lambda lines: [],
        lambda lines: relinked([*lines[:3], *lines[4:]])[0],
        lambda lines: relinked([lines[0].replace(b"opened", b"closed"), *lines[1:]])[0],
    ],
    ids=[
        "left out", "first left out", "swapped", "twice", "first of a file left out", "put in",
        "empty line", "end cut", "end cut within a line", "most cut", "emptied",
        "left out and hashed anew", "changed and hashed anew",
    ],
)  # fmt: skip
def test_what_is_tampered_with_is_found(home, change):
    edit(home, change)
    assert check(home).faults


def test_lines_that_are_cut_off_are_counted(home):
    edit(home, lambda lines: lines[:-2])
    (fault,) = check(home).faults
    assert (fault.line, fault.text) == (7, "lines 7 to 8 are missing: the end was cut off")


def test_a_file_that_is_gone_is_found(home):
    for path in files(home):
        content = path.read_bytes()
        path.unlink()
        assert check(home).faults
        path.write_bytes(content)


def test_a_fresh_chain_in_its_place_is_found(home, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    write(other, LINES, "2026-11-29")
    for path in (*files(home), chain.folder_of(home) / chain.HEAD):
        path.unlink()
    for path in chain.folder_of(other).iterdir():
        path.rename(chain.folder_of(home) / path.name)
    assert [fault.text for fault in check(home).faults] == [
        "it is not signed by this installation's key"
    ]


def test_a_head_without_a_signature_or_none_at_all_is_found(home):
    head = chain.folder_of(home) / chain.HEAD
    row = json.loads(head.read_text())
    head.write_text(json.dumps({**row, "key": "", "signature": ""}))
    assert [f.kind for f in check(home).findings] == ["fault"]
    head.write_text("no JSON")
    assert check(home).faults
    head.unlink()
    assert check(home).faults


def test_an_old_state_put_back_is_found_by_an_end_that_was_kept_elsewhere(home):
    folder = chain.folder_of(home)
    before = {path: path.read_bytes() for path in (*files(home), folder / chain.HEAD)}
    write(home, 2, "2026-11-29", first=LINES)
    kept = chain.read_head(folder)
    for path, content in before.items():
        path.write_bytes(content)
    assert not check(home).faults  # nothing here can tell
    assert check(home, expected=chain.End(kept.number, kept.digest)).faults


def test_lines_that_somebody_appended_are_doubted_and_stay_so(home):
    folder = chain.folder_of(home)
    path, end = files(home)[-1], chain.read_head(folder)
    made, _ = chain._linked([log_of(home).row("avatar-deleted")], chain.End(8, end.digest))
    path.write_bytes(path.read_bytes() + made[0])
    assert [f.kind for f in check(home).findings] == ["doubt"]
    write(home, 1, "2026-11-29")
    found = check(home)
    assert [(f.kind, f.line) for f in found.findings] == [("doubt", 10)]
    assert found.findings[0].text == "lines 9 to 9 were not signed when they were found"


def test_what_the_next_writer_finds_cut_stays_a_fault(home):
    edit(home, lambda lines: lines[:-2])
    write(home, 1, "2026-11-29")
    faults = check(home).faults
    assert faults[0].text == "lines 7 to 8 were missing when it was written"
    assert check(home).end.number == 10  # no number is given twice


def test_half_a_line_of_a_crash_is_told_and_nothing_of_it_is_lost(home):
    path = files(home)[-1]
    path.write_bytes(path.read_bytes() + b'{"n":9,"at":"2026-11-2')
    assert [f.kind for f in check(home).findings] == ["note", "doubt"]
    write(home, 1, "2026-11-29")
    found = check(home)
    assert not found.faults
    assert [f.text for f in found.of("note")] == [
        "the line before was not written to its end (a crash, or a full disk)"
    ]
    assert b'{"n":9,"at":"2026-11-2\n' in path.read_bytes()


def test_a_line_that_only_lacks_its_end_counts(home):
    path = files(home)[-1]
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    write(home, 1, "2026-11-29")
    found = check(home)
    assert (found.findings, found.end.number) == ([], 9)


def test_a_log_that_a_running_server_loses_goes_on_with_its_numbers(tmp_path):
    made = log_of(tmp_path)
    for _ in range(3):
        made.append([made.row("session-opened")])
    for path in list(chain.folder_of(tmp_path).iterdir()):
        path.unlink()
    made.append([made.row("session-opened")])
    texts = [fault.text for fault in check(tmp_path).faults]
    assert "lines 1 to 3 were missing when it was written" in texts


def test_whatever_lies_there_a_writer_goes_on_and_a_check_ends(tmp_path, monkeypatch):
    random, made = Random(16), log_of(tmp_path)
    folder = chain.folder_of(tmp_path)
    bad = (
        b"[" * 4000, b'{"n":1e999}', b'{"n":true,"at":"","what":"","prev":""}', b"\xff\xfe\x00",
        b'{"n":99999999999999999999}', b'{"n":7,"at":"x","what":"file-expired","prev":"y"}',
        b"null", b'"n"', b'{"n":-1}',
        b'{"n":5,"at":"2026-01-01","up":1e400,"boot":"b","what":"file-expired","last":[],"prev":""}',
        b'{"n":5,"at":"2026-01-01","up":9,"boot":"b","what":"lines-missing","last":"1","prev":""}',
        b"\n\n\n", b"x" * 40_000, b"",
    )  # fmt: skip
    for turn in range(60):
        made.append([made.row("session-opened", count=turn)])
        path = random.choice([*(file.path for file in chain.files(folder)), folder / chain.HEAD])
        with path.open("r+b") as file:
            end = file.seek(0, 2)
            file.seek(random.randrange(end + 1) if turn % 2 else end)
            file.write(random.choice(bad) + random.choice((b"", b"\n")))
        check(tmp_path)
    made.append([made.row("server-stopped")])
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path))
    assert main(["audit", "show", "--since", "2020-01-01"]) == 0
    *_, (_, last) = audit_check.rows(folder)
    assert audit_check.row_of(last)["what"] == "server-stopped"
    assert check(tmp_path).faults


def test_days_that_are_old_are_deleted_and_the_chain_holds(home):
    made = log_of(home, "2027-03-01")
    made.append([made.row("server-started")])
    assert made.expire("2026-11-29") == 5
    assert [path.name[11:21] for path in files(home)] == ["2026-11-29", "2027-03-01"]
    found = check(home)
    assert [(f.kind, f.text) for f in found.findings] == [
        ("note", "lines up to 5 were deleted by their age")
    ]
    assert made.expire("2027-02-28") == 3
    assert not check(home).faults
    assert made.expire("2030-01-01") == 0, "the newest file stays"
    files(home)[0].write_bytes(files(home)[0].read_bytes().split(b"\n", 1)[1])
    assert check(home).faults, "what was cut from the front is no deleted day"


def test_a_large_file_is_followed_by_another_one(tmp_path, monkeypatch):
    monkeypatch.setattr(chain, "_LARGEST", 2000)
    write(tmp_path, 30, "2026-11-29")
    assert len(files(tmp_path)) > 2
    assert check(tmp_path).findings == []


def test_a_clock_that_jumps_is_told_and_the_order_holds(tmp_path):
    for day in ("2026-11-29", "2036-01-01", "2001-01-01", "2026-11-29"):
        write(tmp_path, 1, day)
    found = audit_check.check(chain.folder_of(tmp_path), Installation.of(tmp_path).key)
    assert found.end.number == 4
    assert [f.text.split(" by ")[0] for f in found.findings] == ["the clock jumped"] * 3
    assert not found.faults


def test_processes_that_write_at_once_and_one_that_is_killed_make_one_chain(tmp_path):
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from visavis.server.system.audit import AuditLog\n"
        "log = AuditLog(Path(sys.argv[1]), sys.argv[2])\n"
        "print('ready', flush=True)\n"
        "for line in sys.stdin:\n"
        "    log.record('session-opened', count=int(line))\n"
        "log.close()\n"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-P", "-c", script, str(tmp_path), f"worker {n}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for n in range(3)
    ]  # fmt: skip
    for each in started:
        assert each.stdout.readline() == "ready\n"
    for number in range(40):
        for each in started:
            each.stdin.write(f"{number}\n")
    for each in started:
        each.stdin.flush()
    for each in started[1:]:
        each.stdin.close()
        assert each.wait(60) == 0
    started[0].kill()
    started[0].wait(60)
    for each in started:
        each.stdout.close()
    started[0].stdin.close()
    assert not check(tmp_path).faults
    rows = [json.loads(line) for _, line in audit_check.rows(chain.folder_of(tmp_path))]
    for by in ("worker 1", "worker 2"):
        assert [row["count"] for row in rows if row.get("by") == by] == list(range(40))


def test_the_command_tells_it_by_words_and_by_exit_status(home, capsys, monkeypatch):
    monkeypatch.setenv("VISAVIS_HOME", str(home))
    assert main(["audit", "verify"]) == 0
    assert capsys.readouterr().out.endswith("the last one is 8: it is whole\n")
    assert main(["audit", "head"]) == 0
    end = capsys.readouterr().out.strip()
    assert main(["audit", "verify", "--head", end]) == 0
    assert main(["audit", "show", "--json", "--what", "session-opened"]) == 0
    shown = [line for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert [json.loads(line)["count"] for line in shown] == [0, 1, 2, 3, 4, 0, 1, 2]
    out = home / "export.jsonl"
    assert main(["audit", "export", str(out)]) == 0
    key = Installation.of(home).key
    assert main(["audit", "verify", "--file", str(out), "--key", key]) == 0
    out.write_bytes(out.read_bytes().replace(b'"count":1', b'"count":7', 1))
    assert main(["audit", "verify", "--file", str(out)]) == 1
    edit(home, lambda lines: lines[:-1])
    capsys.readouterr()
    assert main(["audit", "verify"]) == 1
    assert "lines 8 to 8 are missing" in capsys.readouterr().out
    assert main(["audit", "show", "--what", "nonsense"]) == 2
    assert main(["audit", "verify", "--head", "nonsense"]) == 2
