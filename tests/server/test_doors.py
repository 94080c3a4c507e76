"""Inlets and outlets: a session lives without any, and with several at a time."""

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
from support.serving import problem, serving, watching
from support.stage import SILENCE, VOICE, Stage
from support.virtual_time import virtual_time

from visavis.server.playout.messages import FRAME, PACKET, ms, to_ms
from visavis.server.provenance import verifying
from visavis.server.provenance.claims import Film
from visavis.server.provenance.films import FilmSigning, note, noted
from visavis.server.provenance.signing import Signatory
from visavis.server.recording.files import read_sound
from visavis.server.recording.recorder import Recorder
from visavis.server.session import events


class Watcher:
    """An outlet in one class: keeps what it is told, hears and sees."""

    def __init__(self, slow=0):
        self.events, self.pictures, self.sound = [], [], []
        self._slow = slow  # ticks behind the clock

    def tell(self, event):
        self.events.append(event)

    async def play(self, playout):
        at = playout.clock.now() // FRAME * FRAME
        while True:
            at += FRAME
            await playout.clock.sleep_until(at + self._slow)
            self.pictures.append(playout.reader.picture(at))
            self.sound.append(playout.reader.audio(at, FRAME))

    @property
    def loudest(self):
        return np.abs(np.concatenate(self.sound)).max()


class Caller:
    """An inlet in one class: says something, and is gone."""

    async def feed(self, session):
        session.say("three words more")


@virtual_time
async def test_a_session_without_doors_goes_on():
    async with Stage() as stage:
        stage.session._outlets._all.clear()
        stage.session.ask("hello")
        await stage.pass_time(3000)
        assert stage.session.history.remarks[-1].heard == "You said: hello"


@virtual_time
async def test_several_outlets_see_hear_and_are_told_the_same():
    async with Stage() as stage:
        near, far = Watcher(), Watcher(slow=ms(300))
        stage.session.add_outlet(near)
        leaving = stage.session.add_outlet(far)
        await stage.session.add_inlet(Caller())
        await stage.pass_time(2000)
        leaving.cancel()
        await stage.pass_time(400)
        seen = len(far.pictures)
        assert [p.at for p in far.pictures if p] == [p.at for p in near.pictures if p][:seen]
        assert near.pictures.count(None) <= 1
        assert near.loudest == far.loudest > 7000
        assert far.events == near.events[: len(far.events)]
        assert events.ReplyEnded(1, "done", "three words more") in far.events
        stage.session.say("again")
        await stage.pass_time(1500)
        assert len(far.pictures) == seen  # gone, and nobody else with it
        assert len(near.pictures) > seen + 25


@virtual_time
async def test_an_outlet_that_fails_is_not_the_end():
    class Broken(Watcher):
        def tell(self, event):
            raise ValueError(event)

    async with Stage() as stage:
        stage.session.add_outlet(Broken())
        stage.session.ask("hello")
        await stage.pass_time(3000)
        assert stage.of(events.ReplyEnded)[0].reason == "done"


@virtual_time
async def test_an_inlet_of_sound_is_heard():
    class Voice:
        async def feed(self, session):
            await session.listen(self._packets(session.clock))

        async def _packets(self, clock):
            at = clock.now()
            for packet, count in ((VOICE, 30), (SILENCE, 50)):
                for _ in range(count):
                    at += PACKET
                    await clock.sleep_until(at)
                    yield packet

    async with Stage() as stage:
        await stage.session.add_inlet(Voice())
        await stage.pass_time(2500)
        assert stage.of(events.ReplyEnded)[0].heard == "You said: what time is breakfast?"


@virtual_time
async def test_pictures_that_a_slow_outlet_left_are_let_go():
    async with Stage() as stage:
        stage.session.add_outlet(Watcher(slow=ms(60_000)))
        await stage.pass_time(10_000)
        assert len(stage.timeline._pictures) <= 25


# --- recordings ----------------------------------------------------------------------------------


def frames(path):
    with av.open(str(path)) as video:
        return sum(1 for _ in video.decode(video=0))


def checked(path, home):
    return verifying.verdict(path, verifying.own_anchors(home), "own")


@virtual_time
async def test_a_running_session_is_written_while_it_is_watched(tmp_path):
    async with Stage() as stage:
        watcher, recorder = Watcher(), Recorder(tmp_path / "new" / "session.mp4")
        stage.session.add_outlet(watcher)
        writing = stage.session.add_outlet(recorder)
        await stage.pass_time(400)
        stage.session.say("one two three four")
        await stage.pass_time(3000)
        recorder.stop()
        await writing
        assert frames(recorder.path) == recorder.length // FRAME
        assert to_ms(recorder.length) > 3200
        sound = read_sound(recorder.path)
        started = stage.of(events.ReplyStarted)[0].at - recorder.began
        assert np.abs(sound[: started - FRAME]).max() < 300
        assert np.abs(sound[started + PACKET : started + ms(900)]).max() > 6000
        assert watcher.pictures.count(None) <= 1


@virtual_time
async def test_what_was_written_can_be_played_when_the_program_dies(tmp_path):
    async with Stage() as stage:
        recorder = Recorder(tmp_path / "session.mp4")
        stage.session.add_outlet(recorder)
        await stage.pass_time(6000)
        shutil.copy(recorder.path, tmp_path / "torn.mp4")  # as it lies on the disk now
        assert frames(tmp_path / "torn.mp4") >= recorder.length // FRAME - 3 * 25


@virtual_time
async def test_the_end_of_a_session_closes_the_file(tmp_path):
    async with Stage() as stage:
        recorder = Recorder(tmp_path / "session.mp4")
        stage.session.add_outlet(recorder)
        await stage.pass_time(2000)
    assert frames(recorder.path) >= recorder.length // FRAME - 1


@virtual_time
async def test_a_recording_is_signed_at_its_end_or_late_where_it_was_cut_off(tmp_path):
    home = tmp_path / "home"
    signing = FilmSigning(Signatory(home), Film("anna", "recorded"))
    async with Stage() as stage:
        recorder = Recorder(tmp_path / "session.mp4", signing=signing)
        writing = stage.session.add_outlet(recorder)
        await stage.pass_time(4000)
        torn = tmp_path / "torn.mp4"  # as both lie on the disk now
        shutil.copy(recorder.path, torn)
        shutil.copy(note(recorder.path), note(torn))
        recorder.stop()
        await writing
    assert recorder.signed.why == ""
    assert not note(recorder.path).exists()
    found = await asyncio.to_thread(checked, recorder.path, home)
    assert (found.is_trusted, found.claims["avatar"]) == (True, "anna")
    assert frames(recorder.path) == recorder.length // FRAME
    assert (await asyncio.to_thread(checked, torn, home)).state in {"unsigned", "unreadable"}
    film = replace(await asyncio.to_thread(noted, torn), late=True)
    late = await asyncio.to_thread(FilmSigning(Signatory(home), film).finish, torn)
    assert late.why == ""
    assert (await asyncio.to_thread(checked, torn, home)).claims["late"] is True


@virtual_time
async def test_a_recording_that_cannot_be_signed_is_kept_and_says_so(tmp_path):
    (tmp_path / "home").write_text("a file, no folder")
    signing = FilmSigning(Signatory(tmp_path / "home"), Film("anna", "recorded"))
    async with Stage() as stage:
        recorder = Recorder(tmp_path / "session.mp4", longest=ms(1000), signing=signing)
        await stage.session.add_outlet(recorder)
    assert recorder.fault == ""
    assert "cannot be written to" in recorder.signed.why
    assert frames(recorder.path) == 25


@virtual_time
async def test_a_recording_ends_by_itself(tmp_path):
    async with Stage() as stage:
        recorder = Recorder(tmp_path / "session.mp4", longest=ms(1000))
        await stage.session.add_outlet(recorder)
        assert recorder.length == ms(1000)
        assert frames(recorder.path) == 25


async def test_a_session_is_recorded_over_http_while_a_viewer_watches(tmp_path):
    async with serving(home=str(tmp_path)) as client, watching(client) as viewer:
        address = f"{viewer.location}/recording"
        assert (await problem(await client.get(address)))[0] == 404
        begun = await client.post(address)
        assert (begun.status, begun.headers["Location"]) == (201, address)
        again = await problem(await client.post(address))
        assert (again[0], again[1]["type"]) == (409, "urn:visavis:recording-runs")
        viewer.channel.send('{"type": "say", "text": "one two three"}')
        await viewer.wait_for("reply_ended")
        assert (await (await client.get(address)).json())["state"] == "recording"
        made = await (await client.delete(address)).json()
        assert made["state"] == "done"
        assert frames(made["file"]) == round(made["seconds"] * 25)
        assert (made["signed"], made["unsigned"]) == (True, "")
        found = await asyncio.to_thread(checked, Path(made["file"]), tmp_path)
        assert found.is_trusted
        assert found.claims["consent"]
        assert np.abs(await asyncio.to_thread(read_sound, Path(made["file"]))).max() > 6000
        picture = await viewer.tracks["video"].recv()
        assert (picture.width, picture.height) == (128, 128)


async def test_a_recording_that_cannot_be_written_says_why_and_the_session_goes_on(tmp_path):
    (tmp_path / "recordings").write_text("a file, no folder")
    async with serving(home=str(tmp_path)) as client, watching(client) as viewer:
        address = f"{viewer.location}/recording"
        await client.post(address)
        async with asyncio.timeout(5):
            while (told := await (await client.get(address)).json())["state"] == "recording":
                await asyncio.sleep(0.02)
        assert told["state"] == "failed"
        assert "cannot be written" in told["why"]
        viewer.channel.send('{"type": "say", "text": "one"}')
        assert (await viewer.wait_for("reply_ended"))["reason"] == "done"
