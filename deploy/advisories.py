"""Known vulnerabilities of the packages in a lock file, by pip-audit: `make advisories`.

Exit status: 0, none is known; 1, some are; 3, the list of advisories could not be asked, or knows
nothing of some packages, which is said: nothing then follows for those.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
TOOL: Final = "pip-audit==2.10.1"
_FOUND, _UNKNOWN = 1, 3


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lock", type=Path, default=ROOT / "deploy" / "requirements.lock")
    parser.add_argument("--service", choices=("pypi", "osv"), default="pypi")
    options = parser.parse_args()
    run = subprocess.run(_command(options.lock, options.service), capture_output=True, text=True)
    try:
        packages = json.loads(run.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = (run.stderr.strip().splitlines() or ["no word from pip-audit"])[-1]
        print(f"The list of advisories could not be asked, so nothing was checked: {last}")
        print("Run this where the network is, on the same commit.")
        return _UNKNOWN
    return judged(packages)


def _command(lock: Path, service: str) -> list[str]:
    uvx = str(Path(sys.executable).with_name("uvx"))
    return [
        *(uvx, "-q", "--from", TOOL, "pip-audit", "--progress-spinner", "off", "-s", service),
        *("-r", str(lock), "--require-hashes", "--disable-pip", "-f", "json"),
    ]


def judged(packages: list[dict[str, Any]]) -> int:
    """Say what was found; the exit status. packages: as pip-audit writes them."""
    bad = [each for each in packages if each.get("vulns")]
    unknown = [each for each in packages if "skip_reason" in each]
    for each in bad:
        for found in each["vulns"]:
            mended = ", ".join(found.get("fix_versions", [])) or "none yet"
            print(f"{each['name']} {each['version']}: {found['id']} (mended in: {mended})")
    print(f"{len(packages) - len(unknown)} of {len(packages)} packages were looked up.")
    if unknown:
        names = ", ".join(each["name"] for each in unknown)
        print(f"Of these nothing is known here, run it where the network is: {names}")
    if bad:
        return _FOUND
    return _UNKNOWN if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
