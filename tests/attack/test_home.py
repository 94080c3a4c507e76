"""A directory for state that cannot be written, or read, or is none: all but its purpose works.

Root may write anywhere, so that most of these are no question of permissions: a file in the
directory's place, and a process that may not make files grow, which is what a full disk does.
"""

import asyncio
import errno
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from support.embedders import WordVectors
from support.services import FakeServices
from support.serving import Viewer, problem, serving, watching
from support.uploads import form, until

from visavis.engines import fake, load
from visavis.engines.base import EngineError
from visavis.engines.language.embeddings import cached
from visavis.models import compiling
from visavis.models.manifest import ManifestError
from visavis.server.avatars.store import AvatarStore
from visavis.server.cli import main
from visavis.server.services.defaults import Defaults
from visavis.server.services.engines import Services
from visavis.server.system import home
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError
from visavis.server.system.metrics import Metrics

VISAVIS = (
    sys.executable,
    "-c",
    "import sys; from visavis.server.cli import main; sys.exit(main())",
)
NO_HOMES = ["/dev/full", "/dev/full/home", "/proc/home", "/proc/1/task/home"]
PERSONA = Path(__file__).parents[1] / "data" / "persona.webp"


def full_disk():
    """For a child: no file of its grows, and no right of root helps."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def run(*arguments, where, begin=None):
    environment = os.environ | {"VISAVIS_HOME": str(where)}
    return subprocess.run(
        [*VISAVIS, *arguments], capture_output=True, text=True, check=False, env=environment,
        preexec_fn=begin, timeout=50,
    )  # fmt: skip


# --- the real server ----------------------------------------------------------------------------


def started(where, begin=None, *more):
    """What a server says from its start to its end by SIGTERM, and whether it got ready."""
    environment = os.environ | {"VISAVIS_HOME": str(where)}
    command = [*VISAVIS, "serve", "--port", "0", "--dialogue", "echo", *more]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
        preexec_fn=begin,
    ) as server:  # fmt: skip
        stop = threading.Timer(45, server.kill)
        stop.start()
        said = ""
        for line in server.stdout:
            said += line
            if "is ready" in line:
                server.send_signal(signal.SIGTERM)
        stop.cancel()
        return server.wait(), said


@pytest.mark.parametrize(
    ("where", "begin", "more"),
    [
        ("/dev/full/home", None, ()),
        pytest.param("/proc/home", None, ("--voice", "joe"), marks=pytest.mark.slow),
        pytest.param("full", full_disk, ("--voice", "joe"), marks=pytest.mark.slow),
        pytest.param("full", full_disk, ("--dialogue", "knowledge"), marks=pytest.mark.slow),
    ],
)
def test_the_server_starts_without_a_place_to_write_and_says_so_once(tmp_path, where, begin, more):
    status, said = started(tmp_path / where, begin, *more)
    assert "is ready" in said
    assert status == 0
    warnings = re.findall(r"WARNING \S+ ([^{\n]*)", said)
    assert len(warnings) == len(set(warnings)), said
    assert {"nothing new can be kept ", "the audit log cannot be written "} <= set(warnings)
    assert "Traceback" not in said


def closed_to_root(command):
    """As a user to whom permissions apply."""
    if os.getuid() != 0:
        return command
    if shutil.which("setpriv") is None:
        pytest.skip("root without setpriv: permissions do not bind")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]


def test_a_home_without_permission_is_told_and_no_end(tmp_path):
    (tmp_path / "home").mkdir(0)
    command = closed_to_root([*VISAVIS, "avatar", "list"])
    environment = os.environ | {"VISAVIS_HOME": str(tmp_path / "home")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, "mira" in done.stdout) == (0, True)
    assert "Permission denied" in done.stderr
    program = f"""
from pathlib import Path
from visavis.models import manifest
print(manifest.locate("minilm", Path({str(tmp_path)!r}) / "home" / "models"))
"""
    command = closed_to_root([sys.executable, "-c", program])
    assert subprocess.run(command, capture_output=True, check=True).stdout
    (tmp_path / "home").chmod(0o700)  # so that it can be tidied away


@pytest.mark.parametrize(
    ("where", "begin"),
    [pytest.param("/dev/full", None, marks=pytest.mark.slow), ("full", full_disk)],
)
def test_doctor_names_the_place_and_the_reason(tmp_path, where, begin):
    done = run("doctor", "--json", where=tmp_path / where, begin=begin)
    said = json.loads(done.stdout)
    assert (done.returncode, said["problems"]) == (0, [])
    (note,) = [note for note in said["notes"] if "cannot be written to" in note]
    assert re.search(r"Not a directory|File too large", note)
    assert "starts take longer" in note


# --- each cache ---------------------------------------------------------------------------------


@pytest.fixture(params=[*NO_HOMES, "full"])
def nowhere(request, monkeypatch, tmp_path):
    """A directory that cannot be made, or a disk that is full."""
    if request.param != "full":
        return Path(request.param)

    def no_space(*_args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_space)
    return tmp_path


def test_embeddings_are_made_without_a_cache(nowhere):
    texts = ["one", "two"]
    assert np.array_equal(cached(texts, WordVectors(), nowhere), WordVectors().embed(texts))


@pytest.mark.parametrize("claimed", [(10**9, 10**6), (2, 10**15)])
def test_a_cache_that_claims_more_than_there_is_memory_is_made_anew(tmp_path, claimed):
    cached(["one"], WordVectors(), tmp_path)
    (path,) = tmp_path.iterdir()
    with zipfile.ZipFile(path, "w") as archive:
        head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {claimed}, }}".ljust(117)
        body = b"\x93NUMPY\1\0" + (118).to_bytes(2, "little") + head.encode() + b"\n"
        archive.writestr("keys.npy", body)
        archive.writestr("vectors.npy", body)
    assert cached(["one"], WordVectors(), tmp_path).shape == (1, 64)


@pytest.mark.parametrize("nowhere", ["/dev/full", "full"], indirect=True)
def test_a_voice_is_cut_without_a_cache(nowhere):
    from visavis.engines.voices.piper import PiperTts

    assert sum(piece.pcm.size for piece in PiperTts(nowhere / "cache").synthesize("Hello.")) > 5000


@pytest.mark.slow
def test_a_damaged_cache_of_a_voice_is_made_anew(warm_home, tmp_path):
    from visavis.engines.voices.piper import PiperTts

    PiperTts(warm_home / "cache")
    for path in (warm_home / "cache").glob("*.onnx"):
        (tmp_path / path.name).write_bytes(path.read_bytes()[:1000])
    PiperTts(tmp_path)
    assert min(path.stat().st_size for path in tmp_path.iterdir()) > 100_000


KERNEL = """
import sys
from visavis.models.compiling import compiled
@compiled
def twice(x):
    return x + x
print(twice(21), twice._cache.cache_path, sum(twice.stats.cache_hits.values()))
"""


def kernel(folder, begin=None, wrap=list, **variables):
    """What a program with a kernel in this folder prints: the sum, the cache's place, its hits."""
    program = folder / "kernel.py"
    if not program.exists():
        program.write_text(KERNEL)
    done = subprocess.run(
        wrap([sys.executable, str(program)]), capture_output=True, text=True, check=False,
        preexec_fn=begin, env=os.environ | variables,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_kernel_runs_where_nothing_can_be_kept(tmp_path):
    nowhere = {"HOME": "/dev/full", "XDG_CACHE_HOME": "/dev/full"}
    (tmp_path / "__pycache__").write_text("a file, no folder")
    assert kernel(tmp_path, **nowhere)[0] == "42"
    (tmp_path / "__pycache__").unlink()
    assert kernel(tmp_path, full_disk, **nowhere)[0] == "42"


def test_a_kernel_that_somebody_else_kept_is_read(tmp_path):
    nowhere = {"HOME": "/dev/full", "XDG_CACHE_HOME": "/dev/full"}
    assert kernel(tmp_path)[2] == "0"
    (tmp_path / "__pycache__").chmod(0o555)
    said = kernel(tmp_path, wrap=closed_to_root, **nowhere)
    (tmp_path / "__pycache__").chmod(0o755)
    assert said == ["42", str(tmp_path / "__pycache__"), "1"]


@pytest.mark.slow
def test_a_damaged_kernel_is_compiled_anew(tmp_path):
    kernel(tmp_path)
    for path in (tmp_path / "__pycache__").glob("*.nb?"):
        path.write_bytes(path.read_bytes()[:30])
    assert kernel(tmp_path)[0] == "42"


@pytest.mark.slow
def test_what_is_compiled_is_still_kept(tmp_path):
    assert [kernel(tmp_path)[2], kernel(tmp_path)[2]] == ["0", "1"]


def test_the_hook_into_the_compiler_is_still_there():
    """numba sets `_cache` itself where a function is compiled with cache=True."""
    from numba import njit

    made = njit(cache=True)(lambda x: x)
    assert type(made._cache) is compiling.caching.FunctionCache
    assert compiling.caching.FunctionCache._impl_class is compiling.caching.CompileResultCacheImpl


# --- where a write is the purpose ---------------------------------------------------------------


@pytest.mark.parametrize("where", NO_HOMES)
def test_an_avatar_that_could_not_be_kept_is_not_begun(where, monkeypatch, capsys):
    monkeypatch.setenv("VISAVIS_HOME", where)
    photo = ["avatar", "create", str(PERSONA), "--name", "anna", "--consent", "Anna agrees"]
    assert main(photo) == 1
    said = capsys.readouterr().err
    assert "cannot be written to" in said
    assert where.split("/")[1] in said


async def test_an_avatar_from_the_page_names_the_place_and_the_reason():
    async with serving(home="/dev/full/home") as client:
        job = (await client.post("/v1/avatars", data=form(b"x"))).headers["Location"]
        status, said = await until(client, job, "done")
        assert (status, said["type"]) == (422, "urn:visavis:avatar-unwritable")
        assert "/dev/full/home/avatars cannot be written to: Not a directory" in said["detail"]
        assert (await client.get("/v1/avatars")).status == 200


async def test_a_recording_names_the_place_and_the_reason():
    async with serving(home="/dev/full/home") as client, watching(client) as viewer:
        address = f"{viewer.location}/recording"
        assert (await client.post(address)).status == 201
        said = await (await client.delete(address)).json()
        assert said["state"] == "failed"
        assert "/dev/full/home/recordings" in said["why"]
        assert "Not a directory" in said["why"]
        assert (await client.get(viewer.location)).status == 200


async def test_a_recording_belongs_to_its_owner_alone(tmp_path):
    async with serving(home=str(tmp_path)) as client, watching(client) as viewer:
        address = f"{viewer.location}/recording"
        await client.post(address)
        async with asyncio.timeout(10):
            while not (await (await client.get(address)).json())["seconds"]:
                await asyncio.sleep(0.02)
        said = await (await client.delete(address)).json()
    assert said["state"] == "done"
    state = await asyncio.to_thread(os.stat, said["file"])
    assert (state.st_mode & 0o777, state.st_size > 0) == (0o600, True)
    folder = await asyncio.to_thread(os.stat, tmp_path / "recordings")
    assert folder.st_mode & 0o777 == 0o700


def test_a_film_whose_end_finds_no_room_is_a_failure(tmp_path):
    program = """
import resource, sys
from pathlib import Path
sys.path.insert(0, "tests")
from visavis.engines import fake
from visavis.engines.direction.director import Director
from visavis.server.commands.rendering import render
from visavis.server.recording.files import Script
from visavis.server.recording.recorder import FINE, Recorder
from visavis.server.services.offline import offline_engines
resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
engines = offline_engines(fake.FakeGenerator().one, Director(), fake.FakeTts())
render(engines, Script("one two"), Recorder(Path(sys.argv[1]), FINE))
"""
    command = [sys.executable, "-c", program, str(tmp_path / "x.mp4")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "x.mp4 cannot be written: File too large" in done.stderr


# --- the rest -----------------------------------------------------------------------------------


def test_what_can_be_written_is_no_fault(tmp_path):
    assert home.faults(tmp_path) == []
    assert home.faults(tmp_path / "not" / "yet") == []
    assert list(tmp_path.iterdir()) == []


def test_an_own_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "recordings").write_text("a file")
    (why,) = home.faults(tmp_path)
    assert "recordings cannot be written to: Not a directory" in why


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch):
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(ConfigError, match="VISAVIS_HOME"):
        _ = Config().home_path


def test_a_store_without_a_folder_has_the_shipped_ones(caplog):
    for where in NO_HOMES:
        found = AvatarStore(Path(where)).find()
        assert "mira" in found.readable
        assert not found.broken


# --- a model that is broken ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [ManifestError("sound-visemes: sha256"), EngineError("no"), RuntimeError("x"), OSError()],
)
@pytest.mark.parametrize("what", ["lips", "echo", "vad", "motion"])
async def test_a_session_whose_engine_cannot_be_loaded_is_503_in_words(
    tmp_path, monkeypatch, fault, what
):
    def broken(*_args):
        raise fault

    class Broken(FakeServices):
        """The real way to an engine of a session's own."""

        async def lend(self, avatar, voice, source, language, *, follows, background=""):
            real = Services(tmp_path, DEFAULTS, AvatarStore(tmp_path), Metrics())
            monkeypatch.setattr(real._voices, "get", self._voice)
            monkeypatch.setattr(real._ears, "get", self._ear)
            return await real.lend(avatar, voice, source, language, follows=follows)

        async def _voice(self, name):
            return fake.FakeTts()

        async def _ear(self, language, *, detect):
            return None

    monkeypatch.setattr(load, what, broken)
    source = "microphone" if what == "lips" else "dialogue"
    async with serving(Broken(), home=str(tmp_path)) as client:
        viewer = Viewer()
        offer = {"data": await viewer.offer(), "headers": {"Content-Type": "application/sdp"}}
        answer = await client.post(f"/v1/sessions?source={source}", **offer)
        await viewer.close()
        status, said = await problem(answer)
        assert (status, said["type"]) == (503, "urn:visavis:not-ready")
        assert "cannot be loaded" in said["detail"] or said["detail"] == "no"
        assert answer.headers["Retry-After"]


DEFAULTS = Defaults("mira", "heart", "echo", None, (128, 128))
