"""A language model that translates: what it is asked, and what is believed of its answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from support.chat_double import Behaviour, ChatDouble, says

pytest.importorskip("openai")

from visavis.engines.base import EngineError
from visavis.engines.settings import ChatSettings, TranslationSettings
from visavis.engines.translation import keeping
from visavis.engines.translation.base import Shortening
from visavis.engines.translation.chat import ChatTranslator
from visavis.engines.translation.choosing import Choosing


def answers(answer: Callable[[dict[str, Any]], object]) -> Behaviour:
    """What a model says to the object that it was given."""

    async def behave(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        said = answer(json.loads(body["messages"][-1]["content"]))
        text = said if isinstance(said, str) else json.dumps(said)
        return await says(text)(request)

    return behave


def shouts(given: dict[str, Any]) -> dict[str, str]:
    return {number: text.upper().replace("\u27e6N", "\u27e6n") for number, text in given.items()}


def settings(double: ChatDouble) -> ChatSettings:
    return ChatSettings(base_url=double.url, model="double", max_tokens=500)


async def put(
    double: ChatDouble, *texts: str, glossary: tuple[str, ...] = ()
) -> list[keeping.Kept]:
    translator = ChatTranslator(settings(double))
    return await asyncio.to_thread(keeping.translated, translator, texts, "en", "pt-BR", glossary)


async def test_all_texts_go_in_one_request_and_what_stays_stays() -> None:
    async with ChatDouble(answers(shouts)) as double:
        done = await put(
            double, "[smiles] Hello {{name}}, welcome to Acme.", "Good [nods] bye.",
            glossary=("Acme",),
        )  # fmt: skip
        assert [kept.text for kept in done] == [
            "[smiles] HELLO {{name}}, WELCOME TO Acme.", "GOOD [nods] BYE.",
        ]  # fmt: skip
        (asked,) = double.asked
        told = asked.body["messages"][0]["content"]
        assert "from English (en) to Portuguese (pt-BR)" in told
        assert json.loads(asked.body["messages"][1]["content"]) == {
            "1": "Hello \u27e6n1\u27e7, welcome to \u27e6n3\u27e7.", "2": "Good \u27e61\u27e7 bye.",
        }  # fmt: skip


async def test_what_is_around_an_answer_is_no_harm() -> None:
    fenced = answers(lambda given: f"Sure!\n```json\n{json.dumps(shouts(given))}\n```")
    async with ChatDouble(fenced) as double:
        assert [kept.text for kept in await put(double, "One.", "Two.")] == ["ONE.", "TWO."]


async def test_what_a_model_leaves_out_is_asked_for_again_alone() -> None:
    def first_only(given: dict[str, Any]) -> dict[str, str]:
        return {"1": shouts(given)["1"]}

    async with ChatDouble(answers(first_only)) as double:
        done = await put(double, "One.", "Two.", "Three.")
        assert [kept.text for kept in done] == ["ONE.", "TWO.", "THREE."]
        assert len(double.asked) == 3


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: "I cannot do that.",
        lambda _: {"1": ""},
        lambda _: {"1": 7},
        lambda _: ["One."],
        lambda _: "{" * 5000,
        lambda _: {"1": "x" * 5000},  # an answer to something else
    ],
)
async def test_an_answer_that_is_none_is_an_error_without_its_words(answer: Any) -> None:
    async with ChatDouble(answers(answer)) as double:
        with pytest.raises(EngineError) as raised:
            await put(double, "One.")
        assert "did not translate 1 of 1 texts" in str(raised.value)
        assert len(double.asked) == 3


async def test_an_endpoint_that_is_away_is_told() -> None:
    translator = ChatTranslator(ChatSettings("http://127.0.0.1:9/v1", "double", first_token=1.0))
    with pytest.raises(EngineError, match="cannot be reached"):
        await asyncio.to_thread(translator.translate, ["One."], "en", "es")


async def test_a_long_script_goes_in_several_requests() -> None:
    async with ChatDouble(answers(shouts)) as double:
        texts = [f"Sentence {number} of many." for number in range(90)]
        done = await put(double, *texts)
        assert [kept.text for kept in done] == [text.upper() for text in texts]
        assert len(double.asked) == 3


async def test_it_says_things_in_fewer_words() -> None:
    def shorter(given: dict[str, Any]) -> dict[str, str]:
        return {number: row["draft"][: row["most"]] for number, row in given.items()}

    async with ChatDouble(answers(shorter)) as double:
        translator = ChatTranslator(settings(double))
        assert isinstance(translator, Shortening)
        done = await asyncio.to_thread(
            translator.shortened, ["One two."], ["Un dos tres."], [6], "en", "es"
        )
        assert done == ["Un dos"]


def test_the_first_who_can_translates_and_nobody_is_told_with_the_fixes() -> None:
    chat = ChatSettings("http://127.0.0.1:9/v1", "a-model")
    assert Choosing(TranslationSettings(chat=chat))("en", "de").name == "a-model"
    nobody = Choosing(TranslationSettings(wanted="auto"))
    with pytest.raises(EngineError) as raised:
        nobody("en", "es")
    told = str(raised.value)
    assert "no translator from en to es" in told
    for fix in ("apt-get install apertium-eng-spa", "llm_base_url", "studio_translator_folder"):
        assert fix in told
    with pytest.raises(EngineError, match="set studio_translator to auto"):
        Choosing(TranslationSettings(wanted="apertium", chat=chat))("en", "de")


def test_who_there_is_is_told(tmp_path: Path) -> None:
    chat = ChatSettings("http://127.0.0.1:9/v1", "a-model")
    assert Choosing(TranslationSettings(chat=chat)).words() == "the language model a-model"
    assert Choosing(TranslationSettings()).words() == ""
    with pytest.raises(EngineError, match=r"needs a model\.bin"):
        Choosing(TranslationSettings(folder=tmp_path)).words()
