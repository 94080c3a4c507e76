"""`visavis voices`: the voices that can be had, and why others cannot."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from visavis.engines import load
from visavis.server.commands.console import say_line
from visavis.server.system import config_reading as settings


def voices(options: argparse.Namespace) -> None:
    """`voices`: those that can be had, and why others cannot."""
    found = [asdict(voice) for voice in load.voices(settings.load({}).home_path)]
    if options.json:
        say_line(json.dumps(found))
        return
    for voice in found:
        say_line(f"{voice['name']:24} {voice['language']:8} {voice['description']}")
    for name, why in load.missing_voices().items():
        sys.stderr.write(f"{name} cannot be had: {why}\n")
