import itertools

import numpy as np
import pytest
from support.babble import FRAME, MS, START, at, play, speech

from visavis.engines.base import AT_EASE, PLAY_RATE, Affect, Expression
from visavis.engines.motion.behaviour import BEHAVIOURS
from visavis.engines.motion.gaze import Gaze, saccade_duration
from visavis.engines.motion.viseme_motion import VisemeMotion
from visavis.models.arkit import INDEX

GLANCE = 5 * FRAME  # often enough for where eyes rest; test_motion.py: skipping changes nothing


def watch(attention, seconds, seed=7, step=FRAME):
    motion = VisemeMotion(seed)
    motion.attend(0, attention)
    return [motion.state(t) for t in range(0, seconds * PLAY_RATE, step)]


def blinks(states):
    lids = np.array([s.coefficients[INDEX["eyeBlinkLeft"]] for s in states])
    down = lids > 0.35
    starts = np.flatnonzero(down[1:] & ~down[:-1])
    return starts * FRAME / PLAY_RATE, lids


def test_blinks_like_a_person():
    resting, lids = blinks([s for seed in (1, 2) for s in watch("idle", 240, seed)])
    per_minute = len(resting) / 8
    assert 14 <= per_minute <= 21
    gaps = np.diff(resting)
    assert np.median(gaps) < np.mean(gaps)  # skewed as a log-normal is
    assert gaps.min() > 0.2
    assert gaps.max() < 40
    peaks = [lids[int(t * 25) : int(t * 25) + 9].max() for t in resting]
    assert np.mean(np.array(peaks) > 0.9) > 0.8  # most blinks close the eye in a picture
    talking, _ = blinks([s for seed in (1, 2) for s in watch("speaking", 240, seed)])
    assert len(talking) > 1.1 * len(resting)


def test_who_speaks_blinks_between_phrases():
    clause = [("a", 150), ("t", 100)] * 8  # 2 s
    frames, spans = {}, []
    motion = VisemeMotion(4)
    motion.attend(0, "speaking")
    for turn in range(30):
        start = START + turn * 3 * PLAY_RATE
        frames |= play(motion, max(frames, default=-FRAME) + FRAME, start - 150 * MS)
        motion.speak(start, speech([*clause, ("", 1000)]))
        spans.append((start, start + 2 * PLAY_RATE))
    frames |= play(motion, max(frames) + FRAME, spans[-1][1] + PLAY_RATE)
    times = np.array(sorted(frames))
    lids = np.array([frames[t][INDEX["eyeBlinkLeft"]] for t in times])
    starts = times[1:][(lids[1:] > 0.35) & (lids[:-1] <= 0.35)]
    while_sounding = sum(any(a + 300 * MS < t < b for a, b in spans) for t in starts)
    assert len(starts) > 20
    assert while_sounding < 0.1 * len(starts)


def test_a_long_phrase_is_not_stared_through():
    motion = VisemeMotion(3)
    motion.attend(0, "speaking")
    motion.speak(0, speech([("a", 150), ("t", 100)] * 80))  # 20 s
    states = [motion.state(t) for t in range(0, 20 * PLAY_RATE, FRAME)]
    starts, _ = blinks(states)
    assert 3 <= len(starts) <= 9
    assert np.diff([0.0, *starts, 20.0]).max() < 10


def test_a_reply_that_is_broken_off_holds_no_blink_back():
    def blinks_within(cut):
        waits = []
        for seed in range(12):
            motion = VisemeMotion(seed)
            motion.attend(0, "speaking")
            motion.speak(0, speech([("a", 150), ("t", 100)] * 8))
            play(motion, 0, PLAY_RATE // 5)
            if cut:
                motion.cut(PLAY_RATE // 5)
            states = [motion.state(t) for t in range(PLAY_RATE // 5, 2 * PLAY_RATE, FRAME)]
            waits.append(len(blinks(states)[0]))
        return sum(waits)

    assert blinks_within(cut=True) > blinks_within(cut=False)


def test_lids_fall_faster_than_they_rise():
    motion = VisemeMotion(7)
    lids = np.array(
        [c[INDEX["eyeBlinkLeft"]] for c in play(motion, 0, 10 * PLAY_RATE, 4 * MS).values()]
    )
    speed = np.diff(lids)
    assert speed.max() > 1.4 * -speed.min()
    closed = np.flatnonzero(np.diff((lids > 0.03).astype(int)))
    lengths = 4 * np.diff(closed)[::2]
    assert 100 <= np.median(lengths) <= 300


def looks_away(states):
    room = np.array([s.gaze + s.pose[:2] for s in states])
    return float(np.mean(np.hypot(*room.T) > 4.5)), room


def test_looks_at_the_visitor_and_away_to_think():
    for attention in ("idle", "speaking"):
        share, _ = looks_away(watch(attention, 180, step=GLANCE))
        assert 0.03 < share < 0.25
    assert looks_away(watch("listening", 180, step=GLANCE))[0] < 0.15
    share, room = looks_away(watch("thinking", 60, step=GLANCE))
    assert share > 0.6
    assert np.median(room[:, 1]) > 2  # up


def test_saccades_follow_the_main_sequence():
    motion = VisemeMotion(3)
    motion.attend(0, "thinking")
    gaze = np.array([s.gaze for s in (motion.state(t) for t in range(0, 8 * PLAY_RATE, 4 * MS))])
    speed = np.hypot(*np.diff(gaze, axis=0).T) * 250
    assert 120 < speed.max() < 600  # degrees a second


def test_long_saccades_fall_short_and_are_mended():
    gaze = Gaze(np.random.default_rng(2), BEHAVIOURS["thinking"])
    shifts, track = [], []
    for step in range(60 * 200):
        shifts += gaze.shifts(step / 200)
        track.append(gaze.direction(step / 200))
    landed, mended = [], []
    for shift, after in itertools.pairwise(shifts):
        arrived = shift.at + saccade_duration(shift.amplitude) + 0.01
        if shift.amplitude > 6.0 and after.at > arrived + 0.3:
            missed = [track[int((arrived + s) * 200)] - shift.goal for s in (0.0, 0.28)]
            landed.append(np.hypot(*missed[0]) / shift.amplitude)
            mended.append(np.hypot(*missed[1]) / shift.amplitude)
    assert len(landed) > 10
    assert 0.03 <= min(landed) <= max(landed) < 0.12
    assert max(mended) < 0.001


def test_eyes_meet_at_the_visitor_and_not_far_away():
    motion = VisemeMotion(3)
    motion.attend(0, "thinking")
    near, far = [], []
    for t in range(0, 60 * PLAY_RATE, FRAME):
        state = motion.state(t)
        turned = state.coefficients[INDEX["eyeLookInLeft"]]
        assert turned == state.coefficients[INDEX["eyeLookInRight"]]
        where = np.hypot(*(state.gaze + state.pose[:2]))
        (far if where > 5 else near).append(turned)
    assert np.median(near) > 0.02  # of 30 degrees
    assert np.median(far) < 0.005


def test_who_speaks_glances_at_its_own_words_and_who_listens_never():
    def glances(attention):
        states = [s for seed in range(4) for s in watch(attention, 60, seed, GLANCE)]
        return sum(s.gaze[1] + s.pose[1] < -7.5 for s in states) / len(states)

    assert 0.005 < glances("speaking") < 0.08
    assert glances("listening") == 0.0


def parted(speeches, until):
    """Widest opening of the jaw in the pause after the first speech."""
    widest = []
    for seed in range(6):
        motion = VisemeMotion(seed)
        motion.attend(0, "speaking")
        for at_, piece in speeches:
            motion.speak(at_, piece)
        frames = play(motion, 0, until)
        end = START + 400 * MS
        pause = range(end + 150 * MS, until - 160 * MS)
        widest.append(max(c[INDEX["jawOpen"]] for t, c in frames.items() if t in pause))
    return widest


def test_who_goes_on_breathes_in_through_parted_lips():
    said = speech([("ɑ", 400)])
    second = START + 1000 * MS
    going_on = parted([(START, said), (second, said)], second)
    done = parted([(START, said)], second)
    assert np.median(going_on) > 0.1
    assert max(done) < 0.02


def test_a_heard_voices_pause_is_breathed_in_too():
    said, hush = speech([("ɑ", 400)]), speech([("", 120)])
    pieces = [(START, said), *((START + (400 + 120 * k) * MS, hush) for k in range(5))]
    assert np.median(parted(pieces, START + 1160 * MS)) > 0.1


def test_lips_brows_and_head_go_further_the_livelier_it_speaks():
    def spread(lively):
        motion = VisemeMotion(4)
        motion.attend(0, "speaking")
        motion.feel(0, Affect(), Expression(lively=lively))
        motion.state(0)
        for k in range(8):
            motion.speak(START + k * PLAY_RATE, speech([("b", 60), ("ɑ", 130), ("u", 110)] * 3))
        states = [motion.state(t) for t in range(START, START + 8 * PLAY_RATE, FRAME)]
        faces = np.array([s.coefficients for s in states])
        mouth, brow = faces[:, INDEX["mouthPucker"]], faces[:, INDEX["browOuterUpLeft"]]
        return mouth.std(), brow.std(), np.array([s.pose[:3] for s in states]).std()

    calm, usual, lively = (spread(amount) for amount in (0.6, 1.0, 1.5))
    assert all(a < b for a, b in zip(calm, usual, strict=True))
    assert usual[0] < lively[0]
    assert usual[2] < lively[2]


def test_head_neither_freezes_nor_sways():
    pose = np.array([s.pose for s in watch("idle", 150)])
    assert np.percentile(np.abs(pose[:, 0]), 95) < 4.5
    assert np.percentile(np.abs(pose[:, 1]), 95) < 4.0
    seconds = pose[: len(pose) // 25 * 25, :3].reshape(-1, 25, 3)
    moved = np.ptp(seconds, axis=1).max(1)
    assert moved.min() > 0.01  # it never freezes for a second
    assert np.median(moved) < 1.0  # and mostly holds still
    assert np.abs(np.diff(pose[:, :3], 2, axis=0)).max() < 0.6  # no jitter: degrees a frame, twice


def test_life_never_repeats():
    pose = np.array([np.r_[s.pose[:3], s.gaze] for s in watch("idle", 180)])
    width = 50  # frames: 2 s
    starts = range(0, len(pose) - width, 25)
    windows = np.stack([pose[s : s + width].ravel() for s in starts])
    windows -= windows.mean(1, keepdims=True)
    for one, two in itertools.combinations(range(len(windows)), 2):
        if two - one > 2:
            assert np.abs(windows[one] - windows[two]).max() > 0.02


def test_breathes():
    breath = np.array([s.breath for s in watch("idle", 60)])
    rises = np.sum((breath[1:] > 0.35) & (breath[:-1] <= 0.35))
    assert 11 <= rises <= 17


# --- manners, affect, gestures -------------------------------------------------------------------


def test_what_is_meant_is_known_from_what_is_idle():
    motion = VisemeMotion(5)
    motion.attend(0, "speaking")
    motion.move(START, "nod")
    times = range(0, 12 * PLAY_RATE, FRAME)
    states = [motion.state(t) for t in times]
    bearing, glance = (np.array([getattr(s, n) for s in states]) for n in ("bearing", "glance"))
    pose = np.array([s.pose for s in states])
    nodding = slice(START // FRAME, (START + PLAY_RATE) // FRAME)
    assert bearing[nodding, 1].min() < -4
    still = np.abs(bearing).max(1) < 1e-6
    assert 0.2 < still.mean() < 0.95  # nothing is meant, while the head goes on by itself
    assert np.ptp(pose[still, 0]) > 0.5
    assert np.abs(glance[still]).max() == 0
    far = np.abs(np.array([s.gaze for s in states]) + pose[:, :2]).max(1) > 5.5
    resting = far[1:] & far[:-1]  # no saccade on its way
    assert np.abs(glance + bearing[:, :2])[1:][resting].max(1).min() > 4


def test_listener_leans_in_and_nods():
    idle = np.array([s.pose for s in watch("idle", 30)])
    listening = np.array([s.pose for s in watch("listening", 30)])
    assert listening[:, 5].mean() > idle[:, 5].mean() + 0.03
    dips = np.diff(listening[:, 1]) * 25
    assert dips.min() < -5  # degrees a second: a nod, not a drift


def test_a_broad_smile_bares_the_upper_row_and_a_small_one_does_not():
    def smiling(valence):
        motion = VisemeMotion(2)
        motion.feel(0, Affect(valence=valence))
        face = at(play(motion, 0, 3 * PLAY_RATE), 3 * PLAY_RATE - FRAME)
        return [face[INDEX[name]] for name in ("mouthSmileLeft", "jawOpen", "mouthUpperUpLeft")]

    small, broad = smiling(0.5), smiling(1.0)
    assert small[0] < 0.5
    assert max(small[1:]) < 0.05
    assert broad[0] > 0.6
    assert broad[1] > 0.12
    assert broad[2] > 0.15


def test_affect_shows_within_a_second():
    motion = VisemeMotion(2)
    play(motion, 0, PLAY_RATE)
    motion.feel(PLAY_RATE, Affect(valence=1.0))
    frames = play(motion, PLAY_RATE, 3 * PLAY_RATE)
    smile = INDEX["mouthSmileLeft"]
    assert at(frames, PLAY_RATE + 80 * MS)[smile] < 0.15
    assert at(frames, PLAY_RATE + 600 * MS)[smile] > 0.3
    motion.feel(3 * PLAY_RATE, Affect(valence=-1.0, arousal=-0.6))
    sad = at(play(motion, 3 * PLAY_RATE, 5 * PLAY_RATE), 5 * PLAY_RATE)
    assert sad[smile] < 0.05
    assert sad[INDEX["mouthFrownLeft"]] > 0.2


def test_smile_stays_under_speech():
    motion = VisemeMotion(2)
    motion.feel(0, Affect(valence=1.0))
    motion.speak(START, speech([("ɑ", 120), ("t", 60), ("i", 120), ("m", 70)] * 3))
    frames = play(motion, 0, START + PLAY_RATE)
    smiles = [c[INDEX["mouthSmileLeft"]] for t, c in frames.items() if t > START]
    assert min(smiles) > 0.3


def brows(words, seeds=12):
    """Mean raise of the brows over the end of a sentence."""
    heights = []
    for seed in range(seeds):
        motion = VisemeMotion(seed)
        motion.speak(START, speech([("ɑ", 100), ("t", 60)] * 8, words))
        frames = play(motion, START - FRAME, START + 1500 * MS)
        end = START + 1200 * MS  # in the last word, and until the raise on an accent is over
        heights.append([c[INDEX["browOuterUpLeft"]] for t, c in frames.items() if t > end])
    return float(np.mean(heights))


def test_brows_rise_on_a_question():
    asked, told = brows("a b c d e f g h?"), brows("a b c d e f g h.")
    assert asked > 0.2
    assert asked > told + 0.05


def test_head_moves_more_in_speech_and_comes_to_rest():
    motion = VisemeMotion(8)
    still = np.array([motion.state(t).pose[:3] for t in range(0, START, FRAME)])
    motion.speak(START, speech([("d", 60), ("ɑ", 120), ("n", 60), ("i", 90)] * 9))
    end = START + 3 * PLAY_RATE
    talking = np.array([motion.state(t).pose[:3] for t in range(START, end, FRAME)])
    rest = range(end + 2 * PLAY_RATE, end + 5 * PLAY_RATE, FRAME)
    after = np.array([motion.state(t).pose[:3] for t in rest])
    speed = [np.abs(np.diff(pose, axis=0)).mean() for pose in (still, talking, after)]
    assert speed[1] > 1.5 * speed[0]
    assert speed[1] > 1.5 * speed[2]


# --- expression and movements --------------------------------------------------------------------


def test_a_bearing_shows_on_face_and_head_and_goes_again():
    motion = VisemeMotion(2)
    expression = Expression(face={"mouthSmileLeft": 0.5}, pose=(0.0, 6.0, 0.0, 0.0, 0.0, 0.0))
    motion.feel(0, Affect(), expression)
    smile = INDEX["mouthSmileLeft"]
    states = [motion.state(t) for t in range(0, 6 * PLAY_RATE, FRAME)][50:]
    assert np.median([s.coefficients[smile] for s in states]) > 0.4
    assert np.median([s.pose[1] for s in states]) > 4
    motion.feel(6 * PLAY_RATE, Affect())
    states = [motion.state(t) for t in range(6 * PLAY_RATE, 12 * PLAY_RATE, FRAME)][50:]
    assert np.median([s.coefficients[smile] for s in states]) < 0.1
    assert abs(np.median([s.pose[1] for s in states])) < 2.5


def shared_gaze(expression):
    away, towards = [], []
    for seed in range(5):
        motion = VisemeMotion(seed)
        motion.attend(0, "speaking")
        motion.feel(0, Affect(), expression)
        states = [motion.state(t) for t in range(0, 40 * PLAY_RATE, GLANCE)][10:]
        room = np.array([s.gaze + s.pose[:2] for s in states])
        off = np.hypot(*room.T) > 4.5
        away.append(off.mean())
        towards.append(room[off].mean(axis=0) if off.any() else np.zeros(2))
    return float(np.mean(away)), np.mean(towards, axis=0)


def test_a_bearing_decides_where_the_eyes_go():
    usual, _ = shared_gaze(AT_EASE)
    held, _ = shared_gaze(Expression(away=-1.0))
    aside, where = shared_gaze(Expression(away=0.45, look=(15.0, 9.0)))
    assert held < 0.03 < usual < 0.3 < aside < 0.8
    assert where[0] > 10
    assert where[1] > 5


@pytest.mark.parametrize(
    ("movement", "moves"),
    [
        ("acknowledge", lambda s: -s.pose[1] / 1.5),
        ("nod", lambda s: -s.pose[1] / 4.0),
        ("shake", lambda s: abs(s.pose[0]) / 3.5),
        ("tilt", lambda s: abs(s.pose[2]) / 2.5),
        ("brows", lambda s: s.coefficients[INDEX["browOuterUpLeft"]] / 0.4),
        ("wink", lambda s: s.coefficients[INDEX["eyeBlinkLeft"]] / 0.9),
    ],
)
def test_a_movement_is_made(movement, moves):
    heights = {True: [], False: []}
    for moved, seed in itertools.product((True, False), range(6)):
        motion = VisemeMotion(seed)
        play(motion, 0, START)
        if moved:
            motion.move(START, movement)
        states = [motion.state(t) for t in range(START, START + 2 * PLAY_RATE, FRAME)]
        heights[moved].append([moves(state) for state in states])
    added = np.array(heights[True]) - np.array(heights[False])
    assert np.median(np.abs(added).max(axis=1)) > 0.8
    assert np.abs(added[:, 0]).max() < 0.1  # it does not begin with a jump


def test_a_listener_does_not_nod_twice_at_once():
    motion = VisemeMotion(3)
    motion.attend(0, "listening")
    play(motion, 0, START)
    for after in (0, 200, 400, 600):
        motion.move(START + after * MS, "acknowledge")
    pitch = np.array(
        [motion.state(t).pose[1] for t in range(START, START + 1200 * MS, FRAME)], np.float64
    )
    assert pitch.min() > pitch[0] - 4.5  # degrees: one nod, not four on top of each other


def test_a_wink_closes_one_eye():
    motion = VisemeMotion(1)
    motion.move(START, "wink")
    frames = play(motion, 0, START + PLAY_RATE)
    left, right = (
        max(c[INDEX[n]] for t, c in frames.items() if START < t < START + 400 * MS)
        for n in ("eyeBlinkLeft", "eyeBlinkRight")
    )
    assert left > 0.9 > 0.5 > right


@pytest.mark.parametrize("sound", ["f", "m"])
def test_a_phrase_that_begins_shut_ends_the_breath(sound):
    motion = VisemeMotion(1)
    motion.speak(START, speech([("ɑ", 400)]))
    again = START + PLAY_RATE
    motion.speak(again, speech([(sound, 80), ("ɑ", 200)]))
    jaw, close = INDEX["jawOpen"], INDEX["mouthClose"]
    frames = play(motion, 0, again + 200 * MS)
    shut = min(c[jaw] - c[close] for t, c in frames.items() if t >= again - 40 * MS)
    assert shut < 0.07
