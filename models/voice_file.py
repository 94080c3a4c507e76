"""The file of a voice of one's own: whose it is, what allows it, and what it is made of. Signed.

One line of signature, then safetensors: numbers, and the sample where a server needs it. Nothing
in a file is believed before its signature was found true, and nothing in it is ever run.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from visavis.models.avatar import consent as consents
from visavis.models.avatar.consent import Consent
from visavis.models.avatar.seal import Origin, Signer, verified
from visavis.models.errors import AvatarError
from visavis.models.files import PRIVATE, private_folder, whole

SUFFIX: Final = ".voice"
FOLDER: Final = "voices"  # under the directory for state
NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
MAX_FILE: Final = 8 * 1024 * 1024  # bytes; a minute of sample as FLAC takes 2 MB
_VERSION: Final = 1
_HEADER: Final = 64 * 1024  # bytes of the tensors' own header
_FIRST: Final = re.compile(
    rb"visavis-voice 1 ([A-Za-z0-9+/]{43}=) ([A-Za-z0-9+/]{86}==)\n"
)  # key, signature
_CONTEXT: Final = b"visavis voice file 1\n"  # a signature of something else is none of this
_SAMPLE: Final = "sample"
_MOST: Final = 64  # parts of a kind's own, and letters of what they are called

Numbers = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class VoiceCard:
    """What is known of a voice without its numbers.

    kind: who speaks it, see `engines.voices.own`. language: BCP 47, of what it says when nobody
    asks for another. given: what the kind needs beside numbers, as JSON texts. alike: cosine of
    the person's and this voice's numbers, measured when it was made; 0: it was not. tool: which
    version made it.
    """

    name: str
    kind: str
    language: str
    consent: Consent
    sample_sha256: str
    given: Mapping[str, str] = field(default_factory=dict)
    alike: float = 0.0
    tool: str = ""
    origin: Origin = field(default=Origin(), compare=False)

    @property
    def source(self) -> str:
        """SHA-256 of what the likeness was taken from: the same in every copy."""
        return self.sample_sha256

    @property
    def reference(self) -> str:
        """A short name of the consent, 16 hex digits: the same in every copy of the file."""
        said = json.dumps(["voice", self.consent.as_json(), self.sample_sha256], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class OwnVoice:
    """All of a file. numbers: float32 of the kind's own; sample: a FLAC file, or nothing."""

    card: VoiceCard
    numbers: Mapping[str, Numbers] = field(default_factory=dict)
    sample: bytes = b""

    def content(self, signer: Signer) -> bytes:
        """What its file holds. Raises AvatarError for a record that lacks something."""
        self.card.consent.check()
        check_name(self.card.name)
        parts: dict[str, npt.NDArray[Any]] = {
            name: np.ascontiguousarray(each, np.float32) for name, each in self.numbers.items()
        }
        if self.sample:
            parts[_SAMPLE] = np.frombuffer(self.sample, np.uint8)
        parts.setdefault("none", np.zeros(1, np.float32))  # a file without parts has no header
        body = save_tensors(parts, {"voice": _written(self.card)})
        sign = signer.sign(_message(body))
        key, signature = base64.b64encode(signer.public), base64.b64encode(sign)
        return b"visavis-voice 1 " + key + b" " + signature + b"\n" + body


def check_name(name: str) -> None:
    """Raises AvatarError("name-invalid")."""
    if not NAME.fullmatch(name):
        message = (
            "A voice's name has 1 to 64 lower-case letters from a to z, digits and hyphens, and "
            "does not begin with a hyphen."
        )
        raise AvatarError("name-invalid", message)


def folder_of(home: Path) -> Path:
    """Where voices of one's own lie under a directory for state."""
    return home / FOLDER


def listed(home: Path) -> tuple[dict[str, VoiceCard], dict[str, str]]:
    """Cards by name, and why other files cannot be used. Reads all of them."""
    found: dict[str, VoiceCard] = {}
    broken: dict[str, str] = {}
    try:
        paths = sorted(p for p in folder_of(home).iterdir() if p.suffix == SUFFIX)
    except OSError:
        return found, broken  # none was made yet, or they are not ours to read
    for path in paths:
        try:
            check_name(path.stem)
            found[path.stem] = read(path).card
        except AvatarError as error:
            broken[path.stem] = error.message
    return found, broken


def write(path: Path, content: bytes) -> None:
    """Whole or not at all; a voice is personal data, so nobody else reads it. AvatarError."""
    try:
        private_folder(path.parent)
        with whole(path, PRIVATE) as file:
            file.write(content)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or 'unknown reason'}."
        raise AvatarError("voice-unwritable", message) from error


def read(path: Path) -> OwnVoice:
    """A file whose signature is true, whoever's it is. Raises AvatarError."""
    content = _content(path)
    first = _FIRST.match(content)
    if first is None:
        raise _unreadable(path.name)
    body = content[first.end() :]
    key, signature = (base64.b64decode(part) for part in first.groups())
    if not verified(key, signature, _message(body)):
        message = (
            f"{path.name} was changed after it was signed: it is not used. Make the voice again "
            "from the recording."
        )
        raise AvatarError("voice-changed", message)
    origin = Origin(hashlib.sha256(content).hexdigest(), first[1].decode())
    try:
        found = _parsed(body)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _unreadable(path.name) from error
    return replace(found, card=replace(found.card, name=path.stem, origin=origin))


def _content(path: Path) -> bytes:
    try:
        # A pipe would be waited for: it is opened only to be looked at.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _unreadable(path.name)
            content = file.read(MAX_FILE + 1)
    except FileNotFoundError as error:
        raise AvatarError("voice-missing", f"There is no voice {path.stem!r}.") from error
    except OSError as error:
        why = error.strerror or "unknown reason"
        raise AvatarError("voice-unreadable", f"{path.name} cannot be read: {why}.") from error
    if len(content) > MAX_FILE:
        raise _unreadable(path.name)
    return content


def _parsed(body: bytes) -> OwnVoice:
    """Raises ValueError, TypeError, KeyError, AvatarError."""
    size = int.from_bytes(body[:8], "little")
    if size > _HEADER:
        raise ValueError("a longer header than any of ours")
    said = json.loads(json.loads(body[8 : 8 + size])["__metadata__"]["voice"])
    try:
        parts = load_tensors(body)
    except Exception as error:  # the library raises what it stumbles over
        raise ValueError("no tensors") from error
    sample = parts.pop(_SAMPLE, np.zeros(0, np.uint8))
    numbers = {name: np.asarray(each, np.float32) for name, each in parts.items()}
    if not all(np.isfinite(each).all() for each in numbers.values()):
        raise ValueError("numbers that are none")
    return OwnVoice(_card(said), numbers, sample.tobytes())


def _card(said: Any) -> VoiceCard:
    """Raises ValueError, KeyError, TypeError, AvatarError."""
    if said["version"] != _VERSION:
        raise ValueError("another version")
    given = said["given"]
    texts = [said["name"], said["kind"], said["language"], said["sample"], said["tool"], *given,
             *given.values()]  # fmt: skip
    if not all(isinstance(each, str) and len(each) <= 4000 for each in texts):
        raise ValueError("a text that is none")
    if len(given) > _MOST:
        raise ValueError("more than any kind needs")
    return VoiceCard(
        said["name"], said["kind"], said["language"], consents.read(said["consent"]),
        said["sample"], given, float(said["alike"]), said["tool"],
    )  # fmt: skip


def _written(card: VoiceCard) -> str:
    return json.dumps({
        "version": _VERSION, "name": card.name, "kind": card.kind, "language": card.language,
        "consent": card.consent.as_json(), "sample": card.sample_sha256,
        "given": dict(card.given), "alike": card.alike, "tool": card.tool,
    })  # fmt: skip


def _unreadable(name: str) -> AvatarError:
    message = f"{name} is damaged or is no voice's file: make the voice again from the recording."
    return AvatarError("voice-unreadable", message)


def _message(body: bytes) -> bytes:
    return _CONTEXT + hashlib.sha256(body).digest()
