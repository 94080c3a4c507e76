"""The report of an avatar: a good one passes, a spoiled one is found out and told what to do."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import rig_by_hand

from visavis.engines.motion.expressions import MOUTHS, expressions
from visavis.models import arkit
from visavis.models.avatar.file import SHIPPED, load_avatar
from visavis.models.errors import AvatarError
from visavis.models.quality import contact_sheet
from visavis.models.quality import measure as quality
from visavis.server.cli import main
from visavis.server.commands import examining


def unheard(_what, _share):
    """No progress wanted."""


@pytest.fixture(scope="module")
def mira():
    return load_avatar(SHIPPED / "mira.avatar")


def still(avatar, *units):
    """The same avatar, deaf to these units."""
    rows = [i for i, name in enumerate(arkit.NAMES) if name.startswith(units)]

    def calm(grid):
        shifts = grid.shifts.copy()
        shifts[rows] = 0
        return replace(grid, shifts=shifts)

    patches = {
        name: replace(
            patch,
            upper=calm(patch.upper),
            lower=calm(patch.lower),
            sprites=tuple(replace(s, grid=calm(s.grid)) for s in patch.sprites),
        )
        for name, patch in avatar.patches.items()
    }
    return replace(avatar, base=calm(avatar.base), patches=patches)


def levels(report):
    return {finding.key: finding.level for finding in report.findings}


def test_a_shipped_persona_has_nothing_bad(mira):
    seen = []
    report = examining.examine(mira, lambda what, share: seen.append((what, share)))
    assert report.worst != "bad", [f for f in report.findings if f.level == "bad"]
    found = levels(report)
    for key in ("photo", "sharpness", "fit", "lips", "blink", "jaw", "gaze", "holes"):
        assert found[key] == "pass", report
    shares = [share for _, share in seen]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)


@pytest.fixture
def short_sweep(monkeypatch):
    """For tests that are not about holes: they take two thirds of a report's time."""
    monkeypatch.setattr(quality, "SWEEP", 10)


def test_what_does_not_move_is_found_out(mira, short_sweep):
    report = examining.examine(still(mira, "eyeBlink", "jawOpen", "eyeLook"), unheard)
    found = levels(report)
    assert {found[key] for key in ("blink", "jaw", "gaze")} == {"bad"}
    assert report.worst == "bad"
    for finding in report.findings:
        assert bool(finding.advice) == (finding.level != "pass"), finding


def test_a_picture_without_a_face_is_told_so():
    report = examining.examine(rig_by_hand.avatar(), unheard)
    assert levels(report)["face"] == "bad"
    assert "Make the avatar again" in " ".join(examining.in_words(report))


def test_warnings_of_the_making_are_repeated():
    drawn = rig_by_hand.avatar()
    warned = replace(drawn, card=replace(drawn.card, warnings=("The face is very dark.",)))
    report = examining.examine(warned, unheard)
    assert [f.figure for f in report.findings if f.key == "warning"] == ["The face is very dark."]


@pytest.mark.parametrize(
    ("value", "good", "bearable", "level"),
    [
        (0.98, 0.97, 0.9, "pass"),
        (0.93, 0.97, 0.9, "weak"),
        (0.5, 0.97, 0.9, "bad"),
        (0, 0, 20, "pass"),
        (3, 0, 20, "weak"),
        (21, 0, 20, "bad"),
        (float("nan"), 0.97, 0.9, "bad"),
    ],
)
def test_a_figure_is_graded_either_way_round(value, good, bearable, level):
    finding = quality._graded("k", "t", value, good, bearable, "figure", "advice")
    assert (finding.level, finding.advice) == (level, "" if level == "pass" else "advice")


def test_the_sheet_has_every_expression_and_all_can_be_drawn():
    faces = expressions()
    assert len(faces) == 29
    assert set(MOUTHS) < set(faces)
    for state in faces.values():
        assert state.coefficients.shape == (arkit.COUNT,)
        assert 0 <= state.coefficients.min() <= state.coefficients.max() <= 1
    closed = faces["PP"].coefficients
    assert closed[arkit.INDEX["mouthClose"]] == pytest.approx(closed[arkit.INDEX["jawOpen"]])
    assert faces["aa"].coefficients[arkit.INDEX["jawOpen"]] > 0.3


def test_a_sheet_puts_pictures_in_rows(tmp_path):
    pictures = {str(i): np.full((64, 64, 3), 8 * i, np.uint8) for i in range(8)}
    drawn = contact_sheet.sheet(pictures, columns=3, tile=50)
    assert drawn.width == 3 * 56 + 6
    assert drawn.height == 3 * 74 + 6
    assert drawn.getpixel((6 + 56 + 25, 6 + 74 + 25)) == (32, 32, 32)  # the fifth
    contact_sheet.save(drawn, tmp_path / "a.webp")
    with Image.open(tmp_path / "a.webp") as written:
        assert written.size == drawn.size
    with pytest.raises(AvatarError, match=r"written as \.png"):
        contact_sheet.save(drawn, tmp_path / "a.gif")
    with pytest.raises(AvatarError, match="cannot be written"):
        contact_sheet.save(drawn, tmp_path / "no" / "a.png")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home" / "avatars"


def test_the_command_fails_for_a_bad_avatar(home, capsys):
    home.mkdir(parents=True)
    rig_by_hand.avatar("drawn").save(home / "drawn.avatar")
    assert main(["avatar", "check", "drawn"]) == 1
    out = capsys.readouterr().out
    assert "no face is recognised" in out
    assert "drawn: 1 bad" in out
    assert main(["avatar", "check", "drawn", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["name"], said["worst"]) == ("drawn", "bad")
    assert said["findings"][0]["level"] == "bad"


def test_the_command_writes_a_sheet(home, capsys, short_sweep):
    assert main(["avatar", "check", "tomas", "--sheet"]) == 0
    assert "tomas:" in capsys.readouterr().out
    sheet = Path("tomas-sheet.webp")
    with Image.open(sheet) as written:
        assert written.width > 1000
    assert sheet.stat().st_size < 400_000
