"""Answers synthesized ahead, as a server that has been idle for a while has them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_WARM = "from visavis.server.cli import main; raise SystemExit(main())"


def prepare_answers(home: Path, voice: str) -> None:
    """`visavis warm --answers` for a voice; quick where they are there already.

    Raises CalledProcessError.
    """
    settings = {"VISAVIS_HOME": str(home.absolute()), "VISAVIS_VOICE": voice}
    command = [sys.executable, "-c", _WARM, "warm", "--answers"]
    subprocess.run(command, env=os.environ | settings, check=True, stdout=sys.stderr)
