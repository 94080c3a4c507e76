"""What a log line holds of an exception: type and place, whoever logs it, never its text."""

import gc
import io
import json
import logging
import sys
import threading
import traceback

import pytest

from visavis.engines.base import EngineError
from visavis.server.system import logs
from visavis.server.system.errors import ConfigError

SAID = "my number is 12345"


@pytest.fixture
def written(monkeypatch):
    """Lines of a root logger that writes as the server's does."""
    root, stream = logging.getLogger(), io.StringIO()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    before = root.level
    logs.to_stderr("info")
    yield lambda: stream.getvalue().splitlines()
    root.setLevel(before)


def failed():
    try:
        raise ValueError(SAID)
    except ValueError as error:
        return error


def fields(line):
    return json.loads(line[line.index("{") :])


def test_a_traceback_that_a_library_logs_is_its_type_and_place(written):
    logging.getLogger("aiohttp.server").error("Unhandled", exc_info=failed())
    (line,) = written()
    assert SAID not in line
    assert fields(line)["fault"].startswith("ValueError at test_logs.py:")


def test_a_traceback_within_a_message_is_its_place(written):
    printed = "".join(traceback.format_exception(failed()))
    logging.getLogger("aiortc.rtcdtlstransport").warning("RTCDtlsTransport(server) %s", printed)
    (line,) = written()
    assert SAID not in line
    assert "RTCDtlsTransport(server) fault at test_logs.py:" in line


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_dies_says_no_text(written):
    def die():
        raise ValueError(SAID)

    thread = threading.Thread(target=die)
    thread.start()
    thread.join()
    (line,) = written()
    assert SAID not in line
    assert "a thread ended" in line


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_cannot_be_raised_says_no_text(written):
    class Falls:
        def __del__(self):
            raise ValueError(SAID)

    gc.collect()  # what other tests left behind says so too
    before = len(written())
    Falls()
    gc.collect()
    (line,) = written()[before:]
    assert SAID not in line
    assert "nowhere to go" in line


def test_an_engines_own_words_are_shown(written):
    logging.getLogger("visavis").error("x", exc_info=EngineError("heart: no answer within 20 s"))
    assert fields(written()[0])["fault"] == "heart: no answer within 20 s"


def test_fields_are_json_behind_the_message(written):
    logging.getLogger("visavis").info("session opened", extra={"session": "a", "turn": 3})
    (line,) = written()
    assert line.endswith('INFO visavis: session opened {"session": "a", "turn": 3}')


def test_an_unknown_level_is_named():
    with pytest.raises(ConfigError, match="loud"):
        logs.to_stderr("loud")
