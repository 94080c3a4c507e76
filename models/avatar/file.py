"""An avatar and its file: a zip of manifest.json, layers.safetensors and preview.webp.

Nothing in a file is believed: names, versions, shapes, ranges and sizes are checked before
anything large is allocated, and every fault becomes one AvatarError. Never pickle.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from visavis.models.avatar import tensors
from visavis.models.avatar.backdrop import ORIGINAL, Backdrop
from visavis.models.avatar.rig import PATCHES, Body, Bytes, Grid, Light, Patch
from visavis.models.errors import AvatarError
from visavis.models.files import PRIVATE, whole
from visavis.models.pictures.webp import is_webp

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
NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_EARLIER: Final = re.compile(r"[^\W_][\w .-]{0,63}")  # names inside files of earlier versions
_HEADER: Final = 64 * 1024  # bytes of the layers' own header; that of 40 arrays takes 5,000
_DIRECTORY: Final = 1024  # bytes of the zip's directory; that of three members takes 200
_END: Final = 22  # bytes of the record that ends a zip without a comment
_LOCATOR: Final = 20  # bytes of what stands before it in a zip of 4 GB and more
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


@dataclass(frozen=True, slots=True)
class Avatar:
    """One portrait, ready to be drawn in any face state.

    photo (n, n, 3), matte (n, n), plate (n, n, 3) uint8 with n = (side + 2 * margin) * density:
    the person with the colour of the person only, how opaque, and what is behind. `side`: px of
    the frame, `margin`: px of photo beyond it on each side. backdrop: what it is drawn before.
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
        """Write the file, whole or not at all; only its owner may read it. Raises AvatarError."""
        write(path, self.content())

    def content(self) -> bytes:
        """What the file holds. Raises AvatarError."""
        check_name(self.name)
        self.card.consent.check()
        layers, layout = tensors.pack(self)
        manifest = {"format": FORMAT, "version": VERSION, **asdict(self.card), "layout": layout}
        parts = {
            MANIFEST: json.dumps(manifest, indent=1).encode(),
            LAYERS: save_tensors(layers),
            PREVIEW: tensors.preview(self.picture(), PREVIEW_SIDE),
        }
        file = io.BytesIO()
        _zip(file, parts)
        return file.getvalue()


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


def _zip(file: IO[bytes], parts: dict[str, bytes]) -> None:
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
    arrays = _arrays(layers, path.name)
    card = _card(manifest)
    parts = tensors.unpack(arrays, manifest.get("layout"))
    if set(parts["patches"]) != set(PATCHES):
        raise AvatarError("avatar-invalid", f"{path.name}: mouth or eyes are missing.")
    return Avatar(card=card, **parts)


def _arrays(layers: bytes, name: str) -> tensors.Arrays:
    """Raises AvatarError. The header is JSON, and each of its entries becomes objects of Python."""
    if int.from_bytes(layers[:8], "little") > _HEADER:
        raise _unreadable(name)
    try:
        return load_tensors(layers)
    # Types that numpy has not: the library raises what it stumbles over.
    except Exception as error:
        raise _unreadable(name) from error


def read_card(path: Path) -> Card:
    """Only the manifest: quick enough to list many. Raises AvatarError."""
    with _opened(path) as archive:
        return _card(_manifest(archive, path.name))


def read_preview(path: Path) -> bytes:
    """The small picture as a WebP file. Raises AvatarError."""
    with _opened(path) as archive:
        _manifest(archive, path.name)
        picture = _read(archive, PREVIEW)
    if not is_webp(picture):
        raise AvatarError("avatar-invalid", f"{path.name}: its preview is not a picture.")
    return picture


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


def _unreadable(name: str) -> AvatarError:
    message = f"{name} is damaged or is not an avatar file: make it again from the photo."
    return AvatarError("avatar-unreadable", message)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The zip with exactly the expected members of bearable sizes; faults as AvatarError."""
    try:
        with _file(path) as file, zipfile.ZipFile(file) as archive:
            _check_members(archive, path.name)
            yield archive
    except FileNotFoundError as error:
        raise AvatarError("avatar-missing", f"There is no avatar file {path.name}.") from error
    except OSError as error:
        if error.errno is None:  # Python's own, of a file that is cut off
            raise _unreadable(path.name) from error
        why = error.strerror or "unknown reason"
        raise AvatarError("avatar-unreadable", f"{path.name} cannot be read: {why}.") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        raise _unreadable(path.name) from error


@contextlib.contextmanager
def _file(path: Path) -> Iterator[IO[bytes]]:
    """A plain file, no device or pipe, with a short directory. Raises AvatarError, OSError.

    zipfile reads a directory to its end before anybody can count: 16 MB hold 300,000 entries.
    """
    state = path.stat()
    if not stat.S_ISREG(state.st_mode):
        raise _unreadable(path.name)
    if state.st_size > MAX_FILE:
        raise AvatarError("avatar-too-large", f"{path.name} is larger than 16 MB.")
    with path.open("rb") as file:
        file.seek(max(0, state.st_size - _LOCATOR - _END))
        tail = file.read(_LOCATOR + _END)
        end = tail[-_END:]
        size = int.from_bytes(end[12:16], "little")
        if end[:4] != b"PK\5\6" or tail[:4] == b"PK\6\7" or size > _DIRECTORY:
            raise _unreadable(path.name)
        yield file


def _check_members(archive: zipfile.ZipFile, name: str) -> None:
    """Raises AvatarError."""
    if sorted(info.filename for info in archive.infolist()) != sorted(LIMITS):
        raise _unreadable(name)
    for info in archive.infolist():
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _unreadable(name)  # LZMA may ask for 4 GB before its first byte
        if info.file_size > LIMITS[info.filename]:
            message = f"{name}: {info.filename} would unpack to more than allowed."
            raise AvatarError("avatar-too-large", message)


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
    if not _EARLIER.fullmatch(name):
        raise AvatarError("name-invalid", "The avatar's manifest has no proper name.")
    notes = manifest.get("warnings")
    if not isinstance(notes, list) or not all(isinstance(n, str) for n in notes):
        raise AvatarError("avatar-invalid", "The avatar's manifest has no proper warnings.")
    texts = (_text(manifest, "licence"), consent, _text(manifest, "photo_sha256", 64))
    return Card(name, *texts, tuple(notes), _text(manifest, "tool", 100))
