"""The mouth that only hears: frames, speech and pictures from sound without phonemes."""

import time
from pathlib import Path

import numpy as np
import pytest
import soxr
from support.pace import within
from support.recording import LIPS, RECORDING

from visavis.engines import load
from visavis.engines.base import HEAR_RATE, PLAY_RATE, EngineError, Speech
from visavis.engines.lips.sound_speech import DELAY, SoundSpeech, speech
from visavis.engines.lips.sound_visemes import (
    KINDS,
    LOOK_AHEAD,
    NAMES,
    OCULUS,
    Decimator,
    Frames,
    SoundVisemes,
)
from visavis.engines.motion.articulation import CHANNELS, Score
from visavis.engines.motion.enunciation import Enunciation
from visavis.engines.motion.viseme_motion import VisemeMotion
from visavis.engines.motion.visemes import SILENCE, visemes
from visavis.models import manifest
from visavis.models.arkit import INDEX
from visavis.server.cli import main
from visavis.server.recording.files import read_sound
from visavis.server.system.errors import ConfigError

OPEN = [(0.233, 0.370), (1.707, 1.860)]  # a in Pamela and map
CHUNK = PLAY_RATE // 25


@pytest.fixture(scope="module")
def recording():
    return read_sound(RECORDING)


@pytest.fixture
def network():
    return load.sound_visemes()


def heard(network, pcm, sizes=None):
    """All frames, fed at once or in pieces of these sizes, in turn."""
    told, at, turn = [], 0, 0
    while at < len(pcm):
        size = sizes[turn % len(sizes)] if sizes else len(pcm)
        told.append(network.feed(pcm[at : at + size]))
        at, turn = at + size, turn + 1
    told.append(network.flush())
    return Frames(np.concatenate([t.kinds for t in told]), np.concatenate([t.jaw for t in told]))


def mouth(pieces):
    """The score of the face that speaks these pieces one after the other."""
    enunciation, at, sounds = Enunciation(), 0, []
    for piece in pieces:
        sounds += enunciation.sounds(at / PLAY_RATE, piece)
        at += len(piece.pcm)
    return Score(sounds)


def test_the_weights_are_small():
    assert manifest.locate("sound-visemes").stat().st_size < 2_000_000


def test_frames_cover_the_sound_and_sum_to_one(network, recording):
    told = heard(network, recording)
    assert len(told.jaw) == len(told.kinds) == -(-len(recording) // (PLAY_RATE // 100))
    assert told.visemes.shape[1] == len(OCULUS) == 15
    np.testing.assert_allclose(told.visemes.sum(1), 1.0, atol=1e-4)


@pytest.mark.parametrize("sizes", [[CHUNK], [1, 7, 480, 9_999], [333]])
def test_pieces_of_any_size_tell_what_the_whole_does(network, recording, sizes):
    whole, parts = heard(network, recording), heard(network, recording, sizes)
    np.testing.assert_allclose(parts.kinds, whole.kinds, atol=1e-4)
    np.testing.assert_allclose(parts.jaw, whole.jaw, atol=1e-4)


def test_both_rates_tell_the_same(network, recording):
    narrow = SoundVisemes(manifest.locate("sound-visemes"), HEAR_RATE)
    audio = soxr.resample(recording, PLAY_RATE, HEAR_RATE)
    same = heard(narrow, audio).visemes.argmax(1) == heard(network, recording).visemes.argmax(1)
    assert same.mean() > 0.95


def test_another_rate_is_refused():
    with pytest.raises(EngineError, match="44100"):
        SoundVisemes(manifest.locate("sound-visemes"), 44_100)


def test_a_missing_network_is_an_engine_error(tmp_path):
    with pytest.raises(EngineError, match="cannot load"):
        SoundVisemes(tmp_path / "none.onnx")


def test_a_frame_is_told_once_its_look_ahead_is_heard(network, recording):
    for frame in (0, 1, 20, 57):
        network.reset()
        needed = round((0.01 * frame + LOOK_AHEAD + 0.001) * PLAY_RATE)
        early = network.feed(recording[: needed + PLAY_RATE // 100])
        assert len(early.jaw) > frame
        network.reset()
        other = recording.copy()
        other[needed:] = 0
        assert np.allclose(network.feed(other).kinds[frame], early.kinds[frame], atol=1e-4)


def test_a_stream_begins_anew_after_flush(network, recording):
    first, second = heard(network, recording), heard(network, recording)
    np.testing.assert_array_equal(first.kinds, second.kinds)


@pytest.mark.parametrize("amplitude", [0, 3, 12])
def test_silence_keeps_the_mouth_shut(network, amplitude):
    rng = np.random.default_rng(1)
    pcm = np.rint(rng.standard_normal(3 * PLAY_RATE) * amplitude).astype(np.int16)
    told = heard(network, pcm)
    assert (told.kinds.argmax(1) == NAMES.index("sil")).all()
    assert told.jaw.max() < 0.06  # speech opens it by 0.2 to 0.4
    score = mouth(speech(pcm, network))
    assert all(sound.viseme is SILENCE for sound in score.sounds)
    assert max(np.abs(score.channels(t)).max() for t in np.arange(0.0, 3.0, 0.04)) == 0.0


def tone(hertz, seconds=3):
    wave = np.sin(np.arange(seconds * PLAY_RATE) * 2 * np.pi * hertz / PLAY_RATE)
    return (3_000 * wave).astype(np.int16)


def test_a_whistle_opens_no_mouth(network):
    jaw = heard(network, tone(3_000)).jaw
    assert jaw.max() < 0.06  # speech opens it by 0.2 to 0.4


@pytest.mark.parametrize("hertz", [300, 1_000, 3_000])
def test_a_steady_tone_holds_the_jaw_still(network, hertz):
    settled = heard(network, tone(hertz)).jaw[150:-50]
    assert np.ptp(settled) < 0.05  # of 0.2 to 0.4 in speech


def test_lips_meet_for_a_voice_never_heard_before(network, recording):
    score = mouth(speech(recording, network))
    lips = CHANNELS.index("lips")
    met = [
        max(score.channels(t)[lips] for t in np.arange(start - 0.04, end + 0.04, 0.01)) > 0.9
        for spans in LIPS.values()
        for start, end in spans
    ]
    assert sum(met) >= 8, met  # of ten; bench/sound/sound_visemes.py counts hundreds


def test_the_jaw_opens_where_the_voice_does(network, recording):
    told = heard(network, recording)
    shut = np.mean([told.jaw[round(s * 100) : round(e * 100)].mean() for s, e in LIPS["p"]])
    for start, end in OPEN:
        assert told.jaw[round(start * 100) : round(end * 100)].max() > 2 * shut


def test_speech_in_pieces_is_speech_of_the_whole(network, recording):
    whole = list(speech(recording, network))
    stream = SoundSpeech(network)
    parts = [
        p for at in range(0, len(recording), 777) for p in stream.feed(recording[at : at + 777])
    ]
    parts += stream.flush()
    assert [p.phonemes for p in parts] == [p.phonemes for p in whole]
    np.testing.assert_array_equal(np.concatenate([p.pcm for p in parts]), recording)


def test_phonemes_cover_every_piece(network, recording):
    for piece in speech(recording, network):
        assert isinstance(piece, Speech)
        edges = [p.start for p in piece.phonemes] + [piece.phonemes[-1].end]
        assert edges == [0, *(p.end for p in piece.phonemes)]
        assert edges[-1] == len(piece.pcm)


def test_live_sound_becomes_speech_within_the_stated_delay(network, recording):
    stream, fed, told = SoundSpeech(network), 0, 0
    for at in range(0, len(recording), CHUNK):
        told += sum(len(p.pcm) for p in stream.feed(recording[at : at + CHUNK]))
        fed += CHUNK
        assert (fed - told) / PLAY_RATE < DELAY + 0.08
    list(stream.flush())


def hurried(stream, pcm, delay):
    """Sound in packets of 20 ms; a piece of 40 ms whenever one sounds within 60 ms."""
    told = []
    for at in range(0, len(pcm), PLAY_RATE // 50):
        told += stream.feed(pcm[at : at + PLAY_RATE // 50])
        fed = min(at + PLAY_RATE // 50, len(pcm))
        while sum(len(piece.pcm) for piece in told) + delay - fed <= PLAY_RATE * 0.06:
            told += stream.hurry(PLAY_RATE // 25)
    return [*told, *stream.flush()]


def test_what_is_told_in_a_hurry_is_the_sound_and_nearly_the_same(network, recording):
    def row(pieces):
        spans = [(p.symbol, p.end - p.start) for piece in pieces for p in piece.phonemes]
        return np.concatenate([[symbol] * round(n / 480) for symbol, n in spans if n >= 240])

    whole = row(speech(recording, network))
    pieces = hurried(SoundSpeech(network), recording, PLAY_RATE * 0.12)
    np.testing.assert_array_equal(np.concatenate([piece.pcm for piece in pieces]), recording)
    assert max(len(piece.pcm) for piece in pieces) <= PLAY_RATE // 25
    quick, slow = row(pieces), row(hurried(SoundSpeech(network), recording, PLAY_RATE * 0.4))
    least = min(len(whole), len(quick))
    same = (quick[:least] == whole[:least])[whole[:least] != ""]
    assert 0.75 < same.mean() < 1.0  # by sounds; by visemes it is more
    np.testing.assert_array_equal(slow, whole)  # nobody was in a hurry


def test_every_class_has_a_shape_of_its_own_kind():
    for name, kind in KINDS.items():
        shapes = visemes(kind.symbol, "espeak")
        assert len(shapes) == 1
        assert shapes[0].name == {"ng": "kk", "ch": "sh"}.get(name, name)


def test_the_low_pass_keeps_speech_and_stops_what_would_fold():
    def level(hertz):
        tone = np.sin(np.arange(PLAY_RATE) * 2 * np.pi * hertz / PLAY_RATE).astype(np.float32)
        return 20 * np.log10(np.abs(Decimator().feed(tone)[100:-100]).max())

    assert abs(level(300)) < 0.1
    assert abs(level(5_000)) < 0.5
    assert level(10_000) < -45


def test_it_costs_little(network):
    rng = np.random.default_rng(0)
    pcm = np.rint(rng.standard_normal(4 * PLAY_RATE) * 2_000).astype(np.int16)
    times = []
    for at in range(0, len(pcm), CHUNK):
        start = time.thread_time()
        network.feed(pcm[at : at + CHUNK])
        times.append(time.thread_time() - start)
    assert within(np.median(times), 3e-3)  # 0.3 ms on a quiet machine


# --- the use: a recording moves a face -----------------------------------------------------------


def test_a_recording_moves_the_face(network, recording):
    motion, at = VisemeMotion(0), 0
    for piece in speech(recording, network):
        motion.speak(at, piece)
        at += len(piece.pcm)
    gaps = []
    for at in range(0, len(recording) + PLAY_RATE, CHUNK):
        amounts = motion.state(at).coefficients
        gaps.append(float(amounts[INDEX["jawOpen"]] - amounts[INDEX["mouthClose"]]))
    assert max(gaps) > 0.15
    assert max(gaps[-6:]) < 0.05  # by then the breath behind the last word is taken


def test_a_file_that_is_no_sound_is_refused(tmp_path):
    path = tmp_path / "words.wav"
    path.write_bytes(b"these are words" * 99)
    with pytest.raises(ConfigError, match=r"words\.wav cannot be read as sound"):
        read_sound(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_sound(tmp_path / "missing.wav")
    with pytest.raises(ConfigError, match=r"persona\.webp cannot be read as sound"):
        read_sound(Path(__file__).parents[1] / "data" / "persona.webp")


def test_a_text_and_a_recording_at_once_are_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path))
    assert main(["say", "hello", "--audio", str(RECORDING), "-o", "x.mp4"]) == 2
    assert "either a text or --audio" in capsys.readouterr().err
