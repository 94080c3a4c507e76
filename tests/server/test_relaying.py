"""A session whose avatar speaks the sound of the microphone, as it comes in."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest
from support.babble import opening
from support.recording import LIPS, RECORDING
from support.stage import SILENCE, VOICE, Stage
from support.virtual_time import virtual_time

from bench.sound import sound_voices
from visavis.engines import fake, load
from visavis.engines.base import PLAIN, PLAY_RATE, EngineError, FaceState
from visavis.engines.motion.viseme_motion import VisemeMotion
from visavis.server import protocol
from visavis.server.playout.messages import PACKET, ms, to_ms
from visavis.server.recording.files import read_sound
from visavis.server.session.lipsync import Mouth
from visavis.server.session.relaying import delay

DELAY = delay(Mouth(fake.FakeLips(), fake.FakeLips))
RNG = np.random.default_rng(0)


class Presenter(Stage):
    """A session that speaks what it hears, and everything that it put on its timeline."""

    def __init__(self, lips=None):
        super().__init__()
        self.lips = lips or fake.FakeLips()
        self.open(self.services.engines(self.lips))
        self.timeline.forget = lambda before: None

    def played(self, start, end):
        return self.timeline.audio(start, end - start)

    async def present(self, packets):
        """Feed (packet or None, ms after the one before); the arrival of each."""
        arrivals = []

        async def mic():
            at = self.clock.now()
            for packet, after in packets:
                at += ms(after)
                await self.clock.sleep_until(at)
                if packet is not None:
                    arrivals.append(self.clock.now())
                    yield packet

        await self.session.listen(mic())
        return arrivals


def steps(count, late=lambda n: 0.0):
    """Packets of noise that can be told apart, `late` ms late each."""
    packets = [RNG.integers(-9000, 9000, PACKET).astype(np.int16) for _ in range(count)]
    lateness = [late(n) for n in range(count)]
    waits = [20 + now - before for now, before in zip(lateness, [0, *lateness], strict=False)]
    return packets, list(zip(packets, waits, strict=True))


@virtual_time
async def test_sound_goes_out_as_it_came_in_a_fixed_time_later():
    async with Presenter() as stage:
        packets, script = steps(100)
        arrived = (await stage.present(script))[0]
        sound = np.concatenate(packets)
        start = arrived + DELAY
        np.testing.assert_array_equal(stage.played(start, start + len(sound)), sound)
        assert not stage.played(start - PLAY_RATE, start).any()


@virtual_time
async def test_lips_are_told_with_the_delayed_sound_and_before_it():
    async with Presenter() as stage:
        told = []
        speak = stage.motion.speak
        stage.motion.speak = lambda at, speech: (
            told.append((stage.clock.now(), at, speech)),
            speak(at, speech),
        )
        arrived = (
            await stage.present([(SILENCE, 20)] * 50 + [(VOICE, 20)] * 50 + [(SILENCE, 20)] * 50)
        )[0]
        await stage.pass_time(500)
        for _, at, speech in told:
            np.testing.assert_array_equal(stage.played(at, at + len(speech.pcm)), speech.pcm)
        voiced = [at for _, at, speech in told if speech.phonemes[0].symbol]
        assert voiced[0] == arrived + DELAY + ms(1000)
        assert voiced[-1] == arrived + DELAY + ms(1900)
        # while lips work, this clock goes on to the next packet
        assert min(at - now for now, at, _ in told) >= ms(50) - PACKET


@virtual_time
async def test_uneven_packets_do_not_change_the_sound():
    async with Presenter() as stage:
        packets, script = steps(200, late=lambda n: (0, 7, 25, 3, 18)[n % 5])
        arrived = (await stage.present(script))[0]
        start = arrived + DELAY
        sound = np.concatenate(packets)
        np.testing.assert_array_equal(stage.played(start, start + len(sound)), sound)


@virtual_time
async def test_a_gap_is_silence_and_the_delay_stays():
    async with Presenter() as stage:
        _, script = steps(50)
        second, more = steps(50)
        more[0] = (more[0][0], 820)  # 800 ms without a packet
        arrivals = await stage.present([*script, *more])
        start = arrivals[0] + DELAY
        again = arrivals[50] + DELAY
        assert not stage.played(start + ms(1000), again - ms(40)).any()
        played = stage.played(again - ms(40), again + ms(1100))
        sound = np.concatenate(second)
        offset = next(
            n for n in range(len(played) - 960) if (played[n : n + 960] == sound[:960]).all()
        )
        assert abs(offset - ms(40)) <= ms(40)
        np.testing.assert_array_equal(played[offset : offset + 40_000], sound[:40_000])


@virtual_time
async def test_what_comes_in_a_burst_after_a_gap_is_left_out():
    async with Presenter() as stage:
        packets, script = steps(150)
        script[50] = (script[50][0], 520)  # half a second of packets waits somewhere
        for n in range(51, 75):
            script[n] = (script[n][0], 0.0)
        arrivals = await stage.present(script)
        sound, start = np.concatenate(packets[100:]), arrivals[100] + DELAY
        played = stage.played(start - ms(100), start + ms(1100))
        offset = next(
            n for n in range(len(played) - 960) if (played[n : n + 960] == sound[:960]).all()
        )
        assert 0 <= offset - ms(100) <= ms(100) - PACKET  # not half a second later for good


@virtual_time
async def test_silence_keeps_the_mouth_still():
    async with Presenter() as stage:
        await stage.present([(SILENCE, 20)] * 200)
        assert stage.motion.told
        assert "speaking" not in {name for name, _ in stage.motion.told}


@virtual_time
async def test_the_face_speaks_while_the_voice_does():
    async with Presenter() as stage:
        await stage.present([(VOICE, 20)] * 50 + [(SILENCE, 20)] * 250)
        await stage.pass_time(100)
        attention = [name for name, _ in stage.motion.told if name in {"speaking", "idle"}]
        runs = [a for a, b in zip(attention, [None, *attention], strict=False) if a != b]
        assert runs == ["speaking", "idle"]


@virtual_time
async def test_a_closed_microphone_is_silence():
    async with Presenter() as stage:
        stage.session.mic(on=False)
        await stage.pass_time(300)  # what was said before is still under way
        arrived = (await stage.present([(VOICE, 20)] * 50))[0]
        assert not stage.played(arrived, arrived + PLAY_RATE + DELAY).any()


@virtual_time
async def test_nothing_is_heard_understood_or_answered():
    async with Presenter() as stage:
        await stage.present([(VOICE, 20)] * 50 + [(SILENCE, 20)] * 100)
        await stage.pass_time(2000)
        assert stage.stt.calls == 0
        assert not stage.sent


@virtual_time
@pytest.mark.parametrize("broken_off", [False, True])
async def test_another_microphone_may_follow(broken_off):
    stage = Presenter()
    stage.open(replace(stage.services.engines(), ear=Mouth(fake.FakeLips(), fake.FakeLips)))
    stage.timeline.forget = lambda before: None
    async with stage:
        packets, script = steps(50)
        first = asyncio.create_task(stage.present(script))
        await stage.pass_time(500 if broken_off else 2000)
        first.cancel()
        await asyncio.wait([first])
        packets, script = steps(50)
        arrived = (await stage.present(script))[0]
        sound, start = np.concatenate(packets), arrived + DELAY
        np.testing.assert_array_equal(stage.played(start, start + len(sound)), sound)


@virtual_time
async def test_lips_that_fail_leave_the_voice():
    async with Presenter() as stage:
        packets, script = steps(100)
        presenting = asyncio.create_task(stage.present(script))
        await stage.pass_time(1010)
        stage.lips.broken = True
        arrived = (await presenting)[0]
        sound, start = np.concatenate(packets), arrived + DELAY
        np.testing.assert_array_equal(stage.played(start, start + len(sound)), sound)


@virtual_time
async def test_typed_words_are_refused_and_directions_are_not():
    async with Presenter() as stage:
        for message in (protocol.Text("hello"), protocol.SayText("hello")):
            refusal = await protocol.command(stage.session, message)
            assert refusal.code == "no-words"
        assert (await stage.session.direct("very happy")).styles == ("very happy",)
        await stage.pass_time(100)
        assert stage.motion.felt[-1][1].valence > 0.7


# --- with the real network and the real face -----------------------------------------------------


def gaps(faces, start, spans):
    """The least opening of the lips within a picture of each span, `start` samples on."""
    near = 0.04
    return [
        min(
            opening(face)
            for at, face in faces
            if start + (s - near) * PLAY_RATE <= at <= start + (e + near) * PLAY_RATE
        )
        for s, e in spans
    ]


def ajar(faces, start, spans):
    """How open the lips are on average in the middle of the spans."""
    times = np.array([at for at, _ in faces])
    open_ = np.array([opening(face) for _, face in faces])
    middles = [start + (s + e) / 2 * PLAY_RATE for s, e in spans]
    return np.interp(middles, times, open_).mean()


def recorded():
    """A voice that nobody trained on, and when it shuts the lips (s)."""
    return read_sound(RECORDING), [span for spans in LIPS.values() for span in spans]


def espeak():
    """Another."""
    try:
        speak = sound_voices.espeak().voice("en-us+f5")
    except EngineError as error:
        pytest.skip(str(error))
    said = speak("Pamela bought a big purple map, maybe.", PLAIN)
    shut = [(p.start, p.end) for p in said.phonemes if p.symbol[:1] in {"p", "b", "m"}]
    return said.pcm, [(start / PLAY_RATE, end / PLAY_RATE) for start, end in shut]


@pytest.mark.parametrize("said", [recorded, espeak])
@virtual_time
async def test_lips_meet_when_the_delayed_voice_closes_them(said):
    pcm, closures = said()
    lips = load.lips()
    async with Presenter(lips) as stage:
        motion, faces = VisemeMotion(1), []
        stage.session._showing._motion = motion
        state = motion.state

        def drawn(at):
            faces.append((at, state(at).coefficients))
            return FaceState()

        motion.state = drawn
        silent = [(SILENCE, 20)] * 25
        pcm = pcm[: len(pcm) // PACKET * PACKET]
        voice = [(pcm[at : at + PACKET], 20) for at in range(0, len(pcm), PACKET)]
        arrived = (await stage.present([*silent, *voice, *silent * 2]))[0]
        start = arrived + delay(Mouth(lips, load.lips)) + 25 * PACKET
        await stage.clock.sleep_until(start + len(pcm) + PLAY_RATE)
        np.testing.assert_array_equal(stage.played(start, start + len(pcm)), pcm)
        shut = gaps(faces, start, closures)
        assert len(closures) >= 9
        assert sum(gap < 0.03 for gap in shut) >= 0.8 * len(closures), shut
        opened = max(opening(face) for at, face in faces if at > start)
        assert opened > 0.15
        # and at no other delay are they as shut while the voice closes them
        least = min(range(-200, 201, 10), key=lambda lag: ajar(faces, start + ms(lag), closures))
        assert abs(least) <= 40
        before = [opening(face) for at, face in faces if at < start - ms(200)]
        assert max(before) < 0.03


def test_the_real_lips_need_under_a_fifth_of_a_second():
    assert 150 < to_ms(delay(Mouth(load.lips(), load.lips))) < 200


def lateness(stage, arrived, packet):
    """How much later than DELAY a packet sounds, ticks."""
    begin = arrived + DELAY - ms(50)
    played = stage.played(begin, begin + ms(200)).astype(float)
    return int(np.correlate(played, packet.astype(float), "valid").argmax()) - ms(50)


@virtual_time
async def test_what_waits_for_nothing_after_a_burst_is_left_out():
    async with Presenter() as stage:
        packets, _ = steps(150)
        # four packets at once at the beginning: every one after them comes 60 ms too early
        arrivals = await stage.present([(p, 0 if n < 4 else 20) for n, p in enumerate(packets)])
        await stage.pass_time(500)
        early, late = (lateness(stage, arrivals[n], packets[n]) for n in (50, 140))
        assert early >= ms(60)
        assert -ms(20) <= late <= ms(20)
