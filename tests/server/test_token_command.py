"""`visavis token`: secrets, visitors' tokens, and what one says."""

import io
import stat
import sys
import time

import pytest

from visavis.server.cli import main
from visavis.server.http import passes
from visavis.server.system import config_secrets

SECRET = "a secret of which tokens are made"


@pytest.fixture
def held(monkeypatch, tmp_path):
    """Settings with a secret, and a place for state."""
    for name in config_secrets.SECRETS:
        monkeypatch.delenv(f"VISAVIS_{name.upper()}", raising=False)
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VISAVIS_TOKEN", "the operator's token")
    monkeypatch.setenv("VISAVIS_TOKEN_SECRET", SECRET)
    return monkeypatch


def made(capsys, *options):
    assert main(["token", "--role", "visitor", *options]) == 0
    return capsys.readouterr().out.strip()


def test_a_visitors_token_is_made_and_explained(held, capsys, tmp_path):
    options = "--ttl 5m --avatar mira --avatar tomas --source dialogue --language de --length 90s"
    options += " --sessions 3 --origin https://a.example --subject anna --once"
    token = made(capsys, *options.split())
    noted = "".join(f.read_text() for f in tmp_path.rglob("home/audit/*") if f.is_file())
    assert "token-made" in noted
    assert not any(part in noted for part in (*token.split("."), SECRET, "anna"))
    held.setattr(sys, "stdin", io.StringIO(f"{token}\n"))
    assert main(["token", "--show", "-"]) == 0
    told = capsys.readouterr().out
    for word in (
        "anna", "mira, tomas", "dialogue", "de", "90 s", "at a time: 3", "https://a.example",
        "one session", "signed with token_secret",
    ):  # fmt: skip
        assert word in told, word
    assert SECRET not in told
    assert token not in told
    held.setenv("VISAVIS_TOKEN_SECRET", "n" * 40)
    assert main(["token", "--show", token]) == 1
    assert "token-forged" in capsys.readouterr().out
    held.setenv("VISAVIS_TOKEN_SECRET_OLD", SECRET)
    assert main(["token", "--show", token]) == 0
    assert "signed with token_secret_old" in capsys.readouterr().out


def test_it_lasts_ten_minutes_where_nothing_else_is_said(held, capsys):
    it = passes.read(made(capsys), [SECRET], now := time.time())
    assert 595 <= it.expires - now <= 601


def test_it_can_be_written_to_a_file_for_its_owner_alone(held, capsys, tmp_path):
    for role, setting in (("operator", "token_file"), ("staff", "staff_token_file")):
        file = tmp_path / role
        assert main(["token", "--role", role, "--file", str(file)]) == 0
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        told = capsys.readouterr().out
        assert f"set {setting} to it" in told
        assert file.read_text().strip() not in told
    file = tmp_path / "visitor"
    assert made(capsys, "--file", str(file)).startswith(str(file))
    assert passes.read(file.read_text().strip(), [SECRET], time.time())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--ttl 5m", "--role visitor"),
        ("--role staff --avatar mira", "--role visitor"),
        ("--role visitor --ttl 25h", "24 hours"),
        ("--role visitor --ttl soon", "90s, 10m"),
        ("--role visitor --length 0m", "90s, 10m"),
        ("--role visitor --length 2d", "length"),
        ("--role visitor --sessions 0", "sessions"),
    ],
)
def test_what_cannot_be_is_said_with_its_fix(held, capsys, options, said):
    assert main(["token", *options.split()]) == 2
    assert said in capsys.readouterr().err


def test_without_a_secret_it_says_how_to_make_one(held, capsys):
    held.delenv("VISAVIS_TOKEN_SECRET")
    for options in (["--role", "visitor"], ["--show", "e.e.e"]):
        assert main(["token", *options]) == 2
        assert "token_secret_file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "nonsense", ["", "x", "a.b.c", "ey" * 4000, "\x1b[2J.\x1b[2J.x", "e30.W10.x"]
)
def test_nonsense_is_shown_as_such(held, capsys, nonsense):
    assert main(["token", "--show", nonsense]) == 1
    told = capsys.readouterr().out
    assert "nothing that can be read" in told
    assert "token-forged" in told
    assert "\x1b" not in told
