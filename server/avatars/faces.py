"""The faces of the avatars of a server as numbers, so that a person is known again.

A template is biometric data. It says less than the picture in the avatar's file beside it, is read
from there when a new photo is compared for the first time, and lies in the home (`faces/`) for its
owner alone, until the avatar goes. No visitor's face is ever one. Reading is done in a process of
its own: the networks take 100 MB that a server otherwise never needs.
"""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from visavis.models import recognition
from visavis.models.avatar.file import load_avatar
from visavis.models.errors import AvatarError
from visavis.models.files import PRIVATE, not_kept, private_folder, whole
from visavis.models.recognition import Template
from visavis.server.system import confined, strict_json

FOLDER: Final = "faces"  # under the directory for state
SUFFIX: Final = ".face"
PATIENCE: Final = 100.0  # s for reading all: 0.2 s each, so that 500 are read in one go
_LONGEST: Final = 4 * 1024  # bytes of a line
_BYTES: Final = recognition.SIZE * 4


class FacesUnread(Exception):
    """The faces of the avatars cannot be compared; says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Face:
    """An avatar's: None where its picture shows none that the network finds."""

    avatar: str
    template: Template | None


def packed(template: Template | None) -> str:
    """As a text of one line; empty for None."""
    return "" if template is None else base64.b64encode(template.astype("<f4").tobytes()).decode()


def unpacked(text: object) -> Template | None:
    """What `packed` wrote; None for the empty text. Raises ValueError for anything else."""
    if text == "":
        return None
    data = base64.b64decode(str(text), validate=True)
    if len(data) != _BYTES:
        raise ValueError("not the numbers of a face")
    numbers = np.frombuffer(data, "<f4").astype(np.float32)
    if not abs(float(np.linalg.norm(numbers)) - 1) < 1e-3:  # nan too
        raise ValueError("not of length 1")
    return numbers


class Faces:
    """Those of one home. Everything here reads files: not for the event loop."""

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER
        self._pulled = home / "models"

    def network(self) -> Path:
        """The network's file. Raises ManifestError."""
        return recognition.locate(self._pulled)

    def read(self, avatars: Mapping[str, Path]) -> Reading:
        """Begin to read those that nobody has read yet; forget those that are gone."""
        known, unread = self._known(avatars)
        self.forget_all_but(avatars)
        return Reading(self, known, unread)

    def forget(self, name: str) -> None:
        """An avatar was removed."""
        with contextlib.suppress(OSError):
            self._file(name).unlink(missing_ok=True)

    def keep(self, face: Face, avatar: Path) -> None:
        """For the next time; without a place for it, it is read again then."""
        try:
            private_folder(self._folder)
            row = {"of": _edition(avatar), "face": packed(face.template)}
            with whole(self._file(face.avatar), PRIVATE) as file:
                file.write(json.dumps(row).encode())
        except OSError as error:
            not_kept(self._folder, error)

    def _known(self, avatars: Mapping[str, Path]) -> tuple[list[Face], dict[str, Path]]:
        known: list[Face] = []
        unread: dict[str, Path] = {}
        for name, path in avatars.items():
            try:
                row = strict_json.parse(self._file(name).read_text())
                face = Face(name, unpacked(row["face"])) if row["of"] == _edition(path) else None
            except (OSError, ValueError, KeyError, TypeError):
                face = None
            if face is None:
                unread[name] = path
            else:
                known.append(face)
        return known, unread

    def forget_all_but(self, avatars: Container[str]) -> None:
        """Those of avatars that are gone."""
        with contextlib.suppress(OSError):
            for file in self._folder.iterdir():
                if file.suffix == SUFFIX and file.stem not in avatars:
                    file.unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}{SUFFIX}"


class Reading:
    """Faces that are being read; whoever began it ends it with `close`."""

    def __init__(self, faces: Faces, known: list[Face], unread: Mapping[str, Path]) -> None:
        self._faces, self._known, self._unread = faces, known, dict(unread)
        self._process: subprocess.Popen[bytes] | None = None
        if unread:
            self._begin(faces.network())

    def all(self) -> list[Face]:
        """Every avatar's, once they are read. Raises FacesUnread."""
        if self._process is not None:
            self._collect(self._process)
        if self._unread:
            message = (
                f"The faces of {len(self._unread)} avatars here could not be read yet, so nobody "
                "can say whether this photo shows one of those people. Try again in a minute."
            )
            raise FacesUnread(message)
        return self._known

    def close(self) -> None:
        """End what is still being read; what was read stays."""
        if self._process is not None:
            _end(self._process)
            self._process = None

    def _begin(self, network: Path) -> None:
        self._process = confined.start(__name__, subprocess.PIPE, str(network))
        assert self._process.stdin is not None
        rows = json.dumps([[name, str(path)] for name, path in self._unread.items()])
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(rows.encode())
            self._process.stdin.close()

    def _collect(self, process: subprocess.Popen[bytes]) -> None:
        said = process.stdout
        assert said is not None
        end = threading.Timer(PATIENCE, process.kill)
        end.start()
        try:
            for name, template in _said(iter(lambda: said.readline(_LONGEST), b"")):
                if (path := self._unread.pop(name, None)) is not None:
                    face = Face(name, template)
                    self._faces.keep(face, path)
                    self._known.append(face)
        finally:
            end.cancel()
            _end(process)
            self._process = None


def _end(process: subprocess.Popen[bytes]) -> None:
    confined.kill(process)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _edition(path: Path) -> list[int]:
    """What tells one file of an avatar from the next. Raises OSError."""
    state = path.stat()
    return [state.st_size, state.st_mtime_ns, state.st_ino]


def _said(lines: Iterator[bytes]) -> Iterator[tuple[str, Template | None]]:
    for line in lines:
        try:
            row: dict[str, Any] = strict_json.parse(line.decode())
            yield str(row["avatar"]), unpacked(row["face"])
        except (ValueError, KeyError, TypeError):
            return


# --- the process that reads -----------------------------------------------------------------------


def main() -> None:
    """Read names and files, say each one's numbers."""
    confined.begin()
    network = Path(sys.argv[2])
    for name, path in json.loads(sys.stdin.read()):
        try:
            template = recognition.of_picture(load_avatar(Path(path)).picture(), network)
        except AvatarError:  # it broke since it was listed: there is nothing to be like
            template = None
        sys.stdout.write(json.dumps({"avatar": name, "face": packed(template)}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
