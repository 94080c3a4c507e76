"""Which reply is whose: events in the orders in which servers tell them."""

import pytest

from visavis.remote import NoReply
from visavis.remote.messages import (
    Caption,
    Commanded,
    Failure,
    Line,
    Ready,
    ReplyEnded,
    ReplyStarted,
    SayText,
    Text,
    Thinking,
    Transcribed,
)
from visavis.remote.replies import Replies

READY = Ready(1, "s", "a", "v", resumed=True)


def done(turn, heard="", reason="done"):
    return ReplyEnded(turn, reason, heard)


def told(replies, *events):
    for event in events:
        replies.take(event)


async def turns(*replies):
    return [(await reply.ended(within=0.1)).turn for reply in replies]


async def test_texts_get_their_turns_in_order():
    replies = Replies()
    first, second = replies.expect(SayText("a")), replies.expect(Text("b"))
    told(replies, Thinking(4), ReplyStarted(4, 1.0), done(4, reason="interrupted"), Thinking(5))
    told(replies, Transcribed(5, "b", True), done(5))
    assert await turns(first, second) == [4, 5]


async def test_what_somebody_says_meanwhile_is_their_turn():
    replies = Replies()
    said, asked = replies.expect(SayText("a")), replies.expect(Text("b"))
    told(replies, Thinking(1), Transcribed(1, "spoken", True), done(1))
    told(replies, Thinking(2), done(2), Thinking(3), Transcribed(3, "b", True), done(3))
    assert await turns(said, asked) == [2, 3]


async def test_what_is_refused_or_a_command_has_no_reply():
    replies = Replies()
    empty, command, last = (replies.expect(m) for m in (SayText(" "), Text("stop"), Text("b")))
    told(replies, Failure("empty-text", "?"), Commanded(1, "stop"), Failure("lips-failed", "?"))
    told(replies, Thinking(2), Transcribed(2, "b", True), done(2))
    for reply, code in ((empty, "empty-text"), (command, "command")):
        with pytest.raises(NoReply) as caught:
            await reply.ended(within=0.1)
        assert caught.value.code == code
    assert await turns(last) == [2]


@pytest.mark.parametrize(
    "events",
    [
        [READY, Thinking(3), ReplyStarted(3, 1.0), done(3)],
        [READY, ReplyStarted(3, 1.0), done(3)],  # the thought was told to nobody
        [Ready(1, "s", "a", "v", resumed=True, captions=(Caption(3, "b", 0),)), done(3)],
    ],
)
async def test_what_a_lost_link_broke_off_goes_on_as_another_turn(events):
    replies = Replies()
    reply = replies.expect(SayText("a"))
    told(replies, Thinking(2), ReplyStarted(2, 0.0), *events)
    assert await turns(reply) == [3]
    assert reply.turn == 3


async def test_what_was_said_while_the_link_was_away_comes_after_it():
    replies = Replies()
    reply = replies.expect(SayText("a"))
    told(replies, Thinking(1))
    later = replies.expect(SayText("later"))
    told(replies, READY, done(2, reason="interrupted"), Thinking(3), done(3))
    assert await turns(reply, later) == [2, 3]


async def test_an_end_that_was_lost_is_known_by_the_history():
    replies = Replies()
    first, second = replies.expect(SayText("a")), replies.expect(SayText("b"))
    told(replies, Thinking(1), Thinking(2))
    told(replies, Ready(1, "s", "a", "v", resumed=True, history=(Line(1, "avatar", "heard"),)))
    assert (await first.ended(within=0.1)).heard == "heard"
    told(replies, Thinking(3), done(3))
    assert await turns(second) == [3]
