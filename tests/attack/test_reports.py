"""No library tells its maker that it is used: SECURITY.md, "Whom it contacts"."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import visavis.models

NETWORK = next((Path(visavis.models.__path__[0]) / "data").glob("*.onnx"))
RUN = f"import onnxruntime; onnxruntime.InferenceSession({str(NETWORK)!r})"


@pytest.mark.parametrize("ours", ["visavis.engines.networks", "visavis.models.bake.landmarks"])
def test_onnxruntime_keeps_no_record_of_its_use(tmp_path, ours):
    """It notes a number for this machine and what happened in the home, and then sends it."""
    bare = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")}
    bare.pop("ORT_DISABLE_TELEMETRY", None)
    home = tmp_path / "home"
    home.mkdir()
    command = [sys.executable, "-c", f"import {ours}; {RUN}"]
    subprocess.run(command, env=bare | {"HOME": str(home)}, check=True, timeout=50)
    assert not list(home.rglob("*onnxruntime*"))
