"""README and docs name only what there is: commands, settings, routes, files and headings."""

import ast
import contextlib
import io
import re
import shlex
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from support.routes import routes

from bench.__main__ import MODULES
from visavis.server.cli import _parser
from visavis.server.system import errors
from visavis.server.system.config import Config
from visavis.server.system.metrics import Metrics

ROOT = Path(__file__).parents[1]
TOP = [ROOT / "README.md", ROOT / "SECURITY.md"]
PAGES = {path.name: path for path in [*TOP, *sorted((ROOT / "docs").glob("*.md"))]}
TEXTS = {name: path.read_text("utf-8") for name, path in PAGES.items()}
SETTINGS = {field.name: field.default for field in fields(Config)}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")


def blocks(name, language):
    return [body for kind, body in FENCE.findall(TEXTS[name]) if kind == language]


def inline(name):
    return INLINE.findall(FENCE.sub("", TEXTS[name]))


def in_shell(name):
    """Every command of the fenced blocks, as words: variables before it and comments left out."""
    lines = "".join(blocks(name, "sh")).replace("\\\n", " ").splitlines()
    for line in lines:
        words = shlex.split(re.sub(r"^(\w+=\S+ )+", "", line), comments=True)
        if words:
            yield [words[0].removeprefix(".venv/bin/"), *words[1:]]


SHELL = [(name, words) for name in PAGES for words in in_shell(name)]
SPOKEN = [
    (name, words)
    for name in PAGES
    for code in inline(name)
    if (words := re.sub(r"\[.*?\]|\"[^\"]*\"", "", code).removeprefix(".venv/bin/").split())
]


@pytest.mark.parametrize("words", [w for _, w in SHELL if w[0] == "visavis"], ids=" ".join)
def test_a_command_in_a_block_parses(words):
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            _parser().parse_args(words[1:])
    except SystemExit:
        pytest.fail(complaint.getvalue())


@pytest.mark.parametrize(
    "words", [w for _, w in SPOKEN if w[:1] == ["visavis"] and len(w) > 1], ids=" ".join
)
def test_a_command_in_the_text_exists(words):
    parser = _parser()
    for word in words[1:]:
        choices = next((a.choices for a in parser._actions if isinstance(a.choices, dict)), {})
        if word.startswith("-"):
            assert word in parser._option_string_actions
        elif choices:
            parser = choices[word]


def test_words_of_make_and_names_of_benchmarks_exist():
    targets = set(re.findall(r"^([\w-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page, words in SHELL + SPOKEN:
        if words[:1] == ["make"] and len(words) > 1:
            assert words[1] in targets, page
        if words[:3] == ["python", "-m", "bench"]:
            assert words[3] in MODULES, page


@pytest.mark.parametrize("page", PAGES)
def test_settings_that_are_named_exist(page):
    variables = {v.lower() for v in re.findall(r"VISAVIS_([A-Z_]+)", TEXTS[page])}
    assigned = {found[1] for code in inline(page) if (found := re.match(r"(\w+) = ", code))}
    in_files = {key for block in blocks(page, "toml") for key in tomllib.loads(block)}
    if page == "tools.md":  # of tools files, see tests/tools
        assigned, in_files = set(), set()
    assert (variables - {"config"}) | assigned | in_files <= SETTINGS.keys()


@pytest.mark.parametrize("name", SETTINGS)
def test_the_table_has_every_setting_with_its_default(name):
    default = f"`{SETTINGS[name]}`" if SETTINGS[name] != "" else "none"
    assert f"| `{name}` | {default} | " in TEXTS["using.md"]


def test_every_link_leads_somewhere():
    for page, path in PAGES.items():
        for link in re.findall(r"\]\(([^)\s]+)\)", TEXTS[page]):
            if "://" in link:
                continue
            target, _, anchor = link.partition("#")
            found = (path.parent / target) if target else path
            assert found.exists(), f"{page}: {link}"
            if anchor:
                assert anchor in headings(found.read_text("utf-8")), f"{page}: {link}"


def headings(text):
    """Anchors as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_named_exist(page):
    named = re.compile(r"(server|engines|models|client|bench|deploy|docs)/[\w/.-]+\.\w+")
    named_files = [code for code in inline(page) if named.fullmatch(code)]
    assert not [name for name in named_files if not (ROOT / name).exists()]


def test_the_api_page_has_every_route_and_no_other(tmp_path):
    named = set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`?]*)`", TEXTS["api.md"]))
    assert named == set(routes(tmp_path))


CODE = re.compile(r"[a-z]+(-[a-z]+)*")


def codes():
    """Those that the code gives to problems and failures as plain text, with their files."""
    kinds = {name for name, kind in vars(errors).items() if isinstance(kind, type)} | {"Failure"}
    for path in (ROOT / "server").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in kinds:
                values = [*node.args, *(keyword.value for keyword in node.keywords)]
                texts = [v.value for v in values if isinstance(v, ast.Constant)]
                yield from ((t, path.name) for t in texts if CODE.fullmatch(str(t)))


def test_the_api_page_has_every_code():
    found = set(codes())
    assert {"body-timeout", "ends-soon", "session-over"} <= {code for code, _ in found}
    assert sorted(each for each in found if f"`{each[0]}`" not in TEXTS["api.md"]) == []


def test_the_readme_is_short():
    assert len(TEXTS["README.md"].splitlines()) <= 80


def test_every_metric_is_explained_and_no_other():
    """In the table; a name in an alarm may be one of its samples."""
    text = TEXTS["operating.md"]
    made = {family.name for family in Metrics().registry.collect()}
    suffixes = "_total|_bucket|_count|_sum"
    explained = {
        re.sub(f"({suffixes})$", "", n) for n in re.findall(r"^\| `(visavis_\w+)", text, re.M)
    }
    named = {re.sub(f"({suffixes})$", "", name) for name in re.findall(r"\bvisavis_\w+", text)}
    assert explained == made
    assert named <= made


def test_modules_that_texts_and_sources_say_how_to_run_are_there():
    """`python -m bench.face.truth` and the like, in every page and docstring."""
    folders = ("bench", "models", "server", "engines", "deploy", "docs")
    paths = [*ROOT.glob("*.md"), *(p for f in folders for p in (ROOT / f).rglob("*.[mp][dy]"))]
    said = {
        (path.relative_to(ROOT), name)
        for path in paths
        if "node_modules" not in path.parts
        for name in re.findall(
            r"python[\d.]* -m ((?:bench|models\.tools)\.[a-z_.]*[a-z_])", path.read_text("utf-8")
        )
    }
    assert len(said) > 20
    there = [ROOT.joinpath(*name.split(".")) for _, name in said]
    assert not [
        each
        for each, at in zip(said, there, strict=True)
        if not at.with_suffix(".py").is_file() and not (at / "__main__.py").is_file()
    ]
