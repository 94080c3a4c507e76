"""Texts broken into lines and set, in the scripts that the fonts have."""

import numpy as np
import pytest

from visavis.models.pictures import lettering
from visavis.server.studio.layers.typesetting import Type, block, fitted, wrapped, writable

BOLD = Type(40, 700)


def test_lines_are_few_and_about_as_long_as_each_other():
    lines = wrapped("Three things to know before you arrive at the harbour", BOLD, 600)
    widths = [lettering.width(line, 40, 700) for line in lines]
    assert len(lines) == 2
    assert max(widths) <= 600
    assert min(widths) > 0.7 * max(widths)
    assert " ".join(lines) == "Three things to know before you arrive at the harbour"


def test_a_word_that_is_too_wide_is_broken():
    lines = wrapped("Donaudampfschifffahrtsgesellschaft", BOLD, 300)
    assert "".join(lines) == "Donaudampfschifffahrtsgesellschaft"
    assert all(lettering.width(line, 40, 700) <= 300 for line in lines)


def test_japanese_is_broken_where_a_word_begins_and_no_line_begins_with_a_full_stop():
    assert wrapped("ご到着前に知っておきたい三つのこと", BOLD, 330) == [
        "ご到着前に", "知っておきたい", "三つのこと",
    ]  # fmt: skip
    for width in range(90, 400, 30):
        lines = wrapped("请在抵达之前，阅读。「三件事」", BOLD, width)
        assert "".join(lines) == "请在抵达之前，阅读。「三件事」"
        assert not any(line[0] in "，。」" or line[-1] == "「" for line in lines)


def test_what_does_not_fit_is_smaller_and_then_cut():
    lines, type_ = fitted("Three things to know before you arrive", BOLD, 400, 2, 0.6)
    assert len(lines) == 2
    assert 24 <= type_.size < 40
    lines, type_ = fitted("word " * 100, BOLD, 400, 2, 0.6)
    assert len(lines) == 2
    assert lines[-1].endswith("…")
    assert lettering.width(lines[-1], type_.size, 700) <= 400


def test_what_no_font_has_is_left_out_and_told():
    assert writable("Hello  😀 wörld\n") == ("Hello wörld", "😀")
    assert writable("नमस्ते")[0] == ""
    assert writable("") == ("", "")
    assert writable("صباح الخير") == ("صباح الخير", "")


@pytest.mark.parametrize("text", ["Ag", "日本", "مرحبا", "שלום", "Привет"])
def test_lines_stand_on_one_baseline_whatever_their_script(text):
    line = lettering.line(text, 50, 700)
    assert line.ink.shape[0] == lettering.line("x", 50, 700).ink.shape[0]
    assert line.ink[: line.baseline].any()
    assert line.ink[:, 0].any()
    assert line.ink[:, -1].any()


def test_scripts_from_the_right_begin_there():
    # the first letter is at the right, a number and a Latin word in it stay as they are
    first = lettering.line("ש", 50, 700).ink
    whole = lettering.line("שלום 24", 50, 700).ink
    assert likeness(whole[:, -first.shape[1] :], first) > 0.98
    number = lettering.line("24", 50, 700).ink
    assert likeness(whole[:, : number.shape[1]], number) > 0.9
    assert lettering.shaped("(ב)")[0] == "("
    assert lettering.is_from_right("ثلاثة AI")
    assert not lettering.is_from_right("AI and ثل")


def test_a_block_says_where_its_first_capitals_and_its_last_baseline_are():
    set_ = block(["HE", "HE"], Type(50, 700, 1.2), "left")
    rows = np.flatnonzero(set_.ink.max(1))
    assert abs(rows[0] - set_.top) <= 2
    assert abs(rows[-1] + 1 - set_.bottom) <= 2
    right = block(["HEHE", "H"], Type(50, 700, 1.2), "right").ink
    assert right[-25:, : right.shape[1] // 2].max() == 0


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    a, b = one.astype(float).ravel(), other.astype(float).ravel()
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def test_brackets_stand_close_to_what_is_in_them():
    # by itself the font leaves as much room around one as a letter takes
    line = lettering.line("H(H)H", 100, 700)
    empty = np.flatnonzero(line.ink.max(0) == 0)
    gaps = np.split(empty, np.flatnonzero(np.diff(empty) > 1) + 1)
    assert len(gaps) == 4
    assert max(len(gap) for gap in gaps) < 20
    assert abs(line.ink.shape[1] - lettering.width("H(H)H", 100, 700)) < 20
