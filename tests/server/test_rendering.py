"""A session performed into a file, in time that does not wait."""

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from visavis.engines import fake
from visavis.engines.base import PLAY_RATE, EngineError
from visavis.engines.direction.director import Director
from visavis.server.commands.rendering import LEAD_IN, render
from visavis.server.playout.messages import FRAME, to_ms
from visavis.server.recording.files import Playback, Script, read_sound
from visavis.server.recording.recorder import FINE, LIVE, Recorder, _File
from visavis.server.services.offline import offline_engines
from visavis.server.services.wordless import Mute
from visavis.server.session.showing import EARLY


class Film:
    """A text or a sound, performed by fakes into a file."""

    def __init__(self, path, inlet, generator=None, tts=None, lips=None, trace=None):
        self.path, self.motion = path, fake.FakeMotion()
        self.tts = tts or fake.FakeTts()
        self.recorder = Recorder(path, trace=trace)
        self._generator, self._lips, self._inlet = generator or fake.FakeGenerator(), lips, inlet

    def make(self):
        engines = offline_engines(self._generator.one, Director(), self.tts, self._lips)
        engines = replace(engines, motion=self.motion)
        self.notes = render(engines, self._inlet, self.recorder)
        return self

    def at(self, name):
        return [at for told, at in self.motion.told if told == name]


def pictures(path):
    with av.open(str(path)) as video:
        return sum(1 for _ in video.decode(video=0))


def test_brackets_and_style_direct_a_film(tmp_path):
    text = "Hello you. [delighted] Welcome. [moonwalk] Sit. [nods]"
    film = Film(tmp_path / "x.mp4", Script(text, "slow", LEAD_IN)).make()
    starts = film.at("speak")
    assert starts[0] == LEAD_IN
    glad = next(at for at, affect, _ in film.motion.felt if affect.valence == 1.0)
    assert glad == pytest.approx(starts[1] - EARLY, abs=2)
    assert all(prosody.speed < 0.9 for _, prosody in film.tts.prosodies)
    end = starts[2] + fake.WORD
    assert film.at("nod") == [pytest.approx(end - EARLY, abs=2)]
    assert film.notes.dropped == ["moonwalk"]


def test_a_text_becomes_a_video_with_its_sound(tmp_path):
    with (tmp_path / "trace.jsonl").open("w") as trace:
        film = Film(tmp_path / "x.mp4", Script("one two three", begin=LEAD_IN), trace=trace).make()
    length = film.recorder.length
    assert pictures(film.path) == length // FRAME
    sound = read_sound(film.path)
    assert to_ms(abs(len(sound) - length)) < 50
    begins = LEAD_IN - film.recorder.began
    assert to_ms(begins) == 400
    assert np.abs(sound[: begins - FRAME]).max() < 300
    assert np.abs(sound[begins + 4800 : begins + 9600]).max() > 3000
    lines = [json.loads(line) for line in (tmp_path / "trace.jsonl").read_text().splitlines()]
    assert len(lines) == length // FRAME
    assert lines[25]["t"] == 1.0
    assert len(lines[0]["coefficients"]) == 52


def test_two_films_of_a_text_are_the_same(tmp_path):
    for name in ("a", "b"):
        Film(tmp_path / f"{name}.mp4", Script("one two three. four five.")).make()
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_a_generator_that_fails_ends_the_rendering(tmp_path):
    generator = fake.FakeGenerator()
    film = Film(tmp_path / "x.mp4", Script("one two three"), generator=generator)
    film.tts.synthesize = breaking(generator, film.tts.synthesize)
    with pytest.raises(EngineError, match="could not be drawn"):
        film.make()


def breaking(generator, synthesize):
    def spoken(text, prosody):
        generator.broken = True
        return synthesize(text, prosody)

    return spoken


def test_a_voice_that_fails_ends_the_rendering(tmp_path):
    with pytest.raises(EngineError, match="could not be made"):
        Film(tmp_path / "x.mp4", Script("fail")).make()


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "taken").write_text("a file, no folder")
    with pytest.raises(OSError, match=r"x\.mp4 cannot be written"):
        Film(tmp_path / "taken" / "x.mp4", Script("one")).make()


def test_the_file_is_what_its_name_says(tmp_path):
    film = Film(tmp_path / "x.mkv", Script("one")).make()
    with av.open(str(film.path)) as video:
        assert "matroska" in video.format.name
    assert pictures(film.path) == film.recorder.length // FRAME


def test_a_colon_in_a_name_is_no_protocol(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Film(Path("take: 1.mp4"), Script("one")).make()
    assert (tmp_path / "take: 1.mp4").stat().st_size


def test_a_recording_becomes_a_film(tmp_path):
    tone = (8000 * np.sin(np.arange(PLAY_RATE) / 20)).astype(np.int16)
    sound = Playback(tone, "happy")
    film = Film(tmp_path / "x.mp4", sound, tts=Mute(), lips=fake.FakeLips()).make()
    sound = np.abs(read_sound(film.path))
    assert to_ms(np.count_nonzero(sound > 3000)) > 500
    assert len(sound) > len(tone)
    assert film.motion.felt[-1][1].valence > 0.5


@pytest.mark.parametrize("name", ["film.mp4", "film.webm"])
@pytest.mark.parametrize("quality", [LIVE, FINE])
def test_a_disk_that_is_full_from_the_start_ends_the_file_and_not_the_process(
    tmp_path, name, quality
):
    """FFmpeg's muxer whose header could not be written crashes by the next packet."""
    (tmp_path / name).symlink_to("/dev/full")
    file = _File(tmp_path / name, np.zeros((384, 256), np.uint8), quality, private=False)
    picture, sound = np.zeros((384, 256), np.uint8), np.zeros(FRAME, np.int16)

    def all_of_it():  # as jobs that were begun before the first one was seen to fail
        file.open()
        for _ in range(30):
            file.write(picture, sound)

    with pytest.raises(OSError, match="No space left"):
        all_of_it()
        file.close()
    with suppress(AssertionError, OSError):
        file.write(picture, sound)
    with suppress(OSError):
        file.close()
