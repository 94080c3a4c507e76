"""Where results lie, and files that jobs need: a folder of this machine, or a store of many.

Stores are those of fsspec: s3://, gs://, sftp:// and others, by the packages that speak them.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from visavis.models.files import private_folder
from visavis.server.jobs.working import FULL
from visavis.server.system.errors import QueueError
from visavis.server.system.faults import fault

log = logging.getLogger(__name__)

_INPUTS: Final = "inputs"
_PIECE: Final = 1 << 20  # bytes
R = TypeVar("R")


class Store(Protocol):
    """None of it is for the event loop. Raises QueueError where the store cannot be used."""

    def place(self, id: str, scratch: Path) -> Path:
        """Where a job writes: in the store itself, or below a folder of this machine."""
        ...

    def put(self, id: str, folder: Path, names: Iterable[str]) -> None:
        """Its finished files, out of that folder; the same again is no harm."""
        ...

    def get(self, id: str, cache: Path) -> Path:
        """A folder of this machine that has them."""
        ...

    def remove(self, id: str) -> None:
        """Nothing, where there is nothing."""
        ...

    def sweep(self, age: float) -> None:
        """Files of jobs that nobody has needed for so many s."""
        ...

    def share(self, folder: Path) -> str:
        """Files that a job needs, for all machines: their name from then on."""
        ...

    def shared(self, name: str, cache: Path) -> Path:
        """A folder of this machine that has those."""
        ...


class Folder:
    """One that all who work see at the same path. elsewhere: files to be shared lie beyond it."""

    def __init__(self, folder: Path, *, elsewhere: bool = False) -> None:
        self._folder, self._elsewhere = folder, elsewhere

    def place(self, id: str, scratch: Path) -> Path:
        """See Store."""
        return self._folder / id

    def put(self, id: str, folder: Path, names: Iterable[str]) -> None:
        """They are there already."""

    def get(self, id: str, cache: Path) -> Path:
        """See Store."""
        return self._folder / id

    def remove(self, id: str) -> None:
        """See Store."""
        remove(self._folder / id)

    def sweep(self, age: float) -> None:
        """See Store."""
        if self._elsewhere:
            swept(self._folder / _INPUTS, age)

    def share(self, folder: Path) -> str:
        """See Store."""
        if not self._elsewhere:
            return str(folder)
        name = digest(folder)
        place = self._folder / _INPUTS / name
        if not place.is_dir():
            _whole(place, lambda new: shutil.copytree(folder, new, dirs_exist_ok=True))
        os.utime(place)  # it is needed yet
        return name

    def shared(self, name: str, cache: Path) -> Path:
        """See Store."""
        return self._folder / _INPUTS / name if self._elsewhere else Path(name)


class Remote:
    """One that fsspec reaches. address: its URL."""

    def __init__(self, address: str) -> None:
        try:
            import fsspec  # type: ignore[import-untyped]  # an extra: visavis[jobs]

            self._files, self._root = fsspec.core.url_to_fs(address)
        except ImportError as error:
            msg = f"jobs_results {address} needs a package: install visavis[s3] ({error.name})"
            raise QueueError(msg) from error
        except ValueError as error:
            msg = f"jobs_results is {address}: nothing here speaks that; write s3://... or a folder"
            raise QueueError(msg) from error

    def place(self, id: str, scratch: Path) -> Path:
        """See Store."""
        return scratch / id

    def put(self, id: str, folder: Path, names: Iterable[str]) -> None:
        """See Store."""
        self._put(f"{self._root}/{id}", folder, names)

    def get(self, id: str, cache: Path) -> Path:
        """See Store."""
        return self._got(f"{self._root}/{id}", cache / id)

    def remove(self, id: str) -> None:
        """See Store."""
        place = f"{self._root}/{id}"
        self._try(lambda: self._files.exists(place) and self._files.rm(place, recursive=True))

    def sweep(self, age: float) -> None:
        """Stores have rules of their own for that."""

    def share(self, folder: Path) -> str:
        """See Store."""
        name = digest(folder)
        place = f"{self._root}/{_INPUTS}/{name}"
        done = f"{place}.whole"
        if not self._try(lambda: self._files.exists(done)):
            names = [str(path.relative_to(folder)) for path in _files(folder)]
            self._put(place, folder, names)

            def tell() -> None:
                self._files.makedirs(done.rpartition("/")[0], exist_ok=True)
                self._files.pipe_file(done, b".")

            self._try(tell)
        return name

    def shared(self, name: str, cache: Path) -> Path:
        """See Store."""
        return self._got(f"{self._root}/{_INPUTS}/{name}", cache / name)

    def _put(self, place: str, folder: Path, names: Iterable[str]) -> None:
        for name in names:
            at = f"{place}/{name}"

            def put(at: str = at, name: str = name) -> None:
                self._files.makedirs(at.rpartition("/")[0], exist_ok=True)
                self._files.put_file(str(folder / name), at)

            self._try(put)

    def _got(self, place: str, folder: Path) -> Path:
        if not folder.is_dir():
            _whole(folder, lambda new: self._try(lambda: self._fetch(place, new)))
        os.utime(folder)  # it is needed yet
        return folder

    def _fetch(self, place: str, folder: Path) -> None:
        self._files.invalidate_cache()
        for found in self._files.find(place):
            name = found.partition(place.lstrip("/") + "/")[2]
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            self._files.get_file(found, str(path))

    def _try(self, work: Callable[[], R]) -> R:
        """Whatever the store's package raises: a network has many faults."""
        try:
            return work()
        except (MemoryError, KeyboardInterrupt):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in FULL:
                raise  # the disk of this machine
            raise QueueError(f"The store of results cannot be used: {fault(error)}.") from error


def store(address: str, home: Path) -> Store:
    """By the setting. home: results of an installation without one. Raises QueueError."""
    if not address:
        return Folder(home)
    if "://" in address:
        return Remote(address)
    return Folder(Path(address).expanduser(), elsewhere=True)


def digest(folder: Path) -> str:
    """What names and contents of its files come to."""
    found = hashlib.sha256()
    for path in _files(folder):
        found.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                found.update(piece)
    return found.hexdigest()[:32]


def remove(folder: Path) -> None:
    """What cannot be removed stays, and is told of."""
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        pass
    except OSError as error:
        log.warning("results of a job cannot be removed", extra={"fault": fault(error)})


def swept(folder: Path, age: float) -> None:
    """Remove the folders in it that nobody has touched for so many s."""
    try:
        old = [each for each in folder.iterdir() if each.stat().st_mtime < time.time() - age]
    except OSError:  # there is none
        return
    for each in old:
        remove(each)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _whole(folder: Path, fill: Callable[[Path], Any]) -> None:
    """Filled under another name first, so that a half of it is never taken for all."""
    private_folder(folder.parent)
    new = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
    try:
        fill(new)
        new.rename(folder)
    except FileExistsError:
        remove(new)  # somebody else was as fast
    except OSError as error:
        remove(new)
        if not folder.is_dir():
            raise QueueError(f"Files of a job cannot be kept: {error.strerror}.") from error
    except BaseException:
        remove(new)
        raise
