"""The arithmetic of `bench hearing`, where a mistake would falsify a figure."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from support.pace import soon

from bench.hearing import honest_loop, judging, odd, words
from bench.hearing.corpora import Case
from bench.hearing.cutting import drawn_out
from bench.hearing.people import levelled, loud_until, trimmed
from bench.hearing.room import Echo, hiss
from bench.hearing.stage import Record, Scene
from visavis.engines.base import PLAY_RATE, Floats, Pcm
from visavis.server.playout.messages import PACKET, ms
from visavis.server.session.events import Caption, ReplyEnded, Transcribed

TEXT = "one two three four"


def tone(seconds: float, level: float = 0.2) -> Floats:
    steps = np.arange(round(seconds * PLAY_RATE))
    return (level * np.sin(2 * np.pi * 220 * steps / PLAY_RATE)).astype(np.float32)


def played(*spans: tuple[float, float], length: float = 10.0) -> Pcm:
    """An avatar that is heard in these spans of seconds."""
    sound = np.zeros(round(length * PLAY_RATE), np.float32)
    for start, end in spans:
        sound[round(start * PLAY_RATE) : round(end * PLAY_RATE)] = tone(end - start)
    return (sound * 32_767).astype(np.int16)


def case(kind: str, speech: tuple[float, float], begins: float = 0.0) -> Case:
    scene = Scene("a", np.zeros(ms(10_000), np.float32))
    start, end = (ms(1000 * at) for at in speech)
    return Case("a", kind, scene, "hello", (start, end), "", TEXT, ms(1000 * begins))


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "written", "counts"),
    [
        ("a b c", "a b c", (3, 0, 0, 0)),
        ("a b c", "a x c", (2, 1, 0, 0)),
        ("a b c", "a c", (2, 0, 1, 0)),
        ("a b c", "a b b c", (3, 0, 0, 1)),
        ("a b c", "", (0, 0, 3, 0)),
        ("", "a", (0, 0, 0, 1)),
        ("a b c d", "a b a b c d", (4, 0, 0, 2)),  # what was said is joined with what came before
        ("a b", "b a", (1, 0, 1, 1)),  # as many changes as two replaced words, and one found
    ],
)
def test_alignment_counts(said: str, written: str, counts: tuple[int, ...]) -> None:
    found = words.align(said.split(), written.split())
    assert (found.hits, found.substituted, found.deleted, found.inserted) == counts
    assert found.hits + found.substituted + found.deleted == found.said


def test_the_lost_words_are_named_in_order() -> None:
    assert words.align(["a", "b", "c", "d"], ["x", "b", "d"]).lost == ("a", "c")


def test_word_error_may_exceed_a_hundred_percent() -> None:
    assert words.align(["a"], ["b", "c", "d"]).error == pytest.approx(300.0)


def test_spellings_are_no_errors() -> None:
    said = "I'm at the check-in at 7 o'clock, um, okay?"
    assert words.plain(said) == words.plain("I am at the checkin at seven o\u2019clock OK")


def test_only_what_the_whole_recording_held_can_be_lost() -> None:
    assert words.lost_beyond("a b c d", whole="a b c", heard="a b") == 1
    assert words.lost_beyond("a b c d", whole="a b", heard="a b c d") == 0
    assert words.lost_beyond("taxi", whole="taxi", heard="") == 1
    assert words.lost_beyond("taxi", whole="", heard="") == 0


# --- ends -----------------------------------------------------------------------------------------


def ended(*spans: tuple[float, float]) -> dict[str, object]:
    one = case("hesitant", (1.0, 3.0))
    return judging.ended(one, Record(one.scene, played(*spans)))


def test_sound_before_the_end_of_speech_is_a_cut_in() -> None:
    found = ended((2.0, 2.2))
    assert found["cut_in"]
    assert not found["missed"]


def test_sound_after_it_is_an_answer_and_its_latency() -> None:
    found = ended((3.3, 4.0))
    assert not found["cut_in"]
    assert not found["missed"]
    assert found["latency_ms"] == pytest.approx(300, abs=10)


@pytest.mark.parametrize("spans", [(), ((4.6, 5.0),)])
def test_no_sound_within_a_second_and_a_half_is_a_missed_end(
    spans: tuple[tuple[float, float], ...],
) -> None:
    assert ended(*spans)["missed"]


def test_a_turn_that_ended_early_is_counted_though_nothing_sounded() -> None:
    one = case("hesitant", (1.0, 3.0))
    record = Record(one.scene, played((3.5, 4.0)), events=[(ms(2000), Transcribed(1, "x", True))])
    found = judging.ended(one, record)
    assert found["turns_before_the_end"] == 1
    assert not found["cut_in"]


def test_speech_ends_where_it_is_audible_last() -> None:
    sound = np.concatenate([tone(1.0), tone(0.5, level=0.001)])
    assert loud_until(sound) == PLAY_RATE


def test_trimming_and_levelling() -> None:
    sound = np.concatenate([np.zeros(4800, np.float32), tone(0.5), np.zeros(4800, np.float32)])
    assert abs(len(trimmed(sound)) - PLAY_RATE // 2) <= PLAY_RATE // 100
    level = 20 * np.log10(np.sqrt(np.mean(levelled(tone(1.0), -24.0) ** 2)))
    assert level == pytest.approx(-24, abs=0.5)


# --- over the avatar ------------------------------------------------------------------------------


def disturbed(
    *spans: tuple[float, float], heard: tuple[str, ...] = (TEXT,), noise: tuple[float, float]
) -> dict[str, object]:
    """A reply from 1 to 6 s, broken by a pause of 0.1 s at 3."""
    one = case("false_alarms", noise, begins=1.0)
    reference = Record(one.scene, played((1.0, 3.0), (3.1, 6.0)))
    ends = [(ms(9000 + i), ReplyEnded(i, "done", text)) for i, text in enumerate(heard)]
    record = Record(one.scene, played(*spans), events=list(ends))
    return judging.disturbed(one, record, reference, ms(1000))


def test_a_reply_that_goes_on_is_undisturbed() -> None:
    found = disturbed((1.0, 3.0), (3.11, 6.01), noise=(2.0, 2.5))
    assert found["outcome"] == "undisturbed"


def test_a_pause_that_ends_soon_after_the_noise() -> None:
    broken = ((1.0, 2.2), (2.8, 3.6), (3.7, 6.6))
    found = disturbed(*broken, heard=("one two", "two three four"), noise=(2.0, 2.5))
    assert found["outcome"] == "paused"
    assert found["gap_ms"] == pytest.approx(600, abs=20)
    assert found["went_on_after_the_noise_ms"] == pytest.approx(300, abs=20)


def test_a_reply_that_goes_on_too_late() -> None:
    broken = ((1.0, 2.2), (3.5, 4.3), (4.4, 7.3))
    found = disturbed(*broken, heard=("one two", "three four"), noise=(2.0, 2.5))
    assert found["outcome"] == "late"


def test_a_reply_that_goes_on_at_the_wrong_word() -> None:
    broken = ((1.0, 2.2), (2.8, 3.6))
    found = disturbed(*broken, heard=("one two", "four"), noise=(2.0, 2.5))
    assert found["outcome"] == "broken off"


def test_a_reply_that_never_goes_on() -> None:
    found = disturbed((1.0, 2.2), heard=("one two",), noise=(2.0, 2.5))
    assert found["outcome"] == "broken off"
    assert found["gap_ms"] is None


def barged(*spans: tuple[float, float], again: bool = False) -> dict[str, object]:
    one = case("barge_ins", (2.0, 3.0), begins=0.0)
    told = [(ms(5000), Caption(2, "three", 0))] if again else []
    return judging.barged(one, Record(one.scene, played(*spans), events=list(told)))


def test_silence_after_a_voice_is_a_stop() -> None:
    found = barged((0.0, 2.18), (4.0, 5.0))
    assert found["outcome"] == "stopped"
    assert found["stopped_after_ms"] == pytest.approx(180, abs=10)


def test_the_old_text_after_it_is_none() -> None:
    assert barged((0.0, 2.18), (4.0, 5.0), again=True)["outcome"] == "went on"


def test_talking_on_is_none_either() -> None:
    assert barged((0.0, 9.9))["outcome"] == "ignored"
    assert barged((0.0, 4.0))["outcome"] == "ignored"


# --- time and sound -------------------------------------------------------------------------------


def _busy(seconds: float) -> float:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass
    return seconds


async def _timed() -> tuple[float, float, float]:
    """Virtual seconds of one call, of two of one engine, and of a sleep beside one."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as engine, ThreadPoolExecutor(1) as other:
        began = loop.time()
        await loop.run_in_executor(engine, _busy, 0.05)
        one = loop.time() - began
        began = loop.time()
        await asyncio.gather(*(loop.run_in_executor(engine, _busy, 0.05) for _ in range(2)))
        two = loop.time() - began
        began = loop.time()
        both = [loop.run_in_executor(each, _busy, 0.05) for each in (engine, other)]
        await asyncio.gather(*both, asyncio.sleep(0.03))
        return one, two, loop.time() - began


def test_a_call_takes_the_time_of_its_work() -> None:
    one, two, beside = honest_loop.run(_timed())
    assert one == pytest.approx(0.05, abs=0.02)
    assert two == pytest.approx(0.10, abs=0.03)
    assert beside == pytest.approx(0.05, abs=0.03)


def test_time_does_not_wait() -> None:
    async def sleep() -> float:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    began = time.monotonic()
    assert honest_loop.run(sleep()) == pytest.approx(3600, abs=1)
    assert soon(time.monotonic() - began, 5)


def test_an_echo_comes_back_late_and_quiet() -> None:
    sound = np.concatenate([tone(0.5), np.zeros(PLAY_RATE, np.float32)])
    echo = Echo(-20.0, 100.0, room=False)
    heard = np.concatenate([echo.at(sound, at) for at in range(0, PLAY_RATE, PACKET)])
    assert not heard[: ms(100)].any()
    assert heard[ms(100) : ms(500)] == pytest.approx(sound[: ms(400)] * 0.1, abs=1e-4)


def test_an_echo_in_a_room_has_the_same_energy_whatever_the_packets() -> None:
    rng = np.random.default_rng(1)
    sound = rng.standard_normal(2 * PLAY_RATE).astype(np.float32) * 0.1
    echo = Echo(-10.0, 60.0)
    heard = np.concatenate([echo.at(sound, at) for at in range(0, 2 * PLAY_RATE, PACKET)])
    ratio = np.sqrt(np.mean(heard[PLAY_RATE:] ** 2) / np.mean(sound[PLAY_RATE:] ** 2))
    assert 20 * np.log10(ratio) == pytest.approx(-10, abs=1)
    apart = np.abs(np.diff(heard))
    seams = apart[PLAY_RATE - 1 :: PACKET]
    assert seams.mean() < 1.5 * apart[PLAY_RATE:].mean()  # no steps where packets meet


def test_a_drawn_out_word_is_longer_and_no_louder() -> None:
    sound = tone(1.0)
    drawn = drawn_out(sound, factor=2.0, last=0.3)
    assert len(drawn) == pytest.approx(1.3 * PLAY_RATE, rel=0.01)
    assert np.abs(drawn).max() < 1.3 * np.abs(sound).max()
    spectrum = np.abs(np.fft.rfft(drawn[-PLAY_RATE // 2 :]))
    assert np.argmax(spectrum) * 2 == pytest.approx(220, abs=6)


def test_a_whisper_keeps_the_level_and_has_no_pitch() -> None:
    frame = tone(0.025)[::3] * np.hanning(len(tone(0.025)[::3]))
    breath = odd._breathed(frame, np.random.default_rng(1))
    assert np.sum(breath**2) == pytest.approx(np.sum(frame**2), rel=1e-3)
    assert np.abs(np.corrcoef(breath, frame)[0, 1]) < 0.5


def test_words_where_there_are_none_are_phantoms() -> None:
    one = case("wordless", (0.0, 10.0))
    words_heard = [(ms(1000), Transcribed(1, "Thank you for watching.", True))]
    found = judging.phantoms(Record(one.scene, played((2.0, 3.0)), events=list(words_heard)))
    assert (found["phantom_words"], found["answers"]) == (4, 1)
    assert judging.phantoms(Record(one.scene, played()))["phantom_words"] == 0


def test_hiss_has_its_level() -> None:
    level = 20 * np.log10(np.sqrt(np.mean(hiss(PLAY_RATE, 1, -60.0) ** 2)))
    assert level == pytest.approx(-60, abs=0.1)
