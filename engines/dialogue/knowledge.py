"""Answers from a file of questions and answers: retrieval, small talk, follow-ups. No network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Final

from visavis.engines.base import EngineError, Exchange
from visavis.engines.dialogue import knowledge_file, smalltalk
from visavis.engines.dialogue.knowledge_file import EXAMPLE, Entry
from visavis.engines.dialogue.retrieval import Index
from visavis.engines.language import minilm
from visavis.engines.language.embeddings import Embedder
from visavis.engines.language.foreign import is_foreign
from visavis.engines.language.sentences import fragments
from visavis.engines.language.wording import STOP, core, normalise, stem, words
from visavis.engines.settings import DialogueSettings

# Chosen on `tune` and `out_of_scope.tune` of bench/dialogue_questions.toml; see bench/dialogue.py.
THRESHOLD: Final = 0.5  # of what is answered
SURE: Final = 0.9  # of what is answered in whatever language it was asked
UNSURE: Final = 0.4  # from here to the threshold it asks back
LEAD_WEIGHT: Final = 0.3  # of the lead over what is beyond the avatar
FOLLOW_UP_BONUS: Final = 0.05  # for what the visitor already talks about
FOLLOW_UP_WORDS: Final = 9  # a longer question stands for itself
FOLLOW_UP_DEPTH: Final = 3  # exchanges looked back
NEAR: Final = 3  # subjects named when it does not know
FAR: Final = 0.25  # below it even the nearest subject has nothing to do with the question

# Words that point back to what was talked about.
_POINTING: Final = words("it its they them their there that this those one ones")
# "No thanks, that is it": begins no question.
_ENDING: Final = words("no nope nothing thanks thank bye")
# Words that ask something of any subject, and so name none.
_GENERAL: Final = words(
    """cost costs price prices expensive cheap free open opening closed close start end hour hours
    long far often early late time today tomorrow tonight morning afternoon evening night weekend
    monday tuesday wednesday thursday friday saturday sunday sundays saturdays weekday child
    children kid kids adult adults people person guest guests book booking reserve included
    include extra pay euro euros day days week use reservation another different until per"""
)


@dataclass(frozen=True, slots=True)
class Match:
    """What a question was taken for: an entry's id, or None if it is not known.

    `score` is the confidence, about 1 for a question that the file has word for word; `near` are
    the subjects that come closest, nearest first.
    """

    entry_id: str | None
    score: float
    near: tuple[str, ...]


def load(settings: DialogueSettings) -> KnowledgeDialogue:
    """Over a file, None: the hotel example. Raises KnowledgeError, ManifestError, EngineError."""
    home = settings.home
    return KnowledgeDialogue(settings.knowledge or EXAMPLE, minilm.shared(home), home / "cache")


class KnowledgeDialogue:
    """Implements `Dialogue`, `Confident` over one Markdown file; safe to share by threads."""

    def __init__(self, path: Path, embedder: Embedder, cache: Path | None = None) -> None:
        """`cache`: a folder for the vectors of the file. Raises KnowledgeError, EngineError.

        Without a cached copy the vectors of some 900 questions take about two seconds. What would
        take much longer is done in a thread; until then shared words alone find an answer.
        """
        self.knowledge = knowledge_file.load(path)
        small, beyond = smalltalk.entries()
        small = smalltalk.not_in(self.knowledge, small)
        self._index = Index((*self.knowledge.entries, *small), beyond, embedder, cache)
        self._own = len(self.knowledge.entries)
        self._known = self._own + len(small)
        self._by_id = {e.id: e for e in self._index.entries[: self._known]}
        self._subjects = _subject_stems(self._index.asked[: self._own])
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

    @property
    def names(self) -> tuple[str, ...]:
        """What visitors call the avatar."""
        return (self.knowledge.persona.name,)

    @property
    def greeting(self) -> str:
        """What the file says to a visitor who arrives; empty if it says nothing."""
        return smalltalk.fill(self.knowledge.persona.greeting, self.knowledge)

    def reply(self, text: str, history: Sequence[Exchange]) -> Iterator[str]:
        """Yield the answer sentence by sentence. Raises EngineError."""
        yield from fragments(self._answer(text, history))

    def sure(self, text: str, history: Sequence[Exchange]) -> float:
        """In [0, 1]: how well an entry fits, 0 where none does. Raises EngineError."""
        found = self.match(text, history)
        return min(max(found.score, 0.0), 1.0) if found.entry_id is not None else 0.0

    def foreknown(self) -> Iterator[Sequence[str]]:
        """Implements `Foreknowing`: first answers to what the file knows, then small talk, the
        others in turn, and what it says to what it does not know, as far as that is fixed."""
        known = self._index.entries[: self._known]
        most = max(len(entry.answers) for entry in known)
        for turn in range(most):
            for entry in known:
                if turn < len(entry.answers):
                    yield tuple(fragments(smalltalk.fill(entry.answers[turn], self.knowledge)))
        for text in smalltalk.fixed(self.knowledge):
            yield tuple(fragments(text))

    def match(self, text: str, history: Sequence[Exchange] = ()) -> Match:
        """Which entry answers a text, given what was said before. Raises EngineError."""
        history = history[-FOLLOW_UP_DEPTH:]
        normal = normalise(text)
        asked = normal if self._index.has(normal) else core(normal)
        direct = self._direct(asked)
        if not history or not asked or not self._may_follow(asked, direct):
            return direct
        context = self._context(history)
        if context is None:
            return direct
        joined = self._direct(f"{normalise(context.subject)} {asked}", favour=context)
        # Nothing in the words names a subject: what was talked about is meant, if it fits at all.
        meant = joined.entry_id is not None and not _telling(asked)
        return joined if meant or joined.score > direct.score else direct

    def _answer(self, text: str, history: Sequence[Exchange]) -> str:
        if not normalise(text):
            return smalltalk.FOREIGN if any(c.isalpha() for c in text) else smalltalk.EMPTY
        found = self.match(text, history)
        if found.score < SURE and is_foreign(text):
            return smalltalk.FOREIGN
        if found.entry_id == smalltalk.REPEAT and history:
            return f"{smalltalk.REPEATING} {self._last_answer(history)}"
        if found.entry_id == smalltalk.YES and (meant := self._asked_back(history)):
            found = Match(meant.id, found.score, found.near)
        if found.entry_id is None:
            return self._unknown(found, turn=len(history))
        answers = self._by_id[found.entry_id].answers
        return smalltalk.fill(answers[len(history) % len(answers)], self.knowledge)

    def _last_answer(self, history: Sequence[Exchange]) -> str:
        """The last answer in full, even if it was cut off; what was heard, if nobody asked."""
        *before, last = history
        if not normalise(last.visitor):
            return last.heard
        if before and self.match(last.visitor, before).entry_id == smalltalk.REPEAT:
            return self._last_answer(before)
        return self._answer(last.visitor, before)

    def _asked_back(self, history: Sequence[Exchange]) -> Entry | None:
        """The entry that the last reply asked whether it was meant."""
        if not history:
            return None
        last = self.match(history[-1].visitor, history[:-1])
        if last.entry_id is not None or last.score < UNSURE:
            return None
        return next(e for e in self.knowledge.entries if e.subject == last.near[0])

    def _unknown(self, found: Match, turn: int) -> str:
        if found.score >= UNSURE:
            text = smalltalk.UNSURE[turn % len(smalltalk.UNSURE)]
            return text.replace("{nearest}", found.near[0])
        text = smalltalk.UNKNOWN[turn % len(smalltalk.UNKNOWN)]
        near = smalltalk.listed(found.near if found.score >= FAR else self._topics(turn), "or")
        return smalltalk.fill(text.replace("{near}", near), self.knowledge)

    def _topics(self, turn: int) -> tuple[str, ...]:
        """Some topics, other ones each turn."""
        topics = self.knowledge.topics
        start = NEAR * turn % len(topics)
        return (topics[start:] + topics[:start])[:NEAR]

    def _direct(self, asked: str, favour: Entry | None = None) -> Match:
        scores = self._index.scores(asked)
        if favour is not None and favour.id in self._by_id:
            scores = scores.copy()
            scores[self._index.entries.index(favour)] += FOLLOW_UP_BONUS
        own, known = scores[: self._own], scores[: self._known]
        best = int(known.argmax())
        lead = float(known[best] - scores[self._known :].max())
        score = float(known[best]) + LEAD_WEIGHT * lead
        nearest = [int(n) for n in own.argsort()[::-1][:NEAR]]
        near = tuple(self._index.entries[n].subject for n in nearest)
        answered = score >= THRESHOLD and lead > 0
        return Match(self._index.entries[best].id if answered else None, score, near)

    def _may_follow(self, asked: str, direct: Match) -> bool:
        """Whether a text of at least one word leans on what was said before it."""
        said = asked.split()
        if len(said) > FOLLOW_UP_WORDS or self._index.has(asked) or said[0] in _ENDING:
            return False
        telling = _telling(asked)
        if not telling:
            return any(word in _POINTING or word in _GENERAL or word == "and" for word in said)
        weak = direct.entry_id is None and not _POINTING.isdisjoint(said)
        # A word that the file does not have is a new subject, and an unknown one.
        return weak and all(stem(word) in self._subjects for word in telling)

    def _context(self, history: Sequence[Exchange]) -> Entry | None:
        """The entry of the file that the visitor talked about last."""
        for back in range(1, min(FOLLOW_UP_DEPTH, len(history)) + 1):
            found = self.match(history[-back].visitor, history[: len(history) - back])
            entry = self._by_id.get(found.entry_id or "")
            if entry is not None and entry in self.knowledge.entries:
                return entry
        return None


def _telling(asked: str) -> list[str]:
    """The words that say what a question is about."""
    return [w for w in asked.split() if w not in STOP and w not in _GENERAL]


def _subject_stems(asked: Sequence[Sequence[str]]) -> frozenset[str]:
    """Stems of the words that name a subject somewhere in the normalised questions."""
    words = {word for group in asked for question in group for word in question.split()}
    return frozenset(stem(word) for word in words if word not in STOP and word not in _GENERAL)
