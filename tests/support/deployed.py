"""The files in deploy/, read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def kubernetes(name: str) -> dict[str, Any]:
    """One manifest of the base."""
    text = (DEPLOY / "kubernetes" / "base" / f"{name}.yaml").read_text("utf-8")
    return dict(yaml.safe_load(text))
