"""Speech over a reply: whether the visitor wants the turn, or leaves it to the avatar."""

from __future__ import annotations

from typing import Final

from visavis.engines.dialogue.danger import danger
from visavis.engines.language.backchannels import only_follows
from visavis.server.session.performing import Performance

_LAST: Final = 2  # words: who says "yes" over a reply's last ones answers it


def leaves_the_turn(text: str, reply: Performance, language: str = "en") -> bool:
    """Whether a reply that was held is to go on after these words.

    A cough always leaves it; "yes" and "mm-hm" do while there is something to follow. Who is in
    danger does not, however often they shout the same word.
    """
    if danger(text) is not None:
        return False
    if not text:
        return True
    return reply.sounding and reply.words_left > _LAST and only_follows(text, language)
