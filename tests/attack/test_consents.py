"""Avatar files and lists of revocations that are to be believed, or to hang who reads them."""

import asyncio
import datetime
import os
import threading
from dataclasses import replace

import pytest
from support.rig_by_hand import CONSENT, avatar

from visavis.engines.fake import FakeGenerator
from visavis.models.avatar import seal
from visavis.server.avatars.revocations import FILE, FOLDER
from visavis.server.avatars.store import AvatarStore
from visavis.server.commands.signing import tell
from visavis.server.services.puppets import Puppets
from visavis.server.system.flow import Worker
from visavis.server.system.installation import Installation

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
ANNA = replace(CONSENT, subject="Anna Example", given_by="Anna Example", date="2026-01-01")


@pytest.fixture
def store(tmp_path):
    (tmp_path / "avatars").mkdir()
    return AvatarStore(tmp_path)


def put(store, consent=ANNA, name="anna"):
    content = seal.sealed(avatar(name, consent).content(), Installation.of(store.home))
    store.file(name).write_bytes(content)
    return content


def test_no_byte_of_a_seal_can_be_changed(store):
    """Not those letters either of which a decoder drops some bits."""
    content = put(store)
    assert "anna" in store.find().readable
    for at in range(len(content) - seal.LENGTH - seal.END, len(content)):
        known = ALPHABET.find(content[at])
        for mask in (1, 2, 4, 8):
            byte = ALPHABET[known ^ mask] if known >= 0 else content[at] ^ mask
            store.file("anna").write_bytes(content[:at] + bytes([byte]) + content[at + 1 :])
            assert "anna" not in store.find().readable, at - len(content)


@pytest.mark.parametrize(
    ("date", "until"),
    [("0001-01-01", "9999-12-31"), ("9999-12-31", "9999-12-31"), ("0001-01-01", "0001-01-01")],
)
def test_days_at_the_ends_of_the_calendar_hide_no_other_avatar(store, date, until):
    put(store)
    put(store, replace(ANNA, date=date, until=until), "bert")
    found = store.find()
    assert {"anna", "mira"} <= found.readable.keys()
    assert ("bert" in found.readable) == (date < "2026" < until)
    assert bool(store.permit(found.cards["bert"]).over()) == (until < "2026")


def test_a_pipe_or_a_device_as_a_list_is_not_waited_for(store):
    put(store)
    folder = store.home / FOLDER
    folder.mkdir()
    for make in (os.mkfifo, lambda path: os.symlink("/dev/zero", path)):
        make(folder / FILE)
        reading = threading.Thread(target=store.find, daemon=True)
        reading.start()
        reading.join(20)
        assert not reading.is_alive()
        assert "is no file" in store.revocations.fault
        assert store.find().codes["anna"] == "consent-unknown"
        (folder / FILE).unlink()


def test_the_last_day_ends_at_midnight_whatever_the_clock_says_then(store):
    wall = [datetime.datetime(2026, 6, 1, 23, 59, 58, tzinfo=datetime.UTC)]
    monotonic = [100.0]
    put(store, replace(ANNA, until="2026-06-01"))
    card = store.find().cards["anna"]
    permit = type(store.permit(card))(
        card, store.revocations, lambda: wall[0], lambda: monotonic[0]
    )
    assert not permit.over()
    wall[0] += datetime.timedelta(seconds=3)
    assert permit.over()
    wall[0] -= datetime.timedelta(days=30)
    assert not permit.over()
    monotonic[0] += 3
    assert permit.over()


async def test_another_file_with_the_times_of_the_one_before_is_another_face(store):
    def exchange():
        times = os.stat(path)
        put(store, name="bert")
        os.replace(store.file("bert"), path)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    await asyncio.to_thread(put, store)
    path, worker = store.file("anna"), Worker("puppets")
    puppets = Puppets(FakeGenerator(), worker, store.vouch)
    loans = [await puppets.lend(path)]
    await asyncio.to_thread(exchange)
    loans.append(await puppets.lend(path))
    assert [each.card.name for each in loans] == ["anna", "bert"]
    for each in loans:
        each.end()
    await puppets._tasks.close()
    worker.close()


def test_a_record_cannot_write_what_only_we_say(store, capsys):
    """Whoever trusts or signs a file reads it before."""
    odd = "Anna\n  signed by visavis-000000\r\x1b[2K\x9b1A\u202eannA\u2028end"
    put(store, replace(ANNA, subject=odd, statement=f"{odd} agrees.é"))
    tell(store.find().cards["anna"])
    told = capsys.readouterr().out
    assert len(told.splitlines()) == 3
    assert all(letter.isprintable() for line in told.splitlines() for letter in line)
    assert "Anna\\n  signed by" in told
    assert "é" in told
