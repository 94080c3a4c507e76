"""An avatar's file as a zip: three members of bearable sizes, at most two more, and its seal."""

from __future__ import annotations

import contextlib
import io
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from visavis.models.avatar import clip, seal
from visavis.models.errors import AvatarError
from visavis.models.pictures.credentials import LONGEST

MANIFEST: Final = "manifest.json"
LAYERS: Final = "layers.safetensors"
PREVIEW: Final = "preview.webp"
CREDENTIALS: Final = "credentials.c2pa"  # the photo's own, where it had some; never believed
CLIP: Final = "clip.h264"  # of an avatar made of a clip
_SPARE: Final = frozenset({CREDENTIALS, CLIP})  # what a file may lack
LIMITS: Final = {
    MANIFEST: 64 * 1024, LAYERS: 32 * 1024 * 1024, PREVIEW: 1024 * 1024, CREDENTIALS: LONGEST,
    CLIP: clip.LONGEST,
}  # fmt: skip  # bytes
MAX_FILE: Final = 16 * 1024 * 1024  # bytes
_DIRECTORY: Final = 1024  # bytes of the zip's directory; that of five members takes 350
_LOCATOR: Final = 20  # bytes of what stands before its end in a zip of 4 GB and more
_FIXED_DATE: Final = (1980, 1, 1, 0, 0, 0)  # the same avatar gives the same file


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that was read: its members, and where it comes from."""

    zip: zipfile.ZipFile
    origin: seal.Origin

    def has(self, member: str) -> bool:
        """Whether a member that may be left out is there."""
        return member in self.zip.namelist()

    def read(self, member: str) -> bytes:
        """One member; never more than its limit, whatever the zip's directory claims."""
        with self.zip.open(member) as file:
            content = file.read(LIMITS[member] + 1)
        if len(content) > LIMITS[member]:
            raise AvatarError("avatar-too-large", f"{member} unpacks to more than allowed.")
        return content


def packed(parts: Mapping[str, bytes]) -> bytes:
    """The members as a zip without a seal."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in parts.items():
            info = zipfile.ZipInfo(name, _FIXED_DATE)
            packs = name not in (PREVIEW, CREDENTIALS, CLIP)
            info.compress_type = zipfile.ZIP_DEFLATED if packs else zipfile.ZIP_STORED
            archive.writestr(info, content)
    return file.getvalue()


def read(path: Path) -> bytes:
    """All of a file that may be one. Raises AvatarError."""
    try:
        return _content(path)
    except FileNotFoundError as error:
        raise AvatarError("avatar-missing", f"There is no avatar file {path.name}.") from error
    except OSError as error:
        why = error.strerror or "unknown reason"
        raise AvatarError("avatar-unreadable", f"{path.name} cannot be read: {why}.") from error


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """What is read in it is what was sealed, whoever writes the file meanwhile; AvatarError."""
    content = read(path)
    origin = seal.origin(content, path.name)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_members(archive, path.name)
            yield Opened(archive, origin)
    except OSError as error:  # Python's own, of a file that is cut off
        raise unreadable(path.name) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        raise unreadable(path.name) from error


def unreadable(name: str) -> AvatarError:
    """Of a file that is none of ours, or was damaged."""
    message = f"{name} is damaged or is not an avatar file: make it again from the photo."
    return AvatarError("avatar-unreadable", message)


def _content(path: Path) -> bytes:
    """A plain file, no device or pipe, with a short directory. Raises AvatarError, OSError.

    zipfile reads a directory to its end before anybody can count: 16 MB hold 300,000 entries.
    """
    state = path.stat()
    if not stat.S_ISREG(state.st_mode):
        raise unreadable(path.name)
    with path.open("rb") as file:
        content = file.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise AvatarError("avatar-too-large", f"{path.name} is larger than 16 MB.")
    tail = content[-seal.LENGTH - seal.END :]
    at = len(content) - seal.END - (seal.LENGTH if seal.has_seal(tail) else 0)
    end = content[max(at, 0) : at + seal.END]
    size = int.from_bytes(end[12:16], "little")
    large = content[max(at - _LOCATOR, 0) :][:4] == b"PK\6\7"
    if end[:4] != b"PK\5\6" or large or size > _DIRECTORY:
        raise unreadable(path.name)
    return content


def _check_members(archive: zipfile.ZipFile, name: str) -> None:
    """Raises AvatarError."""
    members = sorted(info.filename for info in archive.infolist() if info.filename not in _SPARE)
    if members != sorted(LIMITS.keys() - _SPARE) or len(archive.infolist()) > len(LIMITS):
        raise unreadable(name)
    for info in archive.infolist():
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise unreadable(name)  # LZMA may ask for 4 GB before its first byte
        if info.file_size > LIMITS[info.filename]:
            message = f"{name}: {info.filename} would unpack to more than allowed."
            raise AvatarError("avatar-too-large", message)
