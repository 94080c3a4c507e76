"""A session as the avatar of a LiveKit agent: livekit-agents' own runner, receiver and output."""

import asyncio
import importlib
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from support.services import FakeServices
from support.virtual_time import virtual_time

pytest.importorskip("livekit.agents", reason="needs the extra livekit")

from livekit import rtc
from livekit.agents import Agent as AnyAgent
from livekit.agents import AgentSession
from livekit.agents.voice.avatar import DataStreamAudioOutput, QueueAudioOutput
from support.livekit_room import AGENT, AVATAR, Room, pair
from support.pace import soon

from visavis.doors import livekit as doors
from visavis.doors.livekit import AvatarSession
from visavis.server.livekit.joining import NoRoom, joined, perform
from visavis.server.livekit.receiving import Receiving
from visavis.server.playout import clock
from visavis.server.playout.clock import Clock
from visavis.server.session.session import Session
from visavis.server.system.errors import ConfigError

SIZE = 128, 128
RATE = 24_000
RNG = np.random.default_rng(0)


class Sources:
    """In place of what is native in `rtc`: pictures and sound with the time at which they came."""

    def __init__(self, **_):
        self.pictures, self.sound = [], []

    async def push(self, frame):
        now = clock.monotonic()
        if isinstance(frame, rtc.VideoFrame):
            self.pictures.append((now, frame))
        else:
            self.sound.append((now, np.frombuffer(frame.data, np.int16)))

    async def aclose(self):
        pass

    @property
    def heard(self):
        return np.concatenate([pcm for _, pcm in self.sound] or [np.zeros(0, np.int16)])


@pytest.fixture
def sources(monkeypatch):
    """One for each runner, in order."""
    made = []

    def synchronizer(**_):
        made.append(Sources())
        return made[-1]

    monkeypatch.setattr(rtc, "AVSynchronizer", synchronizer)
    monkeypatch.setattr(rtc, "AudioSource", Sources)
    monkeypatch.setattr(rtc, "VideoSource", Sources)
    for name, kind in (("Audio", rtc.TrackKind.KIND_AUDIO), ("Video", rtc.TrackKind.KIND_VIDEO)):
        track = SimpleNamespace(kind=kind)
        create = {f"create_{name.lower()}_track": lambda _name, _source, track=track: track}
        monkeypatch.setattr(rtc, f"Local{name}Track", SimpleNamespace(**create))
    return made


sessions = []


class House:
    """As `embedded.house.House`, on fake engines."""

    size = SIZE

    def __init__(self):
        self.open = 0

    @asynccontextmanager
    async def session(self, avatar=""):
        services = FakeServices()
        engines = await services.lend(avatar or "mira", "heart", "voice")
        session = Session("s", replace(engines, clock=Clock), services.metrics, Clock())
        running = asyncio.create_task(session.run())
        sessions.append(session)
        self.open += 1
        try:
            yield session
        finally:
            self.open -= 1
            await session.close()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            services.close()


class Agent:
    """An agent's side: what it says, and what it is told of it."""

    def __init__(self, room, avatar=AVATAR):
        self.room = room
        self.output = DataStreamAudioOutput(
            room, destination_identity=avatar, sample_rate=RATE,
            wait_remote_track=rtc.TrackKind.KIND_VIDEO, wait_playback_start=True,
        )  # fmt: skip
        self.started, self.finished = [], []
        self.output.on("playback_started", lambda _: self.started.append(clock.monotonic()))
        self.output.on("playback_finished", self.finished.append)

    async def say(self, sound, rate=RATE, channels=1):
        """A segment, as quickly as it is taken."""
        step = rate // 10 * channels
        for at in range(0, len(sound), step):
            data = sound[at : at + step]
            frame = rtc.AudioFrame(data.tobytes(), rate, channels, len(data) // channels)
            await self.output.capture_frame(frame)
        self.output.flush()

    async def over(self):
        """Until every segment is."""
        async with asyncio.timeout(30):
            await self.output.wait_for_playout()

    @property
    def told(self):
        return [(round(e.playback_position, 3), e.interrupted) for e in self.finished]


@asynccontextmanager
async def meeting(sources, avatar=AVATAR):
    """An agent and its avatar in one room: (agent, what it plays, the avatar's room)."""
    here, there = pair(avatar)
    async with House().session() as session:
        performing = asyncio.create_task(perform(session, there, SIZE, away=5.0))
        here.meet(there)
        await asyncio.sleep(0.5)
        try:
            yield Agent(here, avatar), sources[-1], there
        finally:
            performing.cancel()
            await asyncio.gather(performing, return_exceptions=True)


def noise(seconds, rate=RATE):
    return RNG.integers(4000, 9000, round(seconds * rate)).astype(np.int16)


@virtual_time
async def test_a_hundred_segments_are_heard_once_each_and_told_once_each(sources):
    async with meeting(sources) as (agent, played, room):
        lengths = RNG.uniform(0.05, 0.8, 100).round(2)
        for length in lengths:
            await agent.say(noise(length))
            await agent.over()
        await asyncio.sleep(1)
        np.testing.assert_allclose([p for p, _ in agent.told], lengths, atol=0.002)
        assert not any(interrupted for _, interrupted in agent.told)
        assert len(agent.started) == 100
        methods = [method for _, method, _ in room.calls]
        assert methods == ["lk.playback_started", "lk.playback_finished"] * 100
        assert len(played.heard) / 48_000 == pytest.approx(lengths.sum(), abs=0.2)


@virtual_time
async def test_segments_that_are_sent_at_once_are_told_once_each(sources):
    async with meeting(sources) as (agent, played, _):
        for length in (0.3, 0.05, 1.0, 0.1):
            await agent.say(noise(length))
        await asyncio.sleep(4)
        assert [p for p, _ in agent.told] == pytest.approx([0.3, 0.05, 1.0, 0.1], abs=0.002)
        assert len(played.heard) == pytest.approx(1.45 * 48_000, abs=200)


@virtual_time
async def test_the_end_is_told_when_the_voice_has_ended(sources):
    async with meeting(sources) as (agent, played, room):
        await agent.say(noise(1.2))
        await agent.over()
        last = played.sound[-1][0]
        told = next(at for at, method, _ in room.calls if method == "lk.playback_finished")
        assert 0.02 <= told - last <= 0.1
        assert abs(agent.started[0] - played.sound[0][0]) < 0.02


@virtual_time
async def test_it_is_silent_soon_after_a_clear_and_the_next_segment_is_whole(sources):
    async with meeting(sources) as (agent, played, room):
        await agent.say(noise(4.0))
        await asyncio.sleep(1.5)
        at = clock.monotonic()
        agent.output.clear_buffer()
        await agent.over()
        await asyncio.sleep(0.5)
        assert 0.02 < played.sound[-1][0] + 0.02 - at < 0.12
        assert agent.told == [(pytest.approx(len(played.heard) / 48_000, abs=0.001), True)]
        await agent.say(noise(0.7))
        await agent.over()
        assert agent.told[1:] == [(pytest.approx(0.7, abs=0.002), False)]
        assert [method for _, method, _ in room.calls] == [
            "lk.playback_started", "lk.playback_finished",
        ] * 2  # fmt: skip


@virtual_time
async def test_a_clear_in_the_middle_of_a_stream_ends_it(sources):
    async with meeting(sources) as (agent, _played, _room):
        for _ in range(5):  # no end yet
            data = noise(0.1)
            await agent.output.capture_frame(rtc.AudioFrame(data.tobytes(), RATE, 1, len(data)))
        await asyncio.sleep(0.3)
        agent.output.clear_buffer()
        await asyncio.sleep(0.3)
        agent.output.flush()
        await asyncio.sleep(1)
        assert [interrupted for _, interrupted in agent.told] == [True]
        await agent.say(noise(0.4))
        await agent.over()
        assert agent.told[1:] == [(pytest.approx(0.4, abs=0.002), False)]


@pytest.mark.parametrize("after", [0.0, 0.01, 0.1, 0.38, 0.42, 0.46, 0.5, 0.54])
def test_whenever_it_is_cleared_each_segment_is_told_once(after, sources):
    @virtual_time
    async def cleared():
        async with meeting(sources) as (agent, _played, room):
            await agent.say(noise(0.4))
            await asyncio.sleep(after)
            agent.output.clear_buffer()
            await agent.over()
            await asyncio.sleep(1)
            await agent.say(noise(0.3))
            await agent.over()
            await asyncio.sleep(1)
            assert len(agent.told) == 2
            assert agent.told[1] == (pytest.approx(0.3, abs=0.002), False)
            finished = [at for at, method, _ in room.calls if method == "lk.playback_finished"]
            assert len(finished) == 2

    cleared()


@virtual_time
async def test_a_clear_ends_all_segments_that_wait(sources):
    async with meeting(sources) as (agent, played, _room):
        for length in (1.0, 2.0, 3.0):
            await agent.say(noise(length))
        await asyncio.sleep(0.6)
        at = clock.monotonic()
        agent.output.clear_buffer()
        await agent.over()
        assert clock.monotonic() - at < 0.3
        await asyncio.sleep(3)
        heard = len(played.heard) / 48_000
        assert agent.told == [(pytest.approx(heard, abs=0.001), True), (0.0, True), (0.0, True)]
        assert played.sound[-1][0] - at < 0.12


@virtual_time
@pytest.mark.parametrize("whole", [True, False])
async def test_who_interrupts_it_otherwise_ends_the_segment_for_its_agent(whole, sources):
    async with meeting(sources) as (agent, _played, _room):
        data = noise(3.0)
        await agent.output.capture_frame(rtc.AudioFrame(data.tobytes(), RATE, 1, len(data)))
        if whole:
            agent.output.flush()
        await asyncio.sleep(1)
        sessions[-1].interrupt()
        await asyncio.sleep(1)
        if not whole:
            agent.output.flush()
        await agent.over()
        assert len(agent.told) == 1
        assert 0.8 < agent.told[0][0] < 1.1
        await agent.say(noise(0.5))
        await agent.over()
        assert agent.told[1] == (pytest.approx(0.5, abs=0.002), False)


@virtual_time
async def test_the_picture_is_there_before_the_agent_is(sources):
    _, there = pair()
    async with House().session() as session:
        performing = asyncio.create_task(perform(session, there, SIZE, away=5.0))
        await asyncio.sleep(0.5)
        kinds = {each.kind for each in there.local_participant.track_publications.values()}
        assert kinds == {rtc.TrackKind.KIND_AUDIO, rtc.TrackKind.KIND_VIDEO}
        assert len(sources[0].pictures) > 5
        assert (sources[0].pictures[0][1].width, sources[0].pictures[0][1].height) == SIZE
        assert not sources[0].sound
        await asyncio.sleep(6)
        assert performing.done()  # nobody came


@virtual_time
async def test_what_was_drawn_while_tracks_were_published_is_not_shown_later(sources):
    here, there = pair()
    there.publishing = 1.0
    here.meet(there)
    async with House().session() as session:
        performing = asyncio.create_task(perform(session, there, SIZE))
        await asyncio.sleep(2.1)
        assert len(sources[0].pictures) <= 5
        agent = Agent(here)
        at = clock.monotonic()
        await agent.say(noise(0.4))
        await agent.over()
        assert agent.started[0] - at < 0.2
        performing.cancel()
        await asyncio.gather(performing, return_exceptions=True)


@virtual_time
async def test_it_leaves_with_its_agent_unless_that_comes_back(sources):
    here, there = pair()
    async with House().session() as session:
        performing = asyncio.create_task(perform(session, there, SIZE, away=5.0))
        here.meet(there)
        await asyncio.sleep(1)
        here.leave()
        await asyncio.sleep(3)
        again = Room(AGENT)
        again.meet(there)
        await asyncio.sleep(10)
        assert not performing.done()
        agent = Agent(again)
        await agent.say(noise(0.5))
        await agent.over()
        assert agent.told == [(pytest.approx(0.5, abs=0.002), False)]
        again.leave()
        await asyncio.sleep(6)
        assert performing.done()


@virtual_time
async def test_a_room_that_is_lost_ends_it(sources):
    here, there = pair()
    async with House().session() as session:
        performing = asyncio.create_task(perform(session, there, SIZE))
        here.meet(there)
        await asyncio.sleep(1)
        there.leave()
        await asyncio.sleep(0.1)
        assert performing.done()


@virtual_time
async def test_a_stream_that_breaks_off_or_says_no_rate_is_not_the_last(sources):
    async with meeting(sources) as (agent, _played, _room):
        stream = await agent.room.local_participant.stream_bytes(
            name="x",
            topic="lk.audio_stream",
            attributes={"sample_rate": "24000", "num_channels": "1"},
        )
        await stream.write(noise(0.3).tobytes())
        await asyncio.sleep(0.1)
        stream.breaks()
        await asyncio.sleep(2)
        bad = await agent.room.local_participant.stream_bytes(
            name="y", topic="lk.audio_stream", attributes={}
        )
        await bad.aclose()
        await asyncio.sleep(2)
        await agent.say(noise(0.6))
        await asyncio.sleep(2)
        assert agent.told[-1] == (pytest.approx(0.6, abs=0.002), False)


@virtual_time
async def test_sound_of_any_rate_is_spoken_and_what_cannot_be_is_told_as_over(sources):
    async with meeting(sources) as (agent, _played, _):
        for rate, channels in ((16_000, 1), (44_100, 2), (8_000, 1), (4_000, 1), (24_000, 1)):
            await agent.say(np.repeat(noise(0.5, rate), channels), rate, channels)
            await asyncio.sleep(2)
        positions = [position for position, _ in agent.told]
        assert positions == pytest.approx([0.5, 0.5, 0.5, 0.0, 0.5], abs=0.003)


@virtual_time
async def test_silence_is_a_segment_too(sources):
    async with meeting(sources) as (agent, _played, _):
        await agent.say(np.zeros(RATE, np.int16))
        await agent.over()
        assert agent.told == [(pytest.approx(1.0, abs=0.002), False)]


@virtual_time
async def test_a_flood_waits_with_the_agent(sources):
    async with meeting(sources) as (agent, _played, _):
        await agent.say(noise(90.0))
        await asyncio.sleep(10)
        agent.output.clear_buffer()
        await agent.over()
        assert agent.told == [(pytest.approx(10.0, abs=0.2), True)]


@virtual_time
async def test_rooms_whose_agents_have_one_name_are_told_apart(sources):
    async with meeting(sources) as (one, _, _), meeting(sources, "avatar-2") as (other, _, _):
        await one.say(noise(3.0))
        await other.say(noise(3.0))
        await asyncio.sleep(1)
        one.output.clear_buffer()
        await asyncio.sleep(3)
        assert [interrupted for _, interrupted in one.told] == [True]
        assert other.told == [(pytest.approx(3.0, abs=0.002), False)]


@virtual_time
async def test_the_second_session_of_a_process_works_as_the_first(sources):
    for _ in range(3):
        async with meeting(sources) as (agent, played, _):
            await agent.say(noise(0.5))
            await agent.over()
            assert agent.told == [(pytest.approx(0.5, abs=0.002), False)]
            assert len(played.heard) == pytest.approx(24_000, abs=100)


# --- for users of Python -------------------------------------------------------------------------


class Outputs:
    """As an AgentSession has them."""

    def __init__(self):
        self.output = self
        self.audio = None

    def replace_audio_tail(self, output):
        self.audio = output

    def on(self, *_):
        pass

    off = on


@virtual_time
async def test_an_agent_shows_the_avatar_itself(sources):
    house, room, agent = House(), Room(AGENT), Outputs()
    avatar = AvatarSession(avatar="mira", house=house)
    await avatar.start(agent, room)
    assert isinstance(agent.audio, QueueAudioOutput)
    assert avatar.avatar_identity == AGENT
    finished = []
    agent.audio.on("playback_finished", finished.append)
    for _ in range(3):
        data = noise(0.5)
        await agent.audio.capture_frame(rtc.AudioFrame(data.tobytes(), RATE, 1, len(data)))
        agent.audio.flush()
        await agent.audio.wait_for_playout()
    assert [e.playback_position for e in finished] == pytest.approx([0.5] * 3, abs=0.002)
    await avatar.aclose()
    assert house.open == 0


@pytest.mark.parametrize("after", [0.0, 0.05, 0.5])
def test_what_the_agent_clears_is_over_for_it(after, sources):
    @virtual_time
    async def cleared():
        avatar, agent, finished = AvatarSession(house=House()), Outputs(), []
        await avatar.start(agent, Room(AGENT))
        output = agent.audio
        output.on("playback_finished", finished.append)
        for _ in range(3):
            data = noise(0.7)
            await output.capture_frame(rtc.AudioFrame(data.tobytes(), RATE, 1, len(data)))
            output.flush()
        await asyncio.sleep(after)
        output.clear_buffer()
        async with asyncio.timeout(1):
            await output.wait_for_playout()
        await asyncio.sleep(2)
        assert [e.interrupted for e in finished] == [True] * 3
        data = noise(0.3)
        await output.capture_frame(rtc.AudioFrame(data.tobytes(), RATE, 1, len(data)))
        output.flush()
        async with asyncio.timeout(5):
            await output.wait_for_playout()
        assert finished[3].playback_position == pytest.approx(0.3, abs=0.002)
        await avatar.aclose()

    cleared()


async def test_a_real_agent_session_says_all_of_it_or_what_was_heard():
    """In real time, and with what is native."""

    async def voice(seconds):
        sound = noise(seconds)
        for at in range(0, len(sound), 2400):
            part = sound[at : at + 2400]
            yield rtc.AudioFrame(part.tobytes(), RATE, 1, len(part))

    agent, avatar, said = AgentSession(), AvatarSession(house=House()), []
    agent.on("conversation_item_added", lambda event: said.append(event.item))
    await avatar.start(agent, Room(AGENT))
    await agent.start(AnyAgent(instructions="none"))
    async with asyncio.timeout(20):
        whole = agent.say("one two three", audio=voice(0.4))
        await whole.wait_for_playout()
        cut = agent.say("four five six", audio=voice(5.0))
        await asyncio.sleep(0.8)
        at = time.monotonic()
        cut.interrupt()
        await cut.wait_for_playout()
        assert soon(time.monotonic() - at, 1.5)
        last = agent.say("seven", audio=voice(0.3))
        await last.wait_for_playout()
    assert (whole.interrupted, cut.interrupted, last.interrupted) == (False, True, False)
    told = [(item.text_content, item.interrupted) for item in said if item.type == "message"]
    assert told[0] == ("one two three", False)
    assert told[-1] == ("seven", False)
    await agent.aclose()
    await avatar.aclose()


async def test_without_keys_it_says_which(monkeypatch):
    for name in ("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "LIVEKIT_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match="LIVEKIT_API_KEY"):
        await AvatarSession().start(Outputs(), Room(AGENT))


async def test_its_token_is_for_an_avatar_in_the_agents_name(monkeypatch):
    from livekit.api import TokenVerifier

    begun = []
    avatar = AvatarSession(avatar="mira")

    async def begin(url, token):
        begun.append((url, token))

    monkeypatch.setattr(avatar, "_begin", begin)
    agent = Outputs()
    await avatar.start(
        agent, Room(AGENT), livekit_url="ws://127.0.0.1:1", livekit_api_key="k",
        livekit_api_secret="a secret that is long enough for it",
    )  # fmt: skip
    assert isinstance(agent.audio, DataStreamAudioOutput)
    claims = TokenVerifier("k", "a secret that is long enough for it").verify(begun[0][1])
    assert (claims.kind, claims.identity) == ("agent", avatar.avatar_identity)
    assert claims.attributes == {"lk.publish_on_behalf": AGENT}
    assert claims.video.room == "room"


def test_the_worker_says_what_it_lacks(monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("LIVEKIT_URL", raising=False)
    monkeypatch.setattr(doors, "log_to_stderr", lambda level: None)
    assert doors.main(["--avatar", "mira"]) == 2
    assert "LIVEKIT_TOKEN" in capsys.readouterr().out


async def test_a_room_that_there_is_not_is_told_without_its_token():
    with pytest.raises(NoRoom, match="127.0.0.1:9: is that its address") as told:
        await joined("ws://127.0.0.1:9", "a-secret-token")
    assert "secret" not in str(told.value)


def test_without_livekit_it_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "livekit", None)
    monkeypatch.delitem(sys.modules, "visavis.doors.livekit")
    with pytest.raises(ImportError, match=r"visavis\[livekit\]"):
        importlib.import_module("visavis.doors.livekit")


# --- with what is native -------------------------------------------------------------------------


async def test_the_voice_that_leaves_ends_before_its_end_is_told():
    async with House().session() as session:
        here, there = pair()
        performing = asyncio.create_task(perform(session, there, SIZE))
        here.meet(there)
        await asyncio.sleep(0.5)
        publications = list(there.local_participant.track_publications.values())
        stream = rtc.AudioStream.from_track(track=publications[0].track, sample_rate=48_000)
        loud = []

        async def listen():
            async for event in stream:
                if np.abs(np.frombuffer(event.frame.data, np.int16).astype(int)).max() > 1000:
                    loud.append(time.monotonic())

        listening = asyncio.create_task(listen())
        agent = Agent(here)
        await agent.say(noise(0.8))
        await agent.over()
        told = time.monotonic()
        await asyncio.sleep(0.3)
        assert loud[-1] - loud[0] == pytest.approx(0.8, abs=0.1)
        assert loud[-1] <= told
        for task in (listening, performing):
            task.cancel()
        await asyncio.gather(listening, performing, return_exceptions=True)
        await stream.aclose()


async def test_the_receiver_is_as_it_was():
    """What is overridden of theirs: this breaks by name when they change it."""
    from livekit.agents.voice.avatar import DataStreamAudioReceiver, _datastream_io

    assert _datastream_io.AUDIO_STREAM_TOPIC == "lk.audio_stream"
    assert _datastream_io.RPC_CLEAR_BUFFER == "lk.clear_buffer"
    assert _datastream_io.RPC_PLAYBACK_FINISHED == "lk.playback_finished"
    assert _datastream_io.RPC_PLAYBACK_STARTED == "lk.playback_started"
    for name in ("_register_clear_buffer_rpc", "_recv_task", "_send_task", "_iter_reader"):
        assert callable(getattr(DataStreamAudioReceiver, name)), name
    receiver = Receiving(Room(AVATAR), None)
    for name in (
        "_stream_readers", "_stream_reader_changed", "_current_reader", "_current_reader_cleared",
        "_current_reader_superseded", "_data_ch", "_rpc_send_ch", "_remote_participant",
    ):  # fmt: skip
        assert hasattr(receiver, name), name
