"""espeak-ng keeps its state in globals, and one copy of it serves voices and pronunciation."""

from __future__ import annotations

from threading import RLock
from typing import Final

LOCK: Final = RLock()  # held by whoever uses it in this process, who first sets what they rely on
