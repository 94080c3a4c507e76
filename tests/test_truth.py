"""The truth that faces are measured by: pictures of another recipe are no truth."""

from functools import partial

from bench.face import truth


def test_pictures_of_a_persona_who_has_changed_are_rendered_anew_and_only_those(tmp_path):
    folder, asked = tmp_path / "truth", partial(truth.forget_others, tmp_path / "truth")
    asked("anna", "as she was")
    asked("bo", "as he is")
    for name in ("anna.png", "anna.json", "anna-000.png", "anna-again-000.png", "bo-000.png"):
        (folder / name).write_bytes(b"rendered")
    asked("anna", "as she was")  # broken off: it goes on
    assert len(list(folder.glob("anna*"))) == 5
    asked("anna", "otherwise")
    asked("bo", "as he is")
    assert {path.name for path in folder.iterdir()} == {"anna.recipe", "bo-000.png", "bo.recipe"}


def test_pictures_that_nobody_knows_the_recipe_of_are_forgotten(tmp_path):
    (tmp_path / "anna-000.png").write_bytes(b"from an earlier day")
    truth.forget_others(tmp_path, "anna", "as she is")
    assert {path.name for path in tmp_path.iterdir()} == {"anna.recipe"}
