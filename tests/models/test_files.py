"""Files written whole or not at all."""

import pytest

from visavis.models.files import PRIVATE, whole


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
