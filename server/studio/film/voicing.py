"""Clauses spoken, each once: what a voice has said in a prosody is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, replace
from importlib.metadata import version
from typing import Final

from visavis.engines.base import EngineError, Prosody, Speech, Tts, Word
from visavis.server.services import speech_files
from visavis.server.studio.film import wording
from visavis.server.studio.film.keeping import Kept
from visavis.server.system.faults import contained

_FORMAT: Final = "speech 1"


class Voicing:
    """One voice's clauses. edition: what else decides how it sounds: a profile's checksum."""

    def __init__(
        self, name: str, tts: Callable[[], Tts], kept: Kept, pronounce: Mapping[str, str],
        edition: str = "",
    ) -> None:  # fmt: skip
        self._name, self._tts, self._kept = name, tts, kept
        self._pronounce, self._edition = pronounce, edition
        self.made = self.found = 0  # clauses synthesized, and those that were there

    def say(self, text: str, prosody: Prosody) -> tuple[Speech, ...]:
        """A clause as pieces in order; its words are as they are written. Raises EngineError."""
        words = wording.spelled(text, self._pronounce)
        said = wording.joined(words)
        pieces = self._pieces(said, prosody)
        if said == " ".join(text.split()):
            return pieces
        return _as_written(pieces, words)

    def _pieces(self, said: str, prosody: Prosody) -> tuple[Speech, ...]:
        key = self._key(said, prosody)
        if (content := self._kept.read(key)) is not None:
            try:
                pieces = speech_files.decoded(content)
            except (speech_files.DamagedError, ValueError):
                self._kept.drop(key)
            else:
                self.found += 1
                return pieces
        with contained("tts"):
            pieces = tuple(self._tts().synthesize(said, prosody))
        if not pieces:
            raise EngineError("the voice made no sound of a clause")
        self.made += 1
        self._kept.write(key, speech_files.encoded(pieces))
        return pieces

    def _key(self, said: str, prosody: Prosody) -> str:
        told = (
            _FORMAT, version("visavis"), self._name, self._edition, said, astuple(prosody),
        )  # fmt: skip
        return hashlib.sha256(repr(told).encode()).hexdigest()


def _as_written(pieces: Sequence[Speech], words: list[tuple[str, str]]) -> tuple[Speech, ...]:
    """The words of the text in place of those that the voice was given."""
    owners = [at for at, (_, said) in enumerate(words) for _ in said.split()]
    used, made = 0, []
    for piece in pieces:
        heard: list[tuple[int, Word]] = []
        for word in piece.words:
            owner = owners[min(used, len(owners) - 1)]
            used += len(word.text.split())
            again = bool(heard) and heard[-1][0] == owner
            start = heard.pop()[1].start if again else word.start
            heard.append((owner, Word(words[owner][0], start, word.end)))
        made.append(replace(piece, words=tuple(word for _, word in heard)))
    return tuple(made)
