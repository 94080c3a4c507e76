"""An avatar file of anybody's: a valid one is taken apart, changed and put together again.

An input is a list of changes of eight bytes: which part, where, what. Bytes of a zip as they are
would fail at its checksums.
"""

from __future__ import annotations

import contextlib
import json
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from support import rig_by_hand

from visavis.engines import load
from visavis.engines.base import EngineError, FaceState, draw_one
from visavis.models.avatar.file import LAYERS, MANIFEST, PREVIEW, load_avatar, read_card
from visavis.models.errors import AvatarError

MOST: Final = 8 * 32
TOKENS: Final = ()

_FOLDER: Final = Path(tempfile.mkdtemp(prefix="fuzz-avatar-"))
_FILE: Final = _FOLDER / "fuzzed.avatar"
_VALUES: Final[tuple[Any, ...]] = (
    None, True, 0, -1, 1, 1e308, -1e308, 1e-308, 2**31, 2**63, 10**400, 0.5, "", "x" * 5000, [],
    {}, [[]], [0] * 1000, "\ud800", "../../etc", "F64", "I8", "U8", [0, 0], [1 << 40, 1 << 40],
)  # fmt: skip
_STATES: Final = tuple(
    FaceState(
        random.uniform(0, 1, 52).astype(np.float32),
        random.uniform(-20, 20, 6).astype(np.float32),
        random.uniform(-30, 30, 2).astype(np.float32),
    )
    for random in (np.random.default_rng(seed) for seed in range(3))
)
_GENERATOR: Final = load.generator(256, 256)


def _valid() -> dict[str, bytes]:
    path = _FOLDER / "valid.avatar"
    rig_by_hand.avatar().save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


_PARTS: Final = _valid()


def check(data: bytes) -> None:
    """A file is refused in words, or can be drawn in any state."""
    parts = dict(_PARTS)
    for change in struct.iter_unpack("<BBHHh", data[: len(data) // 8 * 8]):
        _CHANGES[change[0] % len(_CHANGES)](parts, *change[1:])
    with zipfile.ZipFile(_FILE, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    try:
        read_card(_FILE)
        puppet = _GENERATOR.prepare(load_avatar(_FILE))
    except (AvatarError, EngineError) as error:
        assert str(error)
        return
    for state in _STATES:
        picture = draw_one(_GENERATOR, puppet, state)
        assert picture.shape == (384, 256)


def _manifest(parts: dict[str, bytes], place: int, value: int, _a: int, _b: int) -> None:
    """Another value somewhere in the manifest."""
    with contextlib.suppress(ValueError):  # an earlier change may have spoilt it
        manifest = json.loads(parts[MANIFEST])
        _set(manifest, place * 257 + _a, _VALUES[value % len(_VALUES)])
        parts[MANIFEST] = json.dumps(manifest).encode()


def _header(parts: dict[str, bytes], place: int, value: int, _a: int, _b: int) -> None:
    """Another value in the table of the arrays: kinds, shapes, places."""
    raw = parts[LAYERS]
    size = int.from_bytes(raw[:8], "little")
    with contextlib.suppress(ValueError):
        table = json.loads(raw[8 : 8 + size])
        _set(table, place * 257 + _a, _VALUES[value % len(_VALUES)])
        text = json.dumps(table).encode()
        parts[LAYERS] = struct.pack("<Q", len(text)) + text + raw[8 + size :]


def _numbers(parts: dict[str, bytes], place: int, value: int, length: int, b: int) -> None:
    """Other numbers in an array: not finite ones, huge ones, any."""
    raw = bytearray(parts[LAYERS])
    word = (b"\xff\x7f", b"\xff\xff", b"\x00\x7c", b"\x00\xfc", struct.pack("<h", b))[value % 5]
    at = min(len(raw), 2 * ((place * len(raw) // 256 + length) // 2))
    count = 1 + length % 400
    raw[at : at + 2 * count] = (word * count)[: max(0, len(raw) - at)]
    parts[LAYERS] = bytes(raw)


def _cut(parts: dict[str, bytes], place: int, _value: int, length: int, _b: int) -> None:
    """A part ends early."""
    name = (MANIFEST, LAYERS, PREVIEW)[place % 3]
    parts[name] = parts[name][: len(parts[name]) * length // 65536]


def _bytes(parts: dict[str, bytes], place: int, value: int, length: int, b: int) -> None:
    """One byte of a part is another."""
    name = (MANIFEST, LAYERS, PREVIEW)[place % 3]
    raw = bytearray(parts[name])
    if raw:
        raw[(length + 65536 * abs(b)) % len(raw)] = value % 256
    parts[name] = bytes(raw)


_CHANGES: Final[tuple[Callable[..., None], ...]] = (_manifest, _header, _numbers, _cut, _bytes)


def _set(tree: Any, place: int, value: Any) -> None:
    """Put a value in one of the places of a JSON tree."""
    places = list(_places(tree))
    if places:
        holder, key = places[place % len(places)]
        holder[key] = value


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    if not isinstance(tree, (dict, list)):
        return
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in list(items):
        yield tree, key
        yield from _places(value)
