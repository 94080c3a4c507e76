"""What a person's hair is like: numbers only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HairStyle:
    """Melanin and redness as in Blender's Principled Hair; shares in [0, 1]; lengths in dm.

    grey: share of white hairs, and how many more of them at the temples.
    tips: how much of their pigment the ends have lost.
    forehead: the hairline's height over the eyes as a share of the way from eyes to chin.
    temple: how deep the hairline's corners recede. thinning: how bare the crown is.
    length: along the longest strand, or how far below the eyes long hair ends; 0 is the cut's own.
    parting: to the subject's left of the middle.
    fringe: how far front hair falls over the forehead's corners; tuck: goes behind the ears.
    cloth: how far clothes stand off the shoulders that long hair lies on.
    brow_melanin: of brows and lashes, as `beard_grey` of beards; negative is as the hair.
    beard_edge: how high on the cheek a beard grows, 0.5 as most.
    """

    melanin: float
    redness: float
    grey: float = 0.0
    grey_temples: float = 0.0
    tips: float = 0.25
    strands: int = 54000
    forehead: float = 0.62
    temple: float = 0.0
    thinning: float = 0.0
    length: float = 0.0
    wave: float = 0.3
    volume: float = 1.0
    parting: float = 0.22
    fringe: float = 0.3
    tuck: float = 0.0
    cloth: float = 0.2
    brow_hairs: int = 600
    brow_height: float = 0.0
    brow_width: float = 1.0
    brow_tilt: float = 0.0
    brow_melanin: float = -1.0
    lash_length: float = 0.075
    beard_hairs: int = 0
    beard_length: float = 0.05
    beard_grey: float = -1.0
    beard_edge: float = 0.5
    fuzz: int = 10000
