"""A graph of the same kind as models.graph, small enough to build in a moment."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import torch

from visavis.models.graph.spec import AVATARS_NAME, BATCH_NAME, Tensor

WIDTH, HEIGHT = 64, 96


@dataclass
class ToySpec:
    """Pictures of 64 x 96 px: an avatar is a texture and an offset, a state moves and lights it."""

    width: int = WIDTH
    height: int = HEIGHT
    state: tuple[Tensor, ...] = (
        Tensor("avatar", "int32", (BATCH_NAME,)),
        Tensor("state", "float32", (BATCH_NAME, 3)),
    )
    bank: tuple[Tensor, ...] = (
        Tensor("textures", "float16", (AVATARS_NAME, 1, HEIGHT * 3 // 2, WIDTH)),
        Tensor("offsets", "float32", (AVATARS_NAME, 2)),
        Tensor("layouts", "int32", (AVATARS_NAME, 4)),
    )
    output: Tensor = field(
        default_factory=lambda: Tensor("picture", "uint8", (BATCH_NAME, HEIGHT * 3 // 2, WIDTH))
    )


class Toy(torch.nn.Module):
    """Gathers, samples, takes a running maximum in shifts, and rounds to bytes."""

    def forward(
        self,
        avatar: torch.Tensor,
        state: torch.Tensor,
        textures: torch.Tensor,
        offsets: torch.Tensor,
        layouts: torch.Tensor,
    ) -> torch.Tensor:
        """(batch, height * 3 // 2, width) uint8."""
        texture = textures[avatar].float()
        rows = torch.linspace(-1, 1, HEIGHT * 3 // 2)
        columns = torch.linspace(-1, 1, WIDTH)
        at = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1)[None]
        moved = at + (state[:, None, None, :2] + offsets[avatar][:, None, None]) * 0.1
        seen = torch.nn.functional.grid_sample(
            texture, moved, padding_mode="border", align_corners=False
        )[:, 0]
        for shift in (1, 2):
            seen = torch.maximum(seen, torch.nn.functional.pad(seen, (shift, 0))[..., :WIDTH])
        lit = seen * (1 + state[:, 2, None, None]) + layouts[avatar][:, :1, None].float()
        return torch.clamp(torch.round(lit), 0, 255).to(torch.uint8)


def bank(places: int = 2) -> dict[str, torch.Tensor]:
    """Two avatars that look different, in a bank of so many places."""
    made = torch.Generator().manual_seed(3)
    textures = torch.rand((places, 1, HEIGHT * 3 // 2, WIDTH), generator=made) * 200
    return {
        "textures": textures.half(),
        "offsets": torch.rand((places, 2), generator=made),
        "layouts": torch.arange(places * 4, dtype=torch.int32).reshape(places, 4),
    }


def onnx_bytes() -> bytes:
    """As models.graph.export makes them."""
    batch = torch.export.Dim(BATCH_NAME, min=1, max=64)
    avatars = torch.export.Dim(AVATARS_NAME, min=1, max=64)
    state = (torch.zeros(2, dtype=torch.int32), torch.zeros(2, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter about itself
        program = torch.onnx.export(
            Toy().eval(),
            (*state, *bank().values()),
            dynamo=True,
            opset_version=20,
            verbose=False,
            input_names=[each.name for each in (*ToySpec().state, *ToySpec().bank)],
            output_names=["picture"],
            dynamic_shapes=({0: batch}, {0: batch}, {0: avatars}, {0: avatars}, {0: avatars}),
        )
    assert program is not None
    return bytes(program.model_proto.SerializeToString())
