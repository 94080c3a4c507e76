import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def built(folder, **env):
    """The wheel of this commit, built as `make wheel` does."""
    command = ["sh", str(ROOT / "deploy" / "wheel.sh"), str(folder), sys.executable]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **env})
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return built(tmp_path_factory.mktemp("wheel"))


@pytest.mark.timeout(180)
def test_the_same_commit_gives_the_same_wheel(wheel, tmp_path):
    elsewhere = tmp_path / "another" / "place"
    elsewhere.mkdir(parents=True)
    before = os.umask(0o077)
    try:
        again = built(elsewhere, TZ="Asia/Tokyo", LC_ALL="C", TMPDIR=str(elsewhere))
    finally:
        os.umask(before)
    assert again.read_bytes() == wheel.read_bytes()


@pytest.mark.timeout(180)
def test_the_wheel_brings_one_name_and_all_its_data(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"visavis"}
    assert not [name for name in names if "models/tools/" in name], (
        "tools are run from a clone only"
    )
    client = subprocess.run(
        ["git", "ls-tree", "-r", "--name-only", "HEAD", "client"],
        check=True, capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    scripts = {path for path in client.stdout.splitlines() if path.endswith(".js")}
    assert {f"visavis/{path}" for path in scripts} <= set(names)
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
