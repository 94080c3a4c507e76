"""apertium from Debian: what it is given, what comes back, and which pairs there are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from visavis.engines.base import EngineError
from visavis.engines.translation import apertium, keeping
from visavis.engines.translation.apertium import MODES, Apertium
from visavis.server.system.programs import Shut

REAL = pytest.mark.skipif(
    not (MODES / "eng-spa.mode").is_file(), reason="needs the Debian package apertium-eng-spa"
)


def never(command: Sequence[str], given: bytes) -> bytes:
    raise AssertionError(command)


def echoes(_command: Sequence[str], given: bytes) -> bytes:
    """A translator that changes nothing."""
    return given


@pytest.fixture
def modes(tmp_path: Path) -> Path:
    for name in (
        "eng-spa", "es-pt", "es-pt_BR", "eng-cat_valencia", "eng-cat", "eng-hbs_HR", "nob-dan",
        "en-eo-bytecode", "eng-cat_iec2017",
    ):  # fmt: skip
        (tmp_path / f"{name}.mode").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("source", "target", "mode"),
    [
        ("en", "es", "eng-spa"),
        ("en-GB", "es-MX", "eng-spa"),
        ("es", "pt", "es-pt"),
        ("es", "pt-BR", "es-pt_BR"),
        ("en", "ca", "eng-cat"),
        ("en", "ca-valencia", "eng-cat_valencia"),
        ("no", "da", "nob-dan"),
        ("en", "de", ""),
        ("es", "en", ""),
        ("en", "hr", ""),  # there is one, of no use
        ("en", "eo", ""),
    ],
)
def test_the_nearest_mode_of_a_pair_is_taken(
    modes: Path, source: str, target: str, mode: str
) -> None:
    ran: list[str] = []

    def run(command: Sequence[str], given: bytes) -> bytes:
        ran.append(Path(command[1]).stem)
        return given

    translator = Apertium(run, modes)
    assert translator.translates(source, target) == bool(mode)
    if mode:
        translator.translate(["Hello."], source, target)
        assert ran == [mode]


def test_a_pair_that_is_not_here_is_told_with_the_package() -> None:
    assert "apt-get install apertium-eng-spa" in apertium.missing("en", "es")
    assert "no such pair" in apertium.missing("en", "de")
    with pytest.raises(EngineError, match="apt-get install apertium-eng-cat"):
        Apertium(never, Path("/nowhere")).translate(["Hello."], "en", "ca")


def test_whatever_a_text_holds_comes_back_through_the_stream(modes: Path) -> None:
    odd = [r"a \ b [c] {d} ^e$ f/g @h <i> *j +k #l ~m", "", "Ünï ☃ 漢字", ".[][#1#]", "Xq1x"]
    assert Apertium(echoes, modes).translate(odd, "en", "es") == odd


def test_a_part_that_is_lost_is_an_error(modes: Path) -> None:
    with pytest.raises(EngineError, match="lost a part"):
        Apertium(lambda _command, given: given[:20], modes).translate(["One.", "Two."], "en", "es")
    with pytest.raises(EngineError, match="longer than"):
        Apertium(never, modes).translate(["x" * 20_001], "en", "es")


@REAL
def test_english_becomes_spanish_and_what_stays_stays() -> None:
    translator = Apertium(Shut())
    text = (
        "[confident] Hello {{first_name}}, and welcome to Acme Cloud! [pause 0.5] We open [smiles] "
        "at seven o'clock.\nWrite to help@acme.example."
    )
    (kept,) = keeping.translated(translator, [text], "en", "es", ["Acme Cloud"])
    assert kept.whole
    first, second = kept.text.split("\n")
    assert first.startswith(
        "[confident] Hola {{first_name}}, y bienvenido a Acme Cloud! [pause 0.5]"
    )
    assert "[smiles]" in first
    assert "siete" in first
    assert "help@acme.example" in second
    assert "escrib" in second.lower()


@REAL
def test_capitals_that_the_source_has_not_are_taken_out() -> None:
    translator = Apertium(Shut())
    texts = ["Thank you for your purchase, Anna!", "Hello and welcome to our hotel.", "I am Anna."]
    assert translator.translate(texts, "en", "es") == [
        "Gracias para vuestra compra, Anna!",
        "Hola y bienvenido a nuestro hotel.",
        "Soy Anna.",
    ]
