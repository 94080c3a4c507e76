"""Which entry a question means: sentence embeddings plus shared words."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from visavis.engines.base import Floats
from visavis.engines.dialogue.doubting import MOST, Lacking
from visavis.engines.dialogue.knowledge_file import Entry
from visavis.engines.dialogue.mishearing import Ear
from visavis.engines.language import wordings
from visavis.engines.language.asking import Telling
from visavis.engines.language.brackets import unmarked
from visavis.engines.language.embeddings import Embedder, Kept
from visavis.engines.language.phrasebook import ENGLISH
from visavis.engines.language.wordings import Wording

# Chosen by five-fold cross-validation over the questions of data/hotel.md (77 % right; plain cosine
# 68 %) with the `tune` questions of bench/dialogue_questions.toml as what must be turned away.
SHRINKAGE: Final = 6.0  # 3 to 30 differ by less than a point
GROUP_WEIGHT: Final = 0.5  # of the entry as a whole; the rest is its nearest question
ANSWER_WEIGHT: Final = 0.3  # of the answer within the entry as a whole
# Cosines of the multilingual encoder are lower than in the space of one language; chosen on the
# Spanish, Italian and Japanese questions of bench/languages.toml, for the same thresholds.
ACROSS: Final = 1.43
WORD_WEIGHT: Final = 0.1  # of shared rare words: names that the embedding does not know
# What a text may have been is asked only where it fits badly as it was heard, and believed where it
# then fits well, the better the less it sounds like what was heard: "my wife has fainted" is not
# about the Wi-Fi. Chosen on `misheard` and `out_of_scope.tune` of bench/dialogue_questions.toml.
FITS_BADLY: Final = 0.65
FITS_WELL: Final = 0.7
BELIEVED: Final = 1.68  # how well it fits and how alike it sounds, together
# While there are no vectors: 63 % of the `test` questions right, 14 % wrong.
WORDS_ALONE: Final = 0.7  # of shared words
AT_ONCE: Final = 2500  # new texts that a start waits for, 3 s; more are embedded beside it
WRITTEN: Final = 2000  # texts that are embedded between two writings of the cache
REMEMBERED: Final = 512  # vectors of recent questions: follow-ups ask for earlier ones again


class Index:
    """Scores every entry for a question; safe to share by threads.

    Compared is not the plain cosine of the embeddings but the cosine in a space in which the
    directions that only tell the questions of one entry apart ("do you have", "where is") are
    shrunk: linear discriminant analysis with shrinkage. Where more texts are new than are embedded
    in a moment, shared words alone answer until `learn` has come to its end.
    """

    def __init__(
        self,
        known: Sequence[Entry],
        strange: Sequence[Entry],
        embedder: Embedder,
        cache: Path | None = None,
        wording: Wording | None = None,
        *,
        across: bool = False,
    ) -> None:
        """`strange`: what must not be mistaken for the known; its words correct no misheard ones.

        wording: None: of English. across: whether questions may be in another language than the
        entries, and the embedder knows both: then words tell nothing.

        `cache`: a folder in which the vectors of the entries are kept between starts.
        """
        self.wording = wording = wording or wordings.of(ENGLISH)
        self._across = across
        normalise = wording.normalise
        self.entries = (*known, *strange)
        self._count = len(known)
        self.asked = [[normalise(q) for q in (*e.questions, e.subject)] for e in self.entries]
        answers = [normalise(unmarked(entry.answers[0])) for entry in self.entries]
        self._texts = [*(text for group in self.asked for text in group), *answers]
        # What is asked in the file's own words needs no embedding, which takes 5 to 15 ms.
        questions = len(self._texts) - len(answers)
        self._row = {text: row for row, text in enumerate(self._texts[:questions])}
        self._exact = {
            wording.key(text): n
            for n, group in reversed([*enumerate(self.asked)])
            for text in group
        }
        pairs = zip(self.asked, answers, strict=True)
        documents = [" ".join((*group, answer)) for group, answer in pairs]
        self._lexicon = Lexicon(documents, wording)
        self._subjects = Lexicon([" ".join(group) for group in self.asked], wording)
        heard = self.asked[: len(known)] if wording.heard else []
        self._ear = Ear([text for group in heard for text in group])
        self._embedder = embedder
        self.telling = lru_cache(None)(lambda number: Telling(self.asked[number], answers[number]))
        self._vector = lru_cache(REMEMBERED)(lambda text: embedder.embed([text])[0])
        self._remembered = lru_cache(REMEMBERED)(self._scored)
        self._kept: Kept | None = Kept(embedder, cache, "questions")
        self._meanings: Meanings | None = None
        if len(self._kept.missing(self._texts)) <= AT_ONCE:
            self.learn()

    @property
    def learning(self) -> bool:
        """Whether `learn` is still to be called: the vectors are not there yet."""
        return self._meanings is None

    @property
    def doubts(self) -> bool:
        """Whether `lacking` tells anything: what it is weighed by was found for English."""
        return not self.learning and self.wording.heard and not self._across

    def learn(self) -> None:
        """Embed what is new, some 1.5 ms a text, and use it. Raises EngineError."""
        kept = self._kept
        if kept is None:
            return
        new = kept.missing(self._texts)
        for start in range(0, len(new), WRITTEN):  # a start that is broken off is not for nothing
            kept.learn(new[start : start + WRITTEN])
            kept.keep(self._texts)
        vectors = kept.vectors(self._texts)
        sizes = [len(group) for group in self.asked]
        self._meanings = Meanings(vectors, sizes, across=self._across)
        self._kept = None  # its vectors are in the space now

    def has(self, normal: str) -> bool:
        """Whether an entry has a normalised question word for word."""
        return self.wording.key(normal) in self._exact

    def scores(self, normal: str) -> Floats:
        """A normalised question -> (entries,) float32; at least 1 if asked word for word."""
        return self._read(normal)[0]

    def heard(self, normal: str) -> str:
        """What a normalised question is taken to have been, where words of it were misheard."""
        return self._read(normal)[1]

    def _read(self, normal: str) -> tuple[Floats, str]:
        return self._scored(normal) if self.learning else self._remembered(normal)

    def _scored(self, normal: str) -> tuple[Floats, str]:
        meanings = self._meanings
        scores = self._plain(normal, meanings)
        if self.has(normal):
            scores[self._exact[self.wording.key(normal)]] = max(1.0, float(scores.max()))
        if meanings is not None and self.wording.heard and scores.max() < FITS_BADLY:
            return self._guessed(normal, scores, meanings)
        return scores, normal

    def _guessed(self, normal: str, scores: Floats, meanings: Meanings) -> tuple[Floats, str]:
        """The same for what a question may have been, where that fits much better."""
        guesses = self._ear.guesses(normal)
        if not guesses:
            return scores, normal
        best, meant = 0.0, normal
        vectors = self._embedder.embed([guess.text for guess in guesses])
        for guess, vector in zip(guesses, vectors, strict=True):
            other = self._mixed(meanings.similar(vector), guess.text)
            fits = float(other.max())
            if fits >= FITS_WELL and fits + guess.likeness >= max(BELIEVED, best):
                best, meant, scores = fits + guess.likeness, guess.text, other
        return scores, meant

    def share(self, normal: str, number: int) -> float:
        """How much of a normalised question's words, by rarity, an entry has."""
        return float(self._lexicon.shared(normal)[number])

    def lacking(self, normal: str, number: int) -> list[Lacking]:
        """The words of a normalised question that an entry has not; none before all is learnt."""
        meanings, said = self._meanings, normal.split()
        found = [
            word
            for word in dict.fromkeys(said)
            if word not in self.wording.stop and not self._has_word(number, word)
        ][:MOST]
        if meanings is None or not found or len(said) == 1:
            return []
        left = [" ".join(other for other in said if other != word) for word in found]
        nearest = float(meanings.similar(self._vector(normal))[number])
        changes = [float(meanings.similar(v)[number]) - nearest for v in self._embedder.embed(left)]
        stem = self.wording.stem
        known = (min(self._lexicon.having(stem(w)), default=self._count) for w in found)
        return [
            Lacking(word, change, first >= self._count)
            for word, change, first in zip(found, changes, known, strict=True)
        ]

    def _has_word(self, number: int, word: str) -> bool:
        """Whether an entry has a word, or one that it may be misheard for."""
        heard = [word, *self._ear.alike(word)] if self.wording.heard else [word]
        return any(number in self._lexicon.having(self.wording.stem(each)) for each in heard)

    def _plain(self, normal: str, meanings: Meanings | None) -> Floats:
        if meanings is None:
            by_words: Floats = np.float32(WORDS_ALONE) * self._subjects.shared(normal)
            return by_words
        row = self._row.get(normal)
        similar = (
            meanings.similar(self._vector(normal)) if row is None else meanings.similar_to(row)
        )
        return similar if self._across else self._mixed(similar, normal)

    def _mixed(self, similar: Floats, normal: str) -> Floats:
        mixed: Floats = similar + np.float32(WORD_WEIGHT) * self._lexicon.shared(normal)
        return mixed


class Meanings:
    """The vectors of all entries, in the space in which they are compared."""

    def __init__(self, vectors: Floats, sizes: Sequence[int], *, across: bool = False) -> None:
        """vectors: (n, d) float32, the questions of all entries and then an answer of each.

        sizes: how many questions each entry has. across: of questions in other languages.
        """
        questions = int(np.sum(sizes))
        self._starts = np.cumsum([0, *sizes[:-1]])
        labels = np.repeat(np.arange(len(sizes)), sizes)
        self._scale = np.float32(ACROSS if across else 1.0)
        self._space: Space | Centred = (
            Centred(vectors[:questions], labels) if across else Space(vectors[:questions], labels)
        )
        self._questions = self._space.project(vectors[:questions])
        answers = self._space.project(vectors[questions:])
        means = self._space.project(self._space.means)
        self._groups = _unit(means + np.float32(ANSWER_WEIGHT) * answers)

    def similar(self, vector: Floats) -> Floats:
        """(d,) float32 -> how near each entry is, (entries,) float32."""
        return self._near(self._space.project(vector[None])[0])

    def similar_to(self, question: int) -> Floats:
        """The same for a question of theirs, by its row."""
        return self._near(self._questions[question])

    def _near(self, asked: Floats) -> Floats:
        nearest = np.maximum.reduceat(self._questions @ asked, self._starts)
        mixed: Floats = nearest + np.float32(GROUP_WEIGHT) * (self._groups @ asked - nearest)
        return self._scale * mixed


class Space:
    """Where questions of one entry lie close together; fitted to labelled vectors."""

    def __init__(self, vectors: Floats, labels: npt.NDArray[np.intp]) -> None:
        """vectors: (n, d) float32; labels: (n,) the entry of each, 0 to entries - 1, none empty."""
        self.means = _means(vectors, labels)
        self._centre = vectors.mean(axis=0)
        within = (vectors - self.means[labels]).astype(np.float64)
        scatter = within.T @ within / len(vectors)
        floor = SHRINKAGE * max(np.trace(scatter), 1e-6) / len(scatter)
        values, axes = np.linalg.eigh(scatter + floor * np.eye(len(scatter)))
        self._axes: Floats = (axes / np.sqrt(values)).astype(np.float32)

    def project(self, vectors: Floats) -> Floats:
        """(n, d) float32 -> (n, d) float32 of length one."""
        return _unit((vectors - self._centre) @ self._axes)


class Centred:
    """The same without what tells one entry's questions apart: that is the language's own, and
    shrinking it lost a fifth of the questions in another one."""

    def __init__(self, vectors: Floats, labels: npt.NDArray[np.intp]) -> None:
        """As of Space."""
        self.means = _means(vectors, labels)
        self._centre = vectors.mean(axis=0)

    def project(self, vectors: Floats) -> Floats:
        """(n, d) float32 -> (n, d) float32 of length one."""
        return _unit(vectors - self._centre)


def _means(vectors: Floats, labels: npt.NDArray[np.intp]) -> Floats:
    """(entries, d): the mean of each."""
    counts = np.bincount(labels)
    sums = np.zeros((len(counts), vectors.shape[1]), np.float32)
    np.add.at(sums, labels, vectors)
    means: Floats = (sums / counts[:, None]).astype(np.float32)
    return means


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Floats = vectors / np.maximum(lengths, np.float32(1e-9))
    return scaled


class Lexicon:
    """The words of all entries: how much of a question's words an entry has."""

    def __init__(self, documents: Sequence[str], wording: Wording) -> None:
        """One normalised document for each entry."""
        self._wording = wording
        self._count = len(documents)
        having: dict[str, list[int]] = {}
        for number, document in enumerate(documents):
            for term in set(wording.terms(document)):
                having.setdefault(term, []).append(number)
        self._having = {term: np.array(found, np.intp) for term, found in having.items()}
        self._rarity = {t: math.log(1 + self._count / len(found)) for t, found in having.items()}
        self._unknown = math.log(1 + self._count / 2)  # a word that no entry has tells as much

    def shared(self, normal: str) -> Floats:
        """(entries,) float32 in [0, 1]: the part of the question's words, by rarity, in each."""
        asked = self._weights(self._wording.words(normal))
        found = np.zeros(self._count, np.float32)
        total = sum(asked.values())
        if total == 0:
            return found
        for term, weight in asked.items():
            if term in self._having:
                found[self._having[term]] += np.float32(weight)
        return found / np.float32(total)

    def having(self, term: str) -> Collection[int]:
        """The numbers of the entries that have a term."""
        found = self._having.get(term)
        return () if found is None else found.tolist()

    def _weights(self, words: Sequence[str]) -> dict[str, float]:
        stop, stem = self._wording.stop, self._wording.stem
        single = {stem(word) for word in words if word not in stop}
        weights = {term: self._rarity.get(term, self._unknown) for term in single}
        for a, b in pairwise(words):
            if a + b in self._rarity and (a not in stop or b not in stop):
                weights[a + b] = self._rarity[a + b]
        return weights
