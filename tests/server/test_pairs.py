"""Our names for others' names."""

import pytest

from visavis.server.system.config import Config
from visavis.server.system.config_reading import check, load
from visavis.server.system.errors import ConfigError
from visavis.server.system.pairs import ours, pairs


def test_a_name_of_theirs_stands_for_one_of_ours():
    names = pairs("simli_faces", "0c2b8b04=mira  *=tomas")
    assert ours(names, "0c2b8b04") == "mira"
    assert ours(names, "other") == "tomas"
    assert ours(pairs("simli_faces", ""), "mira") == "mira"


@pytest.mark.parametrize("text", ["mira", "=mira", "x=", "x=a=b", "x=mira x=tomas"])
def test_what_is_no_pair_is_refused_with_the_fix(text):
    with pytest.raises(ConfigError, match="simli_faces"):
        check(Config(simli_faces=text))


@pytest.mark.parametrize("key", ["simli_key", "liveavatar_key"])
def test_a_key_is_read_from_its_file_and_never_from_the_command_line(key, tmp_path):
    file = tmp_path / "key"
    file.write_text("sesame-sesame-sesame\n")
    file.chmod(0o600)
    config = load({f"{key}_file": str(file)}, {})
    assert getattr(config, key) == "sesame-sesame-sesame"
    with pytest.raises(ConfigError, match="command line"):
        load({key: "sesame"}, {})
    with pytest.raises(ConfigError, match="keep one"):
        load({f"{key}_file": str(file)}, {f"VISAVIS_{key.upper()}": "sesame"})
