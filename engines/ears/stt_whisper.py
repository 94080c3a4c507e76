"""Speech to text in English: whisper tiny.en. `hallucinations` says what of it is believed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from visavis.engines.base import HEAR_RATE, EngineError, Pcm, Transcript
from visavis.engines.ears.foreign_speech import ForeignSpeech
from visavis.engines.ears.hallucinations import Guess, doubt_of, said_once
from visavis.engines.ears.whisper import FULL, Whisper, clip_alone, least

_TOKENS_PER_SECOND: Final = 6  # quick talkers reach 5
_EVEN: Final = 0.5  # probability of another language from which it is taken for one


class WhisperStt:
    """English. `prompt` holds words to expect, such as the house's names (`bench/sound/speech.py`).

    model: a directory with model.bin, config.json, tokenizer.json and vocabulary.txt.
    """

    def __init__(
        self,
        model: Path,
        threads: int = 2,
        prompt: str = "",
        foreign: ForeignSpeech | None = None,
    ) -> None:
        """foreign: tells other languages; None: all is English. Raises EngineError."""
        self.whisper = Whisper(model.name, model, threads)
        self._prompt, self._foreign = prompt, foreign
        self._start = [self.whisper.special(name) for name in ("startoftranscript", "notimestamps")]

    def transcribe(self, pcm: Pcm, before: str = "") -> Transcript:
        """One utterance at HEAR_RATE, up to 30 s; the rest of a longer one is not heard.

        before: the words just before this sound, where it goes on in the middle of them.
        """
        try:
            guess = self._hear(pcm, least(len(pcm)), before)
            once = said_once(guess)
            if once is None:
                guess = self._hear(pcm, FULL, before)
                once = said_once(guess)
        except Exception as error:
            msg = "whisper: transcription failed"
            raise EngineError(msg) from error
        # Still repeating itself with the padding it knows: there was nothing to understand.
        doubt = doubt_of(guess, once) if once else 1.0
        language = "" if self._foreign is None or guess.foreign >= _EVEN else "en"
        return Transcript(once or "", doubt, guess.foreign, 1.0 - guess.no_speech, language)

    def _hear(self, pcm: Pcm, frames: int, before: str) -> Guess:
        seconds = min(len(pcm) / HEAR_RATE, 30.0)
        prompt = self.whisper.primed(self._start, f"{self._prompt} {before}")
        encoded = self.whisper.encode(pcm, frames)
        said = self.whisper.write(encoded, prompt, round(_TOKENS_PER_SECOND * seconds))
        foreign = 0.0
        if self._foreign is not None:
            alone = clip_alone(encoded, len(pcm))
            foreign = self._foreign.probability(alone, said.log_probability, len(pcm) / HEAR_RATE)
        return Guess(said.text, seconds, said.no_speech, said.log_probability, foreign)
