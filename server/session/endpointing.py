"""When a visitor's turn begins, pauses and ends, by voice activity and evidence. No audio."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from visavis.engines.base import CERTAIN
from visavis.engines.language.languages import ENGLISH, LANGUAGES, code_of, is_english
from visavis.engines.language.phrases import closed, dangling, open_ended, opens, words_of

FRAME_MS: Final = 20
Change = Literal["started", "paused", "resumed"]

_RECENT: Final = 20  # frames that are looked back upon
# Voiced frames, of so many, with which a turn goes on: after a pause, and after its end.
_AGAIN: Final = 2, 4
_ANEW: Final = 3, 5
# What is taken for voice and has no words must have been silent for so long, in ms, before a turn
# can begin; and for how long that holds at most.
_QUIET: Final = 200
_WORDLESS: Final = 15_000


# What each finding adds to the log odds that a turn is over: logistic regression over 1017 finished
# and broken-off utterances (`docs/figures.md`), rounded. What a question mark takes away: voices
# that break off are often written as short questions.
_OPEN: Final = -1.8
_ASKED: Final = -0.4
_SOUND: Final = 0.35  # times those of the sound: the network was not trained on every voice
_SURE: Final = 0.8  # of its answer is a mind that may give it at once
# So sure is it of a question that it has in nearly these words. It is `base.CERTAIN` of one that it
# has word for word: then that is whole, whatever its last word and its marks.
_NEARLY: Final = 0.95
_LONG: Final = 4  # words that need no mark behind them to be nearly such a question
_UNSAID: Final = 1.4  # where the mind does not say how sure it is

# How long a silence ends a turn, by the odds. A finished sentence is answered within 1.2 s, and a
# hesitation of 0.9 s is not broken into.
_ODDS: Final = (-3.0, -1.5, 0.0, 1.0, 2.0)
_SILENCES: Final = (1500, 1050, 850, 500, 320)
# Where a sentence breaks off, however finished it sounds.
_HANGING: Final = 1500
# The same for a whole sentence that the mind surely answers, by its sound alone: from what sounds
# broken off to what may be over.
_SOUNDS: Final = (-4.0, -2.0, 0.0)
_KNOWN_SILENCES: Final = (550, 350, 240)
_VERBATIM_SILENCES: Final = (500, 280, 160)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for the end of a turn at a pause.

    text: the words so far. finished: the probability by their sound, None: not known. sure: how
    sure the mind is of its answer, None: it does not say, or not yet. language: of the words. What
    is known of English words alone counts for nothing in others.
    """

    text: str
    finished: float | None = None
    sure: float | None = None
    language: str = "en"

    @property
    def known(self) -> bool:
        """Whether the mind is sure of its answer to a whole sentence."""
        return self.verbatim or (self._whole and self.sure is not None and self.sure >= _SURE)

    @property
    def verbatim(self) -> bool:
        """Whether it is a question that the mind knows as it is, or nearly so.

        "What time is ..." is nearly "What time is it?".
        """
        if not self._nearly_known or self._only_opens:
            return False
        long = len(words_of(self.text)) >= _LONG and not self.hanging
        return self.sure == CERTAIN or self._whole or long

    @property
    def _nearly_known(self) -> bool:
        return self.sure is not None and self.sure >= _NEARLY

    @property
    def hanging(self) -> bool:
        """Whether it breaks off before something that must follow."""
        if is_english(self.language):
            return dangling(self.text, familiar=self._nearly_known)
        return open_ended(self.text)

    @property
    def _whole(self) -> bool:
        return self._closed and not self.hanging and not self._only_opens

    @property
    def _closed(self) -> bool:
        """Whether it is written as finished, or in a language in which nobody could tell."""
        marked = LANGUAGES.get(code_of(self.language), ENGLISH).marked
        return closed(self.text) or not marked

    @property
    def _only_opens(self) -> bool:
        return is_english(self.language) and opens(self.text)

    @property
    def sound(self) -> float:
        """Log odds of an end by the sound, in [-3.9, 3.9]; 0 where it is not known."""
        p = 0.5 if self.finished is None else min(max(self.finished, 0.02), 0.98)
        return math.log(p / (1.0 - p))

    @property
    def odds(self) -> float:
        """Log odds of an end by all that is known."""
        sure = _UNSAID if self.sure is None else self.sure
        return self._by_words + _SOUND * self.sound + sure

    @property
    def _by_words(self) -> float:
        if not self._closed:
            return _OPEN
        return _ASKED if self.text.rstrip().endswith("?") else 0.0


@dataclass(frozen=True, slots=True)
class Endpointing:
    """Thresholds in milliseconds of voice or of silence."""

    onset: int = 80  # voice within twice that time, before speech counts as begun
    onset_over_reply: int = 60  # the same while the avatar speaks: it is only held then
    # Silence after which the words so far are transcribed: they are known 110 ms later. At 40 the
    # answer comes 20 ms later, and a quarter less is transcribed in pauses within and after words.
    pause: int = 20
    pause_over_reply: int = 40  # the same: a cough that has gaps must not keep the ears busy
    listens: tuple[int, ...] = (80, 200)  # when the sound is asked: a longer pause tells more
    least: int = 160  # silence that ends a turn which is surely over
    held: int = 280  # the same over a reply that is held, and is to go on
    settled: int = 1500  # silence after which nothing that is said belongs to the turn before
    unheard: int = 6_000  # silence after which words that have not come are given up
    unbroken: int = 4_000  # voice without a pause, after which it is looked whether it has words
    longest: int = 180_000  # a turn that does not end is taken as it is, at the next pause
    pauseless: int = 10_000  # more than that, where none comes

    def silence_for(self, found: Evidence) -> int:
        """How long a silence ends the turn: `least` to 1500 ms."""
        if not found.known:
            if found.hanging:
                return _HANGING
            return round(float(np.interp(found.odds, _ODDS, _SILENCES)))
        silences = _VERBATIM_SILENCES if found.verbatim else _KNOWN_SILENCES
        return max(self.least, round(float(np.interp(found.sound, _SOUNDS, silences))))


class Endpointer:
    """Counts 20 ms frames. `talking` from the start of a turn until `reset`."""

    def __init__(self, limits: Endpointing) -> None:
        self._limits = limits
        self._recent: deque[bool] = deque(maxlen=_RECENT)
        self.talking = False
        self._was_paused = False
        self._again = _AGAIN
        self.silence = 0  # ms since the last voice
        self.voice = 0  # ms of voice without a pause
        self._pause = limits.pause
        self._wordless = 0  # ms for which what is heard begins no turn

    def push(self, voice: bool, over_reply: bool, *, near: bool = True) -> Change | None:
        """One frame; what it changes. near: no turn begins without it."""
        self._recent.append(voice)
        if self._was_paused:  # one frame alone is a click, not the next word
            enough, within = self._again
            voice = voice and sum(list(self._recent)[-within:]) >= enough
        self.silence = 0 if voice else self.silence + FRAME_MS
        self.voice = self.voice + FRAME_MS if voice else self.voice
        if not self.talking:
            self._wordless = 0 if self.silence >= _QUIET else max(0, self._wordless - FRAME_MS)
            if self._wordless or not near:
                return None
            return self._start(over_reply)
        if voice and self._was_paused:
            self._was_paused, self._again = False, _AGAIN
            return "resumed"
        if self.silence == self._pause:
            self._was_paused, self.voice = True, 0
            return "paused"
        return None

    def begin(self) -> bool:
        """A turn over a reply that was not noticed when it began; whether one may begin now.

        Voice is taken to have been heard just now.
        """
        if self.talking or self._wordless:
            return False
        self._pause = self._limits.pause_over_reply
        self.talking, self._was_paused, self.silence = True, False, 0
        return True

    def linger(self) -> None:
        """The turn is over, unless the visitor goes on; that takes more than a click."""
        self._recent.clear()
        self._was_paused, self._again = True, _ANEW

    def _start(self, over_reply: bool) -> Change | None:
        limits = self._limits
        onset = limits.onset_over_reply if over_reply else limits.onset
        self._pause = limits.pause_over_reply if over_reply else limits.pause
        window = list(self._recent)[-2 * onset // FRAME_MS :]
        if sum(window) * FRAME_MS < onset:
            return None
        self.talking, self._was_paused = True, False
        return "started"

    def reset(self, *, wordless: bool = False) -> None:
        """The turn is over. wordless: what was heard last is noise, and may go on."""
        self._wordless = _WORDLESS if wordless else 0
        self.talking, self._was_paused, self._again = False, False, _AGAIN
        self.voice = 0
        self._recent.clear()
