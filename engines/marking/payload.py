"""What a mark says, and the code that carries it: 40 bits in 224 signs, in picture and sound.

    installation   24 bits   which installation made it: the first of its public key's hash
    day            13 bits   days since 2026-01-01, so until 2048
    session class   3 bits   what kind of session
    check          16 bits   CRC-16/CCITT-FALSE of the 40 before

The 56 bits go through a tail-biting convolutional code of rate 1/4 and constraint length 9 with the
generators 463, 535, 733, 745 (octal; Proakis, Digital Communications, table 8.2-3: free distance
24). Whoever carries it spreads the 224 signs as often as there is room, and reads as many sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["CODED", "EPOCH", "MESSAGE", "Payload", "SessionClass", "decode", "encode"]

Signs = npt.NDArray[np.int8]
Bits = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

EPOCH: Final = date(2026, 1, 1)
MESSAGE: Final = 40  # bits that say something: so many words there are
CODED: Final = 224  # signs

_INSTALLATION, _DAY, _CLASS, _CHECK = 24, 13, 3, 16  # bits
_LENGTH: Final = MESSAGE + _CHECK
_GENERATORS: Final = (0o463, 0o535, 0o733, 0o745)
_MEMORY: Final = 8
_STATES: Final = 1 << _MEMORY
_TRIED: Final = 8  # of the likeliest words, until one has the right check


class SessionClass(IntEnum):
    """What kind of session made it."""

    OTHER = 0
    LIVE = 1  # somebody talks with it: page, WHIP, WHEP, the wires
    VIDEO = 2  # written to a file from a script
    CAMERA = 3  # a person speaks through it in a video call
    PUBLISHED = 4  # sent on to many
    EMBEDDED = 5  # in another program
    SPARE_6 = 6
    SPARE_7 = 7


@dataclass(frozen=True, slots=True)
class Payload:
    """What a mark says. installation in [0, 2**24), day in [0, 8192). Raises ValueError."""

    installation: int
    day: int
    session: SessionClass

    def __post_init__(self) -> None:
        for name, value, bits in (
            ("installation", self.installation, _INSTALLATION),
            ("day", self.day, _DAY),
        ):
            if not 0 <= value < 1 << bits:
                raise ValueError(f"{name}: {value} is not within 0 and {(1 << bits) - 1}")

    @classmethod
    def of(cls, installation: int, on: date, session: SessionClass) -> Payload:
        """A day outside of what can be said (a clock that is wrong) is the nearest that can."""
        day = min(max((on - EPOCH).days, 0), (1 << _DAY) - 1)
        return cls(installation, day, session)

    @property
    def date(self) -> date:
        """The day, of the installation's own clock."""
        return EPOCH + timedelta(days=self.day)


def encode(payload: Payload) -> Signs:
    """(CODED,) of -1 and 1."""
    message = _message(payload)
    window = np.concatenate([message[-_MEMORY:], message])  # it begins in the state it ends in
    taps = np.stack([window[_MEMORY - age : len(window) - age] for age in range(_MEMORY + 1)])
    coded = [_parity_of(taps, generator) for generator in _GENERATORS]
    return np.asarray(1 - 2 * np.stack(coded, axis=1).reshape(-1).astype(np.int8), np.int8)


def decode(soft: npt.NDArray[np.floating]) -> Payload | None:
    """The likeliest payload of (CODED,) sums: their sign says a coded sign, their size how surely.

    None: none of the likeliest words has the right check. That alone is no proof: one of 8,000
    noises has one; see `evidence`. Exact: every state that the code may begin and end in is tried.
    """
    metric, steps = _searched(np.asarray(soft, np.float32).reshape(_LENGTH, len(_GENERATORS)))
    for state in np.argsort(-metric)[:_TRIED]:
        payload = _read(_traced(steps, int(state)))
        if payload is not None:
            return payload
    return None


def _parity_of(taps: Bits, generator: int) -> Bits:
    """generator: its highest bit is the newest of `taps`, (9, n)."""
    chosen = [age for age in range(_MEMORY + 1) if generator >> (_MEMORY - age) & 1]
    return np.asarray(taps[chosen].sum(axis=0) & 1, np.uint8)


def _message(payload: Payload) -> Bits:
    word = payload.installation << _DAY | payload.day
    word = word << _CLASS | int(payload.session)
    word = word << _CHECK | _crc(word)
    return np.array([word >> bit & 1 for bit in reversed(range(_LENGTH))], np.uint8)


def _read(message: Bits) -> Payload | None:
    word = int("".join(map(str, message)), 2)
    said, check = word >> _CHECK, word & (1 << _CHECK) - 1
    if _crc(said) != check:
        return None
    kind = SessionClass(said & (1 << _CLASS) - 1)
    day = said >> _CLASS & (1 << _DAY) - 1
    return Payload(said >> (_CLASS + _DAY), day, kind)


def _crc(word: int) -> int:
    """CRC-16/CCITT-FALSE of 40 bits, the highest first."""
    crc = 0xFFFF
    for bit in reversed(range(MESSAGE)):
        carry = (crc >> 15) ^ (word >> bit & 1)
        crc = crc << 1 & 0xFFFF
        crc ^= 0x1021 if carry else 0
    return crc


# The trellis: from each of two states, which differ by the bit that falls out, to their successor.
_TO: Final = np.arange(_STATES)
_FROM: Final = (_TO << 1 & _STATES - 1, _TO << 1 & _STATES - 1 | 1)  # a state: newest bit on top
_BIT: Final = (_TO >> (_MEMORY - 1)).astype(np.uint8)  # that led there


def _signs_on(before: npt.NDArray[np.int64]) -> Floats:
    """(STATES, 4): what is sent on the way to each state from the one before."""
    register = _BIT.astype(np.int64) << _MEMORY | before
    parity = np.stack(
        [np.array([(int(r) & g).bit_count() & 1 for r in register]) for g in _GENERATORS], axis=1
    )
    return np.asarray(1 - 2 * parity, np.float32)


_SENT: Final = (_signs_on(_FROM[0]), _signs_on(_FROM[1]))


def _searched(soft: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Viterbi's search from every state at once, (56, 4) sums.

    Returns the metric (STATES,) of the best path that begins and ends in each state, and which of
    two ways was better, (56, STATES at the beginning, STATES).
    """
    metric = np.full((_STATES, _STATES), -np.inf, np.float32)
    np.fill_diagonal(metric, 0)
    steps = np.empty((len(soft), _STATES, _STATES), np.bool_)
    for step, sums in enumerate(soft):
        first = metric[:, _FROM[0]] + _SENT[0] @ sums
        second = metric[:, _FROM[1]] + _SENT[1] @ sums
        np.greater(second, first, out=steps[step])
        metric = np.maximum(first, second)
    return metric.diagonal().copy(), steps


def _traced(steps: npt.NDArray[np.bool_], end: int) -> Bits:
    state, message = end, np.empty(len(steps), np.uint8)
    for step in reversed(range(len(steps))):
        message[step] = _BIT[state]
        state = int(_FROM[int(steps[step, end, state])][state])
    return message
