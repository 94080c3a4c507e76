"""An agent's voice that goes to an avatar in the agent's own process."""

from __future__ import annotations

from collections.abc import AsyncIterator

from livekit import rtc
from livekit.agents.voice.avatar import AudioSegmentEnd, QueueAudioOutput

from visavis.engines.base import PLAY_RATE


class Queued(QueueAudioOutput):
    """livekit-agents' output that is a receiver, too: one end for each segment.

    Theirs tells none of segments that were cleared before the runner had sound of them, and the
    agent then waits for it.
    """

    def __init__(self) -> None:
        super().__init__(sample_rate=PLAY_RATE, wait_playback_start=True)
        self._handed = False  # the runner has sound of a segment that is not over

    def __aiter__(self) -> AsyncIterator[rtc.AudioFrame | AudioSegmentEnd]:
        return self._frames()

    async def _frames(self) -> AsyncIterator[rtc.AudioFrame | AudioSegmentEnd]:
        async for frame in self._data_ch:
            self._handed = self._handed or isinstance(frame, rtc.AudioFrame)
            yield frame

    def clear_buffer(self) -> None:
        """Silence; the runner tells the end of the segment of which it has sound."""
        handed, self._handed = self._handed, False
        super().clear_buffer()
        if not handed:
            self._end_all()

    def notify_playback_finished(self, playback_position: float, interrupted: bool) -> None:
        """See AudioReceiver."""
        super().notify_playback_finished(playback_position, interrupted)
        if interrupted:
            self._end_all()
        else:
            self._handed = False

    def _end_all(self) -> None:
        while self._pending_playback_count > 0:
            self.on_playback_finished(playback_position=0.0, interrupted=True)
