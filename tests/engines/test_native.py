"""Text in other languages: where its clauses end, what of it is said, and what is left alone."""

import random
import time

import pytest
from support.pace import within

from visavis.engines.language import stops
from visavis.engines.language.clauses import MOST_WORDS, Clauses
from visavis.engines.language.markup import plain
from visavis.engines.language.native import sayable, spell
from visavis.engines.language.saying import empty

GERMAN = "Guten Tag, Herr Dr. Weiß! Am 3. Mai, z. B. um 7:30 Uhr, gibt es Tee. Bis ca. 10 Uhr."
CHINESE = "您好！早餐从七点开始，在一楼的餐厅供应。游泳池在“地下一层”。请问还有什么可以帮您？"
ARABIC = "أهلا بك! هل تريد حجز غرفة؟ الإفطار من الساعة السابعة، في الطابق الأرضي."
JAPANESE = "はい、プールは地下一階にございます。「海」の見える部屋もあります。"


def split(text, language, size):
    clauses, out = Clauses(language), []
    for start in range(0, len(text), size):
        out += clauses.feed(text[start : start + size])
    return out + clauses.flush()


@pytest.mark.parametrize(
    ("language", "text"), [("de", GERMAN), ("zh", CHINESE), ("ar", ARABIC), ("ja", JAPANESE)]
)
def test_clauses_are_the_same_however_the_text_comes(language, text):
    whole = split(text, language, 1000)
    assert all(split(text, language, size) == whole for size in (1, 2, 3, 7))
    said = " ".join(whole)
    assert said.replace(" ", "") == text.replace(" ", "")
    if language in ("de", "ar"):
        assert said == text


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("de", GERMAN, ["Guten Tag, Herr Dr. Weiß!", "Am 3. Mai, z. B. um 7:30 Uhr, gibt es"
                        " Tee.", "Bis ca. 10 Uhr."]),
        ("de", "Gern. Er kommt. usw. usf.", ["Gern.", "Er kommt. usw. usf."]),
        ("fr", "Bonjour M. Dupont. Le bar est ouvert. À ce soir !",
         ["Bonjour M. Dupont.", "Le bar est ouvert.", "À ce soir !"]),
        ("es", "¿Qué tal? ¡Bien! El Sr. García llega.", ["¿Qué tal?", "¡Bien!",
                                                          "El Sr. García llega."]),
        ("ar", ARABIC, ["أهلا بك!", "هل تريد حجز غرفة؟",
                        "الإفطار من الساعة السابعة، في الطابق الأرضي."]),
        ("zh", CHINESE, ["您好！", "早餐从七点开始， 在一楼的餐厅供应。", "游泳池在“地下一层”。",
                         "请问还有什么可以帮您？"]),
        ("ja", JAPANESE, ["はい、 プールは地下一階にございます。",
                          "「海」の見える部屋もあります。"]),
        ("zh", "好的，没问题，我现在就帮您预订一个房间。",
         ["好的， 没问题，", "我现在就帮您预订一个房间。"]),
    ],
)  # fmt: skip
def test_clauses_end_where_a_reader_would_pause(language, text, expected):
    assert split(text, language, 1000) == expected


def test_a_long_text_without_blanks_is_cut_at_its_marks():
    clauses = split("早餐，" * 200, "zh", 5)
    assert all(len(clause.split()) <= MOST_WORDS for clause in clauses)
    assert max(map(len, clauses)) < 80


@pytest.mark.parametrize(
    ("word", "following", "language", "ends"),
    [
        ("Dr.", "Weiß", "de", False), ("3.", "Mai", "de", False), ("2026.", "Das", "de", True),
        ("3.", "Das", "fr", True), ("B.", "heute", "de", False), ("Uhr.", None, "de", True),
        ("Uhr.", "und", "de", False), ("p.ej.", "El", "es", False), ("M.", "Dupont", "fr", False),
        ("jour.”", "Le", "fr", True), ("да.", "Нет", "ru", True), ("...", "und", "de", True),
    ],
)  # fmt: skip
def test_a_full_stop_may_belong_to_the_word(word, following, language, ends):
    assert stops.ends_sentence(word, following, language) is ends


def said(text, language):
    return " ".join(word.spoken for word in spell(text, language) if word.spoken)


@pytest.mark.parametrize(
    ("language", "text", "spoken"),
    [
        ("de", "Das sind 1.250 Gäste + 15 %", "Das sind 1.250 Gäste + 15 %"),
        ("de", "Hallo 😀 *Welt* — gut", "Hallo Welt gut"),
        ("de", "Sag 你好 oder привет", "Sag oder"),
        ("ru", "Скажи hello, 你好", "Скажи hello,"),
        ("zh", "密码是 WiFi-2026 哦😀", "密码是 WiFi-2026 哦"),
        ("ar", "كَلِمَة السر: abc", "كَلِمَة السر: abc"),
        ("fr", "l’eau «plate»", "l'eau «plate»"),
        ("hi", "नमस्ते।", "नमस्ते।"),
    ],
)
def test_the_voice_reads_numbers_and_signs_itself(language, text, spoken):
    assert said(text, language) == spoken
    assert [word.text for word in spell(text, language)] == text.split()


@pytest.mark.parametrize(
    ("language", "text", "spoken"),
    [
        ("de", "Um 7:30 Uhr, ab 8:00 Uhr.", "Um 7 Uhr 30, ab 8 Uhr."),
        ("de", "12,50 €, €5 und 3,00 EUR", "12 Euro 50, 5 Euro und 3,00 EUR"),
        ("de", "9–17 Uhr, 7:30-10:00 Uhr", "9 bis 17 Uhr, 7 Uhr 30 bis 10 Uhr Uhr"),
        ("de", "am 3. Mai, z. B. bei Dr. Weiß", "am dritten Mai, zum Beispiel bei Doktor Weiß"),
        ("de", "Nr. 5, ca. 3 km, 20 °C.", "Nummer 5, circa 3 Kilometer, 20 Grad Celsius."),
        ("de", "Fragen Sie den Dr.", "Fragen Sie den Doktor"),
        ("de", "Rufen Sie 030 1234567 an", "Rufen Sie 030 1 2 3 4 5 6 7 an"),
        ("fr", "À 7h30, 12,50 €. M. Dupont", "À 7 heures 30, 12 euros 50. monsieur Dupont"),
        ("es", "A las 7:30, 12,50 €", "A las 7 y 30, 12 euros con 50"),
        ("it", "alle 7:30, 5 km", "alle 7 e 30, 5 chilometri"),
        ("pt", "às 7h30, R$ 15", "às 7 e 30, R$ 15"),
        ("zh", "7:30开始，20%，12.50元，9-17点", "7点30分开始，百分之20，12点5元，9到17点"),
        ("zh", "€12.50 3.14", "12欧元50分 3点1 4"),
        ("zh", "离机场20km，WiFi-2026", "离机场20公里，WiFi-2026"),
        ("ar", "20% 7:30", "20 بالمئة 7 و 30 دقيقة"),
        ("ja", "¥1000で7:30から、20%", "1000円で7時30分から、20パーセント"),
        ("ru", "в 7:30, 20 %", "в 7:30, 20 %"),
    ],
)
def test_what_the_voice_would_misread_is_written_out(language, text, spoken):
    assert said(text, language) == spoken


def test_no_english_reading_is_applied_to_another_language():
    assert said("Dr. Weiß, Nr. 5, 3 km, $5, 1/2", "nl") == "Dr. Weiß, Nr. 5, 3 km, $5, 1/2"


@pytest.mark.parametrize(
    ("language", "clause", "kept", "left"),
    [
        ("de", "Sag 你好 bitte.", "Sag bitte.", ("你好",)),
        ("zh", "你好 😀", "你好 😀", ()),
        ("zh", "Привет", "", ("Привет",)),
        ("ar", "أهلا 你好", "أهلا", ("你好",)),
        ("de", "— 😀 !", "", ()),
        ("de", "12 €", "12 €", ()),
    ],
)
def test_what_a_voice_cannot_read_is_left_out_and_told(language, clause, kept, left):
    assert sayable(clause, language) == (kept, left)


@pytest.mark.parametrize(
    ("text", "language", "nothing"),
    [
        ("你好", "zh", False), ("你好", "en", True), ("[smiles]", "zh", False),
        ("。。！", "zh", True),
        ("**Grüße**", "de", False), ("😀", "ar", True),
    ],
)  # fmt: skip
def test_what_asks_for_nothing_depends_on_the_language(text, language, nothing):
    assert empty(text, language) is nothing


def test_lines_of_other_scripts_need_no_full_stop_more():
    assert plain("- 早餐七点。\n- 你好吗？\n- نعم؟\n").split() == ["早餐七点。", "你好吗？", "نعم؟"]


def test_endless_texts_are_read_in_time():
    began = time.process_time()
    for text in ("，" * 50_000, "好" * 100_000, "。」" * 50_000, "a" * 100_000):
        split(text, "zh", 1000)
        spell(text, "de")
        sayable(text, "ar")
    assert within(time.process_time() - began, 3.0)


def test_no_text_is_too_odd_to_be_read():
    """Words of every kind in every order: each keeps its place, and none is an error."""
    parts = [
        "z.",
        "B.",
        "Dr.",
        "3.",
        "Mai",
        "12,50",
        "€",
        "7:30",
        "Uhr",
        "9-17",
        "+49",
        "030",
        "1,5",
        "km",
        "%",
        "R$",
        "99",
        ":",
        ".",
        "-",
        ",",
        "7h",
        "7h30",
        "2.30",
        "€5",
        "½",
        "²",
        "0",
        "9999999",
        "1-2-3",
        "20:99",
        "3.14",
        "CHF",
        "5CHF",
        "(",
        ")",
        '"',
        "早餐",
        "20%",
        "¥1000",
        "7:30开始",
    ]
    dice = random.Random(0)
    for _ in range(400):
        words = dice.choices(parts, k=dice.randint(1, 6))
        for language in ("de", "fr", "es", "it", "pt", "zh", "ar", "ja", "ru"):
            spelt = spell(" ".join(words), language)
            assert [word.text for word in spelt] == words
