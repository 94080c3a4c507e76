"""The process that reads strangers' photos: what it cannot do, and that it never stays behind.

What the kernel does not offer is left out here with its reason; `visavis doctor` says the same.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from functools import cache
from pathlib import Path

import pytest
from support import rig_by_hand
from support.pace import soon

from visavis.models.avatar.file import Consent, read_card
from visavis.server.avatars import baking
from visavis.server.avatars.baking import Bake, Baked, Order, Refused, Step
from visavis.server.commands import doctor
from visavis.server.system import confined, sandbox
from visavis.server.system.config import Config

PERSONA = Path(__file__).parents[1] / "data" / "persona.webp"
CONSENT = Consent("nobody", "made by a test", "a test", "2026-01-01")


@cache
def missing():
    return sandbox.examine()


def needs(what):
    if what in missing():
        pytest.skip(f"{what} cannot be shut off here: {missing()[what]}")


TRIES = """
import json, os, resource, socket, subprocess, sys, threading
from pathlib import Path
from visavis.server.system import sandbox

secret, owner = sys.argv[1], int(sys.argv[2])
readable = sandbox.installed("visavis.server")
os.chdir("/")
output = os.dup(1)
held = os.open(secret, os.O_PATH)
sandbox.confine(readable)
tries = {
    "tcp": lambda: socket.create_connection(("127.0.0.1", 9), 1),
    "udp": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "tcp6": lambda: socket.socket(socket.AF_INET6),
    "unix": lambda: socket.socket(socket.AF_UNIX),
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "run": lambda: subprocess.run(["/bin/true"], check=True),
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "fork": os.fork,
    "signal": lambda: os.kill(owner, 0),
    "limits": lambda: resource.prlimit(owner, resource.RLIMIT_NOFILE),
    "hurry": lambda: os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1)),
    "write": lambda: Path(secret).with_name("new").write_text("x"),
    "append": lambda: open(secret, "a").write("x"),
    "remove": lambda: os.unlink(secret),
    "open up": lambda: os.chmod(secret, 0o777),
    "folder": lambda: os.mkdir(Path(secret).with_name("folder")),
    "read": lambda: Path(secret).read_text(),
    "read again": lambda: open(f"/proc/self/fd/{held}").read(),
    "list": lambda: os.listdir(Path(secret).parent),
    "home": lambda: os.listdir(os.path.expanduser("~")),
    "system": lambda: Path("/etc/passwd").read_text(),
    "variables": lambda: Path(f"/proc/{owner}/environ").read_text(),
    "memory": lambda: open(f"/proc/{owner}/mem", "rb").read(1),
    "root": lambda: os.chroot("/"),
    "user": lambda: os.setuid(12345) or os.setuid(0),
}
def tried(what):
    try:
        what()
    except OSError as error:
        return type(error).__name__
    return "done"
said = {name: tried(what) for name, what in tries.items()}
thread = threading.Thread(target=lambda: said.update(thread="runs"))
thread.start(); thread.join()
import sqlite3, cv2  # what is imported late is found
said["late"] = cv2.__version__
os.write(output, json.dumps(said).encode())
"""
READING = {"read", "read again", "list", "home", "system", "variables", "memory"}


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    """What a shut-in process said of everything it tried."""
    secret = tmp_path_factory.mktemp("home") / "secret"
    secret.write_text("the token")
    command = [sys.executable, "-c", TRIES, str(secret), str(os.getpid())]
    environment = os.environ | confined.FEW_THREADS
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=environment)
    assert secret.read_text() == "the token"
    assert [path.name for path in secret.parent.iterdir()] == ["secret"]
    return json.loads(done.stdout)


def test_it_reads_no_file_and_no_process_of_others(tried):
    needs(sandbox.FILES)
    assert {name: tried[name] for name in READING if tried[name] == "done"} == {}


def test_it_has_no_network_no_program_and_nothing_to_write_to(tried):
    needs(sandbox.CALLS)
    active = tried.keys() - READING - {"thread", "late"}
    assert {name: tried[name] for name in active if tried[name] == "done"} == {}


def test_it_still_computes(tried):
    assert tried["thread"] == "runs"
    assert tried["late"]


def limited(program, *, memory=1 << 30, seconds=20):
    """The status of a process that runs this within limits."""
    begin = f"from visavis.server.system import sandbox; sandbox.limit({memory}, {seconds});"
    command = [sys.executable, "-c", f"{begin}\n{program}"]
    return subprocess.run(command, capture_output=True, timeout=30, check=False)


def test_processor_time_ends():
    began = time.monotonic()
    assert limited("while True: pass", seconds=1).returncode == -signal.SIGKILL
    assert soon(time.monotonic() - began, 20)


def test_memory_ends():
    assert b"MemoryError" in limited("bytearray(2 << 30)").stderr


def test_a_lower_limit_of_the_system_stays():
    """Of a service manager, or a container: a higher one is an error, and no avatar would be made.

    Root may raise it, so that what holds then is looked at.
    """
    lower = "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31));"
    begin = "from visavis.server.system import sandbox; sandbox.limit(2**32, 60);"
    command = [sys.executable, "-c", f"{lower}{begin}print(resource.getrlimit(resource.RLIMIT_AS))"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said == "(2147483648, 2147483648)\n"


def test_no_filter_for_a_python_of_another_width():
    """The kernel's machine is not the process's: every call of a 32-bit one would end it."""
    program = """
from visavis.server.system import seccomp
seccomp.struct.calcsize = lambda _: 4
seccomp.restrict()
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "no filter is written" in done.stderr


def test_files_do_not_grow(tmp_path):
    path = tmp_path / "log"
    program = f"file = open({str(path)!r}, 'ab', 0); sandbox.confine(()); file.write(b'x')"
    assert b"File too large" in limited(program).stderr
    assert path.stat().st_size == 0


# --- the real one -------------------------------------------------------------------------------


def order(tmp_path):
    return Order("x", tmp_path / "avatars" / "x.avatar", CONSENT, "CC0-1.0")


def played_by(tmp_path, monkeypatch, script):
    """A bake whose child is this shell script."""
    child = tmp_path / "child"
    child.write_text(f"#!/bin/sh\n{script}\n")
    child.chmod(0o755)
    monkeypatch.setattr(baking.sys, "executable", str(child))
    return Bake(order(tmp_path), PERSONA.read_bytes())


def test_a_real_bake_is_shut_in_as_far_as_this_system_goes(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(confined, "_noted", set())
    *_, end = Bake(order(tmp_path), PERSONA.read_bytes()).run()
    assert isinstance(end, Baked)
    told = [record for record in caplog.records if "less protection" in record.message]
    assert {record.unprotected for record in told} == set(missing())
    # What it made belongs to its owner alone.
    path = order(tmp_path).path
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert read_card(path).consent == CONSENT
    assert list(path.parent.iterdir()) == [path]


def test_a_child_is_told_no_secret_and_lent_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("VISAVIS_TOKEN", "hush-hush")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush")
    seen = tmp_path / "seen"
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        list(played_by(tmp_path, monkeypatch, f"env > {seen}; ls -l /proc/$$/fd >> {seen}").run())
    assert "hush-hush" not in seen.read_text()
    assert "VISAVIS" not in seen.read_text()
    assert str(tmp_path / "open") not in seen.read_text()
    assert "OPENCV_FOR_THREADS_NUM=2" in seen.read_text()  # else a thread a core, of 72 MB each


def gone(pid, within=5.0):
    """Whether a process ends, or is a corpse that nobody buried."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state in "ZX":
            return True
        time.sleep(0.02)
    return False


def written(path, within=10.0):
    until = time.monotonic() + within
    while time.monotonic() < until:
        if path.exists() and (text := path.read_text()).endswith("\n"):
            return text
        time.sleep(0.02)
    raise AssertionError(f"nothing in {path}")


def test_what_a_child_started_ends_with_it(tmp_path, monkeypatch):
    pids = tmp_path / "pids"
    bake = played_by(tmp_path, monkeypatch, f"sleep 60 & echo $! $$ > {pids}; sleep 60")
    bake._photo = b""
    events = bake.run()
    assert isinstance(next(events), Step)
    rest = threading.Thread(target=lambda: list(events))
    rest.start()
    started, child = map(int, written(pids).split())
    bake.kill()
    rest.join(5)
    assert not rest.is_alive()
    assert gone(started)
    assert gone(child)


def test_what_a_child_leaves_behind_ends_too(tmp_path, monkeypatch):
    """It holds the pipe open: without that its owner would wait for it for ever."""
    pids = tmp_path / "pids"
    bake = played_by(tmp_path, monkeypatch, f"sleep 60 & echo $! > {pids}")
    bake._photo = b""
    told = []
    reading = threading.Thread(target=lambda: told.extend(bake.run()), daemon=True)
    reading.start()
    left = int(written(pids))
    assert gone(bake._process.pid)
    bake.kill()
    reading.join(5)
    assert not reading.is_alive()
    assert gone(left)


def test_a_bake_does_not_outlive_its_server(tmp_path):
    program = f"""
import sys
from pathlib import Path
from visavis.models.avatar.file import Consent
from visavis.server.avatars.baking import Bake, Order
bake = Bake(Order("x", Path({str(tmp_path)!r}) / "x.avatar", Consent("a", "b", "c", "d"), "e"), b"")
bake._photo = Path({str(PERSONA)!r}).read_bytes()
for event in bake.run():
    print(bake._process.pid, event.share, flush=True)
"""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        pid, share = owner.stdout.readline().split()
        while float(share) < 0.1:  # it has read the photo, and works
            pid, share = owner.stdout.readline().split()
        os.kill(int(pid), signal.SIGSTOP)  # else a broken pipe would end it
        owner.kill()
        try:
            assert gone(int(pid))
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
    assert not list(tmp_path.iterdir())


LIES = {
    "no words": "echo nonsense",
    "no object": "echo '[1]'",
    "endless line": "head -c 200000 /dev/zero | tr '\\0' x",
    "endless steps": 'while echo \'{"what": "x", "share": 0.5}\'; do :; done',
    "no avatar": "echo '{\"bytes\": 3}'; printf abc",
    "too short": "echo '{\"bytes\": 1000000}'; printf abc",
    "less than nothing": "echo '{\"bytes\": -1}'; cat /dev/zero",
    "no number": 'echo \'{"bytes": "many"}\'; cat /dev/zero',
    "no share": 'echo \'{"what": 1, "share": []}\'',
    "not a number": 'echo \'{"what": "x", "share": NaN}\'',
    "endless": "echo '{\"bytes\": Infinity}'; cat /dev/zero",
    "deep": "head -c 9000 /dev/zero | tr '\\0' '['; echo",
    "a code of its own": 'echo \'{"code": "<b>"}\'',
}


@pytest.mark.parametrize("script", LIES.values(), ids=LIES.keys())
def test_nothing_that_a_child_says_is_believed(tmp_path, monkeypatch, script):
    *_, end = played_by(tmp_path, monkeypatch, script).run()
    assert isinstance(end, Refused)
    assert end.code == "bake-failed"
    assert not list((tmp_path / "avatars").iterdir())


def test_a_child_that_cannot_be_started_is_no_full_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(baking.sys, "executable", str(tmp_path / "absent"))
    *_, end = Bake(order(tmp_path), b"").run()
    assert end.code == "bake-failed"


def test_a_child_cannot_forge_a_consent(tmp_path, monkeypatch):
    made = tmp_path / "made"
    made.write_bytes(rig_by_hand.avatar("x", CONSENT).content())
    script = f"echo '{{\"bytes\": {made.stat().st_size}}}'; cat {made}"
    *_, end = played_by(tmp_path, monkeypatch, script).run()
    assert isinstance(end, Baked)  # the record that was asked for
    order(tmp_path).path.unlink()
    bake = played_by(tmp_path, monkeypatch, script)
    bake._order = Order("x", order(tmp_path).path, CONSENT, "another licence")
    *_, end = bake.run()
    assert end.code == "bake-failed"


def test_words_of_a_child_are_short(tmp_path, monkeypatch):
    script = """printf '{"code": "no-face", "message": "'; head -c 9000 /dev/zero | tr '\\0' x
    echo '"}'"""
    *_, end = played_by(tmp_path, monkeypatch, script).run()
    assert (end.code, len(end.message)) == ("no-face", 500)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({}, "a process without network, foreign files and other programs"),
        ({sandbox.FILES: "Function not implemented"}, "but it can read this user's files (Func"),
        ({sandbox.CALLS: "no filter is written for s390x"}, "but it has a network (no filter"),
    ],
)
def test_doctor_says_how_well_a_photo_is_shut_in(monkeypatch, found, words):
    monkeypatch.setattr(sandbox, "examine", lambda: found)
    assert words in doctor._who_reads_photos(Config())
    assert doctor._who_reads_photos(Config(create_avatars="off")) == "nobody"


def test_what_the_system_denies_is_told_and_the_rest_holds():
    program = """
import json
from visavis.server.system import landlock, sandbox
def absent(*paths):
    raise OSError(38, "Function not implemented")
landlock.restrict = absent
print(json.dumps(sandbox.confine(())))
try:
    open("/tmp/x", "w")
except PermissionError:
    print("no writing all the same")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    first, *rest = done.stdout.splitlines()
    assert json.loads(first)[sandbox.FILES] == "Function not implemented"
    assert rest == ["no writing all the same"] or sandbox.CALLS in missing()
