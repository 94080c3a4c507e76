"""The playout buffer of a session, indexed by tick, with any number of readers."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from visavis.engines.base import Pcm, SoundFinish
from visavis.server.playout.messages import FRAME, PACKET, Picture, Spoken, Tick, ms

FADE: Final[Tick] = ms(30)
MEMORY: Final[Tick] = ms(2000)  # played sound is kept this long for the echo canceller
_MAX_PICTURES: Final = 25
# What is put into sound is put in for so long a piece in one go, and once for all who read it:
# 100 ms take 1.4 times as long as 20.
_BLOCK: Final[Tick] = 5 * PACKET
_BLOCKS: Final = 8  # that are kept


@dataclass(slots=True)
class _Segment:
    """Scheduled speech that plays from `spoken.at` to `end`, fading out from `fade_at`."""

    spoken: Spoken
    end: Tick
    fade_at: Tick | None = None


@dataclass(frozen=True, slots=True)
class _Word:
    """A scheduled word; it counts as heard from its middle on."""

    turn: int
    middle: Tick
    end: Tick
    text: str


class Timeline:
    """What is heard and seen at each tick. `put` drops speech of a turn that is over.

    finish: puts into all sound what is to be in it; None: nothing is.
    """

    def __init__(self, finish: SoundFinish | None = None) -> None:
        self._finish = finish
        self.turn = 0
        self.end: Tick = 0  # the tick after the last scheduled sound
        self.dropped = 0  # stale speech and late pictures that were refused
        self._segments: deque[_Segment] = deque()
        self._finished: dict[int, Pcm] = {}  # blocks, by number
        self._words: list[_Word] = []
        self._held_at: Tick = 0
        self._pictures: deque[Picture] = deque()
        self._readers: list[Reader] = []

    def reader(self) -> Reader:
        """One more who plays from here; `close` it when done."""
        reader = Reader(self)
        self._readers.append(reader)
        return reader

    def put(self, message: Spoken | Picture) -> bool:
        """Schedule; False when the turn is stale, or the picture's time has passed."""
        fits = self._put_picture(message) if isinstance(message, Picture) else self._say(message)
        self.dropped += not fits
        return fits

    def _say(self, spoken: Spoken) -> bool:
        if spoken.turn != self.turn:
            return False
        self._segments.append(_Segment(spoken, spoken.end))
        self._change(spoken.at)
        self._words += [
            _Word(
                spoken.turn,
                spoken.at + (word.start + word.end) // 2,
                spoken.at + word.end,
                word.text,
            )
            for word in spoken.clause.speech.words
        ]
        self.end = max(self.end, spoken.end)
        return True

    def _put_picture(self, picture: Picture) -> bool:
        if picture.at <= self._shown:
            return False
        self._pictures.append(picture)
        while self._pictures[0].at <= self._shown:
            self._pictures.popleft()
        if len(self._pictures) > _MAX_PICTURES:  # nobody watches: keep the newest
            self._pictures.popleft()
        return True

    @property
    def _shown(self) -> Tick:
        """Pictures up to here have had their chance with every reader."""
        return min((reader.shown for reader in self._readers), default=-1)

    @property
    def newest(self) -> Picture | None:
        """The picture that was drawn last."""
        return self._pictures[-1] if self._pictures else None

    def audio(self, at: Tick, count: int = PACKET) -> Pcm:
        """(count,) int16 from `at`; silence where nothing is scheduled. Reading changes nothing."""
        if self._finish is None:
            return self._scheduled(at, count)
        if count > _BLOCK:
            return self._finished_at(at, count, self._finish)
        number, begin = divmod(at, _BLOCK)
        sound = self._block(number, self._finish)[begin : begin + count]
        if len(sound) == count:
            return sound.copy()
        return np.concatenate([sound, self._block(number + 1, self._finish)[: count - len(sound)]])

    def _block(self, number: int, finish: SoundFinish) -> Pcm:
        """Finished sound of _BLOCK ticks, as it is scheduled now."""
        block = self._finished.get(number)
        if block is None:
            block = self._finished[number] = self._finished_at(number * _BLOCK, _BLOCK, finish)
            if len(self._finished) > _BLOCKS:
                del self._finished[next(iter(self._finished))]
        return block

    def _finished_at(self, at: Tick, count: int, finish: SoundFinish) -> Pcm:
        return finish.finish(self._scheduled(at - finish.reach, finish.reach + count), at)

    def _change(self, at: Tick) -> None:
        """What sounds from `at` on is not what it was."""
        for number in [n for n in self._finished if (n + 1) * _BLOCK > at]:
            del self._finished[number]

    def sound_of(self, spoken: Spoken) -> Pcm:
        """All of a piece of speech as it plays where nothing cuts it, for who takes it ahead."""
        sound = spoken.clause.speech.pcm
        if self._finish is None:
            return sound
        silence = np.zeros(self._finish.reach, np.int16)
        return self._finish.finish(np.concatenate([silence, sound]), spoken.at)

    def _scheduled(self, at: Tick, count: int) -> Pcm:
        out = np.zeros(count, np.int16)
        for segment in self._segments:
            first, last = max(at, segment.spoken.at), min(at + count, segment.end)
            if first < last:
                out[first - at : last - at] = _sound(segment, first, last)
        return out

    def audible(self, at: Tick) -> bool:
        """Whether a reply sounds at `at` or later."""
        return self.end > at

    @property
    def scheduled(self) -> tuple[Spoken, ...]:
        """Speech that was placed and not cut, in order: what has sounded lately, and what will."""
        return tuple(each.spoken for each in self._segments if each.fade_at is None)

    def cut(self, at: Tick, turn: int) -> None:
        """Begin `turn`: what sounds at `at` fades out within FADE, what comes later is gone."""
        ended, self.turn = self.turn, turn
        self._hush(at)
        self._words = [w for w in self._words if w.turn >= ended and w.middle <= at]

    def hold(self, at: Tick) -> None:
        """Be silent from `at` on as after a cut, in the same turn: the rest is put again later."""
        self._hush(at)
        self._words = [w for w in self._words if w.middle <= at]
        self._held_at = at

    def go_on(self) -> None:
        """What was held is put again: the word that was cut then will be heard as a whole."""
        self._words = [w for w in self._words if w.turn != self.turn or w.end <= self._held_at]

    def _hush(self, at: Tick) -> None:
        for segment in self._segments:
            if segment.end > at and segment.fade_at is None:
                segment.fade_at, segment.end = at, min(segment.end, at + FADE)
                self._change(at)
        self._segments = deque(s for s in self._segments if s.spoken.at < s.end)
        self.end = min(self.end, at + FADE)

    def heard_until(self, at: Tick, turn: int) -> str:
        """The words of `turn` (the current or the last one) that had sounded by `at`."""
        return " ".join(w.text for w in self._words if w.turn == turn and w.middle <= at)

    def spoke(self, at: Tick) -> bool:
        """Whether a word of this turn had sounded by `at`."""
        return any(w.turn == self.turn and w.middle <= at for w in self._words)

    def forget(self, before: Tick) -> None:
        """Let go of sound that ended before `before`."""
        while self._segments and self._segments[0].end <= before:
            self._segments.popleft()


class Reader:
    """One who plays a timeline: a viewer's tracks, a recorder."""

    def __init__(self, timeline: Timeline) -> None:
        self.shown: Tick = -1  # pictures up to here have had their chance here
        self._timeline = timeline

    def audio(self, at: Tick, count: int = PACKET) -> Pcm:
        """(count,) int16 from `at`, as `Timeline.audio`."""
        return self._timeline.audio(at, count)

    def picture(self, at: Tick) -> Picture | None:
        """The newest picture due in the frame that begins at `at`; None: it did not come in time.

        Each picture is given to a reader once; `at` grows from call to call.
        """
        first, self.shown = max(at - FRAME, self.shown), at
        due = (p for p in reversed(self._timeline._pictures) if first < p.at <= at)
        return next(due, None)

    def close(self) -> None:
        """What is not read by others may go."""
        if self in self._timeline._readers:
            self._timeline._readers.remove(self)


def _sound(segment: _Segment, first: Tick, last: Tick) -> Pcm:
    start = segment.spoken.at
    pcm = segment.spoken.clause.speech.pcm[first - start : last - start]
    if segment.fade_at is None or last <= segment.fade_at:
        return pcm
    gain = 1.0 - (np.arange(first, last) - segment.fade_at) / FADE
    return (pcm * np.clip(gain, 0.0, 1.0)).astype(np.int16)
