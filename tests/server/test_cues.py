"""Subtitles from the words' own times, and their files."""

from itertools import pairwise

import pytest

from visavis.server.studio.layers.cues import Cue, Said, columns, cut, srt, transcript, vtt

TEXT = (
    "Breakfast is served from half past six until ten, and the terrace opens at eight. "
    "Dogs are welcome. Please tell us, when you book, how many of you will come, and whether "
    "anybody of you cannot eat something, so that the kitchen can see to it in time."
)


def spoken(text: str, pace: float = 0.3, begin: float = 0.5) -> list[Said]:
    return [
        Said(word, begin + n * pace, begin + n * pace + 0.8 * pace)
        for n, word in enumerate(text.split())
    ]


@pytest.mark.parametrize("size", [None, (1920, 1080), (1080, 1080), (1080, 1920)])
def test_two_lines_at_most_none_too_long_and_every_word_once(size):
    cues = cut(spoken(TEXT), size)
    assert " ".join(cue.text for cue in cues) == TEXT
    for cue in cues:
        assert 1 <= len(cue.lines) <= 2
        assert all(len(line) <= columns(size) for line in cue.lines)
        assert cue.end - cue.begin <= 6.5
    for one, other in pairwise(cues):
        assert one.begin < one.end <= other.begin


def test_sentences_and_pauses_end_one():
    cues = cut(spoken(TEXT))
    assert cues[0].text.endswith("eight.")
    assert cues[1].text == "Dogs are welcome."
    apart = [Said("Yes,", 0, 0.4), Said("well", 3, 3.3)]
    assert [cue.text for cue in cut(apart)] == ["Yes,", "well"]
    assert cut(apart)[0].end < 3, "it goes while nobody speaks"
    assert cut(apart)[0].end - cut(apart)[0].begin >= 1, "and can be read"
    assert cut([]) == ()


def test_a_script_without_spaces_is_cut_and_its_time_shared():
    text = (
        "朝食は六時半から十時までです。テラスは八時に開きます。"
        "お犬様も歓迎いたしますので、お気軽にお申し付けください。"
    )
    cues = cut([Said(text, 1.0, 11.0)], (1920, 1080))
    assert "".join(cue.text for cue in cues) == text
    assert cues[0].text == "朝食は六時半から十時までです。"
    assert cues[0].begin == 1.0
    assert cues[1].begin == pytest.approx(1 + 10 * 15 / len(text), abs=0.01)
    assert all(len(line) <= 21 for cue in cues for line in cue.lines)


def test_files_are_as_players_read_them():
    cues = (Cue(0.5, 2.0, ("A <b> & c",)), Cue(3661.0, 3662.5, ("one", "two")))
    assert srt(cues) == (
        "1\n00:00:00,500 --> 00:00:02,000\nA <b> & c\n\n"
        "2\n01:01:01,000 --> 01:01:02,500\none\ntwo\n"
    )
    assert vtt(cues) == (
        "WEBVTT\n\n00:00:00.500 --> 00:00:02.000\nA &lt;b&gt; &amp; c\n\n"
        "01:01:01.000 --> 01:01:02.500\none\ntwo\n"
    )
    assert srt(()) == ""
    assert vtt(()) == "WEBVTT\n"
    assert cues[0].later(10).begin == 10.5


def test_a_transcript_has_what_is_said_under_its_titles():
    scenes = [("Breakfast", "From  six\nuntil ten."), ("", ""), ("", "Dogs are welcome.")]
    assert transcript("The house", scenes) == (
        "The house\n\nBreakfast\nFrom six until ten.\n\nDogs are welcome.\n"
    )
    assert transcript("", []) == ""
