"""What a target is, and where its seeds lie."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a target is searched.

    guides: packages whose coverage leads. quick: inputs that take about ten seconds.
    """

    guides: tuple[str, ...]
    quick: int


GROUNDS: Final[Mapping[str, Ground]] = {
    "avatar": Ground(("visavis", "zipfile", "json"), 800),
    "channel": Ground(("visavis", "json"), 4_000),
    "config": Ground(("visavis", "tomllib"), 30_000),
    "datagrams": Ground(("visavis", "aiortc", "aioice"), 3_000),
    "dialogue": Ground(("visavis",), 4_000),
    "http": Ground(("visavis", "aiohttp", "yarl", "multidict"), 4_000),
    "knowledge": Ground(("visavis",), 20_000),
    "photo": Ground(("visavis", "PIL"), 20_000),
    "rtvi": Ground(("visavis", "json"), 10_000),
    "script": Ground(("visavis", "tomllib"), 2_000),
    "sdp": Ground(("visavis", "aiortc", "aioice"), 1_000),
    "sound": Ground(("visavis",), 4_000),
    "tokens": Ground(("visavis", "json"), 10_000),
    "words": Ground(("visavis",), 10_000),
}
COMPILED: Final = ("visavis.models.warp.kernel", "visavis.models.warp.kernel_patch")  # by numba
SEEDS: Final = Path(__file__).with_name("seeds")
SLOWEST: Final = 5  # s that any one input may take


@dataclass(frozen=True, slots=True)
class Target:
    """One way in.

    check: takes an input; raises what libFuzzer is to report. most: bytes of the longest input.
    tokens: pieces that valid inputs are made of. close: ends what it works with; it is of no more
    use then.
    """

    name: str
    check: Callable[[bytes], None]
    most: int
    tokens: tuple[str, ...]
    close: Callable[[], None]

    def seeds(self) -> Iterator[Path]:
        """The inputs that are kept."""
        return (path for path in sorted((SEEDS / self.name).iterdir()) if path.is_file())


def load(name: str) -> Target:
    """Import a target: its module has `check`, MOST and TOKENS, perhaps `close`."""
    module = importlib.import_module(f"fuzz.targets.{name}")
    close = getattr(module, "close", lambda: None)
    return Target(name, module.check, module.MOST, module.TOKENS, close)
