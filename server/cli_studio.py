"""The grammar of the studio's commands: scripts made into films."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from visavis.server.grammar import add, add_json


def add_batch(commands: Any) -> None:
    """`batch`."""
    text = "make a video of a script for each row of a table"
    parser = add(commands, "batch", "batch:batch", text)
    parser.add_argument("script", type=Path, help="script.md, or the project's folder")
    parser.add_argument("table", type=Path, help="the people: CSV or .xlsx, one row each")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("out"), metavar="FOLDER",
        help="for the videos and manifest.csv (default: out); the same folder again goes on there",
    )  # fmt: skip
    parser.add_argument("--check", action="store_true", help="say what is wrong, and make nothing")
    parser.add_argument(
        "--proof", type=int, nargs="?", const=3, default=0, metavar="ROWS",
        help="make a few rows first, those that differ most (default: 3)",
    )  # fmt: skip
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[], metavar="ROW",
        help="make these rows alone, as the spreadsheet numbers them",
    )  # fmt: skip
    parser.add_argument("--skip", action="store_true", help="leave out rows that cannot be made")
    parser.add_argument("--again", action="store_true", help="make anew what is there, too")
    parser.add_argument(
        "--formats", default="mp4", metavar="LIST", help="such as mp4,srt (default: mp4)"
    )
    parser.add_argument(
        "--name", default="", metavar="WORDS",
        help="of each row's files, such as {{last_name}}-{{first_name}} (default: row and name)",
    )  # fmt: skip
    parser.add_argument("--zip", type=Path, metavar="FILE", help="and pack all of it into one file")
    parser.add_argument(
        "--encoding", default="", help="of a CSV, should it be read wrongly, such as cp1252"
    )
    parser.add_argument("--sheet", default="", help="of a workbook (default: the first)")
    add_json(parser)


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


def add_translate(commands: Any) -> None:
    """`translate`."""
    text = "put a script into other languages, beside it, to be read before it is filmed"
    parser = add(commands, "translate", "translate:translate", text)
    parser.add_argument("project", type=Path, help="folder of a project, or its script.md")
    parser.add_argument(
        "languages", nargs="*", metavar="LANGUAGE",
        help="such as es or pt-BR (default: the script's `languages`)",
    )  # fmt: skip
    parser.add_argument(
        "--anew", action="store_true",
        help="all of it, also what somebody has read or written (default: what changed)",
    )  # fmt: skip
    parser.add_argument(
        "--check", action="store_true", help="translate nothing: say how the translations stand"
    )
    parser.add_argument("--show", action="store_true", help="print both texts, one below the other")
    add_json(parser)
