"""Avatars are prepared once, shared, and let go of when their file is another and nobody looks."""

import asyncio
import os
import shutil
import threading
from contextlib import asynccontextmanager

import pytest
from support.clip_by_hand import with_clip
from support.rig_by_hand import avatar

from visavis.engines.base import EngineError
from visavis.engines.fake import FakeGenerator
from visavis.models.avatar.backdrop import NOTHING, ORIGINAL, Backdrop
from visavis.models.avatar.file import SHIPPED, load_avatar
from visavis.models.errors import AvatarError
from visavis.models.pictures import double
from visavis.server.services.puppets import Puppets
from visavis.server.system.flow import Worker


class Blind(FakeGenerator):
    """Prepares, noting its thread, and draws only when told that it may."""

    may_draw = False

    def prepare(self, avatar):
        self.thread = threading.current_thread().name
        return super().prepare(avatar)

    def draw(self, portrayals, deadline):
        if not self.may_draw:
            raise EngineError("told to fail")
        return super().draw(portrayals, deadline)


@pytest.fixture
def path(tmp_path):
    return shutil.copy(SHIPPED / "mira.avatar", tmp_path / "mira.avatar")


@asynccontextmanager
async def lending(generator=None):
    worker = Worker("puppets")
    puppets = Puppets(generator or FakeGenerator(), worker)
    yield puppets, puppets._generator
    await tidied(puppets)
    worker.close()


async def tidied(puppets):
    await asyncio.gather(*puppets._tasks._tasks)


def touch(path):
    os.utime(path, ns=(1, os.stat(path).st_mtime_ns + 1))


async def test_avatars_made_of_a_clip_are_counted(tmp_path):
    path = tmp_path / "hand-made.avatar"
    with_clip(avatar()).save(path)
    async with lending() as (puppets, _):
        assert puppets.clips == 0
        loan = await puppets.lend(path)
        assert puppets.clips == 1
        loan.end()


async def test_ten_who_ask_at_once_share_one_preparation(path):
    async with lending() as (puppets, generator):
        loans = await asyncio.gather(*(puppets.lend(path) for _ in range(10)))
        assert [avatar.name for avatar in generator.prepared] == ["mira"]
        assert {loan.puppet for loan in loans} == {"puppet 1"}
        assert loans[0].still.shape == (96, 64)


async def test_preparing_happens_in_a_thread_of_its_own(path):
    generator = Blind()
    generator.may_draw = True
    async with lending(generator) as (puppets, _):
        await puppets.lend(path)
        assert generator.thread.startswith("puppets")


async def test_a_preparation_that_failed_is_tried_again(path):
    async with lending() as (puppets, generator):
        generator.broken = True
        failed = await asyncio.gather(*(puppets.lend(path) for _ in "ab"), return_exceptions=True)
        assert [type(one) for one in failed] == [EngineError] * 2
        generator.broken = False
        assert (await puppets.lend(path)).puppet == "puppet 1"


async def test_a_puppet_whose_first_picture_fails_is_released(path):
    async with lending(Blind()) as (puppets, generator):
        with pytest.raises(EngineError):
            await puppets.lend(path)
        assert generator.released == ["puppet 1"]
        generator.may_draw = True
        assert (await puppets.lend(path)).puppet == "puppet 2"


async def test_a_file_that_is_broken_or_missing_is_no_loan(path, tmp_path):
    async with lending() as (puppets, generator):
        path.write_bytes(b"no avatar")
        for bad in (path, tmp_path / "none.avatar"):
            with pytest.raises(AvatarError):
                await puppets.lend(bad)
        assert not generator.prepared
        shutil.copy(SHIPPED / "mira.avatar", path)
        assert (await puppets.lend(path)).puppet == "puppet 1"


async def test_one_who_gives_up_waiting_does_not_spoil_it_for_others(path):
    async with lending() as (puppets, generator):
        hasty, patient = (asyncio.create_task(puppets.lend(path)) for _ in "ab")
        while not puppets._entries:
            await asyncio.sleep(0)
        hasty.cancel()
        loan = await patient
        assert hasty.cancelled()
        path.unlink()
        loan.end()
        await tidied(puppets)
        assert generator.released == ["puppet 1"]


async def test_an_avatar_stays_prepared_after_its_last_session(path):
    async with lending() as (puppets, generator):
        (await puppets.lend(path)).end()
        await tidied(puppets)
        assert (await puppets.lend(path)).puppet == "puppet 1"
        assert not generator.released


async def test_a_changed_avatar_is_let_go_of_when_its_last_session_leaves(path):
    async with lending() as (puppets, generator):
        first, second = await puppets.lend(path), await puppets.lend(path)
        touch(path)
        changed = await puppets.lend(path)
        assert changed.puppet == "puppet 2"
        first.end()
        first.end()  # counts once
        await tidied(puppets)
        assert not generator.released
        second.end()
        await tidied(puppets)
        assert generator.released == ["puppet 1"]
        assert (await puppets.lend(path)).puppet == "puppet 2"


async def test_a_removed_avatar_is_let_go_of_when_its_last_session_leaves(path):
    async with lending() as (puppets, generator):
        loan = await puppets.lend(path)
        path.unlink()
        await tidied(puppets)
        assert not generator.released
        loan.end()
        await tidied(puppets)
        assert generator.released == ["puppet 1"]


async def test_an_unused_avatar_that_changed_goes_when_another_comes(path, tmp_path):
    async with lending() as (puppets, generator):
        (await puppets.lend(path)).end()
        await tidied(puppets)
        path.unlink()
        other = shutil.copy(SHIPPED / "tomas.avatar", tmp_path / "tomas.avatar")
        await puppets.lend(other)
        await tidied(puppets)
        assert generator.released == ["puppet 1"]


async def test_of_other_backgrounds_only_the_last_few_are_kept(path, monkeypatch):
    """Anybody may ask for any colour."""
    avatar = load_avatar(path)
    monkeypatch.setattr("visavis.server.services.puppets.load_avatar", lambda _path: avatar)
    async with lending() as (puppets, generator):
        own = await puppets.lend(path)
        held = await puppets.lend(path, Backdrop("colour", (9, 9, 9)))
        for shade in range(12):
            (await puppets.lend(path, Backdrop("colour", (shade, 0, 0)))).end()
            await tidied(puppets)
        assert len(generator.prepared) == 14
        assert generator.released == [f"puppet {n}" for n in range(3, 11)], "the oldest"
        own.end()
        held.end()
        await tidied(puppets)
        again = await puppets.lend(path, Backdrop("colour", (11, 0, 0)))
        assert again.puppet == "puppet 14"
        assert (await puppets.lend(path)).puppet == "puppet 1"


async def test_a_face_is_prepared_once_for_each_background(path):
    async with lending() as (puppets, generator):
        loans = [await puppets.lend(path, each) for each in (ORIGINAL, NOTHING, NOTHING)]
        assert [avatar.backdrop for avatar in generator.prepared] == [ORIGINAL, NOTHING]
        assert loans[1].puppet == loans[2].puppet != loans[0].puppet
        assert loans[1].still.shape == double.shape(64, 64)
