"""Engine files: what is missing, stale or corrupt is named, and never handed out."""

import json
import os
from dataclasses import replace

import pytest

from visavis.engines.render import engine_files
from visavis.engines.render.engine_files import Corrupt, Fault, Key, Missing, Stale

KEY = Key("engine", "tensorrt", "10.13.2", "NVIDIA H100", "580.65", "ab" * 32, 512, 512)
ENGINE = bytes(range(256)) * 40


@pytest.fixture
def path(tmp_path):
    return engine_files.store(tmp_path / "engines", KEY, ENGINE)


def read(path, key=KEY):
    return engine_files.read(path.parent, key)


def test_what_was_stored_is_read(path):
    assert read(path) == ENGINE
    assert path.name.startswith("512x512-")


def test_what_was_not_built_is_missing(tmp_path):
    with pytest.raises(Missing, match="512x512-.*not built yet"):
        engine_files.read(tmp_path, KEY)


@pytest.mark.parametrize(
    "changed",
    [{"library": "tensorrt_rtx"}, {"target": "NVIDIA L4"}, {"width": 720}, {"height": 1280},
     {"part": "kernels"}, {"refine": True}],
)  # fmt: skip
def test_one_for_another_place_does_not_count(path, changed):
    other = replace(KEY, **changed)
    with pytest.raises(Missing):
        read(path, other)
    engine_files.store(path.parent, other, b"other")
    assert read(path) == ENGINE


@pytest.mark.parametrize(
    "changed", [{"version": "10.14"}, {"driver": "590.1"}, {"graph": "cd" * 32}]
)
def test_one_from_before_an_update_is_stale_and_goes_when_it_is_built_anew(path, changed):
    after = replace(KEY, **changed)
    with pytest.raises(Stale, match=f"{path.name}: built for another {next(iter(changed))}"):
        read(path, after)
    engine_files.store(path.parent, after, b"new")
    assert read(path, after) == b"new"
    assert not path.exists()


def test_a_file_under_another_key_s_name_is_stale(path):
    other = replace(KEY, driver="590.1", graph="cd" * 32)
    path.rename(path.with_name(other.name))
    with pytest.raises(Stale, match="built for another driver, graph"):
        read(path, other)


def test_a_file_of_another_format_is_stale(path):
    path.write_bytes(path.read_bytes().replace(b"visavis-engine-2", b"visavis-engine-9"))
    with pytest.raises(Stale, match="visavis-engine-9"):
        read(path)


@pytest.mark.parametrize("at", [-1, -5000, 300, 1, 0])
def test_a_flipped_bit_is_corrupt(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 4
    path.write_bytes(data)
    with pytest.raises(Fault, match="512x512-"):
        read(path)


@pytest.mark.parametrize("cut", [0, 1, 100, 400, 5000])
def test_a_file_that_ends_early_is_corrupt(path, cut):
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(Corrupt):
        read(path)


def test_a_file_larger_than_memory_is_corrupt(path):
    os.truncate(path, 1 << 43)  # sparse
    with pytest.raises(Corrupt, match="bytes where"):
        read(path)


def test_a_file_that_goes_on_is_corrupt(path):
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(Corrupt, match="bytes where"):
        read(path)


@pytest.mark.parametrize("size", [-1, 1.5, "10", None, True, 10**30])
def test_a_size_that_is_none_is_corrupt(path, size):
    head, _, rest = path.read_bytes().partition(b"\n")
    path.write_bytes(json.dumps(json.loads(head) | {"size": size}).encode() + b"\n" + rest)
    with pytest.raises(Corrupt):
        read(path)


@pytest.mark.parametrize("head", [b"", b"[]", b"7", b"{}", b"[" * 4000, b"\xff\xfe", b'"' * 9000])
def test_no_header_is_corrupt(path, head):
    path.write_bytes(head + b"\n" + ENGINE)
    with pytest.raises(Corrupt):
        read(path)


def test_a_list_names_what_is_wrong(path):
    broken = engine_files.store(path.parent, replace(KEY, width=256), ENGINE)
    broken.write_bytes(broken.read_bytes()[:-1])
    whole, cut = sorted(engine_files.listed(path.parent), key=lambda each: each.fault)
    assert (whole.key, whole.fault) == (KEY, "")
    assert cut.key is None
    assert broken.name in cut.fault


def test_links_to_nothing_and_folders_are_no_obstacle(path):
    (path.parent / "gone.engine").symlink_to(path.parent / "nowhere")
    (path.parent / "folder.engine").mkdir()
    engine_files.store(path.parent, KEY, ENGINE)
    assert read(path) == ENGINE
    with pytest.raises(Missing):
        read(path, replace(KEY, width=256))
    assert [each.path.name for each in engine_files.listed(path.parent)] == [
        path.name, "folder.engine"
    ]  # fmt: skip


def test_a_write_that_fails_leaves_the_old_file(path, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    before = path.read_bytes()
    with pytest.raises(OSError, match="space"):
        engine_files.store(path.parent, KEY, ENGINE + b"new")
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]
