import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.timeout(180)
def test_the_wheel_brings_one_name_and_all_its_data(tmp_path):
    command = [
        *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"),
        *("--disable-pip-version-check", "--wheel-dir", str(tmp_path), str(ROOT)),
    ]
    subprocess.run(command, check=True, cwd=tmp_path, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = wheel.namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"visavis"}
    assert not [name for name in names if "models/tools/" in name], (
        "tools are run from a clone only"
    )
    client = (path.relative_to(ROOT) for path in (ROOT / "client").rglob("*.js"))
    assert {f"visavis/{path.as_posix()}" for path in client} <= set(names)
    for needed in (
        "visavis/client/index.html",
        "visavis/client/visavis-avatar.js",
        "visavis/engines/data/hotel.md",
        "visavis/models/manifest.toml",
        "visavis/models/data/face_landmarks.onnx",
        "visavis/models/data/head.npz",
        "visavis/models/data/personas/mira.avatar",
    ):
        assert needed in names
