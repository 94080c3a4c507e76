"""Engines found or built: in a process of its own, for an export holds the interpreter's lock.

`python -m visavis.engines.render.building` builds one and says on its output how far it is, a line
of JSON each time; what it is to build comes as one line of JSON on its input.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from visavis.engines.base import EngineError
from visavis.engines.render import engine_files, tensorrt_build
from visavis.engines.render.devices import Gpu
from visavis.engines.render.engine_files import Fault, Key, Missing
from visavis.engines.render.tensorrt_build import Progress, Span
from visavis.engines.render.tensorrt_library import Library
from visavis.models.errors import ModelError
from visavis.models.graph.spec import Spec
from visavis.models.manifest import ManifestError

if TYPE_CHECKING:
    from torch import nn

log = logging.getLogger(__name__)

AVATARS: Final = Span(1, 8, 64)  # that a device holds
BATCH: Final = Span(1, 16, 64)
_EXPORT: Final = 0.2  # share of a build that the export takes, for the bar
_NICE: Final = 15  # somebody may be watching the CPU's pictures meanwhile


@dataclass(frozen=True, slots=True)
class Order:
    """What to build, and where to put it."""

    folder: Path
    module: str  # of the library
    key: Key


def digest(spec: Spec) -> str:
    """Of that graph, its capacities included; nothing is exported. Raises EngineError."""
    from visavis.models.graph import export

    parts = (export.digest(spec, refiner(spec)), repr(BATCH), repr(AVATARS))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def refiner(spec: Spec) -> nn.Module | None:
    """What the spec wants of it. Raises EngineError."""
    from visavis.models.graph import refining

    try:
        return refining.shipped(spec)
    except (ManifestError, ModelError) as error:
        raise EngineError(str(error)) from error


def key(library: Library, gpu: Gpu | None, target: str, spec: Spec) -> Key:
    """What an engine has to fit. target: in place of a GPU. Raises EngineError."""
    return Key(
        "engine",
        library.name,
        library.version,
        library.target(gpu) if gpu else target,
        library.driver(gpu) if gpu else "",
        digest(spec),
        spec.width,
        spec.height,
        spec.refine,
    )


def ready(order: Order, progress: Progress) -> bytes:
    """The engine from its file; what is missing, stale or corrupt is named and built.

    Raises EngineError.
    """
    try:
        return engine_files.read(order.folder, order.key)
    except (Fault, OSError) as error:
        level = logging.INFO if isinstance(error, Missing) else logging.WARNING
        log.log(level, "an engine is built", extra={"why": _why(error)})
    try:
        with engine_files.alone(order.folder):
            with suppress(Fault):  # another process may have built it meanwhile
                return engine_files.read(order.folder, order.key)
            in_child(order, progress)
        return engine_files.read(order.folder, order.key)
    except (Fault, OSError) as error:
        raise EngineError(f"the engine that was built cannot be read: {_why(error)}") from error


def here(order: Order, progress: Progress = lambda _share, _what: True) -> Path:
    """Export, build and store in this process; the file. Raises EngineError, OSError."""
    from visavis.models.graph import export

    if not progress(0.0, "Exporting the graph"):
        raise EngineError("the engine's build was cancelled")
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses torchvision, aloud
    try:
        spec = Spec(order.key.width, order.key.height, order.key.refine)
        graph = export.onnx_bytes(spec, refiner(spec))
    except Exception as error:
        words = f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"
        raise EngineError(f"the graph cannot be exported: {words}") from error
    engine = tensorrt_build.build(
        Library(order.module),
        graph,
        {"batch": BATCH, "avatars": AVATARS},
        order.key.target,
        lambda share, what: progress(_EXPORT + (1 - _EXPORT) * share, what),
    )
    return engine_files.store(order.folder, order.key, engine)


def in_child(order: Order, progress: Progress) -> None:
    """The same in a process of its own, that ends with this one. Raises EngineError."""
    command = [sys.executable, "-P", "-m", __name__]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        said: dict[str, Any] = {"error": "the process that builds engines ended without a word"}
        try:
            child.stdin.write(json.dumps(asdict(order), default=str) + "\n")
            child.stdin.flush()
            for line in child.stdout:
                said = json.loads(line)
                if "share" in said and not progress(said["share"], said["what"]):
                    said = {"error": "the engine's build was cancelled"}
                    break
        except (OSError, ValueError) as error:
            said = {"error": f"the process that builds engines: {type(error).__name__}"}
        finally:
            child.kill()
    if "built" not in said:
        raise EngineError(str(said.get("error", "the process that builds engines was ended")))


def main() -> int:
    """Build what the input asks for."""
    os.nice(_NICE)
    output = _own_output()
    asked = json.loads(sys.stdin.readline())
    order = Order(Path(asked["folder"]), asked["module"], Key(**asked["key"]))
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def say(said: dict[str, Any]) -> bool:
        output(json.dumps(said) + "\n")
        return True

    try:
        path = here(order, lambda share, what: say({"share": share, "what": what}))
    except (EngineError, OSError) as error:
        say({"error": _why(error)})
        return 1
    say({"built": str(path)})
    return 0


def _own_output() -> Callable[[str], None]:
    """The standard output for lines of ours alone: libraries print to it as they like."""
    ours = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def output(line: str) -> None:
        ours.write(line)
        ours.flush()

    return output


def _end_with_parent() -> None:
    """Its end of the pipe closes with it, however it ends."""
    sys.stdin.read()
    os._exit(1)


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'}: {error.strerror or type(error).__name__}"
    return str(error)


if __name__ == "__main__":
    raise SystemExit(main())
