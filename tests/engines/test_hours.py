"""Opening hours: as they are written, what they say of a moment, and how that is told."""

from datetime import date, datetime

import pytest

from visavis.engines.dialogue import opening
from visavis.engines.dialogue.entries import Entry
from visavis.engines.dialogue.hours import Hours, HoursError, Span, read
from visavis.engines.language import clock
from visavis.engines.language.clock import asked

SUNDAY = datetime(2026, 11, 29, 10, 0)


def hours(*lines):
    return Hours(tuple(rule for line in lines for rule in read(line)))


def told(subject, written, question, now=SUNDAY, language="en"):
    entry = Entry("x", "t", subject, (), (), hours(*written.split("|")))
    return opening.answer(entry, asked(question, language, now.date()), now, language)


# --- written -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "day", "spans"),
    [
        ("7:00-22:30", date(2026, 11, 29), [(420, 1350)]),
        ("Mon-Fri 7:00-10:30; Sat, Sun 7:00-11:00", date(2026, 11, 29), [(420, 660)]),
        ("Mon–Fri: 12:00-14:00, 18:00-22:30", date(2026, 11, 30), [(720, 840), (1080, 1350)]),
        ("weekdays 8:00-18:00", date(2026, 11, 29), []),
        ("always; weekend closed", date(2026, 11, 28), []),
        ("always", date(2026, 11, 28), [(0, 1440)]),
        ("17:00-2:00", date(2026, 11, 28), [(1020, 1560)]),
        ("Sat-Mon 9:00-10:00", date(2026, 11, 29), [(540, 600)]),
        ("9:00-17:00; 1 May - 30 Sep 9:00-20:00", date(2026, 7, 1), [(540, 1200)]),
        ("9:00-17:00; 1 Nov - 31 Mar closed", date(2027, 1, 1), []),
        ("9:00-17:00; 24-26 Dec closed", date(2030, 12, 25), []),
        ("9:00-17:00; 2026-12-31 9:00-12:00", date(2026, 12, 31), [(540, 720)]),
        ("9:00-17:00; 2026-12-31 9:00-12:00", date(2027, 12, 31), [(540, 1020)]),
        ("9:00-17:00; 2026-12-24 - 2027-01-06 closed", date(2027, 1, 2), []),
        ("1 Jun - 31 Aug Mon, Tue 9:00-10:00", date(2026, 7, 1), []),
    ],
)
def test_the_last_rule_that_names_a_day_holds(written, day, spans):
    assert hours(written).on(day) == tuple(Span(*span) for span in spans)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("7-10", "not understood from '7-10'"),
        ("Moon 7:00-8:00", "not understood from 'Moon"),
        ("7:00-25:00", "no time"),
        ("7:00-7:60", "no time"),
        ("Mon", "no times"),
        ("closed 7:00-8:00", "both times and 'closed'"),
        ("30 Feb closed", "no date"),
        ("2026-13-01 closed", "no date"),
        ("7:00-9:00, 8:00-10:00", "overlap"),
        ("22:00-3:00, 1:00-4:00", "overlap"),
        ("7:00-7:00", "'always' is open all day"),
        ("2026-12-24 - 26 Dec closed", "a year"),
        ("2026-12-24 - 2026-12-20 closed", "ends before"),
        (" ; ", "without times"),
    ],
)
def test_what_is_written_wrongly_is_named(written, words):
    with pytest.raises(HoursError, match=words):
        read(written)


def test_over_midnight_belongs_to_the_evening_on_which_it_begins():
    bar = hours("Mon-Sat 17:00-2:00")
    assert bar.at(datetime(2026, 11, 29, 1, 59)).end == datetime(2026, 11, 29, 2, 0)
    assert bar.at(datetime(2026, 11, 29, 2, 0)) is None
    assert bar.at(datetime(2026, 11, 30, 1, 0)) is None  # Sunday evening it was closed
    assert bar.after(datetime(2026, 11, 29, 2, 0)).start == datetime(2026, 11, 30, 17, 0)


def test_times_that_touch_are_one():
    assert hours("0:00-24:00").at(SUNDAY).end is None
    night = hours("8:00-24:00; Mon 0:00-3:00, 8:00-24:00")
    assert night.at(datetime(2026, 11, 29, 23, 0)).end == datetime(2026, 11, 30, 3, 0)


def test_a_season_comes_again_and_a_day_that_is_over_does_not():
    assert hours("1 May - 30 Sep 6:00-22:00").after(SUNDAY).start == datetime(2027, 5, 1, 6, 0)
    assert hours("2026-01-01 6:00-22:00").after(SUNDAY) is None


# --- told --------------------------------------------------------------------------------------

BREAKFAST = "Mon-Fri 7:00-10:30; Sat-Sun 7:00-11:00; 25 Dec closed"


@pytest.mark.parametrize(
    ("subject", "written", "question", "answer"),
    [
        ("the pool", "7:00-21:00", "is the pool open now",
         "Yes, the pool is open now, until 9 pm."),
        ("the pool", "7:00-21:00", "Is the pool closed?", "The pool is open until 9 pm."),
        ("the pool", "11:00-21:00", "Is the pool closed?",
         "Yes. Today, the pool is open from 11 am to 9 pm."),
        ("the gym", "always", "is the gym still open", "Yes, the gym is open around the clock."),
        ("breakfast", BREAKFAST, "how long is breakfast still served",
         "Breakfast is served until 11 am."),
        ("breakfast", BREAKFAST, "when is breakfast tomorrow",
         "Tomorrow, breakfast is served from 7 am to 10:30 am."),
        ("breakfast", BREAKFAST, "and on Saturdays?",
         "On Saturday, breakfast is served from 7 am to 11 am."),
        ("breakfast", BREAKFAST, "Is there breakfast on December 25th?",
         "Not on Friday, 25 December, I am afraid. "
         "On Saturday, 26 December, breakfast is served from 7 am to 11 am."),
        ("the bar", "17:00-24:00", "is the bar open",
         "Not at the moment. Today, the bar is open from 5 pm to midnight."),
        ("the bar", "17:00-2:00", "is the bar open at 1 am",
         "Yes. Today, the bar is open from 5 pm to 2 am."),
        ("the restaurant", "12:00-14:00, 18:00-22:30", "can I eat at three",
         "I am afraid not. Today, the restaurant is open from noon to 2 pm and "
         "from 6 pm to 10:30 pm."),
        ("the shops", "2026-01-01 9:00-10:00", "are the shops open now",
         "Not at the moment. I cannot tell you when again."),
    ],
)  # fmt: skip
def test_what_is_told_is_true_at_the_moment(subject, written, question, answer):
    assert told(subject, written, question) == answer


@pytest.mark.parametrize(
    "question",
    ["When is breakfast?", "Where is breakfast?", "what are the opening hours",
     "where can I eat tonight", "How much is breakfast tomorrow?", "Can I book it for tonight?"],
)  # fmt: skip
def test_what_asks_for_something_else_gets_the_answer_of_the_file(question):
    assert told("breakfast", BREAKFAST, question) is None


def test_nothing_is_told_of_what_has_no_hours():
    entry = Entry("x", "t", "the pool", (), ())
    assert opening.answer(entry, asked("open now?", "en", SUNDAY.date()), SUNDAY, "en") is None


@pytest.mark.parametrize(
    ("language", "subject", "question", "answer"),
    [
        ("de", "das Frühstück", "Gibt es jetzt noch Frühstück?",
         "Ja, das Frühstück: jetzt, bis 11 Uhr."),
        ("de", "das Frühstück", "Und morgen?",
         "Morgen, das Frühstück: von 7 Uhr bis 10 Uhr 30."),
        ("es", "el desayuno", "¿Hay desayuno mañana?",
         "Mañana, el desayuno: de las 7 a las 10 y 30."),
        ("fr", "le petit-déjeuner", "Le petit-déjeuner est-il encore ouvert ?",
         "Oui, le petit-déjeuner : en ce moment, jusqu'à 11 heures."),
        ("zh", "早餐", "现在还有早餐吗？", "是的，早餐现在开放，到11点。"),
        ("ar", "الإفطار", "هل الإفطار مفتوح الآن؟", "نعم، الإفطار: الآن، حتى الساعة 11."),
    ],
)  # fmt: skip
def test_it_is_told_in_six_languages(language, subject, question, answer):
    assert told(subject, BREAKFAST, question, language=language) == answer


# --- times and days ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("at 10 pm", (1320,)), ("at 10:30", (630, 1350)), ("at ten", (600, 1320)),
        ("at half past six in the morning", (390,)), ("at 22:00", (1320,)), ("at noon", (720,)),
        ("at quarter to eight", (465, 1185)), ("for 10 people", ()), ("room 212", ()),
        ("at 12 am", (0,)), ("at 99:99", ()),
    ],
)  # fmt: skip
def test_times_of_day(text, times):
    assert asked(text, "en", SUNDAY.date()).times == times


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("today", [29]), ("tomorrow", [30]), ("on Sundays", [29]), ("on monday", [30]),
        ("the 30th of November", [30]), ("at the weekend", [29, 5]), ("may I", []),
        ("on the 31st of February", []), ("the sundial", []),
    ],
)  # fmt: skip
def test_days(text, days):
    assert sorted(day.day for day in asked(text, "en", SUNDAY.date()).days) == sorted(days)


def test_a_leap_day_is_the_next_one():
    assert asked("29 February", "en", SUNDAY.date()).days == (date(2028, 2, 29),)


def test_what_has_no_words_of_its_own_is_english():
    assert clock.said_date(SUNDAY.date(), "pt") == "29 November 2026"
