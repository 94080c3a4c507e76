"""Whether a person is there: a video in which the face of a photo reads a sentence just made.

It shows that the sentence was said, by a moving mouth in a face like the photo's, within minutes
of being made up. It is no certainty: whoever can put a face on their own in real time, and feed a
browser with it, passes. The video is looked at and dropped; what was measured stays in the record.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import subprocess
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from visavis.server.avatars import sentences
from visavis.server.avatars.footage import Unusable
from visavis.server.avatars.witness import Measures
from visavis.server.system import confined, strict_json
from visavis.server.system.spans import stamp

PATIENCE: Final = 90.0  # s; it takes 3 on a quiet core
SHORTEST: Final = 4.0  # s of a video; the quickest readers take 5
WORDS: Final = 0.8  # of the sentence; another one of the same parts agrees by 0.72 at most
RATE: Final = 7.0  # pictures a second, of 12.5 that are taken
SPOKEN: Final = 3.0  # s
FACE: Final = 0.5  # stricter than for a likeness: here a match gives a right
SEEN: Final = 0.7  # share of the pictures with a face
CROWDED: Final = 0.08  # share of the pictures with a second one
MOVED: Final = 0.008  # of the mouth; a photo held up moves it by a third of that, speech by 2 times
TOGETHER: Final = 0.42  # correlation of mouth and sound; that of another sentence is below
_LINE: Final = 64 * 1024  # bytes
_FAILED: Final = "The video could not be looked at. Try again; the server's log may say more."


@dataclass(frozen=True, slots=True)
class Evidence:
    """A video, and the sentence that is to be heard in it."""

    video: bytes
    sentence: str
    language: str


@dataclass(frozen=True, slots=True)
class Proof:
    """Presence was shown: when, and what was measured."""

    at: datetime.datetime
    words: float
    measures: Measures

    def __str__(self) -> str:
        """As the record keeps it; a person reads it, so it says what it is not."""
        found = self.measures
        when = stamp(self.at)
        return (
            f"{when} a video of {found.seconds:.1f} s: words {self.words:.2f}, "
            f"face {found.face:.2f} in {found.seen:.0%} of the pictures, "
            f"mouth with the sound {found.together:.2f}; no certainty"
        )


class Witness:
    """One video looked at, in processes of its own; may be killed from any thread."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._processes: list[subprocess.Popen[bytes]] = []
        self._killed = False

    def look(self, photo: bytes, evidence: Evidence, now: datetime.datetime) -> Proof:
        """Raises Unusable with the code and words of the first thing that is wrong."""
        found = self._measured(photo, evidence)
        words = sentences.agreement(found.heard, evidence.sentence, evidence.language)
        check(found, words)
        return Proof(now, round(words, 2), replace(found, heard=""))

    def kill(self) -> None:
        """End it now."""
        self._killed = True
        for process in self._processes:
            confined.kill(process)

    def _measured(self, photo: bytes, evidence: Evidence) -> Measures:
        end = threading.Timer(PATIENCE, self.kill)
        end.start()
        try:
            return _heard(self._ask(photo, evidence))
        except OSError as error:  # no memory or no process left, or no pipe
            raise Unusable("presence-failed", _FAILED) from error
        finally:
            end.cancel()
            self.kill()
            for process in self._processes:
                process.wait()

    def _ask(self, photo: bytes, evidence: Evidence) -> bytes:
        decoder = self._start("footage", subprocess.PIPE)
        assert decoder.stdin is not None
        assert decoder.stdout is not None
        judge = self._start("witness", decoder.stdout, str(self._home), evidence.language)
        assert judge.stdout is not None
        decoder.stdout.close()  # the judge's alone: it ends when the decoder does
        head = json.dumps([len(photo), len(evidence.video)]).encode()
        with contextlib.suppress(BrokenPipeError):
            decoder.stdin.write(head + b"\n" + photo + evidence.video)
        with contextlib.suppress(BrokenPipeError):
            decoder.stdin.close()
        with judge.stdout as said:
            return said.readline(_LINE)

    def _start(self, module: str, source: Any, *words: str) -> subprocess.Popen[bytes]:
        if self._killed:
            raise Unusable("presence-failed", _FAILED)
        process = confined.start(f"visavis.server.avatars.{module}", source, *words)
        self._processes.append(process)
        return process


def _heard(line: bytes) -> Measures:
    """Raises Unusable."""
    try:
        said: dict[str, Any] = strict_json.parse(line.decode())
        if "code" in said:
            raise Unusable(str(said["code"])[:40], str(said["message"])[:400])
        numbers = {key: float(value) for key, value in said.items() if key != "heard"}
        return Measures(heard=str(said["heard"])[:1000], **numbers)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unusable("presence-failed", _FAILED) from error


def check(found: Measures, words: float) -> None:
    """Raises Unusable for the first thing that is wrong; none of it is how near it came."""
    wrong = (
        (found.seconds < SHORTEST, "presence-too-short",
         f"The video is shorter than {SHORTEST:.0f} s. Record the whole sentence."),
        (found.rate < RATE, "presence-few-pictures",
         "The video has too few pictures a second to see a mouth move. Close other programs, and "
         "record it again."),
        (found.seen < SEEN, "presence-no-face",
         "Too little of the video shows a face. Look into the camera, in good light."),
        (found.crowded > CROWDED, "presence-several-faces",
         "More than one face is to be seen. Only the person in the photo may be."),
        (found.face < FACE, "presence-other-face",
         "The face in the video is not like the one in the photo."),
        (found.spoken < SPOKEN or words < WORDS, "presence-other-words",
         "The sentence was not understood. Read it aloud as it is shown, from beginning to end."),
        (found.opening < MOVED or found.together < TOGETHER, "presence-still",
         "The mouth does not move with the words. Read the sentence into the camera yourself, with "
         "your mouth in full view."),
    )  # fmt: skip
    for bad, code, message in wrong:
        if bad:
            raise Unusable(code, message)
