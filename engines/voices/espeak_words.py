"""Which word each of espeak's phonemes belongs to.

espeak writes some word pairs as one ("of the" -> "ʌvðə"), so counting spaces is not enough.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

_VOWELS: Final = frozenset("aeiouæɐɑɒɔəɚɛɜɪʊʌᵻ")


def owners(
    symbols: Sequence[str], words: Sequence[str], phonemes: Callable[[str], Sequence[str]]
) -> list[int]:
    """For each symbol of a phrase the index of its word; `phonemes` reads a single word."""
    counted: list[int] = []
    for symbol in symbols:
        counted.append((counted[-1] if counted else 0) + (symbol == " "))
    if counted and counted[-1] + 1 == len(words):
        return counted
    alone = [
        (symbol, index)
        for index, word in enumerate(words)
        for symbol in phonemes(word)
        if symbol.isalpha()
    ]
    return _filled(_aligned(symbols, alone), symbols)


def _aligned(symbols: Sequence[str], alone: Sequence[tuple[str, int]]) -> dict[int, int]:
    """Word by position, from the cheapest alignment of the phrase with its words read alone."""
    spoken = [(at, symbol) for at, symbol in enumerate(symbols) if symbol.isalpha()]
    rows = [[float(column) for column in range(len(alone) + 1)]]
    for row, (_, symbol) in enumerate(spoken, 1):
        line = [float(row)]
        for column, (other, _) in enumerate(alone, 1):
            step = rows[-1][column - 1] + _difference(symbol, other)
            line.append(min(step, rows[-1][column] + 1, line[-1] + 1))
        rows.append(line)
    found: dict[int, int] = {}
    row, column = len(spoken), len(alone)
    while row and column:
        (at, symbol), (other, word) = spoken[row - 1], alone[column - 1]
        if rows[row][column] == rows[row - 1][column - 1] + _difference(symbol, other):
            found[at] = word
            row, column = row - 1, column - 1
        elif rows[row][column] == rows[row - 1][column] + 1:
            row -= 1
        else:
            column -= 1
    return found


def _difference(one: str, other: str) -> float:
    if one == other:
        return 0.0
    return 0.6 if (one in _VOWELS) == (other in _VOWELS) else 1.5


def _filled(found: dict[int, int], symbols: Sequence[str]) -> list[int]:
    """What stands alone goes with the word before it, a stress mark or a gap with the next."""
    result: list[int] = []
    for at, symbol in enumerate(symbols):
        ahead = next((found[i] for i in range(at, len(symbols)) if i in found), None)
        behind = result[-1] if result else 0
        mark = symbol in "ˈˌ"
        word = found.get(at, ahead if mark and ahead is not None else behind)
        result.append(max(word, behind))
    return result
