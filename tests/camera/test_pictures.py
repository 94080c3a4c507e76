"""Cameras: a file of pictures, v4l2loopback by way of pyvirtualcam, and devices that go away."""

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import pyvirtualcam
from support.pace import soon
from support.presenter import film

from visavis.server.camera import devices, loopback
from visavis.server.camera.picture_out import PictureOut
from visavis.server.camera.pictures import Y4m
from visavis.server.system.errors import ConfigError, DeviceError

W, H = 64, 48
RNG = np.random.default_rng(0)


def pictures(count):
    return [RNG.integers(0, 256, (H * 3 // 2, W)).astype(np.uint8) for _ in range(count)]


def test_a_file_is_read_as_it_was_written(tmp_path):
    path, sent = tmp_path / "out.y4m", pictures(3)
    camera = devices.opened(str(path), W, H)
    before = time.monotonic()
    for each in sent:
        camera.send(each)
    camera.close()
    found = film(path)
    assert (found.width, found.height) == (W, H)
    np.testing.assert_array_equal(found.pictures, sent)
    assert all(before - 0.01 <= at <= time.monotonic() for at in found.at)


def test_other_programs_read_the_file(tmp_path):
    import av

    path, sent = tmp_path / "out.y4m", pictures(3)
    camera = Y4m(path, W, H)
    for each in sent:
        camera.send(each)
    camera.close()
    with av.open(str(path)) as file:
        read = [frame.to_ndarray() for frame in file.decode(video=0)]
        assert file.streams.video[0].average_rate == 25
    np.testing.assert_array_equal(read, sent)


def test_a_pipe_whose_reader_leaves_is_a_device_that_is_gone(tmp_path):
    path = tmp_path / "pipe.y4m"
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: path.open("rb").close())
    reader.start()
    camera = Y4m(path, W, H)
    reader.join()
    with pytest.raises(DeviceError, match=r"pipe\.y4m"):
        for each in pictures(50):
            camera.send(each)
    camera.close()


@pytest.mark.parametrize("device", ["camera", "out.mp4"])
def test_what_is_no_camera_is_told(device):
    with pytest.raises(ConfigError, match=r"/dev/video10"):
        devices.opened(device, W, H)


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(DeviceError, match="No such file"):
        devices.opened(str(tmp_path / "no" / "out.y4m"), W, H)


# --- v4l2loopback -----------------------------------------------------------------------------


def node(system, number, state="output", label="visavis camera"):
    folder = system / f"video{number}"
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{label}\n")
    if state:
        (folder / "state").write_text(f"{state}\n")


def test_only_devices_of_the_module_count_and_busy_ones_are_known(tmp_path):
    node(tmp_path, 10, "capture")
    node(tmp_path, 9)
    node(tmp_path, 0, state="", label="another virtual one")
    found = loopback.nodes(tmp_path)
    assert [(each.path, each.busy) for each in found] == [
        ("/dev/video9", False),
        ("/dev/video10", True),
    ]


class Backend:
    """What pyvirtualcam has of a device."""

    sent, fails = [], None

    def __init__(self, *, width, height, fps, fourcc, device, **_):
        if Backend.fails:
            raise RuntimeError(Backend.fails)
        self._device = device
        Backend.opened = width, height, fps, fourcc

    def send(self, frame):
        if Backend.fails:
            raise RuntimeError(Backend.fails)
        Backend.sent.append(frame.copy())

    def device(self):
        return self._device

    def native_fourcc(self):
        return None

    def close(self):
        pass


@pytest.fixture
def backend(monkeypatch):
    monkeypatch.setattr(pyvirtualcam.camera, "BACKENDS", {"v4l2loopback": Backend})
    Backend.sent, Backend.fails = [], None
    return Backend


def test_pictures_reach_the_device_as_they_are(backend):
    camera, sent = devices.opened("/dev/video10", W, H), pictures(2)
    for each in sent:
        camera.send(each)
    camera.close()
    assert backend.opened[:3] == (W, H, 25)
    assert backend.opened[3] == pyvirtualcam.util.encode_fourcc("I420")
    np.testing.assert_array_equal(backend.sent, [each.ravel() for each in sent])
    assert camera.name == "/dev/video10"


def test_a_device_that_goes_away_says_so(backend):
    camera = devices.opened("/dev/video10", W, H)
    backend.fails = "No such device"
    with pytest.raises(DeviceError, match="takes no pictures any more: No such device"):
        camera.send(pictures(1)[0])


def test_a_missing_device_names_the_command(backend):
    backend.fails = "whatever"
    with pytest.raises(DeviceError, match="sudo modprobe v4l2loopback .*exclusive_caps=1"):
        devices.opened("/dev/video97", W, H)


def test_no_device_at_all_names_the_command(monkeypatch):

    monkeypatch.setattr(loopback.nodes, "__defaults__", (loopback.Path("/nowhere"),))
    with pytest.raises(DeviceError, match="sudo modprobe v4l2loopback"):
        devices.opened("", W, H)


def test_a_device_in_use_says_how_to_find_by_whom(backend, monkeypatch, tmp_path):
    device = tmp_path / "video10"
    device.touch()
    busy = loopback.Node(str(device), "visavis camera", busy=True, writable=True)
    monkeypatch.setattr(loopback, "nodes", lambda: [busy])
    backend.fails = "Device or resource busy"
    with pytest.raises(DeviceError, match="in use by another program: fuser -v"):
        loopback.Loopback(str(device), W, H)
    with pytest.raises(DeviceError, match="no virtual camera is free"):
        loopback.Loopback("", W, H)


# --- the thread that sends --------------------------------------------------------------------


class Fickle:
    """A camera that can go away, and come back."""

    def __init__(self):
        self.name, self.sent, self.there = "fickle", [], True

    def send(self, picture):
        if not self.there:
            raise DeviceError("unplugged")
        self.sent.append(picture)

    def close(self):
        pass

    def again(self):
        if not self.there:
            raise DeviceError("not yet")
        return self


def until(condition):
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_camera_that_was_unplugged_is_used_again(monkeypatch):
    monkeypatch.setattr("visavis.server.camera.picture_out._AGAIN", 0.02)
    camera, told = Fickle(), []
    out = PictureOut(camera, camera.again, told.append)
    out.start()
    first, second, third = pictures(3)
    out.offer(first)
    until(lambda: len(camera.sent) == 1)
    camera.there = False
    out.offer(second)
    until(lambda: told == ["unplugged"])
    camera.there = True
    time.sleep(0.03)
    out.offer(third)
    until(lambda: told == ["unplugged", ""])
    until(lambda: len(camera.sent) == 2)
    assert camera.sent[1] is third
    out.close()


def test_a_camera_that_hangs_holds_nobody_up():
    camera, free = Fickle(), threading.Event()
    camera.send = lambda picture: free.wait()
    out = PictureOut(camera, camera.again, lambda why: None)
    out.start()
    began = time.monotonic()
    for each in pictures(20):
        out.offer(each)
    out.close(patience=0.1)
    assert soon(time.monotonic() - began, 1)
    assert out.dropped >= 15
    free.set()


# --- pyvirtualcam's own code, before a device that is none ------------------------------------

SENDS = """
import numpy as np, sys
from visavis.server.camera import devices
from visavis.server.system.errors import DeviceError
try:
    camera = devices.opened("/dev/video97", 64, 48)
except DeviceError as error:
    sys.exit(f"refused: {error}")
for each in np.load(sys.argv[1]):
    camera.send(each)
camera.close()
"""


@pytest.mark.slow  # it needs a C compiler
@pytest.mark.parametrize("busy", [False, True])
def test_the_kernel_gets_the_pictures_as_they_are(tmp_path, busy):
    assert shutil.which("cc"), "sudo apt install gcc libc6-dev linux-libc-dev"
    source = Path(__file__).parent.parent / "support" / "loopback_device.c"
    library, got, given = tmp_path / "device.so", tmp_path / "got", tmp_path / "given.npy"
    command = ["cc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    subprocess.run(command, check=True, timeout=60)
    sent = np.stack(pictures(3))
    np.save(given, sent)
    env = {**os.environ, "LD_PRELOAD": str(library), "LOOPBACK_DEVICE": "/dev/video97"}
    env |= {"LOOPBACK_FILE": str(got)} | ({"LOOPBACK_BUSY": "1"} if busy else {})
    run = subprocess.run(
        [sys.executable, "-c", SENDS, str(given)],
        env=env, timeout=60, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if busy:
        assert "refused: /dev/video97" in run.stderr
    else:
        assert run.returncode == 0, run.stderr
        assert got.read_bytes() == sent.tobytes()
