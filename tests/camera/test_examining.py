"""The doctor: what is missing on a machine, and the commands that mend it."""

import json

import pytest
from support.pulse import daemon

from visavis.server import cli
from visavis.server.camera import examining
from visavis.server.camera.examining import Computer, examined, missing

RELEASE = "6.1.0-test-amd64"


def write(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def no_sound(monkeypatch, tmp_path):
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path / 'nobody'}")


def about(computer, what):
    return next((each for each in examined(computer) if what in each.what), None)


def loaded(root, exclusive="Y,N"):
    write(root / "sys/module/v4l2loopback/parameters/exclusive_caps", exclusive)
    write(root / "sys/devices/virtual/video4linux/video10/name", "visavis camera\n")
    write(root / "sys/devices/virtual/video4linux/video10/state", "output\n")


def test_a_module_that_is_not_installed(tmp_path, no_sound):
    found = about(Computer(tmp_path, RELEASE), "module")
    assert not found.ok
    assert found.needed
    assert found.fix[0] == f"sudo apt install v4l2loopback-dkms linux-headers-{RELEASE}"
    assert (
        'modprobe v4l2loopback video_nr=10 card_label="visavis camera" exclusive_caps=1'
        in (found.fix[1])
    )
    assert any("/etc/modules-load.d/v4l2loopback.conf" in command for command in found.fix)
    assert any("/etc/modprobe.d/v4l2loopback.conf" in command for command in found.fix)


def test_secure_boot_wants_it_signed(tmp_path, no_sound):
    path = tmp_path / "sys/firmware/efi/efivars/SecureBoot-x"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\x06\x00\x00\x00\x01")
    assert any("mokutil" in command for command in about(Computer(tmp_path, RELEASE), "module").fix)


def test_a_module_that_is_not_loaded(tmp_path, no_sound):
    write(tmp_path / f"lib/modules/{RELEASE}/updates/dkms/v4l2loopback.ko.xz")
    found = about(Computer(tmp_path, RELEASE), "module")
    assert found.told == "installed, but not loaded"
    assert found.fix[0].startswith("sudo modprobe v4l2loopback ")


def test_a_container_is_told_to_ask_its_host(tmp_path, no_sound):
    write(tmp_path / ".dockerenv")
    assert "host" in about(Computer(tmp_path, RELEASE), "module").told


def test_a_module_without_exclusive_caps(tmp_path, no_sound):
    loaded(tmp_path, "N,N")
    found = about(Computer(tmp_path, RELEASE), "exclusive_caps")
    assert "Chrome" in found.told
    assert found.fix[0] == "sudo modprobe -r v4l2loopback"


def test_a_device_that_may_not_be_written(tmp_path, no_sound, monkeypatch):
    loaded(tmp_path)
    monkeypatch.setattr("visavis.server.camera.loopback.os.access", lambda *_: False)
    found = about(Computer(tmp_path, RELEASE), "device")
    assert found.fix == ("sudo usermod -aG video $USER",)


def test_a_device_in_use(tmp_path, no_sound, monkeypatch):
    loaded(tmp_path)
    write(tmp_path / "sys/devices/virtual/video4linux/video10/state", "capture\n")
    monkeypatch.setattr("visavis.server.camera.loopback.os.access", lambda *_: True)
    assert about(Computer(tmp_path, RELEASE), "device").fix == ("fuser -v /dev/video10",)


def test_no_sound_server_and_packages(tmp_path, no_sound, monkeypatch):
    monkeypatch.setattr(examining, "find_spec", lambda name: None)
    computer = Computer(tmp_path, RELEASE)
    assert about(computer, "pyvirtualcam").fix == ("pip install 'visavis[camera]'",)
    assert "pipewire-pulse" in about(computer, "sound server").fix[0]
    assert about(computer, "sound server").told == "no sound server answers"


def test_a_library_that_is_not_there(tmp_path, no_sound, monkeypatch):
    monkeypatch.setattr("visavis.server.camera.libpulse.LIBRARY", "libpulse-nowhere.so.0")
    examining.libpulse._library.cache_clear()
    assert about(Computer(tmp_path, RELEASE), "libpulse").fix == ("sudo apt install libpulse0",)
    examining.libpulse._library.cache_clear()


def test_a_machine_that_has_all(tmp_path, monkeypatch):
    loaded(tmp_path)
    write(tmp_path / "etc/modules-load.d/v4l2loopback.conf")
    monkeypatch.setattr("visavis.server.camera.loopback.os.access", lambda *_: True)
    with daemon(tmp_path, "speakers"):
        findings = examined(Computer(tmp_path, RELEASE))
    assert not missing(findings), findings
    assert {each.what for each in findings if not each.ok} <= {"microphone", "real-time priority"}


def test_the_command_tells_scripts_and_its_status(no_sound, capsys):
    assert cli.main(["camera", "--doctor", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["ready"] is False
    assert any(each["what"] == "sound server" and each["fix"] for each in told["findings"])
    assert cli.main(["camera", "--doctor"]) == 1
    assert "missing  sound server" in capsys.readouterr().out
