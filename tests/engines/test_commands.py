"""What is a command and what is a question: as people type it, and as whisper writes it."""

import time

import pytest
from support.pace import within

from visavis.engines.language.commands import KINDS, Commands, table
from visavis.engines.language.phrasebook import LANGUAGES

# By kind, whether or not the avatar speaks.
ALWAYS = {
    "stop": """
        Stop. | stop | STOP! | Stop, please. | Please stop | Stop it. | Stop that now. | Stop now!
        Stop talking, please. | Stop talking. Please. | Stop, stop, stop! | Stop stop stop stop
        Okay, stop. | Ok stop talking now | No, stop. | Stop speaking. | Please stop speaking now.
        Can you stop? | Can you please stop? | Could you stop talking, please?
        Would you please stop talking? | You can stop now. | You may stop talking now.
        I want you to stop. | Stop right there. | Hey, stop! | Nora, stop. | Stop, Nora.
        Stop it, Mira!
        Be quiet. | Be quiet, please | Please be quiet. | Can you be quiet?
        Would you be quiet, please?
        Keep quiet. | Stay silent, please. | Be silent. | Be still. | Quit talking.
        Shut up. | Shut up! | Oh, shut up. | Will you shut up? | Just shut up, please.
        That's enough. | That is enough. | Okay, that's enough. | That’s enough, thank you.
        Thank you, that's enough. | That'll do. | That will do, thanks. | I've heard enough.
        Never mind. | Nevermind | Oh, never mind. | Never mind, thanks. | Forget it.
        Forget about it.
        It doesn't matter. | Cancel that. | Silence! | Silence, please. | Hush. | Shush! | Shh.
        Shh!
        Say no more. | Not another word. | Cut it out. | Knock it off! | Not now. | Zip it.
        Don't talk. | Don't say anything. | Please don't speak. | You don't have to say more.
        Stop. Stop talking. Be quiet, please. | Please, please stop. | Stop, will you?
        Sorry, stop.
        Stop, thank you. | I said stop. | I said, be quiet! | Stop for God's sake!
        """,
    "pause": """
        Wait. | Wait! | wait | Wait, wait. | Wait a moment. | Wait a minute, please. | Please wait.
        Wait a sec | Just wait. | Oh, wait. | No, wait. | But wait. | Hold on. | Hold on a second.
        Hold on, please. | Hang on. | Hang on a minute. | Just a moment. | One moment, please.
        One second. | Just a minute. | A moment, please. | Give me a minute.
        Give me a second, please.
        Let me think. | Let me think about it for a moment. | Let me think for a moment.
        Hold that thought.
        Can you wait? | Could you wait a moment, please? | Can you hold on? | Bear with me.
        Stop for a moment. | Stop for a minute, please. | Pause. | Pause, please. | Wait, Nora.
        """,
    "go-on": """
        Go on. | Please go on. | Go on, please. | Continue. | Please continue. | Carry on.
        Keep going.
        Okay, go on. | Yes, go on. | You can go on. | You may continue now. | Can you continue?
        Go on talking. | Don't stop. | Please don't stop talking. | Sorry, go on. | No, go on.
        Wait. No, go on. | Keep talking. | Proceed. | Go ahead. | You were saying?
        As you were saying.
        """,
    "repeat": """
        Repeat that. | Repeat that, please. | Can you repeat that? | Could you repeat that, please?
        Say that again. | Say it again, please. | Could you say that again? | What did you say?
        Sorry, what did you say? | What did you just say? | Pardon? | Pardon. | I beg your pardon?
        Come again? | Once more, please. | Again, please. | Sorry, what was that? | What?
        I didn't hear that. | I could not hear you. | Sorry, I didn't catch that. | I missed that.
        One more time, please. | Can you say that one more time? | Repeat, please.
        """,
    "manner": """
        Speak slower, please. | Slower, please. | Can you speak slower? | Please speak more slowly.
        Could you speak a little slower? | Slow down, please. | You speak too fast. | Not so fast!
        You are talking too fast for me. | Faster, please. | Can you talk a bit faster? | Speed up.
        Louder, please. | Speak louder, please. | Can you speak louder? | Speak up, please.
        Speak up!
        Could you speak up a bit? | You are too quiet. | Quieter, please. | Not so loud.
        Please speak more quietly. | Lower your voice. | You are too loud. | Don't shout.
        """,
    "staff": """
        Can I talk to a person? | I want to talk to a real person. | Can I speak to somebody?
        May I speak with a human, please? | Could I talk to someone from the staff?
        Let me talk to a human. | Get me a human. | Please get me somebody from the staff.
        Can you call someone? | Can you get somebody, please? | I need a human. | A real person!
        I would prefer a human. | Connect me with a person, please. | Put me through to an agent.
        I'd like to talk to the receptionist. | I would rather speak to a human being. | Human!
        """,
}

# Only while it speaks; else they may be what somebody wants to know of.
OVER_IT = (
    "Quiet! | Quiet, please. | Enough! | Okay, enough. | Cancel. | Mute. | Too loud. | Too fast!"
)

NEVER = """
    Where is the bus stop? | Can you stop the noise next door?
    Does the shuttle stop at the museum?
    I want to stop my subscription | Please be quiet hours are from ten, aren't they? | Quiet hours
    When are the quiet hours? | Is it quiet here? | Is there a quiet room?
    I need a quiet room, please.
    The neighbours should be quiet. | Can you tell them to be quiet? | Tell them to shut up.
    Where does the tram stop? | Which stop is next? | Does the bus stop here? | The bus stop
    Bus stop
    Can I stop by later? | Stop by the pool | How do I stop the alarm? | The shower does not stop.
    Can you stop the music? | Please stop the lift. | Stop the car at the entrance.
    Stop. Where is the pool?
    Wait, where is the pool? | How long do I have to wait? | Is there a waiting list?
    Can I wait in the lobby?
    Wait list | I have been waiting for an hour. | Where can we wait for the taxi?
    Wait for me at the bar.
    Hold on to my luggage, please. | Can you hold my luggage? | Can you hold a table for us?
    Hold my call.
    Can I hold on to the key? | Hang on, is breakfast included? | One moment in time
    Just a coffee.
    Do you mind dogs? | I don't mind. | Never mind the price, is there a suite? | Mind the gap
    Is it enough for two people? | Is there enough parking? | That's enough towels. | Enough towels?
    Two nights are enough. | Silence in the spa | Is the air conditioning silent? | Silent disco
    Do you have silencers? | Shut the window | How do I shut the window? | Can you shut the door?
    Does the kitchen shut down early? | Are the shutters electric? | Cancel my booking. | Cancel
    Can I cancel? | How do I cancel my reservation? | Forget me not | I forgot my key.
    I forgot it.
    It doesn't matter which room, but is there a bath? | Does the size of the dog matter?
    Don't you have a pool? | Do you talk to the staff? | Talk to the manager | Say hello to Nora.
    Where does the hiking trail go on from here? | Can I continue my stay?
    Does the party go on all night?
    May I keep going to the spa after check-out? | Go ahead and book it. | Where is the next stop?
    Can I repeat the massage? | Is the tour repeated? | What did you say about breakfast?
    What did the doctor say? | What? No pool? | Pardon my French, but where is the bar?
    What was that noise? | When is breakfast again? | Can I come again tomorrow?
    Once more unto the breach
    Is there a slower route? | The wifi is slow. | The internet is too slow.
    Is there a faster way?
    Which train is faster? | The room next door is too loud. | It is too loud in my room. | Too loud
    The music is too loud. | Is there a turndown service? | Turn it down
    Can you turn up the heating?
    Raise the blinds | Fast food | Slow food restaurants | Is the pool quieter in the morning?
    Hello | Hi Nora | Thank you. | Okay. | Yes. | No. | No, thanks. | Sorry. | Yes please | Nora
    Please | Right. | Good. | | ... | Stoppen | Help | I need help now | Good night
    Speak to the manager | Do you speak German? | Speak German
    Could you please repeat the opening hours? | Time | Next | Off season | Done deal
    I am done here
    Is there a human here? | Are you a person? | Can I talk to a person about my bill?
    Can I get somebody to carry my bags? | I need a person to sign this | Can you call a taxi?
    Which languages does the staff speak? | Can you find me a room? | Get me a towel
    Your staff is rude | Who is the manager?
    """


def phrases(text):
    return [phrase.strip() for line in text.strip().splitlines() for phrase in line.split("|")]


@pytest.fixture(scope="module")
def commands():
    return Commands(["Nora"]).named("mira")


def test_the_lists_are_long_enough():
    assert sum(len(phrases(text)) for text in ALWAYS.values()) >= 180
    assert len(phrases(NEVER)) >= 120
    assert set(ALWAYS) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_commands_are_taken_for_what_they_are(commands, kind):
    for speaking in (False, True):
        read = {p: commands.read(p, speaking=speaking) for p in phrases(ALWAYS[kind])}
        wrong = [p for p, c in read.items() if c is None or c.kind != kind]
        assert not wrong


def test_questions_are_no_commands(commands):
    wrong = {p: c for p in phrases(NEVER) if (c := commands.read(p, speaking=False))}
    assert not wrong


def test_some_words_are_commands_only_while_the_avatar_speaks(commands):
    said = phrases(OVER_IT)
    assert all(commands.read(p, speaking=True) for p in said)
    assert not any(commands.read(p, speaking=False) for p in said)


def test_what_is_asked_over_the_avatar_is_still_asked(commands):
    short = {"Cancel", "Too loud", "Turn it down"}  # said over its voice they mean its voice
    wrong = {p: c for p in phrases(NEVER) if (c := commands.read(p, speaking=True))}
    assert wrong.keys() <= short


def test_each_language_is_complete_and_says_what_it_can_do():
    for rows in table().values():
        assert {"around", *KINDS} == set(rows)
        assert all(row["say"] for kind in KINDS for row in rows[kind])
        assert all(row["direction"] for row in rows["manner"])


def test_a_language_that_is_not_in_the_table_is_named():
    with pytest.raises(KeyError, match="tlh"):
        Commands(languages=("tlh",))


@pytest.mark.parametrize(
    "text", ["stop " * 40, "please wait " * 16, "stop now " * 5 + "x", "no " * 66, "a" * 100_000]
)
def test_long_and_repeated_texts_take_no_time(commands, text):
    began = time.perf_counter()
    commands.read(text, speaking=True)
    assert within(time.perf_counter() - began, 0.05)


OTHERS = """
de stop | Stopp! | Bitte hören Sie auf. | Das reicht, danke. | Seien Sie still!
de pause | Moment bitte | Warten Sie kurz | Einen Augenblick
de go-on | Weiter bitte | Fahren Sie fort
de repeat | Wie bitte? | Können Sie das noch einmal sagen? | Das habe ich nicht verstanden.
de manner | Können Sie bitte etwas langsamer sprechen? | Lauter bitte | Nicht so schnell!
de staff | Ich möchte mit einem Menschen sprechen
es stop | Pare, por favor | ¡Silencio! | Ya basta
es repeat | ¿Puede repetirlo? | Otra vez, por favor | ¿Cómo?
es manner | Más despacio, por favor | ¿Puede hablar más alto?
fr stop | Arrêtez | Taisez-vous | Ça suffit, merci
fr repeat | Pouvez-vous répéter ? | Je n'ai pas compris
fr manner | Plus lentement, s'il vous plaît | Parlez plus fort
zh stop | 停 | 别说了 | 好了，够了
zh repeat | 请再说一遍 | 我没听清 | 能不能重复一下？
zh manner | 说慢一点 | 请大声一点 | 你说得太快了
ar stop | توقف | اسكت من فضلك | يكفي
ar repeat | أعد من فضلك | ماذا قلت؟ | لم أفهم
ar manner | تحدث ببطء من فضلك | ارفع صوتك
"""
QUESTIONS = """
de | Wann gibt es Frühstück? | Wo hält der Bus? | Was kostet das? | Ist es im Zimmer ruhig?
es | ¿Dónde para el autobús? | ¿Qué hora es? | ¿Hay una habitación más tranquila?
fr | Où est l'arrêt de bus ? | Le petit-déjeuner suffit-il ? | Comment aller à la gare ?
zh | 早餐几点？ | 哪里可以停车？ | 洗手间在哪里？
ar | متى الفطور؟ | أين موقف السيارات؟ | كم السعر؟
"""


@pytest.mark.parametrize("line", OTHERS.strip().splitlines())
def test_commands_in_other_languages(line):
    head, *texts = line.split(" | ")
    language, kind = head.split()
    commands = Commands(["Nora"], LANGUAGES)
    for text in texts:
        found = commands.read(text, speaking=True, language=language)
        assert found is not None, text
        assert found.kind == kind, text
    assert commands.read("Stop.", speaking=False, language=language).kind == "stop"


@pytest.mark.parametrize("line", QUESTIONS.strip().splitlines())
def test_questions_in_other_languages_are_none(line):
    language, *texts = line.split(" | ")
    commands = Commands(["Nora"], LANGUAGES)
    for text in texts:
        assert commands.read(text, speaking=False, language=language) is None, text


def test_a_word_that_is_a_command_elsewhere_is_none_here():
    commands = Commands([], LANGUAGES)
    assert commands.read("Para.", speaking=False, language="es").kind == "stop"
    assert commands.read("Para.", speaking=False, language="de") is None
    assert commands.read("Was?", speaking=False) is None
