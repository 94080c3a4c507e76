"""What films are made of: words, clauses, faces, groups of pictures, and what is kept of them."""

import errno
import itertools
import os
from pathlib import Path

import av
import numpy as np
import pytest

from visavis.engines import fake
from visavis.engines.base import PLAIN, PLAY_RATE, Demeanour, Phoneme, Prosody, Speech, Word
from visavis.engines.direction.director import Director
from visavis.models.pictures.canvas import Canvas
from visavis.server.commands.keeping import expired
from visavis.server.studio.document import length
from visavis.server.studio.film import acting, groups, joining, keeping, recorded, wording
from visavis.server.studio.film.acting import FRAME, Piece, Sentence, Stance
from visavis.server.studio.film.groups import Still
from visavis.server.studio.film.joining import Shot
from visavis.server.studio.film.keeping import Kept
from visavis.server.studio.film.voicing import Voicing
from visavis.server.system.config import Config

DIRECTOR = Director()
SIZE = (64, 64)
REST = Demeanour()


# --- words ----------------------------------------------------------------------------------------


def worded(text, style=""):
    return wording.worded(text, style, "en", DIRECTOR)


def test_a_text_becomes_sentences_whose_directions_hold():
    found = worded("Hello you, dear. [delighted] Welcome. Sit down. [nods] Good.", "slow")
    said = [" ".join(clause.text for clause in sentence) for sentence in found.sentences]
    assert said == ["Hello you, dear.", "Welcome.", "Sit down.", "Good."]
    first, glad, still_glad, nodding = (sentence[-1] for sentence in found.sentences)
    assert first.demeanour.affect.valence == 0.0
    assert glad.demeanour == still_glad.demeanour == nodding.demeanour != first.demeanour
    assert nodding.movements == ("nod",)
    assert all(s[0].demeanour.prosody.speed < 1 for s in found.sentences[:1])


@pytest.mark.parametrize(
    ("wish", "seconds"),
    [
        ("pause", 0.5), ("pause 2", 2.0), ("Pause 0,75", 0.75), ("pause 300 ms", 0.3),
        ("pause 1.5s", 1.5), ("pause 999", length.LONGEST_PAUSE), ("pauses", None),
        ("pause a little", None), ("pause -1", None),
    ],
)  # fmt: skip
def test_a_pause_is_a_silence(wish, seconds):
    assert length.pause(wish) == seconds


def test_pauses_lie_behind_what_was_said():
    found = worded("[pause 1] One. [pause 2] Two [pause 0.5] more. [pause 3][pause 4]")
    after = [[clause.after for clause in sentence] for sentence in found.sentences]
    assert after == [[1.0, 2.0], [0.5, 7.0]]
    assert worded("[pause 2]").sentences[0][0].after == 2.0


def test_a_text_without_an_end_is_parted():
    found = worded(", ".join(["and so it goes on for ever"] * 60))
    assert len(found.sentences) > 3
    assert max(sum(len(c.text) for c in s) for s in found.sentences) < 400


def test_what_cannot_be_said_or_understood_is_told():
    found = worded("Hello Иван. [moonwalk] Bye.")
    assert (found.unsaid, found.dropped) == (["Иван."], ["moonwalk"])


# --- clauses --------------------------------------------------------------------------------------


def kept(tmp_path, limit=10**6):
    return Kept(tmp_path / "kept", limit)


def test_a_clause_is_spoken_once(tmp_path):
    store, tts = kept(tmp_path), fake.FakeTts()

    def voice(name="fake", edition=""):
        return Voicing(name, lambda: tts, store, {}, edition)

    first = voice()
    one = first.say("Hello you.", PLAIN)
    again = voice()
    two = again.say("Hello you.", PLAIN)
    assert (first.made, again.made, again.found) == (1, 0, 1)
    assert (one[0].pcm == two[0].pcm).all()
    assert (one[0].words, one[0].phonemes) == (two[0].words, two[0].phonemes)
    for other in (voice(edition="2"), voice("another")):
        other.say("Hello you.", PLAIN)
        assert other.made == 1
    again.say("Hello you.", Prosody(speed=1.1))
    again.say("Hello me.", PLAIN)
    assert again.made == 2


def test_a_damaged_clause_is_spoken_anew(tmp_path):
    store, tts = kept(tmp_path), fake.FakeTts()
    Voicing("fake", lambda: tts, store, {}).say("Hello you.", PLAIN)
    (file,) = (path for path in (tmp_path / "kept").glob("*/*"))
    file.write_bytes(file.read_bytes()[:-3])
    again = Voicing("fake", lambda: tts, store, {})
    again.say("Hello you.", PLAIN)
    assert again.made == 1


def test_words_are_spelled_for_the_voice_and_written_as_they_were(tmp_path):
    heard = []

    class Listening(fake.FakeTts):
        def synthesize(self, text, prosody=PLAIN):
            heard.append(text)
            return super().synthesize(text, prosody)

    spelled = {"Nguyen": "Win", "SQL": "sequel", "St. Ives": "Saint Ives by the sea"}
    voice = Voicing("fake", Listening, kept(tmp_path), spelled)
    pieces = voice.say("“Nguyen”, from st. ives: SQL!", PLAIN)
    assert heard == ["“Win”, from Saint Ives by the sea: sequel!"]
    words = [word for piece in pieces for word in piece.words]
    assert [word.text for word in words] == ["“Nguyen”,", "from", "st. ives:", "SQL!"]
    assert all(a.end <= b.start for a, b in itertools.pairwise(words))
    assert words[2].end - words[2].start > 3 * (words[1].end - words[1].start)


# --- faces ----------------------------------------------------------------------------------------


def speech(seconds=1.0, text="aha"):
    count = round(seconds * PLAY_RATE)
    half = count // 2
    sounds = (Phoneme("ˈɑ", 0, half), Phoneme("m", half, count))
    return Speech(np.full(count, 900, np.int16), sounds, (Word(text, 0, count),), "misaki")


def sentence(text="aha", seconds=1.0, begins=0, ends=0, before=0):
    piece = Piece(0, speech(seconds, text), REST)
    length = round((seconds + 0.4) * PLAY_RATE)
    return Sentence((piece,), length, Stance(REST, begins), Stance(REST, ends), before)


def vector(state):
    torso = state.pose if state.torso is None else state.torso
    level = [state.breath, state.hair]
    return np.concatenate([state.coefficients, state.pose / 10, state.gaze / 10, torso / 10, level])


def test_the_same_sentence_is_acted_the_same_way():
    one, two, other = (acting.states(sentence(t)) for t in ("aha", "aha", "oho"))
    assert all((vector(a) == vector(b)).all() for a, b in zip(one, two, strict=True))
    assert any((vector(a) != vector(b)).any() for a, b in zip(one, other, strict=True))


def test_sentences_join_without_a_jump():
    texts = [f"sentence {number}" for number in range(6)]
    stances = [acting.stance(text, REST).number for text in texts] + [0]
    made, joins = [], []
    for text, begins, ends in zip(texts, stances, stances[1:], strict=False):
        joins.append(len(made))
        made += acting.states(sentence(text, 1.3, begins, ends))
    steps = np.abs(np.diff([vector(state) for state in made], axis=0)).max(1)
    at_joins = [steps[join - 1] for join in joins[1:]]
    assert max(at_joins) < 0.03 < np.percentile(steps, 90)


def test_no_sentence_begins_with_a_blink():
    for number in range(25):
        made = acting.states(sentence(f"sentence {number}", 1.3))
        assert all(state.coefficients[acting._BLINK].max() < 0.5 for state in made[:8]), number


def test_a_sentence_is_as_long_as_its_sound_and_ends_shut():
    long = Sentence((Piece(0, speech(1.0), REST),), 0, Stance(REST, 0), Stance(REST, 0))
    assert long.pictures * FRAME >= PLAY_RATE + acting.LEAD * FRAME + 0.3 * PLAY_RATE
    plain = sentence(seconds=1.0)
    assert plain.pictures * FRAME == pytest.approx(1.4 * PLAY_RATE, abs=0.1 * PLAY_RATE)


# --- recordings -----------------------------------------------------------------------------------


def test_a_raised_voice_shows_and_a_usual_one_does_not():
    assert recorded.tempered(REST, 0.1) == REST
    raised = recorded.tempered(REST, 0.42)
    assert raised.affect.arousal == pytest.approx(0.4)
    assert recorded.tempered(raised, 0.9).affect.arousal == 1.0


# --- groups ---------------------------------------------------------------------------------------


def stills(seed, count=12, double=False):
    canvas = Canvas(*SIZE, is_double=double)
    noise = np.random.default_rng(seed)
    base = noise.integers(40, 200, canvas.shape, np.uint8) // 8 * 8
    for at in range(count):
        image = base.copy()
        image[: SIZE[1] // 2] = 16 + 10 * at % 200
        yield Still(image, canvas)


def decoded(path):
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="yuv420p") for frame in file.decode(video=0)]


@pytest.mark.parametrize(("coding", "name"), [("h264", "x.mp4"), ("vp9", "x.webm")])
def test_groups_are_joined_as_they_are(tmp_path, coding, name):
    for number in range(3):
        groups.write(tmp_path / f"{number}", stills(number), coding, SIZE)
    silence = [np.zeros(12 * FRAME, np.int16)]

    def film(name, *numbers):
        shots = [Shot(tmp_path / f"{number}", 12) for number in numbers]
        joining.join(tmp_path / name, coding, SIZE, shots, silence * len(numbers))
        return decoded(tmp_path / name)

    alone = [film(f"{number}-{name}", number) for number in range(3)]
    whole = film(name, 0, 1, 2, 1)
    expected = [*alone[0], *alone[1], *alone[2], *alone[1]]
    assert len(whole) == 48
    assert all((a == b).all() for a, b in zip(whole, expected, strict=True))
    with av.open(str(tmp_path / name)) as file:
        times = sorted(p.pts * p.time_base for p in file.demux(video=0) if p.pts is not None)
        assert np.allclose([float(t) for t in times], np.arange(48) / 25, atol=0.002)
        assert float(file.streams.audio[0].duration or 0) or float(file.duration) > 1.8e6


def test_the_same_pictures_are_the_same_bytes_and_damage_is_found(tmp_path):
    for name in ("a", "b"):
        groups.write(tmp_path / name, stills(1), "h264", SIZE)
    content = (tmp_path / "a").read_bytes()
    assert content == (tmp_path / "b").read_bytes()
    (tmp_path / "a").write_bytes(content[:-1])
    with pytest.raises(groups.DamagedError):
        groups.read(tmp_path / "a", "h264")


def test_opacity_goes_through_groups(tmp_path):
    groups.write(tmp_path / "g", stills(1, double=True), "vp9 with opacity", SIZE)
    joining.join(
        tmp_path / "x.webm", "vp9 with opacity", SIZE, [Shot(tmp_path / "g", 12)] * 2,
        [np.zeros(24 * FRAME, np.int16)],
    )  # fmt: skip
    with av.open(str(tmp_path / "x.webm")) as file:
        assert file.streams.video[0].metadata["alpha_mode"] == "1"
        packets = [p for p in file.demux(video=0) if p.pts is not None]
        assert len(packets) == 24
        assert all(p.has_sidedata("matroska_block_additional") for p in packets)


# --- what is kept ---------------------------------------------------------------------------------


def test_what_was_not_used_for_longest_goes_first(tmp_path):
    store = kept(tmp_path, 1000)
    for number in range(4):
        store.write(f"{number}{number}", bytes(200))
        os.utime(store._path(f"{number}{number}"), (number + 1, number + 1))
    assert store.read("00") == bytes(200)  # it was used now
    store.write("44", bytes(400))
    store.tidy()
    assert store.read("11") is store.read("22") is None
    assert store.read("00") == bytes(200)
    assert store.read("44") == bytes(400)


def test_a_file_in_use_stays_whatever_goes(tmp_path):
    store = kept(tmp_path, 100)
    made = tmp_path / "made"
    made.write_bytes(bytes(90))
    store.adopt("ab", made)
    made.unlink()
    assert store.link("ab", tmp_path / "mine")
    store.write("cd", bytes(90))
    store.tidy()
    assert (tmp_path / "mine").read_bytes() == bytes(90)
    assert not store.link("ef", tmp_path / "other")


def test_what_cannot_be_kept_is_not_missed(tmp_path, monkeypatch):
    def full(*_args, **_more):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(keeping, "whole", full)
    monkeypatch.setattr(keeping.os, "link", full)
    store = kept(tmp_path)
    store.write("ab", b"x")
    made = Path(tmp_path / "made")
    made.write_bytes(b"y")
    store.adopt("cd", made)
    assert store.read("ab") is store.read("cd") is None


def test_what_no_film_has_used_for_long_is_deleted(tmp_path):
    store = Kept(tmp_path / keeping.FOLDER / "groups", 10**6)
    store.write("ab", b"old")
    store.write("cd", b"new")
    os.utime(store._path("ab"), (1, 1))
    gone = expired(Config(home=str(tmp_path), jobs_days=30))
    assert gone["studio-cache"].count == 1
    assert (store.read("ab"), store.read("cd")) == (None, b"new")
    assert store._path("cd").stat().st_mode & 0o077 == 0, "nobody else reads what was written"


@pytest.mark.parametrize("wish", ["pause", "pause 0,75", "pause 300 ms", "pause 999"])
def test_a_pause_that_is_made_is_reckoned_alike(wish):
    around = length.of_text("Hello there.")
    assert length.of_text(f"Hello [{wish}] there.") == pytest.approx(
        around + length.pause(wish), abs=0.2
    )
