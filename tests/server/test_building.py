"""`visavis build`: what changed is made anew, and nothing else; `visavis import`."""

import errno
from pathlib import Path

import pytest

from visavis.server import cli
from visavis.server.commands import build
from visavis.server.studio.document.project import Scene
from visavis.server.studio.film.making import Made
from visavis.server.system.errors import ConfigError

SCRIPT = "# One\n\nHello there.\n\n# Two\n+++\nbeside = 'a.png'\n+++\n\nGood bye.\n"


class Maker:
    """In the place of who makes films: notes what it is asked for."""

    def __init__(self):
        self.asked = []
        self.fault = None

    def __call__(self, project, folder, formats, working, config):
        self.asked.append([scene.name for scene in project.scenes])
        working.tell(0.5, "half")
        if self.fault is not None:
            (working.folder / "kept").write_text("half of it")
            raise self.fault
        files = {each: f"film.{each}" for each in formats}
        for name in files.values():
            (working.folder / name).write_text(str(len(self.asked)))
        return Made(files, 1.5, ("a note",), drawn=1, found=3)


@pytest.fixture
def maker(monkeypatch, tmp_path):
    made = Maker()
    monkeypatch.setattr(build, "make", made)
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return made


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "Our Policy"
    folder.mkdir()
    (folder / "script.md").write_text(SCRIPT)
    (folder / "a.png").write_bytes(b"picture")
    return folder


def test_what_did_not_change_is_not_made_anew(maker, project, capsys):
    assert cli.main(["build", str(project), "--formats", "mp4,srt"]) == 0
    out = project / "out"
    assert sorted(path.name for path in out.iterdir()) == [
        ".made.json", "our-policy.mp4", "our-policy.srt",
    ]  # fmt: skip
    told = capsys.readouterr().out
    assert "note: a note" in told
    assert "75% of it was there" in told
    again = ["build", str(project), "--formats", "srt,mp4"]
    assert cli.main(again) == 0
    assert "nothing changed" in capsys.readouterr().out
    assert len(maker.asked) == 1
    (project / "script.md").write_text(SCRIPT.replace("Hello", "Hi"))
    assert cli.main(again) == 0
    assert "changed is one, of 2 scenes" in capsys.readouterr().out
    assert (out / "our-policy.mp4").read_text() == "2"
    (project / "a.png").write_bytes(b"another")
    assert cli.main(again) == 0
    assert "changed is two, of 2 scenes" in capsys.readouterr().out
    (out / "our-policy.srt").unlink()
    assert cli.main(again) == 0
    assert cli.main([*again, "--again"]) == 0
    assert len(maker.asked) == 5
    (project / "script.md").write_text("# Two\n\nGood bye.\n\n# One\n\nHi.\n")
    cli.main(again)
    (project / "script.md").write_text("# One\n\nHi.\n\n# Two\n\nGood bye.\n")
    assert cli.main(again) == 0
    assert maker.asked[-2:] == [["two", "one"], ["one", "two"]]


def test_a_changed_face_and_a_changed_setting_are_seen(maker, project, monkeypatch):
    cli.main(["build", str(project)])
    monkeypatch.setenv("VISAVIS_MARK", "off")
    cli.main(["build", str(project)])
    monkeypatch.setenv("VISAVIS_AVATAR", "tomas")
    cli.main(["build", str(project)])
    assert len(maker.asked) == 3


def test_a_voice_of_ones_own_that_was_made_anew_is_heard(maker):
    own = build.OwnVoices(build.avatars(build.settings.load({}))).file("annas")
    cast = build._cast(build.avatars(build.settings.load({})), "mira")
    scene = Scene("a", voice="annas")
    before = cast(scene)
    own.parent.mkdir(parents=True)
    own.write_bytes(b"a voice")
    again = build._cast(build.avatars(build.settings.load({})), "mira")
    assert again(scene) != before
    assert again(Scene("a", voice="heart")) == cast(Scene("a", voice="heart"))


def test_all_projects_below_a_folder_and_their_languages_are_made(maker, tmp_path, capsys):
    for name in ("a", "b/c", ".hidden"):
        folder = tmp_path / "lessons" / name
        folder.mkdir(parents=True)
        (folder / "script.md").write_text("Hello.\n")
    (tmp_path / "lessons/a/script.de.md").write_text(
        '+++\nlanguage = "de"\nvoice = "espeak-de"\n+++\nHallo.\n'
    )
    assert cli.main(["build", "lessons", "-o", "films"]) == 0
    made = sorted(path.name for path in Path("films").glob("*.mp4"))
    assert made == ["a.de.mp4", "a.mp4", "c.mp4"]
    assert cli.main(["build", "lessons/a/script.md"]) == 0
    (tmp_path / "a.txt").write_text("Hello.")
    assert cli.main(["build", "a.txt"]) == 2
    assert "visavis import a.txt" in capsys.readouterr().err
    assert cli.main(["build", "lessons/a", "--language", "fr"]) == 2
    assert "visavis translate" in capsys.readouterr().err
    assert cli.main(["build", str(tmp_path / "films")]) == 2
    assert "visavis import" in capsys.readouterr().err


def test_what_is_wrong_is_told_before_anything_is_made(maker, project, capsys):
    (project / "a.png").unlink()
    assert cli.main(["build", str(project)]) == 1
    told = capsys.readouterr().out
    assert "line 5, scene two: beside: there is no file a.png" in told
    assert maker.asked == []
    (project / "script.md").write_text("# a\n+++\nvoise = 'x'\n+++\n")
    assert cli.main(["build", str(project)]) == 2
    assert "line 3, scene a: voise is not known here" in capsys.readouterr().err
    (project / "script.md").write_bytes(b"caf\xe9")
    assert cli.main(["build", str(project)]) == 2
    assert cli.main(["build", str(project), "--formats", "avi"]) == 2


def test_check_makes_nothing(maker, project, capsys):
    assert cli.main(["build", str(project), "--check"]) == 0
    assert "about" in capsys.readouterr().out
    assert maker.asked == []
    assert not (project / "out").exists()


def test_a_full_disk_keeps_the_old_film_and_what_was_made_of_the_new_one(maker, project, capsys):
    cli.main(["build", str(project)])
    (project / "script.md").write_text("Hello.\n")
    maker.fault = OSError(errno.ENOSPC, "No space left on device")
    assert cli.main(["build", str(project)]) == 1
    assert "No space left" in capsys.readouterr().err
    assert (project / "out/our-policy.mp4").read_text() == "1"
    assert (project / "out/.making/our-policy/kept").read_text() == "half of it"
    maker.fault = None
    assert cli.main(["build", str(project)]) == 0
    assert (project / "out/our-policy.mp4").read_text() == "3"
    assert sorted(path.name for path in (project / "out").iterdir()) == [
        ".made.json",
        "our-policy.mp4",
    ]


def test_a_record_that_is_broken_counts_as_none(maker, project):
    cli.main(["build", str(project)])
    for told in (
        "{",
        '{"form": 1, "films": []}',
        '{"form": 1, "films": {"our-policy": {"files": 3}}}',
    ):
        (project / "out/.made.json").write_text(told)
        assert cli.main(["build", str(project)]) == 0
    assert len(maker.asked) == 4


def test_a_film_that_another_program_makes_is_left_to_it(project):
    working = build.building.working
    with (
        working(project, "x"),
        pytest.raises(ConfigError, match="another program"),
        working(project, "x"),
    ):
        pass


def test_import_makes_a_project_that_can_be_built(maker, tmp_path, capsys):
    slides = Path(__file__).parents[1] / "data" / "slides.pptx"
    (tmp_path / "My Talk.pptx").write_bytes(slides.read_bytes())
    assert cli.main(["import", "My Talk.pptx"]) == 0
    told = capsys.readouterr().out
    assert "slide 4 is hidden" in told
    assert "visavis build my-talk" in told
    assert sorted(path.name for path in (tmp_path / "my-talk").iterdir()) == [
        "script.md", "slide-1.png", "slide-2.png", "slide-3.png", "slide-5.png",
    ]  # fmt: skip
    assert cli.main(["import", "My Talk.pptx"]) == 2
    assert "--force" in capsys.readouterr().err
    (tmp_path / "a.txt").write_text("Hello.")
    assert cli.main(["import", "a.txt", "-o", "my-talk", "--force"]) == 0
    assert (tmp_path / "my-talk/script.md").read_text() == "Hello.\n"
    assert cli.main(["import", "none.txt"]) == 1
    (tmp_path / "a.ppt").write_bytes(b"x")
    assert cli.main(["import", "a.ppt"]) == 1
    assert "save it as .pptx" in capsys.readouterr().err
    assert cli.main(["build", "my-talk"]) == 0
