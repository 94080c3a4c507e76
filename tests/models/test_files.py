"""Files written whole or not at all."""

import pytest

from visavis.models.files import PRIVATE, private_folder, whole


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a"
    with whole(path) as file:
        file.write(b"old")
    with pytest.raises(RuntimeError), whole(path) as file:
        file.write(b"new")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]
    with whole(path, PRIVATE) as file:
        file.write(b"own")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_private_folder_is_private_all_the_way_down(tmp_path):
    there = tmp_path / "there"
    there.mkdir(0o755)
    for _twice in range(2):
        private_folder(there / "jobs" / "one")
    modes = [path.stat().st_mode & 0o777 for path in (there, there / "jobs", there / "jobs/one")]
    assert modes == [0o755, 0o700, 0o700]
    (there / "file").touch()
    for path in (there / "file", there / "file" / "below"):
        with pytest.raises(OSError, match="file"):
            private_folder(path)
