"""The cases: what is said to a session, by whom, and what is to come of it.

The same cases each time: whatever is drawn is drawn from a seed, a case's own name.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Final

import numpy as np

from bench.hearing import cutting, odd, phrases, room
from bench.hearing.people import (
    LEVEL,
    VOICES,
    Clip,
    levelled,
    loud_until,
    prompt,
    readers,
    says,
)
from bench.hearing.stage import Scene, track
from bench.live.questions import MORE, QUESTIONS
from visavis.engines.base import Floats
from visavis.server.playout.messages import Tick, ms

LEAD: Final[Tick] = ms(1200)  # of a quiet room, before anybody speaks
AFTER: Final[Tick] = ms(4500)  # after the last word: a hesitation and a slow answer fit into it
TIGHT: Final[Tick] = ms(140)
_SMALL_TALK: Final[Tick] = ms(2600)  # from one short reply to the next
_INTO: Final[Tick] = ms(3000)  # into the reply, where somebody speaks over it


@dataclass(frozen=True, slots=True)
class Case:
    """One scene, and what is known of it.

    said: the visitor's words. speech: from where to where they speak, ticks; as in `bench live`,
    it ends with the last 10 ms over 0.6 % of full scale. right: what a right answer holds.
    text: what the avatar says while a noise is made, from `begins` on.
    """

    name: str
    set: str
    scene: Scene
    said: str
    speech: tuple[Tick, Tick]
    right: str = ""
    text: str = ""
    begins: Tick = 0
    notes: dict[str, str] = field(default_factory=dict)


Make = Callable[[], Case]


def _rng(name: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(name.encode()))


def _utterance(name: str, kind: str, clip: Clip, right: str = "", after: Tick = AFTER) -> Case:
    """A clip in a quiet room."""
    length = LEAD + len(clip.sound) + after
    hiss = room.hiss(length, zlib.crc32(name.encode()))
    mic = track((0, hiss), (LEAD, clip.sound), length=length)
    span = LEAD, LEAD + loud_until(clip.sound)
    return Case(name, kind, Scene(name, mic), clip.text, span, right, notes={"who": clip.who})


# --- questions and finished utterances ------------------------------------------------------------


def spoken() -> list[tuple[str, str, str]]:
    """Voice, question, and words of the right answer: thirty by six voices."""
    asked = enumerate((*QUESTIONS, *MORE))
    return [(VOICES[index % len(VOICES)], text, right) for index, (text, right) in asked]


def questions() -> Iterator[tuple[str, Make]]:
    """40: thirty by six voices, ten that people said."""
    for index, (voice, text, right) in enumerate(spoken()):
        name = f"question-{index + 1:02}-{voice}"
        yield (
            name,
            lambda n=name, v=voice, t=text, r=right: _utterance(n, "questions", says(v, t), r),
        )
    for index, make in enumerate(recorded(), 31):
        yield (
            f"question-{index}-people",
            lambda n=f"question-{index}-people", m=make: _utterance(n, "questions", m()),
        )


_ASKED: Final = (
    "vm-savefolder", "privacy-prompt", "please-try-again", "vm-whichbox", "tt-somethingwrong",
    "vm-enter-num-to-call",
)  # fmt: skip
_READ: Final = (
    "seven of clubs", "he was not an ill disposed young man",
    "he might even have been made amiable himself", "ten of clubs",
)  # fmt: skip


def recorded() -> list[Callable[[], Clip]]:
    """Ten things that people said: six prompts, a reader's two sentences, two orders."""
    found: list[Callable[[], Clip]] = [lambda name=name: prompt(name) for name in _ASKED]
    return [*found, *(lambda text=text: _reader(text) for text in _READ)]


def _reader(text: str) -> Clip:
    return next(clip for clip in readers() if clip.text == text)


def finished() -> Iterator[tuple[str, Make]]:
    """20 more that are finished; with the questions 60."""
    for index, text in enumerate(phrases.FINISHED):
        voice = VOICES[index % len(VOICES)]
        name = f"finished-{index + 1:02}-{voice}"
        yield name, lambda n=name, v=voice, t=text: _utterance(n, "finished", says(v, t))


# --- words ----------------------------------------------------------------------------------------


def short() -> Iterator[tuple[str, Make]]:
    """64 single words: 48 by six voices, 16 recorded."""
    for index, text in enumerate(phrases.WORDS):
        voice = VOICES[index % len(VOICES)]
        name = f"word-{text.strip('.?!').lower()}-{voice}"
        yield name, lambda n=name, v=voice, t=text: _utterance(n, "short", says(v, t))
    for word in phrases.WORD_PROMPTS:
        name = f"word-{word.replace('/', '-')}-people"
        yield name, lambda n=name, w=word: _utterance(n, "short", prompt(w))


_ENDS: Final = ("zeros", "hiss", "released")


def long() -> Iterator[tuple[str, Make]]:
    """30 of 8 s and more, cut 0.14 s after the last sample: then zeros, the room, or the
    microphone's button is released."""
    texts = [
        (v, t) for i, t in enumerate(phrases.LONG) for v in (VOICES[i % 6], VOICES[(i + 1) % 6])
    ]
    for index, (voice, text) in enumerate(texts):
        end = _ENDS[index % 3]
        name = f"long-{index + 1:02}-{voice}-{end}"
        yield name, lambda n=name, v=voice, t=text, e=end: _cut(n, says(v, t), e)
    for index, word in enumerate(phrases.LONG_PROMPTS):
        end = _ENDS[index % 3]
        name = f"long-{index + 21}-people-{end}"
        yield name, lambda n=name, w=word, e=end: _cut(n, prompt(w), e)


def _cut(name: str, clip: Clip, end: str) -> Case:
    case = _utterance(name, "long", clip)
    mic, last = case.scene.mic.copy(), LEAD + len(clip.sound) + TIGHT
    if end == "zeros":
        mic[last:] = 0
    scene = replace(case.scene, mic=mic, released=last if end == "released" else None)
    return replace(case, scene=scene)


def monologues() -> Iterator[tuple[str, Make]]:
    """5 of 40 s, with the pauses of somebody who knows what to say: 0.25 to 0.4 s."""
    for index, sentences in enumerate(phrases.MONOLOGUES):
        voice = VOICES[index]
        name = f"monologue-{index + 1}-{voice}"
        yield name, lambda n=name, v=voice, s=sentences: _monologue(n, v, s)


def _monologue(name: str, voice: str, sentences: tuple[str, ...]) -> Case:
    rng, parts = _rng(name), []
    for text in sentences:
        parts += [says(voice, text).sound, np.zeros(ms(rng.uniform(250, 400)), np.float32)]
    clip = Clip(voice, " ".join(sentences), np.concatenate(parts[:-1]))
    return _utterance(name, "monologues", clip)


def paused() -> Iterator[tuple[str, Make]]:
    """20 with a pause of 1 to 1.5 s in mid-sentence."""
    for index, (text, half) in enumerate(product(phrases.PAUSED, (0, 1))):
        voice = VOICES[(index // 2 + 3 * half) % len(VOICES)]
        name = f"paused-{index + 1:02}-{voice}"
        yield (
            name,
            lambda n=name, v=voice, t=text: _utterance(
                n, "paused", cutting.spoken(v, t, _rng(n), (1.0, 1.5))
            ),
        )


def hesitant() -> Iterator[tuple[str, Make]]:
    """60 with an "um", a drawn-out word or a pause of 0.3 to 0.9 s in mid-sentence."""
    for index, (text, turn) in enumerate(product(phrases.HESITANT, range(3))):
        voice = VOICES[(index // 3 + 2 * turn) % len(VOICES)]
        name = f"hesitant-{index + 1:02}-{voice}"
        yield (
            name,
            lambda n=name, v=voice, t=text: _utterance(
                n, "hesitant", cutting.spoken(v, t, _rng(n), (0.3, 0.9))
            ),
        )


# --- over the avatar ------------------------------------------------------------------------------


def _over(
    name: str, kind: str, noise: Clip | None, tenth: bool, echo: room.Echo | None = None
) -> Case:
    """A noise 3 s into a long reply, which is the session's first or its tenth."""
    says_, begins = [], ms(800)
    if tenth:
        for text in phrases.SMALL:
            says_.append((begins, text))
            begins += _SMALL_TALK
    says_.append((begins, phrases.SPEECH))
    start = begins + _INTO
    end = start + (len(noise.sound) if noise is not None else 0)
    length = begins + ms(20_500) if kind != "barge_ins" else end + ms(4000)
    parts = [(0, room.hiss(length, zlib.crc32(name.encode())))]
    if noise is not None:
        parts.append((start, noise.sound))
    scene = Scene(name, track(*parts, length=length), tuple(says_), echo)
    said = noise.text if noise is not None else ""
    notes = {"who": noise.who if noise is not None else "nobody"}
    return Case(name, kind, scene, said, (start, end), "", phrases.SPEECH, begins, notes)


_QUIET_ROOM: Final = room.Echo(-33.0, 80.0)


def false_alarms() -> Iterator[tuple[str, Make]]:
    """What must not break the avatar off: coughs, back-channels, laughter, a bystander."""
    noises: list[tuple[str, Callable[[], Clip]]] = [
        *((f"cough-{n}", lambda n=n: _noise("cough", room.cough(n), -22.0)) for n in range(6)),
        *((f"laugh-{n}", lambda n=n: _noise("laugh", room.laugh(n), -24.0)) for n in range(4)),
        *((f"hum-{n}", lambda n=n: _noise("mm-hm", room.hum(n), -30.0)) for n in range(4)),
    ]
    for index, text in enumerate(phrases.BACKCHANNELS):
        for voice in (VOICES[index], VOICES[(index + 2) % 6]):
            word = text.strip(".").lower().replace(" ", "-")
            noises.append((f"{word}-{voice}", lambda v=voice, t=text: says(v, t)))
    for index, text in enumerate(phrases.BYSTANDER):
        for voice in (VOICES[1 + index], VOICES[(4 + index) % 6]):
            name = f"bystander-{index}-{voice}"
            noises.append((name, lambda v=voice, t=text: _far(says(v, t))))
    for index, (word, make) in enumerate(noises):
        for tenth, echo in ((False, None), (index % 2 == 1, _QUIET_ROOM)):
            place = "tenth" if tenth else "first"
            name = f"{word}-{place}{'-echo' if echo else ''}"
            yield name, lambda n=name, m=make, t=tenth, e=echo: _over(n, "false_alarms", m(), t, e)


def echoes() -> Iterator[tuple[str, Make]]:
    """The avatar's own sound, and nobody speaks."""
    for delay in (20, 60, 100, 150, 200):
        for tenth in (False, True):
            name = f"echo-33-{delay}-{'tenth' if tenth else 'first'}"
            yield (
                name,
                lambda n=name, d=delay, t=tenth: _over(n, "echoes", None, t, room.Echo(-33.0, d)),
            )
    for delay, bare in product((180, 320), (False, True)):
        name = f"echo-06-{delay}-{'bare' if bare else 'room'}"
        yield (
            name,
            lambda n=name, d=delay, b=bare: _over(
                n, "echoes", None, False, room.Echo(-6.0, d, room=not b)
            ),
        )


def _noise(what: str, sound: Floats, level: float) -> Clip:
    return Clip(what, "", levelled(sound, level))


def _far(clip: Clip) -> Clip:
    return Clip(clip.who, clip.text, levelled(clip.sound, LEVEL - 15.0))


def barge_ins() -> Iterator[tuple[str, Make]]:
    """Speech that means the avatar, with and without echo, in the first reply and in the tenth."""
    makes: list[tuple[str, Callable[[], Clip]]] = [
        (f"{index + 1}-{VOICES[index]}", lambda v=VOICES[index], t=text: says(v, t))
        for index, text in enumerate(phrases.BARGE_INS)
    ]
    makes += [
        (f"{7 + i}-people", lambda n=n: prompt(n)) for i, n in enumerate(phrases.BARGE_PROMPTS)
    ]
    for (word, make), tenth, echo in product(makes, (False, True), (None, _QUIET_ROOM)):
        place = "tenth" if tenth else "first"
        name = f"barge-{word}-{place}{'-echo' if echo else ''}"
        yield name, lambda n=name, m=make, t=tenth, e=echo: _over(n, "barge_ins", m(), t, e)


# --- bad input ------------------------------------------------------------------------------------

_MINUTES: Final = 10


def wordless() -> Iterator[tuple[str, Make]]:
    """Ten minutes in which nobody says anything."""
    for kind in ("silence", "noise", "clipping", "music"):
        yield f"wordless-{kind}", lambda k=kind: _wordless(k)


def _wordless(kind: str) -> Case:
    length = ms(_MINUTES * 60_000)
    mic = odd.without_words(kind, length)
    return Case(f"wordless-{kind}", "wordless", Scene(kind, mic), "", (0, length))


def unusual() -> Iterator[tuple[str, Make]]:
    """Eight questions each: whispered, by a child, through 8 kHz."""
    kinds = {"whisper": odd.whisper, "child": odd.child, "narrow": odd.narrow}
    asked = spoken()[:8]
    for kind, make in kinds.items():
        for index, (_, text, right) in enumerate(asked):
            voice = VOICES[index % 5]
            name = f"{kind}-{index + 1}-{voice}"
            yield (
                name,
                lambda n=name, m=make, v=voice, t=text, r=right: _utterance(
                    n, "unusual", m(v, t), r
                ),
            )


SETS: Final[dict[str, Callable[[], Iterator[tuple[str, Make]]]]] = {
    "questions": questions,
    "finished": finished,
    "short": short,
    "long": long,
    "monologues": monologues,
    "paused": paused,
    "hesitant": hesitant,
    "false_alarms": false_alarms,
    "echoes": echoes,
    "barge_ins": barge_ins,
    "wordless": wordless,
    "unusual": unusual,
}
