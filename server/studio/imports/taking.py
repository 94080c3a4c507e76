"""The child that takes slides apart: a stranger's PPTX on its standard input, a project out.

One line of JSON with the script, the notes and the sizes of the pictures, then the pictures.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from visavis.server.studio.imports import slides
from visavis.server.studio.layers.typesetting import Type, block
from visavis.server.system import confined, sandbox
from visavis.server.system.errors import Problem
from visavis.server.system.faults import place

MEMORY: Final = 3 * 1024**3  # bytes of address space
SECONDS: Final = 150  # of processor time


def main() -> None:
    """Read the standard input; the owner's process id is the argument."""
    confined.begin()
    sandbox.limit(MEMORY, SECONDS)
    output = confined.own_output()
    block(["Warm", "مرحبا", "日本"], Type(20, 400), "left")  # fonts are opened once
    confined.say(output, {"unshielded": confined.shut_in(Path(__file__).parent)})
    try:
        with os.fdopen(sys.stdin.fileno(), "rb", closefd=False) as file:
            made = slides.imported(file)
    except Problem as error:
        confined.say(output, {"refused": error.detail})
        return
    # Whatever a hostile file makes a library do: the owner logs its type and place.
    except Exception as error:  # noqa: BLE001
        fault = f"{type(error).__name__} at {place(error)}"
        confined.say(output, {"refused": "", "fault": fault})
        return
    sizes = [[name, len(content)] for name, content in made.files.items()]
    confined.say(output, {"text": made.text, "notes": list(made.notes), "files": sizes})
    for content in made.files.values():
        output.write(content)
    output.flush()


if __name__ == "__main__":
    main()
