"""Somebody reads a sentence into the camera: what is believed, and what is not.

The person in `presence.webm` is nobody: the one of `frontal.webp`, drawn and voiced by visavis
itself.
"""

import datetime
import io
import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from support.serving import problem, serving
from support.uploads import form, until

from visavis.models import recognition
from visavis.models.avatar.file import read_card
from visavis.server.avatars import footage, sentences, witness
from visavis.server.avatars.challenges import VALID, Challenges
from visavis.server.avatars.footage import Unusable
from visavis.server.avatars.presence import Evidence, Proof, Witness, check
from visavis.server.avatars.witness import Measures
from visavis.server.system.errors import Unprocessable

VIDEO = Path(__file__).parents[1] / "data" / "presence.webm"
SAID = (
    "Patient farmers sell broken mirrors under the crowded bridge. "
    "Honest bakers paint silver mountains near the village school."
)
PHOTO = (VIDEO.parent / "frontal.webp").read_bytes()
KOFI = Path(__file__).parents[2] / "bench" / "face" / "portraits" / "kofi.webp"
NOW = datetime.datetime(2026, 11, 29, 20, 0, tzinfo=datetime.UTC)


# --- the sentence ---------------------------------------------------------------------------------


@pytest.mark.parametrize("language", sentences.LANGUAGES)
def test_sentences_differ_and_no_other_one_agrees(language):
    chosen = random.Random(language).choice
    made = [sentences.sentence(language, chosen) for _ in range(30)]
    assert len(set(made)) == len(made)
    for one, other in zip(made[::2], made[1::2], strict=True):
        assert sentences.agreement(one, one, language) == 1
        assert sentences.agreement(one, other, language) < 0.78


@pytest.mark.parametrize(
    "heard",
    [
        SAID.upper().replace(".", ","),
        "Patient farmer sell broken mirror under the crowded bridge Honest bakers pain silver "
        "mountain near the village school",
        "Patient farmers cell broken mirrors under the crowd of bridge. Honest bakers paint silver "
        "mountains near the village's cool.",
    ],
)
def test_a_recognisers_slips_are_forgiven(heard):
    assert sentences.agreement(heard, SAID, "en") > 0.85


def test_half_of_it_is_not_enough():
    assert sentences.agreement(SAID.split(".")[0], SAID, "en") < 0.75
    assert sentences.agreement("", SAID, "en") == 0
    assert sentences.agreement("...", "", "en") == 0


def challenges(now=lambda: 0.0, languages=("en", "de")):
    return Challenges(lambda: languages, now)


def test_a_sentence_is_read_once_by_whom_it_was_shown_to():
    open_ones = challenges()
    given = open_ones.give("de", "anna", "Anna ")
    assert given.language == "de"
    assert open_ones.take(given.id, "anna", " Anna") == given
    for key in (given.id, "", "x" * 1000):
        with pytest.raises(Unprocessable, match="ask for another"):
            open_ones.take(key, "anna", "Anna")


@pytest.mark.parametrize(("name", "subject"), [("bob", "Anna"), ("anna", "Bob")])
def test_it_is_nobody_elses_and_used_up_by_the_attempt(name, subject):
    open_ones = challenges()
    given = open_ones.give("en", "anna", "Anna")
    for who in ((name, subject), ("anna", "Anna")):
        with pytest.raises(Unprocessable):
            open_ones.take(given.id, *who)


def test_it_is_valid_for_minutes_and_there_is_an_end_to_how_many_wait():
    time = [0.0]
    open_ones = challenges(lambda: time[0])
    first, late = (open_ones.give("fr", "anna", "Anna") for _ in range(2))
    assert first.language == "en"  # what can be recognised here
    time[0] = VALID - 1
    assert open_ones.take(first.id, "anna", "Anna")
    time[0] = VALID + 1
    with pytest.raises(Unprocessable, match="3 minutes"):
        open_ones.take(late.id, "anna", "Anna")
    many = [open_ones.give("en", "anna", "Anna") for _ in range(300)]
    with pytest.raises(Unprocessable):
        open_ones.take(many[0].id, "anna", "Anna")


# --- what is in a video ---------------------------------------------------------------------------


def decoded(video, photo=PHOTO):
    """Through the process that is shut in."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "visavis.server.avatars.footage", str(os.getpid())],
        input=json.dumps([len(photo), len(video)]).encode() + b"\n" + photo + video,
        stdout=subprocess.PIPE,
        check=False,
    )
    return footage.receive(io.BytesIO(done.stdout))


def film(pictures, size=(160, 120), sound=0.0, fps=10, gap=0):
    """A WebM of that many grey pictures, the last one `gap` s later."""
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as out:
        seen = out.add_stream("libvpx", rate=fps)
        seen.width, seen.height = size
        seen.options = {"deadline": "realtime", "cpu-used": "8"}
        heard = out.add_stream("libopus", rate=48_000, layout="mono") if sound else None
        for at in range(pictures):
            frame = av.VideoFrame.from_ndarray(
                np.full((size[1], size[0], 3), 120, np.uint8), format="rgb24"
            )
            frame.pts = at + gap * fps * (at == pictures - 1)
            frame.time_base = Fraction(1, fps)
            out.mux(seen.encode(frame))
        out.mux(seen.encode())
        if heard is not None:
            quiet = np.zeros((1, round(sound * 48_000)), np.int16)
            frame = av.AudioFrame.from_ndarray(quiet, "s16", "mono")
            frame.sample_rate = 48_000
            out.mux(heard.encode(frame))
            out.mux(heard.encode())
    return file.getvalue()


def sound_alone():
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as out:
        heard = out.add_stream("libopus", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.int16), "s16", "mono")
        frame.sample_rate = 48_000
        out.mux(heard.encode(frame))
        out.mux(heard.encode())
    return file.getvalue()


BAD = {
    "nothing": (lambda: b"", "presence-broken"),
    "noise": (lambda: bytes(range(256)) * 200, "presence-broken"),
    "cut off": (lambda: VIDEO.read_bytes()[:300], "presence-broken"),
    "a photo": (lambda: PHOTO, "presence-broken"),
    "a playlist": (lambda: b"#EXTM3U\nfile:///etc/passwd\n", "presence-broken"),
    "no picture": (sound_alone, "presence-no-picture"),
    "4K": (lambda: film(1, (3840, 2160)), "presence-too-large"),
    "an hour": (lambda: film(3, gap=3600), "presence-too-long"),
}


@pytest.mark.parametrize(("video", "code"), BAD.values(), ids=BAD.keys())
def test_a_video_that_cannot_be_used_is_a_named_problem(video, code):
    with pytest.raises(Unusable) as refused:
        decoded(video())
    assert refused.value.code == code
    assert len(refused.value.message) > 20


def test_what_the_other_process_says_is_not_believed():
    good = {"times": [0.0], "size": [2, 2], "photo": [2, 2], "samples": 1}
    pixels = bytes(12 + 12 + 2)
    assert footage.receive(io.BytesIO(json.dumps(good).encode() + b"\n" + pixels)).sound[0] == 0
    for bad in (
        {"size": [9999, 2]},
        {"photo": [-1, 2]},
        {"samples": 10**12},
        {"samples": -1},
        {"times": []},
        {"times": [0.0] * 10_000},
        {"times": "x"},
        {"size": None},
        {"samples": 500},  # more than there is
    ):
        said = json.dumps(good | bad).encode() + b"\n" + pixels
        with pytest.raises(Unusable, match="cannot be read"):
            footage.receive(io.BytesIO(said))
    for line in (b"", b"\xff\n", b"[]\n", b"{}\n"):
        with pytest.raises(Unusable):
            footage.receive(io.BytesIO(line))


@pytest.fixture(scope="module")
def live():
    return decoded(VIDEO.read_bytes())


def test_a_video_is_read_as_pictures_and_sound(live):
    assert live.pictures.shape[1:] == (320, 320, 3)
    assert 11 < len(live.times) / (live.times[-1] - live.times[0]) < 14
    assert abs(len(live.sound) / footage.RATE - live.times[-1]) < 0.5


@pytest.fixture(scope="module")
def network():
    return recognition.locate()


@pytest.fixture(scope="module")
def tracks(live):
    return witness._tracked(live)


@pytest.fixture(scope="module")
def measures(live, network, tracks):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(witness, "_tracked", lambda _: tracks)
        return witness.measured(live, network)


def test_a_person_who_reads_is_seen_and_heard(measures):
    check(measures, 1.0)
    assert measures.face > 0.9
    assert measures.seen == 1
    assert measures.together > measures.apart


def code_of(found: Measures, words: float = 1.0) -> str:
    with pytest.raises(Unusable) as refused:
        check(found, words)
    return refused.value.code


def test_a_photo_held_up_is_not_believed(live, network):
    """Moved about before the camera, as a hand does, with the voice beside it."""
    rng = np.random.default_rng(3)
    times = live.times[:56]
    shifts = np.cumsum(rng.normal(0, 1.5, (len(times), 2)), 0).astype(int)
    held = np.stack([np.roll(live.pictures[0], tuple(by), (0, 1)) for by in shifts])
    found = witness.measured(replace(live, pictures=held, times=times), network)
    assert code_of(found) == "presence-still"


def test_a_moving_mouth_that_says_something_else_is_not_believed(
    live, network, tracks, monkeypatch
):
    """The same person's film with its own sound, a second and a half late."""
    monkeypatch.setattr(witness, "_tracked", lambda _: tracks)
    late = np.roll(live.sound, round(1.5 * footage.RATE))
    assert code_of(witness.measured(replace(live, sound=late), network)) == "presence-still"


def test_somebody_else_is_told(live, network):
    photo = decoded(film(1), KOFI.read_bytes()).photo
    few = replace(live, photo=photo, pictures=live.pictures[::8], times=live.times[::8])
    found = replace(witness.measured(few, network), rate=12.5)
    assert code_of(found) == "presence-other-face"


def test_a_second_face_and_no_face_are_told(live, network):
    some = {"times": live.times[::8]}
    twice = np.concatenate([live.pictures[::8]] * 2, axis=2)
    found = witness.measured(replace(live, pictures=twice, **some), network)
    assert code_of(replace(found, rate=12.5)) == "presence-several-faces"
    empty = np.full_like(live.pictures[::8], 90)
    found = witness.measured(replace(live, pictures=empty, **some), network)
    assert code_of(replace(found, rate=12.5)) == "presence-no-face"


@pytest.mark.parametrize(
    ("changes", "words", "code"),
    [
        ({"seconds": 1.0}, 1.0, "presence-too-short"),
        ({"rate": 4.0}, 1.0, "presence-few-pictures"),
        ({"spoken": 0.5}, 1.0, "presence-other-words"),
        ({}, 0.7, "presence-other-words"),
        ({"opening": 0.001}, 1.0, "presence-still"),
        ({"together": 0.2}, 1.0, "presence-still"),
    ],
)
def test_each_measure_has_its_own_words(measures, changes, words, code):
    assert code_of(replace(measures, **changes), words) == code


def test_the_record_says_what_was_measured_and_that_it_is_no_certainty(measures):
    told = str(Proof(NOW, 0.97, measures))
    assert told.startswith("2026-11-29T20:00:00Z a video of 8")
    assert "words 0.97" in told
    assert told.endswith("no certainty")
    assert len(told) <= 200


# --- the whole of it ------------------------------------------------------------------------------


@pytest.mark.timeout(120)
def test_a_video_is_looked_at_by_processes_of_its_own(tmp_path):
    proof = Witness(tmp_path).look(PHOTO, Evidence(VIDEO.read_bytes(), SAID, "en"), NOW)
    assert proof.words > 0.9
    assert proof.measures.heard == ""  # nothing of what was said is kept


@pytest.mark.parametrize(
    ("video", "code"),
    [
        (lambda: film(1, sound=0.5), "presence-too-short"),
        (lambda: film(30), "presence-no-sound"),
        (lambda: b"x", "presence-broken"),
    ],
    ids=["one picture", "no sound", "no video"],
)
@pytest.mark.timeout(120)
@pytest.mark.slow  # two processes each; what they say is tested above
def test_what_is_wrong_is_told_across_the_processes(tmp_path, video, code):
    with pytest.raises(Unusable) as refused:
        Witness(tmp_path).look(PHOTO, Evidence(video(), SAID, "en"), NOW)
    assert refused.value.code == code


async def sentence(client, **words):
    asked = {"name": "newcomer", "subject": "nobody: synthetic", "language": "en"} | words
    return await client.post("/v1/avatars/sentences", json=asked)


async def test_the_page_is_given_a_sentence_and_takes_a_video(tmp_path):
    async with serving(home=str(tmp_path)) as client:
        assert (await (await client.get("/v1/avatars")).json())["presence"] == "optional"
        answer = await sentence(client)
        assert answer.status == 201
        assert answer.headers["Cache-Control"] == "no-store"
        given = await answer.json()
        assert len(given["text"].split()) > 10
        assert given["seconds"] == VALID
        for fields, code in (
            ({"presence": given["id"]}, "presence-invalid"),
            ({"video": io.BytesIO(b"x")}, "presence-invalid"),
            ({"presence": "nonsense", "video": io.BytesIO(b"x")}, "presence-expired"),
            (
                {"presence": given["id"], "video": io.BytesIO(b"x"), "name": "else"},
                "presence-expired",
            ),
        ):
            status, said = await problem(await client.post("/v1/avatars", data=form(**fields)))
            assert (status, said["type"]) == (422, f"urn:visavis:{code}"), fields
        status, said = await problem(await sentence(client, name=7))
        assert (status, said["type"]) == (422, "urn:visavis:presence-invalid")


async def test_an_operator_may_require_it_or_have_none(tmp_path):
    async with serving(home=str(tmp_path), consent_presence="required") as client:
        status, said = await problem(await client.post("/v1/avatars", data=form()))
        assert (status, said["type"]) == (422, "urn:visavis:presence-required")
    async with serving(home=str(tmp_path), consent_presence="off") as client:
        status, said = await problem(await sentence(client))
        assert (status, said["type"]) == (403, "urn:visavis:presence-off")


@pytest.mark.slow  # the bake beside what is tested above
@pytest.mark.timeout(180)
async def test_the_proof_is_in_the_record(tmp_path, monkeypatch):
    monkeypatch.setattr(sentences, "sentence", lambda *_: SAID)
    monkeypatch.setattr("visavis.server.avatars.challenges.sentence", lambda *_: SAID)
    async with serving(home=str(tmp_path), consent_presence="required") as client:
        given = await (await sentence(client)).json()
        fields = {"presence": given["id"], "video": io.BytesIO(VIDEO.read_bytes())}
        answer = await client.post("/v1/avatars", data=form(PHOTO, **fields))
        status, body = await until(client, answer.headers["Location"], "done", within=120)
        assert (status, body["state"]) == (200, "done")
    card = read_card(tmp_path / "avatars" / "newcomer.avatar")
    assert "no certainty" in card.consent.proof
    assert not list(tmp_path.rglob("*.webm"))
