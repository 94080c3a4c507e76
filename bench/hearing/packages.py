"""Speech and sounds that lie in Debian's packages: fetched and unpacked, never installed or kept.

| package | what is read of it | licence |
|---|---|---|
| flite, libflite1 | the voices slt, rms, awb, kal16 | BSD-like (Carnegie Mellon) |
| espeak-ng, its library and data, libpcaudio0, libsonic0 | a voice | GPL-3+ |
| asterisk-core-sounds-en, -g722 | a woman's telephone prompts, their texts | CC BY-SA 3.0 |
| asterisk-core-sounds-es, -fr, -it, -g722 of each | the same in others | CC BY-SA 3.0 |
| tuxpaint-stamps-default | people who describe pictures in many languages | GPL-2+ and free |
| asterisk-moh-opsound-g722 | music | CC BY-SA |
| pocketsphinx-testdata | people who read and give orders | BSD-2, public domain |
"""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

HOME: Final = Path("out/packages")


class PackageMissing(Exception):
    """A package could not be had."""


@cache
def unpacked(name: str) -> Path:
    """The root of a Debian package's files. Raises PackageMissing."""
    root = HOME / name
    if root.exists():
        return root.absolute()
    HOME.mkdir(parents=True, exist_ok=True)
    archive = next(iter(HOME.glob(f"{name}_*.deb")), None)
    if archive is None:
        command = ["apt-get", "download", "-qq", name]
        subprocess.run(command, cwd=HOME, capture_output=True, check=False)
        archive = next(iter(HOME.glob(f"{name}_*.deb")), None)
    if archive is None:
        msg = (
            f"apt-get download {name} failed: run `apt-get update` first, or put the .deb in {HOME}"
        )
        raise PackageMissing(msg)
    made = root.with_suffix(".part")
    subprocess.run(["dpkg", "-x", str(archive), str(made)], check=True)
    made.rename(root)
    archive.unlink()
    return root.absolute()


def program(name: str, *parts: str) -> tuple[Path, dict[str, str]]:
    """A package's program, and the environment in which it finds the libraries of others."""
    libraries = {str(found.parent) for part in parts for found in unpacked(part).rglob("lib*.so*")}
    path = next(iter(unpacked(name).rglob(f"bin/{name}")))
    return path, os.environ | {"LD_LIBRARY_PATH": ":".join(sorted(libraries))}
