"""What tests share lies in tests/support: no test file imports another."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES = sorted(HERE.rglob("*.py"))
TESTS = {path.stem for path in FILES if path.stem.startswith("test_")}


def imported(source: str) -> set[str]:
    """Every module that a file names in an import, with what is taken from it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return names


def of_tests(source: str) -> set[str]:
    """Those that are files of tests."""
    return {
        name
        for name in imported(source)
        if name.startswith((".", "tests.", "conftest")) or not TESTS.isdisjoint(name.split("."))
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HERE)))
def test_no_test_file_imports_another(path: Path) -> None:
    assert of_tests(path.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    "line",
    ["import test_create", "from server.test_rtc import Pair", "from tests.server import test_app",
     "from . import stage", "from .test_gate import gate"],
)  # fmt: skip
def test_an_import_of_a_test_file_is_seen(line: str) -> None:
    assert of_tests(line)
