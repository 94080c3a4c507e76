"""An offer looked over before aiortc parses it: whole, within bounds, and nothing to spare.

aiortc reads some lines of SDP in time that grows with their square, and takes for granted whatever
an honest browser writes: without `a=mid` or a direction it fails far from here. So what it needs is
checked in words, and what it has no use for is left out: other codecs, names and ports that are
never contacted, addresses of RTP without ICE.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from visavis.server.rtc import candidates
from visavis.server.rtc.media import VISITOR, Kind, Media
from visavis.server.rtc.reach import Reach
from visavis.server.system.errors import Malformed, Unprocessable

# What Chromium, Firefox and Safari write: 8,000 bytes, 200 lines, 3 sections.
MOST_LINES: Final = 1_000
MOST_CHARACTERS: Final = 2_048  # of a line
# Of one section, after what is left out; browsers: 20, 20, 60, 16, 8, 2, 4.
_MOST: Final = {
    "rtpmap": 64, "fmtp": 64, "rtcp-fb": 256, "extmap": 64, "ssrc": 64, "ssrc-group": 16,
    "fingerprint": 8,
}  # fmt: skip
_MOST_SECTIONS: Final = 3  # sound, picture, messages
_MOST_FORMATS: Final = 128  # payload types there are
_USED: Final = {"opus", "h264", "vp8", "rtx"}  # codecs
_LEFT_OUT: Final = {"candidate", "end-of-candidates", "rtcp"}  # the first is put in again
_DIRECTIONS: Final = {"inactive", "sendonly", "recvonly", "sendrecv"}
_RTCP_TYPES: Final = range(72, 77)  # payload types that look like RTCP, RFC 5761 4
_M_LINE: Final = re.compile(r"m=(audio|video|application) (\d{1,5}) ([A-Z/]+) (\S.*)", re.ASCII)
_MID: Final = re.compile(r"[!#-'*+\-.\w^`{|}~]{1,32}", re.ASCII)  # a token, RFC 8859
_UFRAG: Final = re.compile(r"[a-zA-Z0-9+/]{4,256}")  # RFC 8839 5.4
_PWD: Final = re.compile(r"[a-zA-Z0-9+/]{22,256}")
_FINGERPRINT: Final = re.compile(r"sha-(256|384|512) ([0-9a-f]{2}:){31,63}[0-9a-f]{2}", re.I)
_NO_MEDIA: Final = "the offer leaves out sound or picture: offer to receive both"
_NO_SOUND: Final = "the offer receives neither sound nor picture: offer to receive them"
_NO_VOICE: Final = "the offer sends no sound: offer to send an audio track"


@dataclass(slots=True)
class _Section:
    """The lines of one media section. shared: attributes of the session, which it inherits."""

    kind: str
    port: int
    profile: str
    formats: list[str]
    lines: list[str]
    shared: dict[str, str]

    def values(self, name: str) -> list[str]:
        """Of all attributes of this name."""
        return [
            v for line in self.lines if (found := _attribute(line))[0] == name for v in found[1:]
        ]

    def value(self, name: str) -> str | None:
        """The last one's, else the session's; None: neither has it."""
        own = self.values(name)
        return own[-1] if own else self.shared.get(name)


def checked(offer: str, reach: Reach, media: Media = VISITOR) -> str:
    """An SDP offer -> what aiortc can take of it, for a connection that carries this.

    Raises Malformed, or Unprocessable for what is valid but cannot be served.
    """
    session, sections = _split(offer)
    sections = [s for s in sections if not _is_refused(s, session, len(sections), media)]
    _check_kinds(sections)
    _check_directions(sections, media)
    for section in sections:
        _check_transport(section)
        _check_media(section) if section.kind != "application" else _check_channel(section)
    head, first = _bundled(session, sections)
    known = candidates.best(_written(sections[first]), reach)
    for section in sections:
        _reduce(section)
    sections[first].lines += [f"a={candidate.line}" for candidate in known]
    return "".join(f"{line}\r\n" for line in (*head, *(ln for s in sections for ln in s.lines)))


def whole(answer: str, offer: str, media: Media = VISITOR) -> str:
    """An answer to what `checked` left of an offer -> to all of it: refused sections are named.

    RFC 3264 6: as many sections as were offered, in their order; port 0 refuses one.
    """
    session, sections = _split(offer)
    refused = [_is_refused(s, session, len(sections), media) for s in sections]
    if not any(refused):
        return answer
    head, *rest = re.split(r"(?m)^(?=m=)", answer)
    taken = iter(rest)
    parts = []
    for section, is_refused in zip(sections, refused, strict=True):
        mid = section.value("mid")
        words = f"m={section.kind} 0 {section.profile} {section.formats[0]}\r\nc=IN IP4 0.0.0.0\r\n"
        words += f"a=mid:{mid}\r\n" if mid and _MID.fullmatch(mid) else ""
        parts.append(f"{words}a=inactive\r\n" if is_refused else next(taken))
    return head + "".join(parts)


def _is_refused(section: _Section, session: list[str], count: int, media: Media) -> bool:
    """Whether a section is of no use and, being no part of a bundle, can be left out alone."""
    if count == 1 or section.kind != "video" or "video" in media.sends:
        return False
    return (section.value("mid") or "") not in _bundle(session)


def received(offer: str) -> frozenset[Kind]:
    """What the sender of an offer would receive of us. Raises Malformed, Unprocessable."""
    _, sections = _split(offer)
    takes = {s.kind for s in sections if _direction(s) in {"recvonly", "sendrecv"}}
    kinds: tuple[Kind, ...] = ("audio", "video")
    return frozenset(kind for kind in kinds if kind in takes)


def _malformed(what: str) -> Malformed:
    return Malformed(f"the body is no usable SDP offer: {what}", "malformed-sdp")


def _attribute(line: str) -> tuple[str, str]:
    """`a=name:value` -> both; empty where there is none, as are both of other lines."""
    if not line.startswith("a="):
        return "", ""
    name, _, value = line[2:].partition(":")
    return name, value


def bounded(description: str) -> str:
    """An SDP that is short enough to be looked into. Raises Unprocessable."""
    lines = description.splitlines()
    if len(lines) > MOST_LINES or any(len(line) > MOST_CHARACTERS for line in lines):
        raise Unprocessable(
            f"the offer has more than {MOST_LINES} lines, or one of more than {MOST_CHARACTERS} "
            "characters",
            "offer-too-long",
        )
    return description


def _split(offer: str) -> tuple[list[str], list[_Section]]:
    lines = bounded(offer).splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith("m=")]
    session = lines[: starts[0]] if starts else lines
    shared = dict(_attribute(line) for line in session)
    parts = [lines[start:end] for start, end in pairwise([*starts, len(lines)])]
    if len(parts) > _MOST_SECTIONS:
        raise Unprocessable(
            f"the offer has {len(parts)} media sections: send one for sound, one for the picture "
            "and at most one for a data channel",
            "too-many-sections",
        )
    return session, [_section(part, shared) for part in parts]


def _section(lines: list[str], shared: dict[str, str]) -> _Section:
    found = _M_LINE.fullmatch(lines[0].strip())
    if found is None:
        raise _malformed("a media section is none of audio, video, application")
    kind, port, profile, formats = found.groups()
    return _Section(kind, int(port), profile, formats.split(), lines, shared)


def _check_kinds(sections: list[_Section]) -> None:
    kinds = Counter(section.kind for section in sections)
    if max(kinds.values(), default=0) > 1:
        raise Unprocessable(
            "the offer has two media sections of a kind: send one of each", "too-many-sections"
        )
    for section in sections:
        if section.port == 0 and section.value("bundle-only") is None:
            raise Unprocessable(f"the offer refuses its own {section.kind}: port 0", "no-media")


def _check_directions(sections: list[_Section], media: Media) -> None:
    """What the connection is for must be possible."""
    received = {s.kind for s in sections if _direction(s) in {"recvonly", "sendrecv"}}
    sent = {s.kind for s in sections if _direction(s) in {"sendonly", "sendrecv"}}
    if not media.needs <= received or (media.sends and not media.sends & received):
        raise Unprocessable(_NO_MEDIA if len(media.needs) > 1 else _NO_SOUND, "no-media")
    if media.must and "audio" not in sent:
        raise Unprocessable(_NO_VOICE, "no-media")


def _check_transport(section: _Section) -> None:
    if not _MID.fullmatch(section.value("mid") or ""):
        raise _malformed("a media section has no a=mid")
    if not _UFRAG.fullmatch(section.value("ice-ufrag") or ""):
        raise _malformed("there is no a=ice-ufrag of 4 to 256 characters")
    if not _PWD.fullmatch(section.value("ice-pwd") or ""):
        raise _malformed("there is no a=ice-pwd of 22 to 256 characters")
    if section.value("setup") not in {"actpass", "active", "passive"}:
        raise _malformed("there is no a=setup of actpass, active or passive")
    prints = section.values("fingerprint") or [section.shared.get("fingerprint", "")]
    if not any(_FINGERPRINT.fullmatch(value.strip()) for value in prints):
        raise _malformed("there is no a=fingerprint of SHA-256, -384 or -512")


def _check_media(section: _Section) -> None:
    if section.value("rtcp-mux") is None:
        raise _malformed("there is no a=rtcp-mux")
    numbers = [_number(value, 127) for value in section.formats]
    if len(numbers) > _MOST_FORMATS or any(number in _RTCP_TYPES for number in numbers):
        raise _malformed("payload types are 0 to 127 without 72 to 76")
    for value in section.values("extmap"):
        if _number(re.split(r"[/ ]", value)[0], 255) == 0:
            raise _malformed("a header extension has number 0")


def _check_channel(section: _Section) -> None:
    if section.profile == "DTLS/SCTP":  # of browsers before 2018, RFC 8841 6
        _number(section.formats[0], 65535)
    elif _number(section.value("sctp-port") or "", 65535) == 0:
        raise _malformed("a=sctp-port is 0")
    _number(section.value("max-message-size") or "0", 1 << 48)


def _number(text: str, most: int) -> int:
    """Raises Malformed."""
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= most):
        raise _malformed(f"{text[:20]!r} is no number from 0 to {most}")
    return int(text)


def _direction(section: _Section) -> str:
    # What is not said is sendrecv, RFC 8866 6.7.
    own = [name for line in section.lines if (name := _attribute(line)[0]) in _DIRECTIONS]
    shared = [name for name in section.shared if name in _DIRECTIONS]
    return (own or shared or ["sendrecv"])[-1]


def _bundled(session: list[str], sections: list[_Section]) -> tuple[list[str], int]:
    """(the lines of the session, which section's transport is that of all)."""
    mids = [section.value("mid") or "" for section in sections]
    bundle = _bundle(session)
    if not bundle and len(mids) == 1:
        bundle = mids  # some do not name a bundle of one
    if len(set(mids)) < len(mids) or not set(bundle) <= set(mids):
        raise _malformed("a=mid and a=group:BUNDLE do not fit together")
    if set(bundle) != set(mids):
        raise Unprocessable(
            "the offer must bundle its media: name every a=mid in a=group:BUNDLE", "no-bundle"
        )
    kept = [line for line in session if _attribute(line)[0] != "group" and line[:2] != "c="]
    unique = list(dict.fromkeys(bundle))
    return [*kept, f"a=group:BUNDLE {' '.join(unique)}"], mids.index(unique[0])


def _bundle(session: list[str]) -> list[str]:
    """The sections that share a transport, by their a=mid."""
    groups = [
        value.split() for line in session for name, value in [_attribute(line)] if name == "group"
    ]
    return next((group[1:] for group in groups if group[:1] == ["BUNDLE"]), [])


def _written(section: _Section) -> list[candidates.Written]:
    try:
        return [candidates.read(f"candidate:{value}") for value in section.values("candidate")]
    except ValueError as error:
        raise _malformed(str(error)) from error


def _reduce(section: _Section) -> None:
    """Leave out what aiortc has no use for, and count the rest. Raises Unprocessable."""
    used = {
        number
        for value in section.values("rtpmap")
        if (number := value.split(" ")[0]) in section.formats
        and value.partition(" ")[2].partition("/")[0].lower() in _USED
    }
    kept = [line for line in section.lines[1:] if _is_used(line, used)]
    counted = Counter(_attribute(line)[0] for line in kept)
    for name, most in _MOST.items():
        if counted[name] > most:
            raise Unprocessable(
                f"the offer has {counted[name]} lines of a={name} for its {section.kind}: "
                f"{most} are read",
                "offer-too-long",
            )
    formats = section.formats
    if section.kind != "application":
        formats = [number for number in formats if number in used] or formats[:1]
        kept.append(f"a={_direction(section)}")
        kept += _supposed(kept)
    section.lines = [f"m={section.kind} 9 {section.profile} {' '.join(formats)}", *kept]


def _supposed(lines: list[str]) -> list[str]:
    """What GStreamer's programs leave out that know H.264 alone: they mean what everybody sends.

    RFC 6184 8.1 would have it one NAL unit a packet, which nobody sends over WebRTC (RFC 7742 6.2).
    """
    values = [_attribute(line)[1] for line in lines if line.startswith("a=rtpmap:")]
    codecs = {v.partition(" ")[0]: v.partition(" ")[2].lower().partition("/")[0] for v in values}
    told = {_attribute(line)[1].partition(" ")[0] for line in lines if line.startswith("a=fmtp:")}
    if "vp8" in codecs.values() or any(codecs.get(number) == "h264" for number in told):
        return []
    return [
        f"a=fmtp:{number} packetization-mode=1;profile-level-id=42e01f"
        for number, codec in codecs.items()
        if codec == "h264"
    ]


def _is_used(line: str, used: set[str]) -> bool:
    name, value = _attribute(line)
    if name in _LEFT_OUT or name in _DIRECTIONS or line.startswith("c="):
        return False
    if name in {"rtpmap", "fmtp", "rtcp-fb"}:
        number = value.split(" ")[0]
        return number in used or (name == "rtcp-fb" and number == "*")
    return True
