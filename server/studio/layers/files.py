"""Files of a project: found in its folder alone, and pictures read from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from visavis.models.errors import PortraitError
from visavis.models.pictures import opening
from visavis.server.system.errors import Unprocessable

CODE = "unusable-file"  # of all that is wrong with one


def unusable(name: str, why: str) -> Unprocessable:
    """A fault in words. why: with the way out."""
    return Unprocessable(f"{name[:80]} cannot be used: {why}", CODE)


def found(folder: Path, name: str) -> Path:
    """The file of that name; no name leads out of the folder. Raises Unprocessable."""
    try:
        here = folder.resolve()
        path = (here / name).resolve()
        if not name or not path.is_relative_to(here):
            raise unusable(name or "A file", "name a file in the project's folder.")
        if not path.is_file():
            raise unusable(name, "there is no such file in the project's folder.")
    except (OSError, ValueError) as error:  # a name with a zero, a link to itself
        raise unusable(name, "it is not the name of a file.") from error
    return path


def picture(folder: Path, name: str) -> npt.NDArray[np.uint8]:
    """(rows, columns, 4) RGBA, as its camera was held. Raises Unprocessable."""
    path = found(folder, name)
    try:
        with path.open("rb") as file:
            data = file.read(opening.PHOTO.size + 1)
        image = opening.upright(data)
    except OSError as error:
        raise unusable(name, error.strerror or "it cannot be read.") from error
    except PortraitError as error:
        raise unusable(name, error.message) from error
    if image.mode == "RGBA" or image.info.get("transparency") is not None:
        return np.asarray(image.convert("RGBA"), np.uint8)
    return np.asarray(image.convert("RGB").convert("RGBA"), np.uint8)


def scaled(image: npt.NDArray[np.uint8], width: int, height: int) -> npt.NDArray[np.uint8]:
    """(height, width, 4) RGBA: the colour of what is transparent leaves no rim."""
    reduced = Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(reduced, np.uint8)
