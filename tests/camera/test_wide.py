import numpy as np

from visavis.server.camera.wide import Wide, wide

SIZE = 128
RNG = np.random.default_rng(0)


def picture():
    return RNG.integers(16, 236, (SIZE * 3 // 2, SIZE)).astype(np.uint8)


def test_a_wide_picture_is_what_cameras_have():
    assert wide(512, 512) == (912, 512)
    assert wide(1280, 720) == (1280, 720)


def test_the_face_is_in_the_middle_as_it_was_and_its_sides_are_soft():
    face, frame = picture(), Wide()
    whole = frame.framed(face)
    width = wide(SIZE, SIZE)[0]
    left = (width - SIZE) // 2
    middle = slice(SIZE // 4, SIZE * 3 // 4)
    luma = whole[:SIZE].astype(int)
    np.testing.assert_array_equal(luma[:, left:][:, middle], face[:SIZE, middle])
    assert np.abs(np.diff(luma[:, :left])).mean() < 0.1 * np.abs(np.diff(face[:SIZE])).mean()
    chroma = whole[SIZE:].reshape(2, SIZE // 2, width // 2)
    was = face[SIZE:].reshape(2, SIZE // 2, SIZE // 2)
    inner = slice(SIZE // 8, SIZE * 3 // 8)
    np.testing.assert_array_equal(chroma[:, :, left // 2 :][:, :, inner], was[:, :, inner])


def test_the_sides_stay_while_the_face_moves():
    frame = Wide()
    one, other = frame.framed(picture()), frame.framed(picture())
    np.testing.assert_array_equal(one[:SIZE, :20], other[:SIZE, :20])
    assert one is not other


def test_a_picture_that_is_wide_is_left_alone():
    shown = np.zeros((90 * 3 // 2, 160), np.uint8)
    assert Wide().framed(shown) is shown


def test_shoulders_go_on_and_fall():
    shown = np.full((SIZE * 3 // 2, SIZE), 128, np.uint8)
    shown[:SIZE], shown[100:SIZE] = 200, 40  # a wall, and a jacket as wide as the picture
    whole = Wide().framed(shown)[:SIZE]
    left = (whole.shape[1] - SIZE) // 2
    jacket = (whole < 110).sum(axis=0)
    assert jacket[left + SIZE // 2] == SIZE - 100
    for at in (left - 15, left + SIZE + 14):
        assert 10 < jacket[at] < SIZE - 100
    assert jacket[0] < jacket[left - 15]


def test_a_picture_that_is_very_narrow_has_sides():
    assert Wide().framed(np.full((SIZE * 3 // 2, 16), 90, np.uint8)).shape[1] == wide(16, SIZE)[0]
