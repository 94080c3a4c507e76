"""One way to run the graph, measured in a process of its own: a line of JSON for each row."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from bench.gpu import stand_ins
from bench.gpu.bundle import Bundle, read
from bench.gpu.traffic import bandwidth, traffic

BATCHES: Final = (1, 4, 16, 64)
WAYS: Final = ("eager", "cuda_graph", "tensorrt", "autocast", "compile")
_TILE: Final = 8


def main() -> int:
    """Measure one way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each batch size")
    parser.add_argument("--batches", default=",".join(str(n) for n in BATCHES))
    options = parser.parse_args()
    stand_ins.install()
    bundle = read(options.bundle)
    try:
        batches = [int(n) for n in options.batches.split(",")]
        _measure(options.way, bundle, options.device, options.seconds, batches)
    except Exception as error:  # noqa: BLE001 (whatever it is, the row says so)
        words = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:300]}"
        _say({"not_measured": words})
        return 1
    return 0


def _measure(way: str, bundle: Bundle, device: str, seconds: float, batches: list[int]) -> None:
    from visavis.models.graph.bank import Bank
    from visavis.models.graph.spec import Spec

    spec = Spec(bundle.width, bundle.height, bundle.refine)
    began = time.perf_counter()
    runtime = _runtime(way, bundle, spec, device)
    bank = Bank(spec, device, len(bundle.avatars))
    for avatar in bundle.avatars:
        runtime.load(lambda avatar=avatar: bank.add(avatar))
    first = bundle.slots[:1], bundle.rows[:1]
    runtime.run(bank.arrays, first)
    _say({"way": way, "device": runtime.device, "ready_s": round(time.perf_counter() - began, 2)})
    _say(_parity(runtime, bank.arrays, bundle, max(batches)))
    if way == "eager":
        _say(_moved(spec, bundle, bank.arrays, device))
    for size in batches:
        _say(_timed(runtime, bank.arrays, bundle, size, seconds))


def _runtime(way: str, bundle: Bundle, spec: Any, device: str) -> Any:
    """Ready to run. Raises whatever stands in its way."""
    from visavis.engines.render.on_torch import CudaGraphRuntime, TorchRuntime

    if way == "tensorrt":
        return _tensorrt(bundle, spec, device)
    if way == "cuda_graph":
        return CudaGraphRuntime(_graph(bundle, spec, device), spec, device)
    graph = _graph(bundle, spec, device)
    if way == "compile":
        graph = torch.compile(graph, dynamic=False)
    if way == "autocast":
        graph = _half(graph, device)
    return TorchRuntime(graph, spec, device)


def _graph(bundle: Bundle, spec: Any, device: str) -> Callable[..., torch.Tensor]:
    from visavis.models.graph.refining import WindowRefiner
    from visavis.models.graph.warp import LayeredWarp
    from visavis.models.refine.network import Refiner

    refiner = None
    if bundle.refine:
        network = Refiner()
        network.load_state_dict({n: torch.from_numpy(v) for n, v in bundle.refiner.items()})
        refiner = WindowRefiner(network.eval())
    return LayeredWarp(spec, refiner).to(device)


def _half(graph: Callable[..., torch.Tensor], device: str) -> Callable[..., torch.Tensor]:
    """Matrix products in half precision, as a library that may choose its types would have it."""

    def run(*inputs: torch.Tensor) -> torch.Tensor:
        with torch.autocast(device.partition(":")[0], torch.float16):
            return graph(*inputs)

    return run


def _tensorrt(bundle: Bundle, spec: Any, device: str) -> Any:
    from visavis.engines.render import building, devices, tensorrt_build, tensorrt_library
    from visavis.engines.render.on_tensorrt import TensorRtRuntime

    libraries = tensorrt_library.installed()
    if not libraries:
        raise RuntimeError("neither tensorrt nor tensorrt_rtx is installed here")
    gpu = devices.find()
    whys = [library.serves(gpu) for library in libraries]
    library = next((each for each, why in zip(libraries, whys, strict=True) if not why), None)
    if library is None:
        raise RuntimeError("; ".join(dict.fromkeys(whys)))
    if not bundle.onnx:
        raise RuntimeError("the bundle holds no exported graph")
    began = time.perf_counter()
    spans = {"batch": building.BATCH, "avatars": building.AVATARS}
    engine = tensorrt_build.build(library, bundle.onnx, spans, library.target(gpu))
    took = round(time.perf_counter() - began, 2)
    _say({"library": f"{library.name} {library.version}", "build_s": took, "bytes": len(engine)})
    return TensorRtRuntime(library, engine, spec, device)


def _parity(runtime: Any, bank: Any, bundle: Bundle, batch: int) -> dict[str, Any]:
    """Against the CPU's pictures, of 255: the mean, and the worst 8 x 8 px of any picture."""
    means, worsts = [], []
    for start in range(0, len(bundle.slots), batch):
        part = slice(start, start + batch)
        made = runtime.run(bank, (bundle.slots[part], bundle.rows[part]))
        apart = np.abs(made.astype(np.int16) - bundle.expected[part])
        means += [float(one.mean()) for one in apart]
        rows, columns = (n - n % _TILE for n in apart.shape[1:])
        tiles = apart[:, :rows, :columns].reshape(
            len(apart), rows // _TILE, _TILE, columns // _TILE, _TILE
        )
        worsts += [float(one.max()) for one in tiles.mean(axis=(2, 4))]
    return {
        "parity": {
            "pictures": len(means),
            "mean": round(float(np.mean(means)), 4),
            "worst_mean": round(max(means), 4),
            "worst_8x8": round(max(worsts), 3),
            "pictures_within_2_and_12": sum(
                mean <= 2 and worst <= 12 for mean, worst in zip(means, worsts, strict=True)
            ),
        }
    }


def _timed(runtime: Any, bank: Any, bundle: Bundle, size: int, seconds: float) -> dict[str, Any]:
    """Calls one after the other, from the state in numpy to the pictures in numpy."""
    places = np.arange(size) % len(bundle.slots)
    state = bundle.slots[places], bundle.rows[places]
    for _ in range(3 if seconds > 1 else 1):
        runtime.run(bank, state)
    times = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        began = time.perf_counter()
        runtime.run(bank, state)
        times.append(time.perf_counter() - began)
    ms = np.array(times) * 1e3
    return {
        "batch": size,
        "calls": len(times),
        "pictures_a_second": round(size * len(times) / sum(times), 1),
        "p50_ms": round(float(np.percentile(ms, 50)), 3),
        "p99_ms": round(float(np.percentile(ms, 99)), 3),
    }


def _moved(spec: Any, bundle: Bundle, bank: Any, device: str) -> dict[str, Any]:
    size = min(16, len(bundle.slots))
    state = [
        torch.from_numpy(each[:size].copy()).to(device) for each in (bundle.slots, bundle.rows)
    ]
    graph = _graph(bundle, spec, device)
    with torch.inference_mode():
        moved, launches = traffic(lambda: graph(*state, *bank.values()))
    return {
        "operators_a_call": launches,
        "bytes_a_picture_operator_by_operator": moved // size,
        "card_bytes_a_second": bandwidth(device),
    }


def _say(row: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
