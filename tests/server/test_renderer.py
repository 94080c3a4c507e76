"""Who draws: said by the doctor, the log and the metrics."""

import json

import pytest

from visavis.engines.render.runtimes import Standing
from visavis.server.cli import main
from visavis.server.services.renderer import RendererNews
from visavis.server.system import config_reading as config
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError
from visavis.server.system.metrics import Metrics


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # as on a machine without one
    monkeypatch.chdir(tmp_path)


def shown(metrics):
    lines = metrics.text().decode().splitlines()
    return [each for each in lines if each.startswith("visavis_renderer")]


def test_each_change_is_one_line_and_a_fall_back_a_warning(caplog):
    metrics = Metrics()
    news = RendererNews(metrics)
    caplog.set_level("INFO")
    news.tell(Standing("warp", "CPU", "the faster renderer is being made ready"))
    news.tell(Standing("tensorrt", "a card", ""))
    assert shown(metrics)[:3] == [
        'visavis_renderer{name="warp"} 0.0', 'visavis_renderer{name="torch"} 0.0',
        'visavis_renderer{name="tensorrt"} 1.0',
    ]  # fmt: skip
    news.tell(Standing("warp", "CPU", "torch: the GPU is out of memory; tried again in 10 s"))
    news.tell(Standing("warp", "CPU", "torch: the GPU is out of memory; tried again in 30 s"))
    assert shown(metrics)[0] == 'visavis_renderer{name="warp"} 1.0'
    assert "visavis_renderer_fallbacks_total 1.0" in shown(metrics)
    assert [each.levelname for each in caplog.records] == ["INFO", "INFO", "WARNING", "INFO"]
    assert {each.message for each in caplog.records} == {"drawing"}
    assert "out of memory; tried again in 10 s" in caplog.records[2].why


@pytest.mark.parametrize(
    ("renderer", "status", "words"),
    [("auto", 0, "warp on CPU (no GPU: CUDA_VISIBLE_DEVICES hides every GPU)"),
     ("warp", 0, "warp on CPU (renderer is warp)"),
     ("torch", 0, "torch on CPU (no GPU: "), ("tensorrt", 1, "warp on CPU (no GPU: ")],
)  # fmt: skip
def test_the_doctor_says_what_draws_and_why_nothing_faster_does(
    renderer, status, words, monkeypatch, capsys
):
    monkeypatch.setenv("VISAVIS_RENDERER", renderer)
    assert main(["doctor"]) == status
    said = capsys.readouterr().out
    assert f"Pictures are drawn by: {words}" in said
    assert ("missing: renderer 'tensorrt' cannot be had: no GPU" in said) == bool(status)
    main(["doctor", "--json"])
    assert json.loads(capsys.readouterr().out)["renderer"].startswith(words)


def test_a_renderer_that_there_is_not_is_refused():
    with pytest.raises(ConfigError, match="choose auto, warp, torch or tensorrt"):
        config.check(Config(renderer="cuda"))


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["build"], 1, "there is no GPU to build for: CUDA_VISIBLE_DEVICES hides every GPU"),
        (["check"], 1, "there is no GPU to build for"),
        (["build", "--target", "new"], 2, "write a compute capability such as 8.9"),
        (["build", "--target", "9.0"], 2, "tensorrt_rtx knows 7.5, "),
        (["check", "--width", "101"], 2, "both must be even"),
    ],
)
def test_engine_says_what_is_wrong(arguments, status, words, capsys):
    assert main(["engine", *arguments]) == status
    assert words in capsys.readouterr().err


def test_engines_that_are_not_there_are_named_with_the_way_to_get_them(capsys):
    assert main(["engine", "list"]) == 0
    assert "no engine was built yet: `visavis engine build`" in capsys.readouterr().out
    assert main(["engine", "check", "--target", "8.9"]) == 1
    said = capsys.readouterr().out
    assert ".engine: not built yet" in said
    assert "`visavis engine build` does so now" in said
    assert main(["engine", "check", "--target", "sm_89", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["target"] == "SM89"
    assert "not built yet" in told["fault"]


def test_an_engine_is_built_listed_checked_and_found_corrupt(capsys, monkeypatch, tmp_path):
    from support import toy_graph

    from visavis.models.graph import export

    monkeypatch.setattr(export, "onnx_bytes", lambda *_: toy_graph.onnx_bytes())
    options = ["--target", "8.9", "--width", "128", "--height", "128"]
    assert main(["engine", "build", *options, "--json"]) == 0
    built = json.loads(capsys.readouterr().out)
    assert built["bytes"] > 100_000
    assert main(["engine", "check", *options]) == 0
    assert "in order, for SM89, by tensorrt_rtx" in capsys.readouterr().out
    assert main(["engine", "list"]) == 0
    assert "128x128  SM89  tensorrt_rtx" in capsys.readouterr().out
    path = tmp_path / "home" / "engines" / built["file"].rpartition("/")[2]
    path.write_bytes(path.read_bytes()[:-1])
    assert main(["engine", "check", *options]) == 1
    assert f"{path.name}: " in capsys.readouterr().out
    main(["engine", "list", "--json"])
    (row,) = json.loads(capsys.readouterr().out)
    assert row["fits"] is None
    assert "bytes where" in row["fault"]
