"""What a process's marks say, and that they are in its pictures unless the operator says no."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from visavis.engines.marking.finding import find
from visavis.engines.marking.payload import Payload, SessionClass
from visavis.models.pictures.canvas import Canvas
from visavis.server.cli import main
from visavis.server.services.configured import finishes, stamp
from visavis.server.services.stamp import NAMELESS, Stamp, session_class
from visavis.server.system.config_reading import load
from visavis.server.system.installation import Installation

SIZE = 256


def test_it_names_the_installation_and_the_day(tmp_path: Path) -> None:
    made = Stamp.of(tmp_path, SessionClass.CAMERA).payload()
    assert made.installation == Installation.of(tmp_path).number
    assert made.session is SessionClass.CAMERA
    assert abs((made.date - date.today()).days) <= 1


def test_without_a_home_it_is_nameless(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    made = Stamp.of(tmp_path / "file", SessionClass.LIVE)
    assert made.installation == NAMELESS
    assert "marks name no installation" in caplog.text


def test_doors_have_their_kind_of_session() -> None:
    assert session_class("camera") is SessionClass.CAMERA
    assert session_class("page") is SessionClass.LIVE


def test_the_pictures_of_a_session_have_label_and_mark(tmp_path: Path) -> None:
    config = load({"home": str(tmp_path)})
    said = stamp(config, SessionClass.VIDEO)
    assert said is not None
    finishing = finishes(config, said).of(Canvas(SIZE, SIZE))
    drawn = np.full((SIZE * 3 // 2, SIZE), 100, np.uint8)
    found = find([finishing.of(drawn, 0)[:SIZE]], 3.5, 4.5)
    assert found is not None
    assert found.payload == Payload.of(
        Installation.of(tmp_path).number, said.payload().date, SessionClass.VIDEO
    )


def test_an_operator_may_leave_it_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = load({"home": str(tmp_path), "mark": "off", "disclosure": "off",
                   "disclosure_reason": "a test"})  # fmt: skip
    assert stamp(config, SessionClass.LIVE) is None
    drawn = np.full((SIZE * 3 // 2, SIZE), 100, np.uint8)
    assert finishes(config, None).of(Canvas(SIZE, SIZE)).of(drawn, 0) is drawn
    monkeypatch.setenv("VISAVIS_MARK", "off")
    main(["doctor"])
    assert "Mark: off" in capsys.readouterr().out


def test_doctor_tells_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path))
    name = Installation.of(tmp_path).name
    main(["doctor"])
    assert (
        f"Mark: in all pictures and sound, not seen and not heard: {name}"
        in capsys.readouterr().out
    )
