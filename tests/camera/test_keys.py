import os
import pty

import pytest

from visavis.server.camera import keys
from visavis.server.camera.away import Away
from visavis.server.camera.controls import Controls
from visavis.server.camera.faces import told


class Microphone:
    muted = False


class Desk:
    def __init__(self, *, typed=False):
        self.lines, self.directed, self.spoken, self.hushed, self.echoed = [], [], [], 0, []
        self.microphone = None if typed else Microphone()

        async def direct(words):
            self.directed.append(words)
            return f"looks {words}"

        async def hush():
            self.hushed += 1

        self.controls = Controls(
            self.lines.append, direct, hush, Away(), self.microphone,
            self.spoken.append if typed else None,
        )  # fmt: skip
        self.keys = keys.Keys(self.controls, self.echoed.append)

    async def press(self, text):
        for key in text:
            await self.keys.press(key)


async def test_one_key_mutes_and_another_press_is_heard_again():
    desk = Desk()
    await desk.press("m")
    assert desk.microphone.muted
    await desk.press("m")
    assert not desk.microphone.muted
    assert len(desk.lines) == 2


async def test_away_mutes_and_whoever_was_muted_stays_so():
    desk = Desk()
    await desk.press("b")
    assert desk.microphone.muted
    assert desk.controls.away.on
    assert desk.hushed == 1
    await desk.press("mb")
    assert desk.microphone.muted
    assert "muted" in desk.lines[-1]
    await desk.press("m")
    assert not desk.microphone.muted


async def test_directions_by_key_and_in_words():
    desk = Desk()
    await desk.press("3yd")
    await desk.press("calj\x7fm\r")
    assert desk.directed == ["smiling", "nods", "calm"]
    await desk.press("dnever mind\x1b")
    assert len(desk.directed) == 3
    assert "".join(desk.echoed).startswith("direction: calj\b \bm")


@pytest.mark.parametrize("key", ["q", "\x03", "\x04"])
async def test_three_keys_end_it(key):
    desk = Desk()
    await desk.press(key)
    assert desk.controls.ended.is_set()


async def test_an_unknown_key_shows_the_keys():
    desk = Desk()
    await desk.press("x")
    assert desk.lines == [keys.HELP]
    await desk.press("\n ")
    assert len(desk.lines) == 1


async def test_typed_lines_are_said_and_a_slash_is_a_command():
    desk = Desk(typed=True)
    for line in ("Hello there. ", "", "/d warm", "/s", "/2", "/m", "not now", "/m", "/zzz"):
        await keys.read_line(desk.controls, line)
    assert desk.spoken == ["Hello there."]
    assert desk.directed == ["warm", "friendly"]
    assert desk.hushed == 1
    assert any("muted" in line and "not said" in line for line in desk.lines)
    assert desk.lines[-1] == keys.LINES


async def test_words_without_text_mode_say_how_to_get_it():
    desk = Desk()
    await keys.read_line(desk.controls, "Hello")
    assert "--text" in desk.lines[-1]


async def test_what_comes_is_read_to_its_end():
    reads, writes = os.pipe()
    text = "good day\nWie geht’s\nlast"
    os.write(writes, text.encode()[:20])  # in the middle of a character
    os.write(writes, text.encode()[20:])
    os.close(writes)
    assert [line async for line in keys.lines(keys.typed(reads))] == text.split("\n")
    os.close(reads)


def test_the_terminal_is_as_it_was():
    import termios

    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    with pytest.raises(ValueError, match="on purpose"), keys.unbuffered(theirs):
        assert not termios.tcgetattr(theirs)[3] & termios.ICANON
        raise ValueError("on purpose")
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)


def test_what_was_understood_of_a_direction():
    assert told(("very warm",), (), ()) == "understood: very warm"
    line = told((), ("purple",), ("calm", "warm"))
    assert "purple" in line
    assert "calm, warm" in line
