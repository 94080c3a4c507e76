"""How a face is drawn, step by step: what is drawn, what stays, what a viewer's track sends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from support.stage import Stage
from support.virtual_time import virtual_time

from visavis.engines.base import I420, Before, EngineError, FaceState
from visavis.engines.fake import FakeMotion
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import FRAME, TICK_RATE, Fluency, Tick, ms
from visavis.server.playout.timeline import Timeline
from visavis.server.rtc.tracks import AudioTrack, VideoTrack
from visavis.server.session import events
from visavis.server.session.finishing import Finished, Finishing, as_drawn
from visavis.server.session.showing import Interest, Showing, Urgency
from visavis.server.system.metrics import Metrics

STILL = np.full((96, 64), 7, np.uint8)


@dataclass
class Sitting:
    """Draws as slowly as it is told, in a step that is set; notes what was asked for."""

    step: Fluency = "full"
    seconds: float = 0.008
    broken: bool = False
    paused: int = 0
    skipped: int = 0
    urgencies: list[Urgency] = field(default_factory=list)
    drawn: list[tuple[float, Before | None]] = field(default_factory=list)

    def fluency(self, urgency: Urgency) -> Fluency:
        self.urgencies.append(urgency)
        return self.step

    def pause(self) -> None:
        self.paused += 1

    def missed(self, count: int) -> None:
        self.skipped += count

    async def draw(
        self, make: Callable[[], FaceState], due: float, over: Before | None = None,
        finish: Finished = as_drawn,
    ) -> I420:  # fmt: skip
        self.drawn.append((due, over))
        make()
        await asyncio.sleep(self.seconds)
        if self.broken:
            raise EngineError("told to fail")
        return finish(np.full((96, 64), len(self.drawn) % 200 + 8, np.uint8))


class Face:
    """A session's face, and the track of a viewer."""

    def __init__(self, sitting: Sitting) -> None:
        self.clock, self.timeline, self.metrics = Clock(), Timeline(), Metrics()
        self.sitting, self.motion = sitting, FakeMotion()
        self.showing = Showing(self.clock, self.timeline, self.motion, sitting, STILL, self.metrics)
        self.told: list[Fluency] = []
        self.showing.changed = self.told.append
        self.sent: list[tuple[Tick, int]] = []  # when, and what
        self.missed: list[bool] = []
        self.track = VideoTrack(
            self.clock, self.timeline.reader(), STILL, self._sent, lambda length, what: None
        )

    def _sent(self, at: Tick, now: Tick, in_time: bool) -> None:
        self.missed.append(not in_time)

    async def watch(self) -> None:
        while True:
            frame = await self.track.recv()
            self.sent.append((self.clock.now(), int(frame.to_ndarray()[0, 0])))

    async def look(self, milliseconds: float) -> list[tuple[Tick, int]]:
        """What is sent in that time."""
        before = len(self.sent)
        await self.clock.sleep_until(self.clock.now() + ms(milliseconds))
        return self.sent[before:]

    def counted(self, name: str, step: str) -> float:
        return self.metrics.registry.get_sample_value(name, {"step": step}) or 0.0


@asynccontextmanager
async def face(**options: object) -> AsyncIterator[Face]:
    made = Face(Sitting(**options))  # type: ignore[arg-type]
    tasks = [asyncio.create_task(made.showing.run()), asyncio.create_task(made.watch())]
    await asyncio.sleep(1)
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def steps(sent: list[tuple[Tick, int]]) -> set[int]:
    return {round((b[0] - a[0]) / FRAME) for a, b in pairwise(sent)}


@virtual_time
async def test_at_full_rate_every_picture_is_drawn_and_sent():
    async with face() as one:
        sent = await one.look(2000)
        assert len(sent) == 50
        assert len({shade for _, shade in sent}) == 50
        assert all(over is None for _, over in one.sitting.drawn)
        assert one.track.late == 0


@virtual_time
async def test_half_of_the_pictures_are_drawn_and_sent_and_none_is_late():
    async with face(step="half") as one:
        sent = await one.look(2000)
        assert len(sent) == 25
        assert steps(sent) == {2}
        assert one.track.late == 0
        assert one.metrics.registry.get_sample_value("visavis_frames_held_total") > 20


@pytest.mark.parametrize(
    ("seconds", "pictures"), [(0.01, 62), (0.1, 62), (0.2, 31), (0.45, 14), (0.9, 10)]
)
@virtual_time
async def test_few_pictures_are_as_many_as_there_is_time_for_and_none_is_late(seconds, pictures):
    async with face(step="few", seconds=seconds) as one:
        await one.look(3000)
        missed, skipped = one.track.late, one.sitting.skipped
        sent = await one.look(10_000)
        assert len(sent) == pytest.approx(pictures, abs=2)
        assert len({shade for _, shade in sent}) == len(sent), "each one is another"
        assert (one.track.late, one.sitting.skipped) == (missed, skipped)


@virtual_time
async def test_few_pictures_become_more_when_they_are_quick_again():
    async with face(step="few", seconds=0.5) as one:
        await one.look(3000)
        one.sitting.seconds, before = 0.02, one.track.late
        await one.look(8000)
        assert len(await one.look(4000)) >= 23
        assert one.track.late == before


@virtual_time
async def test_between_two_whole_pictures_the_mouth_is_drawn_over_the_first():
    async with face(step="mouth") as one:
        one.sitting.drawn.clear()
        sent = await one.look(2000)
        assert len(sent) == 50
        over = [before for _, before in one.sitting.drawn]
        assert {before is None for before in over[::2]} != {before is None for before in over[1::2]}
        mouths = [before for before in over if before is not None]
        assert len(mouths) == 25
        assert len({id(before.image) for before in mouths}) == 25, "each over the newest whole one"
        assert one.track.late == 0


@virtual_time
async def test_a_mouth_is_never_drawn_over_an_older_picture():
    async with face(step="mouth") as one:
        one.sitting.seconds = 0.1  # so long that the picture after it cannot be in time
        await one.look(1000)
        assert 10 <= one.sitting.skipped <= 16
        one.sitting.drawn.clear()
        await one.look(1000)
        assert all(over is None for _, over in one.sitting.drawn)


@virtual_time
async def test_a_still_is_the_neutral_face_sent_seldom_and_a_picture_is_tried_behind_it():
    async with face(step="still") as one:
        await one.look(1500)
        one.sitting.drawn.clear()
        sent = await one.look(10_000)
        assert {shade for _, shade in sent} == {7}
        assert 9 <= len(sent) <= 11
        assert 9 <= len(one.sitting.drawn) <= 11
        asked_at = [due - FRAME / TICK_RATE for due, _ in one.sitting.drawn]
        now = one.clock.seconds(one.clock.now())
        assert all(due - asked > 0.9 for due, asked in zip(asked_at[1:], asked_at, strict=False))
        assert max(asked_at) > now, "nobody waits for a picture behind a still"
        assert one.track.late == 0
        one.sitting.step = "full"
        await one.look(1100)
        assert len(await one.look(1000)) == 25


@virtual_time
async def test_a_still_comes_in_time_though_the_picture_behind_it_takes_long():
    async with face(step="still", seconds=0.8) as one:
        await one.look(10_000)
        assert one.track.late == 0


@virtual_time
async def test_a_still_is_refined_at_first():
    async with face() as one:
        one.sitting.step = "still"
        sent = [shade for _, shade in await one.look(1200)]
        assert sent.count(7) >= 5


@pytest.mark.parametrize("step", ["full", "mouth", "half"])
@virtual_time
async def test_where_nobody_looks_under_two_pictures_a_second_are_drawn_and_sent(step):
    async with face(step=step) as one:
        one.showing.look(False)
        await one.look(1000)
        one.sitting.drawn.clear()
        sent = await one.look(10_000)
        assert 15 <= len(sent) <= 20
        assert 15 <= len(one.sitting.drawn) <= 20
        assert one.track.late == 0
        assert one.showing.step == "unseen"
        assert one.sitting.urgencies[-1] == "unseen"


@pytest.mark.parametrize("after", range(0, 600, 25))
@virtual_time
async def test_who_looks_again_sees_a_new_picture_within_two_frames(after):
    async with face() as one:
        one.showing.look(False)
        await one.look(1000 + after)
        seen = one.clock.now()
        one.showing.look(True)
        sent = await one.look(1000)
        assert sent[0][0] - seen <= 2 * FRAME
        assert len(sent) >= 24
        assert steps(sent) == {1}
        assert one.track.late == 0


@virtual_time
async def test_motion_goes_on_in_order_where_nobody_looks():
    asked: list[int] = []
    async with face() as one:
        one.motion.state = lambda at: asked.append(at) or FaceState()  # type: ignore[method-assign]
        one.showing.look(False)
        await one.look(3000)
        one.showing.look(True)
        await one.look(1000)
    assert asked == sorted(set(asked))
    assert max(b - a for a, b in pairwise(asked)) <= 13 * FRAME


@virtual_time
async def test_each_step_is_told_once_and_counted():
    async with face() as one:
        for step in ("mouth", "half", "few", "still", "half", "full"):
            one.sitting.step = step
            await one.look(1500)
            assert one.counted("visavis_sessions_drawn", step) == 1
            assert one.counted("visavis_pictures_total", step) > 0
        assert one.told == ["mouth", "half", "few", "still", "half", "full"]
        total = sum(
            one.counted("visavis_sessions_drawn", s)
            for s in ("full", "mouth", "half", "few", "still")
        )
        assert total == 1
        one.showing.rest()
        assert one.counted("visavis_sessions_drawn", "full") == 0
        assert one.sitting.paused


@virtual_time
async def test_a_picture_that_fails_leaves_the_last_one_and_is_tried_again():
    async with face(step="mouth") as one:
        one.sitting.broken = True
        await one.look(2000)
        assert 1 <= one.showing.failures <= 3
        one.sitting.broken = False
        await one.look(1500)
        assert one.sitting.drawn[-1][0] > one.clock.seconds(one.clock.now())


def test_a_face_that_spoke_is_watched_for_a_while():
    interest = Interest()
    assert interest.urgency(0) == "idle"
    interest.attend(ms(1000), "listening")
    assert interest.urgency(ms(60_000)) == "attentive"
    interest.attend(ms(61_000), "speaking")
    assert interest.urgency(ms(61_000)) == "speaking"
    interest.attend(ms(65_000), "idle")
    interest.attend(ms(66_900), "idle")
    assert interest.urgency(ms(66_900)) == "speaking"
    assert interest.urgency(ms(67_100)) == "attentive"
    assert interest.urgency(ms(75_100)) == "idle"
    interest.seen = False
    assert interest.urgency(ms(61_000)) == "unseen"


@virtual_time
async def test_sound_is_whole_whatever_becomes_of_the_pictures():
    """A generator that takes ten times a picture's time, in a time that does not wait."""
    async with Stage() as stage:
        clock, sounds = stage.clock, []
        track = AudioTrack(
            clock, stage.timeline.reader(), lambda at, now: sounds.append((at, now)), _no_miss
        )

        async def listen() -> None:
            while True:
                await track.recv()

        sitting = stage.session._engines.sitting
        drawing = sitting.draw

        async def slow(make, due, over=None):
            await asyncio.sleep(0.4)
            return await drawing(make, due, over)

        sitting.draw = slow
        listening = asyncio.create_task(listen())
        stage.session.say("one two three four five six seven eight")
        await stage.pass_time(4000)
        listening.cancel()
        assert [b[0] - a[0] for a, b in pairwise(sounds)] == [960] * (len(sounds) - 1)
        assert max(now - at for at, now in sounds) <= ms(1)
        assert len(stage.of(events.Caption)) == 8


def _no_miss(length: Tick, what: str) -> None:
    pytest.fail(f"{length / TICK_RATE:.3f} s of {what}")


class _Seal:
    """A finish that can be told from all that is drawn."""

    def finish(self, image: I420, at: Tick) -> None:
        image[0, 0] = 255


async def test_every_picture_is_finished_and_the_mouth_is_drawn_over_what_was_drawn() -> None:
    sitting, clock, timeline = Sitting(step="mouth"), Clock(), Timeline()
    showing = Showing(clock, timeline, FakeMotion(), sitting, STILL, Metrics(), Finishing(_Seal()))
    shown, reader = [], timeline.reader()
    running = asyncio.create_task(showing.run())
    for _ in range(12):
        await clock.sleep_until(clock.now() // FRAME * FRAME + FRAME)
        if picture := reader.picture(clock.now() // FRAME * FRAME):
            shown.append(int(picture.image[0, 0]))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    over = [before.image for _, before in sitting.drawn if before is not None]
    assert set(shown) == {255}
    assert over
    assert all((image != 255).all() for image in over)
