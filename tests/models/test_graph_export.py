"""The graph as ONNX: the same pictures in another run time, and an engine without a GPU."""

from functools import cache

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from support.four_avatars import four_avatars, states
from support.parity import apart

from visavis.engines.render import posing
from visavis.engines.render.warp import draw
from visavis.models.graph import export, inverse, packing
from visavis.models.graph.bank import Bank
from visavis.models.graph.spec import Spec
from visavis.models.graph.warp import LayeredWarp
from visavis.models.warp import scene

SPEC = Spec(512, 512)


@cache
def exported():
    return export.onnx_bytes(SPEC)


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


@pytest.mark.timeout(180)
def test_a_step_in_another_run_time_is_ours():
    function = export._step_function()
    call = onnx.helper.make_node(export.STEP, function.input, function.output, domain=export.DOMAIN)
    shapes = {
        "cells": (None, 16), "each": (2, 7, 5), "target": (2, 7, 2), "limit": (1,),
        "place": (2, 7, 2), "best": (2, 7, 2), "missed": (2, 7, 1),
    }  # fmt: skip
    values = [onnx.helper.make_tensor_value_info(n, 1, s) for n, s in shapes.items()]
    out = [onnx.helper.make_tensor_value_info(n, 1, None) for n in function.output]
    graph = onnx.helper.make_graph([call], "one", values, out)
    opsets = [onnx.helper.make_opsetid("", export.OPSET), onnx.helper.make_opsetid("visavis", 1)]
    model = onnx.helper.make_model(graph, functions=[function], opset_imports=opsets, ir_version=10)
    rng = np.random.default_rng(1)
    given = {n: rng.normal(0, 2, [s or 40 for s in ss]).astype("f4") for n, ss in shapes.items()}
    given["each"][..., :2], given["each"][..., 2:] = 5, (3, 6, 0.5)
    ours = inverse.step(*(torch.from_numpy(given[name]) for name in shapes))
    theirs = session(model.SerializeToString()).run(None, given)
    for one, other in zip(ours, theirs, strict=True):
        assert np.allclose(one.numpy(), other, atol=1e-4)


def test_an_engines_name_changes_with_the_graph():
    assert export.digest(SPEC) == export.digest(Spec(512, 512))
    assert export.digest(SPEC) != export.digest(Spec(512, 640))
    one, other = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    assert len({export.digest(SPEC, r) for r in (None, one, other)}) == 3


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_another_run_time_draws_the_same_pictures():
    shown = [scene.build(four_avatars(name), 512, 512) for name in ("frontal", "ada")]
    bank = Bank(SPEC, "cpu", 2)
    slots = [bank.add(packing.packed(s, SPEC)) for s in shown]
    graph, other = LayeredWarp(SPEC), session(exported())
    for state in states(3, seed=8):
        amounts = posing.controls(state)
        rows = [packing.row(s, amounts, posing.view(s.body, state.pose)) for s in shown]
        for chosen in ([0], [1, 0, 1]):
            avatar = np.array([slots[k] for k in chosen], np.int32)
            given = np.stack([rows[k] for k in chosen])
            arrays = {name: array.numpy() for name, array in bank.arrays.items()}
            (theirs,) = other.run(None, {"avatar": avatar, "state": given, **arrays})
            with torch.inference_mode():
                tensors = torch.from_numpy(avatar), torch.from_numpy(given)
                ours = graph(*tensors, *bank.arrays.values()).numpy()
            for k, one, picture in zip(chosen, ours, theirs, strict=True):
                assert apart(one, picture)[1] < 1
                assert apart(draw(shown[k], state), picture)[1] < 12


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_an_engine_is_built_from_it_without_a_gpu():
    trt = pytest.importorskip("tensorrt_rtx_bindings")
    log = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(log)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, log)
    assert parser.parse(exported()), [str(parser.get_error(k)) for k in range(parser.num_errors)]
    profile = builder.create_optimization_profile()
    for t in SPEC.inputs:
        low, usual, high = (1, 16, 64) if t in SPEC.state else (1, 4, 16)
        profile.set_shape(t.name, (low, *t.row), (usual, *t.row), (high, *t.row))
    config = builder.create_builder_config()
    config.clear_flag(trt.BuilderFlag.TF32)
    config.add_optimization_profile(profile)
    engine = builder.build_serialized_network(network, config)
    assert engine is not None
    assert engine.nbytes > 1_000_000
