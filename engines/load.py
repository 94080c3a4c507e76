"""Names to engines: the one place that knows every adapter, imported when it is asked for.

`home` is the directory for state: caches, and models that were pulled.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from visavis.engines.base import (
    HEAR_RATE,
    PLAY_RATE,
    Dialogue,
    Draw,
    EchoCanceller,
    EngineError,
    FaceState,
    Generator,
    Lips,
    Mind,
    Motion,
    Stt,
    Tts,
    TurnEnd,
    Vad,
    Voice,
    draw_one,
)
from visavis.engines.language import phrasebook
from visavis.engines.language.languages import ENGLISH, LANGUAGES, code_of, is_english
from visavis.engines.registry import DIALOGUES, FAMILIES, VOICES, Wanted
from visavis.engines.render.choice import choose
from visavis.engines.render.runtimes import Standing
from visavis.engines.settings import DialogueSettings, TranslationSettings
from visavis.engines.translation.base import Translators
from visavis.engines.voices import own
from visavis.models import arkit, manifest
from visavis.models.avatar.file import Avatar

if TYPE_CHECKING:
    from visavis.engines.direction.director import Director
    from visavis.engines.lips.sound_visemes import SoundVisemes


def settle() -> None:
    """Call it before anything starts a process, and while nothing else is imported.

    OpenCV leads sys.path into its own folder while it is imported. A process that is started
    meanwhile inherits that path, where `typing` is OpenCV's, and ends at once: one start of eight.
    """
    import_module("cv2")


def vad() -> Vad:
    """Voice activity for one microphone."""
    from visavis.engines.ears.vad_webrtc import WebrtcVad

    return WebrtcVad()


def echo(rate: int = HEAR_RATE) -> EchoCanceller:
    """Echo canceller for one session; rate: Hz of what it is given."""
    from visavis.engines.ears.echo_webrtc import WebrtcEcho

    return WebrtcEcho(rate=rate)


def stt(
    home: Path, language: str = "en", *, detect: bool = False, among: Collection[str] = LANGUAGES
) -> Stt:
    """Speech recognition in a language of `language.languages`. Raises ManifestError, EngineError.

    detect: what is said in another one of `among` is written in that. English has a network of its
    own; the other one, of the extra visavis[languages], is loaded where it is needed.
    """
    if is_english(language) and not detect:
        return _english(home)
    from visavis.engines.ears.stt_multilingual import EitherStt, MultilingualStt, shared

    network, english = shared(home), is_english(language)
    expected = language or "en"
    others = MultilingualStt(network, expected, detect=detect, among=among, told=english)
    return EitherStt(_english(home), others) if english else others


def heard(home: Path) -> tuple[str, ...]:
    """Languages whose words can be recognised, as codes."""
    try:
        for part in ("whisper-base-1", "whisper-base-2"):
            manifest.locate(part, home / "models")
    except manifest.ManifestError:
        return (ENGLISH.code,)
    return tuple(LANGUAGES)


@cache
def _english(home: Path) -> Stt:
    from visavis.engines.ears.foreign_speech import ForeignSpeech
    from visavis.engines.ears.stt_whisper import WhisperStt

    model = manifest.locate("whisper-tiny-en", home / "models").parent
    return WhisperStt(model, foreign=ForeignSpeech(manifest.locate("foreign-speech")))


def turn_end(home: Path) -> TurnEnd:
    """Whether a visitor has finished, by the sound. Raises ManifestError, EngineError."""
    from visavis.engines.ears.turn_smart import SmartTurn

    return SmartTurn(manifest.locate("turn-end", home / "models"))


def motion(seed: int) -> Motion:
    """A living face, different for each seed."""
    from visavis.engines.motion.viseme_motion import VisemeMotion

    return VisemeMotion(seed)


def sound_visemes() -> SoundVisemes:
    """Mouth shapes from one stream of sound at PLAY_RATE. Raises ManifestError, EngineError."""
    from visavis.engines.lips.sound_visemes import SoundVisemes

    return SoundVisemes(manifest.locate("sound-visemes"), PLAY_RATE)


def lips() -> Lips:
    """Lips for one live stream of sound. Raises ManifestError, EngineError."""
    from visavis.engines.lips.sound_speech import SoundSpeech

    return SoundSpeech(sound_visemes())


def generator(
    width: int, height: int, wanted: Wanted = "warp", home: Path | None = None,
    told: Callable[[Standing], None] = lambda _standing: None, refine: bool = False,
) -> Generator:  # fmt: skip
    """Who draws all pictures of a process, each of that size. Raises ManifestError, EngineError.

    wanted: the setting. told: who draws, now and whenever that changes, from any thread. refine:
    mouth and eyes by a small network, whoever draws.
    """
    from visavis.engines.render.filmed import FilmedGenerator
    from visavis.engines.render.warp import WarpGenerator

    sure: Generator = WarpGenerator(width, height)
    if refine:
        sure = refined(sure)
    sure = FilmedGenerator(sure)
    choice = choose(wanted)
    if not choice.ways or home is None:
        told(Standing("warp", "CPU", choice.why))
        return sure
    from visavis.engines.render.fast import standby

    return standby(sure, choice, home, told, refine)


def refined(generator: Generator) -> Generator:
    """The same, mouth and eyes refined on the CPU. Raises ManifestError, EngineError."""
    from visavis.engines.render.refining import RefiningGenerator, network

    return RefiningGenerator(generator, network(manifest.locate("refiner")))


def drawing(avatar: Avatar, width: int = 512, height: int = 512) -> Draw:
    """Pictures of one avatar, one by one, for all but a server. Raises EngineError."""
    made = generator(width, height)
    return partial(draw_one, made, made.prepare(avatar))


def warm(draw: Draw) -> None:
    """Draw every part of a face once: what is compiled on its first call is ready after that."""
    draw(FaceState())
    draw(FaceState(np.full(arkit.COUNT, 0.5, np.float32)))


def dialogue(name: str, settings: DialogueSettings) -> Dialogue | Mind:
    """One of DIALOGUES. Raises KnowledgeError, ManifestError, EngineError."""
    made: Dialogue | Mind = import_module(DIALOGUES[name]).load(settings)
    return made


def translators(settings: TranslationSettings) -> Translators:
    """Who translates between which languages, looked up when asked; loads nothing."""
    from visavis.engines.translation.choosing import Choosing

    return Choosing(settings)


def director(home: Path) -> Director:
    """Who understands directions; shares its embeddings with the dialogue.

    Raises ManifestError, EngineError.
    """
    from visavis.engines.direction.director import Director
    from visavis.engines.language.minilm import shared

    return Director(shared(home), home / "cache")


def tts(name: str, home: Path) -> Tts:
    """The voice of that name. Raises EngineError, and ImportError if its package is left out.

    What it says without the times of its sounds gets them from the sound.
    """
    from visavis.engines.lips.lipless import Lipped

    return Lipped(_tts(name, home), sound_visemes)


def _tts(name: str, home: Path) -> Tts:
    made: Tts
    if name in VOICES:
        made = import_module(VOICES[name]).load(home)
    elif (family := _family_of(name, home)) is not None:
        made = family.load(home, name)
    else:
        made = own.load(home, name, partial(_tts, home=home))
    return made


def voices(home: Path | None = None) -> tuple[Voice, ...]:
    """Every voice that can be had, without loading any. home: with those that were pulled."""
    alone = [found for found in _looked_up().values() if isinstance(found, Voice)]
    families = [voice for family in _families() for voice in family.voices(home)]
    there = (*alone, *families)
    names = {voice.name for voice in there}
    return (*there, *(voice for voice in own.voices(home) if voice.name not in names))


def voice_for(language: str, home: Path | None = None) -> str | None:
    """The best voice of a BCP 47 language; None: there is none, or English is asked for.

    Neural before robotic, the language's own region before others.
    """
    if is_english(language):
        return None
    own_names = own.spoken(home) if home else {}  # a person's is used where it is asked for alone
    spoken = [
        v
        for v in voices(home)
        if code_of(v.language) == code_of(language) and v.name not in own_names
    ]
    spoken.sort(key=lambda v: (v.name.startswith("espeak-"), v.language != language))
    return spoken[0].name if spoken else None


def _families() -> Iterator[Any]:
    """The modules of FAMILIES whose packages are there."""
    for name in FAMILIES:
        with suppress(ImportError):
            yield import_module(name)


def _family_of(name: str, home: Path) -> Any | None:
    """The module of FAMILIES that has this voice. Raises EngineError for a voice that is none."""
    for family in _families():
        if name in {voice.name for voice in family.voices(home)}:
            return family
    if name in own.spoken(home):
        return None
    msg = f"there is no voice {name!r}"
    raise EngineError(msg)


def languages(home: Path) -> tuple[str, ...]:
    """What can be heard and spoken, as codes; first those that the avatar has own words in."""
    spoken = {code_of(voice.language) for voice in voices(home)}
    can = [each for each in heard(home) if each in spoken]
    return tuple(sorted(can, key=lambda each: each not in phrasebook.LANGUAGES))


@cache
def missing_voices() -> Mapping[str, str]:
    """Why a voice of VOICES cannot be had: its package may be left out, or be broken."""
    return {name: found for name, found in _looked_up().items() if isinstance(found, str)}


@cache
def _looked_up() -> Mapping[str, Voice | str]:
    found: dict[str, Voice | str] = {}
    for name, module in VOICES.items():
        try:
            found[name] = import_module(module).VOICE
        except ImportError as error:
            found[name] = str(error)
    return found
