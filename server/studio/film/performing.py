"""A scene spoken: sentences with their sound, each ready to be acted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np

from visavis.engines.base import PLAY_RATE, Demeanour, Pcm, Phoneme, Prosody, Speech, Word
from visavis.engines.direction.styles import ActiveStyles
from visavis.server.studio.document.project import Scene
from visavis.server.studio.film import recorded, wording
from visavis.server.studio.film.acting import FRAME, Piece, Sentence, Stance, stance
from visavis.server.studio.film.casting import Cast, Role
from visavis.server.studio.film.voicing import Voicing
from visavis.server.studio.layers.cues import Said

_EMPTY: Final = 2.0  # s of a scene in which nothing is said, at least
_ARRIVE: Final = 10  # pictures of a face that is there before a scene's first word

_LINGER: Final = round(0.8 * PLAY_RATE)
# Of a movement that goes with no word.
_SILENCE: Final = (Speech(np.zeros(_LINGER, np.int16), (Phoneme("", 0, _LINGER),), (), "espeak"),)


Tell = Callable[[float], None]  # the share of a scene's sentences that are spoken, in (0, 1]


def _untold(_share: float) -> None:
    """Nobody asks."""


@dataclass(slots=True)
class Performed:
    """A scene, spoken. words: with their times, samples from its first picture."""

    role: Role
    scene: Scene
    sentences: list[Sentence] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def said(self) -> list[Said]:
        """Its words, s from its first picture."""
        return [
            Said(word.text, word.start / PLAY_RATE, word.end / PLAY_RATE) for word in self.words
        ]

    @property
    def pictures(self) -> int:
        """How many it has."""
        return sum(sentence.pictures for sentence in self.sentences)

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.pictures * FRAME / PLAY_RATE


@dataclass(frozen=True, slots=True)
class _Spoken:
    """A sentence before it knows its neighbours. length: samples from its first sound on."""

    text: str
    pieces: tuple[Piece, ...]
    length: int
    demeanour: Demeanour  # at its end


def performed(
    cast: Cast,
    scene: Scene,
    role: Role,
    voicing: Voicing | None,
    folder: Path,
    before: Demeanour,
    tell: Tell = _untold,
) -> Performed:
    """scene: complete. before: how the face was left by what is shown before.

    tell: called after each sentence that is spoken; what it raises ends the scene.

    Raises EngineError, ManifestError, ConfigError.
    """
    made = Performed(role, scene)
    at_rest = general(cast, scene)
    if voicing is None:
        spoken = _recorded(folder, scene.sound, at_rest, made)
    else:
        spoken = _said(cast, scene, role, voicing, made, tell)
    silence = round(max(scene.after, 0.0) * PLAY_RATE)
    if spoken:
        spoken[-1] = replace(spoken[-1], length=spoken[-1].length + silence)
    else:
        spoken = [_Spoken("", (), max(silence, round(_EMPTY * PLAY_RATE)), at_rest)]
    _joined(made, spoken, before, at_rest)
    return made


def sound(sentence: Sentence) -> Pcm:
    """As long as its pictures."""
    made = np.zeros(sentence.pictures * FRAME, np.int16)
    for piece in sentence.pieces:
        at = sentence.sounds_at + piece.at
        pcm = piece.speech.pcm[: max(len(made) - at, 0)]
        made[at : at + len(pcm)] = pcm
    return made


def general(cast: Cast, scene: Scene) -> Demeanour:
    """How a complete scene's style has the face. Raises EngineError, ManifestError."""
    if not scene.style:
        return Demeanour()
    return ActiveStyles().directed(cast.director.understand(scene.style)).demeanour


def _joined(
    made: Performed, spoken: Sequence[_Spoken], before: Demeanour, at_rest: Demeanour
) -> None:
    """Each sentence begins where the one before ended; a scene ends as its style has it."""
    begins = Stance(before, 0)
    for at, each in enumerate(spoken):
        last = at + 1 == len(spoken)
        ends = Stance(at_rest, 0) if last else stance(spoken[at + 1].text, each.demeanour)
        sentence = Sentence(each.pieces, each.length, begins, ends, 0 if at else _ARRIVE)
        start = made.pictures * FRAME + sentence.sounds_at
        made.words += [
            Word(word.text, start + piece.at + word.start, start + piece.at + word.end)
            for piece in each.pieces
            for word in piece.speech.words
        ]
        made.sentences.append(sentence)
        begins = ends


# --- from a text ---------------------------------------------------------------------------------


def _said(
    cast: Cast, scene: Scene, role: Role, voicing: Voicing, made: Performed, tell: Tell
) -> list[_Spoken]:
    words = wording.worded(scene.text, scene.style, role.language, cast.director)
    if words.dropped:
        made.notes.append(f"not understood: {', '.join(dict.fromkeys(words.dropped))}")
    if words.unsaid:
        unsaid = " ".join(dict.fromkeys(words.unsaid))
        made.notes.append(f"left out, for the voice cannot say it: {unsaid}")
    if scene.text and not any(clause.text for each in words.sentences for clause in each):
        made.notes.append(f"nothing is said in the scene {scene.name}")
    rate = getattr(scene, "rate", 1.0)
    spoken: list[_Spoken] = []
    for clauses in words.sentences:
        spoken.append(_voiced(clauses, voicing, rate))
        tell(len(spoken) / len(words.sentences))
    return spoken


def _voiced(clauses: Sequence[wording.Clause], voicing: Voicing, rate: float) -> _Spoken:
    pieces: list[Piece] = []
    at = 0
    for clause in clauses:
        movements = clause.movements
        prosody = _paced(clause.demeanour.prosody, rate)
        for speech in voicing.say(clause.text, prosody) if clause.text else _SILENCE:
            pieces.append(Piece(at, speech, clause.demeanour, movements))
            movements = ()
            at += len(speech.pcm)
        at += round(clause.after * PLAY_RATE)
    text = " ".join(clause.text for clause in clauses)
    return _Spoken(text, tuple(pieces), at, clauses[-1].demeanour)


def _paced(prosody: Prosody, rate: float) -> Prosody:
    return replace(prosody, speed=min(max(prosody.speed * rate, 0.5), 2.0))


# --- from a recording ----------------------------------------------------------------------------


def _recorded(folder: Path, name: str, at_rest: Demeanour, made: Performed) -> list[_Spoken]:
    found, faults = recorded.parts(folder, name)
    made.notes += faults
    return [_heard(part, number, at_rest) for number, part in enumerate(found)]


def _heard(part: recorded.Part, number: int, at_rest: Demeanour) -> _Spoken:
    demeanour = recorded.tempered(at_rest, part.arousal)
    pieces: list[Piece] = []
    at = 0
    for speech in part.pieces:
        pieces.append(Piece(at, speech, demeanour))
        at += len(speech.pcm)
    return _Spoken(str(number), tuple(pieces), part.length, demeanour)
