import pytest

from visavis.server.system import config_reading as config
from visavis.server.system.errors import ConfigError


def test_later_sources_win(tmp_path):
    file = tmp_path / "visavis.toml"
    file.write_text('port = 1\nvoice = "joe"\nmax_sessions = 7\n')
    loaded = config.load(
        {"port": 3}, env={"VISAVIS_PORT": "2", "VISAVIS_VOICE": "heart"}, file=file
    )
    assert (loaded.port, loaded.voice, loaded.max_sessions) == (3, "heart", 7)


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"VISAVIS_COLOUR": "red"}, "unknown setting colour: `visavis doctor` names all"),
        ({"VISAVIS_AVATR": "mira"}, "unknown setting avatr: is it avatar?"),
        ({"VISAVIS_PORT": "eighty"}, "port must be a whole number"),
        ({"VISAVIS_HOST": "0.0.0.0"}, "set a token"),
        ({"VISAVIS_DIALOGUE": "gossip"}, "choose knowledge, openai or echo"),
        ({"VISAVIS_SOURCE": "telepathy"}, "choose dialogue or microphone"),
        ({"VISAVIS_WIDTH": "511"}, "even"),
        ({"VISAVIS_HEIGHT": "4096"}, "from 128 to 1920"),
        ({"VISAVIS_CREATE_AVATARS": "perhaps"}, "choose on or off"),
        ({"VISAVIS_REFINE": "maybe"}, "refine is .maybe.: choose on or off"),
        ({"VISAVIS_TLS_CERT": "a.pem"}, "go together"),
        ({"VISAVIS_MAX_SESSIONS": "0"}, "at least 1"),
        ({"VISAVIS_FRAME_ANCESTORS": "none self"}, "frame_ancestors"),
        ({"VISAVIS_FRAME_ANCESTORS": " "}, "frame_ancestors"),
        ({"VISAVIS_FRAME_ANCESTORS": "https://a.example; script-src *"}, "frame_ancestors"),
        ({"VISAVIS_FRAME_ANCESTORS": "self\nX: y"}, "frame_ancestors"),
        ({"VISAVIS_DISCLOSURE": "off"}, "disclosure_reason is empty"),
        (
            {"VISAVIS_DISCLOSURE": "off", "VISAVIS_DISCLOSURE_REASON": " "},
            "disclosure_reason is em",
        ),
        ({"VISAVIS_DISCLOSURE": "no"}, "choose on or off"),
        ({"VISAVIS_DISCLOSURE_TEXT": " "}, "write 1 to 40 characters"),
        ({"VISAVIS_DISCLOSURE_TEXT": "AI\x07"}, "no font here has"),
        ({"VISAVIS_DISCLOSURE_TEXT": "ป"}, "no font here has .ป."),
        ({"VISAVIS_DISCLOSURE_CORNER": "middle"}, "choose top-right, top-left, bottom-right or"),
        ({"VISAVIS_DISCLOSURE_SIZE": "0.01"}, "choose 0.03 to 0.2"),
        ({"VISAVIS_DISCLOSURE_SPOKEN": "off"}, "choose reply or page"),
        ({"VISAVIS_TOKEN_FILE": "/nowhere/token"}, "No such file"),
        ({"VISAVIS_TOKEN_FILE": "x", "VISAVIS_TOKEN": "y"}, "both set"),
    ],
)
def test_a_wrong_setting_is_named_with_its_fix(env, words):
    with pytest.raises(ConfigError, match=words):
        config.load({}, env=env)


def test_a_label_may_be_in_any_script_of_the_page_and_off_with_a_reason():
    for text in ("AI", "KI-generiert", "人工智能生成", "ذكاء اصطناعي"):
        assert config.load({}, env={"VISAVIS_DISCLOSURE_TEXT": text}).disclosure_text == text
    env = {"VISAVIS_DISCLOSURE": "off", "VISAVIS_DISCLOSURE_REASON": "a film that says so itself"}
    assert config.load({}, env=env).disclosure == "off"


def test_the_token_may_come_from_a_file(tmp_path):
    file = tmp_path / "token"
    file.write_text("a-token-in-a-file\n")
    env = {"VISAVIS_HOST": "0.0.0.0", "VISAVIS_TOKEN_FILE": str(file)}
    assert config.load({}, env=env).token == "a-token-in-a-file"
    for nonsense in ("", "two words", "x" * 5000, "\x00"):
        file.write_text(nonsense)
        with pytest.raises(ConfigError, match="one token and nothing else"):
            config.load({}, env=env)
    file.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="ASCII"):
        config.load({}, env=env)


def test_other_addresses_are_open_with_a_token():
    assert not config.load({}, env={"VISAVIS_HOST": "0.0.0.0", "VISAVIS_TOKEN": "t"}).is_local


def test_avatars_may_be_made_unless_that_is_switched_off():
    assert config.load({}, env={}).may_create
    assert config.load({}, env={"VISAVIS_HOST": "0.0.0.0", "VISAVIS_TOKEN": "t"}).may_create
    assert not config.load({}, env={"VISAVIS_CREATE_AVATARS": "off"}).may_create
    assert not config.Config(host="0.0.0.0").may_create  # whatever else goes wrong


def test_a_broken_file_is_named(tmp_path):
    file = tmp_path / "visavis.toml"
    file.write_text("port = = 1")
    with pytest.raises(ConfigError, match="visavis.toml"):
        config.load({}, env={}, file=file)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        config.load({}, env={}, file=tmp_path / "absent.toml")
