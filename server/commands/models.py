"""`visavis models`: model files listed, verified and fetched."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from visavis.models import fetch, manifest
from visavis.server.commands.console import FAILURE, say_line
from visavis.server.system import config as settings


def _pulled() -> Path:
    return settings.load({}).home_path / "models"


def list_all(options: argparse.Namespace) -> None:
    """`models list`."""
    models = manifest.load(pulled=_pulled()).models
    if options.json:
        say_line(json.dumps({name: asdict(model) for name, model in models.items()}, default=str))
        return
    for name, model in models.items():
        source = f"{model.package} {model.version}" if model.package else "this repository"
        say_line(
            f"{name:18} {model.role:10} {model.size / 1e6:7.1f} MB  {model.licence:14} {source}"
        )


def verify(options: argparse.Namespace) -> int:
    """`models verify`; 1 where a file is not what it should be."""
    findings = list(tqdm(manifest.load(pulled=_pulled()).check(), leave=False, unit="model"))
    if options.json:
        say_line(json.dumps({f.model.name: f.error or "ok" for f in findings}))
    else:
        for finding in findings:
            say_line(f"{finding.model.name:18} {finding.error or 'ok'}")
    return FAILURE if any(f.error for f in findings) else 0


def pull(options: argparse.Namespace) -> None:
    """`models pull`. Raises FetchError."""
    with tqdm(unit="B", unit_scale=True, leave=False) as bar:

        def progress(file: str, done: int, total: int) -> None:
            bar.set_description(file)
            bar.total = total
            bar.update(done - bar.n)

        path = fetch.pull(options.name, _pulled(), progress=progress)
    say_line(f"{options.name} is in {path}")
