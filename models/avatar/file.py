"""An avatar and its file: a zip of manifest.json, layers.safetensors and preview.webp.

Nothing in a file is believed: names, versions, shapes, ranges and sizes are checked before
anything large is allocated, and every fault becomes one AvatarError. Never pickle.
"""

from __future__ import annotations

import contextlib
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from visavis.models.avatar import tensors
from visavis.models.avatar.rig import PATCHES, Body, Bytes, Grid, Light, Patch
from visavis.models.errors import AvatarError
from visavis.models.files import whole

FORMAT: Final = "visavis-avatar"
VERSION: Final = 1
SUFFIX: Final = ".avatar"
SHIPPED: Final = Path(__file__).parents[1] / "data" / "personas"  # those that came with visavis
MANIFEST: Final = "manifest.json"
LAYERS: Final = "layers.safetensors"
PREVIEW: Final = "preview.webp"
LIMITS: Final = {MANIFEST: 64 * 1024, LAYERS: 32 * 1024 * 1024, PREVIEW: 1024 * 1024}  # bytes
MAX_FILE: Final = 16 * 1024 * 1024  # bytes
PREVIEW_SIDE: Final = 256  # px
NAME: Final = re.compile(r"[^\W_][\w .-]{0,63}")
_FIXED_DATE: Final = (1980, 1, 1, 0, 0, 0)  # the same avatar gives the same file


@dataclass(frozen=True, slots=True)
class Consent:
    """Who allowed this likeness to speak: asked for before an avatar is made, kept inside it."""

    subject: str  # whose face it is, or "nobody: synthetic"
    statement: str  # the words agreed to
    given_by: str  # who agreed
    date: str  # ISO 8601

    def check(self) -> None:
        """Raises AvatarError("consent-missing") unless every field says something."""
        empty = [key for key, value in asdict(self).items() if not str(value).strip()]
        if empty:
            message = (
                f"The consent record lacks {', '.join(empty)}: an avatar is made only of a person "
                "who has agreed to it, or of nobody."
            )
            raise AvatarError("consent-missing", message)


def check_name(name: str) -> None:
    """Raises AvatarError("name-invalid")."""
    if not NAME.fullmatch(name):
        message = "An avatar's name has 1 to 64 letters, digits, spaces, dots, dashes, underscores."
        raise AvatarError("name-invalid", message)


@dataclass(frozen=True, slots=True)
class Card:
    """What can be known of an avatar file without reading its layers."""

    name: str
    licence: str
    consent: Consent
    photo_sha256: str
    warnings: tuple[str, ...]
    tool: str


@dataclass(frozen=True, slots=True)
class Avatar:
    """One portrait, ready to be drawn in any face state.

    photo (n, n, 3), matte (n, n), plate (n, n, 3) uint8 with n = (side + 2 * margin) * density:
    the person with the colour of the person only, how opaque, and what is behind. `side`: px of
    the frame, `margin`: px of photo beyond it on each side.
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

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all. Raises AvatarError."""
        check_name(self.name)
        self.card.consent.check()
        layers, layout = tensors.pack(self)
        manifest = {"format": FORMAT, "version": VERSION, **asdict(self.card), "layout": layout}
        parts = {
            MANIFEST: json.dumps(manifest, indent=1).encode(),
            LAYERS: save_tensors(layers),
            PREVIEW: tensors.preview(self.picture(), PREVIEW_SIDE),
        }
        _write(path, parts)


def _write(path: Path, parts: dict[str, bytes]) -> None:
    try:
        with whole(path) as file:
            _zip(file, parts)
    except OSError as error:
        message = f"{path.name} cannot be written: {error.strerror or 'unknown reason'}."
        raise AvatarError("avatar-unwritable", message) from error


def _zip(file: Any, parts: dict[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in parts.items():
            info = zipfile.ZipInfo(name, _FIXED_DATE)
            info.compress_type = zipfile.ZIP_STORED if name == PREVIEW else zipfile.ZIP_DEFLATED
            archive.writestr(info, content)


def load_avatar(path: Path) -> Avatar:
    """Read and check an avatar file. Raises AvatarError."""
    with _opened(path) as archive:
        manifest = _manifest(archive, path.name)
        layers = _read(archive, LAYERS)
    try:
        arrays = load_tensors(layers)
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise _unreadable(path.name) from error
    card = _card(manifest)
    parts = tensors.unpack(arrays, manifest.get("layout"))
    if set(parts["patches"]) != set(PATCHES):
        raise AvatarError("avatar-invalid", f"{path.name}: mouth or eyes are missing.")
    return Avatar(card=card, **parts)


def read_card(path: Path) -> Card:
    """Only the manifest: quick enough to list many. Raises AvatarError."""
    with _opened(path) as archive:
        return _card(_manifest(archive, path.name))


def read_preview(path: Path) -> bytes:
    """The small picture as a WebP file. Raises AvatarError."""
    with _opened(path) as archive:
        _manifest(archive, path.name)
        return _read(archive, PREVIEW)


def list_avatars(folder: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Avatar files in a folder, by file stem: those that can be read, and why others cannot."""
    readable, broken = {}, {}
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            read_card(path)
            readable[path.stem] = path
        except AvatarError as error:
            broken[path.stem] = error.message
    return readable, broken


def _unreadable(name: str) -> AvatarError:
    message = f"{name} is damaged or is not an avatar file: make it again from the photo."
    return AvatarError("avatar-unreadable", message)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The zip with exactly the expected members of bearable sizes; faults as AvatarError."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise AvatarError("avatar-too-large", f"{path.name} is larger than 16 MB.")
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist()]
            if sorted(names) != sorted(LIMITS):
                raise _unreadable(path.name)
            for info in archive.infolist():
                if info.file_size > LIMITS[info.filename]:
                    message = f"{path.name}: {info.filename} would unpack to more than allowed."
                    raise AvatarError("avatar-too-large", message)
            yield archive
    except FileNotFoundError as error:
        raise AvatarError("avatar-missing", f"There is no avatar file {path.name}.") from error
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        raise _unreadable(path.name) from error


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    """One member; never more than its limit, whatever the zip's directory claims."""
    with archive.open(name) as member:
        content = member.read(LIMITS[name] + 1)
    if len(content) > LIMITS[name]:
        raise AvatarError("avatar-too-large", f"{name} unpacks to more than allowed.")
    return content


def _manifest(archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    manifest = json.loads(_read(archive, MANIFEST))
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise _unreadable(name)
    if manifest.get("version") != VERSION:
        message = (
            f"{name} has format version {str(manifest.get('version'))[:20]}; this program reads "
            f"{VERSION}. Make it again from the photo."
        )
        raise AvatarError("avatar-version", message)
    return manifest


def _text(source: Any, key: str, most: int = 4000) -> str:
    value = source.get(key) if isinstance(source, dict) else None
    if not isinstance(value, str) or len(value) > most:
        raise AvatarError("avatar-invalid", f"The avatar's manifest has no proper {key}.")
    return value


def _card(manifest: dict[str, Any]) -> Card:
    said = manifest.get("consent")
    consent = Consent(*(_text(said, key) for key in ("subject", "statement", "given_by", "date")))
    consent.check()
    name = _text(manifest, "name")
    check_name(name)
    notes = manifest.get("warnings")
    if not isinstance(notes, list) or not all(isinstance(n, str) for n in notes):
        raise AvatarError("avatar-invalid", "The avatar's manifest has no proper warnings.")
    texts = (_text(manifest, "licence"), consent, _text(manifest, "photo_sha256", 64))
    return Card(name, *texts, tuple(notes), _text(manifest, "tool", 100))
