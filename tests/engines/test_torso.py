"""Shoulders and hair that come after the head: how late, and that they come to rest."""

import numpy as np
import pytest

from visavis.engines.base import PLAY_RATE
from visavis.engines.motion.torso import LAG, Torso
from visavis.engines.motion.viseme_motion import VisemeMotion

STEP = 0.04  # s
NOTHING = np.zeros(6)


def turning(time):
    """Yaw that grows by 20 degrees a second for a second, and stays."""
    return np.array([20 * np.clip(time - 0.2, 0, 1), 0, 0, 0, 0, 0])


def followed(step, end=3.0):
    torso, times = Torso(), np.arange(0, end, step)
    made = [torso.after(t, turning(t), NOTHING) for t in times]
    return times, np.array([body[0] for body, _ in made]), np.array([hair for _, hair in made])


def test_shoulders_come_after_the_head_and_never_swing_past():
    times, yaw, _ = followed(STEP)
    head = np.array([turning(t)[0] for t in times])
    steady = (times > 0.9) & (times < 1.2)
    assert (head - yaw)[steady] == pytest.approx(20 * LAG, rel=0.05)
    assert (np.diff(yaw) >= -1e-9).all()
    assert yaw[-1] == pytest.approx(20, abs=0.01)


def test_how_often_it_is_asked_changes_nothing():
    times, often, hair = followed(STEP / 4)
    seldom, yaw, swung = followed(STEP)
    assert np.interp(seldom, times, often) == pytest.approx(yaw, abs=1e-6)
    assert np.interp(seldom, times, hair) == pytest.approx(swung, abs=1e-6)


def test_hair_hangs_back_while_the_head_turns_and_then_hangs_still():
    _, _, hair = followed(STEP)
    assert hair.min() < -0.25
    assert (hair <= 1e-9).all()  # no swinging to and fro
    assert abs(hair[-1]) < 1e-3
    assert np.abs(np.diff(hair)).max() < 0.12


def test_a_stress_is_felt_in_the_shoulders():
    torso = Torso()
    nod = np.array([0, -1.5, 0, 0, 0, 0])
    torso.after(0, NOTHING, NOTHING)
    body, _ = torso.after(0.3, nod, nod)
    assert body[4] < -0.02  # down
    assert body[5] > 0.01  # and forward


def test_a_face_carries_them():
    motion = VisemeMotion(2)
    motion.attend(0, "listening")
    states = [motion.state(t) for t in range(0, 20 * PLAY_RATE, PLAY_RATE // 25)]
    pose = np.array([state.pose[:3] for state in states])
    torso = np.array([state.torso[:3] for state in states])
    late = round(LAG * 25)
    after = [np.abs(pose[: -k or None] - torso[k:]).mean() for k in range(2 * late)]
    assert int(np.argmin(after)) == pytest.approx(late, abs=1)
    assert np.ptp([state.hair for state in states]) > 0.02
