"""The truth that faces are measured by: pictures of another recipe are no truth."""

import pytest

from bench.face import truth


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(truth, "FOLDER", tmp_path / "truth")
    return tmp_path / "truth"


def test_pictures_of_a_persona_who_has_changed_are_rendered_anew_and_only_those(folder):
    truth.forget_others("anna", "as she was")
    truth.forget_others("bo", "as he is")
    for name in ("anna.png", "anna.json", "anna-000.png", "anna-again-000.png", "bo-000.png"):
        (folder / name).write_bytes(b"rendered")
    truth.forget_others("anna", "as she was")  # broken off: it goes on
    assert len(list(folder.glob("anna*"))) == 5
    truth.forget_others("anna", "otherwise")
    truth.forget_others("bo", "as he is")
    assert {path.name for path in folder.iterdir()} == {"anna.recipe", "bo-000.png", "bo.recipe"}


def test_pictures_that_nobody_knows_the_recipe_of_are_forgotten(folder):
    folder.mkdir()
    (folder / "anna-000.png").write_bytes(b"from an earlier day")
    truth.forget_others("anna", "as she is")
    assert {path.name for path in folder.iterdir()} == {"anna.recipe"}
