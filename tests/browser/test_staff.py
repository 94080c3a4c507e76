"""The staff's page in Chromium, beside a visitor's: seen, heard, taken over and handed back."""

import json

import pytest
from support.serving import serving, watching
from support.staffing import TOKEN

from bench.live.chromium import visitor
from visavis.server.staff import attendant

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def signed_in(context, client, name="Anna"):
    page = await context.new_page()
    await page.goto(str(client.make_url(f"/staff#token={TOKEN}")))
    await page.fill("#name", name)
    await page.click("#sign-in-form button[type=submit]")
    await page.wait_for_selector("#sign-in", state="hidden")
    return page


@pytest.mark.slow
async def test_staff_see_who_wants_a_person_take_over_speak_and_hand_back(chromium, monkeypatch):
    monkeypatch.setattr(attendant, "phrase", lambda key, _language, _turn: key)
    async with (
        serving(staff_token=TOKEN) as client,
        visitor(chromium, microphone=False) as theirs,
        visitor(chromium) as ours,
        watching(client),
    ):
        page = await theirs.new_page()
        await page.goto(str(client.make_url("/")))
        staff = await signed_in(ours, client)
        assert "token" not in staff.url
        await page.click("#start")
        await page.wait_for_function("window.visavis?.state === 'connected'")
        session = await page.evaluate("visavis.id")
        await page.fill("#text", "Can I talk to a person?")
        await page.keyboard.press("Enter")
        await staff.wait_for_selector(f".waits[data-id='{session}']", timeout=2000)
        assert "waits for a person" in await staff.title()
        assert await staff.evaluate("staff.rings") == 1
        assert await staff.evaluate("staff.rows[0].id") == session  # before the one who waits not

        await staff.focus("#sessions button")
        await staff.keyboard.press("Enter")  # opened without a mouse
        await page.wait_for_selector("#attended:has-text('reading along')")
        await staff.click("#take")
        await page.wait_for_selector("#attended:has-text('is answering')")
        assert "computer-generated face" in await page.inner_text("#disclosure")
        await staff.wait_for_function("document.title === 'Staff – visavis'")
        await page.fill("#text", "Is my room ready?")
        await page.keyboard.press("Enter")
        await staff.wait_for_selector("#lines .visitor:has-text('Is my room ready?')")
        await staff.fill("#line", "It is: number nine.")
        await staff.keyboard.press("Enter")
        await staff.wait_for_selector("#lines .mine:has-text('It is: number nine.')")
        await page.wait_for_selector("#lines .avatar:has-text('It is: number nine.')")

        await staff.click("#speak")
        await page.wait_for_selector("#attended:has-text('is speaking')")
        await staff.wait_for_function("document.querySelector('#face').videoWidth > 0")
        await staff.wait_for_selector("#voice.silent", timeout=10_000)  # it hears nothing
        await staff.click("#speak")
        await page.wait_for_selector("#attended:has-text('is answering')")
        await staff.click("#hand-back")
        await page.wait_for_selector("#attended:has-text('reading along')")
        await staff.wait_for_selector("#take:visible")  # Esc does not leave what one holds
        await staff.keyboard.press("Escape")
        await page.wait_for_function("!document.querySelector('#attended').textContent")


@pytest.mark.slow
async def test_without_a_token_the_page_says_how_to_set_one(chromium):
    async with serving() as client, visitor(chromium, microphone=False) as context:
        page = await context.new_page()
        await page.goto(str(client.make_url("/staff")))
        await page.wait_for_selector("#staff-off", state="visible")
        assert "staff-token" in await page.inner_text("#staff-off")
        assert not await page.is_visible("#token")


@pytest.mark.slow
async def test_a_session_that_ends_and_a_wrong_token_are_said(chromium):
    async with serving(staff_token=TOKEN) as client, visitor(chromium, microphone=False) as context:
        page = await context.new_page()
        await page.goto(str(client.make_url("/staff#token=wrong-token-of-the-staff")))
        await page.fill("#name", "Anna")
        await page.click("#sign-in-form button[type=submit]")
        await page.wait_for_selector("#sign-in-fault:has-text('not the staff')")
        await page.fill("#token", TOKEN)
        await page.click("#sign-in-form button[type=submit]")
        async with watching(client) as viewer:
            viewer.channel.send(json.dumps({"type": "text", "text": "hello"}))
            await page.click("#sessions button")
            await page.wait_for_selector("#lines .visitor:has-text('hello')")
            await client.delete(viewer.location)
            await page.wait_for_selector("#fault:has-text('has ended')")
            assert not await page.is_visible("#composer")
        await page.wait_for_selector("#nobody", state="visible")
