"""What is locked in tests/npm: exact versions with hashes, and no addresses."""

import json
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "npm"
SETS = sorted(path.parent.name for path in HERE.glob("*/package.json"))


def test_every_folder_is_in_the_readme():
    words = (HERE / "README.md").read_text()
    assert [name for name in SETS if f"`{name}`" not in words] == []


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_locked(name):
    wanted = json.loads((HERE / name / "package.json").read_text())["dependencies"]
    assert all(version[0].isdigit() for version in wanted.values()), "pin exact versions"
    text = (HERE / name / "package-lock.json").read_text()
    assert '"resolved"' not in text, "addresses of a registry"
    locked = json.loads(text)["packages"]
    assert locked.pop("")["dependencies"] == wanted, f"run sh tests/npm/lock.sh {name}"
    for path, package in locked.items():
        assert package["integrity"].startswith("sha512-"), path
