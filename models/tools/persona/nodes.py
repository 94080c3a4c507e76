"""A few words to write Blender shader graphs in Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import bpy  # type: ignore[import-not-found]

Socket: TypeAlias = Any  # bpy.types.NodeSocket; bpy ships no types
Colour: TypeAlias = tuple[float, float, float]
Value: TypeAlias = Any  # a socket, a number or a colour


class Graph:
    """One material or world under construction; every method adds a node and returns its output."""

    def __init__(self, tree: Any) -> None:
        self.tree = tree

    def node(self, kind: str, **settings: object) -> Any:
        node = self.tree.nodes.new(f"ShaderNode{kind}")
        for name, value in settings.items():
            setattr(node, name, value)
        return node

    def plug(self, socket: Socket, value: Value) -> None:
        """Link an output, or write a constant, into an input."""
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        elif isinstance(value, tuple) and len(value) == 3 and socket.type == "RGBA":
            socket.default_value = (*value, 1.0)
        else:
            socket.default_value = value

    def attribute(self, name: str, output: str = "Fac") -> Socket:
        return self.node("Attribute", attribute_name=name).outputs[output]

    def math(self, operation: str, *operands: Value) -> Socket:
        node = self.node("Math", operation=operation)
        for socket, value in zip(node.inputs, operands, strict=False):
            self.plug(socket, value)
        return node.outputs[0]

    def mix(self, first: Value, second: Value, share: Value, blend: str = "MIX") -> Socket:
        node = self.node("Mix", data_type="RGBA", blend_type=blend)
        self.plug(node.inputs["Factor"], share)
        self.plug(node.inputs[6], first)
        self.plug(node.inputs[7], second)
        return node.outputs[2]

    def noise(
        self, at: Socket, scale: float, detail: float = 4.0, roughness: float = 0.55
    ) -> Socket:
        node = self.node("TexNoise")
        for name, value in (("Vector", at), ("Scale", scale), ("Detail", detail)):
            self.plug(node.inputs[name], value)
        self.plug(node.inputs["Roughness"], roughness)
        return node.outputs[0]

    def bend(self, at: Socket, scale: float) -> Socket:
        """Noise as a colour: three numbers to bend coordinates with."""
        node = self.node("TexNoise")
        self.plug(node.inputs["Vector"], at)
        self.plug(node.inputs["Scale"], scale)
        return node.outputs["Color"]

    def cells(self, at: Socket, scale: float, output: str = "Distance") -> Socket:
        node = self.node("TexVoronoi")
        self.plug(node.inputs["Vector"], at)
        self.plug(node.inputs["Scale"], scale)
        return node.outputs[output]

    def ramp(self, at: Socket, *stops: tuple[float, Colour]) -> Socket:
        node = self.node("ValToRGB")
        elements = node.color_ramp.elements
        while len(elements) < len(stops):
            elements.new(1.0)
        for element, (position, colour) in zip(elements, stops, strict=True):
            element.position, element.color = position, (*colour, 1.0)
        self.plug(node.inputs[0], at)
        return node.outputs[0]

    def step(self, at: Socket, low: float, high: float) -> Socket:
        """0 below low, 1 above high, smooth between; low may be the greater one."""
        node = self.node("MapRange", interpolation_type="SMOOTHSTEP")
        for name, value in zip(
            ("Value", "From Min", "From Max", "To Min", "To Max"),
            (at, min(low, high), max(low, high), float(low > high), float(low < high)),
            strict=True,
        ):
            self.plug(node.inputs[name], value)
        return node.outputs[0]

    def bump(self, height: Socket, distance: float, strength: float = 1.0) -> Socket:
        node = self.node("Bump")
        self.plug(node.inputs["Height"], height)
        self.plug(node.inputs["Distance"], distance)
        self.plug(node.inputs["Strength"], strength)
        return node.outputs[0]

    def shader(
        self, kind: str, settings: Mapping[str, object] | None = None, **inputs: Value
    ) -> Socket:
        """A BSDF by node kind; underscores in input names stand for spaces."""
        node = self.node(kind, **(settings or {}))
        for name, value in inputs.items():
            self.plug(node.inputs[name.replace("_", " ")], value)
        return node.outputs[0]

    def blend(self, share: Value, first: Socket, second: Socket) -> Socket:
        """Mix of two shaders: the first where share is 0."""
        node = self.node("MixShader")
        for socket, value in zip(node.inputs, (share, first, second), strict=True):
            self.plug(socket, value)
        return node.outputs[0]

    def finish(self, surface: Socket) -> None:
        self.tree.links.new(surface, self.node("OutputMaterial").inputs["Surface"])


def material(name: str) -> tuple[Any, Graph]:
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    made.node_tree.nodes.clear()
    return made, Graph(made.node_tree)


def emitter(name: str, colour: Colour, strength: float) -> Any:
    made, graph = material(name)
    graph.finish(graph.shader("Emission", Color=colour, Strength=strength))
    return made


def plain(name: str, colour: Colour, roughness: float, **inputs: Value) -> Any:
    """A Principled material with one colour."""
    made, graph = material(name)
    graph.finish(graph.shader("BsdfPrincipled", Base_Color=colour, Roughness=roughness, **inputs))
    return made
