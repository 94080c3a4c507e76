"""A person's voice spoken by a server of the operator's: OpenAI's speech API with a reference.

Two ways are in use among such servers. "request": each request carries the sample and its words
(vLLM-Omni with Qwen3-TTS, Fish Speech or CosyVoice: `ref_audio`, `ref_text`). "upload": the sample
is left there once (`POST /audio/voices`: OpenAI, vLLM-Omni, Mistral), and requests name it.
"""

from __future__ import annotations

import base64
import io
import json
import secrets
import wave
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
import soxr  # type: ignore[import-untyped]

from visavis.engines.base import (
    PLAIN,
    PLAY_RATE,
    Cloned,
    EngineError,
    Floats,
    Pcm,
    Prosody,
    Sample,
    Speech,
    Tts,
    Voice,
    Word,
)
from visavis.engines.voices import recorded, utterance
from visavis.engines.voices.speech_server import Endpoint, SpeechServerError
from visavis.models.voice_file import OwnVoice, VoiceCard

DESCRIPTION: Final = "a person's voice, cloned by a speech server from their sample"
Way = Literal["request", "upload"]
WAYS: Final[tuple[Way, ...]] = get_args(Way)
_RATE: Final = 24_000  # Hz of the sample that is sent
_LONGEST: Final = 30.0  # s of it: what is longer makes each request slow and no voice better
_SHORTEST: Final = 3.0
_LARGEST: Final = 32 * 1024 * 1024  # bytes of an answer: 5 minutes


@dataclass(frozen=True, slots=True)
class Settings:
    """A server: url up to and with "/v1", its model, the file with its key, the way it takes one.

    extra: a JSON object that is added to each request for speech.
    """

    url: str
    model: str
    key_file: str = ""
    way: Way = "request"
    extra: str = ""


class ServedCloner:
    """engines.base.VoiceCloner by a speech server."""

    kind = "served"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def clone(self, sample: Sample, told: Callable[[float], None]) -> Cloned:
        """See VoiceCloner; a word is said for a trial before anything is kept."""
        settings = self._settings
        Endpoint(settings.url, settings.key_file)
        wav = _wav(_reference(sample))
        given = {
            "url": settings.url, "model": settings.model, "key_file": settings.key_file,
            "way": settings.way, "extra": settings.extra, "text": sample.text,
        }  # fmt: skip
        if settings.way == "upload":
            told(0.1)
            given |= _left(_endpoint(given), wav, sample.text)
        told(0.5)
        try:
            trial = _asked(_endpoint(given), given, wav, "One, two, three.", 1.0)
        except EngineError:
            if settings.way == "upload":
                _take_back(given)
            raise
        if recorded.listened(trial).empty:
            raise EngineError(f"{settings.url} answers, but nobody speaks in what it gives")
        told(1.0)
        return Cloned(given, {}, keeps=settings.way == "request")


def speak(file: OwnVoice, voice: Voice, base: object, home: Path) -> Tts:
    """Who says texts with it. Raises EngineError."""
    del base, home
    return ServedTts(file, voice)


def also(card: VoiceCard) -> tuple[str, ...]:
    """None: what a server's model speaks nobody says."""
    del card
    return ()


def forget(file: OwnVoice) -> None:
    """Have the server delete what was left there. Raises EngineError where it does not."""
    if file.card.given.get("way") == "upload":
        _take_back(file.card.given)


class ServedTts:
    """engines.base.Tts; words come without times, phonemes not at all: the sound tells them."""

    def __init__(self, file: OwnVoice, voice: Voice) -> None:
        self.voice = voice
        self._given, self._sample = file.card.given, file.sample
        self._endpoint = _endpoint(self._given)

    def synthesize(self, text: str, prosody: Prosody = PLAIN) -> Iterator[Speech]:
        """One piece. A pitch is not changed: it has no way to. Raises EngineError, EngineAway."""
        words = text.split()
        if not any(letter.isalnum() for letter in text):
            yield utterance.silence(words, "espeak")
            return
        pcm = _asked(self._endpoint, self._given, self._sample, text, prosody.speed)
        audio = pcm.astype(np.float32) / np.float32(32_768)
        audio = utterance.energetic(audio, prosody.energy)
        tail = utterance.pause_after(words[-1]) / prosody.speed
        quiet = np.zeros(round(tail * PLAY_RATE), np.float32)
        bent = utterance.limited(np.concatenate([audio, quiet]))
        labels = tuple(Word(word, 0, 0) for word in words)
        yield Speech(np.rint(bent * 32_767).astype(np.int16), (), labels, "espeak")


def _asked(
    endpoint: Endpoint, given: Mapping[str, str], sample: bytes, text: str, speed: float
) -> Pcm:
    """Speech at PLAY_RATE, as loud as our voices, its ends cut. Raises EngineError, EngineAway."""
    body: dict[str, Any] = {
        "model": given["model"], "input": text, "response_format": "wav",
        "voice": _named(given),
    }  # fmt: skip
    if speed != 1.0:
        body["speed"] = round(speed, 3)
    if given["way"] == "request":
        body["ref_audio"] = "data:audio/wav;base64," + base64.b64encode(sample).decode()
        body["ref_text"] = given.get("text", "")
    body |= _extra(given)
    content = endpoint.post("/audio/speech", json.dumps(body).encode(), "application/json",
                            _LARGEST)  # fmt: skip
    audio, rate = _read(content, given["url"])
    pcm = np.rint(np.clip(soxr.resample(audio, rate, PLAY_RATE), -1, 1) * 32_767)
    return recorded.cleaned(pcm.astype(np.int16), around=0.02)


def _named(given: Mapping[str, str]) -> Any:
    """OpenAI names a custom voice by an object, others by its name alone."""
    voice = given.get("voice", "")
    return {"id": voice} if voice.startswith("voice_") else voice or "default"


def _extra(given: Mapping[str, str]) -> dict[str, Any]:
    try:
        found = json.loads(given.get("extra") or "{}")
    except ValueError as error:
        raise EngineError("speech_extra is no JSON object") from error
    if not isinstance(found, dict):
        raise EngineError("speech_extra is no JSON object")
    return found


def _left(endpoint: Endpoint, wav: bytes, text: str) -> dict[str, str]:
    """Leave a sample with the server: what its voice is called there. Raises EngineError."""
    name = f"visavis-{secrets.token_hex(6)}"  # nobody's name leaves this machine
    fields = {"name": name, "consent": name, "ref_text": text}
    content = endpoint.post_form("/audio/voices", fields, ("audio_sample", "sample.wav", wav))
    try:
        said = json.loads(content)
        said = said.get("voice", said) if isinstance(said, dict) else {}
        found = said if isinstance(said, str) else said.get("id") or said.get("name") or name
    except (ValueError, AttributeError) as error:
        raise EngineError(f"{endpoint.url} did not say what it calls the voice") from error
    return {"voice": str(found)[:200]}


def _take_back(given: Mapping[str, str]) -> None:
    try:
        _endpoint(given).delete(f"/audio/voices/{given.get('voice', '')}")
    except SpeechServerError as error:
        message = f"the sample stays with {given['url']}: delete the voice {given.get('voice')!r}"
        raise EngineError(f"{message} there ({error})") from error


def _endpoint(given: Mapping[str, str]) -> Endpoint:
    try:
        return Endpoint(given["url"], given.get("key_file", ""))
    except KeyError as error:
        raise EngineError("a voice's file names no speech server: make it again") from error


def _reference(sample: Sample) -> Pcm:
    """What is sent. Raises EngineError for too little."""
    heard = recorded.listened(sample.pcm)
    if heard.seconds < _SHORTEST:
        raise EngineError(f"the sample has {heard.seconds:.1f} s of speech: 5 to 30 s are needed")
    return recorded.cleaned(sample.pcm)[: round(_LONGEST * PLAY_RATE)]


def _wav(pcm: Pcm) -> bytes:
    low = soxr.resample(pcm, PLAY_RATE, _RATE).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(_RATE)
        out.writeframes(low.tobytes())
    return file.getvalue()


def packed(pcm: Pcm) -> bytes:
    """A sample as its voice's file keeps it. Raises EngineError for too little."""
    return _wav(_reference(Sample(pcm, "")))


def _read(content: bytes, who: str) -> tuple[Floats, int]:
    """A WAV file of 16 bits, whose lengths may be those of a stream. Raises EngineError."""
    at = content.find(b"data", 12, 4096)
    form = content.find(b"fmt ", 12, 4096)
    if content[:4] != b"RIFF" or at < 0 or form < 0:
        raise EngineError(f"{who} gave no WAV file")
    channels = int.from_bytes(content[form + 10 : form + 12], "little")
    rate = int.from_bytes(content[form + 12 : form + 16], "little")
    bits = int.from_bytes(content[form + 22 : form + 24], "little")
    if bits != 16 or not 1 <= channels <= 8 or not 8_000 <= rate <= 96_000:
        raise EngineError(f"{who} gave sound of {bits} bits at {rate} Hz: 16 bits are needed")
    whole = (len(content) - at - 8) // (2 * channels) * channels
    pcm = np.frombuffer(content, "<i2", count=whole, offset=at + 8).reshape(-1, channels)
    return np.asarray(pcm.mean(axis=1) / 32_768, np.float32), rate


def way(text: str) -> Way | None:
    """A setting of `speech_reference` by its name; None: there is none of that name."""
    return next((each for each in WAYS if each == text), None)
