"""A project performed into films: by the real voice and the real generator, as small as they go."""

import datetime
import errno
import json
import shutil
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from visavis.models.bake import landmarks
from visavis.server.jobs.job import Cancelled
from visavis.server.provenance import sdk
from visavis.server.services import stamp
from visavis.server.studio.film import groups
from visavis.server.studio.film.work import film
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError, Ended, NotFound, Unprocessable

# The first on a machine compiles all that is drawn with.
pytestmark = pytest.mark.timeout(300)

HEAD = '+++\nframe = "1:1 360p"\nsubtitles = true\n+++\n'
SCRIPT = HEAD + "# one\n[warmly] Good day. Here we are.\n# two\nBye.\n"


class Desk:
    """Working, in this process. told: what was told; at: of which word on nobody wants it."""

    def __init__(self, folder, config, at=None):
        self.folder, self.config, self.told, self._at = folder, config, [], at
        folder.mkdir(parents=True, exist_ok=True)

    def tell(self, done, note=""):
        self.told.append((done, note))
        if self._at is not None and done >= self._at:
            raise Cancelled


@pytest.fixture(scope="module")
def config(warm_home, tmp_path_factory):
    home = tmp_path_factory.mktemp("film-home")
    if (warm_home / "cache").is_dir():
        shutil.copytree(warm_home / "cache", home / "cache")
    return Config(home=str(home))


def made(folder, config, script=SCRIPT, formats=("mp4",), desk=None, **more):
    desk = desk or Desk(folder, config)
    asked = {"script": script, "folder": str(folder), "formats": list(formats), **more}
    return film(asked, desk)


@pytest.fixture(scope="module")
def first(config, tmp_path_factory):
    """A film in all that is not slow, and what was told of it."""
    folder = tmp_path_factory.mktemp("first")
    desk = Desk(folder, config)
    formats = ("mp4", "webm", "wav", "srt", "vtt", "txt")
    return folder, made(folder, config, formats=formats, desk=desk), desk.told


def pictures(path):
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="gray") for frame in file.decode(video=0)]


def test_a_script_becomes_files(first):
    folder, result, told = first
    assert set(result["files"]) == {"mp4", "webm", "webm.c2pa", "wav", "srt", "vtt", "txt"}
    assert sorted(result["files"].values()) == sorted(path.name for path in folder.iterdir())
    with av.open(str(folder / "film.mp4")) as file:
        video, sound = file.streams.video[0], file.streams.audio[0]
        assert (video.codec_context.name, sound.codec_context.name) == ("h264", "aac")
        assert (video.width, video.height) == (360, 360)
        assert video.frames == pytest.approx(25 * result["seconds"], abs=0.1)
        assert float(sound.duration * sound.time_base) == pytest.approx(result["seconds"], abs=0.1)
        assert video.codec_context.colorspace == 6, "BT.601 is told, else players take BT.709"
    assert "Good day." in (folder / "film.srt").read_text()
    assert (folder / "film.txt").read_text().count("\n\n") == 1
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] > 0.9
    assert result["notes"] == []


def test_it_is_signed_and_noted(first, config):
    folder, _, _ = first
    for name in ("film.mp4", "film.wav"):
        assert sdk.has_manifest(folder / name), name
    assert (folder / "film.c2pa").stat().st_size > 1000
    lines = [
        json.loads(line)
        for path in (Path(config.home) / "audit").glob("*")
        for line in path.read_text().splitlines()
    ]
    assert any(line.get("what") == "video-made" for line in lines)


def lip_gap(grey):
    """Of the face's height."""
    picture = np.repeat(grey[..., None], 3, 2)
    points = landmarks.find_landmarks(picture, landmarks.detect(picture)[0]).points
    gap = np.mean([points[low, 1] - points[up, 1] for up, low in landmarks.LIP_PAIRS])
    return gap / (points[152, 1] - points[10, 1])  # chin, forehead


def by_loudness(shown, sound):
    """Gaps between the lips in the five quietest and in the five loudest pictures."""
    loud = np.abs(sound[: len(shown) * 1920].astype(int).reshape(-1, 1920)).mean(1)
    order = np.argsort(loud, kind="stable")
    return [[lip_gap(shown[at]) for at in part] for part in (order[:5], order[-5:])]


def test_its_lips_are_open_while_it_sounds_and_subtitles_are_seen(first):
    folder, _, _ = first
    shown = np.stack(pictures(folder / "film.mp4"))
    with av.open(str(folder / "film.wav")) as file:
        sound = np.concatenate([f.to_ndarray()[0] for f in file.decode(audio=0)])
    quiet, sounding = by_loudness(shown, sound)
    assert np.mean(sounding) > np.mean(quiet) + 0.01
    low = shown[:, 300:350, 60:300]
    assert (low.max((1, 2)) > 200).mean() > 0.4, "white letters, while somebody speaks"


def test_a_recording_is_a_scene_s_sound_and_moves_its_lips(first, config, tmp_path):
    shutil.copy(first[0] / "film.wav", tmp_path / "own voice.wav")
    script = HEAD + "# x\n+++\nsound = 'own voice.wav'\nafter = 0\n+++\n"
    result = made(tmp_path, config, script, formats=("mp4", "wav", "srt"))
    assert result["seconds"] == pytest.approx(first[1]["seconds"], abs=1.2), "ends are trimmed"
    assert not (tmp_path / "film.srt").read_text().strip()
    shown = np.stack(pictures(tmp_path / "film.mp4"))
    with av.open(str(tmp_path / "film.wav")) as file:
        sound = np.concatenate([f.to_ndarray()[0] for f in file.decode(audio=0)])
    quiet, sounding = by_loudness(shown, sound)
    assert np.mean(sounding) > np.mean(quiet) + 0.005


def test_made_again_it_is_the_same_and_nothing_is_drawn(first, config, tmp_path):
    folder, result, _ = first
    again = made(tmp_path, config)
    assert (again["drawn"], again["seconds"]) == (0, result["seconds"])
    assert all(
        (a == b).all()
        for a, b in zip(pictures(folder / "film.mp4"), pictures(tmp_path / "film.mp4"), strict=True)
    )


def test_in_another_home_it_is_the_same_to_the_bit(first, config, tmp_path):
    folder, _, _ = first
    keys = Path(config.home) / "keys"
    shutil.copytree(keys, tmp_path / "home" / "keys")  # whose mark it is
    other = replace(config, home=str(tmp_path / "home"))
    result = made(tmp_path / "x", other)
    assert result["found"] == 0
    assert all(
        (a == b).all()
        for a, b in zip(
            pictures(folder / "film.mp4"), pictures(tmp_path / "x" / "film.mp4"), strict=True
        )
    )


def test_only_what_changed_is_drawn(first, config, tmp_path):
    _, result, _ = first
    script = SCRIPT.replace("Bye.", "Bye Ada.")
    other = made(tmp_path / "x", config, script)
    assert 0 < other["drawn"] < result["drawn"] / 2 / 2
    assert other["found"] > 0
    alone = made(tmp_path / "y", config, script, scenes=["one"])
    assert alone["drawn"] == 0
    assert alone["seconds"] < other["seconds"]


def test_pictures_keep_the_mark_of_their_day(first, config, tmp_path, monkeypatch):
    class Later(datetime.date):
        @classmethod
        def today(cls):
            return cls(2031, 5, 1)

    monkeypatch.setattr(stamp, "date", Later)
    assert made(tmp_path, config)["drawn"] == 0


def test_nobody_wants_it_any_more_and_it_goes_on_later(config, tmp_path):
    script = SCRIPT.replace("Bye.", "So long, and thank you. Be well.")
    with pytest.raises(Cancelled):
        made(tmp_path, config, script, desk=Desk(tmp_path, config, at=0.2))
    assert not (tmp_path / "film.mp4").exists()
    made(tmp_path, config, script)
    assert {path.name for path in tmp_path.iterdir()} == {"film.mp4"}


def test_it_is_told_and_left_while_a_scene_is_spoken(config, tmp_path):
    desk = Desk(tmp_path / "job", config, at=0.01)
    with pytest.raises(Cancelled):
        made(tmp_path, config, HEAD + "One of four. Two of four. Three of four. Four.", desk=desk)
    done, note = desk.told[-1]
    assert note == "speaking scene 1 of 1"
    assert done < 0.03, "of 0.06 that speech is"


def test_a_full_disk_loses_nothing(config, tmp_path, monkeypatch):
    script = SCRIPT.replace("Bye.", "Farewell. We had a good time.")
    write, written = groups.write, []

    def full(path, *more):
        if written:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        write(path, *more)

    monkeypatch.setattr(groups, "write", full)
    with pytest.raises(OSError, match="No space") as raised:
        made(tmp_path, config, script)
    assert raised.value.errno == errno.ENOSPC
    assert not (tmp_path / "film.mp4").exists()
    monkeypatch.undo()
    again = made(tmp_path, config, script)
    whole = made(tmp_path / "x", config, script)
    assert again["drawn"] < whole["found"], "what was whole was drawn once"
    assert (tmp_path / "film.mp4").exists()


def test_a_group_that_is_damaged_is_drawn_anew(first, config, tmp_path):
    for path in (Path(config.home) / "studio-cache" / "groups").glob("??/*"):
        path.write_bytes(path.read_bytes()[:-9])
    result = made(tmp_path, config)
    assert result["drawn"] > 0
    assert made(tmp_path / "x", config)["drawn"] == 0


def test_a_consent_that_is_over_ends_it(config, tmp_path, monkeypatch):
    script = SCRIPT.replace("Bye.", "This is never seen.")

    def over(self):
        raise Ended("It was taken back.", "consent-revoked")

    monkeypatch.setattr("visavis.server.avatars.leave.Leave.check", over)
    with pytest.raises(Ended):
        made(tmp_path, config, script)
    assert not (tmp_path / "film.mp4").exists()


@pytest.mark.parametrize(
    ("script", "more", "fault"),
    [
        (SCRIPT, {"formats": ["avi"]}, ConfigError),
        (SCRIPT, {"scenes": ["three"]}, Unprocessable),
        (HEAD + "# x\n+++\navatar = 'nobody'\n+++\nHi.", {}, NotFound),
        (HEAD + "# x\n+++\nvoice = 'nobody'\n+++\nHi.", {}, ConfigError),
        (HEAD + "# x\n+++\nsound = 'gone.wav'\n+++\n", {}, Unprocessable),
        (HEAD + "# x\n+++\nbackground = 'gone.png'\n+++\nHi.", {}, Unprocessable),
        (HEAD, {}, Unprocessable),
        (HEAD + "# x\n" + "Nobody listens to that any more. " * 12_000, {}, Unprocessable),
    ],
)
def test_what_cannot_be_made_is_told_in_words(script, more, fault, config, tmp_path):
    with pytest.raises(fault):
        made(tmp_path, config, script, **more)


def test_music_that_cannot_be_used_is_told_before_anything_is_made(config, tmp_path):
    (tmp_path / "noise.mp3").write_bytes(b"no music" * 100)
    desk = Desk(tmp_path / "job", config)
    with pytest.raises(Unprocessable, match=r"noise\.mp3"):
        made(tmp_path, config, "+++\nmusic = 'noise.mp3'\n+++\n# x\nHi.", desk=desk)
    assert not desk.told


def test_words_that_no_voice_can_say_and_places_that_nobody_filled_are_notes(config, tmp_path):
    desk = Desk(tmp_path / "job", config)
    film = made(
        tmp_path, config, "+++\nframe = '16:9 360p'\n+++\n# x {{y}}\n🎉🎉 😀", ("txt",), desk
    )
    assert any("nothing is said in the scene x" in note for note in film["notes"])
    assert any("would say and show {{y}}" in note for note in film["notes"])
