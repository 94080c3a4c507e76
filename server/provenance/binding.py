"""How a manifest is bound to its file: the hash of the file, and where the manifest is put.

Recordings have gigabytes and end while others talk: nothing is copied, the file is read once, and
a box of some kilobytes is added to an MP4's end, before its index of fragments. The SDK's own
way writes the film three times, twice of it to the folder for temporary files, which may be memory.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from visavis.models.files import whole

BOXED: Final = frozenset(
    {".mp4", ".m4v", ".mov", ".m4a"}
)  # ISO base media: the manifest is in the file
# By the SDK, for they are small.
EMBEDDED: Final = frozenset({".wav", ".mp3", ".png", ".gif", ".webp", ".jpg", ".jpeg"})
SIDECAR: Final = ".c2pa"
PIECE: Final = 1 << 20  # bytes read at once: hashing them holds no other thread up
_UUID: Final = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")  # of C2PA's box
_BEHIND: Final = 64 * 1024 * 1024  # bytes of an index behind all pictures, at most
# ISO boxes that are no part of the hash: the manifest's own, and what editors may rewrite.
_LEFT_OUT: Final = (b"ftyp", b"mfra")


class BrokenFile(Exception):
    """A file is not what its name says; the text says how."""


class Taken(Exception):
    """A file has a manifest already: it is never replaced."""


@dataclass(frozen=True, slots=True)
class Box:
    """One of a file's outermost boxes: where it begins, its bytes, its type."""

    at: int
    size: int
    kind: bytes
    is_manifest: bool


def sidecar(path: Path) -> Path:
    """Where the manifest of a file lies that cannot hold one."""
    return path.with_suffix(SIDECAR)


def beside(path: Path) -> Path | None:
    """`sidecar` of a file that cannot hold a manifest; None: it can."""
    return None if path.suffix.lower() in BOXED | EMBEDDED else sidecar(path)


def hashed(path: Path) -> dict[str, Any]:
    """The assertion that binds a manifest to a file. Raises BrokenFile, OSError."""
    with path.open("rb", buffering=0) as file:
        if path.suffix.lower() in BOXED:
            return _bmff(file)
        digest = hashlib.sha256()
        for piece in _pieces(file, 0, os.fstat(file.fileno()).st_size):
            digest.update(piece)
    # As numbers: the SDK takes a text for the bytes of its letters.
    said = {"alg": "sha256", "hash": list(digest.digest()), "name": "file", "pad": []}
    return {"label": "c2pa.hash.data", "data": said}


def _bmff(file: IO[bytes]) -> dict[str, Any]:
    """C2PA 2.2, 18.6: each box with its place in the file, so that none can be moved."""
    digest = hashlib.sha256()
    for box in boxes(file):
        if box.is_manifest or box.kind in _LEFT_OUT:
            continue
        digest.update(struct.pack(">Q", box.at))
        for piece in _pieces(file, box.at, box.size):
            digest.update(piece)
    manifest: dict[str, Any] = {"xpath": "/uuid", "data": [{"offset": 8, "value": list(_UUID)}]}
    exclusions = [manifest, *({"xpath": f"/{kind.decode()}"} for kind in _LEFT_OUT)]
    plain = dict.fromkeys(("length", "data", "subset", "version", "flags", "exact"))
    said = {"alg": "sha256", "hash": list(digest.digest()), "name": "film"}
    return {
        "label": "c2pa.hash.bmff.v3",
        "data": {"exclusions": [{**plain, **each} for each in exclusions], **said},
    }


def boxes(file: IO[bytes]) -> Iterator[Box]:
    """A file's outermost boxes (ISO 14496-12, 4.2). Raises BrokenFile where one is cut off."""
    end, at = os.fstat(file.fileno()).st_size, 0
    while at < end:
        file.seek(at)
        head = file.read(32)
        size, begin = int.from_bytes(head[:4]), 8
        if size == 1:
            size, begin = int.from_bytes(head[8:16]), 16
        elif size == 0:
            size = end - at
        if len(head) < begin or size < begin or at + size > end:
            raise BrokenFile("it is cut off, or no film")
        is_manifest = head[4:8] == b"uuid" and head[begin : begin + 16] == _UUID
        yield Box(at, size, head[4:8], is_manifest)
        at += size
    if not end:
        raise BrokenFile("it is empty")


def mended(path: Path) -> int:
    """Take off a film's last fragment where its writing was cut off: bytes that are gone.

    Raises BrokenFile for what is no film even before that, OSError.
    """
    if path.suffix.lower() not in BOXED:
        return 0
    with path.open("r+b", buffering=0) as file:
        end, size = 0, os.fstat(file.fileno()).st_size
        try:
            for box in boxes(file):
                if box.kind != b"moof":  # it says what is in the box behind it: both or none
                    end = box.at + box.size
        except BrokenFile:
            if not end:
                raise
        file.truncate(end)
        return size - end


def add(path: Path, manifest: bytes) -> None:
    """Put a manifest (a store in JUMBF) into a film, or beside it. Raises BrokenFile, OSError.

    The film is as it was if this fails.
    """
    if path.suffix.lower() not in BOXED:
        mode = path.stat().st_mode & 0o777
        with whole(sidecar(path), mode) as file:
            file.write(manifest)
        return
    with path.open("r+b", buffering=0) as film:
        found = list(boxes(film))
        last = found[-1]
        # An index of fragments is looked for at the very end of a film.
        index = b""
        if last.kind == b"mfra" and last.size <= _BEHIND:
            film.seek(last.at)
            index = film.read(last.size)
        end, size = (last.at, last.at + last.size) if index else (last.at + last.size,) * 2
        try:
            _write_at(film, end, _boxed(manifest) + index)
        except OSError:  # over the blocks that it has: a full disk has no others
            _write_at(film, end, index)
            film.truncate(size)
            raise


def _boxed(manifest: bytes) -> bytes:
    """C2PA 2.2, A.5.1: a uuid box, its purpose, and no Merkle tree."""
    body = _UUID + bytes(4) + b"manifest\0" + bytes(8) + manifest
    return struct.pack(">I4s", 8 + len(body), b"uuid") + body


def _write_at(file: IO[bytes], at: int, content: bytes) -> None:
    file.seek(at)
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]
    os.fsync(file.fileno())


def _pieces(file: IO[bytes], at: int, size: int) -> Iterator[memoryview]:
    """Bytes of a file, in one buffer: what is given is good until the next one is asked for."""
    buffer = memoryview(bytearray(min(PIECE, size)))
    file.seek(at)
    while size:
        count = file.readinto(buffer[: min(size, PIECE)])  # type: ignore[attr-defined]
        if not count:
            raise BrokenFile("it got shorter while it was read")
        yield buffer[:count]
        size -= count
