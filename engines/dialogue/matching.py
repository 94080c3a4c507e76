"""What a text is taken for: an entry, several if it holds several questions, or nothing known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np

from visavis.engines.base import Exchange, Floats
from visavis.engines.dialogue.doubting import Evidence, certainty
from visavis.engines.dialogue.entries import Entry
from visavis.engines.dialogue.retrieval import Index
from visavis.engines.language import asking, clock, splitting
from visavis.engines.language.asking import Kind
from visavis.engines.language.splitting import Split
from visavis.engines.language.wording import words
from visavis.engines.language.wordings import Wording

# Chosen on `tune` and `out_of_scope.tune` of bench/dialogue_questions.toml; see bench/dialogue.py.
THRESHOLD: Final = 0.5  # of what is answered
UNSURE: Final = 0.4  # from here to the threshold it asks back
LEAD_WEIGHT: Final = 0.3  # of the lead over what is beyond the avatar
FOLLOW_UP_BONUS: Final = 0.05  # for what the visitor already talks about
FOLLOW_UP_LACK: Final = 0.3  # against it: of breakfast's price nothing says "until when?"
FOLLOW_UP_WORDS: Final = 9  # a longer question stands for itself
FOLLOW_UP_DEPTH: Final = 3  # exchanges looked back
NEAR: Final = 3  # subjects named when it does not know
# What both halves of a sentence must reach to be two questions, where they are clauses and where
# one is only a thing; chosen on `both` and `one` of bench/dialogue_tuning.toml.
TWO_CLAUSES: Final = 0.5
TWO_THINGS: Final = 0.6
SAME_THING: Final = 0.7  # below it a second part with "it" or "that" is about the first
CLEAR: Final = 0.85  # from here on a question is known, whatever words it has
_REMEMBERED: Final = 512  # what recent texts were taken for: a follow-up asks for it again

_INTERROGATIVE: Final = words(
    "what when where which who why how is are do does did can could may will would have has should"
)
_WISHING: Final = words("need want like know tell please book order ignore forget disregard")


@dataclass(frozen=True, slots=True)
class Match:
    """What a question was taken for: an entry's id, or None if it is not known.

    `score` is the confidence, about 1 for a question that the file has word for word; `near` are
    the subjects that come closest, nearest first; `text` is the question.
    """

    entry_id: str | None
    score: float
    near: tuple[str, ...]
    text: str = ""


class Matcher:
    """Over an index of `own` entries of the operator's, then small talk; the rest is beyond it."""

    def __init__(self, index: Index, own: int, known: int) -> None:
        """own: how many entries are the operator's; known: how many may answer."""
        self._index, self._own, self._known = index, own, known
        entries = index.entries[:known]
        self._by_id = {entry.id: entry for entry in entries}
        self._number = {entry.id: n for n, entry in enumerate(entries)}
        self._subjects = _subject_stems(index.asked[:own], index.wording)
        self._wording = index.wording
        self._remembered = lru_cache(_REMEMBERED)(self._match)

    def matches(self, text: str, history: Sequence[Exchange] = ()) -> tuple[Match, ...]:
        """What each question of a text was taken for, in order. Raises EngineError.

        More than one only if they are about different things, and all are known or at least one.
        """
        whole = self.match(text, history)
        if self._is_asked(self._wording.normalise(text)):
            return (whole,)
        for split in splitting.splits(text):
            if found := self._two(split, whole, history):
                return found
        return (whole,)

    def match(self, text: str, history: Sequence[Exchange] = ()) -> Match:
        """Which entry answers a text, as one question, after what was said before."""
        if self._index.learning:
            return self._match(text, tuple(history[-FOLLOW_UP_DEPTH:]))
        return self._remembered(text, tuple(history[-FOLLOW_UP_DEPTH:]))

    def is_own(self, entry_id: str | None) -> bool:
        """Whether an entry is the operator's."""
        return entry_id is not None and self._number.get(entry_id, self._own) < self._own

    def _match(self, text: str, history: tuple[Exchange, ...]) -> Match:
        return replace(self._meant(text, history), text=text)

    def _meant(self, text: str, history: tuple[Exchange, ...]) -> Match:
        normal = self._wording.normalise(text)
        asked = normal if self._index.has(normal) else self._wording.core(normal)
        direct = self._direct(asked)
        if not history or not asked or not self._may_follow(asked, direct):
            return direct
        joined = [
            self._direct(f"{self._wording.normalise(entry.subject)} {asked}", entry, asked)
            for entry in self._contexts(text, history)
        ]
        if not joined:
            return direct
        best = max(joined, key=lambda match: match.score)
        # Nothing in the words names a subject: what was talked about is meant, if it fits at all.
        meant = best.entry_id is not None and not self._wording.telling(asked)
        return best if meant or best.score > direct.score else direct

    def _is_asked(self, normal: str) -> bool:
        return self._index.has(normal) or self._index.has(self._wording.core(normal))

    # --- two questions -------------------------------------------------------------------------

    def _two(self, split: Split, whole: Match, history: Sequence[Exchange]) -> tuple[Match, ...]:
        """The two, if it is two; one, if only that one is about the place; else nothing."""
        wording = self._wording
        if _is_context(split.firsts[-1], split.seconds[-1], wording):
            return ()
        first = self._best(split.firsts, history)
        if first.entry_id is None and not split.clauses:
            return ()
        before = [*history, Exchange(first.text, "")]
        second = self._best(split.seconds, before)
        said = wording.words(wording.normalise(second.text))
        if second.score < SAME_THING and any(word in wording.pointing for word in said):
            return ()  # "and what does it cost": more about the first
        least = TWO_CLAUSES if split.clauses else max(TWO_THINGS, whole.score)
        if first.entry_id is None or second.entry_id is None:
            return self._half(split, first, second, whole)
        if first.entry_id == second.entry_id or min(first.score, second.score) < least:
            return ()
        own = [match for match in (first, second) if self.is_own(match.entry_id)]
        return tuple(own) if own else ()

    def _best(self, readings: Sequence[str], history: Sequence[Exchange]) -> Match:
        return max((self.match(text, history) for text in readings), key=_known_first)

    def _half(self, split: Split, first: Match, second: Match, whole: Match) -> tuple[Match, ...]:
        """Two real questions of which one is known: both, so that neither is passed over."""
        known = first if first.entry_id else second
        asked = split.clauses and all(
            _is_question(match.text, self._wording) for match in (first, second)
        )
        other = second if known is first else first
        if not asked or not self.is_own(known.entry_id) or other.score >= UNSURE:
            return ()
        if known.score < TWO_THINGS or whole.entry_id not in (None, known.entry_id):
            return ()
        return first, second

    # --- one question --------------------------------------------------------------------------

    def _direct(self, asked: str, favour: Entry | None = None, follows: str = "") -> Match:
        """favour: what was talked about, and `follows` what was said now."""
        scores = self._index.scores(asked)
        if favour is not None and favour.id in self._number:
            scores = scores.copy()
            scores[self._number[favour.id]] += self._bonus(favour, follows)
        own, known = scores[: self._own], scores[: self._known]
        best = int(known.argmax())
        lead = float(known[best] - scores[self._known :].max())
        score = float(known[best]) + LEAD_WEIGHT * lead
        doubtful = favour is None and score < CLEAR and not self._index.has(asked)
        if doubtful and self._index.doubts:
            _, found = self._evidence(asked, scores)
            score = certainty(self._index.heard(asked), found, self._index.telling(best))
        nearest = [int(n) for n in own.argsort()[::-1][:NEAR]]
        near = tuple(self._index.entries[n].subject for n in nearest)
        answered = score >= THRESHOLD and lead > 0
        return Match(self._index.entries[best].id if answered else None, score, near)

    def evidence(self, asked: str) -> tuple[int, Evidence]:
        """Of a normalised question and the entry that is nearest to it: its number, and that."""
        return self._evidence(asked, self._index.scores(asked))

    def _evidence(self, asked: str, scores: Floats) -> tuple[int, Evidence]:
        best = int(scores[: self._known].argmax())
        heard = self._index.heard(asked)
        rivals = scores[: self._own if best < self._own else self._known]
        others = np.delete(rivals, best)
        lead = float(scores[best] - scores[self._known :].max())
        return best, Evidence(
            score=float(scores[best]) + LEAD_WEIGHT * lead,
            lead=lead,
            margin=float(scores[best] - others.max(initial=0.0)),
            share=self._index.share(heard, best),
            lacking=self._index.lacking(heard, best),
            talk=best >= self._own,
        )

    def _bonus(self, favour: Entry, follows: str) -> float:
        """For what is talked about, unless it has nothing of the kind that is asked for now."""
        wanted, told = asking.form(follows), self._index.telling(self._number[favour.id])
        if self._index.doubts and wanted.kind in (Kind.PRICE, Kind.TIME) and not told.has(wanted):
            return -FOLLOW_UP_LACK
        return FOLLOW_UP_BONUS

    def _may_follow(self, asked: str, direct: Match) -> bool:
        """Whether a text of at least one word leans on what was said before it."""
        wording = self._wording
        said = wording.words(asked)
        if len(said) > FOLLOW_UP_WORDS or self._index.has(asked) or said[0] in wording.ending:
            return False
        telling = wording.telling(asked)
        if not telling:
            return any(word in wording.pointing or word in wording.general for word in said)
        weak = direct.entry_id is None and any(word in wording.pointing for word in said)
        # A word that the file does not have is a new subject, and an unknown one.
        return weak and all(wording.stem(word) in self._subjects for word in telling)

    def _contexts(self, text: str, history: tuple[Exchange, ...]) -> list[Entry]:
        """The entries of the file that the visitor talked about last, likeliest first.

        After an answer to two questions both are meant, but "and on Sundays?" only what has hours.
        """
        for back in range(1, len(history) + 1):
            said = history[-back].visitor
            found = self.matches(said, history[: len(history) - back])
            own = [self._by_id[m.entry_id] for m in found if m.entry_id and self.is_own(m.entry_id)]
            if own:
                return _timely(text, own)
        return []


def _timely(text: str, entries: list[Entry]) -> list[Entry]:
    """Those with hours, where a time is named and some have any; the last one first."""
    timed = [entry for entry in entries if entry.hours is not None]
    if timed and clock.names_time(text):
        return timed[::-1]
    return entries[::-1]


def _known_first(match: Match) -> tuple[bool, float]:
    return match.entry_id is not None, match.score


def _is_question(text: str, wording: Wording) -> bool:
    said = wording.words(wording.core(wording.normalise(text)))
    return bool(said) and said[0] in _INTERROGATIVE


def _is_context(first: str, second: str, wording: Wording) -> bool:
    """Whether the first part only tells why the second is asked: "we leave at six, where ..."."""
    asks = any(_is_question(part, wording) for part in second.split(","))
    said = wording.words(wording.normalise(first))
    return asks and not _is_question(first, wording) and _WISHING.isdisjoint(said)


def _subject_stems(asked: Sequence[Sequence[str]], wording: Wording) -> frozenset[str]:
    """Stems of the words that name a subject somewhere in the normalised questions."""
    told = (word for group in asked for text in group for word in wording.telling(text))
    return frozenset(map(wording.stem, told))
