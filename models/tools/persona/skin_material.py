"""Material of a persona's skin: scattering, pores, oil and lines, vessels, freckles, moles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from .head import Floats
from .nodes import Colour, Graph, Socket, material
from .skin import SkinStyle

# Mean free paths of light skin, red to blue, over red's (Jensen et al. 2001, skin1: 3.67, 1.37,
# 0.68 mm); pigment takes up what would wander far, so dark skin scatters half as wide.
SCATTER: Final = (1.0, 0.37, 0.19)
WIDE: Final = 0.030  # of the lightest skin, dm
Mole = tuple[Floats, float, float]


def lightness(base: Colour) -> float:
    """0 of the darkest skin to 1 of the lightest, of a base colour (linear RGB)."""
    grey = float(np.dot(base, (0.2126, 0.7152, 0.0722)))
    return float(min(grey / 0.45, 1.0) ** 0.6)


def scatter_scale(base: Colour) -> float:
    """Scale of the subsurface radius in dm for a base colour (linear RGB)."""
    return WIDE * (0.45 + 0.55 * lightness(base))


def _pores(graph: Graph, at: Socket) -> Socket:
    """1 between pores, 0 in them; of two sizes, none in a row."""
    bent = graph.node("VectorMath", operation="MULTIPLY_ADD")
    graph.plug(bent.inputs[0], graph.bend(at, 22.0))
    bent.inputs[1].default_value = (0.02, 0.02, 0.02)
    graph.plug(bent.inputs[2], at)
    wide = graph.step(graph.cells(bent.outputs[0], 62.0), 0.06, 0.42)
    small = graph.step(graph.cells(bent.outputs[0], 118.0), 0.05, 0.45)
    return graph.math("MULTIPLY", wide, graph.math("ADD", 0.5, graph.math("MULTIPLY", small, 0.5)))


def _height(graph: Graph, at: Socket, pore: Socket, style: SkinStyle) -> Socket:
    """Normal of the micro relief: pores where the face has them, skin lines, lip creases."""
    deep = graph.math("MULTIPLY", graph.attribute("pore"), style.pores)
    height = graph.math("MULTIPLY", pore, graph.math("ADD", 0.35 * style.pores, deep))
    lines = graph.math("ABSOLUTE", graph.math("SUBTRACT", graph.noise(at, 55.0, 4, 0.65), 0.5))
    height = graph.math("ADD", height, graph.math("MULTIPLY", lines, 1.2))
    # On dark skin the mirror is most of the light: the same pores would look like pits.
    fine = graph.bump(height, 0.0030, 0.25 + 0.40 * lightness(style.base))
    lump = graph.bump(graph.noise(at, 17.0, 5, 0.6), 0.018, 0.5)
    graph.plug(fine.node.inputs["Normal"], lump)
    return _lips(graph, at, fine)


def _lips(graph: Graph, at: Socket, normal: Socket) -> Socket:
    stretched = graph.node("VectorMath", operation="MULTIPLY")
    graph.plug(stretched.inputs[0], at)
    stretched.inputs[1].default_value = (1.0, 0.25, 0.16)
    crease = graph.math(
        "ABSOLUTE", graph.math("SUBTRACT", graph.noise(stretched.outputs[0], 46, 3), 0.5)
    )
    made = graph.bump(graph.math("MULTIPLY", crease, graph.attribute("lip")), 0.012, 0.8)
    graph.plug(made.node.inputs["Normal"], normal)
    return made


def _vessels(graph: Graph, at: Socket, colour: Socket, share: float) -> Socket:
    ridge = graph.math("ABSOLUTE", graph.math("SUBTRACT", graph.noise(at, 13.0, 4, 0.6), 0.5))
    thin = graph.math("MULTIPLY", graph.step(ridge, 0.030, 0.004), graph.attribute("red"))
    thin = graph.math("MULTIPLY", thin, graph.step(graph.noise(at, 6.0, 2), 0.42, 0.62))
    return graph.mix(colour, (1.0, 0.60, 0.58), graph.math("MULTIPLY", thin, share), "MULTIPLY")


def _dots(graph: Graph, at: Socket, colour: Socket, style: SkinStyle) -> Socket:
    """Freckles of two sizes, and the broad spots of age."""
    for scale, big, small in ((15.0, 0.30, 0.16), (27.0, 0.30, 0.14)):
        if not style.freckles:
            break
        dot = graph.step(graph.cells(at, scale), big, small)
        rare = graph.math("MULTIPLY", dot, graph.step(graph.noise(at, 9, 3), 0.42, 0.62))
        share = graph.math("MULTIPLY", rare, graph.attribute("freckle"))
        share = graph.math("MULTIPLY", share, style.freckles)
        colour = graph.mix(colour, (0.72, 0.52, 0.40), share, "MULTIPLY")
    if style.spots:
        spot = graph.step(graph.cells(at, 5.5), 0.16, 0.08)
        share = graph.math("MULTIPLY", spot, graph.step(graph.noise(at, 14, 4), 0.35, 0.6))
        share = graph.math("MULTIPLY", share, style.spots)
        colour = graph.mix(colour, (0.72, 0.58, 0.48), share, "MULTIPLY")
    return colour


def _moles(graph: Graph, at: Socket, colour: Socket, places: Sequence[Mole]) -> Socket:
    for place, radius, dark in places:
        away = graph.node("VectorMath", operation="DISTANCE")
        graph.plug(away.inputs[0], at)
        away.inputs[1].default_value = place.tolist()
        wobble = graph.math("MULTIPLY", graph.noise(at, 90, 2), radius * 0.9)
        spot = graph.step(
            graph.math("ADD", away.outputs["Value"], wobble), 1.7 * radius, 0.9 * radius
        )
        colour = graph.mix(
            colour, (0.34, 0.22, 0.17), graph.math("MULTIPLY", spot, dark), "MULTIPLY"
        )
    return colour


def _tone(
    graph: Graph, at: Socket, pore: Socket, style: SkinStyle, places: Sequence[Mole]
) -> Socket:
    colour = graph.attribute("tone", "Color")
    fine = graph.step(graph.noise(at, 30, 5, 0.65), 0.36, 0.66)
    share = graph.math("MULTIPLY", fine, 0.35 + 0.5 * style.mottle)
    colour = graph.mix(colour, (0.95, 0.87, 0.84), share, "MULTIPLY")
    colour = _vessels(graph, at, colour, style.vessels)
    colour = _dots(graph, at, colour, style)
    colour = _moles(graph, at, colour, places)
    dark = graph.math("MULTIPLY", graph.math("SUBTRACT", 1.0, pore), graph.attribute("pore"))
    dark = graph.math("MULTIPLY", dark, 0.40 * style.pores)
    return graph.mix(colour, (0.72, 0.60, 0.56), dark, "MULTIPLY")


def _gloss(
    graph: Graph, at: Socket, pore: Socket, style: SkinStyle
) -> tuple[Socket, Socket, Socket]:
    """Roughness, specular level and weight of the oily coat: broken by pores and patches."""
    patch = graph.noise(at, 12.0, 5, 0.65)
    rough = graph.math("ADD", style.roughness - 0.07, graph.math("MULTIPLY", patch, 0.20))
    # The mirror of dark skin is most of its light: even, it looks like wax.
    dark = 1 - lightness(style.base)
    rough = graph.math("ADD", rough, graph.math("MULTIPLY_ADD", pore, -0.22 * dark, 0.16 * dark))
    rough = graph.math("SUBTRACT", rough, graph.math("MULTIPLY", graph.attribute("oil"), 0.07))
    rough = graph.math("SUBTRACT", rough, graph.math("MULTIPLY", graph.attribute("lip"), 0.08))
    rough = graph.math("SUBTRACT", rough, graph.math("MULTIPLY", graph.attribute("wet"), 0.25))
    level = graph.math("ADD", 0.20 - 0.08 * dark, graph.math("MULTIPLY", pore, 0.26 - 0.04 * dark))
    sheen = graph.math("MULTIPLY", graph.step(graph.noise(at, 21.0, 5, 0.7), 0.34, 0.64), pore)
    coat = graph.math(
        "MULTIPLY", graph.math("MULTIPLY", graph.attribute("oil"), sheen), 0.34 * style.oil
    )
    coat = graph.math("ADD", coat, graph.math("MULTIPLY", graph.attribute("lip"), 0.28))
    coat = graph.math("ADD", coat, graph.math("MULTIPLY", graph.attribute("wet"), 0.5))
    return rough, level, coat


def skin_material(style: SkinStyle, places: Sequence[Mole] = ()) -> Any:
    """Principled skin that reads what paint_skin has stored on the mesh."""
    made, graph = material("skin")
    at = graph.attribute("rest", "Vector")
    pore = _pores(graph, at)
    normal = _height(graph, at, pore, style)
    rough, level, coat = _gloss(graph, at, pore, style)
    graph.finish(
        graph.shader(
            "BsdfPrincipled",
            settings={"subsurface_method": "BURLEY"},  # a third of the random walk's time
            Base_Color=_tone(graph, at, pore, style, places),
            Roughness=rough,
            IOR=1.42,
            Normal=normal,
            Subsurface_Weight=1.0,
            Subsurface_Radius=SCATTER,
            Subsurface_Scale=scatter_scale(style.base),
            Specular_IOR_Level=level,
            Coat_Weight=coat,
            Coat_Roughness=0.24,
            Coat_Normal=normal,
            Sheen_Weight=0.06,
            Sheen_Roughness=0.5,
        )
    )
    return made
