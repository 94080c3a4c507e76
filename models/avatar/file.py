"""An avatar and its file: a zip of manifest.json, layers.safetensors and preview.webp, sealed.

Nothing in a file is believed: names, versions, shapes, ranges and sizes are checked before
anything large is allocated, and every fault becomes one AvatarError. Never pickle. A broken seal
is a fault; whose seal counts is for who keeps avatars to say (`Card.origin`).
"""

from __future__ import annotations

import hashlib
import json
import re
import time
import unicodedata
from collections import OrderedDict
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from visavis.models.avatar import archive, consent, tensors
from visavis.models.avatar.archive import CLIP, CREDENTIALS, LAYERS, MANIFEST, MAX_FILE, PREVIEW
from visavis.models.avatar.backdrop import ORIGINAL, Backdrop
from visavis.models.avatar.clip import Clip
from visavis.models.avatar.consent import Consent
from visavis.models.avatar.rig import PATCHES, Body, Bytes, Grid, Light, Patch
from visavis.models.avatar.seal import Origin, Signer, sealed
from visavis.models.errors import AvatarError
from visavis.models.files import PRIVATE, whole
from visavis.models.pictures.credentials import is_store
from visavis.models.pictures.webp import is_webp

__all__ = [
    "FORMAT", "LAYERS", "MANIFEST", "MAX_FILE", "NAME", "PREVIEW", "PREVIEW_SIDE", "SHIPPED",
    "SUFFIX", "VERSION", "Avatar", "Card", "Consent", "Record", "check_name", "list_avatars",
    "load_avatar", "read_card", "read_credentials", "read_preview", "suggested_name", "write",
]  # fmt: skip

FORMAT: Final = "visavis-avatar"
VERSION: Final = 1
SUFFIX: Final = ".avatar"
SHIPPED: Final = Path(__file__).parents[1] / "data" / "personas"  # those that came with visavis
PREVIEW_SIDE: Final = 256  # px
NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_EARLIER: Final = re.compile(r"[^\W_][\w .-]{0,63}")  # names inside files of earlier versions
_HEADER: Final = 64 * 1024  # bytes of the layers' own header; that of 40 arrays takes 5,000
_KNOWN: Final = 512  # files whose cards are remembered
_SETTLED: Final = 3.0  # s after which a file's times tell every change of it, on any file system


def check_name(name: str) -> None:
    """Raises AvatarError("name-invalid")."""
    if not NAME.fullmatch(name):
        message = (
            "An avatar's name has 1 to 64 lower-case letters from a to z, digits and hyphens, and "
            "does not begin with a hyphen."
        )
        raise AvatarError("name-invalid", message)


def suggested_name(text: str) -> str:
    """What is left of a text as a name: "Zo\u00eb Example" -> "zoe-example"; may be empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:64].strip("-")


Record = tuple[str, str, Consent]  # name, licence, consent


@dataclass(frozen=True, slots=True)
class Card:
    """What can be known of an avatar file without reading its layers."""

    name: str
    licence: str
    consent: Consent
    photo_sha256: str
    warnings: tuple[str, ...]
    tool: str
    voice: str = ""  # the avatar's own; empty: the server's
    origin: Origin = field(default=Origin(), compare=False)  # no part of the manifest
    clip: bool = field(default=False, compare=False)  # nor is this: whether it is made of a clip

    @property
    def source(self) -> str:
        """What the likeness was taken from."""
        return self.photo_sha256

    @property
    def reference(self) -> str:
        """A short name of the consent, 16 hex digits: the same in every copy of the file.

        Another record of the same photo, a renewed one too, has another one.
        """
        said = json.dumps([self.consent.as_json(), self.photo_sha256], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Avatar:
    """One portrait, ready to be drawn in any face state.

    photo (n, n, 3), matte (n, n), plate (n, n, 3) uint8 with n = (side + 2 * margin) * density:
    the person with the colour of the person only, how opaque, and what is behind. `side`: px of
    the frame, `margin`: px of photo beyond it on each side. backdrop: what it is drawn before.
    credentials: the Content Credentials that the photo came with, to be written into its file and
    for nothing else; a file is loaded without them (`read_credentials`).
    """

    card: Card
    side: int
    margin: int
    photo: Bytes
    matte: Bytes
    plate: Bytes
    base: Grid
    patches: dict[str, Patch]
    light: Light
    body: Body
    backdrop: Backdrop = ORIGINAL  # no part of the file
    credentials: bytes = b""
    clip: Clip | None = None  # then all before this was made of one picture of it

    @property
    def name(self) -> str:
        return self.card.name

    @property
    def density(self) -> float:
        """Photo px per px of the frame."""
        return float(self.photo.shape[0] / (self.side + 2 * self.margin))

    def picture(self) -> Bytes:
        """(n, n, 3): the portrait as photographed, frame only."""
        alpha = self.matte[..., None].astype(np.float32) / 255
        whole = self.plate + (self.photo.astype(np.float32) - self.plate) * alpha
        cut = round(self.margin * self.density)
        return np.round(whole[cut:-cut, cut:-cut]).astype(np.uint8)

    def save(self, path: Path, signer: Signer | None = None) -> None:
        """Write the file, whole or not at all; only its owner may read it. Raises AvatarError."""
        content = self.content()
        write(path, sealed(content, signer) if signer else content)

    def content(self) -> bytes:
        """What the file holds, without a seal. Raises AvatarError."""
        check_name(self.name)
        self.card.consent.check()
        layers, layout = tensors.pack(self)
        parts = {
            MANIFEST: _written(self.card, layout),
            LAYERS: save_tensors(layers),
            PREVIEW: tensors.preview(self.picture(), PREVIEW_SIDE),
        }
        if self.credentials:
            parts[CREDENTIALS] = self.credentials
        if self.clip is not None:
            parts[CLIP] = self.clip.stream
        return archive.packed(parts)


def _written(card: Card, layout: Any) -> bytes:
    said = asdict(card) | {"consent": card.consent.as_json()}
    del said["origin"], said["clip"]
    manifest = {"format": FORMAT, "version": VERSION, **said, "layout": layout}
    return json.dumps(manifest, indent=1).encode()


def changed(content: Path, card: Card) -> bytes:
    """A file's content with another card and everything else as it is, without a seal.

    Raises AvatarError.
    """
    card.consent.check()
    with archive.opened(content) as file:
        layout = _manifest(file, content.name).get("layout")
        parts = {MANIFEST: _written(card, layout)}
        kept = (LAYERS, PREVIEW, *(name for name in (CREDENTIALS, CLIP) if file.has(name)))
        return archive.packed(parts | {name: file.read(name) for name in kept})


def write(path: Path, content: bytes, record: Record | None = None) -> Card:
    """An avatar's file, whole or not at all; a likeness is personal data, so nobody else reads it.

    record: what its card must say. Raises AvatarError, also for what is no avatar file.
    """
    try:
        with whole(path, PRIVATE) as file:
            file.write(content)
            file.flush()
            card = read_card(Path(file.name))
            if record not in (None, (card.name, card.licence, card.consent)):
                raise AvatarError("avatar-invalid", f"{path.name} has a record that nobody gave.")
            return card
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or 'unknown reason'}."
        raise AvatarError("avatar-unwritable", message) from error


def load_avatar(path: Path) -> Avatar:
    """Read and check an avatar file. Raises AvatarError."""
    with archive.opened(path) as file:
        manifest = _manifest(file, path.name)
        layers = file.read(LAYERS)
        stream = file.read(CLIP) if file.has(CLIP) else b""
    arrays = _arrays(layers, path.name)
    card = replace(_card(manifest), origin=file.origin)
    parts = tensors.unpack(arrays, manifest.get("layout"), stream)
    if set(parts["patches"]) != set(PATCHES):
        raise AvatarError("avatar-invalid", f"{path.name}: mouth or eyes are missing.")
    return Avatar(card=card, **parts)


def _arrays(layers: bytes, name: str) -> tensors.Arrays:
    """Raises AvatarError. The header is JSON, and each of its entries becomes objects of Python."""
    if int.from_bytes(layers[:8], "little") > _HEADER:
        raise archive.unreadable(name)
    try:
        return load_tensors(layers)
    # Types that numpy has not: the library raises what it stumbles over.
    except Exception as error:
        raise archive.unreadable(name) from error


_Identity = tuple[int, ...]
_known: OrderedDict[_Identity, Card | tuple[str, str]] = OrderedDict()  # a card, or what is wrong


def read_card(path: Path) -> Card:
    """What a file says of itself, and whether its seal is whole. Raises AvatarError.

    A file that stayed as it was is not read again, so that many can be listed.
    """
    identity = _identity(path)
    found = _known.get(identity) if identity else None
    if found is None:
        found = _read_card(path)
        if identity:
            _known[identity] = found
            while len(_known) > _KNOWN:
                _known.popitem(last=False)
    if isinstance(found, Card):
        return found
    raise AvatarError(*found)


def _identity(path: Path) -> _Identity | None:
    """What no change of a file leaves as it is; None: it may, as the last one is so fresh.

    The time of the last change of a file's state cannot be set by who writes it.
    """
    now = time.time()
    try:
        state = path.stat()
    except OSError:
        return None
    if now - max(state.st_mtime, state.st_ctime) < _SETTLED:
        return None
    return (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)


def _read_card(path: Path) -> Card | tuple[str, str]:
    try:
        with archive.opened(path) as file:
            return replace(_card(_manifest(file, path.name)), origin=file.origin)
    except AvatarError as error:
        return error.code, error.message


def read_preview(path: Path) -> bytes:
    """The small picture as a WebP file. Raises AvatarError."""
    with archive.opened(path) as file:
        _manifest(file, path.name)
        picture = file.read(PREVIEW)
    if not is_webp(picture):
        raise AvatarError("avatar-invalid", f"{path.name}: its preview is not a picture.")
    return picture


def read_credentials(path: Path) -> bytes:
    """The manifest store that the photo came with; empty: it had none. Raises AvatarError."""
    with archive.opened(path) as file:
        found = file.read(CREDENTIALS) if file.has(CREDENTIALS) else b""
    return found if is_store(found) else b""


def list_avatars(folder: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Avatar files in a folder, by file stem: those that can be read, and why others cannot.

    Raises OSError if there is a folder that cannot be read.
    """
    readable, broken = {}, {}
    for path in _files(folder):
        try:
            _check_file_name(path)
            read_card(path)
            readable[path.stem] = path
        except AvatarError as error:
            broken[path.stem] = error.message
    return readable, broken


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == SUFFIX)
    except (FileNotFoundError, NotADirectoryError):
        return []  # no avatar was made yet


def _check_file_name(path: Path) -> None:
    """Raises AvatarError for a name that no avatar has now, with the one to give it."""
    if not NAME.fullmatch(path.stem):
        message = (
            f"{path.name} is no name of an avatar (lower-case letters a to z, digits, hyphens): "
            f"rename the file, for example to {suggested_name(path.stem) or 'anna'}{SUFFIX}."
        )
        raise AvatarError("name-invalid", message)


def _manifest(file: archive.Opened, name: str) -> dict[str, Any]:
    manifest = json.loads(file.read(MANIFEST))
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise archive.unreadable(name)
    if manifest.get("version") != VERSION:
        message = (
            f"{name} has format version {str(manifest.get('version'))[:20]}; this program reads "
            f"{VERSION}. Make it again from the photo."
        )
        raise AvatarError("avatar-version", message)
    return manifest


def _card(manifest: dict[str, Any]) -> Card:
    given = consent.read(manifest.get("consent"))
    name = consent.text(manifest, "name")
    if not _EARLIER.fullmatch(name):
        raise AvatarError("name-invalid", "The avatar's manifest has no proper name.")
    notes = manifest.get("warnings")
    if not isinstance(notes, list) or not all(isinstance(n, str) for n in notes):
        raise AvatarError("avatar-invalid", "The avatar's manifest has no proper warnings.")
    licence, photo = consent.text(manifest, "licence"), consent.text(manifest, "photo_sha256", 64)
    tool = consent.text(manifest, "tool", 100)
    voice = consent.text(manifest, "voice", 200) if "voice" in manifest else ""
    layout = manifest.get("layout")
    clip = isinstance(layout, dict) and "clip" in layout
    return Card(name, licence, given, photo, tuple(notes), tool, voice, clip=clip)
