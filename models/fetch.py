"""Downloads a model's files from their second source. The only place that opens a connection.

Only an operator's `visavis models pull` calls it; nothing is ever fetched at run time.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from visavis.models.manifest import CHUNK, File, Manifest, load, sha256

TIMEOUT: Final = 30.0  # seconds without a byte
TRIES: Final = 3  # of one file: a broken connection is taken up again where it broke
SPARE: Final = 64 << 20  # bytes that stay free on the disk

Progress = Callable[[str, int, int], None]  # file name, bytes so far, bytes in all


class FetchError(Exception):
    """A model could not be downloaded; the text says why and of which address."""


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


def pull(
    name: str, into: Path, progress: Progress | None = None, manifest: Manifest | None = None
) -> Path:
    """Download a model into the folder `into`/`name` and return that folder.

    Files that are there and right are kept; a part of an earlier, broken download is continued. A
    file appears under its name only when its sha256 is right. Raises FetchError, ManifestError.
    """
    model = (manifest or load()).model(name)
    if missing := [file.path.name for file in model.files if not file.url]:
        raise _fault(name, f"no second source is known for {', '.join(missing)}")
    folder = into / name
    wanted = [(file, folder / file.path.relative_to(model.folder)) for file in model.files]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        missing_files = [(file, path) for file, path in wanted if not _is_right(file, path)]
        check_space(folder, sum(f.bytes - _size(_part(path)) for f, path in missing_files))
        for file, path in missing_files:
            _fetch(file, path, progress)
    except OSError as error:
        raise _fault(name, f"cannot write to {folder}: {error}") from error
    return folder


def _fault(subject: str, problem: str) -> FetchError:
    return FetchError(f"{subject}: {problem}")


def _is_right(file: File, path: Path) -> bool:
    return path.is_file() and path.stat().st_size == file.bytes and sha256(path) == file.sha256


def check_space(folder: Path, needed: int) -> None:
    """Raises FetchError where so many bytes do not go into a folder."""
    free = shutil.disk_usage(folder).free
    if needed and free < needed + SPARE:
        need, have = needed >> 20, free >> 20
        raise _fault(str(folder), f"{need} MiB needed, {have} MiB free; make room")


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _fetch(file: File, path: Path, progress: Progress | None) -> None:
    """Download one file, in several goes if the connection breaks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _part(path)
    digest = download(file, part, progress)
    if digest != file.sha256:
        part.unlink()
        raise _fault(file.url, "the sha256 is wrong: this is not the file of the manifest")
    part.replace(path)  # not files.whole: a part is kept, so that the next go continues it


def download(file: File, part: Path, progress: Progress | None) -> str:
    """A file, or what `part` lacks of it, in several goes if the connection breaks; its sha256.

    Raises FetchError, and OSError where it cannot be written.
    """
    if _size(part) > file.bytes:
        part.unlink()
    for attempt in range(1, TRIES + 1):
        try:
            return _receive(file, part, progress)
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError) as error:
            if attempt == TRIES or isinstance(error, urllib.error.HTTPError):
                raise _fault(file.url, _reason(error)) from error
        except ConnectionError as error:
            if attempt == TRIES:
                raise _fault(file.url, _reason(error)) from error
    raise AssertionError


def read(url: str, most: int) -> bytes:
    """What an address answers, of so many bytes at most. Raises FetchError."""
    try:
        with _opened(urllib.request.Request(url)) as answer:
            content = answer.read(most + 1)
    except (OSError, http.client.HTTPException) as error:
        raise _fault(url, _reason(error)) from error
    if len(content) > most:
        raise _fault(url, f"more than {most >> 20} MiB")
    return content


def _receive(file: File, part: Path, progress: Progress | None) -> str:
    """Download what `part` lacks and return the sha256 of the whole; raises what urllib raises."""
    have = _size(part)
    if have == file.bytes:
        return sha256(part)
    request = urllib.request.Request(file.url)
    if asked := _range(file, have):
        request.add_header("Range", asked)
    with _opened(request) as answer:
        if answer.status != http.HTTPStatus.PARTIAL_CONTENT:
            have = 0  # a server that does not resume sends the whole file again
            _skip(answer, file.offset or 0)
        digest = hashlib.sha256()
        with part.open("r+b" if have else "wb") as out:
            _hash_start(out.fileno(), have, digest)
            out.seek(have)
            _copy(answer, out.write, digest, file, have, progress)
            out.flush()
            os.fsync(out.fileno())
    return digest.hexdigest()


def _range(file: File, have: int) -> str:
    """What is asked for of a file of which so much is there; "": all of it."""
    if file.offset is not None:
        return f"bytes={file.offset + have}-{file.offset + file.bytes - 1}"
    return f"bytes={have}-" if have else ""


def _skip(answer: http.client.HTTPResponse, count: int) -> None:
    """Read past the parts before this one; an answer that ends there is found out by `_copy`."""
    while count and (data := answer.read(min(CHUNK, count))):
        count -= len(data)


def _opened(request: urllib.request.Request) -> http.client.HTTPResponse:
    if request.type not in ("http", "https"):
        raise _fault(request.full_url, "only http and https addresses can be fetched")
    answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT)
    return answer


def _hash_start(descriptor: int, count: int, digest: _Hash) -> None:
    """Feed the first `count` bytes of an open file to a hash."""
    at = 0
    while at < count:
        data = os.pread(descriptor, min(CHUNK, count - at), at)
        digest.update(data)
        at += len(data)


def _copy(
    answer: http.client.HTTPResponse,
    write: Callable[[bytes], int],
    digest: _Hash,
    file: File,
    have: int,
    progress: Progress | None,
) -> None:
    """Copy the answer; a shorter or longer one than the manifest says is an error.

    Of a part of a file it is none that more follows.
    """
    part = file.offset is not None
    while data := answer.read(min(CHUNK, file.bytes - have) if part else CHUNK):
        have += len(data)
        if have > file.bytes:
            raise _fault(file.url, f"more than the {file.bytes} bytes of the manifest")
        write(data)
        digest.update(data)
        if progress is not None:
            progress(file.path.name, have, file.bytes)
    if have < file.bytes:
        message = f"ended after {have} of {file.bytes} bytes"
        raise http.client.IncompleteRead(message.encode(), file.bytes - have)


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answers {error.code} {error.reason}"
    if isinstance(error, http.client.IncompleteRead):
        return f"broke off with {error.expected} bytes missing"
    if isinstance(error, urllib.error.URLError):
        return f"cannot be reached: {error.reason}"
    return f"the connection failed: {error or type(error).__name__}"
