"""Hair of a persona as thin curves: brows, lashes, beards, fuzz and scalp hair of several cuts."""

from .beard import zone
from .coat import Coat, grow, put
from .hairline import scalp
from .style import HairStyle

__all__ = ["Coat", "HairStyle", "grow", "put", "scalp", "zone"]
