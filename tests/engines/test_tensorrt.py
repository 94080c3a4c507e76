"""TensorRT-RTX builds for cards that are not there; what runs needs one."""

import pytest
from support import toy_graph

from visavis.engines.base import EngineError
from visavis.engines.render import building, tensorrt_library
from visavis.engines.render.devices import Gpu
from visavis.engines.render.tensorrt_build import Span, build, symbolic
from visavis.engines.render.tensorrt_library import Library
from visavis.models.graph.spec import Spec

RTX = Library("tensorrt_rtx_bindings")
SPANS = {"batch": Span(1, 4, 64), "avatars": Span(1, 2, 64)}


def gpu(major, minor):
    return Gpu("a card", (major, minor), 1 << 34, "580.65")


@pytest.fixture(scope="module")
def onnx():
    return toy_graph.onnx_bytes()


def test_open_sizes_have_names(onnx):
    assert symbolic(onnx)["textures"] == ("avatars", 1, 144, 64)
    assert symbolic(onnx)["state"] == ("batch", 3)


def test_an_engine_is_built_for_a_card_that_is_not_there_and_says_how_far_it_is(onnx):
    said = []
    engine = build(RTX, onnx, SPANS, "SM89", lambda share, what: said.append((share, what)) or True)
    shares = [share for share, _ in said]
    assert len(engine) > 100_000
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    assert len({what for _, what in said}) > 3


def test_a_build_can_be_cancelled(onnx):
    with pytest.raises(EngineError, match="cancelled"):
        build(RTX, onnx, SPANS, "SM89", lambda share, _what: share < 0.2)


def test_a_capability_that_it_does_not_know_is_named(onnx):
    with pytest.raises(EngineError, match=r"builds for SM120, .*SM89, not for SM90"):
        build(RTX, onnx, SPANS, "SM90")


def test_what_is_no_graph_is_refused_with_the_library_s_words():
    with pytest.raises(EngineError, match=r"tensorrt_rtx cannot read the graph: .+"):
        build(RTX, b"nonsense", SPANS, "SM89")


def test_a_size_that_nobody_bounded_is_named(onnx):
    with pytest.raises(EngineError, match="'avatars'"):
        build(RTX, onnx, {"batch": Span(1, 4, 64)}, "SM89")


def test_bounds_that_cannot_be_are_refused(onnx):
    with pytest.raises(EngineError, match="cannot build an engine"):
        build(RTX, onnx, SPANS | {"batch": Span(4, 2, 1)}, "SM89")


@pytest.mark.parametrize(
    ("capability", "served"), [((8, 9), True), ((12, 0), True), ((9, 0), False), ((8, 0), False)]
)
def test_rtx_is_for_the_rtx_family(capability, served):
    why = RTX.serves(gpu(*capability))
    assert (why == "") == served
    assert served or "install visavis[tensorrt]" in why
    assert Library("tensorrt").serves(gpu(*capability)) == ""


def test_an_rtx_engine_is_for_a_capability_another_for_a_card_and_its_driver():
    card = gpu(8, 9)
    assert (RTX.target(card), RTX.driver(card)) == ("SM89", "")
    other = Library("tensorrt")
    assert (other.target(card), other.driver(card)) == ("a card", "580.65")


def test_a_library_that_is_there_but_does_not_load_says_so(tmp_path, monkeypatch):
    (tmp_path / "tensorrt.py").write_text("raise OSError('libnvinfer.so.10 is not there')")
    monkeypatch.syspath_prepend(tmp_path)
    assert [each.module for each in tensorrt_library.installed()][:1] == ["tensorrt"]
    with pytest.raises(EngineError, match="does not load: libnvinfer"):
        _ = Library("tensorrt").version


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("refine", [False, True])
def test_the_graph_itself_is_exported_and_built_without_a_gpu(tmp_path, refine):
    """In a process of its own, as a server does at its first start."""
    shares = []
    key = building.key(RTX, None, "SM89", Spec(128, 128, refine))
    order = building.Order(tmp_path, RTX.module, key)
    engine = building.ready(order, lambda share, _what: shares.append(share) or True)
    assert len(engine) > 500_000
    assert shares[0] == 0
    assert shares[-1] == pytest.approx(1)
    assert building.ready(order, lambda *_: False) == engine  # from its file
