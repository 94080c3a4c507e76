"""Answers from a file of questions and answers: retrieval, small talk, follow-ups. No network."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from threading import Thread
from typing import Final
from zoneinfo import ZoneInfo

from visavis.engines.base import CERTAIN, Deed, EngineError, Exchange, Fragment, Notes, Show
from visavis.engines.dialogue import composing, knowledge_file, notes, opening, smalltalk
from visavis.engines.dialogue.knowledge_file import EXAMPLE, Entry
from visavis.engines.dialogue.matching import NEAR, UNSURE, Match, Matcher
from visavis.engines.dialogue.retrieval import Index
from visavis.engines.language import clock, minilm, multilingual, tongues, wordings
from visavis.engines.language.embeddings import Embedder
from visavis.engines.language.foreign import is_foreign
from visavis.engines.language.languages import code_of, is_english
from visavis.engines.language.phrasebook import ENGLISH, phrase
from visavis.engines.language.sentences import fragments
from visavis.engines.settings import DialogueSettings

# A part of an answer, and its language if that is not the dialogue's.
Piece = tuple[str, str]

NEARLY: Final = 0.99  # sure, at most, of what is asked in other words
SURE: Final = 0.9  # of what is answered in whatever language it was asked
FAR: Final = 0.25  # below it even the nearest subject has nothing to do with the question


def load(settings: DialogueSettings) -> KnowledgeDialogue:
    """Over a file, None: the hotel example. Raises KnowledgeError, ManifestError, EngineError."""
    home = settings.home
    embedder = minilm.shared(home) if is_english(settings.language) else multilingual.shared()
    return KnowledgeDialogue(
        settings.knowledge or EXAMPLE,
        embedder,
        home / "cache",
        language=settings.language,
        zone=ZoneInfo(settings.zone) if settings.zone else None,
    )


def _utc() -> datetime:
    return datetime.now(UTC)


class KnowledgeDialogue:
    """Implements `Dialogue`, `Confident`, `Foreknowing`, `Informed`, `Renewable` over one file.

    Safe to share by threads. What it says of times and opening hours is true when it is asked.
    """

    def __init__(
        self,
        path: Path,
        embedder: Embedder,
        cache: Path | None = None,
        *,
        language: str = ENGLISH,
        zone: ZoneInfo | None = None,
        now: Callable[[], datetime] = _utc,
    ) -> None:
        """`cache`: a folder for the vectors of the file. Raises KnowledgeError, EngineError.

        zone: of the place, where the file does not say; None: this machine's. now: with a zone.

        Without a cached copy the vectors of some 900 questions take about two seconds. What would
        take much longer is done in a thread; until then shared words alone find an answer.
        """
        self._made_by = path, embedder, cache, language, zone, now
        self.made_of = edition(path)
        whole = knowledge_file.load(path)
        self.knowledge = whole.in_language(language)
        foreign = () if code_of(language) == whole.language else whole.topics
        self._own_topics = tuple(each for each in self.knowledge.topics if each not in foreign)
        self._language, self._zone, self._now = language, self.knowledge.zone or zone, now
        self._wording = wordings.of(language)
        small, beyond = smalltalk.entries(language)
        small = smalltalk.not_in(self.knowledge, small)
        known = (*self.knowledge.entries, *small)
        across = not is_english(language)
        self._index = Index(known, beyond, embedder, cache, self._wording, across=across)
        own = len(self.knowledge.entries)
        self._known = own + len(small)
        self._shows = any(entry.cards for entry in self.knowledge.entries)
        self._by_id = {e.id: e for e in self._index.entries[: self._known]}
        self._matcher = Matcher(self._index, own, self._known)
        if self._index.learning:
            Thread(target=self._learn, name="knowledge", daemon=True).start()

    def _learn(self) -> None:
        # Where it fails, words alone go on answering: so does a question that cannot be embedded.
        with suppress(EngineError):
            self._index.learn()

    @property
    def learning(self) -> bool:
        """Whether the file's meanings are still being learnt, and words alone answer."""
        return self._index.learning

    def edition(self) -> Hashable:
        """Implements `Renewable`: of the file as it is now."""
        return edition(self._made_by[0])

    def renewed(self) -> KnowledgeDialogue:
        """Implements `Renewable`: another over the file as it is now, all of it learnt.

        Raises KnowledgeError, EngineError.
        """
        path, embedder, cache, language, zone, now = self._made_by
        new = KnowledgeDialogue(path, embedder, cache, language=language, zone=zone, now=now)
        new._index.learn()
        return new

    @property
    def names(self) -> tuple[str, ...]:
        """What visitors call the avatar."""
        return (self.knowledge.persona.name,)

    @property
    def greeting(self) -> str:
        """What the file says to a visitor who arrives; empty if it says nothing."""
        return self._filled(self.knowledge.persona.greeting)

    def reply(self, text: str, history: Sequence[Exchange]) -> Iterator[str | Fragment | Deed]:
        """Yield the answer sentence by sentence, after what is shown with it.

        Raises EngineError.
        """
        for entry in self._used(text, history) if self._shows else ():
            yield from map(Show, entry.cards)
        for said, language in self._answer(text, history):
            for sentence in fragments(said):
                yield Fragment(sentence, language=language) if language else sentence

    def sure(self, text: str, history: Sequence[Exchange]) -> float:
        """In [0, 1]: how well an entry fits, 0 where none does. Raises EngineError."""
        found = self._matcher.matches(text, history)
        known = [match for match in found if match.entry_id is not None]
        exact = all(self._index.has(self._wording.normalise(match.text)) for match in known)
        worst = min((match.score for match in known), default=0.0)
        return min(max(worst, 0.0), CERTAIN if exact else NEARLY)

    def match(self, text: str, history: Sequence[Exchange] = ()) -> Match:
        """Which entry answers a text, as one question. Raises EngineError."""
        return self._matcher.match(text, history)

    def matches(self, text: str, history: Sequence[Exchange] = ()) -> tuple[Match, ...]:
        """Which entries answer a text, one for each question in it. Raises EngineError."""
        return self._matcher.matches(text, history)

    def notes(self, text: str, history: Sequence[Exchange]) -> Notes:
        """Implements `Informed`: the entries that are meant, then those that come near."""
        if not self._wording.normalise(text):
            return notes.notes(self.knowledge, ())
        own = {entry.id: entry for entry in self.knowledge.entries}
        by_subject = {entry.subject: entry for entry in self.knowledge.entries}
        found = [
            match
            for match in self._matcher.matches(text, history)
            if match.score >= FAR and (match.entry_id is None or match.entry_id in own)
        ]
        passages = [(own[match.entry_id], match.score) for match in found if match.entry_id]
        meant = {entry.id for entry, _ in passages}
        near = dict.fromkeys(subject for match in found for subject in match.near)
        others = (by_subject[subject] for subject in near)
        passages += [(entry, UNSURE) for entry in others if entry.id not in meant]
        return notes.notes(self.knowledge, passages, self._moment(), self._language)

    def foreknown(self) -> Iterator[Sequence[str]]:
        """Implements `Foreknowing`: first answers to what the file knows, then small talk, the
        others in turn, and what it says to what it does not know, as far as that is fixed.

        Nothing that depends on the time at which it is asked.
        """
        known = self._index.entries[: self._known]
        most = max(len(entry.answers) for entry in known)
        for turn in range(most):
            for entry in known:
                if turn < len(entry.answers) and not smalltalk.is_timely(entry.answers[turn]):
                    yield tuple(fragments(self._filled(entry.answers[turn])))
        for text in smalltalk.fixed(self.knowledge, self._language):
            yield tuple(fragments(text))

    def _answer(self, text: str, history: Sequence[Exchange]) -> list[Piece]:
        if not self._wording.normalise(text):
            foreign = any(c.isalpha() for c in text)
            return [(self._foreign() if foreign else self._say("smalltalk.empty"), "")]
        found = self._matcher.matches(text, history)
        if self._is_foreign(text) and max(match.score for match in found) < SURE:
            return [(self._foreign(), "")]
        if len(found) > 1:
            return self._all(found, history)
        return self._one(found[0], history)

    def _used(self, text: str, history: Sequence[Exchange]) -> list[Entry]:
        """The entries whose answers a text gets."""
        if not self._wording.normalise(text):
            return []
        found = self._matcher.matches(text, history)
        if self._is_foreign(text) and max(match.score for match in found) < SURE:
            return []
        if len(found) == 1 and found[0].entry_id == smalltalk.YES:
            meant = self._asked_back(history)
            return [meant] if meant else []
        return [self._by_id[match.entry_id] for match in found if match.entry_id is not None]

    def _is_foreign(self, text: str) -> bool:
        return is_english(self._language) and is_foreign(text)

    def _foreign(self) -> str:
        named = tongues.name_of(self._language, self._language)
        return self._say("ears.foreign").format(languages=named)

    def _all(self, found: Sequence[Match], history: Sequence[Exchange]) -> list[Piece]:
        """The answers to several questions in one text."""
        told = [(self._by_id[m.entry_id], m) for m in found if m.entry_id is not None]
        answers = [self._told(entry, match.text, history) for entry, match in told]
        rest = [] if len(told) == len(found) else [(self._say("knowledge.unknown_part"), "")]
        if any(len(answer) > 1 for answer in answers):  # of two languages: one after the other
            return _spaced([*chain.from_iterable(answers), *rest])
        others = [(entry.subject, a[0][0]) for (entry, _), a in zip(told, answers, strict=True)][1:]
        return _spaced([(composing.joined(answers[0][0][0], others, self._language), ""), *rest])

    def _one(self, found: Match, history: Sequence[Exchange]) -> list[Piece]:
        if found.entry_id == smalltalk.REPEAT and history:
            return _spaced([(self._say("smalltalk.repeating"), ""), *self._last_answer(history)])
        if found.entry_id == smalltalk.YES and (meant := self._asked_back(history)):
            return self._told(meant, history[-1].visitor, history)
        if found.entry_id is None:
            return [(self._unknown(found, turn=len(history)), "")]
        return self._told(self._by_id[found.entry_id], found.text, history)

    def _told(self, entry: Entry, asked: str, history: Sequence[Exchange]) -> list[Piece]:
        """What an entry answers to a question: its hours, if they are asked for, or its text."""
        moment, language = self._moment(), self._language
        if entry.hours is not None and not entry.borrowed:
            times = clock.asked(asked, language, moment.date())
            if said := opening.answer(entry, times, moment, language):
                return [(said, "")]
        answer = self._filled(entry.answers[len(history) % len(entry.answers)])
        if not entry.borrowed:
            return [(answer, "")]
        named = tongues.name_of(entry.borrowed, language)
        return _spaced([
            (self._say("knowledge.only_in").format(language=named), ""),
            (answer, entry.borrowed),
        ])  # fmt: skip

    def _say(self, key: str) -> str:
        return phrase(key, self._language)

    def _moment(self) -> datetime:
        """By the wall clock of the place."""
        return self._now().astimezone(self._zone).replace(tzinfo=None)

    def _filled(self, text: str) -> str:
        text = smalltalk.fill(text, self.knowledge, self._language, self._own_topics)
        return smalltalk.timed(text, self._moment(), self._language)

    def _last_answer(self, history: Sequence[Exchange]) -> list[Piece]:
        """The last answer in full, even if it was cut off; what was heard, if nobody asked."""
        *before, last = history
        if not self._wording.normalise(last.visitor):
            return [(last.heard, "")]
        if before and self._matcher.match(last.visitor, before).entry_id == smalltalk.REPEAT:
            return self._last_answer(before)
        return self._answer(last.visitor, before)

    def _asked_back(self, history: Sequence[Exchange]) -> Entry | None:
        """The entry that the last reply asked whether it was meant."""
        if not history:
            return None
        last = self._matcher.match(history[-1].visitor, history[:-1])
        if last.entry_id is not None or last.score < UNSURE:
            return None
        return next(e for e in self.knowledge.entries if e.subject == last.near[0])

    def _unknown(self, found: Match, turn: int) -> str:
        own = {entry.subject for entry in self.knowledge.entries if not entry.borrowed}
        near = tuple(subject for subject in found.near if subject in own)
        if found.score >= UNSURE and found.near[0] in own:
            text = phrase("smalltalk.unsure", self._language, turn)
            return text.replace("{nearest}", found.near[0])
        if found.score < FAR or not near:
            near = self._topics(turn)
        return smalltalk.unknown(self.knowledge, near, turn, self._language)

    def _topics(self, turn: int) -> tuple[str, ...]:
        """Some topics, other ones each turn."""
        topics = self._own_topics
        start = NEAR * turn % max(len(topics), 1)
        return (topics[start:] + topics[:start])[:NEAR]


def _spaced(pieces: Sequence[Piece]) -> list[Piece]:
    """Texts such that they join with a blank between them."""
    return [(f"{text} ", language) for text, language in pieces[:-1]] + [pieces[-1]]


def edition(path: Path) -> Hashable:
    """What changes with a file; None: it cannot be looked at."""
    try:
        known = path.stat()
    except OSError:
        return None
    return known.st_mtime_ns, known.st_size, known.st_ino
