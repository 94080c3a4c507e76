"""The head asset: what it holds is where it should be, and every unit does what its name says."""

import numpy as np
import pytest

from visavis.models import arkit
from visavis.models.bake.head import landmarks, load_head, read_head
from visavis.models.errors import ModelError

NOSE_TIP, CHIN, FOREHEAD = 1, 152, 10
LIP_UPPER, LIP_LOWER = 13, 14
CORNER_RIGHT, CORNER_LEFT = 61, 291
ONE_MM = 0.01  # dm


@pytest.fixture(scope="module")
def head():
    return load_head()


def state(**units):
    coefficients = np.zeros(arkit.COUNT, np.float32)
    for name, value in units.items():
        coefficients[arkit.INDEX[name]] = value
    return coefficients


def deform(head, coefficients, identity=None):
    """Face state (52,) in [0, 1] and identity (k,) or fewer -> (n, 3) vertices."""
    vertices = head.vertices + np.tensordot(coefficients, head.units, 1)
    if identity is not None:
        vertices = vertices + np.tensordot(identity, head.identity[: len(identity)], 1)
    return vertices.astype(np.float32)


def eye_radius(head):
    balls = [head.vertices[head.regions[f"eye_{side}"]] for side in ("left", "right")]
    return np.mean([np.ptp(ball[:, 0]) / 2 for ball in balls])


def height(edge, x):
    order = np.argsort(edge[:, 0])
    return np.interp(x, edge[order, 0], edge[order, 1])


def gap(head, loop, vertices, opened):
    """Heights in dm between an opening's edges, between its corners; negative where they pass."""
    ring = head.loops[loop]
    ring = np.roll(ring, -int(opened[ring][:, 0].argmin()))
    end = int(opened[ring][:, 0].argmax())
    one, other = vertices[ring[: end + 1]], vertices[np.append(ring[end:], ring[0])]
    if opened[ring[1:end]][:, 1].mean() < opened[ring[end + 1 :]][:, 1].mean():
        one, other = other, one
    x = np.linspace(one[:, 0].min(), one[:, 0].max(), 17)[2:-2]
    return height(one, x) - height(other, x)


def lip_gap(head, vertices):
    return gap(head, "lips", vertices, head.vertices + head.units[arkit.INDEX["jawOpen"]])


def lid_gap(head, side, vertices):
    return gap(head, f"lid_edge_{side}", vertices, head.vertices)


def test_it_holds_a_head_of_a_plausible_size(head):
    assert head.units.shape == (arkit.COUNT, len(head.vertices), 3)
    assert head.identity.shape == (len(head.identity_names), len(head.vertices), 3)
    assert len(set(head.identity_names)) == len(head.identity_names) >= 20
    low, high = (
        head.vertices[head.regions["skin"]].min(0),
        head.vertices[head.regions["skin"]].max(0),
    )
    assert 2.5 < high[1] - low[1] < 4.5  # crown to upper shoulders, dm
    assert np.allclose(head.eye_centres.mean(0), 0, atol=1e-4)
    assert 0.5 < head.eye_centres[0, 0] - head.eye_centres[1, 0] < 0.7  # eyes 50 to 70 mm apart


def test_shared_arrays_cannot_be_written(head):
    with pytest.raises(ValueError, match="read-only"):
        head.units[0] = 0


def test_nothing_but_units_moves_the_rest_face(head):
    assert np.array_equal(deform(head, state()), head.vertices)


def test_triangles_face_outwards(head):
    a, b, c = (head.vertices[head.faces[:, k]] for k in range(3))
    normal, middle = np.cross(b - a, c - a), (a + b + c) / 3
    for name in ("eye_left", "eye_right"):
        own = head.region_faces[name]
        centre = head.vertices[head.regions[name]].mean(0)
        assert (np.einsum("fk,fk->f", normal[own], middle[own] - centre) > 0).mean() > 0.98
    nose = head.landmark_faces[NOSE_TIP]
    assert normal[nose, 2] > 0


@pytest.mark.parametrize("name", arkit.NAMES)
def test_each_unit_moves_its_own_part_of_the_face(head, name):
    size = np.linalg.norm(head.units[arkit.INDEX[name]], axis=1)
    assert 1.5 * ONE_MM < size.max() < 50 * ONE_MM
    x, y, _ = (size @ head.vertices) / size.sum()
    if name.endswith("Left") and name not in ("jawLeft", "mouthLeft"):
        assert x > 0.05
    elif name.endswith("Right") and name not in ("jawRight", "mouthRight"):
        assert x < -0.05
    else:
        assert abs(x) < 0.02
    if name.startswith("brow"):
        assert y > 0.05
    elif name.startswith("eye"):
        assert -0.25 < y < 0.25
    elif name.startswith(("mouth", "jaw", "tongue")):
        assert y < -0.4
    shoulders = head.vertices[:, 1] < -2
    assert size[shoulders].max() < ONE_MM


@pytest.mark.parametrize("left", [n for n in arkit.NAMES if n.endswith("Left")])
def test_left_and_right_are_mirror_images(head, left):
    one = head.units[arkit.INDEX[left]]
    other = head.units[arkit.INDEX[left.removesuffix("Left") + "Right"]]
    sizes = [np.sort(np.linalg.norm(unit, axis=1)) for unit in (one, other)]
    assert np.allclose(*sizes, atol=0.1 * ONE_MM)
    sums = [unit.sum(0) for unit in (one, other)]
    assert np.allclose(sums[0], sums[1] * [-1, 1, 1], atol=0.01 * np.abs(one).sum())


def test_the_jaw_takes_chin_lower_teeth_and_tongue_down_and_leaves_the_upper_teeth(head):
    moved = deform(head, state(jawOpen=1)) - head.vertices
    assert landmarks(head, moved)[CHIN, 1] < -10 * ONE_MM
    for name in ("teeth_lower", "gum_lower"):
        assert moved[head.regions[name]][:, 1].max() < -5 * ONE_MM
    tip = head.regions["tongue"] & (head.vertices[:, 2] > 0)
    assert moved[tip][:, 1].max() < -5 * ONE_MM
    for name in ("teeth_upper", "gum_upper", "eye_left", "eye_right"):
        assert np.abs(moved[head.regions[name]]).max() < 0.1 * ONE_MM


def test_lower_teeth_keep_their_shape_as_the_jaw_opens(head):
    teeth = head.regions["teeth_lower"]
    rest, open_ = head.vertices[teeth], deform(head, state(jawOpen=0.6))[teeth]
    size = [np.linalg.norm(p - p.mean(0), axis=1) for p in (rest, open_)]
    assert np.abs(size[1] / size[0] - 1).max() < 0.05


def test_lips_touch_at_rest_and_part_with_the_jaw(head):
    assert lip_gap(head, head.vertices).max() < 0
    assert lip_gap(head, deform(head, state(jawOpen=1))).max() > 20 * ONE_MM


def test_mouth_close_shuts_the_lips_over_an_open_jaw(head):
    for jaw in (0.25, 0.5, 1.0):
        shut = deform(head, state(jawOpen=jaw, mouthClose=jaw))
        assert lip_gap(head, shut).max() < 0.2 * ONE_MM


@pytest.mark.parametrize(
    "name", ["mouthPressLeft", "mouthPucker", "mouthRollLower", "mouthRollUpper", "cheekPuff"]
)
def test_units_of_closed_lips_keep_them_closed(head, name):
    assert lip_gap(head, deform(head, state(**{name: 1}))).max() < 0.2 * ONE_MM


@pytest.mark.parametrize(("side", "sign"), [("left", 1), ("right", -1)])
def test_a_blink_shuts_its_own_eye(head, side, sign):
    opened = lid_gap(head, side, head.vertices)
    assert opened.mean() > 5 * ONE_MM
    assert head.vertices[head.regions[f"eye_{side}"]][:, 0].mean() * sign > 0
    shut = deform(head, state(**{f"eyeBlink{side.title()}": 1}))
    assert lid_gap(head, side, shut).max() < 0.1 * opened.mean()
    other = "right" if side == "left" else "left"
    assert np.allclose(lid_gap(head, other, shut), lid_gap(head, other, head.vertices), atol=1e-3)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("share", [0.25, 0.5, 0.75, 1.0])
def test_a_blinking_lid_stays_in_front_of_the_eyeball(head, side, share):
    shut = deform(head, state(**{f"eyeBlink{side.title()}": share}))
    edge = shut[head.loops[f"lid_rim_{side}"]]
    centre = head.eye_centres[0 if side == "left" else 1]
    assert np.linalg.norm(edge - centre, axis=1).min() > eye_radius(head) - 0.2 * ONE_MM


@pytest.mark.parametrize(
    ("name", "axis", "sign"),
    [
        ("eyeLookInLeft", 0, -1), ("eyeLookOutLeft", 0, 1), ("eyeLookInRight", 0, 1),
        ("eyeLookOutRight", 0, -1), ("eyeLookUpLeft", 1, 1), ("eyeLookDownRight", 1, -1),
    ],
)  # fmt: skip
def test_eyes_look_where_the_unit_says(head, name, axis, sign):
    side = "left" if name.endswith("Left") else "right"
    moved = deform(head, state(**{name: 1})) - head.vertices
    assert sign * moved[head.regions[f"pupil_{side}"]][:, axis].mean() > 1.5 * ONE_MM
    centre = head.eye_centres[0 if side == "left" else 1]
    ball = (head.vertices + moved)[head.regions[f"eye_{side}"]]
    away = np.linalg.norm(ball - centre, axis=1)
    assert np.abs(away / eye_radius(head) - 1).max() < 0.12  # it turns, it does not wander off


def test_landmarks_are_where_they_should_be(head):
    points = landmarks(head, head.vertices)
    assert points[:, 2].argmax() in (1, 4, 19, 44, 45, 274, 275, 5)  # the nose tip and around it
    assert points[points[:, 1].argmin(), 1] == pytest.approx(points[CHIN, 1], abs=ONE_MM)
    assert points[FOREHEAD, 1] > 3.5 * ONE_MM * 10
    assert np.allclose(points[CORNER_LEFT], points[CORNER_RIGHT] * [-1, 1, 1], atol=0.5 * ONE_MM)
    assert points[CORNER_LEFT, 0] > 0
    for middle in (NOSE_TIP, CHIN, FOREHEAD, LIP_UPPER, LIP_LOWER):
        assert abs(points[middle, 0]) < 0.5 * ONE_MM
    assert np.linalg.norm(points[LIP_UPPER] - points[LIP_LOWER]) < 4 * ONE_MM


def test_landmarks_of_the_eyes_frame_the_eyeballs(head):
    points = landmarks(head, head.vertices)
    for corners, lids, centre in (
        ((362, 263), (386, 374), head.eye_centres[0]),
        ((33, 133), (159, 145), head.eye_centres[1]),
    ):
        assert points[corners[0], 0] < centre[0] < points[corners[1], 0]
        assert points[lids[1], 1] < centre[1] < points[lids[0], 1]


def test_lip_landmarks_follow_their_own_lip(head):
    moved = landmarks(head, deform(head, state(jawOpen=0.5)))
    assert moved[LIP_UPPER, 1] - moved[LIP_LOWER, 1] > 8 * ONE_MM


def test_landmark_weights_are_shares(head):
    assert head.landmark_weights.min() > -1e-6
    assert np.allclose(head.landmark_weights.sum(1), 1, atol=1e-5)
    assert head.region_faces["skin"][head.landmark_faces].all()


def test_identities_change_the_shape_but_keep_the_lips_shut(head):
    rng = np.random.default_rng(3)
    for _ in range(5):
        person = rng.normal(0, 1, len(head.identity_names)).astype(np.float32)
        vertices = deform(head, state(), person)
        assert np.abs(vertices - head.vertices).max() > 3 * ONE_MM
        assert lip_gap(head, vertices).max() < 0.2 * ONE_MM


def test_fewer_identity_coefficients_are_the_first_ones(head):
    few = np.array([1, -0.5], np.float32)
    full = np.zeros(len(head.identity_names), np.float32)
    full[:2] = few
    assert np.allclose(deform(head, state(), few), deform(head, state(), full))


def test_identity_modes_but_the_asymmetric_ones_are_symmetric(head):
    for name, mode in zip(head.identity_names, head.identity, strict=True):
        if not name.startswith("asym"):
            assert abs(mode[:, 0].sum()) < 0.01 * np.abs(mode[:, 0]).sum() + 1e-3, name


def test_the_teeth_are_behind_the_closed_lips(head):
    teeth = head.vertices[head.regions["teeth_upper"]][:, 2].max()
    assert teeth < head.vertices[head.regions["lip_upper"]][:, 2].max() - 5 * ONE_MM


def test_regions_are_where_their_names_say(head):
    middle = {name: head.vertices[mask].mean(0) for name, mask in head.regions.items()}
    for name in ("eye", "iris", "pupil", "ear", "socket", "lid_upper", "lid_lower", "lashes"):
        assert middle[f"{name}_left"][0] > 0.2
        assert middle[f"{name}_right"][0] < -0.2
    for kind in ("lid", "lip", "teeth", "gum"):
        side = "_left" if kind == "lid" else ""
        upper, lower = middle[f"{kind}_upper{side}"], middle[f"{kind}_lower{side}"]
        assert upper[1] > lower[1] + ONE_MM
    assert middle["inner_mouth"][2] < middle["lip_upper"][2] - 10 * ONE_MM


def test_a_missing_a_damaged_and_a_foreign_file_say_what_to_do(tmp_path):
    damaged, foreign = tmp_path / "head.npz", tmp_path / "other.npz"
    damaged.write_bytes(b"PK\x03\x04 not a zip")
    np.savez(foreign, version=np.array(1), vertices=np.zeros((3, 3)))
    for path in (tmp_path / "missing.npz", damaged, foreign):
        with pytest.raises(ModelError, match="reinstall visavis") as raised:
            read_head(path)
        assert raised.value.code == "head-invalid"
