"""The studio in Chromium: written, directed, undone, kept, settled with another editor, made.

Its addresses are a double's (support/studio_double.py); sessions, avatars and the page are real.
"""

from contextlib import asynccontextmanager

import pytest
from support.studio_double import Studio, studio_serving

from bench.live.chromium import visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="session"),
]

SCRIPT = (
    "[warm] Welcome, {{first_name}}. [pause 0.8] It is good to see you.\n\nBreakfast is at seven."
)
WIDER = "document.documentElement.scrollWidth - innerWidth"


@asynccontextmanager
async def desk(chromium, double, script=SCRIPT, **size):
    """A page with a film that has just been begun; its content security policy holds."""
    errors = []
    async with studio_serving(double) as client, visitor(chromium, strict=True, **size) as context:
        page = await context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(str(client.make_url("/studio")))
        await page.fill(".fresh textarea", script)
        await page.click(".fresh-go .dark")
        await page.wait_for_selector(".sheet-scene")
        yield page
    assert not errors


async def kept(page):
    await page.wait_for_selector("#saved[data-state=saved]")


def text(double, scene=0):
    (project,) = double.projects.values()
    return project["scenes"][scene]["text"]


async def test_a_script_is_directed_undone_kept_and_filmed_by_keyboard(chromium):
    double = Studio()
    async with desk(chromium, double) as page:
        assert [len(double.projects), text(double, 1)] == [1, "Breakfast is at seven."]
        assert await page.evaluate("document.activeElement.ariaLabel") == "Script, Scene 1"
        await page.keyboard.press("Control+End")
        await page.keyboard.type(" [smi")  # offered while it is typed
        await page.wait_for_selector(".suggestions [aria-selected=true]:has-text('smiles')")
        await page.keyboard.press("Enter")
        await page.keyboard.type("Truly.")
        await kept(page)
        assert text(double).endswith("see you. [smiles] Truly.")
        await page.focus(".handle.pause")
        await page.keyboard.press("ArrowRight")
        assert await page.get_attribute(".handle.pause", "aria-valuetext") == "0.9 seconds"
        await page.keyboard.press("Control+Z")
        assert await page.get_attribute(".handle.pause", "aria-valuetext") == "0.8 seconds"
        await page.focus(".sheet-scene textarea")
        await page.keyboard.press("Control+Home")
        await page.keyboard.press("ArrowRight")  # over the chip, not into it
        await page.keyboard.press("Backspace")
        await kept(page)
        assert text(double).startswith("Welcome, {{first_name}}. [pause 0.8]")

        await page.keyboard.press("Control+Enter")  # another scene
        await page.keyboard.type("Goodbye.")
        await page.keyboard.press("Alt+2")  # its looks
        await page.keyboard.press("Escape")
        await page.fill("[placeholder='Our opening hours']", "See you soon")
        await page.focus("#scenes [aria-current=true]")
        await page.keyboard.press("Alt+ArrowUp")
        await kept(page)
        (project,) = double.projects.values()
        assert [scene["title"] for scene in project["scenes"]] == ["See you soon", "", ""]

        await page.keyboard.press("Control+Shift+Enter")
        await page.wait_for_selector("#film-choices")
        await page.check("input[value=vtt]")
        await page.keyboard.press("Escape")
        await page.keyboard.press("Control+Shift+Enter")
        await page.wait_for_selector("#film-choices")
        assert not await page.is_checked("input[value=vtt]")  # what was not made is not remembered
        await page.keyboard.press("Enter")
        await page.wait_for_selector(".film[data-status=done] video")
        assert double.asked == [{"project": "film-1", "formats": ["mp4"]}]
        async with page.expect_download() as download:
            await page.click(".downloads button")
        assert (await download.value).suggested_filename == "Welcome-en.mp4"


async def test_two_people_edit_one_film_and_both_versions_are_shown(chromium):
    double = Studio()
    async with desk(chromium, double) as page:
        await kept(page)
        theirs = {**double.projects["film-1"], "title": "Theirs"}
        theirs["scenes"] = [{**theirs["scenes"][0], "text": "Their words."}, theirs["scenes"][1]]
        double.put("film-1", theirs)
        await page.focus(".sheet-scene >> nth=1 >> textarea")
        await page.keyboard.press("Control+End")
        await page.keyboard.type(" Mine.")
        await page.wait_for_selector("#title[value], #title")
        await kept(page)  # nobody is asked: each changed something else
        assert double.projects["film-1"]["title"] == "Theirs"
        assert [text(double), text(double, 1)] == ["Their words.", "Breakfast is at seven. Mine."]
        assert await page.input_value(".sheet-scene >> nth=0 >> textarea") == "Their words."

        again = {**double.projects["film-1"]}
        again["scenes"] = [again["scenes"][0], {**again["scenes"][1], "text": "At eight."}]
        double.put("film-1", again)
        await page.keyboard.type(" More.")
        await page.wait_for_selector(".versions")
        shown = await page.locator(".version-words").all_inner_texts()
        assert shown == ["Breakfast is at seven. Mine. More.", "At eight."]
        await page.click(".version >> nth=1")
        await page.click(".dialog-foot .dark")
        await kept(page)
        assert text(double, 1) == "At eight."
        await page.click("#undo")
        await kept(page)
        assert text(double, 1) == "Breakfast is at seven. Mine. More."


async def test_a_table_is_checked_proven_made_and_what_failed_is_made_again(chromium):
    double = Studio()
    async with desk(chromium, double, width=390, height=844) as page:
        await page.click("#batch-open")
        assert await page.inner_text("dialog .column") == "first_name"
        table = 'first_name\nAnna\nBen\nChloé\n""\nFails\nFarid\n'.encode()
        people = {"name": "people.csv", "mimeType": "text/csv", "buffer": table}
        await page.set_input_files("dialog .drop input", people)
        await page.wait_for_selector(".fault-list .grave:has-text('Row 4, first_name')")
        assert "left out: 1" in await page.inner_text(".lost")
        await page.click(".dialog-foot .dark")
        await page.wait_for_selector(".proofs figure >> nth=2")
        await page.click(".dialog-foot .dark")  # these are right
        await page.wait_for_selector("[data-status=failed] .row-fault:has-text('cannot say')")
        await page.click("button:has-text('that failed again')")
        await page.wait_for_selector(".estimate:has-text('5 of 5 done, 0 failed')")
        assert await page.evaluate(WIDER) <= 0


async def test_a_translation_is_read_beside_its_source_before_it_is_filmed(chromium):
    double = Studio()
    async with desk(chromium, double) as page:
        await page.click("#tab-languages")
        await page.select_option("#panes select", "es")
        await page.click("#film-open")
        await page.wait_for_selector(".film-dialog .notice:has-text('first_name')")
        await page.click(".film-dialog .dialog-foot .dark")  # nobody has seen it yet
        await page.wait_for_selector(".pair-row")
        await page.fill(".pair-row textarea >> nth=0", "Bienvenida, {{first_name}}.")
        await page.click("dialog.full .dialog-foot .dark")
        await page.wait_for_selector(".film >> nth=1")
        assert [request.get("language") for request in double.asked] == [None, "es"]
        pairs = double.translations["film-1", "es"]
        assert [(pair["state"], pair["target"][:4]) for pair in pairs] == [
            ("checked", "Bien"),
            ("machine", "<es>"),
        ]


@pytest.mark.slow
async def test_every_language_fits_on_every_screen(chromium):
    for width, height in ((390, 844), (1024, 768), (1920, 1080)):
        double = Studio()
        async with desk(chromium, double, width=width, height=height) as page:
            film = page.url
            for language in ("en", "es", "fr", "de", "zh", "ar"):
                await page.goto(f"{film}&lang={language}")
                await page.wait_for_selector(f"html[lang={language}] .sheet-scene")
                for view in ("scenes", "script", "picture") if width < 900 else ("script",):
                    await page.evaluate(f"document.body.dataset.view = '{view}'")
                    for tab in ("voice", "look", "music", "format", "languages"):
                        await page.evaluate(f"document.querySelector('#tab-{tab}').click()")
                        assert await page.evaluate(WIDER) <= 0, (width, language, view, tab)
