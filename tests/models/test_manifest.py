"""The manifest of model files, and downloading them from a second source."""

import contextlib
import hashlib
import http.server
import threading
from collections import namedtuple

import pytest

from visavis.models import fetch, manifest
from visavis.models.fetch import FetchError
from visavis.models.manifest import ManifestError

WEIGHTS = bytes(range(256)) * 4096  # 1 MiB
CONFIG = b'{"layers": 2}'


def text(url="", **changes):
    """A manifest of one model with two files; `changes` replace lines by their key."""
    lines = {
        "role": '"stt"',
        "licence": '"MIT"',
        "source": '"made here"',
        "package": '"no-such-package-here"',
        "version": '"1.0"',
    } | changes
    found = "[tiny]\n" + "".join(f"{k} = {v}\n" for k, v in lines.items() if v)
    for name, data in (("weights.bin", WEIGHTS), ("config.json", CONFIG)):
        found += f'\n[[tiny.files]]\npath = "pkg/model/{name}"\nbytes = {len(data)}\n'
        found += f'sha256 = "{hashlib.sha256(data).hexdigest()}"\n'
        found += f'url = "{url}/{name}"\n' if url else ""
    return found


@pytest.fixture
def make(tmp_path):
    """Text -> Manifest."""

    def made(content, pulled=None):
        path = tmp_path / f"{hashlib.sha256(content.encode()).hexdigest()[:8]}.toml"
        path.write_text(content, encoding="utf-8")
        return manifest.load(path, pulled)

    return made


@pytest.fixture
def pulled(tmp_path):
    """A folder with the right files of the model `tiny`."""
    folder = tmp_path / "pulled" / "tiny"
    folder.mkdir(parents=True)
    (folder / "weights.bin").write_bytes(WEIGHTS)
    (folder / "config.json").write_bytes(CONFIG)
    return folder


class Server(http.server.ThreadingHTTPServer):
    """Serves two files from memory and remembers what was asked; breaks them as it is told."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {"/weights.bin": WEIGHTS, "/config.json": CONFIG}
        self.asked = []
        self.resumes = True
        self.cut = []  # bytes after which the next answers break off

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked_range = self.headers.get("Range")
        self.server.asked.append((self.path, asked_range))
        data = self.server.files.get(self.path)
        if data is None:
            self.send_error(404)
            return
        first, _, last = (asked_range or "bytes=0-")[6:].partition("-")
        start = int(first) if self.server.resumes else 0
        if last and self.server.resumes:
            data = data[: int(last) + 1]
        self.send_response(206 if asked_range and self.server.resumes else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        end = len(data)
        if self.server.cut and self.path == "/weights.bin":
            end = start + self.server.cut.pop(0)
        with contextlib.suppress(ConnectionError):
            self.wfile.write(data[start:end])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    running = Server()
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


# --- the manifest ------------------------------------------------------------------------------


def test_every_model_of_the_product_is_there_and_right():
    findings = list(manifest.load().check())
    assert {f.model.name: f.error for f in findings if f.error} == {}
    assert {"whisper-tiny-en", "hibari-heart", "piper-joe", "minilm"} <= set(manifest.load().models)
    for found in findings:
        assert found.model.licence
        assert found.model.source
        if found.path is None:  # not installed
            assert found.model.extra
        else:
            assert found.path.exists()


def test_main_is_a_file_and_its_neighbours_lie_beside_it():
    model = manifest.locate("whisper-tiny-en")
    assert model.name == "model.bin"
    assert (model.parent / "vocabulary.txt").is_file()


def test_no_package_registry_is_named():
    content = manifest.PATH.read_text(encoding="utf-8")
    assert "pypi" not in content.lower()
    assert "npmjs" not in content.lower()


def test_without_main_the_folder_is_located(make, pulled):
    assert make(text(), pulled.parent).locate("tiny") == pulled


def test_with_main_the_file_is_located(make, pulled):
    found = make(text(main='"pkg/model/config.json"'), pulled.parent).locate("tiny")
    assert found == pulled / "config.json"


def test_a_package_that_is_not_installed_is_named(make):
    with pytest.raises(ManifestError, match="install no-such-package-here==1.0") as caught:
        make(text()).locate("tiny")
    assert "pull" not in str(caught.value)


def test_a_second_source_is_offered(make):
    with pytest.raises(ManifestError, match="run `visavis models pull tiny`"):
        make(text("https://models.example")).locate("tiny")


def test_another_version_of_a_package_is_not_used(make):
    with pytest.raises(ManifestError, match="install pytest==0.0.1"):
        make(text(package='"pytest"', version='"0.0.1"')).locate("tiny")


def test_a_missing_file_is_named(make, pulled):
    (pulled / "config.json").unlink()
    with pytest.raises(ManifestError, match=r"config\.json is missing; install"):
        make(text(), pulled.parent).locate("tiny")


def test_a_file_of_another_size_is_refused_each_time(make, pulled):
    found = make(text(), pulled.parent)
    found.locate("tiny")
    (pulled / "config.json").write_bytes(CONFIG + b" ")
    with pytest.raises(ManifestError, match="14 bytes instead of 13"):
        found.locate("tiny")


def test_a_changed_file_of_the_same_size_is_refused(make, pulled):
    (pulled / "weights.bin").write_bytes(WEIGHTS[:-1] + b"!")
    with pytest.raises(ManifestError, match="sha256"):
        make(text(), pulled.parent).locate("tiny")


def test_the_sha256_is_computed_once_and_by_verify_again(make, pulled, monkeypatch):
    read = []
    right = manifest.sha256
    monkeypatch.setattr(manifest, "sha256", lambda path: read.append(path.name) or right(path))
    found = make(text(), pulled.parent)
    found.locate("tiny")
    found.locate("tiny")
    assert read == ["weights.bin", "config.json"]
    found.verify("tiny")
    assert len(read) == 4


def test_check_reports_what_is_wrong_and_goes_on(make):
    other = text().replace("tiny", "other")
    findings = list(make(text() + "\n" + other).check())
    assert [f.model.name for f in findings] == ["tiny", "other"]
    assert all("no-such-package-here" in f.error and f.path is None for f in findings)


def test_an_unknown_name_lists_the_known_ones(make):
    with pytest.raises(ManifestError, match="there are: tiny"):
        make(text()).locate("huge")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (text(colour='"red"'), "tiny: unknown key 'colour'"),
        (text().replace("bytes =", "colour = 1\nbytes =", 1), "tiny: unknown key 'colour'"),
        (text(licence=""), "licence missing"),
        (text(role='"cook"'), "role 'cook' is none of"),
        (text(role="3"), "role must be of type str"),
        (text().replace("bytes = 13", 'bytes = "13"'), "bytes must be of type int"),
        (text(version=""), "either package and version, or data"),
        (text(data="true"), "either package and version, or data"),
        (text(main='"pkg/other"'), "main is not one of them"),
        (text("http://x").replace("bytes =", "offset = -1\nbytes =", 1), "a place in the file"),
        (text().replace("bytes =", "offset = 0\nbytes =", 1), "a place in the file"),
        (text().replace("pkg/model/w", "../w"), "leads out of its package"),
        (text().replace("pkg/model/w", "/etc/w"), "leads out of its package"),
        (text().replace('sha256 = "', 'sha256 = "x', 1), "not possible"),
        (text().replace("tiny", "Tiny"), "no name for a model"),
        ("tiny = 3", "expected a table"),
        ("[tiny", "cannot be read"),
    ],
)
def test_a_faulty_manifest_names_the_key(make, content, words):
    with pytest.raises(ManifestError, match=words):
        make(content)


def test_what_an_extra_needs_may_be_missing_and_is_named_where_it_is_asked_for(make):
    found = make(text(extra='"languages"'))
    (finding,) = found.check()
    assert (finding.path, finding.error) == (None, "")
    with pytest.raises(ManifestError, match=r"install visavis\[languages\]"):
        found.locate("tiny")


# --- the download ------------------------------------------------------------------------------


def halves(url):
    """One file in two parts, as two packages carry it."""
    half = len(WEIGHTS) // 2
    parts = ""
    for number, part in enumerate((WEIGHTS[:half], WEIGHTS[half:])):
        model = text(url).split("[[")[0].replace("tiny", f"half-{number}")
        parts += f'{model}\n[[half-{number}.files]]\npath = "pkg/weights.bin.part{number}"\n'
        parts += f'bytes = {half}\nsha256 = "{hashlib.sha256(part).hexdigest()}"\n'
        parts += f'url = "{url}/weights.bin"\noffset = {number * half}\n\n'
    return parts


@pytest.mark.parametrize("resumes", [True, False])
@pytest.mark.parametrize("cut", [[], [300_000]])
def test_parts_of_a_file_are_pulled_alone(make, server, tmp_path, resumes, cut):
    found, server.resumes = make(halves(server.url), tmp_path / "models"), resumes
    whole = b""
    for name in ("half-0", "half-1"):
        server.cut = list(cut)
        fetch.pull(name, tmp_path / "models", manifest=found)
        whole += next(found.locate(name).iterdir()).read_bytes()
    assert whole == WEIGHTS
    if resumes and not cut:
        half = len(WEIGHTS) // 2
        assert [asked for _, asked in server.asked] == [
            f"bytes=0-{half - 1}",
            f"bytes={half}-{2 * half - 1}",
        ]


def test_a_model_is_pulled_and_then_located(make, server, tmp_path):
    seen = []
    found = make(text(server.url), tmp_path / "models")
    folder = fetch.pull("tiny", tmp_path / "models", lambda *args: seen.append(args), found)
    assert folder == tmp_path / "models" / "tiny"
    assert found.locate("tiny") == folder
    assert (folder / "weights.bin").read_bytes() == WEIGHTS
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "weights.bin"]
    assert ("weights.bin", len(WEIGHTS), len(WEIGHTS)) in seen
    assert seen[-1] == ("config.json", 13, 13)


def test_files_that_are_right_are_not_fetched_again(make, server, pulled):
    (pulled / "config.json").unlink()
    fetch.pull("tiny", pulled.parent, manifest=make(text(server.url)))
    assert server.asked == [("/config.json", None)]


def test_a_damaged_file_is_replaced(make, server, pulled):
    (pulled / "config.json").write_bytes(CONFIG[::-1])
    fetch.pull("tiny", pulled.parent, manifest=make(text(server.url)))
    assert (pulled / "config.json").read_bytes() == CONFIG


def test_a_wrong_file_is_refused_and_leaves_nothing(make, server, tmp_path):
    server.files["/weights.bin"] = WEIGHTS[::-1]
    with pytest.raises(FetchError, match="sha256 is wrong"):
        fetch.pull("tiny", tmp_path, manifest=make(text(server.url)))
    assert list((tmp_path / "tiny").iterdir()) == []


def test_a_longer_file_is_refused(make, server, tmp_path):
    server.files["/weights.bin"] = WEIGHTS + b"more"
    with pytest.raises(FetchError, match="more than the 1048576 bytes"):
        fetch.pull("tiny", tmp_path, manifest=make(text(server.url)))
    assert not (tmp_path / "tiny" / "weights.bin").exists()


def test_a_missing_file_says_the_status_and_is_not_asked_for_again(make, server, tmp_path):
    del server.files["/weights.bin"]
    with pytest.raises(FetchError, match=r"/weights\.bin: the server answers 404"):
        fetch.pull("tiny", tmp_path, manifest=make(text(server.url)))
    assert len(server.asked) == 1


def test_a_broken_download_goes_on_where_it_broke(make, server, tmp_path):
    server.cut = [700_000, 200_000]
    fetch.pull("tiny", tmp_path, manifest=make(text(server.url)))
    assert (tmp_path / "tiny" / "weights.bin").read_bytes() == WEIGHTS
    ranges = [asked for path, asked in server.asked if path == "/weights.bin"]
    assert ranges == [None, "bytes=700000-", "bytes=900000-"]


def test_a_part_of_an_earlier_run_is_continued(make, server, tmp_path):
    server.cut = [100_000, 1_000, 1_000]
    with pytest.raises(FetchError, match="broke off with 946576 bytes missing"):
        fetch.pull("tiny", tmp_path, manifest=make(text(server.url)))
    assert not (tmp_path / "tiny" / "weights.bin").exists()
    server.asked.clear()
    fetch.pull("tiny", tmp_path, manifest=make(text(server.url)))
    assert server.asked[0] == ("/weights.bin", "bytes=102000-")
    assert (tmp_path / "tiny" / "weights.bin").read_bytes() == WEIGHTS


def test_a_server_that_cannot_resume_sends_it_all_again(make, server, tmp_path):
    server.resumes = False
    server.cut = [600_000]
    fetch.pull("tiny", tmp_path, manifest=make(text(server.url)))
    assert (tmp_path / "tiny" / "weights.bin").read_bytes() == WEIGHTS


def test_a_part_that_was_tampered_with_is_thrown_away(make, server, tmp_path):
    (tmp_path / "tiny").mkdir()
    part = tmp_path / "tiny" / "weights.bin.part"
    part.write_bytes(b"?" * 1000)
    found = make(text(server.url))
    with pytest.raises(FetchError, match="sha256 is wrong"):
        fetch.pull("tiny", tmp_path, manifest=found)
    assert not part.exists()
    fetch.pull("tiny", tmp_path, manifest=found)
    assert (tmp_path / "tiny" / "weights.bin").read_bytes() == WEIGHTS


def test_a_complete_part_needs_no_connection(make, server, tmp_path):
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "weights.bin.part").write_bytes(WEIGHTS)
    fetch.pull("tiny", tmp_path, manifest=make(text(server.url)))
    assert [path for path, _ in server.asked] == ["/config.json"]
    assert (tmp_path / "tiny" / "weights.bin").read_bytes() == WEIGHTS


def test_nobody_there(make, server, tmp_path):
    found = make(text(server.url))
    server.shutdown()
    server.socket.close()
    with pytest.raises(FetchError, match="cannot be reached"):
        fetch.pull("tiny", tmp_path, manifest=found)


def test_a_full_disk_is_noticed_before(make, server, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda path: usage(0, 0, fetch.SPARE))
    with pytest.raises(FetchError, match="1 MiB needed"):
        fetch.pull("tiny", tmp_path, manifest=make(text(server.url)))
    assert server.asked == []


def test_a_folder_that_cannot_be_written_is_named(make, server, tmp_path):
    (tmp_path / "tiny").write_bytes(b"a file in the way")
    with pytest.raises(FetchError, match="cannot write to"):
        fetch.pull("tiny", tmp_path, manifest=make(text(server.url)))


def test_a_model_without_a_second_source_cannot_be_pulled(make, tmp_path):
    with pytest.raises(FetchError, match=r"no second source is known for weights\.bin"):
        fetch.pull("tiny", tmp_path, manifest=make(text()))


def test_only_http_is_fetched(make, tmp_path):
    (tmp_path / "weights.bin").write_bytes(WEIGHTS)
    with pytest.raises(FetchError, match="only http and https"):
        fetch.pull("tiny", tmp_path / "into", manifest=make(text(f"file://{tmp_path}")))
