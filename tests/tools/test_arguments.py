"""What a mind passes to a tool: checked by its schema, put into templates, and an answer's part."""

import pytest

from visavis.server.tools import schema, selection, templates

ROOM = {
    "type": "object",
    "required": ["kind"],
    "properties": {
        "kind": {"type": "string", "enum": ["single", "double"]},
        "nights": {"type": "integer", "minimum": 1, "maximum": 30},
        "name": {"type": "string", "minLength": 2, "maxLength": 10, "pattern": "^[a-z]+$"},
        "guests": {
            "type": "array",
            "maxItems": 2,
            "items": {"type": "object", "properties": {"age": {"type": "number"}}},
        },
    },
}


@pytest.mark.parametrize(
    "value",
    [
        {"kind": "single"},
        {"kind": "double", "nights": 2.0, "name": "ana", "guests": [{"age": 3.5}, {}]},
    ],
)
def test_arguments_that_fit(value):
    schema.check(ROOM)
    assert list(schema.faults(ROOM, value)) == []


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({}, "kind is missing"),
        ([], "it must be of type object"),
        ({"kind": "suite"}, "kind must be one of single, double"),
        ({"kind": "single", "nights": 0}, "nights must be at least 1"),
        ({"kind": "single", "nights": 31}, "nights must be at most 30"),
        ({"kind": "single", "nights": True}, "nights must be of type integer"),
        ({"kind": "single", "nights": 1.5}, "nights must be of type integer"),
        ({"kind": "single", "nights": float("nan")}, "nights must be of type integer"),
        ({"kind": "single", "name": "A"}, "name must have at least 2 characters"),
        ({"kind": "single", "name": "a" * 11}, "name must have at most 10 characters"),
        ({"kind": "single", "name": "Ana"}, "name does not have the form"),
        ({"kind": "single", "guests": [{}, {}, {}]}, "guests must have at most 2 items"),
        ({"kind": "single", "guests": [{"age": "3"}]}, "guests[0].age must be of type number"),
        ({"kind": "single", "price": 0}, "there is a property that is not known"),
    ],
)
def test_arguments_that_do_not_fit(value, words):
    assert words in next(schema.faults(ROOM, value))


def test_a_text_has_a_limit_even_where_none_is_written():
    assert list(schema.faults({"type": "string"}, "x" * 5000))


@pytest.mark.parametrize(
    ("template", "arguments", "expected"),
    [
        ("{n}", {"n": 3}, 3),
        ("room {n}", {"n": 3}, "room 3"),
        ("{{{n}}}", {"n": True}, "{true}"),
        ({"a": "{n}", "b": "{m}", "c": {"d": ["{m}", "{n}"]}}, {"n": 1}, {"a": 1, "c": {"d": [1]}}),
        ("{m}", {}, None),
        (["{list}"], {"list": [1, 2]}, [[1, 2]]),
    ],
)
def test_templates(template, arguments, expected):
    assert templates.filled(template, arguments) == expected


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("a b", "https://h/a%20b/x"),
        ("../../admin", "https://h/..%2F..%2Fadmin/x"),
        ("a?b=1#c", "https://h/a%3Fb%3D1%23c/x"),
        ("é", "https://h/%C3%A9/x"),
        ("%2e%2e", "https://h/%252e%252e/x"),
    ],
)
def test_an_argument_stays_in_its_place_of_an_address(argument, expected):
    assert templates.address("https://h/{p}/x", {"p": argument}) == expected


@pytest.mark.parametrize("argument", ["", ".", ".."])
def test_an_argument_that_would_lead_elsewhere_is_refused(argument):
    with pytest.raises(templates.TemplateError):
        templates.address("https://h/{p}/x", {"p": argument})


ANSWER = {"rooms": [{"name": "Lark", "price": 90}, {"name": "Finch"}], "a name": {"x": 1}, "n": 0}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", [ANSWER]),
        ("$.n", [0]),
        ("$.rooms[0].name", ["Lark"]),
        ("$.rooms[-1].name", ["Finch"]),
        ("$.rooms[*].name", ["Lark", "Finch"]),
        ("$.rooms[:1]", [ANSWER["rooms"][0]]),
        ("$.rooms[*].price", [90]),
        ("$['a name'].x", [1]),
        ("$.rooms[0].*", ["Lark", 90]),
        ("$.rooms[7].name", []),
        ("$.none.at.all", []),
    ],
)
def test_paths(path, expected):
    assert selection.select(ANSWER, selection.parse(path)) == expected


@pytest.mark.parametrize("path", ["", "rooms", "$rooms", "$..name", "$.a[", "$[?(@)]", "$[1,2]"])
def test_other_paths_are_refused(path):
    with pytest.raises(selection.PathError):
        selection.parse(path)


def test_what_is_told_is_short_enough():
    assert selection.words(["Lark", 90, {"a": None}], 100) == 'Lark\n90\n{"a": null}'
    told = selection.words(["one two three four five"], 16)
    assert told == "one two ..."
    assert len(selection.words(["x" * 100], 20)) == 20
