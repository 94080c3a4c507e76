"""Whether a file is what its signature says: who signed it, what is claimed, what is wrong."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from visavis.server.provenance import binding, keyring, sdk
from visavis.server.provenance.binding import BrokenFile
from visavis.server.provenance.certificates import CertificateFault, read_chain
from visavis.server.provenance.claims import CREATED, FILM
from visavis.server.provenance.sdk import SdkFault, Unsigned

State = Literal["valid", "changed", "forged", "expired", "unsigned", "unreadable"]
Trust = Literal["own", "given", "nobody"]
_LARGEST: Final = 16 * 1024 * 1024  # bytes of a manifest beside a file
_AHEAD: Final = datetime.timedelta(days=1)  # how far clocks of two machines are apart at most
_FILE: Final = ("assertion.dataHash.", "assertion.bmffHash.", "assertion.boxesHash.")
_ROUGH: Final = ("signingCredential.untrusted",)  # told as trust, not as a fault
_STAMP_KNOWN: Final = "timeStamp.trusted"
_LATE: Final = ("signingCredential.expired", "claimSignature.outsideValidity")


@dataclass(frozen=True, slots=True)
class Signer:
    """name, organization: what its certificate says, which anybody can write who vouches for it.

    trust: who vouches: this installation, a certificate that was given, or nobody that is known.
    """

    name: str = ""
    organization: str = ""
    serial: str = ""
    algorithm: str = ""
    trust: Trust = "nobody"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found. why: of a file that is not valid. claims: what its signer says of the film.

    stamped: the time that an authority confirms, ISO 8601; empty: nobody does. stamp_known: whether
    one confirms it whom the anchors vouch for. came_with: how many manifests of others it was made
    from. notes: what is odd, though the signature is whole.
    """

    state: State
    why: str = ""
    signer: Signer = Signer()
    claims: dict[str, Any] = field(default_factory=dict)
    stamped: str = ""
    stamp_known: bool = False
    came_with: int = 0
    notes: tuple[str, ...] = ()

    @property
    def is_trusted(self) -> bool:
        """Whether it is as it was signed, by somebody who is known."""
        return self.state == "valid" and self.signer.trust != "nobody"


_UNSIGNED: Final = Verdict("unsigned", "there is no signed manifest in it, nor beside it")


def own_anchors(home: Path) -> bytes:
    """The certificate that vouches for what is signed here; empty: there is none."""
    try:
        return keyring.authority(home) or b""
    except CertificateFault:
        return b""


def given_anchors(path: Path) -> bytes:
    """The certificates of a file, to be trusted. Raises CertificateFault, OSError."""
    content = path.read_bytes()[: 4 * 1024 * 1024]
    read_chain(content)
    return content


def verdict(
    path: Path,
    anchors: bytes,
    trust: Trust,
    now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
) -> Verdict:
    """Check a film, a sound or a picture. Never asks the network.

    anchors: PEM of whom to trust, and who these are. Raises OSError, SdkFault without the SDK.
    """
    if why := sdk.missing():
        raise SdkFault(why)
    try:
        if path.suffix.lower() in binding.BOXED and not sdk.has_manifest(path):
            return _UNSIGNED
        beside = binding.beside(path)
        report = sdk.read(path, _beside(beside) if beside else None, anchors)
    except Unsigned:
        return _UNSIGNED
    except BrokenFile as error:
        return Verdict("unreadable", str(error))
    except SdkFault as error:
        return Verdict("unreadable", f"its manifest cannot be read ({error})")
    return _judged(report, trust, now())


def _beside(path: Path) -> bytes:
    """A manifest store in a file of its own. Raises Unsigned, BrokenFile, OSError."""
    if not path.exists():
        raise Unsigned
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size > _LARGEST:
            raise BrokenFile(f"{path.name} is too large for a manifest")
        return file.read() or bytes(1)  # the SDK takes an empty one for none


def _judged(report: dict[str, Any], trust: Trust, now: datetime.datetime) -> Verdict:
    active = report["manifests"][report["active_manifest"]]
    checks = report.get("validation_results", {}).get("activeManifest", {})
    failures = [each["code"] for each in checks.get("failure", [])]
    trusted = not any(code in _ROUGH for code in failures)
    info = active.get("signature_info", {})
    signer = Signer(
        info.get("common_name", ""),
        info.get("issuer", ""),
        info.get("cert_serial_number", ""),
        info.get("alg", ""),
        trust if trusted and report.get("validation_state") == "Trusted" else "nobody",
    )
    claims = _claimed(active)
    stamped = str(info.get("time") or "")
    state, why = _state([code for code in failures if code not in _ROUGH])
    if state == "valid" and report.get("validation_state") == "Invalid":
        state, why = "forged", "the credentials of what it was made from are not as they were"
    known = any(each["code"] == _STAMP_KNOWN for each in checks.get("success", []))
    others = len(report["manifests"]) - 1
    notes = _notes(claims, stamped, now, known=known)
    return Verdict(state, why, signer, claims, stamped, known, others, notes)


def _state(failures: list[str]) -> tuple[State, str]:
    """Of what failed: the gravest."""
    if any(code.startswith(_FILE) for code in failures):
        return "changed", "the file is not what was signed: bytes of it were changed"
    if any(code not in _LATE for code in failures):
        return "forged", "the manifest is not as it was signed"
    if failures:
        return "expired", "the certificate does not hold at the time of the signature, or no more"
    return "valid", ""


def _claimed(active: dict[str, Any]) -> dict[str, Any]:
    """What is said of the film, without the machinery of C2PA."""
    found: dict[str, Any] = {}
    for assertion in active.get("assertions", []):
        data = assertion.get("data")
        if not isinstance(data, dict):
            continue
        if assertion["label"].startswith("c2pa.actions"):
            actions = [each for each in data.get("actions", []) if isinstance(each, dict)]
            found["actions"] = [str(each.get("action", "")) for each in actions]
            for each in actions:
                if each.get("action") == CREATED:
                    source = str(each.get("digitalSourceType", "")).rpartition("/")[2]
                    found |= {"made_by": source, "when": each.get("when", "")}
        elif assertion["label"] == FILM:
            found |= data
    agents = active.get("claim_generator_info") or [{}]
    found["generator"] = f"{agents[0].get('name', '')} {agents[0].get('version', '')}".strip()
    return found


def _notes(
    claims: dict[str, Any], stamped: str, now: datetime.datetime, *, known: bool
) -> tuple[str, ...]:
    found = []
    try:
        when = datetime.datetime.fromisoformat(str(claims.get("when", "")))
        if when.tzinfo and when > now + _AHEAD:
            found.append("it says that it was made in the future: one of two clocks is wrong")
    except ValueError:
        pass
    if not stamped:
        found.append("nobody but its signer says when it was made")
    elif not known:
        found.append("the authority of its time stamp is nobody for whom you vouch (--trust)")
    if claims.get("late"):
        found.append("it was signed after its making was cut off, not at its end")
    return tuple(found)
