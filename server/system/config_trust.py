"""The settings of trust: what pictures say of themselves, what is kept, who allowed a face."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from visavis.server.system.setting import path, setting


@dataclass(frozen=True, slots=True)
class Trust:
    """Read as a part of `Config`: a settings file has no sections."""

    disclosure: str = setting(
        "on",
        "on or off: whether pictures have a label and the first reply says that a computer speaks; "
        "off needs disclosure_reason",
    )
    disclosure_reason: str = setting("", "why it is off; `visavis doctor` tells it")
    disclosure_text: str = setting("AI", "what the label says")
    disclosure_corner: str = setting(
        "top-right", "where it is: top-right, top-left, bottom-right or bottom-left"
    )
    disclosure_size: float = setting(
        0.035, "height of its capitals, of the picture's shorter side; from 0.03 to 0.2"
    )
    disclosure_spoken: str = setting(
        "reply",
        "reply or page: whether the first reply says that a computer speaks, or the page alone",
    )
    mark: str = setting(
        "on",
        "on or off: whether pictures and sound have a mark, not seen and not heard, that says "
        "which installation made them, on which day, and in what kind of session",
    )
    keep_questions: str = setting(
        "off",
        "on or off: whether questions that nobody could answer are kept for `visavis gaps`, with "
        "numbers, addresses and names blanked",
    )
    keep_questions_days: int = setting(30, "days after which such a question is deleted; 0: never")
    recordings_days: int = setting(
        30, "days after which the recording of a session is deleted; 0: never"
    )
    audit: str = setting(
        "on",
        "on or off: whether it is noted who made, used, changed and took over what, for `visavis "
        "audit`: no words, no addresses",
    )
    audit_days: int = setting(365, "days after which lines of that are deleted; 0: never")
    consent_keys: str = setting(
        "",
        "public keys of other installations, separated by spaces, whose avatars and lists count "
        "here; `visavis avatar trust` prints an installation's own",
    )
    consent_list: str = setting(
        "",
        "file that lists consents which were taken back, shared by several machines, beside the "
        "one of this installation",
    )
    detect: str = setting(
        "on", "on or off: whether callers may have films and sounds looked at for marks, at /detect"
    )
    consent_likeness: str = setting(
        "on",
        "on or off: whether the face of a new avatar is compared with those here, so that "
        "nobody is made one again without their consent",
    )
    consent_presence: str = setting(
        "optional",
        "off, optional or required: whether people show that they are there, by a sentence read "
        "into the camera, when an avatar of them is made from the page",
    )
    sign: str = setting(
        "auto",
        "auto, on or off: whether films and recordings are signed with C2PA; auto: where they can "
        "be; on: none is begun that could not be",
    )
    sign_timestamp_url: str = setting(
        "",
        "time-stamp authority (RFC 3161) that is asked when a film is signed, such as "
        "http://timestamp.example; empty: films say this machine's time",
    )

    @property
    def consent_path(self) -> Path | None:
        """The shared list of consents taken back; None: there is none. Raises ConfigError."""
        return path(self.consent_list, "consent_list") if self.consent_list else None
