"""bench/gpu.sh works from end to end with PyTorch and numpy alone; a dry run on the CPU."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.gpu import bundle

ROOT = Path(__file__).parents[1]
ENOUGH = (
    "torch", "torchgen", "functorch", "numpy", "numpy.libs", "sympy", "mpmath", "networkx",
    "jinja2", "markupsafe", "filelock", "fsspec", "typing_extensions.py",
)  # fmt: skip


@pytest.fixture
def made(tmp_path, request):
    refine = getattr(request, "param", False)
    size = bundle.write(
        tmp_path / "bundle", (128, 128), avatars=2, states=2, export=False, refine=refine
    )
    assert size < 4e6 + 1e6 * refine
    return tmp_path / "bundle"


@pytest.fixture
def lean_python(tmp_path):
    """The interpreter beneath this environment, with nothing but PyTorch and what that needs."""
    site = Path(np.__file__).parents[1]
    folder = tmp_path / "site"
    folder.mkdir()
    for name in ENOUGH:
        if (site / name).exists():
            (folder / name).symlink_to(site / name)
    path = tmp_path / "python"
    base = getattr(sys, "_base_executable", sys.executable)
    path.write_text(f'#!/bin/sh\nPYTHONPATH="$PYTHONPATH:{folder}" exec {base} -s "$@"\n')
    path.chmod(0o755)
    return path


def test_a_bundle_is_read_as_it_was_written(made):
    read = bundle.read(made)
    assert (read.width, read.height) == (128, 128)
    assert read.expected.shape == (4, 192, 128)
    assert read.slots.tolist() == [0, 0, 1, 1]
    apart = np.abs(read.expected[1].astype(int) - read.expected[0])
    assert 0.1 < apart.mean() < 30  # another state of the same face
    assert {array.dtype.name for array in read.avatars[0].values()} == {
        "float16", "float32", "int32",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("made", [False, True], indirect=True)
def test_the_script_measures_what_it_can_and_names_what_it_cannot(made, lean_python, tmp_path):
    output = tmp_path / "out" / "gpu.json"
    options = ["--device", "cpu", "--seconds", "0.1", "--batches", "1,2", "--limit", "200"]
    ways = ["--ways", "eager,cuda_graph,tensorrt"]
    done = subprocess.run(
        [ROOT / "bench" / "gpu.sh", made, output, *options, *ways],
        env=os.environ | {"PYTHON": str(lean_python)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(output.read_text())
    eager = {key: value for row in report["ways"]["eager"] for key, value in row.items()}
    assert eager["parity"]["pictures_within_2_and_12"] == eager["parity"]["pictures"] == 4
    assert [row["batch"] for row in report["ways"]["eager"] if "batch" in row] == [1, 2]
    assert eager["bytes_a_picture_operator_by_operator"] > 1e6
    assert report["ways"]["cuda_graph"] == [
        {"not_measured": "EngineError: torch: CUDA graphs need a GPU"}
    ]
    (tensorrt,) = report["ways"]["tensorrt"]
    assert "neither tensorrt nor tensorrt_rtx is installed" in tensorrt["not_measured"]
    assert report["machine"]["card"] == "none: a dry run on the CPU"
    assert report["bundle"]["commit"]


def test_without_a_bundle_it_says_how_to_make_one(tmp_path):
    done = subprocess.run(
        [ROOT / "bench" / "gpu.sh", tmp_path / "no"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "python -m bench.gpu.bundle" in done.stderr
