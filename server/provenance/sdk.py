"""C2PA's SDK (c2pa-python, Rust): manifests signed and read. Loaded only when one is: 45 ms.

The Python package has no word for signing a hash that somebody else took, so that one call goes to
the library's documented C interface. The version is pinned; tests/provenance name what moved.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import io
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from visavis.server.provenance.binding import BOXED, EMBEDDED, BrokenFile, boxes
from visavis.server.provenance.certificates import Pair
from visavis.server.provenance.claims import FILM, OTHER, PHOTO, media_type

STORE: Final = "application/c2pa"
_RESOURCE: Final = "photo.c2pa"
_QUIET: Final = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}  # no network
# What may be amiss with a photo's credentials that are passed on: whom one trusts is one's own.
_BEARABLE: Final = ("signingCredential.", "timeStamp.")
_OF_THE_FILE: Final = ("assertion.dataHash.", "assertion.boxesHash.", "assertion.bmffHash.")
_one_at_a_time: Final = threading.Lock()  # the library keeps its last error for a thread


class SdkFault(Exception):
    """The SDK could not do it; the text says what it said of its own work, never of a file."""


class Unsigned(Exception):
    """There is no manifest in a file."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A manifest store that is passed on, as an ingredient's definition."""

    store: bytes
    said: dict[str, Any]


def missing() -> str:
    """Why nothing can be signed or read; empty: it can."""
    if importlib.util.find_spec("c2pa") is None:
        return "the package c2pa-python is not installed: pip install c2pa-python==0.38.1"
    return ""


def signed(
    definition: dict[str, Any], pair: Pair, photo: Photo | None = None, authority: str = ""
) -> bytes:
    """A signed manifest store (JUMBF) of a definition that has the hash of its file.

    authority: address that is asked for a time stamp (RFC 3161); empty: none. Raises SdkFault.
    """
    with _sdk() as c2pa, _builder(c2pa, definition, pair, photo, authority) as builder:
        return _sign_embeddable(c2pa, builder)


def embedded(
    source: IO[bytes],
    to: IO[bytes],
    suffix: str,
    definition: dict[str, Any],
    pair: Pair,
    photo: Photo | None = None,
    authority: str = "",
) -> None:
    """A small file written anew with its manifest in it, hashed by the SDK. Raises SdkFault."""
    with _sdk() as c2pa, _builder(c2pa, definition, pair, photo, authority) as builder:
        builder.sign(media_type(suffix), source, to)


def read(path: Path, manifest: bytes | None, anchors: bytes = b"") -> dict[str, Any]:
    """What a file's manifest says, and how it fares: the SDK's report.

    manifest: a store that lies beside the file; None: it is in the file. anchors: PEM of whom the
    reader trusts. Raises Unsigned, BrokenFile, SdkFault, OSError.
    """
    kind = media_type(path.suffix.lower())
    with path.open("rb") as file:
        return _report(kind if manifest is None else OTHER, file, manifest, anchors)


def has_manifest(path: Path) -> bool:
    """Whether there is one in a file already. Raises BrokenFile, SdkFault, OSError."""
    suffix = path.suffix.lower()
    if suffix in BOXED:
        with path.open("rb", buffering=0) as file:
            return any(box.is_manifest for box in boxes(file))
    if suffix not in EMBEDDED:
        return False  # it lies beside its film, and goes with it
    try:
        read(path, None)
    except Unsigned:
        return False
    return True


def passed_on(store: bytes) -> Photo | None:
    """The Content Credentials of a photo, to be an ingredient; None: they are none, or forged.

    Nothing of them is believed: they are told as what the photo came with. Its pixels are not at
    hand, so whether they belong to it is left to whoever has the photo.
    """
    try:
        report = _report(OTHER, io.BytesIO(bytes(1)), store, b"")
    except (SdkFault, Unsigned, BrokenFile):
        return None
    results, active = report.get("validation_results", {}), report.get("active_manifest")
    checks = results.get("activeManifest", {})
    for outcome, found in checks.items():
        checks[outcome] = [each for each in found if not each["code"].startswith(_OF_THE_FILE)]
    if any(not each["code"].startswith(_BEARABLE) for each in checks.get("failure", [])):
        return None
    said = {
        "title": "photo",
        "format": report["manifests"][active].get("format") or "image/jpeg",
        "relationship": "componentOf",
        "label": PHOTO,
        "active_manifest": active,
        "validation_results": {"activeManifest": checks},
        "manifest_data": {"format": STORE, "identifier": _RESOURCE},
    }
    return Photo(store, said)


def _report(kind: str, file: IO[bytes], manifest: bytes | None, anchors: bytes) -> dict[str, Any]:
    settings = dict(_QUIET)
    if anchors:
        settings["trust"] = {"trust_anchors": anchors.decode("ascii", "replace")}  # type: ignore[dict-item]
    with _sdk() as c2pa:
        context = c2pa.Context.from_dict(settings)
        try:
            reader = c2pa.Reader(kind, file, manifest_data=manifest, context=context)
        except c2pa.C2paError.ManifestNotFound as error:
            raise Unsigned from error
        with reader:
            report: dict[str, Any] = json.loads(reader.json())
    if report.get("active_manifest") not in report.get("manifests", {}):
        raise SdkFault("Manifest")  # its claim could not be read at all
    return report


@contextlib.contextmanager
def _sdk() -> Iterator[Any]:
    """The package, for one caller at a time. Raises SdkFault for whatever it raises."""
    if why := missing():
        raise SdkFault(why)
    import c2pa  # type: ignore[import-untyped]

    try:
        with _one_at_a_time:
            yield c2pa
    except c2pa.C2paError as error:
        raise SdkFault(_kind_of(error)) from error


def _kind_of(error: Exception) -> str:
    """The SDK's own word for what went wrong; behind it may stand what is in the file."""
    return str(error).partition(":")[0][:60] or type(error).__name__


@contextlib.contextmanager
def _builder(
    c2pa: Any, definition: dict[str, Any], pair: Pair, photo: Photo | None, authority: str
) -> Iterator[Any]:
    signer = c2pa.Signer.from_info(
        c2pa.C2paSignerInfo(
            alg=pair.algorithm.encode(),
            sign_cert=pair.chain,
            private_key=pair.key,
            ta_url=authority.encode() or None,
        )
    )
    made = {"created_assertion_labels": ["c2pa.actions", FILM], "thumbnail": {"enabled": False}}
    settings = c2pa.Settings.from_dict({**_QUIET, "builder": made})
    context = c2pa.Context(settings=settings, signer=signer)
    whole = {**definition, "ingredients": [photo.said]} if photo else definition
    with c2pa.Builder(whole, context=context) as builder:
        if photo:
            builder.add_resource(_RESOURCE, io.BytesIO(photo.store))
        yield builder


def _sign_embeddable(c2pa: Any, builder: Any) -> bytes:
    """c2pa_builder_sign_embeddable of c2pa.h, for a store by itself."""
    native = c2pa.c2pa
    call = native._lib.c2pa_builder_sign_embeddable
    call.restype = ctypes.c_int64
    call.argtypes = [
        ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.POINTER(ctypes.c_ubyte)),
    ]  # fmt: skip
    made = ctypes.POINTER(ctypes.c_ubyte)()
    size = call(builder._handle, STORE.encode(), ctypes.byref(made))
    if size <= 0:
        raise SdkFault(str(native._read_native_error() or "no reason").partition(":")[0][:60])
    try:
        return ctypes.string_at(made, size)
    finally:
        native._lib.c2pa_free(made)
