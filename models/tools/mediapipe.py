"""Convert the TFLite models of the mediapipe wheel to the ONNX files in `data/`. A tool, not a part
of the product: nothing imports it.

In an environment of its own (TensorFlow is large and none of it is needed at run time):

    pip install tf2onnx==1.17.0 tensorflow-cpu==2.21.0 onnx==1.23.2 onnxruntime==1.31.1
    pip download --no-deps mediapipe==0.10.21
    python convert_mediapipe.py mediapipe-0.10.21-*.whl data/

Each model is compared with the TFLite interpreter on fixed inputs; the script fails where they
differ by more than `TOLERANCE`. The same wheel and tool versions give the same bytes again.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime  # type: ignore[import-untyped]
from onnx import TensorProto, helper, numpy_helper

OPSET: Final = 16
TOLERANCE: Final = 2e-3  # of the largest output; measured 1e-6 .. 4e-4
M = TypeVar("M", onnx.NodeProto, onnx.TensorProto)
log = logging.getLogger(__name__)


class ConversionError(Exception):
    """A converted model does not do what its source does."""


@dataclass(frozen=True, slots=True)
class Source:
    """One model: where it lies in the wheel and what its outputs are called and shaped here."""

    path: str
    outputs: dict[str, tuple[str, tuple[int, ...]]]  # TFLite name -> (ONNX name, shape)


MODULES: Final = "mediapipe/modules"
SOURCES: Final = {
    "face_detector": Source(
        f"{MODULES}/face_detection/face_detection_short_range.tflite",
        {"regressors": ("boxes", (1, 896, 16)), "classificators": ("logits", (1, 896))},
    ),
    "face_landmarks": Source(
        f"{MODULES}/face_landmark/face_landmark.tflite",
        {"conv2d_21": ("points", (1, 468, 3)), "conv2d_31": ("presence", (1, 1))},
    ),
    "iris": Source(
        f"{MODULES}/iris_landmark/iris_landmark.tflite",
        {
            "output_eyes_contours_and_brows": ("contour", (1, 71, 3)),
            "output_iris": ("iris", (1, 5, 3)),
        },
    ),
    "matte": Source(
        f"{MODULES}/selfie_segmentation/selfie_segmentation.tflite",
        {"activation_10": ("alpha", (1, 256, 256, 1))},
    ),
}


def main() -> None:
    """Convert every model of the wheel, check it, log its hashes."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    with zipfile.ZipFile(args.wheel) as wheel:
        for name, source in SOURCES.items():
            tflite = wheel.read(source.path)
            target = args.out / f"{name}.onnx"
            onnx.save(convert(tflite, source), target)
            _report(name, tflite, target, difference(tflite, target, source))


def convert(tflite: bytes, source: Source) -> onnx.ModelProto:
    """TFLite bytes -> checked ONNX model with input `image` and the outputs that `source` names."""
    import tf2onnx  # type: ignore[import-not-found]  # here: it starts TensorFlow

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(tflite)
        model: onnx.ModelProto
        model, _ = tf2onnx.convert.from_tflite(str(path), opset=OPSET)
    _repair_transposed_convolution(model)
    _rename_input(model)
    for old, (new, shape) in source.outputs.items():
        _rename_output(model, old, new, shape)
    _rename_in_order(model)
    model.producer_name, model.producer_version = "tf2onnx", "1.17.0"
    model.doc_string = f"Converted from mediapipe 0.10.21, {source.path}. Apache-2.0."
    onnx.checker.check_model(model, full_check=True)
    return model


def _repair_transposed_convolution(model: onnx.ModelProto) -> None:
    """tf2onnx leaves the matte's TFL_Convolution2DTransposeBias as it is: write it in ONNX."""
    graph = model.graph
    constants = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    for node in [n for n in graph.node if n.op_type == "TFL_Convolution2DTransposeBias"]:
        at = list(graph.node).index(node)
        image, weight, bias = node.input
        weights = np.transpose(constants[weight], (3, 0, 1, 2)).astype(np.float32)  # OHWI -> IOHW
        graph.initializer.append(numpy_helper.from_array(weights, "up_weight"))
        graph.initializer.append(numpy_helper.from_array(constants[bias], "up_bias"))
        steps = [
            helper.make_node("Transpose", [image], ["up_in"], perm=[0, 3, 1, 2]),
            helper.make_node(
                "ConvTranspose", ["up_in", "up_weight", "up_bias"], ["up_out"],
                strides=[2, 2], kernel_shape=list(weights.shape[2:]),
            ),
            helper.make_node("Transpose", ["up_out"], [node.output[0]], perm=[0, 2, 3, 1]),
        ]  # fmt: skip
        graph.node.remove(node)
        for step in reversed(steps):
            graph.node.insert(at, step)
        for unused in [i for i in graph.initializer if i.name in (weight, bias)]:
            graph.initializer.remove(unused)
    custom = [o for o in model.opset_import if o.domain not in ("", "ai.onnx")]
    for domain in custom:
        model.opset_import.remove(domain)


def _rename_input(model: onnx.ModelProto) -> None:
    (image,) = model.graph.input
    for node in model.graph.node:
        for slot, name in enumerate(node.input):
            if name == image.name:
                node.input[slot] = "image"
    image.name = "image"


def _rename_output(model: onnx.ModelProto, old: str, new: str, shape: tuple[int, ...]) -> None:
    """Give an output its name and shape by a last Reshape, which costs nothing at run time."""
    graph = model.graph
    (output,) = [o for o in graph.output if o.name == old]
    graph.initializer.append(numpy_helper.from_array(np.array(shape, np.int64), f"{new}_shape"))
    graph.node.append(helper.make_node("Reshape", [old, f"{new}_shape"], [new]))
    output.CopyFrom(helper.make_tensor_value_info(new, TensorProto.FLOAT, shape))


def _rename_in_order(model: onnx.ModelProto) -> None:
    """Order nodes and weights by use and number their names: tf2onnx's own differ between runs."""
    graph = model.graph
    maker = {name: node for node in graph.node for name in node.output}
    weights = {i.name: i for i in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    names = {"image": "image"}

    def visit(name: str) -> None:
        if name in names or not name:
            return
        if name in maker:
            for source in maker[name].input:
                visit(source)
            nodes.append(maker[name])
        names[name] = f"t{len(names)}"

    for output in graph.output:
        visit(output.name)
    names |= {output.name: output.name for output in graph.output}
    used = [weights[old] for old in names if old in weights]
    for weight in used:
        weight.name = names[weight.name]
    for at, node in enumerate(nodes):
        node.name = f"n{at}"
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names[name] for name in node.output]
    used, nodes = [*map(_copy, used)], [*map(_copy, nodes)]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(used)
    graph.name = "mediapipe"


def _copy(message: M) -> M:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy


def difference(tflite: bytes, target: Path, source: Source) -> float:
    """Largest |ONNX - TFLite| over three fixed inputs, relative to the output's largest value."""
    import tensorflow as tf  # type: ignore[import-untyped]

    interpreter = tf.lite.Interpreter(model_content=tflite)
    interpreter.allocate_tensors()
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    worst = 0.0
    for image in _inputs(tuple(session.get_inputs()[0].shape)):
        ours = dict(
            zip(
                (o.name for o in session.get_outputs()),
                session.run(None, {"image": image}),
                strict=True,
            )
        )
        theirs = _interpret(interpreter, image)
        for old, (new, shape) in source.outputs.items():
            reference = theirs[old].reshape(shape)
            error = np.abs(ours[new] - reference).max() / max(1.0, np.abs(reference).max())
            worst = max(worst, float(error))
    if worst > TOLERANCE:
        msg = f"{target.name}: differs from its source by {worst:.1e}"
        raise ConversionError(msg)
    return worst


def _interpret(interpreter: Any, image: npt.NDArray[np.float32]) -> dict[str, Any]:
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    return {d["name"]: interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()}


def _inputs(shape: tuple[int, ...]) -> list[npt.NDArray[np.float32]]:
    """A ramp, noise, and smooth blobs, all in [0, 1]."""
    rng = np.random.default_rng(1)
    ramp = np.linspace(0, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)
    noise = rng.random(shape, dtype=np.float32)
    coarse = rng.random((1, 8, 8, 3), dtype=np.float32)
    blobs = coarse.repeat(shape[1] // 8, axis=1).repeat(shape[2] // 8, axis=2)
    return [ramp, noise, blobs]


def _report(name: str, tflite: bytes, target: Path, worst: float) -> None:
    log.info("%s: %d bytes, differs by %.1e", name, target.stat().st_size, worst)
    log.info("  tflite sha256 %s", hashlib.sha256(tflite).hexdigest())
    log.info("  onnx   sha256 %s", hashlib.sha256(target.read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
