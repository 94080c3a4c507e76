"""The layered warp as one module: face states of many sessions in, their pictures out.

What models/warp's kernels do picture by picture, done for a batch. Avatars stay on the device in a
bank; each picture says whose slot it shows. Nothing has a size that depends on the values.

What a picture of 512 x 512 must move at least, read once and written once: 20 MB, of which the
grids' fields are 10.4, the texels that are seen 8.4, and the picture 0.4. Operation by operation,
each with its result in memory, it is 2.2 GB (bench/gpu/traffic.py); how much of that is left is the
run time's to say, which joins operations.
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
    NODES,
    SHEETS,
    SLOT_NODES,
    SLOTS,
    Spec,
)
from visavis.models.warp.instant import PATCH_STEP

Parts = dict[str, Tensor]


class LayeredWarp(nn.Module):
    """(avatar, state, *bank) -> pictures, all as `spec` says.

    refiner: what makes a picture better before it is rounded, or None. It is given luma (n, H, W,
    1), blue and red (n, H / 2, W / 2, 2), both 0 to 255, and the parts of `state` by name, and
    returns both of the same shapes. Of a spec with `refine`: refining.shipped.
    """

    def __init__(
        self,
        spec: Spec,
        refiner: nn.Module | None = None,
        search: inverse.Search = inverse.search,
    ) -> None:
        super().__init__()
        self.spec = spec
        self.refiner = refiner
        self._search = search
        self._lattice = inverse.Lattice(spec)

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
        spec, how = self.spec, parts(state, self.spec.row)
        figure = parts(taken(figures, avatar), FIGURES)
        layout = parts(taken(layouts, avatar), LAYOUT)
        rest = taken(rests, avatar)
        seen = forward.forward(how["amounts"], how["motion"], rest, taken(fields, avatar))
        seen = forward.unfold(seen, layout["cheeks"], figure["boxes"][:, 0, 2])
        size = spec.width, spec.height
        corner, reach = composite.boxes(seen, layout["used"], size, spec.window)
        flow = self._positions(seen, layout, figure, corner)
        bright = base.brightness(how["turn"], taken(reliefs, avatar), rest[:, :BASE_NODES, 3])
        gain = base.gains(bright, figure["boxes"][:, 0], layout["grids"][:, 0], flow)
        whole, sheets = self._lattice.parted(torch.cat([flow, gain], -1))
        photos, first = texels.reshape(-1, 4), avatar * spec.texels
        luma, chroma = base.base(
            photos,
            layout["photo"],
            first,
            (whole[..., :2] - figure["origin"][:, None, None]) * 2,
            whole[..., 2:],
            taken(plates, avatar),
        )
        skin = spread(sheets.flatten(0, 1), PATCH_STEP, 0.0, 1)
        skin = skin.reshape(-1, len(SLOTS), 2, spec.window, spec.window, 3)
        over = patches.draw(
            patches.Bank(photos, samples.reshape(-1, 1), falls.reshape(-1, 1)),
            patches.Avatar(first, avatar * spec.samples, self._falls(avatar), layout, figure),
            composite.window(corner, reach, spec.window, skin),
            how,
            forward.places(seen, layout["sprites"]),
        )
        luma = composite.laid_over(luma, over[0], corner)
        chroma = composite.laid_over(chroma, over[1], corner / 2)
        if self.refiner is not None:
            luma, chroma = self.refiner(luma, chroma, how)
        return composite.i420(luma, chroma)

    def _positions(self, seen: Tensor, layout: Parts, figure: Parts, corner: Tensor) -> Tensor:
        """(n, nodes of the lattice, 2)."""
        size, boxes = (_by_grid(v) for v in (layout["grids"], figure["boxes"]))
        corners = _by_grid(torch.cat([torch.zeros_like(corner[:, :1]), corner], 1))
        stride = torch.cat([torch.full_like(size[:, :1, 0], BASE_SIDE), size[:, 1:, 0]], 1)
        strides = torch.cat(
            [
                stride[:, :1].expand(-1, BASE_NODES),
                stride[:, 1:, None].expand(-1, -1, SLOT_NODES).flatten(1),
                stride[:, :1].expand(-1, NODES - BASE_NODES - SHEETS * SLOT_NODES),
            ],
            1,
        )
        owner = torch.arange(seen.shape[0], device=seen.device, dtype=torch.int32)
        sheet = torch.arange(SHEETS, device=seen.device, dtype=torch.int32)
        start = torch.cat([torch.zeros_like(sheet[:1]), BASE_NODES + sheet * SLOT_NODES])
        first = owner[:, None] * NODES + start
        grids = torch.cat([size - 2, first[..., None], stride[..., None]], -1).float()
        cells = inverse.cells(seen, strides)
        flow: Tensor = self._lattice(cells, grids, boxes, corners, self._search)
        return flow

    def _falls(self, avatar: Tensor) -> Tensor:
        """(n, lids, 1, 1): row of the first sample of each lid's edge."""
        lid = torch.arange(LIDS, device=avatar.device, dtype=torch.int32)
        return ((avatar[:, None] * LIDS + lid) * self.spec.fall)[..., None, None]


def _by_grid(values: Tensor) -> Tensor:
    """Of the base and each slot (n, 1 + slots, k) -> of the base and each sheet."""
    twice = values[:, 1:, None].expand(-1, -1, 2, -1).flatten(1, 2)
    return torch.cat([values[:, :1], twice], 1)
