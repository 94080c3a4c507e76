"""Voices of one's own: their file, tuned ones, and those that a speech server speaks."""

import base64
import os
from dataclasses import replace

import numpy as np
import pytest
from support.speech_server import speech_server, wav

from visavis.engines import load
from visavis.engines.base import (
    PLAY_RATE,
    EngineAway,
    EngineError,
    Phoneme,
    Prosody,
    Sample,
    Speech,
    Voice,
    Word,
)
from visavis.engines.voices import own, recorded, served, tuned
from visavis.engines.voices.served import ServedCloner, Settings
from visavis.engines.voices.timbre import Timbre
from visavis.engines.voices.tuned import TunedCloner, TunedTts
from visavis.models import voice_file
from visavis.models.avatar.consent import Consent
from visavis.models.errors import AvatarError
from visavis.models.voice_file import OwnVoice, VoiceCard
from visavis.server.system.installation import Installation

CONSENT = Consent("Anna Example", "I agree", "Anna Example", "2026-01-01")
LONG = "She had wanted to see the old harbour, where the boats come in at noon and stay."


def card(name="anna", **more):
    given = {"base": "heart", "semitones": "1.50", "formants": "0.950"}
    return VoiceCard(name, "tuned", "en-US", CONSENT, "ab" * 32, given, 0.7, "test", **more)


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def put(home, voice, name="anna"):
    path = voice_file.folder_of(home) / f"{name}.voice"
    voice_file.write(path, voice.content(Installation.of(home)))
    return path


@pytest.fixture(scope="module")
def spoken(warm_home):
    """A sample of 10 s, of a person who is none: joe, raised by what no style asks for."""
    tts = load.tts("joe", warm_home)
    texts = (LONG, "We wish you a safe journey home.", "Your room is on the second floor.", LONG)
    pieces = [p.pcm for text in texts for p in tts.synthesize(text, Prosody(pitch=2.5))]
    return np.concatenate(pieces)


# --- the file -------------------------------------------------------------------------------------


def test_a_voice_is_kept_as_it_is(home):
    numbers = {"style": np.linspace(-1, 1, 256, dtype=np.float32)}
    path = put(home, OwnVoice(card(), numbers, wav()))
    found = voice_file.read(path)
    assert found.card == card()
    assert found.card.origin.signed_by == Installation.of(home).key
    np.testing.assert_array_equal(found.numbers["style"], numbers["style"])
    assert found.sample == wav()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("at", [20, 150, 200, -5])
def test_a_byte_that_was_changed_is_noticed(home, at):
    path = put(home, OwnVoice(card()))
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(AvatarError) as caught:
        voice_file.read(path)
    assert caught.value.code in {"voice-changed", "voice-unreadable"}
    assert own.voices(home) == ()
    assert "anna" in voice_file.listed(home)[1]


@pytest.mark.parametrize("content", [b"", b"visavis-voice 1 x y\n", b"PK\5\6" + bytes(18)])
def test_what_is_no_voice_is_said_to_be_none(home, content):
    path = put(home, OwnVoice(card()))
    path.write_bytes(content)
    with pytest.raises(AvatarError, match="make the voice again"):
        voice_file.read(path)


def test_a_pipe_or_a_large_file_is_no_voice(home):
    path = put(home, OwnVoice(card()))
    path.write_bytes(bytes(voice_file.MAX_FILE + 1))
    with pytest.raises(AvatarError):
        voice_file.read(path)
    path.unlink()
    os.mkfifo(path)
    assert "anna" in voice_file.listed(home)[1]  # and nobody waits for it


def test_no_voice_without_a_consent(home):
    bare = replace(card(), consent=replace(CONSENT, statement=" "))
    with pytest.raises(AvatarError, match="consent"):
        OwnVoice(bare).content(Installation.of(home))


def test_it_is_a_voice_like_any_other(home):
    put(home, OwnVoice(card()))
    assert "anna" in {voice.name for voice in load.voices(home)}
    assert load.voice_for("en", home) != "anna"  # nobody's voice is used without being asked for
    pieces = list(load.tts("anna", home).synthesize("One, two."))
    assert pieces[0].phonemes
    assert [word.text for piece in pieces for word in piece.words] == ["One,", "two."]


def test_a_name_of_ours_stays_ours(home):
    put(home, OwnVoice(card("heart")), "heart")
    assert [voice.name for voice in load.voices(home)].count("heart") == 1
    assert load.tts("heart", home).voice.licence == "Apache-2.0"


# --- tuned ----------------------------------------------------------------------------------------


class Pieces:
    """A voice that says a hum in four pieces."""

    voice = Voice("hum", "en", "", "")

    def __init__(self):
        at = np.arange(PLAY_RATE) / PLAY_RATE
        hum = sum(np.sin(2 * np.pi * 140 * n * at) / n for n in range(1, 30))
        self.pcm = (4000 * hum).astype(np.int16)
        self.asked = []

    def synthesize(self, text, prosody):
        self.asked.append(prosody)
        for part in np.array_split(self.pcm, [300, 9_000, 30_000]):
            yield Speech(part, (Phoneme("a", 0, len(part)),), (Word("a", 0, 9),), "espeak")


def test_a_tuned_voice_keeps_times_and_joins_its_pieces_without_a_seam():
    base = Pieces()
    timbre = Timbre(1.1)
    voice = Voice("anna", "en", "", "")
    pieces = list(TunedTts(base, voice, 2.0, timbre).synthesize("x", Prosody(1.2, 1.0, 0.5)))
    assert base.asked == [Prosody(1.2, 3.0, 0.5)]
    assert [(p.phonemes, p.words) for p in pieces] == [
        (p.phonemes, p.words) for p in base.synthesize("x", Prosody())
    ]
    whole = timbre.lent(base.pcm.astype(np.float32) / 32_768) * 32_767
    joined = np.concatenate([piece.pcm for piece in pieces]).astype(float)
    # But for where frames begin, it is what the whole would be: no click at 300, 9,000, 30,000.
    steps = np.abs(np.diff(joined)).max()
    assert steps < 1.2 * np.abs(np.diff(whole)).max()
    assert np.corrcoef(joined, whole)[0, 1] > 0.99


@pytest.mark.timeout(180)
@pytest.mark.slow
def test_a_sample_is_tuned_to_from_the_nearest_of_ours(spoken, warm_home):
    shares = []
    base = {name: load.tts(name, warm_home) for name in ("heart", "joe")}
    cloner = TunedCloner(base.__getitem__, ("heart", "joe"), warm_home)
    made = cloner.clone(Sample(spoken, "en"), shares.append)
    assert made.given["base"] == "joe"
    assert float(made.given["semitones"]) > 0.5  # it was raised
    assert made.alike > 0.75
    assert not made.keeps
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_voice_is_brought_nearer_by_pitch_and_formants(spoken, warm_home, monkeypatch):
    """The one voice there is, over a short text."""
    monkeypatch.setattr(tuned, "_SAID", "The boats come in at noon.")
    joe = load.tts("joe", warm_home)
    made = TunedCloner(lambda _: joe, ("joe",), warm_home).clone(
        Sample(spoken, "en"), lambda _: None
    )
    hertz, person = tuned._person(recorded.cleaned(spoken))
    plain = np.concatenate([p.pcm for p in joe.synthesize(tuned._SAID)])
    assert made.alike > tuned._heard(tuned._floats(plain), 1.0, person)[0]
    assert float(made.given["semitones"]) > 0.5  # it was raised
    assert hertz > 100


@pytest.mark.parametrize(
    ("pcm", "fault"),
    [
        (np.zeros(12 * PLAY_RATE, np.int16), "0.0 s of speech"),
        (np.zeros(0, np.int16), "0.0 s of speech"),
    ],
)
def test_a_sample_that_is_not_enough_is_refused(pcm, fault, warm_home):
    cloner = TunedCloner(lambda name: load.tts(name, warm_home), ("heart",), warm_home)
    with pytest.raises(EngineError, match=fault):
        cloner.clone(Sample(pcm, "en"), lambda _: None)


def test_two_people_in_a_sample_are_refused(spoken, warm_home):
    tts = load.tts("heart", warm_home)
    other = np.concatenate([p.pcm for p in tts.synthesize(LONG)])
    mixed = np.concatenate([spoken[: len(other)], other, other])
    cloner = TunedCloner(lambda _: tts, ("heart",), warm_home)
    with pytest.raises(EngineError, match="more than one person"):
        cloner.clone(Sample(mixed, "en"), lambda _: None)


def test_a_file_without_its_numbers_is_an_engines_fault(home):
    put(home, OwnVoice(replace(card(), given={"base": "heart"})))
    with pytest.raises(EngineError, match="make it again"):
        load.tts("anna", home)


# --- served ---------------------------------------------------------------------------------------


@pytest.fixture
def server():
    with speech_server() as it:
        yield it


def speaks(home, made, spoken):
    sample = served.packed(spoken) if made.keeps else b""
    voice = replace(card(), kind="served", given=made.given)
    put(home, OwnVoice(voice, made.numbers, sample))
    return load.tts("anna", home)


def test_each_request_carries_the_sample(server, home, spoken, tmp_path):
    key = tmp_path / "key"
    key.write_text("secret\n")
    key.chmod(0o600)
    settings = Settings(server.url, "tts", str(key), extra='{"task_type": "Base"}')
    made = ServedCloner(settings).clone(Sample(spoken, "en", "what is said"), lambda _: None)
    assert made.keeps
    server.answer = (200, {}, wav(0.9, streamed=True))
    (piece,) = speaks(home, made, spoken).synthesize("Good morning, Anna.", Prosody(speed=1.1))
    asked = server.speeches()[-1]
    assert (asked["model"], asked["input"]) == ("tts", "Good morning, Anna.")
    assert (asked["ref_text"], asked["task_type"], asked["speed"]) == ("what is said", "Base", 1.1)
    sample = base64.b64decode(asked["ref_audio"].removeprefix("data:audio/wav;base64,"))
    assert sample[:4] == b"RIFF"
    assert {headers["Authorization"] for _, _, headers, _ in server.asked} == {"Bearer secret"}
    assert 0.8 < len(piece.pcm) / PLAY_RATE < 1.4
    assert [word.text for word in piece.words] == ["Good", "morning,", "Anna."]
    assert piece.words[-1].end > piece.words[0].end > 0  # times out of the sound
    assert piece.phonemes


def test_a_sample_is_left_there_once_and_deleted_again(server, home, spoken):
    settings = Settings(server.url, "tts", way="upload")
    made = ServedCloner(settings).clone(Sample(spoken, "en"), lambda _: None)
    assert (made.keeps, made.given["voice"]) == (False, "voice_1")
    assert b"Anna" not in server.voices["voice_1"]  # nobody's name leaves this machine
    list(speaks(home, made, spoken).synthesize("Hello."))
    assert server.speeches()[-1]["voice"] == {"id": "voice_1"}
    assert "ref_audio" not in server.speeches()[-1]
    file = voice_file.read(voice_file.folder_of(home) / "anna.voice")
    own.forget(file)
    assert server.voices == {}
    own.forget(file)  # what is gone is gone


def test_a_trial_that_fails_leaves_nothing_there(server, spoken):
    server.answer = (500, {}, b"")
    with pytest.raises(EngineAway, match="answered 500"):
        ServedCloner(Settings(server.url, "tts", way="upload")).clone(
            Sample(spoken, "en"), lambda _: None
        )
    assert server.voices == {}


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ((503, {}, b""), "answered 503"),
        ((302, {"Location": "http://127.0.0.1:9/"}, b""), "answered 302"),
        ((200, {}, b"{}"), "no WAV"),
        ((200, {}, wav()[:30]), "no WAV"),
    ],
)
def test_what_a_server_does_wrong_is_an_engines_fault(server, home, spoken, answer, fault):
    made = ServedCloner(Settings(server.url, "tts")).clone(Sample(spoken, "en"), lambda _: None)
    tts = speaks(home, made, spoken)
    server.answer = answer
    with pytest.raises(EngineError, match=fault):
        list(tts.synthesize("Hello."))


def test_a_server_that_is_away_is_away(server, home, spoken):
    made = ServedCloner(Settings(server.url, "tts")).clone(Sample(spoken, "en"), lambda _: None)
    away = replace(made, given={**made.given, "url": "http://127.0.0.1:9/v1"})
    with pytest.raises(EngineAway):
        list(speaks(home, away, spoken).synthesize("Hello."))


def test_what_nobody_can_say_is_asked_of_nobody(server, home, spoken):
    made = ServedCloner(Settings(server.url, "tts")).clone(Sample(spoken, "en"), lambda _: None)
    before = len(server.asked)
    (piece,) = speaks(home, made, spoken).synthesize("…")
    assert (len(server.asked), piece.words[0].text) == (before, "…")


def test_a_key_that_others_can_read_is_refused(server, tmp_path):
    key = tmp_path / "key"
    key.write_text("secret")
    key.chmod(0o644)
    with pytest.raises(EngineError, match="chmod 600"):
        ServedCloner(Settings(server.url, "tts", str(key))).clone(
            Sample(np.ones(10 * PLAY_RATE, np.int16), "en"), lambda _: None
        )


def test_a_short_sample_is_sent_to_nobody(server):
    with pytest.raises(EngineError, match="5 to 30 s"):
        ServedCloner(Settings(server.url, "tts")).clone(
            Sample(np.zeros(PLAY_RATE, np.int16), "en"), lambda _: None
        )
    assert server.asked == []


def test_what_is_kept_of_a_sample_is_bounded(spoken):
    long = np.tile(recorded.cleaned(spoken), 8)
    assert len(served.packed(long)) < 30.5 * 48_000


def test_a_kind_of_another_version_is_told(home):
    put(home, OwnVoice(replace(card(), kind="cloned")))
    assert own.voices(home) == ()
    with pytest.raises(EngineError):
        load.tts("anna", home)
    assert tuned.DESCRIPTION != served.DESCRIPTION
