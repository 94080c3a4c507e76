"""Voices out of piper's own repository of voices, or a mirror of it: fetched, kept, verified.

The repository has an index, voices.json, and in it each voice's files with their sizes and MD5
sums; they lie in LANGUAGE/LANGUAGE_REGION/NAME/QUALITY/. What was fetched is kept in a folder
`piper` with a record of each file's sha256, so that a file which changes later is found out. Only
an operator's `visavis models pull` fetches anything.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Final

from visavis.models import fetch
from visavis.models.fetch import FetchError, Progress
from visavis.models.files import whole
from visavis.models.manifest import File, ManifestError, sha256

PREFIX: Final = "piper:"  # of a name on the command line
MIRROR: Final = "https://huggingface.co/rhasspy/piper-voices/resolve/main"
_FOLDER: Final = "piper"
_RECORD: Final = "voice.json"
_INDEX: Final = "voices.json"
_INDEX_BYTES: Final = 8 << 20  # the repository's own has 0.25 MB
_MOST: Final = 512 << 20  # bytes of a file; the largest voices have 120 MB
_CARD_BYTES: Final = 1 << 20
_NAME: Final = re.compile(r"(([a-z]{2,3})_[A-Z]{2})-([a-zA-Z0-9_]+)-(x_low|low|medium|high)")
_HEX: Final = re.compile(r"[0-9a-f]+")
_LICENCE: Final = re.compile(r"^\W*licen[cs]e\W*:\s*(\S.*)$", re.IGNORECASE | re.MULTILINE)
_UNTOLD: Final = "no licence is told"


@dataclass(frozen=True, slots=True)
class Pulled:
    """A voice that was fetched. files: (bytes, sha256) by name; source: where they were got."""

    name: str
    language: str  # BCP 47
    language_name: str
    speaker: str
    quality: str
    licence: str
    source: str
    files: Mapping[str, tuple[int, str]]
    folder: Path

    @property
    def model(self) -> Path:
        """The network."""
        return self.folder / f"{self.name}.onnx"

    @property
    def config(self) -> Path:
        """Its settings."""
        return self.folder / f"{self.name}.onnx.json"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A file of the index: `md5` and `sha256` of what must come, "" where it says nothing."""

    path: PurePosixPath
    bytes: int
    md5: str
    sha256: str


def pull(
    name: str,
    models: Path,
    mirror: str = MIRROR,
    sha256_wanted: str = "",
    progress: Progress | None = None,
) -> Pulled:
    """Fetch a voice into `models`, as "de_DE-thorsten-medium". Raises FetchError.

    What is there and right is kept, a broken download is continued. sha256_wanted: of the network,
    from somebody whom the operator trusts; "": the sums that the repository tells are all there is.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise FetchError(
            f"{name}: no name of a voice; they are LANGUAGE_REGION-NAME-QUALITY, as "
            "de_DE-thorsten-medium"
        )
    if sha256_wanted and not re.fullmatch(r"[0-9a-f]{64}", sha256_wanted):
        raise FetchError(f"{name}: a sha256 has 64 hexadecimal digits")
    mirror = mirror.rstrip("/")
    entry = _entry(name, _index(f"{mirror}/{_INDEX}"))
    folder = models / _FOLDER / name
    files: dict[str, tuple[int, str]] = {}
    for wanted in _wanted(name, entry, sha256_wanted):
        place = folder / wanted.path.name
        digest = _fetched(wanted, f"{mirror}/{wanted.path}", place, progress)
        files[place.name] = wanted.bytes, digest
    made = _described(name, entry, mirror, files, folder)
    _record(made)
    return made


def pulled(models: Path) -> Iterator[Pulled]:
    """The voices that lie there, by name, unread; a record that is damaged is passed over."""
    try:
        folders = sorted((models / _FOLDER).iterdir())
    except OSError:  # there are none, or it may not be looked into
        return
    for folder in folders:
        if (found := _read(folder)) is not None:
            yield found


def located(name: str, models: Path) -> Pulled:
    """One of them, its files verified once in a process. Raises ManifestError."""
    found = _read(models / _FOLDER / name) if _NAME.fullmatch(name) else None
    remedy = f"run `visavis models pull {PREFIX}{name}`"
    if found is None:
        raise ManifestError(f"{name}: not pulled; {remedy}")
    for file, (size, digest) in found.files.items():
        path = found.folder / file
        try:
            state = path.stat()
            right = state.st_size == size and _sum(path, size, state.st_mtime_ns) == digest
        except OSError as error:
            raise ManifestError(f"{name}: {path} is missing; {remedy}") from error
        if not right:
            raise ManifestError(f"{name}: {path} is not the file that was pulled; {remedy}")
    return found


@cache
def _sum(path: Path, _size: int, _changed: int) -> str:
    return sha256(path)


# --- the repository ------------------------------------------------------------------------------


def _index(url: str) -> Mapping[str, Any]:
    try:
        index = json.loads(fetch.read(url, _INDEX_BYTES))
    except (ValueError, RecursionError) as error:
        raise FetchError(f"{url}: no index of voices: it is not JSON") from error
    if not isinstance(index, dict) or not index:
        raise FetchError(f"{url}: no index of voices")
    return index


def _entry(name: str, index: Mapping[str, Any]) -> Mapping[str, Any]:
    entry = index.get(name)
    if isinstance(entry, dict):
        return entry
    family = name.split("_")[0]
    others = sorted(key for key in index if key.startswith(f"{family}_"))
    known = f"of {family} there are {', '.join(others)}" if others else f"of {family} there is none"
    raise FetchError(f"{name}: the repository has no such voice; {known}")


def _wanted(name: str, entry: Mapping[str, Any], sha256_wanted: str) -> list[_Wanted]:
    """The network, its settings and its card. Raises FetchError for an entry that makes no sense.

    Paths are those of the repository's layout; nothing else of the index is ever a path here.
    """
    code, family, speaker, quality = _NAME.fullmatch(name).groups()  # type: ignore[union-attr]
    base = PurePosixPath(family, code, speaker, quality)
    files = entry.get("files")
    wanted = []
    for file in (f"{name}.onnx", f"{name}.onnx.json", "MODEL_CARD"):
        told = files.get(str(base / file)) if isinstance(files, dict) else None
        if told is None and file == "MODEL_CARD":
            continue
        wanted.append(_file(base / file, told))
    if sha256_wanted:
        first = wanted[0]
        wanted[0] = _Wanted(first.path, first.bytes, first.md5, sha256_wanted)
    return wanted


def _file(path: PurePosixPath, told: Any) -> _Wanted:
    told = told if isinstance(told, dict) else {}
    size, md5, sha = told.get("size_bytes"), told.get("md5_digest"), told.get("sha256", "")
    most = _CARD_BYTES if path.suffix != ".onnx" else _MOST
    if type(size) is not int or not 0 < size <= most:
        raise FetchError(f"{path}: the index tells no size for it that is possible")
    if not isinstance(md5, str) or not _HEX.fullmatch(md5) or not isinstance(sha, str):
        raise FetchError(f"{path}: the index tells no MD5 sum of it")
    return _Wanted(path, size, md5, sha)


def _fetched(wanted: _Wanted, url: str, place: Path, progress: Progress | None) -> str:
    """The sha256 of the file at its place, fetched if it is not there. Raises FetchError."""
    part = place.with_name(place.name + ".part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_file() and place.stat().st_size == wanted.bytes and not _fault(wanted, place):
            return sha256(place)
        fetch.check_space(place.parent, wanted.bytes)
        digest = fetch.download(File(wanted.path, wanted.bytes, "", url), part, progress)
        if fault := _fault(wanted, part):
            part.unlink()
            raise FetchError(f"{url}: {fault}: this is not the file of the index")
        part.replace(place)
    except OSError as error:
        raise FetchError(f"{place}: cannot be written: {error}") from error
    return digest


def _fault(wanted: _Wanted, path: Path) -> str:
    """What of a whole file is not as it should be."""
    if wanted.sha256 and sha256(path) != wanted.sha256:
        return "the sha256 is wrong"
    with path.open("rb") as source:
        md5 = hashlib.file_digest(source, lambda: hashlib.md5(usedforsecurity=False))
    return "" if md5.hexdigest() == wanted.md5 else "the MD5 sum is wrong"


# --- what was fetched ----------------------------------------------------------------------------


def _described(
    name: str,
    entry: Mapping[str, Any],
    mirror: str,
    files: Mapping[str, tuple[int, str]],
    folder: Path,
) -> Pulled:
    code, family, speaker, quality = _NAME.fullmatch(name).groups()  # type: ignore[union-attr]
    language = entry.get("language")
    english = language.get("name_english") if isinstance(language, dict) else None
    card = folder / "MODEL_CARD"
    text = card.read_text(encoding="utf-8", errors="replace") if "MODEL_CARD" in files else ""
    found = _LICENCE.search(text)
    return Pulled(
        name=name,
        language=code.replace("_", "-"),
        language_name=english if isinstance(english, str) and english.isprintable() else family,
        speaker=speaker.replace("_", " "),
        quality=quality.replace("_", " "),
        licence=_printable(found[1]) if found else _UNTOLD,
        source=mirror,
        files=files,
        folder=folder,
    )


def _printable(text: str) -> str:
    return "".join(filter(str.isprintable, text)).strip()[:120]


def _record(made: Pulled) -> None:
    content = {key: value for key, value in asdict(made).items() if key != "folder"}
    try:
        with whole(made.folder / _RECORD) as file:
            file.write(json.dumps(content, indent=1, ensure_ascii=False).encode())
    except OSError as error:
        raise FetchError(f"{made.folder}: cannot be written: {error}") from error


def _read(folder: Path) -> Pulled | None:
    try:
        content = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        files = {str(k): (int(size), str(digest)) for k, (size, digest) in content["files"].items()}
        texts = {key: str(value) for key, value in content.items() if key != "files"}
        made = Pulled(**texts, files=files, folder=folder)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    complete = {made.model.name, made.config.name} <= files.keys()
    return made if complete and made.name == folder.name else None
