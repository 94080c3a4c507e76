"""The arithmetic of bench/face/theval.py and bench/face/truth.py."""

import numpy as np
import pytest

from bench.face import clips, landmark_measures, theval, truth
from bench.face.landmark_measures import EYES, SIDE, Seen
from visavis.engines.base import FaceState
from visavis.models.bake.head import load_head

RATE = 16_000


@pytest.fixture(scope="module")
def face():
    """(468, 3) px of the free head, as a picture shows it: x right, y down."""
    head = load_head()
    corners = head.vertices[head.faces[head.landmark_faces]]
    points = np.einsum("lc,lcd->ld", head.landmark_weights, corners)
    return np.asarray(points * [100.0, -100.0, 100.0] + [150, 150, 0], np.float64)


def clip(face, frames):
    return np.repeat(face[None], frames, 0)


def test_a_score_is_one_at_the_truth_and_falls_on_both_sides():
    assert landmark_measures.score(2.0, 2.0) == 1.0
    assert landmark_measures.score(1.5, 2.0) == landmark_measures.score(2.5, 2.0) == 0.75


def test_lip_dynamics_is_the_deviation_of_lip_distances_in_px_of_the_measured_picture(face):
    still = clip(face, 40)
    assert landmark_measures.lip_dynamics(still) == pytest.approx(0.0, abs=1e-9)
    lips, grown = landmark_measures.LIPS, np.where(np.arange(40) % 2, 1.1, 0.9)
    middle = face[lips].mean(0)
    still[:, lips] = middle + (face[lips] - middle) * grown[:, None, None]
    flat = face[lips, :2]
    a, b = np.triu_indices(len(lips), 1)
    eyes = np.linalg.norm(face[263, :2] - face[33, :2])
    expected = 0.1 * np.linalg.norm(flat[a] - flat[b], axis=1).mean() * SIDE * EYES / eyes
    assert landmark_measures.lip_dynamics(still) == pytest.approx(expected, rel=1e-6)
    assert landmark_measures.lip_dynamics(still * 3 + 17) == pytest.approx(expected, rel=1e-6)


def test_brow_dynamics_is_the_mean_step_of_a_brows_height(face):
    points = clip(face, 21)
    unit = np.linalg.norm(
        np.diff([face[eye, :2].mean(0) for _, eye in landmark_measures.SIDES], axis=0)
    )
    for brow, _ in landmark_measures.SIDES:
        points[10:, brow, 1] -= 0.1 * unit  # once, of 20 steps
    assert landmark_measures.brow_dynamics(points) == pytest.approx(0.1 / 20, rel=0.05)


def test_only_silences_of_a_third_of_a_second_count(face):
    points, speech = clip(face, 60), np.ones(60, bool)
    speech[10:15] = speech[30:42] = False  # 200 and 480 ms
    kept = landmark_measures.silences(speech, 25)
    assert kept[30:42].all()
    assert kept.sum() == 12
    lower, upper = landmark_measures.GAP_LOWER, landmark_measures.GAP_UPPER
    points[:, lower, 1] = points[:, upper, 1] + 2
    points[10:15, lower, 1] += 50  # in the short one
    points[36:42, lower, 1] += 6
    eyes = np.linalg.norm(face[263, :2] - face[33, :2])
    assert landmark_measures.silent_lips(points, speech, 25) == pytest.approx(3 / eyes, rel=0.01)
    assert np.isnan(landmark_measures.silent_lips(points, np.ones(60, bool), 25))


def test_lip_sync_is_nothing_where_lips_open_as_loudness_rises(face):
    frames, half = 50, RATE // 2
    louder = np.repeat(np.linspace(0.1, 0.9, 4), half) * np.resize([1.0, -1.0], 4 * half)
    shown = landmark_measures.loudness(louder, RATE, np.arange(frames) / 25)
    points = clip(face, frames)
    lower, upper = landmark_measures.GAP_LOWER, landmark_measures.GAP_UPPER
    points[:, lower, 1] = points[:, upper, 1] + 20 * shown[:, None]
    seen = Seen(points, 25, louder, RATE, np.ones(frames, bool))
    assert landmark_measures.lip_sync(seen) == pytest.approx(0.0, abs=1e-6)
    points[:, lower, 1] = points[:, upper, 1] + 20 * (1 - shown[:, None])
    assert landmark_measures.lip_sync(seen) > 0.4
    assert np.isnan(landmark_measures.lip_sync(Seen(points, 25, louder, RATE, seen.speech * False)))


def test_a_heads_turn_is_read_off_its_landmarks(face):
    told = [(0.0, 0.0, 0.0), (8.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, -5.0, 0.0), (0.0, 0.0, 4.0)]
    points = np.stack([(face - face.mean(0)) @ truth.rotation(*one).T for one in told])
    found = landmark_measures.turns(points)
    assert np.abs(found).argmax(1)[[1, 3, 4]].tolist() == [0, 1, 2]
    assert np.abs(found[[1, 3, 4], [0, 1, 2]]) == pytest.approx([8, 5, 4], abs=1e-6)


def test_speech_is_where_it_is_loud_and_short_gaps_are_none_of_silence():
    tone = 0.3 * np.sin(np.arange(48_000) * 0.05)
    gap, pause = np.zeros(48_000 // 20), np.zeros(48_000 // 2)
    sound = np.concatenate([tone, gap, tone, pause, tone])
    speech = clips.voiced(sound, 25, len(sound) * 25 // 48_000)
    assert speech[:50].all()  # the gap of 50 ms is bridged
    silent = np.flatnonzero(~speech)
    assert 52 <= silent.min() <= 54
    assert 61 <= silent.max() <= 64


def test_a_state_of_a_turned_portrait_comes_on_top_of_its_turn():
    row = {"coefficients": {"jawOpen": 0.2}, "pose": [3.0, -2.0, 1.0]}
    assert truth.absolute(row, (0.0, 0.0, 0.0))["pose"] == pytest.approx(row["pose"])
    turned = truth.absolute(row, (-15.0, 2.0, 3.0))["pose"]
    back = truth.rotation(*turned) @ truth.rotation(-15.0, 2.0, 3.0).T
    assert truth.angles_first(back) == pytest.approx(row["pose"], abs=0.01)


def test_the_truths_states_are_a_personas_own_and_always_the_same():
    first, same, other = (truth.described(name) for name in ("mira", "mira", "jun"))
    assert first == same != other
    assert first[0] == truth.NEUTRAL
    assert len(first) == truth.STATES + 1
    assert max(abs(v) for row in first for v in row["pose"]) < max(truth.POSE_MOST)


def test_a_clip_is_drawn_again_only_where_what_is_seen_or_heard_of_it_has_changed(tmp_path):
    spoken = clips.Spoken("somebody", (), 0, np.zeros(8))
    louder = clips.Spoken("somebody", (), 0, np.ones(8))
    states = [FaceState(), FaceState(breath=0.2)]
    drawn = []

    def measure():
        drawn.append(1)
        return {"lip_sync": 0.25 * len(drawn)}

    rows = theval.Rows(tmp_path, b"mira", "None")
    assert (
        rows.of(spoken, states, measure) == rows.of(spoken, states, measure) == {"lip_sync": 0.25}
    )
    again = theval.Rows(tmp_path, b"mira", "None")  # as after a run that was broken off
    assert again.of(spoken, states, measure) == {"lip_sync": 0.25}
    assert again.of(spoken, states[::-1], measure) == {"lip_sync": 0.5}
    assert again.of(louder, states, measure) == {"lip_sync": 0.75}
    other = theval.Rows(tmp_path, b"tomas", "None")
    assert other.of(spoken, states, measure) == {"lip_sync": 1.0}
