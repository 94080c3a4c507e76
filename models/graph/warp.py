"""The layered warp as one module: face states of many sessions in, their pictures out.

What models/warp's kernels do picture by picture, done for a batch. Avatars stay on the device in a
bank; each picture says whose slot it shows. Nothing has a size that depends on the values.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from visavis.models.graph import base, composite, forward, inverse, patches
from visavis.models.graph.sampling import parts, spread, taken
from visavis.models.graph.spec import (
    BASE_NODES,
    BASE_SIDE,
    FIGURES,
    LAYOUT,
    LIDS,
    SHEETS,
    SLOT_NODES,
    SLOTS,
    STATE,
    Spec,
)
from visavis.models.warp.instant import BASE_STEP, PATCH_STEP


class LayeredWarp(nn.Module):
    """(avatar, state, *bank) -> pictures, all as `spec` says."""

    def __init__(self, spec: Spec, step: inverse.Step = inverse.step) -> None:
        super().__init__()
        self.spec = spec
        self._step = step

    def forward(
        self,
        avatar: Tensor,
        state: Tensor,
        texels: Tensor,
        samples: Tensor,
        plates: Tensor,
        rests: Tensor,
        fields: Tensor,
        reliefs: Tensor,
        falls: Tensor,
        figures: Tensor,
        layouts: Tensor,
    ) -> Tensor:
        """(batch, H * 3 // 2, W) uint8."""
        how = parts(state, STATE)
        figure, layout = (
            parts(taken(figures, avatar), FIGURES),
            parts(taken(layouts, avatar), LAYOUT),
        )
        rest = taken(rests, avatar)
        seen = forward.forward(how["amounts"], how["motion"], rest, taken(fields, avatar))
        seen = forward.unfold(seen, layout["cheeks"], figure["boxes"][:, 0, 2])
        spec = self.spec
        corner, reach = composite.boxes(
            seen, layout["used"], (spec.width, spec.height), spec.window
        )
        flow, sheets = self._positions(seen, layout, figure, corner)
        bright = base.brightness(how["turn"], taken(reliefs, avatar), rest[:, :BASE_NODES, 3])
        last = (layout["grids"][:, 0] - 1).float()
        gain, gains = self._gains(bright, figure["boxes"][:, 0], last, flow, sheets)
        photos, first = texels.reshape(-1, 4), avatar * spec.texels
        luma, chroma = base.base(
            photos,
            layout["photo"],
            first,
            (flow - figure["origin"][:, None, None]) * 2,
            gain,
            taken(plates, avatar),
        )
        skin = torch.cat([sheets, gains], -1)
        skin = spread(skin.flatten(0, 2), PATCH_STEP, 0.0, 1)
        skin = skin.reshape(-1, len(SLOTS), 2, spec.window, spec.window, 3)
        across, down = layout["sprites"][..., 1], layout["sprites"][..., 2]
        over = patches.draw(
            patches.Bank(photos, samples.reshape(-1, 1), falls.reshape(-1, 1)),
            patches.Avatar(first, avatar * spec.samples, self._falls(avatar), layout, figure),
            composite.window(corner, reach, spec.window, skin),
            how,
            forward.places(seen, across, down),
        )
        luma = composite.laid_over(luma, over[0], corner)
        chroma = composite.laid_over(chroma, over[1], corner / 2)
        return composite.i420(luma, chroma)

    def _positions(
        self, seen: Tensor, layout: dict[str, Tensor], figure: dict[str, Tensor], corner: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Of the base's nodes (n, r, c, 2) and the windows' (n, slots, sheets, r, c, 2)."""
        spec, n = self.spec, seen.shape[0]
        sheets = torch.arange(1 + SHEETS, device=seen.device, dtype=torch.int32)
        slot = (sheets + 1) // 2  # 0 the base, then each slot twice
        size = torch.index_select(layout["grids"], 1, slot)
        box = torch.index_select(figure["boxes"], 1, slot)
        stride = torch.where(sheets == 0, BASE_SIDE, size[..., 0])
        start = torch.where(sheets == 0, 0, BASE_NODES + (sheets - 1) * SLOT_NODES)
        owner = torch.arange(n, device=seen.device, dtype=torch.int32)[:, None]
        grids = inverse.Grids(
            cells=inverse.cells(seen, self._strides(stride, seen.shape[1])),
            first=(owner * seen.shape[1] + start).float(),
            stride=stride.float(),
            most=(size - 2).float(),
            corner=box[..., :2],
            pitch=box[..., 2],
        )
        rows, columns = (-(-count // BASE_STEP) + 1 for count in (spec.height, spec.width))
        side = spec.window // PATCH_STEP + 1
        whole = inverse.Field(0, 1, rows, columns, BASE_STEP, torch.zeros_like(corner[:, :1]))
        twice = corner[:, :, None].expand(-1, -1, 2, -1).reshape(n, SHEETS, 2)
        windows = inverse.Field(1, 1 + SHEETS, side, side, PATCH_STEP, twice)
        flow, both = inverse.inverse(grids, (whole, windows), self._step)
        return flow[:, 0], both.reshape(n, len(SLOTS), 2, side, side, 2)

    def _falls(self, avatar: Tensor) -> Tensor:
        """(n, lids, 1, 1): row of the first sample of each lid's edge."""
        lid = torch.arange(LIDS, device=avatar.device, dtype=torch.int32)
        return ((avatar[:, None] * LIDS + lid) * self.spec.fall)[..., None, None]

    @staticmethod
    def _gains(
        bright: Tensor, box: Tensor, last: Tensor, flow: Tensor, sheets: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Of the base's nodes and of the windows'."""
        count = flow.shape[1] * flow.shape[2]
        both = torch.cat([flow.flatten(1, 2), sheets.flatten(1, 4)], 1)
        gains = base.gains(bright, box, last, both)
        own = gains[:, :count].reshape(-1, *flow.shape[1:3], 1)
        return own, gains[:, count:].reshape(-1, *sheets.shape[1:5], 1)

    @staticmethod
    def _strides(stride: Tensor, nodes: int) -> Tensor:
        """(n, nodes): of the grid that each node is one of."""
        n = stride.shape[0]
        of_base = stride[:, :1].expand(-1, BASE_NODES)
        of_sheets = stride[:, 1:, None].expand(-1, -1, SLOT_NODES).reshape(n, -1)
        rest = nodes - BASE_NODES - SHEETS * SLOT_NODES
        return torch.cat([of_base, of_sheets, stride[:, :1].expand(-1, rest)], 1)
