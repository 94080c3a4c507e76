import io
import json
import tempfile

import numpy as np
import pytest
import soxr
from support.marked import OURS, film, long_wave, marked, speech

from visavis.engines.base import PLAY_RATE
from visavis.engines.marking.evidence import Found
from visavis.engines.marking.payload import Payload, SessionClass
from visavis.server import cli
from visavis.server.detection import detecting
from visavis.server.detection.detecting import Detection, Step, Undetectable
from visavis.server.detection.excerpts import Unreadable
from visavis.server.detection.looking import looked
from visavis.server.detection.report import NOTHING, Mark, Report


def told(content):
    """What the child would say of a file, without its steps."""
    said = list(looked(io.BytesIO(content) if isinstance(content, bytes) else content))
    assert all(0 < each["share"] <= 1 for each in said if "share" in each)
    return [each for each in said if "share" not in each]


def saved(tmp_path, content, name="film.mp4"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


def test_a_film_is_looked_at_in_a_child_that_is_shut_in(tmp_path):
    with saved(tmp_path, film()).open("rb") as file:
        *steps, report = Detection(file, OURS.installation).run()

    assert all(isinstance(step, Step) and 0 <= step.share <= 1 for step in steps)
    assert [(mark.where, mark.found.payload) for mark in report.marks] == [
        ("sound", OURS), ("picture", OURS),
    ]  # fmt: skip
    assert report.seconds == pytest.approx(8, abs=0.2)
    (words,) = report.words()
    made = "made by visavis: installation 3f2a1c (this one), day 2026-11-29, live session"
    assert words.startswith(f"{made}; picture 99.99")
    assert ", sound 99.99" in words


def test_a_film_without_marks_proves_nothing():
    said = told(film(mark=False))

    assert [each for each in said if "in" in each] == []
    assert list(Report().words()) == [NOTHING]


def test_a_film_that_ends_too_soon_is_looked_at_as_far_as_it_goes():
    whole = io.BytesIO()
    remuxed(film(), whole, "matroska")
    said = told(whole.getvalue()[: len(whole.getvalue()) * 9 // 10])

    assert {each["in"] for each in said if "in" in each} == {"picture", "sound"}


def remuxed(content, into, container):
    import av

    with av.open(io.BytesIO(content)) as source, av.open(into, "w", format=container) as file:
        streams = {s.index: file.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                file.mux(packet)


@pytest.mark.parametrize(
    "content",
    [b"", b"no film", bytes(4000), b"#EXTM3U\nfile:///etc/passwd\n",
     b"ffconcat version 1.0\nfile x\n", film()[:2000]],
    ids=["empty", "words", "zeros", "playlist", "concat", "head alone"],
)  # fmt: skip
def test_what_is_no_film_is_refused(content):
    with pytest.raises(Unreadable):
        told(content)


def test_one_picture_and_silence_are_looked_at():
    said = told(film(1, pictures=1))

    assert said[-1]["done"]["seen"] == 1
    with tempfile.TemporaryFile() as file:
        long_wave(file, 0.002, 0, np.zeros(0, np.int16))
        assert told(file) == [{"done": {"seconds": pytest.approx(7), "heard": 7.0, "seen": 0}}]


def test_of_three_hours_samples_are_heard():
    sound = soxr.resample(marked(speech()), PLAY_RATE, 16_000)
    with tempfile.TemporaryFile() as file:
        long_wave(file, 3, (3 * 3600 - 30) / 2, sound)
        first, last = told(file)

    assert first["says"] == [OURS.installation, OURS.day, OURS.session]
    assert last["done"]["heard"] == 90.0  # three samples of five: then there was something


def test_the_owner_believes_no_nonsense_of_its_child():
    good = {"in": "sound", "says": [5, 6, 1], "at": [0.5, -9.0]}
    bad = (
        {"at": [0.5, -2.0]}, {"at": [0.5, "x"]}, {"at": [2.0, -9.0]}, {"in": "smell"},
        {"says": [1 << 24, 6, 1]}, {"says": [5, 6, 9]}, {"says": None}, {"in": []},
    )  # fmt: skip

    assert [mark.where for mark in detecting._mark(good)] == ["sound"]
    for change in bad:
        assert list(detecting._mark(good | change)) == []
    assert detecting._reported({"seconds": "x", "heard": -1}, (), None) == Report()


def test_a_child_that_is_ended_says_so(tmp_path):
    with saved(tmp_path, film()).open("rb") as file:
        detection = Detection(file, None)
        detection.kill()
        with pytest.raises(Undetectable, match="to its end"):
            list(detection.run())


def test_a_report_names_everybody_who_is_in_it():
    other = Payload(0xABCDEF, 0, SessionClass.SPARE_6)
    found = [Found(OURS, 0.5, -7.9), Found(other, 0.5, -300.0), Found(OURS, 0.6, -6.0)]
    report = Report(
        (Mark("sound", found[0]), Mark("sound", found[1]), Mark("picture", found[2])), own=1
    )

    assert list(report.words()) == [
        "made by visavis: installation abcdef, day 2026-01-01, session; sound 99.999999 %",
        "made by visavis: installation 3f2a1c, day 2026-11-29, live session; "
        "picture 99.9999 %, sound 99.99999 %",
    ]
    ours = report.as_json()["made_by"][1]
    assert ours["session"] == "live"
    assert not ours["own"]
    assert [mark["in"] for mark in ours["marks"]] == ["picture", "sound"]


def test_the_command_tells_of_each_file_and_fails_for_one_it_cannot_read(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path / "home"))
    good, bad = saved(tmp_path, film()), saved(tmp_path, b"words", "bad.mp4")

    assert cli.main(["detect", str(good)]) == 0
    assert "film.mp4: made by visavis: installation 3f2a1c, day" in capsys.readouterr().out
    assert cli.main(["detect", "--json", str(bad), str(tmp_path / "none")]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [row["error"] for row in rows] == [
        "cannot be checked: it is no film and no sound file that can be read",
        "cannot be read: No such file or directory",
    ]
