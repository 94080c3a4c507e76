"""Media sections of an offer that nobody here looks at, taken out of it and answered as inactive.

Pipecat's clients offer a second picture, for a screen that is shared, whether or not one is. What
answers offers here knows one section a kind (`server/rtc/offers.py`). A section that is answered as
inactive stays in the client's connection, so a screen that is shared later is no error there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_TRANSPORT: Final = ("a=ice-ufrag:", "a=ice-pwd:", "a=ice-options:", "a=fingerprint:", "a=setup:")


@dataclass(frozen=True, slots=True)
class _Spare:
    """One that was taken out. place: among all sections; line: its m= line; mid, its name."""

    place: int
    line: str
    mid: str
    codec: str  # the first that it offers, as its rtpmap line


@dataclass(frozen=True, slots=True)
class Spared:
    """offer: without the sections that are spare."""

    offer: str
    _spares: tuple[_Spare, ...]

    def completed(self, answer: str) -> str:
        """The answer to `offer` -> the one to what was offered, each section in its place."""
        if not self._spares:
            return answer
        session, sections = _split(answer)
        for spare in self._spares:
            sections.insert(spare.place, _inactive(spare, sections[0]))
        mids = [name for section in sections if (name := _value(section, "a=mid:"))]
        head = [f"a=group:BUNDLE {' '.join(mids)}" if _is_bundle(ln) else ln for ln in session]
        return _joined(head, sections)


def spared(offer: str) -> Spared:
    """An offer, without the pictures after its first one."""
    session, sections = _split(offer)
    pictures = [i for i, section in enumerate(sections) if section[0].startswith("m=video ")]
    places = set(pictures[1:])  # a set: an offer may have thousands
    spares = tuple(_spare(i, sections[i]) for i in pictures[1:])
    if not spares:
        return Spared(offer, ())
    gone = {spare.mid for spare in spares}
    head = [_without(line, gone) if _is_bundle(line) else line for line in session]
    kept = [section for i, section in enumerate(sections) if i not in places]
    return Spared(_joined(head, kept), spares)


def _split(description: str) -> tuple[list[str], list[list[str]]]:
    """(lines of the session, lines of each media section)."""
    session: list[str] = []
    sections: list[list[str]] = []
    for line in description.splitlines():
        if line.startswith("m="):
            sections.append([])
        (sections[-1] if sections else session).append(line)
    return session, sections


def _joined(session: list[str], sections: list[list[str]]) -> str:
    return "".join(f"{line}\r\n" for line in (*session, *(ln for each in sections for ln in each)))


def _is_bundle(line: str) -> bool:
    return line.startswith("a=group:BUNDLE")


def _without(bundle: str, gone: set[str]) -> str:
    return " ".join(word for word in bundle.split(" ") if word not in gone)


def _value(section: list[str], start: str) -> str:
    return next((line[len(start) :].strip() for line in section if line.startswith(start)), "")


def _spare(place: int, section: list[str]) -> _Spare:
    codec = next((line for line in section if line.startswith("a=rtpmap:")), "")
    return _Spare(place, section[0], _value(section, "a=mid:"), codec)


def _inactive(spare: _Spare, like: list[str]) -> list[str]:
    """A section of an answer over the transport of another one, in which nothing is ever sent."""
    words = spare.line.split()
    number = spare.codec.removeprefix("a=rtpmap:").partition(" ")[0] or "0"
    profile = words[2] if len(words) > 2 else "UDP/TLS/RTP/SAVPF"
    transport = [line for line in like if line.startswith(_TRANSPORT)]
    return [
        f"m=video 9 {profile} {number}", "c=IN IP4 0.0.0.0", "a=inactive", f"a=mid:{spare.mid}",
        "a=rtcp-mux", *([spare.codec] if spare.codec else []), *transport,
    ]  # fmt: skip
