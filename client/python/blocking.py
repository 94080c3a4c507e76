"""The same for programs without an event loop: a session whose methods wait.

from visavis.remote import blocking

with blocking.connect("http://127.0.0.1:8765") as face:
    print(face.ask("When is breakfast?").ended().heard)
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from numpy.typing import NDArray

from visavis.remote import face as loops
from visavis.remote.media import Form, Picture, Reading, Sound
from visavis.remote.messages import Directed, FromServer, Ready, ReplyEnded, ReplyStarted, ToServer
from visavis.remote.replies import Reply as LoopReply

Item = TypeVar("Item")
T = TypeVar("T")


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="visavis.remote", daemon=True
        )
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What it gives, or raises."""
        waiting = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return waiting.result()
        except BaseException:  # Ctrl-C, too: nobody waits for it any more
            waiting.cancel()
            raise

    def close(self) -> None:
        """No more work comes."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Stream(Generic[Item]):
    """An iterator over what comes."""

    def __init__(self, loop: Loop, reading: Reading[Item]) -> None:
        self._loop, self._reading = loop, reading

    def __iter__(self) -> Iterator[Item]:
        """Itself."""
        return self

    def __next__(self) -> Item:
        """The next one."""

        async def following() -> tuple[Item] | None:
            try:
                return (await anext(self._reading),)
            except StopAsyncIteration:
                return None

        found = self._loop.run(following())
        if found is None:
            raise StopIteration
        return found[0]


class Reply:
    """As `visavis.remote.Reply`."""

    def __init__(self, loop: Loop, reply: LoopReply) -> None:
        self._loop, self._reply = loop, reply

    def started(self, within: float = 30.0) -> ReplyStarted:
        """When its first sound plays."""
        return self._loop.run(self._reply.started(within))

    def ended(self, within: float = 120.0) -> ReplyEnded:
        """How it went, once its last word was heard."""
        return self._loop.run(self._reply.ended(within))


class Face:
    """As `visavis.remote.Face`, whose words say more."""

    def __init__(self, loop: Loop, face: loops.Face) -> None:
        self._loop, self._face = loop, face

    @property
    def ready(self) -> Ready:
        """What the server said first."""
        return self._face.ready

    def say(self, text: str, style: str = "") -> Reply:
        """Have exactly this said."""
        return Reply(self._loop, self._loop.run(self._face.say(text, style)))

    def ask(self, text: str) -> Reply:
        """Have this answered."""
        return Reply(self._loop, self._loop.run(self._face.ask(text)))

    def interrupt(self) -> None:
        """Stop it speaking, now."""
        self._loop.run(self._face.interrupt())

    def direct(self, prompt: str) -> Directed:
        """Direct it in plain words."""
        return self._loop.run(self._face.direct(prompt))

    def speak_sound(self, pcm: NDArray[Any], rate: int) -> None:
        """Send sound as its visitor's voice."""
        self._loop.run(self._face.speak_sound(pcm, rate))

    def send(self, message: ToServer) -> None:
        """Any message."""

        async def sent() -> None:
            self._face.send(message)

        self._loop.run(sent())

    def pictures(self, form: Form = "rgb") -> Stream[Picture]:
        """Pictures as they come."""
        return Stream(self._loop, self._loop.run(_made(self._face.pictures, form)))

    def sound(self) -> Stream[Sound]:
        """Sound as it comes."""
        return Stream(self._loop, self._loop.run(_made(self._face.sound)))

    def events(self) -> Stream[FromServer]:
        """Everything that the server tells."""
        return Stream(self._loop, self._loop.run(_made(self._face.events)))


async def _made(make: Any, *arguments: Any) -> Any:
    return make(*arguments)


@contextmanager
def connect(url: str, **options: Any) -> Iterator[Face]:
    """As `visavis.remote.connect`, with its options."""
    loop = Loop()
    session = loops.connect(url, **options)
    try:
        face = loop.run(session.__aenter__())
        try:
            yield Face(loop, face)
        finally:
            loop.run(session.__aexit__(None, None, None))
    finally:
        loop.close()
