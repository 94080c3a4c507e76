"""Nothing of a visitor is kept by default, and what is kept is told by `doctor --privacy`."""

import asyncio
import json
import re
from contextlib import asynccontextmanager
from dataclasses import fields
from pathlib import Path

import aiohttp
import pytest
from support.serving import Viewer
from support.standing import child, ends

from bench.live.chromium import server
from visavis.server.cli import main
from visavis.server.commands import privacy
from visavis.server.system import audit_check, chain
from visavis.server.system.config import Config
from visavis.server.system.installation import Installation

CLIENT = Path(__file__).parents[2] / "client"
# Words that are in no file of ours, and what a visitor must not be told by.
WORDS = ("zyxquorgle", "Plimfrazz", "0151-23994177")
SAID = f"My name is {WORDS[1]}, call me at {WORDS[2]}. What is a {WORDS[0]}?"


def lying(home):
    """Every file under a home, and what is in it."""
    files = [path for path in Path(home).rglob("*") if path.is_file()]
    return {str(path.relative_to(home)): path.read_bytes() for path in files}


def noted(home):
    """The lines of an audit log that is whole."""
    found = audit_check.check(chain.folder_of(home), Installation.of(home).key)
    assert found.findings == []
    return [json.loads(line) for _, line in audit_check.rows(chain.folder_of(home))]


@asynccontextmanager
async def visited(address, said):
    """A visitor who typed this, and was answered."""
    async with aiohttp.ClientSession(address) as client:
        viewer = Viewer()
        viewer.location = await viewer.connect(client)
        await viewer.wait_for("ready")
        viewer.channel.send(json.dumps({"type": "text", "text": said}))
        await viewer.wait_for("reply_ended", within=60.0)
        yield viewer
        await client.delete(viewer.location)
        await viewer.close()


def check_nothing_is_kept(before, after, log=""):
    for name, content in after.items():
        for word in WORDS:
            assert word.encode() not in content, f"{word} is in {name}"
        if name.startswith("audit/"):
            assert b"127.0.0.1" not in content, name
    for word in WORDS:
        assert word.lower() not in log.lower()
    new = {name for name in after if name not in before}
    assert {name.split("/")[0] for name in new} <= {"audit", "keys", "cache"}


async def test_a_session_leaves_deeds_and_times_alone(tmp_path):
    """That of a real process with everything at its default."""
    before = lying(tmp_path)
    async with child(tmp_path) as it:
        address = f"http://127.0.0.1:{it.port}"
        async with visited(address, SAID):
            pass
        await ends(it)
    after = lying(tmp_path)
    check_nothing_is_kept(before, after, it.said + it.complained)
    assert {name.split("/")[0] for name in after} == {"audit", "keys"}
    rows = await asyncio.to_thread(noted, tmp_path)
    assert [row["what"] for row in rows] == [
        "server-started", "session-opened", "session-closed", "server-stopped",
    ]  # fmt: skip
    opened, closed = rows[1:3]
    assert (opened["avatar"], opened["source"], opened["door"]) == ("mira", "dialogue", "page")
    assert opened["session"] == closed["session"]


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_nor_does_one_with_real_engines(warm_home):
    before = lying(warm_home)
    async with (
        server(warm_home) as (address, _),
        visited(address, SAID),
        visited(address, "What time is breakfast?"),
    ):
        pass
    check_nothing_is_kept(before, lying(warm_home))


def test_it_names_everything_that_the_page_keeps():
    told = " ".join(row.what for row in privacy.examine(Config()).browser)
    kept = set()
    for path in CLIENT.rglob("*.js"):
        text = path.read_text("utf-8")
        constants = dict(re.findall(r'const (\w+) = "([^"]*)"', text))
        calls = re.findall(r'(?:local|session)Storage\.setItem\(\s*("?)([\w.-]+)\1', text)
        kept |= {constants.get(name, name) for _, name in calls}
        assert "indexedDB" not in text
        assert "document.cookie" not in text
    assert {"visavis.choice", "visavis.session"} < kept, "the pattern is out of date"
    for name in kept:
        assert name in told


def test_it_names_who_is_sent_something(tmp_path):
    tools = tmp_path / "tools.toml"
    tools.write_text(
        '[[http]]\nname = "weather"\ndescription = "The weather."\n'
        'url = "https://weather.example/now"\n'
    )
    config = Config(
        home=str(tmp_path), dialogue="openai", llm_base_url="https://model.example/v1?key=secret",
        llm_model="m", tools=str(tools), turn_servers="turn:relay.example:3478",
        turn_secret="s", ice_servers="turn:name:account@other.example:3478 stun:stun.example:3478",
        livekit_urls="wss://rooms.example", sign_timestamp_url="http://stamp.example/tsr",
    )  # fmt: skip
    report = privacy.examine(config)
    hosts = {host for row in report.leaves for host in row.to.split()}
    assert {
        "model.example", "weather.example", "relay.example", "other.example", "stun.example",
        "rooms.example", "stamp.example",
    } <= hosts  # fmt: skip
    assert "secret" not in str(report)
    assert "account" not in str(report.leaves)


def test_by_default_nobody_is_sent_anything_by_itself():
    leaves = privacy.examine(Config()).leaves
    assert [row.change for row in leaves if row.to] == ["voice_mirror"]
    assert "never by itself" in next(row.what for row in leaves if row.to)


def test_it_tells_how_long_and_names_the_settings(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path))
    monkeypatch.setenv("VISAVIS_RECORDINGS_DAYS", "3")
    monkeypatch.setenv("VISAVIS_VOICE_MOOD", "on")
    assert main(["doctor", "--privacy"]) == 0
    words = capsys.readouterr().out
    assert "3 days, then the running server deletes it" in words
    assert "emotion recognition" in words
    assert "mira: nobody's likeness" in words
    assert main(["doctor", "--privacy", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    settings = {field.name for field in fields(Config)}
    changes = [row["change"] for row in report["stored"] + report["leaves"]]
    named = {word.strip(",;") for text in changes for word in text.split() if "_" in word}
    assert {"recordings_days", "keep_questions_days", "audit_days", "voice_mirror"} <= named
    assert {word.strip("()") for word in named} <= settings


def test_who_may_read_is_told_by_the_folder(tmp_path):
    folder = tmp_path / "recordings"
    folder.mkdir(0o700)
    recordings = privacy.examine(Config(home=str(tmp_path))).stored[1]
    assert recordings.who == "the user that the server runs as"
    folder.chmod(0o755)
    recordings = privacy.examine(Config(home=str(tmp_path))).stored[1]
    assert recordings.who.endswith("its group and everybody")
