"""`visavis doctor` and the settings of a language model."""

import asyncio
import json
import subprocess
import sys
import threading

import pytest
from support.chat_double import MODEL, ChatDouble, fails, says, stalls

from visavis.server.cli import main
from visavis.server.commands import asking
from visavis.server.system import config_reading as config
from visavis.server.system import llm
from visavis.server.system.errors import ConfigError

ASKS = {"dialogue": "openai", "llm_base_url": "http://127.0.0.1:1/v1", "llm_model": MODEL}
HURRIED = {"llm_connect_seconds": 0.3, "llm_first_token_seconds": 0.5}


class Beside:
    """An endpoint with an event loop of its own: the doctor has one, too."""

    def __init__(self, *script, **options):
        self.double, self._begun = ChatDouble(*script, **options), threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve)

    def _serve(self):
        self._loop.run_until_complete(self._run())

    async def _run(self):
        self._over = asyncio.Event()
        async with self.double:
            self._begun.set()
            await self._over.wait()

    def __enter__(self):
        self._thread.start()
        self._begun.wait()
        return self.double

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self._loop.close()


def examined(endpoint, **settings):
    given = {**ASKS, **HURRIED, **settings, "llm_base_url": endpoint.url}
    return asking.examine(config.load(given, env={}))


def test_an_endpoint_that_answers():
    with Beside(says("Yes.", first=0.1)) as endpoint:
        found = examined(endpoint)
    assert (found.problems, found.doubts) == ((), ())
    assert 0.1 <= found.first_token < 0.5
    assert f"{MODEL} at {endpoint.url}: first token after 0.1" in found.words
    assert [asked.body["max_tokens"] for asked in endpoint.asked] == [1, 1]


@pytest.mark.parametrize(
    ("script", "models", "problem"),
    [
        (fails(401), (MODEL,), r"refused the key \(401\): see .*llm_key_file"),
        (fails(404), ("other", "third"), "'double' is not among its models: other, third"),
        (fails(503), (MODEL,), r"failed \(503\)"),
        (stalls, (MODEL,), "did not answer in time"),
    ],
)
def test_an_endpoint_that_does_not_answer_is_a_problem_with_its_fix(script, models, problem):
    with Beside(script, models=models) as endpoint:
        found = examined(endpoint)
    assert found.first_token is None
    with pytest.raises(AssertionError, match=problem):
        raise AssertionError(found.problems[0])


def test_a_model_that_is_not_listed_but_answers_is_a_doubt():
    with Beside(says("Yes."), models=("other",)) as endpoint:
        found = examined(endpoint)
    assert not found.problems
    assert "is not among its models: other" in found.doubts[0]


def test_doctor_tells_of_it(monkeypatch, tmp_path, capsys, warm_home):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VISAVIS_HOME", str(warm_home))
    for key, value in {**ASKS, **HURRIED, "llm_key": "a-key"}.items():
        monkeypatch.setenv(f"VISAVIS_{key.upper()}", str(value))
    assert main(["doctor", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert "double at http://127.0.0.1:1/v1: does not answer" in told["language_model"]
    assert "cannot be reached" in told["problems"][0]
    assert told["settings"]["llm_key"] == "set"
    with Beside(says("Yes.")) as endpoint:
        monkeypatch.setenv("VISAVIS_LLM_BASE_URL", endpoint.url)
        assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "Language model: double at http" in said
    assert "a-key" not in said


def test_nothing_is_asked_where_no_model_is(monkeypatch):
    monkeypatch.setattr(asking, "import_module", lambda _: pytest.fail("it was"))
    assert asking.examine(config.Config()) == asking.Endpoint()


def test_nobody_loads_the_client_who_does_not_use_it():
    served = "visavis.server.commands.single, visavis.server.commands.worker"
    looked = "print(sorted({'openai', 'httpx2', 'pydantic'} & set(sys.modules)))"
    program = [sys.executable, "-c", f"import sys, {served}; {looked}"]
    done = subprocess.run(program, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- the settings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "fix"),
    [
        ({"llm_base_url": ""}, "set llm_base_url"),
        ({"llm_model": ""}, "llm_model to its name"),
        ({"llm_base_url": "127.0.0.1:8080"}, "begins with http"),
        ({"llm_base_url": "http://me:secret@host/v1"}, "put the key into llm_key_file"),
        ({"llm_temperature": "warm"}, "must be a number"),
        ({"llm_temperature": 3}, "from 0 to 2"),
        ({"llm_temperature": float("nan")}, "from 0 to 2"),
        ({"llm_max_tokens": 0}, "from 1 to"),
        ({"llm_first_token_seconds": 20}, "less than 20 s"),
        ({"llm_between_seconds": 0}, "less than 20 s"),
        ({"llm_total_seconds": 301}, "300 at most"),
        ({"llm_bound": "maybe"}, "choose on or off"),
        ({"llm_key": "a"}, "VISAVIS_LLM_KEY"),
    ],
)
def test_what_does_not_fit_names_its_fix(given, fix):
    with pytest.raises(ConfigError, match=fix) as raised:
        config.load({**ASKS, **given}, env={})
    assert "secret" not in str(raised.value)
    with pytest.raises(ConfigError, match="keep one of them"):
        config.load(ASKS, env={"VISAVIS_LLM_KEY": "a", "VISAVIS_LLM_KEY_FILE": "b"})


def test_nothing_of_it_is_checked_where_no_model_is_asked():
    assert llm.chat(config.load({}, env={"VISAVIS_LLM_MAX_TOKENS": "0"})) is None


def test_key_headers_and_more_come_from_files(tmp_path):
    (tmp_path / "key").write_text("a-key\n")
    (tmp_path / "headers").write_text("# of the gateway\nX-Team: kiosk\n\nApi-Version: 2\n")
    env = {
        "VISAVIS_LLM_KEY_FILE": str(tmp_path / "key"),
        "VISAVIS_LLM_HEADERS_FILE": str(tmp_path / "headers"),
        "VISAVIS_LLM_EXTRA": '{"chat_template_kwargs": {"enable_thinking": false}}',
    }
    chat = llm.chat(config.load(ASKS, env=env))
    assert chat.key == "a-key"
    assert chat.headers == {"X-Team": "kiosk", "Api-Version": "2"}
    assert chat.extra == {"chat_template_kwargs": {"enable_thinking": False}}
    assert "a-key" not in repr(chat)


@pytest.mark.parametrize(
    ("key", "content", "fault"),
    [
        ("llm_key_file", None, "llm_key_file .*No such file"),
        ("llm_headers_file", None, "llm_headers_file .*No such file"),
        ("llm_headers_file", "X: 1\nsecret words here\n", "line 2: write Name: value"),
        ("llm_headers_file", "X: é\n", "plain ASCII"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path, key, content, fault):
    file = tmp_path / "file"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match=fault) as raised:
        llm.chat(config.load({**ASKS, key: str(file)}, env={}))
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("extra", ["{", "[1]", "7"])
def test_an_extra_that_is_no_object_is_refused(extra):
    with pytest.raises(ConfigError, match="llm_extra"):
        llm.chat(config.load({**ASKS, "llm_extra": extra}, env={}))
