"""A session for many viewers: its sound and pictures are encoded once, whoever and however many.

Of pictures there are two encodes a codec at most. The common one goes by the slowest of the viewers
whose link carries every picture at full size; whoever's does not gets a second one, with pictures
left out and made smaller as that link needs it, so that it costs nobody else anything.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import av
from aiortc import MediaStreamTrack

from visavis.server.rtc.congestion import Sound, Voice
from visavis.server.rtc.encoders import H264, Opus, Video, Vp8
from visavis.server.rtc.estimate import MOST
from visavis.server.rtc.ladder import STEPS, Ladder
from visavis.server.rtc.sender import PICTURES, audio_level
from visavis.server.rtc.shared import Ready, SharedTrack
from visavis.server.rtc.tracks import AudioTrack, VideoTrack
from visavis.server.session.doors import Playout
from visavis.server.session.events import Event
from visavis.server.session.session import Session
from visavis.server.system.faults import fault

log = logging.getLogger(__name__)

_DOWN_AFTER: Final = 1.0  # s in which a link carries too little for the common encode ...
_UP: Final = 1.3  # ... and by how much more it must carry ...
_UP_AFTER: Final = 3.0  # ... for so many s, to come back
_ASKS: Final = 1.0  # s between two keyframes that one viewer may have made for all
_LOSSY: Final = 5, 10.0  # keyframes that it asked for in so many s: it is a burden to the others
_PUT_ASIDE: Final = 30.0  # s for which it gets the other encode then

_CODECS: Final[dict[str, Callable[[], H264 | Vp8]]] = {"h264": H264, "vp8": Vp8}


@dataclass(slots=True, eq=False)
class _Viewer:
    """One connection's pictures. since: when its link began to say that it belongs elsewhere."""

    track: SharedTrack
    thin: bool = False
    since: float | None = None
    asked: list[float] = field(default_factory=list)
    aside_until: float = 0.0
    was_down: bool = False

    def rate(self, now: float) -> int:
        """bit/s that its link carries of pictures."""
        congestion = self.track.congestion
        return congestion.pictures(now) if congestion is not None else MOST

    def is_down(self, now: float) -> bool:
        """Whether its receiver has gone silent."""
        congestion = self.track.congestion
        return congestion is not None and congestion.estimate.is_down(now)

    def moves(self, now: float, enough: float) -> bool:
        """Whether it goes over to the other encode now. enough: bit/s of the common one."""
        rate = self.rate(now)
        elsewhere = rate > _UP * enough if self.thin else rate < enough
        if self.thin and now < self.aside_until:
            elsewhere = False
        if not elsewhere:
            self.since = None
            return False
        self.since = now if self.since is None else self.since
        if now - self.since < (_UP_AFTER if self.thin else _DOWN_AFTER):
            return False
        self.thin, self.since = not self.thin, None
        return True


class _Encode:
    """One encoder, and who gets what it makes."""

    def __init__(self, codec: str, *, thin: bool) -> None:
        self.codec, self.thin = codec, thin
        self._video = Video(_CODECS[codec]())
        self._ladder = Ladder()
        self.wanted = True  # a keyframe

    async def make(self, frame: av.VideoFrame, rate: int) -> Ready | None:
        """The next picture at a rate; None: it is left out, or what they show already."""
        if self.thin:
            at = float(frame.time or 0.0)
            if not self._ladder.takes(at, rate, frame.width * frame.height):
                return None
            self._video.step = self._ladder.step
        self._video.target_bitrate = rate
        wanted, self.wanted = self.wanted, False
        loop = asyncio.get_running_loop()
        payloads, timestamp = await loop.run_in_executor(
            PICTURES, self._video.encode, frame, wanted
        )
        return Ready(payloads, timestamp, self._video.was_keyframe) if payloads else None


class Broadcast:
    """An outlet of a session. `tracks` for each viewer; stopped, they are taken off."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._viewers: dict[SharedTrack, _Viewer] = {}
        self._hearers: set[SharedTrack] = set()
        self._encodes: dict[tuple[str, bool], _Encode] = {}
        self._opus = Opus()
        self._late = 0
        self._pixels = 0
        self._playing = session.add_outlet(self)
        self._session.watch(self, seen=False)

    def tracks(self) -> tuple[MediaStreamTrack, MediaStreamTrack]:
        """Sound and pictures for one more viewer."""
        origin = self._session.clock.ntp_origin
        return SharedTrack("audio", self, origin), SharedTrack("video", self, origin)

    @property
    def viewers(self) -> int:
        """How many get pictures."""
        return len(self._viewers)

    @property
    def encodes(self) -> int:
        """How many encoders of pictures there are."""
        return len(self._encodes)

    def close(self) -> None:
        """Encode nothing any more."""
        self._playing.cancel()
        for track in (*self._viewers, *self._hearers):
            track.stop()

    # --- shared.Source --------------------------------------------------------------------------

    def joins(self, track: SharedTrack) -> None:
        """See Source."""
        if track.kind == "audio":
            self._hearers.add(track)
        elif track.codec in _CODECS:
            self._viewers[track] = _Viewer(track)
            self._session.watch(self, seen=True)

    def leaves(self, track: SharedTrack) -> None:
        """See Source."""
        self._hearers.discard(track)
        if self._viewers.pop(track, None) is not None and not self._viewers:
            self._session.watch(self, seen=False)

    def keyframe(self, track: SharedTrack) -> None:
        """See Source."""
        viewer, now = self._viewers.get(track), time.monotonic()
        if viewer is None:
            return
        count, window = _LOSSY
        viewer.asked = [at for at in viewer.asked if now - at < window]
        if viewer.asked and now - viewer.asked[-1] < _ASKS:
            return
        viewer.asked.append(now)
        if len(viewer.asked) > count and not viewer.thin:
            viewer.thin, viewer.aside_until = True, now + _PUT_ASIDE
            track.waits = True
        self._key(track.codec, thin=viewer.thin)

    def _key(self, codec: str, *, thin: bool) -> None:
        if (encode := self._encodes.get((codec, thin))) is not None:
            encode.wanted = True

    # --- an outlet ------------------------------------------------------------------------------

    def tell(self, event: Event) -> None:
        """See Outlet: viewers are told nothing."""

    async def play(self, playout: Playout) -> None:
        """Encode what the clock brings, while anybody takes it."""
        clock, reader, missed = playout.clock, playout.reader, playout.missed
        sound = AudioTrack(clock, reader, playout.sound_sent, missed)
        pictures = VideoTrack(clock, reader, playout.still, playout.picture_sent, missed)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._sound(sound), name="shared sound")
            tasks.create_task(self._pictures(pictures), name="shared pictures")

    async def _sound(self, sound: AudioTrack) -> None:
        while True:
            frame = await sound.recv()
            if not self._hearers:
                continue
            self._opus.wanted = self._worst()
            payloads, timestamp = self._opus.encode(frame)
            if payloads:
                ready = Ready(payloads, timestamp, level=audio_level(frame))
                for track in self._hearers:
                    track.put(ready)

    def _worst(self) -> Sound:
        """How sound is encoded: as few bits, and for as much loss, as any of them needs."""
        now = time.monotonic()
        wanted = [t.congestion.sound(now) for t in self._hearers if t.congestion is not None]
        return Sound(
            min((w.bitrate for w in wanted), default=Voice.USUAL.bitrate),
            max((w.loss for w in wanted), default=Voice.USUAL.loss),
        )

    async def _pictures(self, pictures: VideoTrack) -> None:
        while True:
            frame = await pictures.recv()
            self._sort(time.monotonic(), frame.width * frame.height)
            if not self._viewers:
                self._encodes.clear()
                continue
            made = [self._made(encode, frame) for encode in list(self._encodes.values())]
            await asyncio.gather(*made)

    async def _made(self, encode: _Encode, frame: av.VideoFrame) -> None:
        """One encode of a picture, to all who take it."""
        now = time.monotonic()
        takers = self._of(encode, now)
        rates = [viewer.rate(now) for viewer in takers]
        if not takers:
            return
        try:
            ready = await encode.make(frame, min(rates))
        except Exception as error:  # noqa: BLE001 (whatever it is, the next picture is tried)
            log.error("a shared picture was not encoded", extra={"fault": fault(error)})  # noqa: TRY400
            self._encodes.pop((encode.codec, encode.thin), None)
            return
        if ready is not None:
            for viewer in takers:
                viewer.track.put(ready)

    def _of(self, encode: _Encode, now: float) -> list[_Viewer]:
        """Who takes an encode; nobody who has gone silent, until they are heard again."""
        return [
            viewer
            for viewer in self._viewers.values()
            if (viewer.track.codec, viewer.thin) == (encode.codec, encode.thin)
            and not viewer.is_down(now)
        ]

    def _sort(self, now: float, pixels: int) -> None:
        """Who takes which encode, and which there are."""
        enough = STEPS[0].needs(pixels)
        for viewer in self._viewers.values():
            down = viewer.is_down(now)
            if viewer.moves(now, enough) or (viewer.was_down and not down):
                viewer.track.waits = True
            viewer.was_down = down
            if viewer.track.waits and not down:
                self.keyframe(viewer.track)
        wanted = {(v.track.codec, v.thin) for v in self._viewers.values()}
        for gone in set(self._encodes) - wanted:
            del self._encodes[gone]
        for codec, thin in wanted - set(self._encodes):
            self._encodes[codec, thin] = _Encode(codec, thin=thin)
