"""A picture refined on the CPU: windows cut, what the network answers added. No torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from visavis.models.refine import windows

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

# Planes of mouth, right eye and left eye, (1, 6, h, w) each, and amounts (1, AMOUNTS) -> residuals
Answer = Callable[[Floats, Floats, Floats, Floats], Sequence[Floats]]
INPUTS: Final = ("mouth", "eye_right", "eye_left", "amounts")


def refine(picture: Bytes, at: windows.Places, motion: Floats, told: Floats, ask: Answer) -> None:
    """In place. picture: I420; motion as in kernel.forward; told: see windows.amounts.

    All windows are cut before the first is changed, so that none sees another's residual.
    """
    corners = windows.corners(at, motion)
    sizes = list(windows.SIZES.values())
    planes = [
        windows.cut(picture, corner, size, at.step)[None]
        for corner, size in zip(corners, sizes, strict=True)
    ]
    answers = ask(planes[0], planes[1], planes[2], told[None])
    for corner, residual, shown in zip(corners, answers, at.shown, strict=True):
        if shown:
            windows.add(picture, corner, residual[0], at.step)


def network(path: Path) -> Answer:
    """The network of an ONNX file, one thread; raises what onnxruntime raises for a bad one."""
    # It starts a thread as it is imported: only where a network is asked for.
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session: Any = onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )

    def ask(*values: Floats) -> Sequence[Floats]:
        return list(session.run(None, dict(zip(INPUTS, values, strict=True))))

    return ask
