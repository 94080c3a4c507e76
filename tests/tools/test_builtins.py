"""Tools that are part of visavis: cards, staff, the end; and which pictures may be shown."""

import pytest
from support.asking import opened

from visavis.engines.base import Card, Farewell, HandOver, Show
from visavis.server.tools.gallery import Gallery, kind
from visavis.server.tools.specs import Shown, ToolsFile

JPEG = b"\xff\xd8\xff\xe0picture"
ALL = frozenset({"show_picture", "show_link", "show_map", "hand_over", "end_conversation"})


@pytest.fixture
def shown(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("pool.jpg", "Room 5.JPG"):
        (folder / name).write_bytes(JPEG)
    (folder / "notes.txt").write_text("secret")
    (tmp_path / "outside.jpg").write_bytes(JPEG)
    (folder / "link.jpg").symlink_to(tmp_path / "outside.jpg")
    return Shown(
        folder,
        frozenset({"images.hotel.example"}),
        frozenset({"hotel.example"}),
        {"pool.jpg": "The pool by night"},
        "https://map.example/?q={place}",
    )


async def test_what_they_do(shown):
    async with opened(ToolsFile(ALL, shown)) as tools:
        assert set(tools.names) == ALL
        used = await tools.use("show_picture", picture="pool.jpg", title="Our pool")
        assert used.deed == Show(Card("picture", "Our pool", "pool.jpg", "The pool by night"))
        assert "on the screen" in used.result.content
        far = "https://images.hotel.example/a.jpg"
        used = await tools.use("show_picture", picture=far, title="A")
        assert used.deed == Show(Card("picture", "A", far, "A"))
        used = await tools.use("show_link", address="https://hotel.example/menu", title="Menu")
        assert used.deed == Show(Card("link", "Menu", "https://hotel.example/menu"))
        used = await tools.use("show_map", title="The inn", place="Harbour Street 5")
        page = "https://map.example/?q=Harbour%20Street%205"
        assert used.deed == Show(Card("map", "The inn", page, "Harbour Street 5"))
        assert (await tools.use("hand_over", reason="a refund")).deed == HandOver("a refund")
        assert (await tools.use("end_conversation")).deed == Farewell()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("show_picture", {"picture": "../outside.jpg", "title": "x"}),
        ("show_picture", {"picture": "link.jpg", "title": "x"}),
        ("show_picture", {"picture": "notes.txt", "title": "x"}),
        ("show_picture", {"picture": "none.jpg", "title": "x"}),
        ("show_picture", {"picture": "https://elsewhere.example/a.jpg", "title": "x"}),
        ("show_picture", {"picture": "pool.jpg"}),
        ("show_link", {"address": "https://elsewhere.example/", "title": "x"}),
        ("show_link", {"address": "https://hotel.example.evil.example/", "title": "x"}),
        ("show_link", {"address": "https://hotel.example:8080/", "title": "x"}),
        ("show_link", {"address": "javascript:alert(1)", "title": "x"}),
        ("hand_over", {"reason": "x" * 300}),
        ("end_conversation", {"now": True}),
    ],
)
async def test_what_they_do_not_do(shown, name, arguments):
    async with opened(ToolsFile(ALL, shown)) as tools:
        used = await tools.use(name, **arguments)
        assert used.deed is None
        assert tools.counted(name, "refused") == 1


async def test_what_is_not_switched_on_is_not_there(shown):
    async with opened(ToolsFile(frozenset({"hand_over"}), shown)) as tools:
        assert tools.names == ["hand_over"]
        assert (await tools.use("end_conversation")).deed is None


def test_a_model_is_told_which_pictures_there_are(shown):
    gallery = Gallery(shown.pictures)
    assert gallery.names == ("Room 5.JPG", "pool.jpg")


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        (Card("picture", "x", "pool.jpg"), Card("picture", "x", "/v1/cards/pool.jpg")),
        (Card("picture", "x", "Room 5.JPG"), Card("picture", "x", "/v1/cards/Room%205.JPG")),
        (Card("picture", "x", "https://elsewhere.example/a.jpg"), None),
        (Card("picture", "x", "http://images.hotel.example/a.jpg"), None),
        (
            Card("link", "x", "https://any.example/", image="https://elsewhere.example/a.jpg"),
            Card("link", "x", "https://any.example/"),
        ),
        (
            Card("map", "x", "", "A street", "pool.jpg"),
            Card("map", "x", "", "A street", "/v1/cards/pool.jpg"),
        ),
    ],
)
def test_cards_as_a_page_can_show_them(shown, card, expected):
    assert Gallery(shown.pictures, shown.picture_hosts).admitted(card) == expected


def test_without_a_folder_there_are_no_pictures():
    gallery = Gallery()
    assert gallery.names == ()
    assert gallery.path("pool.jpg") is None
    assert gallery.admitted(Card("picture", "x", "pool.jpg")) is None
    assert gallery.admitted(Card("link", "x", "https://a.example/")) is not None


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (JPEG, "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n...", "image/png"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", None),
        (b"<svg onload='alert(1)'>", None),
        (b"", None),
    ],
)
def test_what_is_a_picture(head, expected):
    assert kind(head) == expected
