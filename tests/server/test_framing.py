"""Where a film's picture has the person, and what is laid over it: every aspect, every outline."""

from itertools import product

import pytest

from visavis.models.avatar.file import SHIPPED, load_avatar
from visavis.server.studio.document.project import ASPECTS, Beside, Frame
from visavis.server.studio.layers import framing
from visavis.server.studio.layers.framing import Box, Wanted, laid_out
from visavis.server.studio.layers.outline import Outline

USUAL = Outline(crown=0.17, lips=0.66, chin=0.71, left=0.28, right=0.72, reach=0.92)
NEAR = Outline(crown=0.05, lips=0.70, chin=0.76, left=0.12, right=0.9, reach=0.6)  # long hair
CUT = Outline(crown=0.0, lips=0.77, chin=0.86, left=0.05, right=0.95, reach=1.0)  # a close-up
SIZES = [Frame(aspect, lines).size for aspect in ASPECTS for lines in (360, 1080)]
WANTED = [
    Wanted(Beside("a.png", side, share) if share else None, 0, title, named, subtitled, right)
    for (side, share), title, named, subtitled, right in product(
        [("left", 0), ("left", 0.5), ("right", 0.3)], *[(False, True)] * 4
    )
]


def row(share: float, person: Box) -> float:
    """Of the generator's picture: it covers, and cuts three parts below where one is above."""
    side = max(person.width, person.height)
    return person.top + share * side - (side - person.height) * 0.25


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("outline", [USUAL, NEAR, CUT])
def test_everything_lies_in_the_picture_and_the_person_is_drawn_as_the_generator_can(size, outline):
    for wanted in WANTED:
        layout = laid_out(outline, size, wanted)
        person = layout.person
        assert person.bottom == size[1], "they stand on the lower edge"
        assert person.width % 2 == person.height % 2 == person.left % 2 == person.top % 2 == 0
        assert min(person.width, person.height) >= 64
        for box in (layout.title, layout.low, layout.subtitle, layout.picture):
            if box is not None:
                assert box.left >= 0, wanted
                assert box.right <= size[0], wanted
                assert box.width > 0, wanted
                assert 0 <= box.top < box.bottom <= size[1], wanted


@pytest.mark.parametrize("size", SIZES)
def test_no_letter_covers_a_mouth_that_speaks(size):
    for wanted in WANTED:
        layout = laid_out(USUAL, size, wanted)
        titled = layout.title.height if wanted.has_title else 0
        layout = laid_out(USUAL, size, Wanted(**{**fields(wanted), "titled": titled}))
        mouth = row(USUAL.lips, layout.person)
        head = layout.person
        middle = Box(
            round(head.left + head.width / 2 - 0.2 * max(head.width, head.height)), 0,
            round(0.4 * max(head.width, head.height)), round(mouth),
        )  # fmt: skip
        for box, takes in (
            (layout.subtitle, framing.SUBTITLES * layout.unit if wanted.subtitled else 0),
            (layout.low, framing.LOWER_THIRD[layout.compact] * layout.unit * wanted.named),
        ):
            beside = box.right <= middle.left or middle.right <= box.left
            above = box.bottom <= row(USUAL.crown, head)
            assert not takes or beside or above or box.bottom - takes >= mouth - 2, wanted


@pytest.mark.parametrize("size", SIZES)
def test_a_whole_face_is_seen_of_everybody(size):
    for outline, wanted in product([USUAL, NEAR, CUT], WANTED):
        person = laid_out(outline, size, wanted).person
        assert row(outline.chin, person) < size[1], (outline, wanted)
        assert row(outline.crown, person) > -0.02 * size[1], (outline, wanted)


@pytest.mark.parametrize("size", SIZES)
def test_nobody_is_seen_cut_at_a_side_within_the_picture(size):
    for outline, wanted in product([USUAL, NEAR, CUT], WANTED):
        layout = laid_out(outline, size, wanted)
        person = layout.person
        if person.left <= 0 and person.right >= size[0]:
            continue  # the sides of the picture cut them
        assert layout.fade or row(outline.reach, person) >= size[1] - 1, (outline, wanted)
    assert not laid_out(USUAL, size, Wanted()).fade


def test_a_title_has_a_person_beside_it_or_below_it():
    wide = laid_out(USUAL, (1920, 1080), Wanted(has_title=True))
    head = wide.person.left + USUAL.left * wide.person.width
    assert wide.title.right < head
    mirrored = laid_out(USUAL, (1920, 1080), Wanted(has_title=True, from_right=True))
    assert mirrored.title == wide.title.mirrored(1920)
    for size in ((1080, 1080), (1080, 1350), (1080, 1920)):
        room = laid_out(USUAL, size, Wanted(has_title=True, subtitled=True)).title
        taken = Wanted(has_title=True, subtitled=True, titled=room.height)
        tall = laid_out(USUAL, size, taken)
        assert row(USUAL.crown, tall.person) >= tall.title.top + room.height


def test_a_picture_beside_leaves_room_for_what_else_there_is():
    alone = laid_out(USUAL, (1920, 1080), Wanted(Beside("a.png"))).picture
    with_all = laid_out(
        USUAL, (1920, 1080), Wanted(Beside("a.png"), titled=120, has_title=True, subtitled=True)
    )
    assert alone is not None
    assert with_all.picture is not None
    assert with_all.picture.top >= alone.top + 120
    assert with_all.picture.bottom <= with_all.subtitle.bottom - framing.SUBTITLES * with_all.unit


def test_an_avatar_s_outline_is_found():
    for name in ("mira", "tomas"):
        outline = Outline.of(load_avatar(SHIPPED / f"{name}.avatar"))
        assert 0.05 < outline.crown < 0.2
        assert 0.6 < outline.lips < outline.chin < 0.8
        assert 0.2 < outline.left < 0.35 < 0.65 < outline.right < 0.8
        assert 0.75 < outline.reach < 1


def fields(wanted: Wanted) -> dict[str, object]:
    return {name: getattr(wanted, name) for name in wanted.__dataclass_fields__}
