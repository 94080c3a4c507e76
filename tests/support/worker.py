"""A worker on fake engines: `python -m support.worker FAULT FOLDER SLOT PARENT`.

FAULT: as in `support.child`; start: it ends before it has begun.
"""

from __future__ import annotations

import sys
from typing import Any


def main() -> None:
    """As the real one."""
    fault = sys.argv.pop(1)
    if fault == "start":
        raise SystemExit(7)
    from support.child import Hanging

    from visavis.server.commands import worker

    make: Any = lambda *_: Hanging(fault)  # noqa: E731 (in place of the real services)
    worker.main(make)


if __name__ == "__main__":
    main()
