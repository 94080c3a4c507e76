"""One avatar made in a process of its own, seen from both sides: what a child does, and its owner.

Not for live pictures' sake: beside a session, three bakes made 3 of 1,900 pictures late, and two in
a nice thread of the server as many. But a process can be ended at any moment, gives its memory back
(1 GB for a photo of 50 megapixels), and falls over a hostile picture without taking the server
along. What takes it over instead finds itself shut in (`sandbox`): request and photo arrive on its
standard input, and the avatar's file leaves on its output after lines of JSON. The owner believes
nothing of it either.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from visavis.models.avatar import file as avatar_file
from visavis.models.avatar.consent import Consent
from visavis.models.avatar.consent import read as read_consent
from visavis.models.avatar.file import Avatar
from visavis.models.clip.reading import is_clip
from visavis.models.errors import AvatarError, ModelError
from visavis.models.files import private_folder
from visavis.server.avatars.comparing import Comparing, Comparison
from visavis.server.avatars.faces import packed, unpacked
from visavis.server.avatars.likeness import Claim
from visavis.server.system import confined, sandbox
from visavis.server.system.errors import ConfigError
from visavis.server.system.faults import place

log = logging.getLogger(__name__)

MEMORY: Final = 4 * 1024**3  # bytes of address space
SECONDS: Final = 120  # of processor time; it takes about 5 on a 2.4 GHz core
CLIP_SECONDS: Final = 900  # of a clip, which takes 40 to 90
# Shares of the steps that portrait.create_avatar tells, and how far the time is then: measured.
_STEPS: Final = (0.0, 0.3, 0.5, 0.7, 0.85, 1.0)
_TIMES: Final = (0.10, 0.47, 0.63, 0.72, 0.82, 0.93)
_LOST: Final = "The avatar could not be made: its process ended. The server's log may say more."
_LINES: Final = 200  # that a child says at most
_LONGEST: Final = 16 * 1024  # bytes of one
_TEXT: Final = 500  # characters of a text in it
_CODE: Final = re.compile(r"[a-z-]{1,40}")
_NO_MEMORY: Final = -4  # of OpenCV's errors (StsNoMem)


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made: an avatar of this name as the file `path`, which must not exist yet.

    voice: by name, that belongs to it; "": none does. frame: of bake.framing.FRAMINGS.
    present: it was proven that the person in the photo is there.
    """

    name: str
    path: Path
    consent: Consent
    licence: str
    present: bool = False
    voice: str = ""
    frame: str = "auto"


@dataclass(frozen=True, slots=True)
class Step:
    """What is being done, and the share of the whole that is done, in [0, 1]."""

    what: str
    share: float


@dataclass(frozen=True, slots=True)
class Baked:
    """The file is written; what will look bad, in plain words."""

    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """There is no avatar: a stable code, and words that name the fix."""

    code: str
    message: str


Event = Step | Baked | Refused


class Bake:
    """The owner's side: a plain iterator for a Worker's thread, which may be killed from any."""

    def __init__(
        self,
        order: Order,
        photo: bytes,
        seal: Callable[[bytes], bytes] = lambda content: content,
        comparing: Comparing | None = None,
    ) -> None:
        """seal: signs the file, out here: whoever reads a stranger's photo is given no key.
        comparing: with the avatars that there are; None: nobody asks whose face it is."""
        self._order, self._photo, self._seal, self._comparing = order, photo, seal, comparing
        self._comparison: Comparison | None = None
        self._face: object = None  # as the child says it
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False

    def run(self) -> Iterator[Event]:
        """Steps, then Baked or Refused; when killed it just ends."""
        folder = self._order.path.parent
        try:
            private_folder(folder)
        except OSError as error:
            reason = error.strerror or "unknown reason"
            yield Refused("avatar-unwritable", f"{folder} cannot be written to: {reason}.")
            return
        try:
            # The faces of others are read while this one is baked.
            with contextlib.ExitStack() as ending:
                if self._comparing is not None:
                    self._comparison = ending.enter_context(self._comparing.begin())
                yield from self._bake()
        except OSError as error:  # no memory or no process left for a child, or no pipe
            why = error.strerror or type(error).__name__
            log.warning("a bake could not be begun", extra={"why": why})
            yield Refused("bake-failed", _LOST)

    def _bake(self) -> Iterator[Event]:
        kind = "clip" if is_clip(self._photo[:16]) else "photo"
        with confined.start(__name__, subprocess.PIPE, kind, few_threads=True) as process:
            self._process = process
            try:
                yield from self._talk(process)
            finally:
                confined.kill(process)

    def kill(self) -> None:
        """End it now; nothing of it stays."""
        self._killed = True
        if self._process is not None:
            confined.kill(self._process)

    def _talk(self, process: subprocess.Popen[bytes]) -> Iterator[Event]:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Step("warming up", 0.0)
        # A broken pipe: it is gone, and its output ends, which says so.
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(self._written() + b"\n" + self._photo)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        if self._killed:
            confined.kill(process)
        for said in confined.lines(process.stdout, _LINES, _LONGEST):
            event = self._heard(said, process.stdout)
            if event is not None:
                yield event
            if isinstance(event, Baked | Refused):
                return
        if not self._killed:
            confined.kill(process)
            log.warning("a bake's process ended", extra={"status": process.wait()})
            yield Refused("bake-failed", _LOST)

    def _heard(self, said: dict[str, Any], output: IO[bytes]) -> Event | None:
        """What a line means; None: nothing for the visitor."""
        if "unshielded" in said:
            confined.note(said["unshielded"], "avatars are made with less protection")
            return None
        if "code" in said:
            if "fault" in said:
                log.warning("a bake failed", extra={"fault": _text(said["fault"])})
            return Refused(_code(said["code"]), _text(said.get("message", _LOST)))
        if "face" in said:
            self._face = said["face"]
            return None
        if "bytes" in said:
            length = round(confined.within(said["bytes"], avatar_file.MAX_FILE))
            return self._kept(output.read(length))
        return Step(_text(said.get("what", "")), confined.within(said.get("share"), 1))

    def _kept(self, content: bytes) -> Baked | Refused:
        """Put the file in its place, or say why not."""
        order = self._order
        if order.path.exists():
            return Refused("name-taken", f"There is an avatar {order.name!r} already.")
        if refused := self._known():
            return refused
        try:
            record = order.name, order.licence, order.consent
            card = avatar_file.write(order.path, self._seal(content), record)
        except ConfigError as error:  # no key can be made here
            return Refused("avatar-unwritable", str(error))
        except AvatarError as error:
            log.warning("a bake's avatar was not kept", extra={"why": error.message})
            unwritable = error.code == "avatar-unwritable"
            return (
                Refused(error.code, error.message) if unwritable else Refused("bake-failed", _LOST)
            )
        return Baked(card.warnings)

    def _known(self) -> Refused | None:
        """What stands against this face; None: nothing."""
        if self._comparison is None:
            return None
        try:
            template = unpacked(self._face)
        except ValueError:
            return Refused("bake-failed", _LOST)
        consent = self._order.consent
        claim = Claim(consent.subject, consent.likeness, present=self._order.present)
        found = self._comparison.objection(template, claim)
        return Refused(found.code, found.message) if found else None

    def _written(self) -> bytes:
        order = self._order
        network = str(self._comparison.network) if self._comparison else None
        record = {"name": order.name, "licence": order.licence, "consent": order.consent.as_json()}
        return json.dumps(
            record | {"voice": order.voice, "frame": order.frame, "network": network}
        ).encode()


def _text(value: object) -> str:
    return str(value)[:_TEXT]


def _code(value: object) -> str:
    return value if isinstance(value, str) and _CODE.fullmatch(value) else "bake-failed"


# --- the child ----------------------------------------------------------------------------------


def main() -> None:
    """Read one order, make its avatar, say how it goes."""
    confined.begin()
    of_clip = sys.argv[2] == "clip"
    sandbox.limit(MEMORY, CLIP_SECONDS if of_clip else SECONDS)
    output = confined.own_output()
    from visavis.models import recognition  # 1 s of imports
    from visavis.models.bake import portrait

    create = _of_clip() if of_clip else portrait.create_avatar
    portrait.warm()  # what is compiled is kept on disk, which no longer works after this
    request: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    network = Path(request["network"]) if request["network"] else None
    further = () if network is None else (network,)  # it may have been pulled
    confined.say(output, {"unshielded": confined.shut_in(*further)})
    photo = sys.stdin.buffer.read()
    try:
        consent = read_consent(request["consent"])
        avatar = create(
            photo, request["name"], consent, request["licence"],
            lambda what, share: confined.say(
                output, {"what": what, "share": share if of_clip else _in_time(share)}
            ),
            request["voice"], request["frame"],
        )  # fmt: skip
        content = avatar.content()
        if network is not None:
            whose = recognition.of_picture(avatar.picture(), network)
            confined.say(output, {"face": packed(whose)})
    except ModelError as error:
        confined.say(output, {"code": error.code, "message": error.message})
    # Whatever a hostile photo makes a library do: the owner logs its type and place.
    except Exception as error:  # noqa: BLE001
        confined.say(output, _fault(error))
    else:
        confined.say(output, {"bytes": len(content)})
        output.write(content)
        output.flush()


def _of_clip() -> Callable[..., Avatar]:
    """What makes an avatar of a clip, all that it needs imported."""
    import av

    from visavis.models.clip import making

    av.logging.set_level(None)
    return making.create_avatar


def _fault(error: Exception) -> dict[str, str]:
    if isinstance(error, MemoryError) or getattr(error, "code", None) == _NO_MEMORY:
        message = "Too large: the picture needs too much memory. Save a smaller copy."
        return {"code": "image-too-large", "message": message}
    fault = f"{type(error).__name__} at {place(error)}"
    return {"code": "bake-failed", "message": _LOST, "fault": fault}


def _in_time(share: float) -> float:
    """The bake's own share of steps done -> of the time: reading and matting take the longest."""
    return float(np.interp(share, _STEPS, _TIMES))


if __name__ == "__main__":
    main()
