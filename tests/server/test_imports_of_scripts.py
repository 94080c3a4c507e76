"""Scripts out of texts, Markdown, subtitles and slides, and files that are none of them."""

import io
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from aiohttp import FormData
from PIL import Image
from support.projects import routes
from support.serving import problem

from visavis.server.studio.document.project import Beside
from visavis.server.studio.document.reading import read
from visavis.server.studio.imports import slides, strangers
from visavis.server.studio.imports.importing import imported
from visavis.server.system.errors import Problem

SLIDES = Path(__file__).parents[1] / "data" / "slides.pptx"

MARKDOWN = """---
title: "My course"
---
# My course

Intro with *emphasis* and [a link](x.html).

## First part

![A chart](img/chart%201.png) ![out](../secret.png)

- one
- two

### Deeper

Text. <!-- not said -->

```
## no heading
```

First part
----------
More <b>bold</b>. [smiles] Hi.
"""

SRT = """\ufeff1
00:00:01,000 --> 00:00:03,000
- Hello, <i>everybody</i>.
[MUSIC]

2
00:00:05,000 --> 00:00:06,500
And welcome
to us!

3
00:00:06,600 --> 00:00:08,000
Here we go.

4
00:01:10,000 --> 00:01:11,000
Later {\\an8}🎉
"""

VTT = """WEBVTT

NOTE made by a machine

00:01.000 --> 00:02.000 align:start
<v Anna>good day

00:02.000 --> 00:03.000
good day to
you &amp; all
"""


def of(name, content):
    """Slides are taken apart here and not in a process of their own: that is tested once."""
    data = content.encode() if isinstance(content, str) else content
    take = slides.imported if name.endswith(".pptx") else partial(imported, name)
    found = take(io.BytesIO(data))
    return read(found.text), found


def test_a_text_is_one_scene_whatever_wrote_it():
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        project, _ = of("a.txt", "# 1 für alle\r\n\r\n+++\r\nSchön.\r\n".encode(encoding))
        assert [scene.text for scene in project.scenes] == ["# 1 für alle\n\n+++\nSchön."]


def test_markdown_is_a_scene_for_each_heading():
    project, found = of("course.md", MARKDOWN)
    assert project.title == "My course"
    assert [(s.name, s.title) for s in project.scenes] == [
        ("scene-1", ""), ("first-part", "First part"), ("first-part-2", "First part"),
    ]  # fmt: skip
    assert [scene.text for scene in project.scenes] == [
        "Intro with emphasis and a link.",
        "one.\ntwo.\n\nDeeper.\n\nText.",
        "More bold. [smiles] Hi.",
    ]
    assert project.scenes[1].beside == Beside("img/chart 1.png")
    assert any("img/chart 1.png" in note for note in found.notes)


def test_markdown_without_headings_and_with_one():
    assert [s.text for s in of("a.md", "Just *this*.")[0].scenes] == ["Just this."]
    assert [(s.title, s.text) for s in of("a.md", "# One\n\nThis.")[0].scenes] == [("One", "This.")]


def test_a_script_of_ours_stays_as_it_is():
    script = "+++\n# ours\ntitle = 'x'\n+++\n\n# a\n\nHello.\n"
    assert of("script.md", script)[1].text == script
    assert of("script.txt", script)[1].text == script
    with pytest.raises(Problem) as caught:
        of("script.md", "+++\nvoise = 'x'\n+++\n")
    assert caught.value.code == "script-invalid"


def test_subtitles_become_words_with_their_pauses():
    project, _ = of("a.srt", SRT.replace("\n", "\r\n"))
    assert [scene.text for scene in project.scenes] == [
        "Hello, everybody.\n[pause 2] And welcome to us!\nHere we go.",
        "Later 🎉",
    ]
    assert project.scenes[0].after == 5.0
    assert of("a.vtt", VTT)[0].scenes[0].text == "good day to you & all"


def test_slides_are_scenes_with_their_notes_and_pictures():
    project, found = of("talk.pptx", SLIDES.read_bytes())
    assert [(s.name, s.title, s.text) for s in project.scenes] == [
        ("welcome-everybody", "", "[smiles] Good morning, and welcome.\nI am Anna. 🎉"),
        ("rooms", "", "Rooms.\nSea view.\nFrom 90 €."),
        ("rooms-2", "", "Добрый день."),
        ("scene-4", "", "Thank you."),
    ]  # fmt: skip
    assert project.scenes[1].beside == Beside("slide-2.png", share=0.65)
    assert list(found.files) == ["slide-1.png", "slide-2.png", "slide-3.png", "slide-5.png"]
    assert any("slide 4 is hidden" in note for note in found.notes)


def test_a_slide_is_drawn_with_its_pictures_words_and_tables():
    _, found = of("talk.pptx", SLIDES.read_bytes())
    rooms = np.asarray(Image.open(io.BytesIO(found.files["slide-2.png"])).convert("RGB"))
    assert rooms.shape == (720, 1280, 3)
    assert tuple(rooms[330, 900]) == (0, 128, 128)  # the larger picture, where it stands
    assert tuple(rooms[120, 910]) == (0, 0, 128)
    assert tuple(rooms[600, 300]) == (255, 255, 255)
    assert rooms[180:230, 60:330].min() < 40  # "Sea view"
    assert rooms[400:700, :600].min() == 255
    table = np.asarray(Image.open(io.BytesIO(found.files["slide-3.png"])).convert("RGB"))
    assert tuple(table[200, 330]) == (79, 129, 189)  # the theme's first accent
    red = np.asarray(Image.open(io.BytesIO(found.files["slide-5.png"])).convert("RGB"))
    assert (red.reshape(-1, 3) == (200, 30, 30)).all(1).any()


def test_what_of_a_slide_is_not_drawn_is_told():
    chart = """<p:sld xmlns:p="p" xmlns:a="a"><p:cSld><p:spTree><p:graphicFrame><p:xfrm>
      <a:off x="0" y="0"/><a:ext cx="99" cy="99"/></p:xfrm><a:graphic><a:graphicData
      uri="http://schemas.openxmlformats.org/drawingml/2006/chart"/></a:graphic></p:graphicFrame>
      <p:sp><p:nvSpPr><p:nvPr/></p:nvSpPr><p:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="9999999"
      cy="999999"/></a:xfrm></p:spPr><p:txBody><a:p><a:r><a:rPr sz="99999999"/><a:t>ह
      </a:t></a:r></a:p></p:txBody></p:sp></p:spTree></p:cSld></p:sld>"""
    _, found = of("talk.pptx", changed("ppt/slides/slide1.xml", chart.encode()))
    (note,) = [note for note in found.notes if "slide 1 is drawn" in note]
    assert "a chart" in note
    assert "letters that no font here has" in note


def test_slides_are_taken_apart_in_a_process_that_is_shut_in(tmp_path):
    with SLIDES.open("rb") as file:
        found = imported("talk.pptx", file)
    assert found == of("talk.pptx", SLIDES.read_bytes())[1]
    (tmp_path / "a.pptx").write_bytes(changed("ppt/slides/slide1.xml", SWELLING))
    with (tmp_path / "a.pptx").open("rb") as file, pytest.raises(Problem, match="document type"):
        imported("a.pptx", file)


@pytest.mark.parametrize(
    "said",
    [
        b"", b"{}\n", b"nonsense\n", b'{"refused": ""}\n',
        b'{"text": 1, "notes": [], "files": []}\n',
        b'{"text": "a", "notes": [], "files": [["../a.png", 1]]}\nx',
        b'{"text": "a", "notes": [], "files": [["a.html", 1]]}\nx',
        b'{"text": "a", "notes": [], "files": [["a.png", 9]]}\nx',
        b'{"text": "a", "notes": [], "files": [["a.png", -1]]}\nx',
        b'{"text": "a", "notes": [], "files": [3]}\nx',
        b'{"text": "+++", "notes": [], "files": []}\n',
    ],
)  # fmt: skip
def test_a_child_that_was_taken_over_is_not_believed(said):
    with pytest.raises(Problem) as caught:
        strangers._heard(io.BytesIO(said))
    assert caught.value.code == "import-broken"


def changed(part, content):
    """The slides with one part replaced; None: without it."""
    out = io.BytesIO()
    with zipfile.ZipFile(SLIDES) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name != part:
                new.writestr(name, old.read(name))
            elif content is not None:
                new.writestr(name, content)
    return out.getvalue()


SWELLING = b'<!DOCTYPE a [<!ENTITY b "' + b"x" * 1000 + b'">]><p:sld>' + b"&b;" * 1000 + b"</p:sld>"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.srt", b"hello"), ("a.txt", b""), ("a.txt", b" \n"), ("a.txt", bytes(range(256)) * 40),
        ("a.pptx", b"PK\x03\x04junk"), ("a.pptx", b""), ("a.pptx", SLIDES.read_bytes()[:20_000]),
        ("a.pptx", changed("ppt/presentation.xml", None)),
        ("a.pptx", changed("ppt/presentation.xml", b"<a")),
        ("a.pptx", changed("ppt/slides/slide1.xml", SWELLING)),
        ("a.pptx", changed("ppt/slides/slide1.xml", SWELLING.decode().encode("utf-16"))),
        ("a.pptx", changed("ppt/slides/slide1.xml", b"<a>" + b" " * (40 << 20) + b"</a>")),
        ("a.pptx", changed("_rels/.rels", b"<Relationships/>")),
        ("a.ppt", b"\xd0\xcf\x11\xe0"), ("a.exe", b"MZ"), ("a.md", SLIDES.read_bytes()),
        ("a.txt", b"a" * (3 << 20)),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)  # fmt: skip
def test_what_is_broken_is_refused_in_words(name, content):
    with pytest.raises(Problem) as caught:
        of(name, content)
    assert caught.value.code in {"import-broken", "import-kind"}
    assert caught.value.status == 422


def test_markup_that_never_ends_takes_no_time():
    for piece in ("[", "![", "<", "# ", "| ", "```\n", "- ", "1:", "\\", "--> "):
        for name in ("a.md", "a.txt", "a.srt"):
            try:
                of(name, piece * 30_000)
            except Problem:
                continue


async def test_a_file_is_imported_over_http(tmp_path):
    async with routes(tmp_path) as client:
        await client.post("/v1/projects", json={"name": "talk", "script": "Hello."})
        for name in ("talk-2",):
            form = FormData()
            form.add_field("file", SLIDES.read_bytes(), filename="Talk.pptx")
            made = await client.post("/v1/projects/import", data=form)
            told = await made.json()
            assert (made.status, told["name"]) == (201, name)
        assert len(told["files"]) == 4
        assert [fault["scene"] for fault in told["faults"] if fault["grave"]] == ["rooms-2"]
        assert any("hidden" in note for note in told["notes"])
        form = FormData()
        form.add_field("file", b"x", filename="a.srt")
        status, told = await problem(await client.post("/v1/projects/import", data=form))
        assert (status, told["type"]) == (422, "urn:visavis:import-broken")
        form = FormData(default_to_multipart=True)
        form.add_field("name", "x")
        status, _ = await problem(await client.post("/v1/projects/import", data=form))
        assert status == 422
        assert (await client.post("/v1/projects/import", data=b"x")).status == 415
