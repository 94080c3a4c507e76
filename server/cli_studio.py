"""The grammar of the studio's commands: scripts made into films."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from visavis.server.grammar import add


def add_build(commands: Any) -> None:
    """`build`."""
    text = "make films of projects; what did not change is not made anew"
    parser = add(commands, "build", "build:build", text)
    parser.add_argument(
        "project", type=Path,
        help="a folder with script.md, or one with such folders below it: all of them are made",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FOLDER",
        help="for the films (default: out in the project's folder)",
    )  # fmt: skip
    parser.add_argument(
        "--formats", default="mp4", metavar="LIST", help="such as mp4,srt (default: mp4)"
    )
    parser.add_argument(
        "--language", nargs="+", metavar="TAG",
        help="make the films in these languages alone (default: all there are)",
    )  # fmt: skip
    parser.add_argument("--check", action="store_true", help="say what is wrong, and make nothing")
    parser.add_argument("--again", action="store_true", help="make what did not change, too")


def add_import(commands: Any) -> None:
    """`import`."""
    text = "make a project of a text, Markdown, subtitles (SRT, WebVTT) or slides (PPTX)"
    parser = add(commands, "import", "build:import_script", text)
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FOLDER",
        help="of the project (default: called like the file, here)",
    )  # fmt: skip
    parser.add_argument("--force", action="store_true", help="replace the script that is there")
