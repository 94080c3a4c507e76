"""What each command of the command line is made of: its name, its words, where its function is."""

from __future__ import annotations

import argparse
from typing import Any


def add(commands: Any, name: str, run: str, text: str) -> argparse.ArgumentParser:
    """A command and where its function is; its help and its description are `text`."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    return parser


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option of a command whose output scripts read."""
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")


def add_actions(commands: Any, name: str, text: str) -> Any:
    """A command that has commands of its own, to which each of those is added."""
    parser = commands.add_parser(name, help=text, description=text)
    return parser.add_subparsers(title="actions", required=True, metavar="ACTION")
