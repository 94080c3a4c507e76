"""Where in a film's picture everything is: the person, found by their outline, and what is beside.

px throughout. Letters never cover a mouth that speaks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from visavis.server.studio.document.project import Beside
from visavis.server.studio.layers.outline import Outline

_SLACK: Final = 0.035  # of the frame: what shoulders move
_ABOVE: Final = 0.25  # of what does not fit, see models.warp.scene: so much is cut off above
_NECK: Final = 0.06  # of the frame below a chin: nobody is cut above it ...
_LOWEST: Final = 0.72  # ... nor above this
_FADE: Final = 0.07  # of a person's picture: where sides that the photo cut go over into nothing
_BARE: Final = 0.03  # of the frame above a crown, with less of which the photo cut it
_WIDE: Final = 1.2  # across by down, from which on there is room beside a person
_VERY_TALL: Final = 1.5  # down by across, from which on a telephone shows it
_SHARES: Final = 0.2, 0.65  # of a film that a picture may have
_ASIDE: Final = 0.66  # of the width: where a person is who leaves room for a title
_TALL: Final = 0.83  # of its height that the person has in a very tall film
_BELOW_TITLE: Final = 0.04  # of the width, between a title and a head
_HIGHEST: Final = 0.75  # of that is left at least where a title needs room above them

_WIDE_MARGINS: Final = 0.07, 0.05, 0.035  # below letters, of the height

# px in `unit`s: what letters take down at most
SUBTITLES: Final = 0.14
LOWER_THIRD: Final = 0.122, 0.06  # whole, and on one line
_GAP: Final = 0.018


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a picture; it may reach beyond the picture."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """One past its last column."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """One past its last row."""
        return self.top + self.height

    def mirrored(self, width: int) -> Box:
        """In a picture that is `width` wide."""
        return replace(self, left=width - self.right)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a picture has to have room for. from_right: texts are read from the right.

    titled: px that a title takes down; 0: there is none, or nobody knows yet. above, below: shares
    of the picture at its edges that others take.
    """

    beside: Beside | None = None
    titled: int = 0
    has_title: bool = False
    named: bool = False
    subtitled: bool = False
    from_right: bool = False
    above: float = 0
    below: float = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """unit: px by which letters are measured. person: the generator's picture.

    picture: where one beside them may be. panel: what hides where they are cut above. title:
    where it may be; centred: whether its lines are, over: whether the person may be behind it.
    low: where a lower third stands, on its lower edge; compact: whether it has one line. subtitle:
    where subtitles stand, on its lower edge. fade: px at each side of the person's picture over
    which they go over into nothing; 0 where the photo did not cut them.
    """

    unit: int
    person: Box
    title: Box
    low: Box
    subtitle: Box
    picture: Box | None = None
    panel: Box | None = None
    centred: bool = False
    over: bool = False
    compact: bool = False
    fade: int = 0


def laid_out(outline: Outline, size: tuple[int, int], wanted: Wanted) -> Layout:
    """Of a whole film's picture, px across and down."""
    wide, beside = size[0] >= _WIDE * size[1], wanted.beside
    if beside is None:
        layout = _wide(outline, size, wanted) if wide else _tall(outline, size, wanted)
    elif wide:
        layout = _wide_beside(outline, size, wanted, beside)
    else:
        layout = _tall_beside(outline, size, wanted, beside)
    return replace(layout, fade=_fade(outline, size, layout.person))


def _fade(outline: Outline, size: tuple[int, int], person: Box) -> int:
    """px; 0 where sides of the picture, or its lower edge, cut a person."""
    filled = person.left <= 0 and person.right >= size[0]
    if filled or _row(outline.reach, person) >= size[1] - 1:
        return 0
    return _even(_FADE * person.width)


# --- pictures with room beside a person ---------------------------------------------------------


def _wide(outline: Outline, size: tuple[int, int], wanted: Wanted) -> Layout:
    width, height = size
    aside = round(0.05 * width)
    whole = Box(0, 0, width, height)
    person = _standing(outline, whole)
    if wanted.has_title:
        middle = (1 - _ASIDE if wanted.from_right else _ASIDE) * width
        person = replace(person, left=_even(middle - person.width / 2))
    free = _row(outline.lips, person)
    below = replace(wanted, named=wanted.named and not wanted.subtitled)
    stack = _stack(size, height, below, free, _WIDE_MARGINS)
    low, room = stack.low, round(0.42 * width)
    if wanted.subtitled:  # above the subtitles, beside the head
        low = stack.subtitle - round((SUBTITLES + _GAP) * height)
        room = min(room, round(_head(outline, person, wanted.from_right, width) - aside))
    title = Box(aside, round(0.12 * height), round(0.40 * width), round(0.58 * height))
    layout = Layout(
        height, person, title, Box(aside, 0, max(room, round(0.25 * width)), low),
        Box(round(0.13 * width), 0, round(0.74 * width), stack.subtitle),
    )  # fmt: skip
    if wanted.from_right:
        title, plate = title.mirrored(width), layout.low.mirrored(width)
        layout = replace(layout, title=title, low=plate)
    return layout


def _head(outline: Outline, person: Box, from_right: bool, width: int) -> float:
    """px from the side at which texts begin to the head."""
    side = max(person.width, person.height)
    across = (side - person.width) / 2
    if from_right:
        return width - (person.left - across + outline.right * side)
    return person.left - across + outline.left * side


def _wide_beside(outline: Outline, size: tuple[int, int], wanted: Wanted, beside: Beside) -> Layout:
    width, height = size
    aside, near = round(0.045 * width), round(0.015 * width)
    edge = round(max(0.1, wanted.above) * height)
    part = _even(min(max(beside.share, _SHARES[0]), _SHARES[1]) * width)
    room, half = Box(0, 0, width - part, height), Box(width - part, 0, part, height)
    inner = part - near - aside
    top = edge + (wanted.titled + round(0.045 * height) if wanted.titled else 0)
    lowest = height - round(
        max(0.07, wanted.below) * height
    )  # subtitles are below the picture, not below the mouth
    bottom = (
        lowest - round((SUBTITLES + 2 * _GAP) * height)
        if wanted.subtitled
        else height - round(0.1 * height)
    )
    title = Box(half.left + near, edge, inner, round(0.26 * height))
    picture = Box(half.left + near, top, inner, bottom - top)
    subtitle = Box(half.left + near, 0, inner, lowest)
    if beside.side == "left":
        room = room.mirrored(width)
        title, picture = title.mirrored(width), picture.mirrored(width)
        subtitle = subtitle.mirrored(width)
    person = _standing(outline, room)
    alone = replace(wanted, subtitled=False)
    stack = _stack(size, height, alone, _row(outline.lips, person), _WIDE_MARGINS)
    low = Box(room.left + aside, 0, room.width - near - aside, stack.low)
    if wanted.from_right:
        low = replace(low, left=room.left + near)
    return Layout(height, person, title, low, subtitle, picture, compact=stack.compact)


# --- others -------------------------------------------------------------------------------------


def _tall(outline: Outline, size: tuple[int, int], wanted: Wanted) -> Layout:
    width, height = size
    unit, aside, top = _tall_margins(size, wanted.above)
    cut = outline.crown < _BARE
    person = Box(0, 0, width, height)
    if not cut:
        person = _below(outline, size, top + wanted.titled if wanted.titled else 0)
    stack = _stack(size, unit, wanted, _row(outline.lips, person), _margins(size))
    room = round(0.22 * height)
    if not cut:  # as far as a head can be lower before letters below it reach the mouth
        lowest = max(row for _, row in _stacks(size, unit, wanted, _margins(size)[-1:]))
        crown = lowest - (outline.lips - outline.crown) * max(person.width, person.height)
        room = min(room, max(round(crown - _BELOW_TITLE * width) - top, round(0.06 * unit)))
    title = Box(aside, top, width - 2 * aside, room)
    low = Box(aside, 0, width - 2 * aside, stack.low)
    subtitle = replace(low, height=stack.subtitle)
    return Layout(unit, person, title, low, subtitle, centred=True, over=cut, compact=stack.compact)


def _tall_beside(outline: Outline, size: tuple[int, int], wanted: Wanted, beside: Beside) -> Layout:
    width, height = size
    unit, aside, top = _tall_margins(size, wanted.above)
    inner = width - 2 * aside
    subtitles = round((SUBTITLES + 2 * _GAP) * unit) if wanted.subtitled else 0
    share = min(max(beside.share, _SHARES[0]), _SHARES[1])
    part = _even(share * height + 0.6 * subtitles)  # subtitles are between picture and person
    room = Box(0, part, width, height - part)
    above = top + (wanted.titled + round(0.03 * width) if wanted.titled else 0)
    bottom = part - max(subtitles, round(0.02 * height))
    picture = Box(aside, above, inner, bottom - above)
    person = _standing(outline, room)
    if person.width > width:
        person = room
    panel = Box(0, 0, width, part) if outline.crown < _BARE else None
    alone = replace(wanted, subtitled=False)
    stack = _stack(size, unit, alone, _row(outline.lips, person), (*_margins(size), 0.025))
    title = Box(aside, top, inner, round(0.16 * height))
    low = Box(aside, 0, inner, stack.low)
    subtitle = Box(aside, 0, inner, part - round(_GAP * unit))
    return Layout(
        unit, person, title, low, subtitle, picture, panel, centred=True, compact=stack.compact
    )


def _tall_margins(size: tuple[int, int], above: float) -> tuple[int, int, int]:
    """The unit, px at the sides, and px above, below the label."""
    width, height = size
    unit = round(width * (1.18 if height > _VERY_TALL * width else 1))
    return unit, round(0.07 * width), max(round(0.105 * width), round(max(0.08, above) * height))


def _margins(size: tuple[int, int]) -> tuple[float, ...]:
    """Below letters, of the height: telephones lay something over the lowest part of films."""
    very_tall = size[1] > _VERY_TALL * size[0]
    return (0.14, 0.11, 0.08, 0.05) if very_tall else (0.06, 0.045, 0.035)


@dataclass(frozen=True, slots=True)
class _Stack:
    """Letters on the lower edge: the rows on which a lower third and subtitles stand."""

    low: int
    subtitle: int
    compact: bool


def _stack(
    size: tuple[int, int], unit: int, wanted: Wanted, free: float, margins: tuple[float, ...]
) -> _Stack:
    """The first way in which letters are below the row `free`; else the one that takes least."""
    stack = _Stack(size[1], size[1], compact=False)
    for stack, top in _stacks(size, unit, wanted, margins):
        if top >= free:
            return stack
    return stack


def _stacks(
    size: tuple[int, int], unit: int, wanted: Wanted, margins: tuple[float, ...]
) -> Iterator[tuple[_Stack, float]]:
    for compact in (False, True) if wanted.named else (False,):
        for margin in margins:
            low = bottom = size[1] - round(max(margin, wanted.below) * size[1])
            if wanted.subtitled:
                low -= round((SUBTITLES + _GAP) * unit)
            top = low - (LOWER_THIRD[compact] * unit if wanted.named else 0)
            yield _Stack(low, bottom, compact), top


def _standing(outline: Outline, room: Box) -> Box:
    """The person in a room of which the sides are not the picture's.

    They stand on the room's lower edge, so near that this edge cuts them above the row in which
    the photo cuts their sides.
    """
    lowest = max(min(outline.reach - _SLACK, 1.0), min(outline.chin + _NECK, 1.0), _LOWEST)
    # height / width of a picture that is cut there: 1 - (1 - h / w) * (1 - _ABOVE) = lowest
    width = _even(room.height / (1 - (1 - lowest) / (1 - _ABOVE)))
    left = _even(room.left + (room.width - width) / 2)
    return Box(left, room.top, width, room.height)


def _below(outline: Outline, size: tuple[int, int], title: float) -> Box:
    """The person in a picture that is not wide, from side to side, their head below a title."""
    width, height = size
    tall = _even(height * (_TALL if height > _VERY_TALL * width else 1))
    least, gap = _HIGHEST * tall, _BELOW_TITLE * width if title else 0
    person = Box(0, height - tall, width, tall)
    while person.height > least and _row(outline.crown, person) < title + gap:
        person = Box(0, person.top + 2, width, person.height - 2)
    return person


def _row(share: float, person: Box) -> float:
    """Where a row of the frame is in the film."""
    side = max(person.width, person.height)
    return person.top + share * side - (side - person.height) * _ABOVE


def _even(number: float) -> int:
    return 2 * round(number / 2)
