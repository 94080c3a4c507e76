import tracemalloc

import numpy as np
import pytest
from support.babble import (
    CLOSE,
    FRAME,
    JAW,
    MOUTH,
    MS,
    PUCKER,
    START,
    at,
    opening,
    play,
    said,
    speech,
)

from visavis.engines.base import PLAY_RATE, Affect, Expression, Motion
from visavis.engines.motion import visemes
from visavis.engines.motion.enunciation import Enunciation
from visavis.engines.motion.viseme_motion import VisemeMotion
from visavis.models.arkit import INDEX

# Per second at 500 Hz: what no coefficient exceeds, and by how much a velocity may change in 2 ms.
FASTEST, FASTEST_LID, SHARPEST = 15.0, 36.0, 2.5


def test_a_state_has_the_shapes_that_a_renderer_takes():
    motion: Motion = VisemeMotion(0)
    state = motion.state(0)
    assert state.coefficients.shape == (52,)
    assert state.pose.shape == (6,)
    assert state.gaze.shape == (2,)


# --- symbols -------------------------------------------------------------------------------------

LETTERS = {
    "espeak": "abcdefhijklmnoprstuvwxyzæçðøŋœɐɑɒɔɕəɚɛɜɡɣɪɫɲɹɾʁʃʊʌʎʐʑʒʔʕʝβθχᵻħqɥɯɨ",
    "misaki": "AIOQWYbdfhijklmnpstuvwzæðŋɐɑɔəɛɜɡɪɹɾʃʊʌʒʔʤʧθᵊᵻT",
}


@pytest.mark.parametrize("alphabet", LETTERS)
def test_every_sound_has_a_mouth(alphabet):
    shapes = {letter: visemes.visemes(letter, alphabet) for letter in LETTERS[alphabet]}
    assert all(shapes.values())
    assert not [letter for letter, found in shapes.items() if visemes.SILENCE in found]


@pytest.mark.parametrize("mark", ["ˈ", "ˌ", "ː", "̃", "ʲ", "5", " ", "-", "ʰ"])
def test_marks_move_nothing(mark):
    assert visemes.visemes(mark, "espeak") == ()


@pytest.mark.parametrize("symbol", ["", ",", ".", "?", "…"])
def test_punctuation_is_silence(symbol):
    assert visemes.visemes(symbol, "misaki") == (visemes.SILENCE,)


def test_unknown_sounds_fall_to_their_nearest():
    def name(symbol):
        return [viseme.name for viseme in visemes.visemes(symbol, "espeak")]

    assert name("ã") == name("a")
    assert name("Ø") == name("ø")
    assert name("ƥ") == name("p")
    assert name("語") == ["ax"]
    assert visemes.visemes("語", "misaki")[0].targets["jawOpen"] > 0


def test_diphthongs_move_and_affricates_round_at_once():
    assert [v.name for v in visemes.visemes("W", "misaki")] == ["aa", "uh"]
    assert [v.name for v in visemes.visemes("ˈaɪ", "espeak")] == ["aa", "ih"]
    assert [v.name for v in visemes.visemes("tʃ", "espeak")] == ["sh"]
    assert visemes.stress("ˈaɪ") == 1.0


# --- the mouth -----------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [35, 60, 100])
@pytest.mark.parametrize("phase", [0, 13, 27])
@pytest.mark.parametrize("stop", ["p", "b", "m"])
def test_lips_meet_in_every_closure(stop, length, phase):
    sounds = [("", 20 + phase), *[("a", length + 30), (stop, length)] * 4, ("a", 120)]
    frames = said([speech(sounds)])
    widest = max(map(opening, frames.values()))
    assert widest > 0.15
    at_ms = 20 + phase
    for symbol, duration in sounds[1:]:
        if symbol == stop:
            first, last = (START + (at_ms + edge) * MS for edge in (-40, duration + 40))
            near = [opening(c) for time, c in frames.items() if first <= time <= last]
            assert min(near) < 0.05 * widest
        at_ms += duration


def test_lips_part_for_a_short_vowel_between_closures():
    sounds = [("a", 100), ("b", 60), ("i", 60), ("b", 60), ("a", 100)]
    frames = said([speech(sounds)], step=5 * MS)
    between = [opening(c) for t, c in frames.items() if START + 160 * MS <= t <= START + 220 * MS]
    assert max(between) > 0.04


@pytest.mark.parametrize("sound", ["f", "v"])
def test_lower_lip_meets_upper_teeth(sound):
    frames = said([speech([("a", 120), (sound, 70), ("a", 120)])])
    touch = at(frames, START + 155 * MS)
    assert 0.02 < touch[JAW] - touch[CLOSE] < 0.07  # their edges lie below the line of closed lips
    assert touch[INDEX["mouthRollLower"]] > 0.35
    assert touch[INDEX["mouthUpperUpLeft"]] > 0.2


def test_rounding_reaches_over_consonants():
    def onset(vowel):
        return at(
            said([speech([("a", 150), ("s", 90), ("t", 60), (vowel, 150)])]), START + 250 * MS
        )

    assert onset("u")[PUCKER] > 0.15
    assert onset("i")[PUCKER] < 0.03


def test_tongue_comes_out_for_th_only():
    tongue = INDEX["tongueOut"]
    assert at(said([speech([("a", 90), ("θ", 90), ("a", 90)])]), START + 135 * MS)[tongue] > 0.15
    assert at(said([speech([("a", 90), ("k", 90), ("a", 90)])]), START + 135 * MS)[tongue] < 0.01


def test_vowels_open_in_the_order_of_their_height():
    jaws = [max(c[JAW] for c in said([speech([(v, 250)])]).values()) for v in "iɪɛæɑ"]
    assert jaws == sorted(jaws)
    assert jaws[0] > 0.04
    assert jaws[-1] < 0.6


def test_mouth_anticipates():
    frames = said([speech([("a", 300)])], step=5 * MS)
    moves = min(time for time, c in frames.items() if c[JAW] > 0.01)
    assert 60 * MS <= START - moves <= 120 * MS
    assert at(frames, START)[JAW] > 0.08


def test_silence_shuts_softly_and_stays_still():
    frames = said([speech([("ɑ", 300), ("", 900)])], step=5 * MS, tail=0)
    end = START + 300 * MS
    jaw = {time - end: c[JAW] for time, c in frames.items() if time >= end}
    shut = min(time for time, value in jaw.items() if value < 0.003)
    assert 100 * MS <= shut <= 175 * MS
    spoken = np.array([c[MOUTH] for c in frames.values()])
    still = np.array([c[MOUTH] for time, c in frames.items() if time > end + 180 * MS])
    assert np.ptp(still, axis=0).max() < 0.02 * np.ptp(spoken, axis=0).max()


def test_loud_speech_opens_more():
    def widest(level):
        motion = VisemeMotion(1)
        motion.speak(START, speech([("ɑ", 200), ("t", 60)] * 3))
        motion.speak(START + PLAY_RATE, speech([("ɑ", 200), ("t", 60)] * 3, level=level))
        later = play(motion, START + PLAY_RATE + 100 * MS, START + 2 * PLAY_RATE)
        return max(c[JAW] for c in later.values())

    assert widest(9000) > 1.15 * widest(3000) > 1.3 * widest(900)


@pytest.mark.parametrize(("vowel", "follows"), [("ɑ", True), ("ˈɑ", False)])
def test_a_few_decibels_are_effort_only_where_nothing_else_tells_of_stress(vowel, follows):
    def opened(level):
        voice = Enunciation()
        voice.sounds(0.0, speech([(vowel, 200), ("t", 60)] * 3))
        return voice.sounds(2.0, speech([(vowel, 200), ("t", 60)] * 3, level=level))[0].openness

    usual = opened(3000)
    assert (opened(4200) > 1.05 * usual) == follows  # 3 dB louder
    assert (opened(2150) < 0.95 * usual) == follows
    assert opened(9000) > 1.1 * usual


def test_fast_speech_opens_less():
    slow, fast = (
        max(c[JAW] for c in said([speech([("t", n // 2), ("ɑ", n)] * 6)]).values())
        for n in (160, 50)
    )
    assert fast < 0.75 * slow


def test_coarticulation_runs_across_pieces():
    left, right = [("a", 150), ("s", 90), ("t", 70)], [("u", 150), ("p", 80), ("a", 120)]
    whole = said([speech(left + right)])
    pieces = said([speech(left), speech(right)], lead=300)
    difference = max(np.abs(whole[t][MOUTH] - pieces[t][MOUTH]).max() for t in whole)
    assert difference < 0.06  # loudness is judged per piece


@pytest.mark.parametrize("after", [0, 35, 110, 240])
def test_cut_shuts_the_mouth(after):
    motion = VisemeMotion(1)
    motion.speak(START, speech([("ɑ", 130), ("s", 70), ("o", 120), ("m", 60)] * 5))
    cut = START + after * MS
    play(motion, 0, cut - FRAME)
    motion.cut(cut)
    frames = play(motion, cut, cut + PLAY_RATE, 2 * MS)
    late = np.array([opening(c) for time, c in frames.items() if time >= cut + 120 * MS])
    assert late.max() < 0.01


def test_speech_after_a_cut_is_spoken():
    motion = VisemeMotion(1)
    motion.speak(START, speech([("ɑ", 400)] * 4))
    play(motion, 0, START + 300 * MS)
    motion.cut(START + 320 * MS)
    again = START + 600 * MS
    motion.speak(again, speech([("ɑ", 300)]))
    frames = play(motion, START + 320 * MS, again + 600 * MS)
    assert at(frames, START + 500 * MS)[JAW] < 0.01
    assert at(frames, again + 160 * MS)[JAW] > 0.2
    assert at(frames, again + 560 * MS)[JAW] < 0.01


def test_knows_the_phoneme():
    motion = VisemeMotion(1)
    motion.speak(START, speech([("h", 60), ("O", 200), ("", 200)], alphabet="misaki"))
    spots = (START - MS, START + 30 * MS, START + 200 * MS, START + 300 * MS)
    assert [motion.phoneme_at(spot) for spot in spots] == ["", "h", "O", ""]


# --- continuity ----------------------------------------------------------------------------------


SAD = Expression(
    {"browInnerUp": 0.4, "mouthFrown": 0.4, "eyeSquint": -0.5},
    (0, -6, 5, 0, 0, 0),
    0.8,
    0.5,
    (3, -9),
)


def eventful(seed, step=2 * MS):
    """Everything at once: late pieces, a cut inside a word, moods and manners."""
    motion = VisemeMotion(seed)
    talk = [("b", 40), ("ɑ", 90), ("s", 60), ("u", 80), ("m", 50), ("i", 70), ("f", 60), ("o", 90)]
    piece = speech(talk * 2, "well is it so?")
    events = {
        1.0: lambda t: motion.speak(t + 20 * MS, piece),
        2.1: lambda t: motion.speak(t, piece),
        2.3: lambda t: motion.cut(t + 40 * MS),
        2.36: lambda t: motion.speak(t + 90 * MS, piece),
        2.7: lambda t: motion.feel(t, Affect(valence=1.0, arousal=1.0)),
        2.8: lambda t: motion.feel(t, Affect(valence=-1.0, arousal=-1.0, attention=0.0), SAD),
        2.9: lambda t: motion.move(t, "shake"),
        3.1: lambda t: motion.move(t, "brows"),
        3.0: lambda t: motion.attend(t, "thinking"),
        3.2: lambda t: motion.attend(t, "listening"),
        3.3: lambda t: motion.attend(t, "speaking"),
        3.4: lambda t: motion.cut(t),
        3.9: lambda t: motion.speak(t - 100 * MS, piece),
    }
    states = []
    for time in range(0, 5 * PLAY_RATE, step):
        for when in [when for when in events if when * PLAY_RATE <= time]:
            events.pop(when)(time)
        states.append(motion.state(time))
    return states


def test_nothing_jumps():
    states = eventful(3)
    coefficients = np.array([s.coefficients for s in states], np.float64)
    assert coefficients.min() >= 0.0
    assert coefficients.max() <= 1.0
    velocity = np.diff(coefficients, axis=0) / 0.002
    lids = [INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]
    eyes = [i for name, i in INDEX.items() if name.startswith("eye")]
    rest = [i for i in range(52) if i not in eyes]
    assert np.abs(velocity[:, rest]).max() < FASTEST
    assert np.abs(velocity[:, lids]).max() < FASTEST_LID
    assert np.abs(np.diff(velocity[:, rest], axis=0)).max() < SHARPEST
    head = np.diff([s.pose[:3] for s in states], axis=0) / 0.002
    assert np.abs(head).max() < 60.0  # degrees a second
    assert np.abs(np.diff([s.breath for s in states])).max() / 0.002 < 4.0


def test_same_seed_same_face():
    first, second, other = (
        np.array([np.r_[s.coefficients, s.pose, s.gaze, s.breath] for s in eventful(seed, FRAME)])
        for seed in (5, 5, 6)
    )
    assert (first == second).all()
    assert np.abs(first - other).max() > 0.1


def test_skipped_frames_change_nothing_later():
    every, some = VisemeMotion(4), VisemeMotion(4)
    for motion in (every, some):
        motion.attend(0, "listening")
    end = 40 * PLAY_RATE
    dense = [every.state(t) for t in range(0, end, FRAME)]
    sparse = [some.state(t) for t in range(0, end, FRAME * 5)]
    for one, other in zip(dense[::5], sparse, strict=True):
        np.testing.assert_allclose(one.coefficients, other.coefficients, atol=1e-5)
        np.testing.assert_allclose(one.pose, other.pose, atol=0.05)


def test_memory_stays_flat():
    motion = VisemeMotion(1)
    piece = speech([("b", 50), ("ɑ", 90), ("s", 60)] * 5, "a b c")
    motion.attend(0, "speaking")

    def talk(rounds):
        start = motion_clock[0]
        for _ in range(rounds):
            motion.speak(start + 5 * FRAME, piece)
            play(motion, start, start + PLAY_RATE, 2 * FRAME)
            start += PLAY_RATE
        motion_clock[0] = start

    motion_clock = [0]
    talk(12)
    tracemalloc.start()
    talk(3)
    early = tracemalloc.get_traced_memory()[0]
    talk(15)
    late = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert late - early < 20_000  # bytes


def test_lips_meet_in_a_broad_smile():
    smile = Expression(
        {"mouthSmile": 0.9, "mouthUpperUp": 0.5, "mouthLowerDown": 0.4, "jawOpen": 0.05}
    )
    for affect in (Affect(), Affect(valence=1.0, arousal=0.6)):
        motion = VisemeMotion(1)
        motion.feel(0, affect, smile)
        play(motion, 0, START - 150 * MS)
        motion.speak(START, speech([("a", 90), ("p", 60), ("i", 90), ("m", 60), ("a", 90)]))
        frames = play(motion, START - 150 * MS, START + 390 * MS, 5 * MS)
        for first, last in ((90, 150), (240, 300)):
            near = [opening(c) for t, c in frames.items() if first * MS <= t - START <= last * MS]
            assert min(near) < 0.02
        between = [opening(c) for t, c in frames.items() if 170 * MS <= t - START <= 220 * MS]
        assert max(between) > 0.2  # and the teeth show again
