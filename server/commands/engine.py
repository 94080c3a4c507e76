"""`visavis engine`: TensorRT engines built ahead, listed and checked."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from dataclasses import asdict
from importlib.util import find_spec
from typing import Any, Final

from tqdm import tqdm

from visavis.engines.base import EngineError
from visavis.engines.render import building, devices, engine_files, tensorrt_library
from visavis.engines.render.devices import Gpu, NoGpu
from visavis.engines.render.engine_files import FOLDER, Fault, Key
from visavis.engines.render.tensorrt_library import RTX_CAPABILITIES, Library, capability_name
from visavis.models.graph.spec import Spec
from visavis.server.commands.console import FAILURE, say_line
from visavis.server.system import config_reading as settings
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError

_STEPS: Final = 100  # of the bar


def build(options: argparse.Namespace) -> None:
    """`engine build`. Raises EngineError, OSError."""
    config, (library, key) = _wanted(options)
    order = building.Order(config.home_path / FOLDER, library.module, key)
    with tqdm(total=_STEPS, unit="%", leave=False, disable=options.json or None) as bar:
        path = building.here(order, _shown(bar))
    size = path.stat().st_size
    if options.json:
        say_line(json.dumps({"file": str(path), "bytes": size, **asdict(key)}))
        return
    say_line(f"{path} ({size / 1e6:.1f} MB), for {key.target}, by {key.library} {key.version}")


def list_all(options: argparse.Namespace) -> None:
    """`engine list`."""
    found = engine_files.listed(settings.load({}).home_path / FOLDER)
    if options.json:
        rows = [
            {
                "file": str(each.path),
                "bytes": each.size,
                "fits": asdict(each.key) if each.key else None,
                "fault": each.fault,
            }
            for each in found
        ]
        say_line(json.dumps(rows))
        return
    for each in found:
        key = each.key
        fits = (
            f"{key.width}x{key.height}{' refined' * key.refine}  {key.target}  "
            f"{key.library} {key.version} {key.part}"
            if key
            else each.fault
        )
        say_line(f"{each.path.name:36} {each.size / 1e6:7.1f} MB  {fits}")
    if not found:
        say_line("no engine was built yet: `visavis engine build`")


def check(options: argparse.Namespace) -> int:
    """`engine check`: whether the engine that a server would use is there; 1: it is not."""
    config, (_, key) = _wanted(options)
    fault = ""
    try:
        engine_files.read(config.home_path / FOLDER, key)
    except Fault as error:
        fault = str(error)
    path = config.home_path / FOLDER / key.name
    if options.json:
        say_line(json.dumps({"file": str(path), "fault": fault, **asdict(key)}))
    else:
        say_line(fault or f"{path}: in order, for {key.target}, by {key.library} {key.version}")
        if fault:
            say_line("A server builds it at its first start; `visavis engine build` does so now.")
    return FAILURE if fault else 0


def _wanted(options: argparse.Namespace) -> tuple[Config, tuple[Library, Key]]:
    """The engine that the settings and this machine, or the named target, ask for."""
    # Checked as a server checks them, and first: wrong use is told before what is missing.
    config = settings.load({"width": options.width, "height": options.height})
    _capability(options.target)
    if find_spec("torch") is None:
        raise EngineError("PyTorch is not installed: install visavis[tensorrt] or visavis[rtx]")
    libraries = tensorrt_library.installed()
    if not libraries:
        raise EngineError("TensorRT is not installed: install visavis[tensorrt] or visavis[rtx]")
    if options.target:
        library, target, gpu = _for_target(libraries, options.target), options.target, None
    else:
        library, gpu = _for_gpu(libraries)
        target = ""
    spec = Spec(config.width, config.height, refine=config.refine == "on")
    return config, (library, building.key(library, gpu, _capability(target), spec))


def _for_target(libraries: tuple[Library, ...], target: str) -> Library:
    for library in libraries:
        if library.is_rtx:
            return library
    raise EngineError(
        f"only tensorrt_rtx builds for a named compute capability such as {target}: install "
        "visavis[rtx], or run this on the machine with the GPU, without --target"
    )


def _for_gpu(libraries: tuple[Library, ...]) -> tuple[Library, Gpu]:
    try:
        gpu = devices.find()
    except NoGpu as error:
        raise EngineError(
            f"there is no GPU to build for: {error}. With visavis[rtx] one can be named: "
            "`visavis engine build --target 8.9`"
        ) from error
    whys = [library.serves(gpu) for library in libraries]
    for library, why in zip(libraries, whys, strict=True):
        if not why:
            return library, gpu
    raise EngineError("; ".join(dict.fromkeys(whys)))


def _capability(target: str) -> str:
    """8.9 or SM89 -> SM89; "" stays. Raises ConfigError."""
    found = re.fullmatch(r"(\d{1,2})\.(\d)|(?:SM|sm_?)(\d{1,2})(\d)", target, re.ASCII)
    if found is None and target:
        raise ConfigError(f"target {target!r}: write a compute capability such as 8.9")
    if found is None:
        return ""
    capability = int(found[1] or found[3]), int(found[2] or found[4])
    if capability not in RTX_CAPABILITIES:
        known = ", ".join(f"{major}.{minor}" for major, minor in RTX_CAPABILITIES)
        raise ConfigError(f"target {target!r}: tensorrt_rtx knows {known}")
    return capability_name(capability)


def _shown(bar: Any) -> Callable[[float, str], bool]:
    def progress(share: float, what: str) -> bool:
        bar.set_description(what[:40])
        bar.update(round(share * _STEPS) - bar.n)
        return True

    return progress
