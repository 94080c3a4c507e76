"""`visavis models`: model files listed, verified and fetched."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from visavis.models import fetch, manifest, piper_voices
from visavis.models.manifest import ManifestError
from visavis.server.commands.console import FAILURE, say_line
from visavis.server.system import config_reading as settings


def _pulled() -> Path:
    return settings.load({}).home_path / "models"


def list_all(options: argparse.Namespace) -> None:
    """`models list`."""
    models = manifest.load(pulled=_pulled()).models
    voices = list(piper_voices.pulled(_pulled()))
    if options.json:
        known = {name: asdict(model) for name, model in models.items()}
        known |= {voice.name: asdict(voice) for voice in voices}
        say_line(json.dumps(known, default=str))
        return
    for name, model in models.items():
        source = f"{model.package} {model.version}" if model.package else "this repository"
        _say(name, model.role, model.size, model.licence, source)
    for voice in voices:
        size = sum(size for size, _ in voice.files.values())
        _say(voice.name, "tts", size, voice.licence, voice.source)


def _say(name: str, role: str, size: int, licence: str, source: str) -> None:
    say_line(f"{name:18} {role:10} {size / 1e6:7.1f} MB  {licence:14} {source}")


def verify(options: argparse.Namespace) -> int:
    """`models verify`; 1 where a file is not what it should be."""
    findings = list(tqdm(manifest.load(pulled=_pulled()).check(), leave=False, unit="model"))
    found = {f.model.name: f.error or _well(f) for f in findings}
    wrong = any(f.error for f in findings)
    for voice in piper_voices.pulled(_pulled()):
        try:
            piper_voices.located(voice.name, _pulled())
            found[voice.name] = "ok"
        except ManifestError as error:
            found[voice.name], wrong = str(error), True
    if options.json:
        say_line(json.dumps(found))
    else:
        for name, state in found.items():
            say_line(f"{name:18} {state}")
    return FAILURE if wrong else 0


def _well(finding: manifest.Finding) -> str:
    if finding.path is None:
        return f"left out: only visavis[{finding.model.extra}] needs it"
    return "ok"


def pull(options: argparse.Namespace) -> None:
    """`models pull`. Raises FetchError, ConfigError."""
    with tqdm(unit="B", unit_scale=True, leave=False) as bar:

        def progress(file: str, done: int, total: int) -> None:
            bar.set_description(file)
            bar.total = total
            bar.update(done - bar.n)

        if options.name.startswith(piper_voices.PREFIX):
            voice = _pull_voice(options, progress)
            place: Path = voice.folder
        else:
            place = fetch.pull(options.name, _pulled(), progress=progress)
            voice = None
    if voice is not None:
        say_line(f"{voice.name}: {voice.language}, licence: {voice.licence}")
        say_line(f"sha256 {voice.files[voice.model.name][1]}")
    say_line(f"{options.name} is in {place}")


def _pull_voice(options: argparse.Namespace, progress: fetch.Progress) -> piper_voices.Pulled:
    name = options.name.removeprefix(piper_voices.PREFIX)
    mirror = settings.load({}).voice_mirror
    return piper_voices.pull(name, _pulled(), mirror, options.sha256.lower(), progress)
