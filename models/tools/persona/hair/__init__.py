"""Hair of a persona as thin curves: brows, lashes, beards, fuzz and scalp hair of several cuts.

coat grows all of it and puts it into the scene; cuts has the cuts by name.
"""

from .style import HairStyle

__all__ = ["HairStyle"]
