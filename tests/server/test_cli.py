import io
import json
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from visavis.server.cli import main
from visavis.server.system.config import Config
from visavis.server.system.config_secrets import SECRETS


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    for command in ("serve", "say", "avatar", "models", "voices", "doctor", "token"):
        assert command in text


def test_serve_explains_every_setting_the_usual_ones_first(capsys):
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    said = capsys.readouterr().out
    assert "--max-sessions" in said
    assert 0 < said.index("--port") < said.index("--jobs")


def test_what_is_wrong_with_an_option_is_not_below_a_page_of_usage(capsys):
    with pytest.raises(SystemExit):
        main(["serve", "--port", "abc"])
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert "--port" in said[1]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["serve", "--host", "0.0.0.0"], 2, "set a token"),
        (["serve", "--config", "absent.toml"], 2, "no such file"),
        (["say", " ", "-o", "x.mp4"], 2, "nothing to say"),
        (["say", "你好 😀", "-o", "x.mp4"], 2, "nothing-to-say"),
        (["say", "hello", "--avatar", "nobody", "-o", "x.mp4"], 1, "There is no avatar 'nobody'"),
        (["say", "hello", "-o", "video"], 2, "ends with .mp4"),
        (["say", "hello", "-o", "video.webm"], 2, "ends with .mp4"),
        (["avatar", "show", "nobody"], 1, "There is no avatar"),
        (["avatar", "check", "nobody"], 1, "There is no avatar"),
        (["avatar", "create", "no.jpg", "--name", "x", "--consent", "yes"], 1, "no.jpg"),
        (["models", "pull", "nothing"], 1, "no model is called"),
    ],
)
def test_a_mistake_is_named_with_the_right_status(arguments, status, words, capsys):
    assert main(arguments) == status
    assert words in capsys.readouterr().err


def test_a_broken_photo_makes_no_avatar(tmp_path, capsys):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"this is no picture")
    arguments = ["avatar", "create", str(photo), "--name", "anna", "--consent", "Anna agrees"]
    assert main(arguments) == 1
    assert "visavis:" in capsys.readouterr().err
    assert not list((tmp_path / "home").rglob("*.avatar"))


def test_piped_words_are_text(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff hello")))
    assert main(["say", "-", "-o", "x.mp4"]) == 2
    assert "not UTF-8" in capsys.readouterr().err


def test_an_avatar_needs_a_consent(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["avatar", "create", "photo.jpg", "--name", "anna"])
    assert stopped.value.code == 2
    assert "--consent" in capsys.readouterr().err


def test_tokens_are_long_and_differ(capsys):
    assert main(["token"]) == 0
    assert main(["token"]) == 0
    first, second = capsys.readouterr().out.split()
    assert first != second
    assert len(first) >= 24


def test_a_token_goes_into_a_file_for_its_owner_alone(tmp_path, capsys):
    file = tmp_path / "token"
    assert main(["token", "--file", str(file)]) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(file.read_text().strip()) >= 24
    assert file.read_text().strip() not in capsys.readouterr().out
    before = file.read_text()
    assert main(["token", "--file", str(file)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert file.read_text() == before


def test_a_token_is_no_option(capsys):
    for command in (["serve", "--token", "secret"], ["serve", "--token=secret"]):
        assert main(command) == 2
        said = capsys.readouterr().err
        assert "visavis token --file" in said
        assert "secret" not in said
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    said = capsys.readouterr().out
    assert "--token-file" in said
    assert "--token TOKEN" not in said


def test_a_relay_account_is_no_option(capsys):
    assert main(["serve", "--ice-servers", "stun:a:1 turn:name:secret@host:3478"]) == 2
    said = capsys.readouterr().err
    assert "VISAVIS_ICE_SERVERS" in said
    assert "secret" not in said


def test_doctor_names_secrets_that_others_may_read(tmp_path, capsys, monkeypatch):
    settings = tmp_path / "visavis.toml"
    settings.write_text('token = "short"\nice_servers = "turn:name:hidden@host:3478"\n')
    settings.chmod(0o644)
    main(["doctor"])
    said = capsys.readouterr().out
    assert "visavis.toml holds the token" in said
    assert "visavis.toml holds the account of a relay" in said
    assert "5 characters" in said
    assert "hidden" not in said
    settings.chmod(0o600)
    main(["doctor"])
    assert "chmod" not in capsys.readouterr().out


def test_lists_are_json_for_scripts(capsys):
    assert main(["voices", "--json"]) == 0
    assert {"heart", "joe", "espeak-de"} <= {
        voice["name"] for voice in json.loads(capsys.readouterr().out)
    }
    assert main(["avatar", "list", "--json"]) == 0
    assert "mira" in {avatar["name"] for avatar in json.loads(capsys.readouterr().out)}


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_doctor_tells_nobody_a_secret(capsys, monkeypatch, form):
    for name in SECRETS:
        monkeypatch.setenv(f"VISAVIS_{name.upper()}", f"Xyzzy-{name}-0123456789-0123456789")
    monkeypatch.setenv("VISAVIS_TURN_SERVERS", "turn:relay.example.org")
    main(["doctor", *form])
    told = capsys.readouterr().out
    assert "Xyzzy" not in told
    assert told.count("set") >= len(SECRETS)


def test_doctor_names_a_faulty_line_of_the_knowledge(tmp_path, capsys, monkeypatch):
    faulty = tmp_path / "faq.md"
    faulty.write_text("# Hotel\n\n### lonely\nhours: Moon\n- Alone [?\n")
    monkeypatch.setenv("VISAVIS_KNOWLEDGE", str(faulty))
    assert main(["doctor"]) == 1
    told = capsys.readouterr().out
    assert all(f"missing: faq.md:{line}: " in told for line in (3, 4, 5))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "everybody at this machine"),
        ({"VISAVIS_TOKEN": "secret"}, "everybody who has the token"),
        ({"VISAVIS_CREATE_AVATARS": "off"}, "nobody"),
    ],
)
def test_doctor_says_who_can_make_avatars(capsys, monkeypatch, settings, words):
    for key, value in settings.items():
        monkeypatch.setenv(key, value)
    main(["doctor"])
    assert f"New avatars from the page: {words}" in capsys.readouterr().out


def test_doctor_sets_every_value_apart_from_its_name(capsys):
    main(["doctor"])
    shown = capsys.readouterr().out.splitlines()
    names = [setting.name for setting in fields(Config)]
    rows = [re.match(r"(\S+) +", line) for line in shown[: len(names)]]
    assert [row[0].rstrip() for row in rows] == names
    assert len({row.end() for row in rows}) == 1  # a column


def test_doctor_names_a_bracket_that_nobody_understands(tmp_path, warm_home, capsys, monkeypatch):
    monkeypatch.setenv("VISAVIS_HOME", str(warm_home))
    odd = tmp_path / "faq.md"
    odd.write_text(
        "# Inn\n\n## all\n\n### bar\n- Is there a bar?\n\n[smiles] Yes. [moonwalk] Up.\n"
    )
    monkeypatch.setenv("VISAVIS_KNOWLEDGE", str(odd))
    assert main(["doctor"]) == 1
    assert "missing: faq.md:8: a direction for [moonwalk]" in capsys.readouterr().out
    odd.write_text(odd.read_text().replace("moonwalk", "keep your cool"))
    main(["doctor"])
    assert "direction" not in capsys.readouterr().out


def test_the_grammar_of_the_command_line_loads_no_heavy_library():
    program = "import sys, visavis.server.cli; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & {"numpy", "av", "aiohttp", "aiortc", "onnxruntime", "numba", "cv2", "PIL"}


def test_an_avatar_that_is_not_there_is_named_with_where_to_look(capsys):
    for command in (
        ["avatar", "show", "nobody"],
        ["say", "hi", "--avatar", "nobody", "-o", "x.mp4"],
    ):
        assert main(command) == 1
        said = capsys.readouterr().err
        assert "There is no avatar 'nobody'" in said
        assert "visavis avatar list" in said


def test_a_file_name_of_any_bytes_is_shown(tmp_path):
    folder = tmp_path / "home" / "avatars"
    folder.mkdir(parents=True)
    Path(os.fsdecode(os.fsencode(folder) + b"/zo\xe9.avatar")).touch()
    commands = [["avatar", "list"], ["avatar", "list", "--json"], ["doctor"]]
    program = "from visavis.server.cli import main\n"
    program += f"for command in {commands}: main(command), print(end=chr(12))"
    variables = os.environ | {"PYTHONIOENCODING": "utf-8:strict"}
    call = [sys.executable, "-c", program]
    done = subprocess.run(call, env=variables, capture_output=True, check=True)
    *said, _ = done.stdout.split(b"\f")
    assert [b"zo\\udce9" in each for each in said] == [True] * len(commands)
    assert done.stderr == b""  # no bare message of a log
