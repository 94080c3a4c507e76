"""An engine that is missing, stale or corrupt is named and built, in a process of its own."""

import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest

from visavis.engines.base import EngineError
from visavis.engines.render import building, engine_files
from visavis.engines.render.building import Order
from visavis.engines.render.engine_files import Key

KEY = Key("engine", "tensorrt_rtx", "1.7", "SM89", "", "ab" * 32, 128, 128)


@pytest.fixture
def order(tmp_path):
    return Order(tmp_path / "engines", "tensorrt_rtx_bindings", KEY)


@pytest.fixture
def built(monkeypatch):
    """Orders that were built, each into b"new"."""
    orders = []

    def in_child(order, _progress):
        orders.append(order)
        engine_files.store(order.folder, order.key, b"new")

    monkeypatch.setattr(building, "in_child", in_child)
    return orders


def go_on(_share, _what):
    return True


def test_an_engine_that_is_there_is_not_built(order, built):
    engine_files.store(order.folder, KEY, b"there")
    assert building.ready(order, go_on) == b"there"
    assert built == []


def damage(path):
    path.write_bytes(path.read_bytes()[:-1] + b"?")


@pytest.mark.parametrize(
    ("before", "level", "words"),
    [
        (lambda _order: None, "INFO", "not built yet"),
        (lambda order: damage(engine_files.store(order.folder, KEY, b"old")), "WARNING",
         "not what was written"),
        (lambda order: engine_files.store(order.folder, replace(KEY, version="1.6"), b"old"),
         "WARNING", "built for another version"),
        (lambda order: engine_files.store(order.folder, replace(KEY, graph="cd" * 32), b"old"),
         "WARNING", "built for another graph"),
    ],
)  # fmt: skip
def test_whatever_is_wrong_is_named_and_a_new_one_built(order, built, caplog, before, level, words):
    caplog.set_level("INFO")
    before(order)
    assert building.ready(order, go_on) == b"new"
    assert built == [order]
    (record,) = caplog.records
    assert (record.levelname, record.message) == (level, "an engine is built")
    assert words in record.why
    assert ".engine" in record.why
    assert building.ready(order, go_on) == b"new"
    assert built == [order]


def test_several_processes_build_one_engine_once(order, monkeypatch):
    builds, entered = [], threading.Event()

    def slowly(order, _progress):
        builds.append(order)
        entered.wait(0.1)
        engine_files.store(order.folder, order.key, b"new")

    monkeypatch.setattr(building, "in_child", slowly)
    made = []
    threads = [
        threading.Thread(target=lambda: made.append(building.ready(order, go_on))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [b"new"] * 3
    assert len(builds) == 1


def test_a_folder_that_cannot_be_written_to_is_an_engine_error(tmp_path):
    (tmp_path / "engines").write_text("a file")
    with pytest.raises(EngineError, match="cannot be read: .*engines: "):
        building.ready(Order(tmp_path / "engines", "tensorrt", KEY), go_on)


def child(monkeypatch, tmp_path, script):
    path = tmp_path / "child"
    path.write_text(f"#!/bin/sh\nread order\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setattr(building, "sys", SimpleNamespace(executable=str(path)))


def test_a_child_says_how_far_it_is_and_that_it_is_done(order, monkeypatch, tmp_path):
    child(
        monkeypatch, tmp_path,
        """echo '{"share": 0.0, "what": "Exporting"}'; echo '{"share": 0.7, "what": "Building"}'
           echo '{"built": "x"}'""",
    )  # fmt: skip
    said = []
    building.in_child(order, lambda share, what: said.append((share, what)) or True)
    assert said == [(0.0, "Exporting"), (0.7, "Building")]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("""echo '{"error": "tensorrt_rtx cannot read the graph"}'""", "cannot read the graph"),
        ("exit 3", "ended without a word"), ("echo nonsense", "JSONDecodeError"),
        ("""echo '{"share": 0.5, "what": "Building"}'; kill -9 $$""", "was ended"),
    ],
)  # fmt: skip
def test_a_child_that_fails_says_why(order, monkeypatch, tmp_path, script, words):
    child(monkeypatch, tmp_path, script)
    with pytest.raises(EngineError, match=words):
        building.in_child(order, go_on)


def test_a_child_that_is_not_wanted_any_more_is_ended(order, monkeypatch, tmp_path):
    child(monkeypatch, tmp_path, """echo '{"share": 0.1, "what": "Building"}'; exec sleep 60""")
    with pytest.raises(EngineError, match="cancelled"):
        building.in_child(order, lambda _share, _what: False)
