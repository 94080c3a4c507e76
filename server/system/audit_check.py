"""Whether an audit log is what was written: every line, their order, and that none is missing.

Told apart are faults, by which somebody has changed it (or a disk has), doubts, which may be a
crash or somebody, and notes, which say what the log itself says of full disks, deleted days and
clocks that jumped.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from visavis.server.system.chain import (
    EXPIRED,
    HEAD,
    NOTHING,
    End,
    Head,
    digest_of,
    files,
    head_of,
    locked,
    number_of,
    parsed,
    read_head,
)

_JUMP: Final = 5.0  # s by which a clock may differ from the one that never jumps

Kind = Literal["fault", "doubt", "note"]

# What the log says of itself.
OWN: Final[dict[str, tuple[str, Kind]]] = {
    "lines-missed": ("{count} lines were missed from {since} on: the disk took none", "note"),
    "tail-broken": ("the line before was not written to its end (a crash, or a full disk)", "note"),
    "lines-unsigned": ("lines {first} to {last} were not signed when they were found", "doubt"),
    "head-unsigned": ("the end was not signed when it was written", "fault"),
    EXPIRED: ("lines up to {last} were deleted by their age", "note"),
    "lines-missing": ("lines {first} to {last} were missing when it was written", "fault"),
    "line-changed": ("line {first} was another one when it was signed", "fault"),
    "head-missing": ("the signed end was missing when it was written", "fault"),
    "head-broken": ("the signed end could not be read when it was written", "fault"),
    "head-foreign": ("the end was signed by another key when it was written", "fault"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What is amiss, and at which line; 0: at no certain one. place: file and line in it."""

    kind: Kind
    line: int
    place: str
    text: str


@dataclass(slots=True)
class Check:
    """What was found of a log. lines: how many there are; end: the last one."""

    lines: int = 0
    end: End = field(default_factory=End)
    begins: str = ""
    findings: list[Finding] = field(default_factory=list)

    @property
    def faults(self) -> list[Finding]:
        """By which it is not what was written."""
        return self.of("fault")

    def of(self, kind: Kind) -> list[Finding]:
        """Those of one kind."""
        return [each for each in self.findings if each.kind == kind]


def rows(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every line, and its place. Raises OSError."""
    for file in files(folder):
        for number, line in enumerate(_lines(file.path), 1):
            yield f"{file.path.name}:{number}", line


def check(folder: Path, key: str, expected: End | None = None) -> Check:
    """Read all of it. key: the installation's public one, "": there is none.

    expected: an end that was kept elsewhere, which must be in the log. Raises OSError.
    """
    with locked(folder):
        return _check(rows(folder), _head(folder), key, expected)


def check_export(path: Path, key: str, expected: End | None = None) -> Check:
    """The same of a file that `audit export` made: its last line is the head. Raises OSError."""
    lines = _lines(path)
    head, why = None, "the last line is not the signed end: lines may have been cut off"
    last = parsed(lines[-1]) if lines else None
    if last is not None and isinstance(last.get("head"), dict):
        head = head_of(last["head"])
        lines.pop()
    placed = ((f"{path.name}:{at}", line) for at, line in enumerate(lines, 1))
    return _check(placed, (head, why), key, expected)


def _check(
    lines: Iterable[tuple[str, bytes]],
    head: tuple[Head | None, str],
    key: str,
    expected: End | None,
) -> Check:
    found, (end, why) = Check(), head
    reading = _Reading(found, {each.number for each in (end, expected) if each is not None})
    for place, line in lines:
        reading.read(place, line)
    reading.close()
    if expected is not None:
        reading.compare(expected)
    if end is not None:
        _check_head(end, key, reading)
    elif found.lines:
        reading.tell("fault", 0, HEAD, why)
    return found


class _Reading:
    """The chain, line by line."""

    def __init__(self, found: Check, wanted: Container[int]) -> None:
        """wanted: numbers of lines whose digests will be asked for."""
        self.found, self._wanted = found, wanted
        self._digests: dict[int, str] = {}  # by number
        self._expired: dict[int, str] = {}  # what deleted files ended with
        self._begins = End()  # before the first line that is there
        self._unread: tuple[str, int, str] | None = None  # a line that is none: place, size, hash
        self._times: Mapping[str, Any] | None = None

    def read(self, place: str, line: bytes) -> None:
        """The next line."""
        found, digest = self.found, digest_of(line)
        row = row_of(line)
        if row is None:
            self._give_up_line()
            self._unread = (place, found.end.number + 1, digest)
            found.lines += 1
            found.end = End(found.end.number + 1, digest)
            return
        if not found.lines:
            self._begins = End(row["n"] - 1, row["prev"])
            found.begins = row["at"]
        else:
            self._link(place, row)
        self._unread = None
        self._tell(place, row)
        self._clock(place, row)
        found.lines += 1
        found.end = End(row["n"], digest)
        if row["n"] in self._wanted:
            self._digests[row["n"]] = digest

    def _link(self, place: str, row: Mapping[str, Any]) -> None:
        """Whether it follows the line before."""
        end, number = self.found.end, row["n"]
        if row["what"] != "tail-broken" or row["prev"] != end.digest:
            self._give_up_line()
        if row["prev"] != end.digest:
            self._fault(
                number, place, f"line {end.number} before it is not the one that was there: "
                "changed, moved, put in or left out"
            )  # fmt: skip
        gap = row["what"] == "lines-missing" and number == (number_of(row, "last") or 0) + 1
        if number != end.number + 1 and not gap:
            self._fault(number, place, f"line {number} follows line {end.number}")

    def _give_up_line(self) -> None:
        if self._unread is not None:
            place, number, _ = self._unread
            self._fault(number, place, "this is no line of an audit log")
            self._unread = None

    def _tell(self, place: str, row: Mapping[str, Any]) -> None:
        """What the log says of itself."""
        what = row["what"]
        if what == EXPIRED:
            self._expired[number_of(row, "last") or 0] = str(row.get("digest"))
        if what in OWN:
            words, kind = OWN[what]
            self.tell(kind, row["n"], place, words.format_map(_Told(row)))

    def _clock(self, place: str, row: Mapping[str, Any]) -> None:
        """Whether the clock jumped: it and the one that never does went on by different times."""
        before, self._times = self._times, row
        if before is None or not row.get("boot") or row.get("boot") != before.get("boot"):
            return
        try:
            went = (_time(row) - _time(before)) - (float(row["up"]) - float(before["up"]))
        except (KeyError, TypeError, ValueError, OverflowError):
            return
        if abs(went) > _JUMP:
            self._note(row["n"], place, f"the clock jumped by {went:+.0f} s before this line")

    def close(self) -> None:
        """After the last line."""
        begins = self._begins
        if self._unread is not None:
            place, number, _ = self._unread
            self._unread = None
            self._note(number, place, "the last line was not written to its end")
        known = self._expired.get(begins.number)
        if begins.number and known != begins.digest:
            self._fault(
                begins.number + 1, "", f"it begins with line {begins.number + 1}: what was before "
                "was not deleted by its age"
            )  # fmt: skip
        elif not begins.number and begins.digest != NOTHING:
            self._fault(1, "", "line 1 is not the first one")

    def compare(self, expected: End) -> None:
        """With an end that was kept elsewhere."""
        number = expected.number
        if number <= self._begins.number:
            self._note(number, "", f"line {number}, to compare with, was deleted by its age")
        elif self.digest(number) != expected.digest:
            self._fault(
                number, "", f"line {number} is not the one that was kept elsewhere: all up to it "
                "may have been written anew"
            )  # fmt: skip

    def digest(self, number: int) -> str:
        """Of a line; empty: there is none."""
        end = self.found.end
        return end.digest if number == end.number else self._digests.get(number, "")

    def tell(self, kind: Kind, line: int, place: str, text: str) -> None:
        """Of what was found."""
        self.found.findings.append(Finding(kind, line, place, text))

    def _fault(self, line: int, place: str, text: str) -> None:
        self.tell("fault", line, place, text)

    def _note(self, line: int, place: str, text: str) -> None:
        self.tell("note", line, place, text)


def _head(folder: Path) -> tuple[Head | None, str]:
    """None, and why there is none."""
    try:
        return read_head(folder), "it is missing: lines may have been cut off"
    except ValueError:
        return None, "it cannot be read: lines may have been cut off"


def _check_head(head: Head, key: str, reading: _Reading) -> None:
    """Whether the log ends where its signed head says."""
    _check_signature(head, key, reading)
    end = reading.found.end
    if head.number > end.number:
        cut = f"lines {end.number + 1} to {head.number} are missing: the end was cut off"
        reading.tell("fault", end.number + 1, "", cut)
    elif reading.digest(head.number) != head.digest:
        reading.tell("fault", head.number, "", f"line {head.number} is not the one that was signed")
    elif head.number < end.number:
        reading.tell(
            "doubt", head.number + 1, "", f"lines {head.number + 1} to {end.number} are not "
            "signed: a program ended before it could, or somebody else wrote them"
        )  # fmt: skip


def _check_signature(head: Head, key: str, reading: _Reading) -> None:
    if not key:
        reading.tell("note", 0, HEAD, "nothing is signed: this installation has no key")
    elif not head.is_signed_by(key):
        reading.tell("fault", 0, HEAD, "it is not signed by this installation's key")


class _Told(dict[str, Any]):
    """Fields of a line; one that it lacks is a question mark."""

    def __missing__(self, key: str) -> str:
        return "?"


def _lines(path: Path) -> list[bytes]:
    lines = path.read_bytes().split(b"\n")
    return lines[:-1] if not lines[-1] else lines


def row_of(line: bytes) -> dict[str, Any] | None:
    """None for what is no line of an audit log."""
    row = parsed(line)
    if row is None or not number_of(row):
        return None
    if not all(isinstance(row.get(name), str) for name in ("at", "what", "prev")):
        return None
    return row


def _time(row: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(row["at"]).timestamp()
