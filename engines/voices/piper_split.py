"""A piper network cut into encoder and decoder, kept in a cache."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import onnx
import onnx.utils

from visavis.engines.voices import pacing
from visavis.models.files import not_kept, whole

SPEAKER: Final = "sid"  # (1,) int64 input of networks that have several speakers
LATENT: Final = "latent"  # (1, channels, frames) float32: the encoder's output, the decoder's input
NOISE: Final = "noise"  # (n,) float32 input of the encoder: what it draws from, over and over
_FORMAT: Final = 3  # raise it when the halves change
_FIRST_DECODER_NODE: Final = "/dec/conv_pre/Conv"


Half = Path | bytes  # as onnxruntime takes a network


def halves(source: Path, cache: Path, *, anew: bool = False) -> tuple[Half, Half]:
    """Encoder (phoneme ids, PACE, NOISE -> LATENT, frames of each id), decoder (LATENT -> samples).

    Files are named after the source's sha256 and put in place whole, so that processes may share
    a cache and another network never takes the place of this one; a cache that cannot be written
    costs the time of cutting. anew: what is in the cache is of no use. Raises OSError, ValueError.
    """
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    names = [f"{source.stem}-{digest[:16]}-{_FORMAT}-{half}.onnx" for half in ("text", "sound")]
    encoder, decoder = (cache / name for name in names)
    if not anew and _all_there(encoder, decoder):
        return encoder, decoder
    first, second = (half.SerializeToString() for half in _cut(onnx.load(source)))
    try:
        cache.mkdir(parents=True, exist_ok=True)
        for place, content in ((encoder, first), (decoder, second)):
            with whole(place) as file:
                file.write(content)
    except OSError as error:
        not_kept(cache, error)
        return first, second
    return encoder, decoder


def _all_there(*paths: Path) -> bool:
    try:
        return all(path.exists() for path in paths)
    except OSError:  # a folder that may not be looked into
        return False


def _cut(network: onnx.ModelProto) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    nodes = network.graph.node
    entries = [node for node in nodes if node.name == _FIRST_DECODER_NODE]
    ceilings = [node.output[0] for node in nodes if node.op_type == "Ceil"]
    if len(entries) != 1 or len(ceilings) != 1:
        msg = f"no network of piper's: {len(entries)} decoders and {len(ceilings)} durations in it"
        raise ValueError(msg)
    entry, rounded = entries[0], ceilings[0]
    durations = pacing.paced(network, rounded, least=0)
    _draw_from_noise(network)
    joint = entry.input[0]
    for node in nodes:
        _rename(node, joint)
    latent = onnx.helper.make_tensor_value_info(LATENT, onnx.TensorProto.FLOAT, [1, None, None])
    frames = onnx.helper.make_tensor_value_info(durations, onnx.TensorProto.FLOAT, None)
    network.graph.value_info.extend([latent, frames])
    cutter = onnx.utils.Extractor(network)
    inputs = [value.name for value in network.graph.input]
    encoder = cutter.extract_model(inputs, [LATENT, durations])
    outputs = [value.name for value in network.graph.output]
    decoder = cutter.extract_model([LATENT, *({SPEAKER} & set(inputs))], outputs)
    return encoder, decoder


def _draw_from_noise(network: onnx.ModelProto) -> None:
    """Random numbers from NOISE instead of onnxruntime's generator, which goes on with each run.

    So a text sounds the same whatever was said before it.
    """
    nodes = network.graph.node
    for at, node in reversed(list(enumerate(nodes))):
        if node.op_type == "RandomNormalLike":
            made = _taken(node.input[0], node.output[0])
            nodes.remove(node)
            for offset, each in enumerate(made):
                nodes.insert(at + offset, each)
    integers = onnx.TensorProto.INT64
    network.graph.initializer.extend(
        onnx.helper.make_tensor(f"{NOISE}_{name}", integers, [1], [value])
        for name, value in (("none", 0), ("one", 1))
    )
    given = onnx.helper.make_tensor_value_info(NOISE, onnx.TensorProto.FLOAT, [None])
    network.graph.input.append(given)


def _taken(like: str, result: str) -> list[onnx.NodeProto]:
    """As many of NOISE as `like` has, from its beginning; repeated where it has more."""
    node, own = onnx.helper.make_node, f"{result}_{NOISE}"
    return [
        node("Shape", [like], [f"{own}_shape"]),
        node("ReduceProd", [f"{own}_shape"], [f"{own}_size"], keepdims=1),
        node("Shape", [NOISE], [f"{own}_length"]),
        node("Div", [f"{own}_size", f"{own}_length"], [f"{own}_whole"]),
        node("Add", [f"{own}_whole", f"{NOISE}_one"], [f"{own}_times"]),
        node("Tile", [NOISE, f"{own}_times"], [f"{own}_long"]),
        node("Slice", [f"{own}_long", f"{NOISE}_none", f"{own}_size"], [f"{own}_flat"]),
        node("Reshape", [f"{own}_flat", f"{own}_shape"], [result]),
    ]


def _rename(node: onnx.NodeProto, joint: str) -> None:
    for names in (node.input, node.output):
        for index, name in enumerate(names):
            if name == joint:
                names[index] = LATENT
