"""`visavis warm`: what a first start would wait for is compiled, cut and embedded now."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from tqdm import tqdm

from visavis.engines import load
from visavis.models.avatar.file import Avatar, load_avatar
from visavis.server.avatars.store import AvatarStore
from visavis.server.system import config as settings
from visavis.server.system.home import faults as unwritable


def warm(_options: argparse.Namespace) -> None:
    """Numba compiles the kernel, piper's network is cut, the knowledge is embedded: once."""
    config = settings.load({})
    home = config.home_path
    avatars = AvatarStore(home).find().readable
    steps: list[tuple[str, Callable[[], object]]] = [
        ("the dialogue", lambda: load.dialogue("knowledge", None, home)),
        ("the styles", lambda: load.director(home)),
        *((f"the voice {v.name}", lambda v=v: load.tts(v.name, home)) for v in load.voices()),
        ("the face", lambda: _draw_once(load_avatar(next(iter(avatars.values()))))),
    ]
    with tqdm(steps, desc="preparing", leave=False) as bar:
        for what, step in bar:
            bar.set_description(f"preparing {what}")
            step()
    for why in unwritable(home):
        sys.stderr.write(f"note: {why}: nothing of it is kept\n")


def _draw_once(avatar: Avatar) -> None:
    load.warm(load.drawing(avatar))
