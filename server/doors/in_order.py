"""What follows speech in a stream, held until that was heard: words are not ahead of a face."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Speech:
    segment: int


class InOrder(Generic[T]):
    """Things of one stream, and the segments of speech between them, by their numbers."""

    def __init__(self) -> None:
        self._waiting: deque[T | _Speech] = deque()

    def follows(self, segment: int) -> None:
        """What is put from now on is held until this segment is over."""
        self._waiting.append(_Speech(segment))

    def put(self, thing: T) -> bool:
        """Whether it may pass now, for nothing before it waits; else it is held."""
        if not self._waiting:
            return True
        self._waiting.append(thing)
        return False

    def over(self, segment: int) -> list[T]:
        """This segment, and each before it, is over: what may pass now, in order."""
        passing: list[T] = []
        while self._waiting:
            first = self._waiting[0]
            if isinstance(first, _Speech):
                if first.segment > segment:
                    break
            else:
                passing.append(first)
            self._waiting.popleft()
        return passing

    def cleared(self, keeps: Callable[[T], bool]) -> list[T]:
        """Nothing is waited for any more: what may pass now, of all that was held."""
        held = [each for each in self._waiting if not isinstance(each, _Speech)]
        self._waiting.clear()
        return [each for each in held if keeps(each)]
