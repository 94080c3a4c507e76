"""The rasterizer: the nearer is seen, cameras turn the right way, light falls on what faces it."""

import numpy as np
import pytest

from models.tools.head.draw import Camera, Light, contact_sheet, draw, rasterize, vertex_normals

SQUARE = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float32)
FACES = np.array([[0, 1, 2], [0, 2, 3]], np.int32)


def test_the_nearer_surface_is_seen():
    vertices = np.vstack([SQUARE, SQUARE * 0.5 + [0, 0, 0.5]]).astype(np.float32)
    faces = np.vstack([FACES, FACES + 4]).astype(np.int32)
    camera = Camera(64, 64, view=2.5)
    seen = rasterize(camera.project(vertices), faces, 64, 64)
    assert seen.face[32, 32] in (2, 3)
    assert seen.face[8, 8] in (0, 1)
    assert seen.face[0, 0] == -1
    assert seen.depth[32, 32] == pytest.approx(camera.distance - 0.5, abs=1e-3)


def test_interpolation_is_exact_on_a_slanted_plane():
    vertices = SQUARE + np.array([[0, 0, -1], [0, 0, 1], [0, 0, 1], [0, 0, -1]], np.float32)
    camera = Camera(96, 96, view=3, distance=4)
    seen = rasterize(camera.project(vertices), FACES, 96, 96)
    place = seen.interpolate(FACES, vertices)[seen.face >= 0]
    back = camera.project(place)
    rows, columns = np.nonzero(seen.face >= 0)
    assert np.allclose(back[:, 0], columns + 0.5, atol=0.02)
    assert np.allclose(back[:, 1], rows + 0.5, atol=0.02)


@pytest.mark.parametrize(
    ("camera", "axis", "sign"),
    [
        (Camera(yaw=20), 0, 1), (Camera(yaw=-20), 0, -1), (Camera(pitch=20), 1, -1),
        (Camera(pitch=-20), 1, 1),
    ],
)  # fmt: skip
def test_turning_moves_the_nose_the_way_the_sign_says(camera, axis, sign):
    nose = camera.project(np.array([[0, 0, 1]], np.float32))[0, axis] - 256
    assert sign * nose > 10


def test_roll_is_clockwise_as_the_viewer_sees_it():
    crown = Camera(roll=30).project(np.array([[0, 1, 0]], np.float32))[0]
    assert crown[0] > 256


def test_light_falls_on_what_faces_it():
    vertices = np.array([[-1, -1, 0], [0, -1, 1], [0, 1, 1], [-1, 1, 0], [1, -1, 0], [1, 1, 0]])
    split = vertices[[0, 1, 2, 3, 1, 4, 5, 2]].astype(np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]], np.int32)
    colours = np.full((8, 3), 0.5, np.float32)
    picture = draw(split, faces, colours, Camera(64, 64, view=2.5), Light(direction=(1, 0, 0.3)))
    assert picture[32, 40].astype(int).mean() > picture[32, 24].astype(int).mean() + 20


def test_normals_point_out_of_anticlockwise_triangles():
    assert np.allclose(vertex_normals(SQUARE, FACES), [0, 0, 1])


def test_a_contact_sheet_fills_its_last_row():
    sheet = contact_sheet([np.zeros((10, 12, 3), np.uint8)] * 3, ["a", "b", "c"], 2)
    assert sheet.shape == (20, 24, 3)
