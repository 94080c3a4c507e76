"""Groups of pictures drawn, put together, finished and encoded, several at a time.

A group is one thread's work from its states to its packets, so drawing and encoding keep all cores
busy without waiting for one another, and a group's bytes do not hang on how many threads there are.
"""

from __future__ import annotations

import hashlib
import math
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

import av
import numpy as np

from visavis.engines.base import I420, FaceState, Generator, Portrayal, Puppet
from visavis.server.studio.film import groups
from visavis.server.studio.film.groups import Coding, Still
from visavis.server.studio.film.keeping import Kept
from visavis.server.studio.film.progress import Progress
from visavis.server.system.faults import contained

_GLANCE: Final = 0.5  # s between two words about how far it is


class Setting(Protocol):
    """What is seen around the face, and put into every picture: of one scene, in one thread."""

    def frame(self, face: I420, at: float) -> Still:
        """The film's picture as it goes out; at: s from the scene's beginning."""
        ...

    def close(self) -> None:
        """Nothing more is asked of it."""
        ...


@dataclass(frozen=True, slots=True)
class Set:
    """Where groups of one scene are shot.

    setting: makes what is around the face, for one thread. drawn: a digest of whatever decides a
    picture besides states and setting. around: the same of what is seen around the face in a span,
    s from the scene's beginning. size: px across and down. moves: whether the face's picture
    hangs on the time as well, as one made of a clip does.
    """

    generator: Generator
    puppet: Puppet
    setting: Callable[[], Setting]
    drawn: bytes
    around: Callable[[float, float], bytes]
    size: tuple[int, int]
    moves: bool = False


@dataclass(frozen=True, slots=True)
class Take:
    """states: one a picture. at: of the first one, pictures from the scene's beginning."""

    place: Set
    states: Sequence[FaceState]
    at: int
    coding: Coding


class Shooting:
    """Threads that shoot; to be closed. folder: where groups of this film lie.

    progress: told of each picture, and while there is nothing to do but wait.
    """

    def __init__(
        self, folder: Path, kept: Kept, progress: Progress, threads: int | None = None
    ) -> None:
        self._folder, self._kept, self._progress = folder, kept, progress
        self.threads = threads or cores()
        self._pool = ThreadPoolExecutor(self.threads, "film")
        self._room = threading.Semaphore(2 * self.threads)
        self._settings: dict[int, tuple[Set, Setting]] = {}  # of each thread, the last one
        self._over = threading.Event()
        self.made = self.found = 0  # pictures drawn, and those that were there

    def shoot(self, take: Take) -> Future[Path]:
        """The group's file, once it is there; waits while too many others are asked for.

        Raises Cancelled.
        """
        key = self._key(take)
        path = self._folder / key
        if self._there(key, path, take.coding):
            self.found += len(take.states)
            self._progress.drawn(len(take.states))
            there: Future[Path] = Future()
            there.set_result(path)
            return there
        self.made += len(take.states)
        while not self._room.acquire(timeout=_GLANCE):
            self._progress.tell()
        future = self._pool.submit(self._made, take, key, path)
        future.add_done_callback(lambda _: self._room.release())
        return future

    def finish(self, shot: Sequence[Future[Path]]) -> None:
        """Wait for all of them. Raises what the first that failed raised, and Cancelled."""
        for future in shot:
            while not wait([future], _GLANCE).done:
                self._progress.tell()
            future.result()

    def close(self) -> None:
        """What is under way ends at its next picture."""
        self._over.set()
        self._pool.shutdown(cancel_futures=True)
        for _, setting in self._settings.values():
            setting.close()

    def _there(self, key: str, path: Path, coding: Coding) -> bool:
        for known in (path.exists, lambda: self._kept.link(key, path)):
            if not known():
                continue
            try:
                groups.read(path, coding)
            except (OSError, groups.DamagedError, av.FFmpegError, ValueError):
                self._kept.drop(key)
                path.unlink(missing_ok=True)
            else:
                return True
        return False

    def _made(self, take: Take, key: str, path: Path) -> Path:
        if not path.exists():  # the same sentence twice in one film
            pictures = self._pictures(take)
            groups.write(path, pictures, take.coding, take.place.size)
            self._kept.adopt(key, path)
        return path

    def _pictures(self, take: Take) -> Iterator[Still]:
        place, setting = take.place, self._setting(take.place)
        for count, state in enumerate(take.states):
            if self._over.is_set():
                raise InterruptedError("the film is not wanted any more")
            at = (take.at + count) / groups.FPS
            now = replace(state, elapsed=at)
            with contained("generator"):
                (face,) = place.generator.draw([Portrayal(place.puppet, now)], math.inf)
            yield setting.frame(face, at)
            self._progress.drawn(1)

    def _setting(self, place: Set) -> Setting:
        """This thread's, of the scene that it shot last."""
        thread = threading.get_ident()
        known = self._settings.get(thread)
        if known is not None and known[0] is place:
            return known[1]
        made = place.setting()
        self._settings[thread] = place, made
        if known is not None:
            known[1].close()
        return made

    def _key(self, take: Take) -> str:
        place = take.place
        begin, end = take.at / groups.FPS, (take.at + len(take.states)) / groups.FPS
        digest = hashlib.sha256(
            groups.edition(take.coding) + place.drawn + repr(place.size).encode()
        )
        digest.update(place.around(begin, end))
        if place.moves:
            digest.update(repr(take.at).encode())
        for state in take.states:
            digest.update(state.coefficients.tobytes() + state.pose.tobytes())
            digest.update(state.gaze.tobytes() + np.array([state.breath, state.hair]).tobytes())
            digest.update(b"" if state.torso is None else state.torso.tobytes())
        return digest.hexdigest()


def cores() -> int:
    """That this process may use."""
    with suppress(AttributeError):
        return max(len(os.sched_getaffinity(0)), 1)
    return max(os.cpu_count() or 1, 1)
