"""Voices out of piper's repository, laid out as it is, on a server of our own."""

import contextlib
import hashlib
import http.server
import json
import threading

import pytest

from visavis.models import piper_voices
from visavis.models.fetch import FetchError
from visavis.models.manifest import ManifestError
from visavis.server import cli

NAME = "de_DE-thorsten-medium"
BASE = "de/de_DE/thorsten/medium"
NETWORK = bytes(range(256)) * 4000  # 1 MB
CONFIG = b'{"espeak": {"voice": "de"}}'
CARD = b"# Model card\n\n* Language: de_DE\n* License: CC0 1.0\n* Quality: medium\n"
FILES = {f"{NAME}.onnx": NETWORK, f"{NAME}.onnx.json": CONFIG, "MODEL_CARD": CARD}


def index():
    """voices.json as the repository has it."""
    files = {
        f"{BASE}/{name}": {"size_bytes": len(data), "md5_digest": hashlib.md5(data).hexdigest()}
        for name, data in FILES.items()
    }
    language = {
        "code": "de_DE", "family": "de", "region": "DE", "name_native": "Deutsch",
        "name_english": "German", "country_english": "Germany",
    }  # fmt: skip
    return {
        NAME: {
            "key": NAME, "name": "thorsten", "language": language, "quality": "medium",
            "num_speakers": 1, "speaker_id_map": {}, "files": files, "aliases": [],
        },
        "de_DE-kerstin-low": {},
        "fr_FR-siwis-medium": {},
    }  # fmt: skip


class Repository(http.server.ThreadingHTTPServer):
    """Answers from memory, ranges too; `cut`: bytes after which the next answers break off."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {f"/{BASE}/{name}": data for name, data in FILES.items()}
        self.files["/voices.json"] = json.dumps(index()).encode()
        self.asked, self.cut, self.resumes = [], [], True

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        ranged = self.headers.get("Range")
        self.server.asked.append((self.path.split("/")[-1], ranged))
        data = self.server.files.get(self.path)
        if data is None:
            self.send_error(404)
            return
        start = int(ranged[6:-1]) if ranged and self.server.resumes else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        large = self.path.endswith(".onnx") and self.server.cut
        end = start + self.server.cut.pop(0) if large else len(data)
        with contextlib.suppress(ConnectionError):
            self.wfile.write(data[start:end])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    running = Repository()
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


def test_a_voice_is_pulled_and_found(server, tmp_path):
    seen = []
    made = piper_voices.pull(NAME, tmp_path, server.url, progress=lambda *told: seen.append(told))
    assert (made.language, made.language_name, made.speaker) == ("de-DE", "German", "thorsten")
    assert made.licence == "CC0 1.0"
    assert made.model.read_bytes() == NETWORK
    assert made.files[f"{NAME}.onnx"] == (len(NETWORK), hashlib.sha256(NETWORK).hexdigest())
    assert seen[-1][1:] == (len(CARD), len(CARD))
    assert list(piper_voices.pulled(tmp_path)) == [made]
    assert piper_voices.located(NAME, tmp_path) == made


def test_what_is_there_is_not_fetched_again(server, tmp_path):
    piper_voices.pull(NAME, tmp_path, server.url)
    server.asked.clear()
    piper_voices.pull(NAME, tmp_path, f"{server.url}/")
    assert server.asked == [("voices.json", None)]


def test_a_broken_download_goes_on_where_it_broke(server, tmp_path):
    server.cut = [300_000, 200_000]
    piper_voices.pull(NAME, tmp_path, server.url)
    ranges = [ranged for name, ranged in server.asked if name == f"{NAME}.onnx"]
    assert ranges == [None, "bytes=300000-", "bytes=500000-"]


def test_a_download_that_was_given_up_goes_on_the_next_time(server, tmp_path):
    server.cut = [100_000] * 3
    with pytest.raises(FetchError, match=r"medium\.onnx: broke off with \d+ bytes missing"):
        piper_voices.pull(NAME, tmp_path, server.url)
    assert list(piper_voices.pulled(tmp_path)) == []
    server.asked.clear()
    piper_voices.pull(NAME, tmp_path, server.url)
    assert (f"{NAME}.onnx", "bytes=300000-") in server.asked


def test_a_server_without_ranges_sends_it_again(server, tmp_path):
    server.resumes, server.cut = False, [300_000]
    made = piper_voices.pull(NAME, tmp_path, server.url)
    assert made.model.read_bytes() == NETWORK


@pytest.mark.parametrize(
    "wrong",
    [NETWORK[:-1] + b"!", NETWORK + b"more", NETWORK[:5000]],
    ids=["changed", "longer", "shorter"],
)
def test_another_file_is_refused_and_not_kept(server, tmp_path, wrong):
    server.files[f"/{BASE}/{NAME}.onnx"] = wrong
    with pytest.raises(FetchError, match=r"MD5 sum is wrong|more than|broke off"):
        piper_voices.pull(NAME, tmp_path, server.url)
    assert not (tmp_path / "piper" / NAME / f"{NAME}.onnx").exists()
    assert list(piper_voices.pulled(tmp_path)) == []


def test_a_sha256_of_the_operators_own_is_held(server, tmp_path):
    with pytest.raises(FetchError, match="sha256 is wrong"):
        piper_voices.pull(NAME, tmp_path, server.url, sha256_wanted="0" * 64)
    right = hashlib.sha256(NETWORK).hexdigest()
    assert piper_voices.pull(NAME, tmp_path, server.url, sha256_wanted=right)
    with pytest.raises(FetchError, match="64 hexadecimal digits"):
        piper_voices.pull(NAME, tmp_path, server.url, sha256_wanted="abc")


def test_a_voice_that_is_not_there_names_those_that_are(server, tmp_path):
    with pytest.raises(FetchError, match=r"of de there are de_DE-kerstin-low, de_DE-thorsten"):
        piper_voices.pull("de_DE-nobody-high", tmp_path, server.url)
    with pytest.raises(FetchError, match="of tr there is none"):
        piper_voices.pull("tr_TR-nobody-high", tmp_path, server.url)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "de_DE", "de_DE-a/b-low", "de_DE-x-huge", "", "de_DE-..-low"]
)
def test_a_name_that_is_none_is_refused_before_anything_is_asked(server, tmp_path, name):
    with pytest.raises(FetchError, match="LANGUAGE_REGION-NAME-QUALITY"):
        piper_voices.pull(name, tmp_path, server.url)
    assert server.asked == []


@pytest.mark.parametrize(
    "content",
    [b"<html>", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b" " * (8 << 20) + b"{}",
     json.dumps({NAME: {"files": 3}}).encode(), json.dumps({NAME: {"files": {}}}).encode()],
    ids=["html", "list", "empty", "bytes", "deep", "huge", "number", "no-files"],
)  # fmt: skip
def test_an_index_that_is_none_is_named(server, tmp_path, content):
    server.files["/voices.json"] = content
    with pytest.raises(FetchError, match=r"no index|no such voice|no size|more than"):
        piper_voices.pull(NAME, tmp_path, server.url)


@pytest.mark.parametrize(
    "told", [{"size_bytes": -1}, {"size_bytes": 10**12}, {"md5_digest": "../"}, {"size_bytes": "9"}]
)
def test_an_entry_that_makes_no_sense_is_refused(server, tmp_path, told):
    found = index()
    found[NAME]["files"][f"{BASE}/{NAME}.onnx"] |= told
    server.files["/voices.json"] = json.dumps(found).encode()
    with pytest.raises(FetchError, match=r"no size|no MD5"):
        piper_voices.pull(NAME, tmp_path, server.url)


def test_no_server_is_said(tmp_path):
    with pytest.raises(FetchError, match="cannot be reached"):
        piper_voices.pull(NAME, tmp_path, "http://127.0.0.1:9")


def test_a_voice_that_changed_is_not_used(server, tmp_path):
    made = piper_voices.pull(NAME, tmp_path, server.url)
    made.config.write_bytes(CONFIG[:-1] + b"]")
    with pytest.raises(ManifestError, match="not the file that was pulled; run `visavis models"):
        piper_voices.located(NAME, tmp_path)
    made.config.unlink()
    with pytest.raises(ManifestError, match="is missing"):
        piper_voices.located(NAME, tmp_path)
    with pytest.raises(ManifestError, match="not pulled"):
        piper_voices.located("de_DE-kerstin-low", tmp_path)


@pytest.mark.parametrize(
    "record", [b"", b"[]", b'{"name": "x"}', b'{"files": {"a": 3}}'], ids=range(4)
)
def test_a_damaged_record_is_passed_over(server, tmp_path, record):
    made = piper_voices.pull(NAME, tmp_path, server.url)
    (made.folder / "voice.json").write_bytes(record)
    assert list(piper_voices.pulled(tmp_path)) == []


def test_the_command_pulls_lists_and_verifies(server, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path))
    monkeypatch.setenv("VISAVIS_VOICE_MIRROR", server.url)
    assert cli.main(["models", "pull", f"piper:{NAME}"]) == 0
    said = capsys.readouterr().out
    assert "licence: CC0 1.0" in said
    assert hashlib.sha256(NETWORK).hexdigest() in said
    assert cli.main(["models", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[NAME]["language"] == "de-DE"
    assert cli.main(["voices", "--json"]) == 0
    (voice,) = [v for v in json.loads(capsys.readouterr().out) if v["name"] == NAME]
    assert voice["language"] == "de-DE"
    assert "CC0 1.0" in voice["licence"]
    assert cli.main(["models", "pull", "piper:de_DE-nobody-low"]) == 1
    assert "de_DE-kerstin-low" in capsys.readouterr().err
