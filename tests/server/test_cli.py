import json

import av
import numpy as np
import pytest

from visavis.engines import fake
from visavis.engines.base import PLAY_RATE, EngineError
from visavis.server.cli import main
from visavis.server.commands import offline


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


def test_serve_explains_every_setting(capsys):
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    assert "--max-sessions" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["serve", "--host", "0.0.0.0"], 2, "set a token"),
        (["serve", "--config", "absent.toml"], 2, "no such file"),
        (["say", " ", "-o", "x.mp4"], 2, "nothing to say"),
        (["say", "hello", "--avatar", "nobody", "-o", "x.mp4"], 1, "There is no avatar 'nobody'"),
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


def test_lists_are_json_for_scripts(capsys):
    assert main(["voices", "--json"]) == 0
    assert {"heart", "joe"} == {voice["name"] for voice in json.loads(capsys.readouterr().out)}
    assert main(["avatar", "list", "--json"]) == 0
    assert "mira" in {avatar["name"] for avatar in json.loads(capsys.readouterr().out)}


def test_doctor_names_a_faulty_line_of_the_knowledge(tmp_path, capsys, monkeypatch):
    faulty = tmp_path / "faq.md"
    faulty.write_text("# Hotel\n\n### lonely\n")
    monkeypatch.setenv("VISAVIS_KNOWLEDGE", str(faulty))
    assert main(["doctor"]) == 1
    assert "faq.md:" in capsys.readouterr().out


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


def test_doctor_names_a_bracket_that_nobody_understands(tmp_path, warm_home, capsys, monkeypatch):
    monkeypatch.setenv("VISAVIS_HOME", str(warm_home))
    odd = tmp_path / "faq.md"
    odd.write_text(
        "# Inn\n\n## all\n\n### bar\n- Is there a bar?\n\n[smiles] Yes. [moonwalk] Up.\n"
    )
    monkeypatch.setenv("VISAVIS_KNOWLEDGE", str(odd))
    assert main(["doctor"]) == 1
    assert "missing: a direction for [moonwalk]" in capsys.readouterr().out
    odd.write_text(odd.read_text().replace("moonwalk", "keep your cool"))
    main(["doctor"])
    assert "direction" not in capsys.readouterr().out


def test_brackets_and_style_direct_a_film():
    script = offline.speak(
        "Hello you. [delighted] Welcome. [moonwalk] Sit. [nods]", fake.FakeTts(), style="slow"
    )
    starts = [at for at, _ in script.pieces]
    assert [at for at, _ in script.moods] == [0, starts[1] - offline.EARLY]
    assert script.moods[1][1].affect.valence == 1.0
    assert all(mood.delivery.speed < 0.9 for _, mood in script.moods)
    end = starts[2] + len(script.pieces[2][1].pcm)
    assert script.movements == ((end - offline.EARLY, "nod"),)
    assert script.dropped == ("moonwalk",)


def test_a_text_becomes_a_video_with_its_sound(tmp_path):
    out = tmp_path / "said.mp4"
    script = offline.speak("one two three", fake.FakeTts())
    with (tmp_path / "trace.jsonl").open("w") as trace:
        offline.render(script, fake.FakeMotion(), fake.FakeRenderer(), out, trace)
    with av.open(str(out)) as video:
        pictures = sum(1 for _ in video.decode(video=0))
    with av.open(str(out)) as video:
        sound = np.concatenate([f.to_ndarray()[0] for f in video.decode(audio=0)])
    assert pictures == script.frames
    assert len(sound) / PLAY_RATE == pytest.approx(len(script.pcm) / PLAY_RATE, abs=0.05)
    assert np.abs(sound[offline.LEAD_IN + 4800 : offline.LEAD_IN + 9600]).max() > 0.1
    lines = [json.loads(line) for line in (tmp_path / "trace.jsonl").read_text().splitlines()]
    assert len(lines) == script.frames
    assert lines[25]["t"] == 1.0
    assert len(lines[0]["coefficients"]) == 52


def test_a_generator_that_fails_ends_the_rendering(tmp_path):
    renderer = fake.FakeRenderer()
    renderer.broken = True
    script = offline.speak("one two three", fake.FakeTts())
    with pytest.raises(EngineError, match="told to fail"):
        offline.render(script, fake.FakeMotion(), renderer, tmp_path / "x.mp4")
