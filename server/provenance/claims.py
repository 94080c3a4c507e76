"""What is claimed of a film: a C2PA manifest's definition, and what it says when read again."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, Final, Literal

from visavis.server.system.spans import stamp

Kind = Literal["rendered", "recorded"]
FILM: Final = "visavis.film"  # label of our assertion (C2PA 2.2, 6.2: an entity's own name space)
CREATED: Final = "c2pa.created"
_SOURCES: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/"
# A photograph that networks move and speak for is a composite; a face that is nobody's is not.
_COMPOSITE: Final = f"{_SOURCES}compositeWithTrainedAlgorithmicMedia"
_GENERATED: Final = f"{_SOURCES}trainedAlgorithmicMedia"
PHOTO: Final = "photo"  # the ingredient's instance, as actions name it
_TYPES: Final = {
    ".mp4": "video/mp4", ".m4v": "video/x-m4v", ".mov": "video/quicktime", ".webm": "video/webm",
    ".mkv": "video/x-matroska", ".m4a": "audio/mp4", ".mp3": "audio/mpeg",
    ".wav": "audio/wav", ".png": "image/png", ".gif": "image/gif", ".webp": "image/webp",
    ".jpg": "image/jpeg", ".jpeg": "image/jpeg",
}  # fmt: skip
OTHER: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Film:
    """What is known of a film that was made here.

    avatar: its name. person: whether the face is somebody's likeness. consent: the reference of
    the record that allows it. kind: how it was made. session: its class (live, video, camera, ..).
    source: where its words or its voice came from. marks: which invisible marks it carries, out of
    "picture" and "sound". label: the words of the visible one; empty: none. late: it was signed
    some time after its end, for its making was cut off. photo: the manifest store of the photo's
    own Content Credentials, of which nothing is believed; empty: it had none. began: when its
    making did, by this machine's clock, as `moment` writes it; empty: when it is signed.
    """

    avatar: str
    kind: Kind
    installation: str = ""
    person: bool = True
    consent: str = ""
    voice: str = ""
    language: str = ""
    source: str = ""
    session: str = ""
    marks: tuple[str, ...] = ()
    label: str = ""
    late: bool = False
    began: str = ""
    photo: bytes = b""

    def said(self) -> dict[str, Any]:
        """What of it goes into the manifest: no words, and no name of a session or a visitor."""
        found: dict[str, Any] = {
            "avatar": self.avatar, "consent": self.consent, "kind": self.kind,
            "installation": self.installation, "voice": self.voice, "language": self.language,
            "source": self.source, "session": self.session, "marks": list(self.marks),
            "label": self.label, "late": self.late,
        }  # fmt: skip
        return {key: value for key, value in found.items() if value}


def media_type(suffix: str) -> str:
    """Of a file's suffix, in lower case."""
    return _TYPES.get(suffix, OTHER)


def definition(
    film: Film, title: str, suffix: str, version: str, when: datetime.datetime, *, timed: bool
) -> dict[str, Any]:
    """A manifest without a hash of the file. title: the file's name; when: this machine's time.

    timed: whether an authority is asked to confirm the time.
    """
    agent = {"name": "visavis", "version": version}
    signed, clock = stamp(when), "authority" if timed else "own"
    began = film.began or signed
    return {
        "claim_generator_info": [agent],
        "title": title,
        "format": media_type(suffix),
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": _actions(film, agent, began)}},
            {
                "label": FILM,
                "data": {**film.said(), "when": began, "signed": signed, "clock": clock},
            },
        ],
    }


def _actions(film: Film, agent: dict[str, str], began: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {
            "action": CREATED,
            "when": began,
            "softwareAgent": agent,
            "digitalSourceType": _COMPOSITE if film.person else _GENERATED,
            "description": "A face made of one portrait photo, moved and spoken for by visavis.",
        }
    ]
    if film.photo:
        found.append(
            {
                "action": "c2pa.placed",
                "description": "The portrait photo of the face, with its own Content Credentials.",
                "parameters": {"ingredientIds": [PHOTO]},
            }
        )
    # Not bound to this manifest: the marks name the installation, the day and the session's class.
    found += [
        {
            "action": "c2pa.watermarked.unbound",
            "softwareAgent": agent,
            "description": f"An invisible mark in every {mark} says that it was generated."
            if mark == "picture"
            else "An inaudible mark in the sound says that it was generated.",
        }
        for mark in film.marks
    ]
    return found
