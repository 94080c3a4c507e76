"""Cloth of a persona's clothes: weave or stitches, sheen, seams. Threads follow the mesh's
texture coordinates, which MakeHuman lays out nearly in scale: about 11 dm a unit on the chest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from .nodes import Colour, Graph, Socket, material

UV_DM: Final = 11.0  # dm of cloth for a unit of texture
SEAM: Final = 0.045  # of a stitch line from its edge, dm


@dataclass(frozen=True, slots=True)
class Cloth:
    """Linear RGB of the cloth and of its second thread; `kind` is a key of `SURFACES`."""

    colour: Colour
    kind: str = "wool"
    thread: Colour | None = None


@dataclass(frozen=True, slots=True)
class Finish:
    """How a kind of cloth takes light; thread pitch in dm, bump depth in dm."""

    pitch: float
    depth: float
    roughness: float
    sheen: float
    specular: float
    weave: str
    mottle: float = 0.12


SURFACES: Final = {
    "wool": Finish(0.016, 0.0045, 0.85, 0.35, 0.2, "melange", 0.2),
    "cotton": Finish(0.009, 0.0012, 0.75, 0.12, 0.25, "plain", 0.06),
    "linen": Finish(0.015, 0.0028, 0.8, 0.15, 0.2, "plain", 0.2),
    "silk": Finish(0.007, 0.0004, 0.42, 0.25, 0.4, "plain", 0.04),
    "poly": Finish(0.010, 0.0012, 0.65, 0.12, 0.3, "plain", 0.06),
    "knit": Finish(0.034, 0.0095, 0.9, 0.5, 0.12, "knit", 0.16),
    "rib": Finish(0.042, 0.014, 0.9, 0.5, 0.12, "rib", 0.14),
    "fine knit": Finish(0.020, 0.0055, 0.88, 0.45, 0.15, "knit", 0.12),
}


def _wave(graph: Graph, turns: Socket) -> Socket:
    """A cosine in [0, 1] of a coordinate counted in turns."""
    angle = graph.math("MULTIPLY", turns, 6.28318)
    return graph.math("MULTIPLY_ADD", graph.math("COSINE", angle), 0.5, 0.5)


def _threads(graph: Graph, u: Socket, v: Socket, weave: str) -> Socket:
    """Height in [0, 1] of threads or stitches at coordinates counted in pitches."""
    if weave == "knit":  # each wale is a column of V's, two slanting legs a stitch
        saw = graph.math("PINGPONG", u, 0.5)  # 0 between wales, 0.5 in the middle
        leg = graph.math("SINE", graph.math("MULTIPLY", saw, 6.28318))
        slant = graph.math("ADD", graph.math("MULTIPLY", v, 1.25), graph.math("MULTIPLY", saw, 1.6))
        rung = graph.math("MULTIPLY_ADD", _wave(graph, slant), 0.65, 0.35)
        return graph.math("MULTIPLY", graph.math("POWER", leg, 0.6), rung)
    if weave == "rib":
        rung = graph.math("MULTIPLY_ADD", _wave(graph, graph.math("MULTIPLY", v, 2.0)), 0.12, 0.88)
        return graph.math("MULTIPLY", graph.math("POWER", _wave(graph, u), 0.7), rung)
    if weave == "melange":  # threads of many shades, too fine to be told one by one
        at = graph.node("CombineXYZ")
        graph.plug(at.inputs[0], graph.math("MULTIPLY", u, 0.35))
        graph.plug(at.inputs[1], v)
        return graph.math("MULTIPLY_ADD", graph.noise(at.outputs[0], 0.9, 3), 1.8, -0.4)
    over = graph.math("MULTIPLY", _wave(graph, u), _wave(graph, v))
    under = graph.math(
        "MULTIPLY", _wave(graph, graph.math("ADD", u, 0.5)), _wave(graph, graph.math("ADD", v, 0.5))
    )
    return graph.math("MAXIMUM", over, under)


def _coordinates(graph: Graph, along_edge: bool) -> tuple[Socket, Socket]:
    """Cloth coordinates in dm: of the body's texture, or along and across a strip."""
    if along_edge:
        return graph.attribute("run"), graph.attribute("across")
    at = graph.node("SeparateXYZ")
    graph.plug(at.inputs[0], graph.node("TexCoord").outputs["UV"])
    return (
        graph.math("MULTIPLY", at.outputs[0], UV_DM),
        graph.math("MULTIPLY", at.outputs[1], UV_DM),
    )


def _stitch_line(graph: Graph) -> Socket:
    """1 in the groove of a seam SEAM from the edge, broken into stitches of 2.4 mm."""
    edge = graph.attribute("edge")
    off = graph.math("ABSOLUTE", graph.math("SUBTRACT", edge, SEAM))
    line = graph.step(off, 0.009, 0.002)
    dash = graph.step(_wave(graph, graph.math("DIVIDE", graph.attribute("run"), 0.030)), 0.1, 0.4)
    return graph.math("MULTIPLY", line, graph.math("MULTIPLY_ADD", dash, 0.3, 0.2))


def cloth_material(name: str, cloth: Cloth, strip: bool = False) -> Any:
    """Cloth that is cut away where the vertex attribute `cut` is negative.

    strip: lay the threads along the attributes `run` and `across` (dm) and sew a line at `edge`.
    """
    made, graph = material(name)
    finish = SURFACES[cloth.kind]
    u, v = _coordinates(graph, strip)
    at = graph.node("TexCoord").outputs["Object"]
    # Yarn is spun unevenly and cloth never lies quite square.
    sway = graph.math("MULTIPLY_ADD", graph.noise(at, 2.5, 2), 0.06, -0.03)
    u, v = graph.math("ADD", u, sway), graph.math("ADD", v, sway)
    wale, course = (graph.math("DIVIDE", x, finish.pitch) for x in (u, v))
    height = _threads(graph, wale, course, finish.weave)
    fuzz = graph.noise(at, 90.0, 3)
    uneven = graph.step(graph.noise(at, 7.0, 5), 0.3, 0.75)
    second = cloth.thread or tuple(0.62 * c for c in cloth.colour)
    shade = graph.mix(second, cloth.colour, graph.math("MULTIPLY_ADD", height, 0.6, 0.4))
    dull = tuple(0.8 * c for c in cloth.colour)
    shade = graph.mix(shade, dull, graph.math("MULTIPLY", uneven, finish.mottle * 2))
    relief = graph.math("MULTIPLY_ADD", fuzz, 0.5, height)
    if strip:
        seam = _stitch_line(graph)
        relief = graph.math("MULTIPLY_ADD", seam, -1.6, relief)
        shade = graph.mix(shade, tuple(0.5 * c for c in cloth.colour), seam)
    surface = graph.shader(
        "BsdfPrincipled",
        Base_Color=shade,
        Roughness=finish.roughness,
        Normal=graph.bump(relief, finish.depth, 1.0),
        Sheen_Weight=finish.sheen,
        Sheen_Roughness=0.45,
        Sheen_Tint=tuple(min(1.0, 0.25 + c) for c in cloth.colour),
        Specular_IOR_Level=finish.specular,
    )
    gone = graph.math("LESS_THAN", graph.attribute("cut"), 0.0)
    graph.finish(graph.blend(gone, surface, graph.shader("BsdfTransparent")))
    return made
