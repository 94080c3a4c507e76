"""The end-of-turn network: what it is given, what it says, what it does with anything else."""

import numpy as np
import pytest
import soxr
from faster_whisper.feature_extractor import FeatureExtractor

from visavis.engines import load
from visavis.engines.base import HEAR_RATE, PLAY_RATE, EngineError
from visavis.engines.ears.turn_smart import SmartTurn
from visavis.engines.voices.hibari import HibariTts

SECONDS = 8
PAUSE = np.zeros(HEAR_RATE // 10, np.int16)


@pytest.fixture(scope="module")
def turn_end(tmp_path_factory):
    return load.turn_end(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def say():
    voice = HibariTts()

    def said(text):
        pieces = list(voice.synthesize(text))
        pcm = np.concatenate([piece.pcm for piece in pieces]).astype(np.float32)
        words, at = [], 0
        for piece in pieces:
            words += [(word.text, at + word.start) for word in piece.words]
            at += len(piece.pcm)
        return pcm, words

    return said


def heard(pcm):
    loud = np.flatnonzero(np.abs(pcm) > 300)
    cut = soxr.resample(pcm[: loud[-1]], PLAY_RATE, HEAR_RATE)
    return np.concatenate([np.rint(cut).astype(np.int16), PAUSE])


def test_a_sentence_is_finished_at_its_end_and_not_before(turn_end, say):
    pcm, words = say("We need two more towels and a bathrobe in our room.")
    assert turn_end.finished(heard(pcm)) > 0.8
    for word in ("a", "bathrobe", "in", "our", "room."):
        start = next(at for text, at in words if text == word)
        assert turn_end.finished(heard(pcm[:start])) < 0.5, word


@pytest.mark.parametrize("seconds", [0.3, 2.0, 7.99, 8.0, 11.0])
def test_features_are_those_of_whisper_over_all_eight_seconds(turn_end, seconds):
    rng = np.random.default_rng(7)
    loudness = np.repeat(rng.random(round(seconds * 50) + 1), 320)[: round(seconds * HEAR_RATE)]
    pcm = np.rint(rng.standard_normal(len(loudness)) * 2000 * loudness).astype(np.int16)
    whole = pcm[-SECONDS * HEAR_RATE :].astype(np.float32) / 32768
    whole = np.pad(whole, (SECONDS * HEAR_RATE - len(whole), 0))
    scaled = (whole - whole.mean()) / np.sqrt(whole.var() + 1e-7)
    features = FeatureExtractor(chunk_length=SECONDS)(scaled, padding=0)[:, :800]
    own = turn_end.heard(pcm)
    assert own.shape == (80, 800)
    assert own.dtype == np.float32
    first = 800 - round(min(seconds, SECONDS) * 100)
    assert np.abs(own - features)[:, first:].max() < 1e-3  # the silence before it is not computed
    # Of these very features: it computes in bytes, by each processor's own instructions, and may
    # differ by 0.04 for features that differ by 0.001.
    expected = turn_end._network.run(None, {"input_features": own[None]})[0].item()
    assert turn_end.finished(pcm) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("level", [0, 32767])
def test_silence_and_clipping_are_no_fault(turn_end, level):
    pcm = (level * np.sign(np.sin(np.arange(16_000) / 9))).astype(np.int16)
    assert 0.0 <= turn_end.finished(pcm) <= 1.0


def test_nothing_at_all_is_an_engine_error_and_so_is_another_file(turn_end, tmp_path):
    with pytest.raises(EngineError):
        turn_end.finished(np.zeros(0, np.int16).reshape(0, 1, 1))
    (tmp_path / "other.onnx").write_bytes(b"no network")
    with pytest.raises(EngineError, match=r"other\.onnx"):
        SmartTurn(tmp_path / "other.onnx")
