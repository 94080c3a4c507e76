"""English number words: digits to what a receptionist says."""

from __future__ import annotations

from typing import Final

from num2words import num2words  # type: ignore[import-untyped]

_DIGITS: Final = (
    *("zero", "one", "two", "three", "four"),
    *("five", "six", "seven", "eight", "nine"),
)


def digits(text: str) -> str:
    """Each ASCII digit by name, whatever stands between them: "0800" -> "zero eight zero zero"."""
    return " ".join(_DIGITS[int(char)] for char in text if char.isdecimal() and char.isascii())


def cardinal(value: int) -> str:
    """0 <= value < 10**15 in words; larger numbers are read digit by digit."""
    return _american(num2words(value)) if value < 10**15 else digits(str(value))


def ordinal(value: int) -> str:
    """12 -> "twelfth", 21 -> "twenty-first"; from 10**15 on digit by digit, without an ending."""
    return _american(num2words(value, to="ordinal")) if value < 10**15 else digits(str(value))


def _american(words: str) -> str:
    """Without the commas and the "and" of British English, which would be heard as pauses."""
    return words.replace(",", "").replace(" and ", " ")


def paired(text: str) -> str:
    """Three or four digits as a year, a room or a flight is read: "1204" -> "twelve oh four".

    Round ones stay whole: "2000" -> "two thousand", "2026" -> "twenty twenty-six"; fewer digits are
    a plain number.
    """
    # num2words reads years alike, but no rooms of three digits and no leading zeros.
    if text.startswith("0"):
        return digits(text)
    if len(text) < 3:
        return cardinal(int(text))
    head, tail = int(text[:-2]), int(text[-2:])
    if len(text) == 4 and head % 10 == 0 and tail < 10:
        return cardinal(int(text))
    if tail == 0:
        return f"{cardinal(head)} hundred"
    return f"{cardinal(head)} {'oh ' if tail < 10 else ''}{cardinal(tail)}"


def decimal(text: str) -> str:
    """ "1,200" -> "one thousand two hundred", "3.50" -> "three point five zero"."""
    whole, point, fraction = text.replace(",", "").partition(".")
    words = cardinal(int(whole or "0")) if len(whole) <= 15 else digits(whole)
    return f"{words} point {digits(fraction)}" if point and fraction else words


def clock(hour: int, minute: int, suffixed: bool) -> str:
    """6:30 -> "six thirty", 9:05 -> "nine oh five", 9:00 -> "nine o'clock" without AM or PM."""
    if minute:
        return f"{cardinal(hour)} {'oh ' if minute < 10 else ''}{cardinal(minute)}"
    if suffixed:
        return cardinal(hour)
    return f"{cardinal(hour)} hundred" if hour > 12 else f"{cardinal(hour)} o'clock"
