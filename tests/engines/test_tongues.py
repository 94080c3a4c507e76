"""Wishes for a language, in the six languages that the avatar has words of its own in."""

import pytest

from visavis.engines.language.languages import LANGUAGES as ALL_LANGUAGES
from visavis.engines.language.phrasebook import LANGUAGES, listed
from visavis.engines.language.tongues import ALL, _rows, asked, name_of, names_of

WISHES = """
de | Speak German, please. | Can we speak German? | Do you speak German? | German please
de | Sprechen Sie Deutsch? | Können wir Deutsch sprechen? | Bitte auf Deutsch. | Deutsch bitte!
de | ¿Habla alemán? | Vous parlez allemand ? | 你会说德语吗？ | هل تتحدث الألمانية؟ | Deutsch
es | ¿Habla español? | ¿Hablas español? | Hable en español, por favor. | en español | Spanish!
es | I'd rather speak Spanish | Can we do this in Spanish? | Can we change the language to Spanish?
es | My English is bad, can we speak Spanish? | I don’t speak English, can you speak Spanish?
fr | Would you mind speaking French? | Could you talk to me in French?
es | Excuse me, do you speak Spanish? | Parlez-vous espagnol ? | Sprechen Sie Spanisch?
fr | Parlez-vous français ? | Est-ce que vous parlez français ? | En français, s'il vous plaît.
fr | Could you switch to French, please? | ¿Puede hablar en francés? | Français
zh | 你会说中文吗？ | 请说中文 | 可以用中文吗？ | 说普通话吧 | Do you speak Mandarin? | 中文
ar | هل تتحدث العربية؟ | تكلم بالعربية من فضلك | ممكن عربي | Do you speak Arabic? | بالعربية
en | Speak English | ¿Habla inglés? | Parlez-vous anglais ? | 请说英语 | Sprechen Sie Englisch?
en | تكلم بالإنجليزية | English, please. | I would like to speak English | Können Sie Englisch?
it | Do you speak Italian? | Ja, Italienisch bitte | Italiano? | I only speak Italian
all | Which languages do you speak? | Welche Sprachen sprechen Sie? | ¿Qué idiomas habla?
all | Quelles langues parlez-vous ? | 你会说什么语言？ | ما اللغات التي تتحدثها؟
"""
NONE = """
When is breakfast? | Is there an English breakfast? | Where is the Spanish restaurant? | Hello
Do you have a German newspaper? | Wo ist das französische Restaurant? | the Chinese wall | Bonjour
我想吃中国菜 | ¿Dónde está la embajada alemana? | Where can I learn Spanish? | No | French fries
How do you say hello in German? | Spanish omelette, please | I am German | Do you speak to guests?
""".replace("\n", " | ")

CASES = [
    (line.split(" | ")[0], text)
    for line in WISHES.strip().splitlines()
    for text in line.split(" | ")[1:]
]


@pytest.mark.parametrize(("language", "text"), CASES)
def test_a_wish_for_a_language_is_understood_in_any_language(language, text):
    assert asked(text) == (ALL if language == "all" else language)


@pytest.mark.parametrize("text", [each for each in NONE.split(" | ") if each.strip()])
def test_what_only_names_a_language_is_no_wish(text):
    assert asked(text) is None


def test_languages_have_names():
    assert set(_rows()) == set(LANGUAGES)
    for rows in _rows().values():
        assert set(rows["names"]) == set(ALL_LANGUAGES)
    assert name_of("de-AT", "fr") == "allemand"
    assert name_of("ja", "it") == "Japanese"
    assert names_of(["en", "de", "fr"], "de") == "Englisch, Deutsch und Französisch"
    assert names_of(["en"], "zh") == "英语"
    assert listed(["茶", "水", "酒"], "or", "zh") == "茶、水或者酒"
