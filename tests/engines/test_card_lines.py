"""Lines of a knowledge file that show a picture, a link or a map."""

import pytest

from visavis.engines.base import Card
from visavis.engines.dialogue.card_lines import CardError, card, is_one


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Picture: pool.jpg", Card("picture", "Pool", "pool.jpg", "Pool")),
        ("picture:  ![By night](pool-2.webp) ", Card("picture", "Pool", "pool-2.webp", "By night")),
        ("Picture: https://a.example/p", Card("picture", "Pool", "https://a.example/p", "Pool")),
        ("Link: https://a.example/m?x=1", Card("link", "Pool", "https://a.example/m?x=1")),
        ("Link: [The menu](http://a.example)", Card("link", "The menu", "http://a.example")),
        ("Map: Harbour Street 5, Aberwick", Card("map", "Pool", "", "Harbour Street 5, Aberwick")),
        (
            "Map: [Harbour Street 5](https://map.example/1)",
            Card("map", "Pool", "https://map.example/1", "Harbour Street 5"),
        ),
    ],
)
def test_lines_that_show_something(line, expected):
    assert is_one(line)
    assert card(line, "Pool") == expected


@pytest.mark.parametrize(
    "line",
    ["", "The picture: it hangs in the hall.", "Pictures: two", "Link", "Map:", "Mapping: x"],
)
def test_other_lines_are_none(line):
    assert not is_one(line)


@pytest.mark.parametrize(
    "line",
    [
        "Picture: ../secret.jpg",
        "Picture: .hidden.jpg",
        "Picture: /etc/passwd.png",
        "Picture: pool.svg",
        "Picture: a pool.jpg",
        "Picture: http://a.example/p.jpg",
        "Picture: javascript:alert(1).jpg",
        "Link: javascript:alert(1)",
        "Link: menu.html",
        "Link: https://me:word@a.example/",
        "Link: https://[::1",
        "Link: [x](file:///etc/passwd)",
        "Map: [Here](geo:1,2)",
        f"Link: https://a.example/{'x' * 600}",
        f"Map: {'x' * 2000}",
    ],
)
def test_what_cannot_be_shown_is_refused(line):
    with pytest.raises(CardError):
        card(line, "Pool")
