"""Speech to text: whisper tiny.en through CTranslate2, on as little padding as it bears.

Whisper was trained on 30 s windows; stock padding makes a 3 s clip five times as slow. Here the
encoder sees the clip and about a second more. That tempts it to say a clip again and again, so
the length of its answer is bounded and a repetition is cut off, or heard again in full.
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Any, Final

import ctranslate2  # type: ignore[import-untyped]
import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor  # type: ignore[import-untyped]
from tokenizers import Tokenizer

from visavis.engines.base import HEAR_RATE, EngineError, Floats, Pcm, Transcript

_HOP: Final = 160  # samples in a feature frame
_FULL: Final = 3000  # frames in whisper's own window
_LEAST: Final = 400
_MORE: Final = 100  # frames after the speech; 300 repeats itself less and takes 60 % longer
_TOKENS: Final = 12
_TOKENS_PER_SECOND: Final = 6  # quick talkers reach 5
_MAX_PROMPT: Final = 64  # tokens
_COMPRESSIBLE: Final = 2.4  # whisper's own threshold for text that repeats itself


class WhisperStt:
    """English. `prompt` holds words to expect, such as the house's names (`bench/sound/speech.py`).

    model: a directory with model.bin, config.json, tokenizer.json and vocabulary.txt. Nothing is
    ever downloaded. Construction takes 0.5 s, the import 1 s.
    """

    def __init__(self, model: Path, threads: int = 2, prompt: str = "") -> None:
        try:
            self._whisper: Any = ctranslate2.models.Whisper(
                str(model), device="cpu", compute_type="int8", intra_threads=threads
            )
            self._tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
        except Exception as error:
            msg = f"{model.name}: cannot load the speech recogniser"
            raise EngineError(msg) from error
        self._features = FeatureExtractor()
        self._prompt = self._primed(prompt)

    def transcribe(self, pcm: Pcm) -> Transcript:
        """One utterance at HEAR_RATE, up to 30 s; the rest of a longer one is not heard."""
        try:
            text, doubt = self._hear(pcm, _LEAST)
            once = _said_once(text)
            if once is None:
                text, doubt = self._hear(pcm, _FULL)
                once = _said_once(text)
        except Exception as error:
            msg = "whisper: transcription failed"
            raise EngineError(msg) from error
        # Still repeating itself with the padding it knows: there was nothing to understand.
        return Transcript(once or "", doubt if once else 1.0)

    def _primed(self, prompt: str) -> list[int]:
        """The start of every transcript, after what whisper takes for the text before it."""
        start, before, no_times = map(
            self._special, ("startoftranscript", "startofprev", "notimestamps")
        )
        if not prompt:
            return [start, no_times]
        words = self._tokenizer.encode(f" {prompt.strip()}", add_special_tokens=False).ids
        return [before, *words[-_MAX_PROMPT:], start, no_times]

    def _special(self, name: str) -> int:
        token = self._tokenizer.token_to_id(f"<|{name}|>")
        if token is None:
            msg = f"whisper: the tokenizer has no {name}"
            raise EngineError(msg)
        return token

    def _hear(self, pcm: Pcm, least: int) -> tuple[str, float]:
        seconds = min(len(pcm) / HEAR_RATE, 30.0)
        encoded = self._whisper.encode(
            ctranslate2.StorageView.from_array(self._padded(pcm, least)[None])
        )
        result = self._whisper.generate(
            encoded,
            [self._prompt],
            beam_size=1,
            max_length=len(self._prompt) + _TOKENS + round(_TOKENS_PER_SECOND * seconds),
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        text: str = self._tokenizer.decode(result.sequences_ids[0], skip_special_tokens=True)
        sure = (1.0 - result.no_speech_prob) * float(np.exp(min(result.scores[0], 0.0)))
        return text.strip(), min(max(1.0 - sure, 0.0), 1.0)

    def _padded(self, pcm: Pcm, least: int) -> Floats:
        """(80, frames) float32, an even number of frames.

        Padded with 0, which is no silence but a faint hiss: over true silence whisper repeated
        itself four times as often.
        """
        heard = pcm[: _FULL * _HOP].astype(np.float32) / 32768
        features = self._features(heard)[:, :_FULL]
        frames = min(_FULL, max(least, features.shape[1] + _MORE))
        frames += frames % 2
        short = max(0, frames - features.shape[1])
        padded: Floats = np.pad(features, ((0, 0), (0, short))).astype(np.float32)
        return np.ascontiguousarray(padded)


def _said_once(text: str) -> str | None:
    """The text without its repetitions; None if it repeats itself in a way that hides the end.

    "Hello there. Hello there. Hello" -> "Hello there."; marks alone count as nothing said.
    """
    words = text.split()
    keys = [re.sub(r"[^\w']", "", word).lower() for word in words]
    if not any(keys):
        return ""
    for period in range(1, len(keys)):
        again = len(keys) - period
        # The last word may be cut in the middle by the bound on the answer's length.
        if (
            again >= min(period, 3)
            and all(keys[at] == keys[at % period] for at in range(period, len(keys) - 1))
            and keys[(len(keys) - 1) % period].startswith(keys[-1])
        ):
            return " ".join(words[:period])
    raw = text.encode()
    return None if len(raw) > _COMPRESSIBLE * len(zlib.compress(raw)) else text
