"""The .avatar file: what goes in comes out; nothing in a file is believed."""

import io
import json
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load, save
from support.rig_by_hand import CONSENT, avatar

from visavis.models.avatar.file import (
    LAYERS,
    MANIFEST,
    PREVIEW,
    Consent,
    list_avatars,
    load_avatar,
    read_card,
    read_preview,
)
from visavis.models.avatar.rig import HAIR
from visavis.models.errors import AvatarError


@pytest.fixture(scope="module")
def rig():
    return avatar()


@pytest.fixture(scope="module")
def saved(rig, tmp_path_factory):
    path = tmp_path_factory.mktemp("avatars") / "hand-made.avatar"
    rig.save(path)
    return path


@pytest.fixture
def path(saved, tmp_path):
    """A copy to break."""
    return shutil.copy(saved, tmp_path / "broken.avatar")


def parts(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, content):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def change_manifest(path, change):
    content = parts(path)
    manifest = json.loads(content[MANIFEST])
    change(manifest)
    write(path, {**content, MANIFEST: json.dumps(manifest)})


def change_layers(path, change):
    content = parts(path)
    arrays = dict(load(content[LAYERS]))
    change(arrays)
    write(path, {**content, LAYERS: save(arrays)})


def refused(path, code):
    with pytest.raises(AvatarError) as caught:
        load_avatar(path)
    assert caught.value.code == code
    assert len(str(caught.value)) > 15
    return caught.value


def test_what_is_saved_is_loaded(rig, saved):
    back = load_avatar(saved)
    assert back.card == rig.card
    assert (back.side, back.margin, back.density) == (rig.side, rig.margin, 1.0)
    assert np.array_equal(back.matte, rig.matte)
    assert np.abs(back.photo.astype(int) - rig.photo).mean() < 2
    for grid, original in (
        (back.base, rig.base), (back.patches["mouth"].lower, rig.patches["mouth"].lower),
    ):  # fmt: skip
        assert np.abs(grid.rest - original.rest).max() < 0.01
        assert np.abs(grid.shifts - original.shifts).max() < 0.02
        assert np.abs(grid.share - original.share).max() < 0.001
    assert np.array_equal(back.patches["mouth"].edges, rig.patches["mouth"].edges)
    assert back.patches["eye_left"].shade == rig.patches["eye_left"].shade
    assert back.patches["mouth"].rim == rig.patches["mouth"].rim != (0, 0, 0, 0.0)
    assert np.array_equal(back.body.camera, rig.body.camera)


def test_the_same_avatar_gives_the_same_file(rig, saved, tmp_path):
    rig.save(tmp_path / "again.avatar")
    assert (tmp_path / "again.avatar").read_bytes() == saved.read_bytes()


def test_files_from_before_hair_could_swing_are_read_and_theirs_does_not(rig, path):
    def cut(arrays):
        for name, values in arrays.items():
            if name.endswith("/shifts"):
                arrays[name] = values[:HAIR]

    change_layers(path, cut)
    base = load_avatar(path).base
    assert np.abs(base.shifts[:HAIR] - rig.base.shifts[:HAIR]).max() < 0.02
    assert not base.shifts[HAIR].any()


def test_the_card_and_the_preview_need_no_layers(path):
    content = parts(path)
    write(path, {**content, LAYERS: b"nonsense"})
    assert read_card(path).name == "hand-made"
    assert read_preview(path)[8:12] == b"WEBP"
    refused(path, "avatar-unreadable")


def test_list_leaves_broken_files_out(saved, tmp_path):
    shutil.copy(saved, tmp_path / "good.avatar")
    (tmp_path / "bad.avatar").write_bytes(b"PK\x03\x04 nothing")
    (tmp_path / "note.txt").write_text("no avatar")
    readable, broken = list_avatars(tmp_path)
    assert list(readable) == ["good"]
    assert set(broken) == {"bad"}


@pytest.mark.parametrize("field", ["subject", "statement", "given_by", "date"])
def test_no_consent_no_file(rig, tmp_path, field):
    silent = replace(rig, card=replace(rig.card, consent=replace(CONSENT, **{field: "  "})))
    with pytest.raises(AvatarError) as caught:
        silent.save(tmp_path / "x.avatar")
    assert caught.value.code == "consent-missing"
    assert field in caught.value.message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "name", ["", "../etc/passwd", "a/b", "x" * 65, " lead", "new\nline", "Anna", "zoë", "-a", "a.b"]
)
def test_names_that_are_no_names_are_refused(rig, tmp_path, name):
    with pytest.raises(AvatarError) as caught:
        replace(rig, card=replace(rig.card, name=name)).save(tmp_path / "x.avatar")
    assert caught.value.code == "name-invalid"


def test_a_file_that_cannot_be_written_is_one_clear_error(rig, tmp_path):
    with pytest.raises(AvatarError) as caught:
        rig.save(tmp_path / "missing" / "x.avatar")
    assert caught.value.code == "avatar-unwritable"


def test_a_missing_file(tmp_path):
    refused(tmp_path / "none.avatar", "avatar-missing")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04" + b"\0" * 100])
def test_other_files(tmp_path, content):
    path = tmp_path / "x.avatar"
    path.write_bytes(content)
    refused(path, "avatar-unreadable")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9, 0.999])
def test_truncated_files(path, share):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    refused(path, "avatar-unreadable")


def test_flipped_bytes_are_noticed(path):
    whole = bytearray(path.read_bytes())
    for at in range(len(whole) // 4, len(whole) // 2, 97):
        whole[at] ^= 0xFF
    path.write_bytes(bytes(whole))
    refused(path, "avatar-unreadable")


def test_members_missing_or_added(path):
    content = parts(path)
    write(path, {k: v for k, v in content.items() if k != PREVIEW})
    refused(path, "avatar-unreadable")
    write(path, {**content, "extra.py": b"print()"})
    refused(path, "avatar-unreadable")


def test_a_zip_bomb_is_not_unpacked(path):
    content = parts(path)
    write(path, {**content, LAYERS: b"\0" * (40 * 1024 * 1024)})
    assert path.stat().st_size < 1024 * 1024
    refused(path, "avatar-too-large")


def test_a_huge_file_is_not_opened(path):
    with path.open("r+b") as file:
        file.truncate(20 * 1024 * 1024)
    refused(path, "avatar-too-large")


@pytest.mark.parametrize("version", [0, 2, "1", None, [1]])
def test_other_versions(path, version):
    change_manifest(path, lambda m: m.update(version=version))
    assert "gain" in str(refused(path, "avatar-version"))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda m: m.update(format="other"), "avatar-unreadable"),
        (lambda m: m.pop("consent"), "avatar-invalid"),
        (lambda m: m["consent"].update(statement=""), "consent-missing"),
        (lambda m: m.update(name="../../x"), "name-invalid"),
        (lambda m: m.update(licence=7), "avatar-invalid"),
        (lambda m: m.update(warnings="none"), "avatar-invalid"),
        (lambda m: m.update(layout=None), "avatar-invalid"),
        (lambda m: m["layout"].update(side=10**9), "avatar-invalid"),
        (lambda m: m["layout"].update(side=256.5), "avatar-invalid"),
        (lambda m: m["layout"].update(margin=True), "avatar-invalid"),
        (lambda m: m["layout"]["base"].update(pitch=0), "avatar-invalid"),
        (lambda m: m["layout"]["base"].update(corner=[float("nan"), 0]), "avatar-invalid"),
        (lambda m: m["layout"]["patches"].pop("mouth"), "avatar-invalid"),
        (lambda m: m["layout"]["patches"].update(nose={}), "avatar-invalid"),
        (lambda m: m["layout"]["patches"]["mouth"].update(sprites=[{}] * 99), "avatar-invalid"),
        (lambda m: m["layout"]["patches"]["mouth"].update(back=[0, 0, 300]), "avatar-invalid"),
        (lambda m: m["layout"]["patches"]["mouth"].update(shade=[0, 0, 0, 0]), "avatar-invalid"),
        (lambda m: m["layout"]["patches"]["mouth"].update(rim=[0, 0, 0]), "avatar-invalid"),
        (lambda m: m["layout"]["patches"]["mouth"].update(rim=[0, 0, 0, -1]), "avatar-invalid"),
        (lambda m: m["layout"]["body"].update(camera=[0, 0, 0]), "avatar-invalid"),
        (lambda m: m["layout"]["body"].update(interocular="wide"), "avatar-invalid"),
        (lambda m: m["layout"].update(light=[0, 0]), "avatar-invalid"),
    ],
)
def test_manifests_that_lie(path, change, code):
    change_manifest(path, change)
    refused(path, code)


def test_a_file_of_before_wet_edges_has_none(path):
    change_manifest(path, lambda m: [p.pop("rim") for p in m["layout"]["patches"].values()])
    assert load_avatar(path).patches["mouth"].rim == (0, 0, 0, 0.0)


def test_a_manifest_that_is_not_json(path):
    write(path, {**parts(path), MANIFEST: b"\xff\xfe{"})
    refused(path, "avatar-unreadable")
    write(path, {**parts(path), MANIFEST: b"[1, 2]"})
    refused(path, "avatar-unreadable")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base/rest", np.zeros((3, 3, 3), np.float32)),
        ("base/rest", None),
        ("base/shifts", np.zeros((54, 37, 37, 3), np.float32)),
        ("base/shifts", np.full((54, 37, 37, 3), 32000, np.int16)),
        ("base/shifts", np.zeros((52, 37, 37, 3), np.int16)),
        ("base/share", np.full((37, 37), 7, np.float16)),
        ("base/share", np.full((37, 37), np.nan, np.float16)),
        ("mouth/edges", np.zeros((2, 5000, 3), np.uint8)),
        ("mouth/0/picture", np.zeros((4, 4, 3), np.uint8)),
        ("mouth/0/picture", np.zeros((4, 5000, 4), np.uint8)),
        ("relief", np.full((37, 37, 3), 50, np.float16)),
        ("photo", np.zeros(100, np.uint8)),
        ("matte", np.zeros((0,), np.uint8)),
    ],
)
def test_layers_that_lie(path, name, value):
    def change(arrays):
        assert name in arrays
        if value is None:
            del arrays[name]
        else:
            arrays[name] = value

    change_layers(path, change)
    refused(path, "avatar-invalid")


def test_a_picture_of_another_size_is_refused(path):
    file = io.BytesIO()
    Image.new("RGB", (2600, 2600)).save(file, "WEBP", quality=1)
    small = np.frombuffer(file.getvalue(), np.uint8)
    change_layers(path, lambda arrays: arrays.update(plate=small))
    refused(path, "avatar-invalid")


def test_consent_is_checked_by_every_field():
    Consent("a", "b", "c", "d").check()
    with pytest.raises(AvatarError, match="given_by"):
        Consent("a", "b", "", "d").check()
