"""The projects of an installation: a folder each, with its script and its files.

Everything here reads and writes files: not for the event loop. A folder is a person's as well: they
may edit the script by hand, put files beside it and keep all of it in git.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final, Literal

from visavis.models.files import PRIVATE, PRIVATE_FOLDER, private_folder, whole
from visavis.server.studio.document import length
from visavis.server.studio.document.faults import Fault, ScriptError
from visavis.server.studio.document.forms import PICTURES, SOUNDS, VIDEOS
from visavis.server.studio.document.merging import Clash, merged
from visavis.server.studio.document.naming import LONGEST_NAME, file_fault, is_name, named
from visavis.server.studio.document.project import Project
from visavis.server.studio.document.reading import LARGEST, Script, parse
from visavis.server.studio.document.writing import as_json, rewritten, write
from visavis.server.system.errors import (
    Conflict,
    NoSpace,
    NotFound,
    Problem,
    TooLarge,
    Unprocessable,
)

SCRIPT: Final = "script.md"
MOST: Final = 1000  # projects
MOST_FILES: Final = 500  # of a project
LARGEST_FILE: Final = 1 << 30  # bytes

Kind = Literal["picture", "video", "sound"]

_KINDS: Final[tuple[tuple[Kind, tuple[str, ...]], ...]] = (
    ("picture", PICTURES),
    ("video", VIDEOS),
    ("sound", SOUNDS),
)
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NOTHING: Final[Mapping[str, bytes]] = {}
_ETAG: Final = re.compile("[0-9a-f]{24}")
_VERSIONS: Final = 20  # that are remembered of each, for whoever has an older one open
_TRIES: Final = 10_000  # names that are tried for one that is free


@dataclass(frozen=True, slots=True)
class Version:
    """A project as it stood at one moment.

    script: None where its text cannot be read as one; faults then say why. changed: Unix time, s.
    """

    name: str
    text: str
    script: Script | None
    faults: tuple[Fault, ...]
    changed: float

    @property
    def etag(self) -> str:
        """Differs from that of any other text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:24]

    @property
    def project(self) -> Project | None:
        """What the script says."""
        return self.script.project if self.script else None


@dataclass(frozen=True, slots=True)
class File:
    """A file beside the script. bytes: how large it is."""

    name: str
    bytes: int
    kind: Kind


class Edited(Problem):
    """Somebody else has changed the project meanwhile; `version` is theirs."""

    status, title = 412, "Precondition failed"

    def __init__(self, version: Version) -> None:
        super().__init__(
            "Somebody else has changed this project since you opened it: look at theirs, and save "
            "yours on top of it.",
            "project-edited",
        )
        self.version = version

    @property
    def more(self) -> Mapping[str, Any]:
        """Theirs, so that both can be shown side by side."""
        theirs = self.version.project
        project = as_json(theirs) if theirs else None
        return {"etag": self.version.etag, "project": project, "script": self.version.text}


class Projects:
    """Those below one folder, which is made with the first of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen: dict[str, tuple[tuple[int, int], Version, float]] = {}

    def names(self) -> list[str]:
        """Of all there are."""
        try:
            found = [each.name for each in os.scandir(self.folder) if is_name(each.name)]
        except FileNotFoundError:
            return []
        return sorted(name for name in found if (self.folder / name / SCRIPT).is_file())

    def overview(self) -> list[tuple[Version, float]]:
        """Each as it stands, and about how many s its film takes; the latest change first.

        What did not change since it was last read is not read again.
        """
        rows, names = [], self.names()
        for name in names:
            try:
                rows.append(self._row(name))
            except (NotFound, FileNotFoundError):  # it went meanwhile
                continue
        for name in set(self._seen).difference(names):
            self._seen.pop(name, None)
        return sorted(rows, key=lambda row: -row[0].changed)

    def path(self, name: str) -> Path:
        """The folder of one. Raises NotFound."""
        folder = self.folder / name
        if not is_name(name) or not (folder / SCRIPT).is_file():
            raise NotFound(f"There is no project {name[:LONGEST_NAME]!r}.", "project-not-found")
        return folder

    def read(self, name: str) -> Version:
        """One as it stands now. Raises NotFound."""
        return _version(name, self.path(name) / SCRIPT)

    def create(
        self, name: str, text: str, files: Mapping[str, bytes] = _NOTHING, like: str = ""
    ) -> Version:
        """A new one. files: that lie beside the script.

        name: "": one is found that is free, like `like` or else the title.

        Raises ScriptError, Conflict, Unprocessable, NoSpace.
        """
        project = parse(text).project
        if name and not is_name(name):
            msg = f"A project cannot be called so: call it {named(name, 1)!r}."
            raise Unprocessable(msg, "project-name")
        taken = self.names()
        if len(taken) >= MOST:
            msg = f"There are {len(taken)} projects: delete one first."
            raise Conflict(msg, "too-many-projects")
        with _stored():
            private_folder(self.folder)
            folder = self._made(name, like, project)
            try:
                for file, content in files.items():
                    _put(folder / file, content)
                _put(folder / SCRIPT, text.encode(errors="ignore"))
            except OSError:
                shutil.rmtree(folder, ignore_errors=True)
                raise
        return self.read(folder.name)

    def save(
        self, name: str, new: Project | str, etag: str, *, merge: bool = False
    ) -> Version:  # fmt: skip
        """Put a project, or a script's text, in the place of the version with this `etag`.

        Of a project, what stays as it was keeps its form in the script. etag: "*" of whichever
        there is. merge: where another version is there by now, put both together if they can be.
        Raises Edited, ScriptError, NotFound, NoSpace; then the old one is there whole.
        """
        if isinstance(new, str):
            parse(new)
        folder = self.path(name)
        with _stored(), _alone(self._lock(name)):
            now = self.read(name)
            if etag not in ("*", now.etag):
                both = self._merged(now, new, etag) if merge else None
                if both is None:
                    raise Edited(now)
                new = both
            text = new if isinstance(new, str) else rewritten(new, now.text)
            if text != now.text:
                if len(text.encode(errors="ignore")) > LARGEST:
                    raise TooLarge(f"A script has {LARGEST >> 20} MB at most.", "script-too-large")
                self._remember(now)
                _put(folder / SCRIPT, text.encode(errors="ignore"))
        return self.read(name)

    def delete(self, name: str) -> None:
        """With its files. Raises NotFound."""
        folder = self.path(name)
        self._lock(name).unlink(missing_ok=True)
        shutil.rmtree(self._versions(name), ignore_errors=True)
        gone = folder.with_name(f".{name}.gone")
        shutil.rmtree(gone, ignore_errors=True)
        folder.replace(gone)  # at once, so that nobody sees half of it
        shutil.rmtree(gone, ignore_errors=True)

    # --- files -----------------------------------------------------------------------------------

    def files(self, name: str) -> list[File]:
        """Pictures, videos and sounds in a project's folder. Raises NotFound."""
        folder = self.path(name)
        found = []
        for path in sorted(folder.rglob("*")):
            told, kind = path.relative_to(folder).as_posix(), kind_of(path.name)
            is_within = not path.is_symlink() or path.resolve().is_relative_to(folder.resolve())
            if kind and not file_fault(told) and is_within and path.is_file():
                found.append(File(told, path.stat().st_size, kind))
        return found

    def file(self, name: str, file: str) -> Path:
        """Where one lies. Raises NotFound."""
        path = self._place(name, file)
        if not path.is_file():
            raise NotFound(f"The project has no file {file!r}.", "file-not-found")
        return path

    @contextmanager
    def putting(self, name: str, file: str) -> Iterator[IO[bytes]]:
        """A file that takes its place once all of it is written.

        Raises NotFound, Unprocessable, Conflict, NoSpace.
        """
        path = self._place(name, file)
        if path.is_dir() or any(each.is_file() for each in path.parents):
            raise Unprocessable(f"There cannot be such a file: {_IN_THE_WAY}.", "file-name")
        if not path.exists() and len(self.files(name)) >= MOST_FILES:
            msg = f"The project has {MOST_FILES} files: remove one first."
            raise Conflict(msg, "too-many-files")
        with _stored():
            private_folder(path.parent)
            with whole(path, PRIVATE) as opened:
                yield opened
                if not opened.tell():
                    raise Unprocessable("The file is empty.", "file-empty")

    def remove(self, name: str, file: str) -> None:
        """Delete one. Raises NotFound."""
        self.file(name, file).unlink()

    # --- inside ----------------------------------------------------------------------------------

    def _lock(self, name: str) -> Path:
        """Beside the project's folder, which may be a repository of somebody's."""
        return self.folder / f".{name}.lock"

    def _versions(self, name: str) -> Path:
        return self.folder / f".{name}.versions"

    def _remember(self, version: Version) -> None:
        """It is about to be replaced, and somebody may have it open."""
        folder = self._versions(version.name)
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        _put(folder / f"{version.etag}.md", version.text.encode())
        kept = sorted(folder.glob("*.md"), key=lambda path: path.stat().st_mtime_ns)
        for path in kept[:-_VERSIONS]:
            path.unlink(missing_ok=True)

    def _merged(self, now: Version, new: Project | str, etag: str) -> Project | None:
        """What two people made of the version with this `etag`; None: it cannot be one."""
        path = self._versions(now.name) / f"{etag}.md"
        if not _ETAG.fullmatch(etag) or not path.is_file() or now.project is None:
            return None
        mine = parse(new).project if isinstance(new, str) else new
        try:
            return merged(parse(path.read_text()).project, mine, now.project)
        except (Clash, ScriptError):
            return None

    def _row(self, name: str) -> tuple[Version, float]:
        told = (self.path(name) / SCRIPT).stat()
        stamp = told.st_mtime_ns, told.st_size
        known = self._seen.get(name)
        if known is None or known[0] != stamp:
            version = self.read(name)
            project = version.project
            seconds = length.seconds(project, self.folder / name) if project else 0.0
            known = self._seen[name] = stamp, version, seconds
        return known[1], known[2]

    def _made(self, name: str, like: str, project: Project) -> Path:
        """A new folder. Raises Conflict, OSError."""
        if name:
            return self._folder_of(name)
        first = project.scenes[0].name if project.scenes else "film"
        wanted = named(like or project.title or first, 1)
        for number in range(1, _TRIES):
            tried = wanted if number == 1 else f"{wanted[: LONGEST_NAME - 6]}-{number}"
            try:
                return self._folder_of(tried)
            except Conflict:
                continue
        raise Conflict(f"Every name like {wanted!r} is taken: give one.", "name-taken")

    def _folder_of(self, name: str) -> Path:
        folder = self.folder / name
        try:
            folder.mkdir(mode=PRIVATE_FOLDER)
        except FileExistsError:
            msg = f"There is a project {name!r} already: choose another name."
            raise Conflict(msg, "name-taken") from None
        return folder

    def _place(self, name: str, file: str) -> Path:
        """Raises NotFound, Unprocessable."""
        folder = self.path(name)
        why = file_fault(file) or ("" if kind_of(file) else _NO_KIND)
        path = folder / file
        if why or not path.resolve().is_relative_to(folder.resolve()):
            raise Unprocessable(f"There cannot be such a file: {why or _OUTSIDE}.", "file-name")
        return path


_NO_KIND: Final = f"its name ends with one of {', '.join(dict.fromkeys((*PICTURES, *SOUNDS)))}"
_IN_THE_WAY: Final = "a file and a folder would have one name"
_OUTSIDE: Final = "it would lie outside of the project"


def kind_of(name: str) -> Kind | None:
    """What a file is by its name; None: nothing that belongs into a film."""
    suffix = PurePosixPath(name).suffix.lower()
    return next((kind for kind, suffixes in _KINDS if suffix in suffixes), None)


def empty(title: str) -> str:
    """The script of a project that is begun."""
    return write(Project(title=" ".join(title.split())))


def _version(name: str, path: Path) -> Version:
    """Raises NotFound."""
    try:
        told, content = path.stat(), path.read_bytes()[: LARGEST + 1]
    except FileNotFoundError:
        raise NotFound(f"There is no project {name!r}.", "project-not-found") from None
    text = content.decode(errors="replace")
    try:
        return Version(name, text, parse(text), (), told.st_mtime)
    except ScriptError as error:
        return Version(name, text, None, error.faults, told.st_mtime)


def _put(path: Path, content: bytes) -> None:
    with whole(path, PRIVATE) as file:
        file.write(content)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Whoever else writes here, in this process or another, waits."""
    with lock.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _stored() -> Iterator[None]:
    """What a disk cannot take is told. Raises NoSpace."""
    try:
        yield
    except ConnectionError:  # of whoever sends it
        raise
    except OSError as error:
        why = "the disk is full" if error.errno in _FULL else error.strerror or "unknown reason"
        msg = f"It cannot be kept: {why}. What was there before is still there."
        raise NoSpace(msg, "not-kept") from error
