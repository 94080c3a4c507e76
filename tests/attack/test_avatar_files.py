"""Files named .avatar that are meant to hurt whoever lists or loads them."""

import io
import json
import os
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save as save_tensors
from support import rig_by_hand
from support.bounds import refusal
from support.serving import problem, serving

from visavis.models.avatar.file import (
    LAYERS,
    MANIFEST,
    PREVIEW,
    list_avatars,
    load_avatar,
    read_card,
    read_preview,
    suggested_name,
)
from visavis.models.errors import AvatarError


@pytest.fixture(scope="module")
def parts():
    with zipfile.ZipFile(io.BytesIO(rig_by_hand.avatar().content())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.avatar"


def write(path, content, how=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def refused(read, path):
    """Within a second and 150 MB."""
    return refusal(AvatarError, lambda: read(path), 150e6).code


def test_a_directory_without_end_is_not_read(path):
    entry = b"PK\1\2" + bytes(42)
    count = 16 * 1024 * 1024 // len(entry) - 10
    end = b"PK\5\6" + bytes(8) + (count * 46).to_bytes(4, "little") + bytes(6)
    path.write_bytes(entry * count + end)
    assert refused(read_card, path) == "avatar-unreadable"


def test_a_directory_of_the_large_kind_is_not_believed(path, parts):
    write(path, parts)
    data = path.read_bytes()
    path.write_bytes(data[:-22] + b"PK\6\7" + bytes(16) + data[-22:])
    assert refused(read_card, path) == "avatar-unreadable"


@pytest.mark.parametrize("how", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_ways_of_packing_are_refused(path, parts, how):
    write(path, parts, how)
    assert refused(load_avatar, path) == "avatar-unreadable"  # LZMA's asks for what it says


def test_a_header_of_a_million_layers_is_not_read(path, parts):
    entry = {f"{k}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for k in range(200_000)}
    header = json.dumps(entry).encode()
    write(path, {**parts, LAYERS: len(header).to_bytes(8, "little") + header})
    assert refused(load_avatar, path) == "avatar-unreadable"


@pytest.mark.parametrize("kind", ["BF16", "F8_E4M3", "C64", "X9", "F4"])
def test_layers_of_any_type_are_one_error(path, parts, kind):
    header = json.dumps({"photo": {"dtype": kind, "shape": [8], "data_offsets": [0, 16]}}).encode()
    write(path, {**parts, LAYERS: len(header).to_bytes(8, "little") + header + bytes(16)})
    assert refused(load_avatar, path).startswith("avatar-")


@pytest.mark.parametrize("value", ["9" * 4000, "-" + "9" * 4000, "1e999", "NaN", "[" * 20_000])
@pytest.mark.parametrize("key", ["side", "interocular"])
def test_numbers_without_measure(path, parts, key, value):
    manifest = json.loads(parts[MANIFEST])
    place = manifest["layout"] if key == "side" else manifest["layout"]["body"]
    place[key] = "HERE"
    text = json.dumps(manifest).replace('"HERE"', value)
    write(path, {**parts, MANIFEST: text})
    assert refused(load_avatar, path) in ("avatar-invalid", "avatar-unreadable")


def test_a_layer_that_is_another_format_is_never_opened(path, parts):
    arrays = {"photo": np.frombuffer(b"%!PS-Adobe-3.0 EPSF-3.0\n" * 9, np.uint8)}
    write(path, {**parts, LAYERS: save_tensors(arrays)})
    assert refused(load_avatar, path) == "avatar-invalid"


def test_a_preview_that_is_a_page_is_not_served(path, parts):
    write(path, {**parts, PREVIEW: b"<script>alert(1)</script>"})
    assert refused(read_preview, path) == "avatar-invalid"


def test_pipes_devices_and_folders_are_no_avatars(tmp_path):
    os.mkfifo(tmp_path / "pipe.avatar")
    (tmp_path / "zero.avatar").symlink_to("/dev/zero")
    (tmp_path / "folder.avatar").mkdir()
    (tmp_path / "nothing.avatar").symlink_to("absent")
    readable, broken = list_avatars(tmp_path)
    assert not readable
    assert broken.keys() == {"pipe", "zero", "folder", "nothing"}


def test_any_broken_byte_is_one_error(path):
    whole = rig_by_hand.avatar().content()
    random = np.random.default_rng(3)
    for _ in range(150):
        broken = bytearray(whole)
        for at in random.integers(0, len(whole), 3):
            broken[at] = int(random.integers(256))
        cut = random.integers(1, len(whole)) if random.random() < 0.2 else len(whole)
        path.write_bytes(bytes(broken[:cut]))
        try:
            load_avatar(path)
        except AvatarError:
            continue


# --- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"),
    [("Anna", "anna"), (" Zoë  Example ", "zoe-example"), ("a.b_c", "a-b-c"), ("小明", "")],
)
def test_a_name_is_suggested(text, name):
    assert suggested_name(text) == name


async def test_a_file_of_another_name_is_listed_with_its_reason_and_never_used(tmp_path):
    folder = tmp_path / "avatars"
    folder.mkdir()
    for name in ("Anna Example", "zoë", "a.b", "fine"):
        (folder / f"{name}.avatar").write_bytes(rig_by_hand.avatar().content())
    async with serving(home=str(tmp_path)) as client:
        listed = await (await client.get("/v1/avatars")).json()
        why = {entry["name"]: entry["why"] for entry in listed["broken"]}
        assert why.keys() == {"Anna Example", "zoë", "a.b"}
        assert "rename the file, for example to anna-example.avatar" in why["Anna Example"]
        assert "fine" in {entry["name"] for entry in listed["avatars"]}
        status, said = await problem(await client.get("/v1/avatars/a.b/preview.webp"))
        assert (status, "rename" in said["detail"]) == (404, True)
