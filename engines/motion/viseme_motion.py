"""The `Motion` of phonemes: mouth, life, gestures and affect as one face.

Composes what articulation, life, gestures and affect compute and decides nothing about them.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import pairwise
from typing import Final

import numpy as np

from visavis.engines.base import (
    AT_EASE,
    PLAY_RATE,
    Affect,
    Attention,
    Expression,
    FaceState,
    Movement,
    Speech,
)
from visavis.engines.curves import Doubles, Glide, Noise, positive, ramp
from visavis.engines.motion import affect as moods
from visavis.engines.motion.articulation import CUT, Mouth, coefficients
from visavis.engines.motion.behaviour import BEHAVIOURS, borne
from visavis.engines.motion.enunciation import Enunciation, MouthMovement
from visavis.engines.motion.gestures import PAUSE, Gestures
from visavis.engines.motion.life import Life
from visavis.engines.motion.torso import Torso
from visavis.engines.motion.visemes import SILENCE
from visavis.models import arkit
from visavis.models.avatar.rig import GAZE_SPAN

_BLEND: Final = 0.5  # s from one expression to the next
# Who speaks calmly opens the mouth less, who speaks expressively more: of their liveliness, and
# the bounds, within which every shape stays one of speech.
_REACH: Final = 0.3
_REACHES: Final = (0.85, 1.15)

# One standard deviation of the face's own unrest, and how long it takes: nothing that parts lips.
_UNREST: Final = {
    "browInnerUp": 0.035, "browOuterUpLeft": 0.025, "browOuterUpRight": 0.025,
    "eyeSquint": 0.018, "cheekSquint": 0.012, "mouthSmileLeft": 0.005, "mouthSmileRight": 0.005,
}  # fmt: skip
_UNREST_SPACING: Final = 1.6  # s

# Who speaks breathes in between phrases through parted lips: the mouth of real speakers is not
# still in their pauses (THEval's silent lip stability). The jaw drops and the lips hang: drawn
# apart by their own muscles they bare both rows of teeth, as nobody does who breathes.
_PARTED: Final = moods.vector({"jawOpen": 0.375, "mouthFunnel": 0.04})
_BREATH: Final = 0.34  # s of the shortest pause in which one breathes
_INHALE: Final = 0.34  # s in which the lips part
_AFTER: Final = 0.16  # s after the last sound from which on they do, where the pause is long
_HELD: Final = 1.0  # s before the next sound at the earliest
_HEARD: Final = (0.1, 0.4)  # s after the last sound in which a silence that is heard is a pause
_SOON: Final = 0.32  # s after the last sound; before it the mouth closes

# A broad smile bares the upper row: from how much of one on, and over how much more; what parts the
# lips then, and how far the mouth is open all in all, so that who speaks opens no further for it.
_BROAD: Final = (0.5, 0.2)
_BARED: Final = moods.vector({"jawOpen": 0.26, "mouthUpperUp": 0.30, "mouthLowerDown": 0.12})
_SMILE: Final = moods.columns("mouthSmile")

_LIDS: Final = moods.columns("eyeBlink")
_TURN_IN: Final = moods.columns("eyeLookIn")
_OPEN_EYES: Final = [*moods.columns("eyeWide"), *moods.columns("eyeSquint")]
_ROUND: Final = [arkit.INDEX["mouthFunnel"], arkit.INDEX["mouthPucker"]]
_CORNERS: Final = [
    column
    for unit in ("mouthSmile", "mouthFrown", "mouthDimple", "mouthStretch")
    for column in moods.columns(unit)
]
_PARTING: Final = [
    column
    for unit in ("mouthUpperUp", "mouthLowerDown", "jawOpen", "mouthFunnel", "mouthShrugUpper")
    for column in moods.columns(unit)
]
# Limits without a kink: 0 below, 0.6 for the jaw and 1 for the others above.
_SOFT, _SOFT_TOP = 0.012, 0.04
_KNEE: Final = np.where(np.arange(arkit.COUNT) == arkit.INDEX["jawOpen"], 0.6, 1.0) - _SOFT_TOP
# Expressions that add up bend from here on and stay under 0.94, so that gestures still show.
_FULL, _ROOM = 0.6, 0.34


class _Agenda:
    """What is to happen later, in order; what belongs to speech can be forgotten."""

    def __init__(self) -> None:
        self._items: list[tuple[float, int, bool, Callable[[float], None]]] = []
        self._count = 0

    def add(self, at: float, action: Callable[[float], None], *, spoken: bool = False) -> None:
        self._count += 1  # keeps the order of equal times
        heappush(self._items, (at, self._count, spoken, action))

    def forget_spoken(self, start: float) -> None:
        kept = [item for item in self._items if not (item[2] and item[0] >= start)]
        self._items = sorted(kept)

    def run(self, until: float) -> None:
        while self._items and self._items[0][0] <= until:
            at, _, _, action = heappop(self._items)
            action(at)


class VisemeMotion:
    """engines.base.Motion. The same seed and calls give the same face.

    A piece of speech should be told 120 ms before it sounds, so that the mouth can anticipate; told
    later, it joins in within 60 ms.
    """

    def __init__(self, seed: int) -> None:
        life, gestures, unrest = np.random.default_rng(seed).spawn(3)
        self._enunciation = Enunciation()
        self._mouth = Mouth()
        self._life = Life(life)
        self._gestures = Gestures(gestures)
        self._torso = Torso()
        self._unrest = Noise(unrest, len(_UNREST), _UNREST_SPACING)
        self._unrest_map = np.stack([moods.vector({u: a}) for u, a in _UNREST.items()])
        self._nods = unrest.spawn(1)[0]
        self._agenda = _Agenda()
        self._attention: Attention = "idle"
        self._since = 0.0  # s, when the attention last changed
        self._affect = Affect()
        self._expression = AT_EASE
        self._face = Glide(np.zeros(arkit.COUNT))
        self._talking = Glide([0.0])
        self._reach = Glide([1.0])  # of the lips, by how lively it speaks
        self._spoken = -1.0  # end of the last sound, s
        self._breathed = -1.0  # end of the last sound after which a breath was taken
        self._now = 0.0

    def speak(self, at: int, speech: Speech) -> None:
        """Schedule a piece; pieces come in the order in which they sound."""
        start = at / PLAY_RATE
        sounds = self._enunciation.sounds(start, speech)
        voiced = [sound for sound in sounds if sound.viseme is not SILENCE]
        self._mouth.say(self._now, sounds)
        self._gestures.accompany(self._now, start, sounds, speech.words, self._lively)
        self._punctuate(voiced)
        if sounds and not voiced:
            self._pause_heard(start)

    def cut(self, at: int) -> None:
        """Forget all speech from `at` on; the mouth is shut 110 ms after it."""
        time = max(at / PLAY_RATE, self._now)
        self._mouth.cut(self._now, time)
        self._gestures.forget(time)
        self._agenda.forget_spoken(time)
        self._spoken = min(self._spoken, time)
        self._agenda.add(time, self._break_off)

    def attend(self, at: int, attention: Attention) -> None:
        """From `at` on the avatar idles, listens, thinks or speaks."""

        def change(when: float) -> None:
            if attention == self._attention:
                return
            if self._attention == "listening" and attention in {"thinking", "speaking"}:
                self._gestures.nod(when + 0.15, self._lively)
            self._attention, self._since = attention, when
            self._behave(when)
            self._nod_later(when)

        self._agenda.add(at / PLAY_RATE, change)

    def feel(self, at: int, affect: Affect, expression: Expression = AT_EASE) -> None:
        """From `at` on the face blends towards this affect and expression."""

        def change(when: float) -> None:
            if (affect, expression) != (self._affect, self._expression):
                self._affect, self._expression = affect, expression
                self._behave(when)

        self._agenda.add(at / PLAY_RATE, change)

    def move(self, at: int, movement: Movement) -> None:
        """Around `at`, once: a nod, raised brows, ..."""
        self._agenda.add(
            at / PLAY_RATE, lambda when: self._gestures.move(when, movement, self._lively)
        )

    def state(self, at: int) -> FaceState:
        """The face at `at`; calls come in increasing order."""
        time = self._now = max(at / PLAY_RATE, self._now)
        self._agenda.run(time)
        self._life.advance(time)
        nod, brows = self._gestures.at(time)
        pose = self._life.pose(time, float(self._talking.at(time)[0])) + nod
        # Eyes stay on what they look at while the head moves (vestibulo-ocular reflex).
        gaze = self._life.look(time) - pose[:2]
        torso, hair = self._torso.after(time, pose, nod)
        bearing = nod.copy()
        bearing[:2] += self._life.along(time)
        glance = self._life.glance(time) - bearing[:2]
        return FaceState(
            self._coefficients(time, brows).astype(np.float32),
            pose.astype(np.float32),
            gaze.astype(np.float32),
            min(max(self._life.breath(time), 0.0), 1.0),
            torso.astype(np.float32),
            hair,
            time,
            bearing.astype(np.float32),
            glance.astype(np.float32),
        )

    def phoneme_at(self, at: int) -> str:
        """The symbol that the mouth is making at `at`, "" in silence; for tracing."""
        return self._mouth.symbol(at / PLAY_RATE)

    def _coefficients(self, time: float, brows: Doubles) -> Doubles:
        """(52,) in [0, 1]: mouth, expression, gestures and unrest; lids last."""
        channels = self._mouth.channels(time)
        channels[:-2] *= self._reach.at(time)  # seals stay what they are
        mouth = coefficients(channels)
        face = self._face.at(time) + brows + self._unrest.at(time) @ self._unrest_map
        open_still = 1.0 - min(max(float(channels[-2:].max()), 0.0), 1.0)  # but p and f are shut
        face += self._life.parted(time) * open_still * _PARTED
        broad = ramp((float(face[_SMILE].min()) - _BROAD[0]) / _BROAD[1])
        face += positive(broad * _BARED - mouth - face, _SOFT) * (_BARED > 0)
        # A broad smile parts the lips, but they still meet for p, b and m.
        face[_PARTING] *= 1.0 - min(max(float(channels[-2]), 0.0), 1.0)
        # Rounded lips cannot smile: the corners give way to the pucker.
        face[_CORNERS] *= 1.0 - 0.7 * min(max(float(mouth[_ROUND].sum()), 0.0), 1.0)
        total = mouth + face
        lids = self._life.lids(time)
        total[_OPEN_EYES] *= 1.0 - lids
        total = positive(total, _SOFT)
        total -= positive(total - _KNEE, _SOFT_TOP)
        total[_LIDS] += lids * (1.0 - total[_LIDS])
        total[_TURN_IN] += self._life.vergence(time) / GAZE_SPAN
        return np.minimum(total, 1.0)

    def _behave(self, at: float) -> None:
        """Expression, posture, gaze and blinking for the attention and affect in force."""
        affect, expression = self._affect, self._expression
        behaviour = BEHAVIOURS[self._attention]
        face = (
            moods.expressed(affect) + moods.vector(behaviour.face) + moods.vector(expression.face)
        )
        bent = _FULL + _ROOM * np.tanh((face - _FULL) / _ROOM)
        self._face.aim(at, np.where(face > _FULL, bent, face), _BLEND)
        reach = 1.0 + _REACH * (self._lively - 1.0)
        self._reach.aim(at, min(max(reach, _REACHES[0]), _REACHES[1]), _BLEND)
        self._life.behave(
            at, borne(self._attention, expression.away, expression.look),
            moods.posture(affect) + expression.pose, self._lively, moods.restlessness(affect),
        )  # fmt: skip

    @property
    def _lively(self) -> float:
        return moods.liveliness(self._affect) * self._expression.lively

    def _nod_later(self, at: float) -> None:
        """The next nod of a listener, for as long as it listens."""
        since, every = self._since, BEHAVIOURS[self._attention].nods
        if not every:
            return

        def nod(when: float) -> None:
            if self._since == since:
                self._gestures.nod(when, self._lively)
                self._nod_later(when)

        self._agenda.add(at + 1.2 + self._nods.exponential(every - 1.2), nod)

    def _punctuate(self, voiced: list[MouthMovement]) -> None:
        """Head, blink, breath and stillness where phrases begin and end."""
        if not voiced:
            return
        first, last = voiced[0], voiced[-1]
        if first.start - self._spoken > PAUSE:
            self._breathe(self._spoken, first.start)
            self._agenda.add(max(first.start - 0.25, self._now), self._begin_phrase, spoken=True)
        else:
            self._agenda.forget_spoken(self._spoken - 1e-6)  # no pause there after all
            self._agenda.add(max(first.start, self._now), self._talk_on, spoken=True)
        start = first.start
        for before, after in pairwise(voiced):
            if after.start - before.end > PAUSE:
                self._sound(start, before.end)
                self._breathe(before.end, after.start)
                start = after.start
                self._agenda.add(before.end + 0.04, self._pause, spoken=True)
                self._agenda.add(after.start - 0.2, self._begin_phrase, spoken=True)
        self._sound(start, last.end)
        self._agenda.add(last.end + 0.04, self._pause, spoken=True)
        self._agenda.add(last.end + 0.3, self._hush, spoken=True)
        self._spoken = last.end

    def _breathe(self, start: float, end: float) -> None:
        """Lips part in a pause and have met, or speak, when it is over."""
        latest = max(start + 0.1, end - 0.1 - _INHALE)
        opens = max(min(start + _AFTER, latest), end - _HELD, self._now)
        if start < 0.0 or end - start < _BREATH or self._breathed >= start or end - opens < 0.1:
            return
        self._breathed = start
        inhale = min(_INHALE, end - opens)
        self._agenda.add(opens, lambda at: self._life.part(at, inhale), spoken=True)
        self._agenda.add(end - 0.04, lambda at: self._life.meet(at, 0.16), spoken=True)

    def _pause_heard(self, start: float) -> None:
        """Of a voice that is only heard nobody knows when it goes on."""
        if _HEARD[0] < start - self._spoken < _HEARD[1] and self._breathed < self._spoken:
            self._breathed = self._spoken
            opens = max(start, self._spoken + _SOON)
            self._agenda.add(opens, lambda at: self._life.part(at, 0.3, 0.9), spoken=True)
            self._agenda.add(opens + 0.46, lambda at: self._life.meet(at, 0.22), spoken=True)

    def _sound(self, start: float, end: float) -> None:
        self._agenda.add(max(start, self._now), lambda at: self._life.sound(at, end), spoken=True)

    def _break_off(self, at: float) -> None:
        self._talking.aim(at, 0.0, 0.5)
        self._life.sound(at, at)
        self._life.meet(at, CUT)

    def _begin_phrase(self, at: float) -> None:
        self._talk_on(at)
        self._life.phrase(at)

    def _talk_on(self, at: float) -> None:
        self._talking.aim(at, 1.0, 0.45)

    def _pause(self, at: float) -> None:
        self._life.pause(at)

    def _hush(self, at: float) -> None:
        self._talking.aim(at, 0.0, 0.8)
