"""A visitor over the first second of a session's first reply, found out when that second is over.

Until it is known whether the avatar is heard in the microphone the echo canceller's sound is
listened to, and it takes the visitor away with the avatar. Meanwhile the sound as it came is
listened to as well; once no echo is proven, what was said in it counts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from visavis.engines.base import Pcm, Vad
from visavis.engines.ears.echo_path import Verdict
from visavis.server.session.renewing import Renewed

_KEPT: Final = 75  # frames: 1.5 s, in which it is known
_ENOUGH: Final = 12  # voiced ones among them, 240 ms: more than a cough


class FirstWords:
    """One microphone, frame by frame."""

    def __init__(self, vad: Renewed[Vad], loud: Callable[[Pcm], bool]) -> None:
        """vad: of its own, for the sound as it came. loud: whether a frame may be the visitor's."""
        self._vad, self._loud = vad, loud
        self._voiced: deque[bool] = deque(maxlen=_KEPT)

    def missed(self, bare: Pcm, echo: Verdict, *, over_reply: bool) -> bool:
        """(VAD_FRAME,) as it came; whether it is known now that somebody spoke and was not heard.

        echo: what is known of the avatar in it.
        """
        if over_reply and echo == "unknown":
            voice = self._vad.call(lambda vad: bool(vad.is_speech(bare)), False)
            self._voiced.append(voice and self._loud(bare))
            return False
        spoke = over_reply and echo == "none" and sum(self._voiced) >= _ENOUGH
        self._voiced.clear()
        return spoke
