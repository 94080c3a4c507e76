"""Whose avatars are used and for what: signatures, dates, uses, languages, what was taken back."""

import datetime
import json
import os
import shutil
from dataclasses import replace

import pytest
from support.rig_by_hand import CONSENT, avatar

from visavis.models.avatar import seal
from visavis.models.avatar.file import SHIPPED, changed, read_card
from visavis.server.avatars import standing as standings
from visavis.server.avatars.revocations import FILE, FOLDER, Entry, Revocations
from visavis.server.avatars.signatures import Signatures, shipped
from visavis.server.avatars.standing import GRACE, Permit, standing
from visavis.server.avatars.store import AvatarStore
from visavis.server.system.errors import ConfigError, Ended, NotAllowed, NotFound
from visavis.server.system.installation import Installation

ANNA = replace(CONSENT, subject="Anna Example", given_by="Anna Example", date="2026-01-01")
BARE = avatar("anna", ANNA).content()


class Wall:
    """A clock that is set."""

    def __init__(self):
        self.now = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)

    def __call__(self):
        return self.now


@pytest.fixture
def wall():
    return Wall()


@pytest.fixture
def store(tmp_path, wall):
    home = tmp_path / "home"
    (home / "avatars").mkdir(parents=True)
    return AvatarStore(home, wall=wall)


def put(store, name="anna", consent=ANNA, signer=None, **card):
    """An avatar of Anna's in the home, signed by it."""
    path = store.file(name)
    path.write_bytes(BARE)
    with_card = changed(path, replace(read_card(path), name=name, consent=consent, **card))
    path.write_bytes(seal.sealed(with_card, signer or Installation.of(store.home)))
    return path


def refused(store, name="anna", *uses):
    with pytest.raises(NotFound) as caught:
        store.usable(name, *uses)
    return type(caught.value), caught.value.code


def revoke(store, card, **more):
    entry = Entry("revoked", card.reference, card.photo_sha256, card.name, "2026-06-01T00:00:00Z")
    store.revocations.add([replace(entry, **more)])


# --- whose signature ----------------------------------------------------------------------------


def test_ours_is_used_and_what_came_with_visavis(store):
    put(store)
    assert store.usable("anna", "live", "camera")[1].consent == ANNA
    assert store.load("anna", "videos").card.name == "anna"
    for name in ("mira", "tomas"):
        assert store.usable(name, "live")[1].origin.sha256 in shipped()
        shutil.copy(SHIPPED / f"{name}.avatar", store.file(f"{name}-2"))
        assert store.usable(f"{name}-2", "live")


def test_a_changed_one_is_refused_with_words_wherever_it_is_asked_for(store):
    path = put(store)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert "changed after it was signed" in store.find().broken["anna"]
    for ask in (store.path, store.preview, lambda name: store.load(name, "live")):
        with pytest.raises(NotFound, match="changed after it was signed"):
            ask("anna")


def test_one_of_another_installation_is_refused_until_its_key_is_trusted(store, tmp_path):
    other = Installation.of(tmp_path / "other")
    put(store, signer=other)
    assert refused(store) == (NotAllowed, "avatar-untrusted")
    assert "visavis avatar trust anna" in store.find().broken["anna"]
    store.signatures.trust(other.key, "the office")
    assert store.usable("anna", "live")
    assert store.signatures.trusted() == {other.key: "the office"}
    assert store.signatures.distrust(other.key)
    assert not store.signatures.distrust(other.key)
    assert refused(store) == (NotAllowed, "avatar-untrusted")


def test_no_key_is_trusted_that_is_none(store):
    for odd in ("", "nonsense", "A" * 44, "A" * 43 + "=\nB"):
        with pytest.raises(ConfigError):
            store.signatures.trust(odd, "x")


def test_unsigned_ones_of_an_earlier_version_go_on_and_new_ones_are_refused(store):
    store.file("old").write_bytes(BARE)
    assert store.usable("old", "live")  # there never was a key here
    Installation.of(store.home)
    assert store.usable("old", "live")  # and now it is known
    store.file("new").write_bytes(avatar("new", ANNA).content())
    assert refused(store, "new") == (NotAllowed, "avatar-unsigned")
    assert "visavis avatar sign new" in store.find().broken["new"]
    store.file("new").write_bytes(store.sealed(store.file("new").read_bytes()))
    assert store.usable("new", "live")
    store.file("old").write_bytes(avatar("old", CONSENT).content())  # another record in its place
    assert refused(store, "old") == (NotAllowed, "avatar-unsigned")


def test_a_signature_that_is_taken_off_makes_no_old_file(store):
    path = put(store)
    assert store.usable("anna", "live")
    path.write_bytes(seal.unsealed(path.read_bytes()))
    assert refused(store) == (NotAllowed, "avatar-unsigned")


def test_a_persona_that_was_changed_is_refused(store, tmp_path, monkeypatch):
    folder = tmp_path / "personas"
    folder.mkdir()
    (folder / "mira.avatar").write_bytes(BARE)
    for module in ("store", "signatures"):
        monkeypatch.setattr(f"visavis.server.avatars.{module}.SHIPPED", folder)
    assert refused(store, "mira") == (NotAllowed, "avatar-changed")


def test_an_avatar_that_was_exchanged_since_is_not_drawn(store, tmp_path):
    path = put(store)
    with pytest.raises(Exception, match="another installation"):
        other = put(store, "other", signer=Installation.of(tmp_path / "other"))
        store.vouch(read_card(other), path)


def test_a_home_that_cannot_be_written_uses_what_lies_there(tmp_path):
    store = AvatarStore(tmp_path / "no" / "home")
    assert "mira" in store.find().readable
    assert not (tmp_path / "no").exists()  # to look makes nothing


# --- until when, for what, in which language ----------------------------------------------------


def test_it_ends_with_its_last_day(store, wall):
    put(store, consent=replace(ANNA, until="2026-06-30"))
    wall.now = datetime.datetime(2026, 6, 30, 23, 59, tzinfo=datetime.UTC)
    assert store.usable("anna", "live")
    wall.now = datetime.datetime(2026, 7, 1, 0, 0, tzinfo=datetime.UTC)
    assert refused(store) == (Ended, "consent-expired")
    assert "2026-06-30" in store.find().broken["anna"]
    assert store.find().cards["anna"].consent.until == "2026-06-30"


def test_a_clock_before_the_record_is_told(store, wall):
    put(store, consent=replace(ANNA, until="2026-06-30"))
    put(store, "ever")
    wall.now = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    assert refused(store) == (NotAllowed, "consent-clock")
    assert "set the clock" in store.find().broken["anna"]
    assert store.usable("ever", "live")  # nothing about it depends on the clock


def test_uses_that_were_not_allowed_are_refused(store):
    put(store, consent=replace(ANNA, uses=("live",)))
    assert store.usable("anna", "live")
    for use in ("videos", "camera"):
        assert refused(store, "anna", use) == (NotAllowed, "use-not-allowed")
    assert refused(store, "anna", "live", "videos") == (NotAllowed, "use-not-allowed")
    with pytest.raises(NotAllowed, match="--uses live,videos"):
        store.load("anna", "videos")


def test_languages(store):
    card = read_card(put(store, consent=replace(ANNA, languages=("de", "fr"))))
    assert standings.spoken(card, ("en", "de"), "anna") == ("de",)
    standings.check_language("de-AT", ("de",), "anna")
    with pytest.raises(NotAllowed) as caught:
        standings.check_language("en", ("de",), "anna")
    assert caught.value.code == "language-not-allowed"
    with pytest.raises(NotAllowed):
        standings.spoken(card, ("en",), "anna")
    free = read_card(put(store, "free"))
    assert standings.spoken(free, ("en", "de"), "free") == ("en", "de")


# --- taken back ---------------------------------------------------------------------------------


def test_a_consent_is_taken_back_copies_too(store):
    path = put(store)
    put(store, "other", photo_sha256="1" * 64)
    shutil.copy(path, store.file("copy"))
    put(store, "again", consent=replace(ANNA, statement="other words"))  # made of the same photo
    permit = store.permit(read_card(path))
    assert permit.over() == ""
    revoke(store, read_card(path))
    for name in ("anna", "copy", "again"):
        assert refused(store, name) == (Ended, "consent-revoked")
    assert store.usable("other", "live")
    assert "does not allow it any more" in permit.over()


def test_a_server_whose_usual_face_may_not_be_shown_starts_with_another_one(store):
    path = put(store)
    assert store.standing_in("anna") == "anna"
    revoke(store, read_card(path))
    assert store.standing_in("anna") in store.find().readable
    with pytest.raises(NotFound, match="no avatar"):
        store.standing_in("nobody-here")


def test_one_that_is_given_anew_is_used_again_and_its_old_copies_are_not(store):
    path = put(store)
    shutil.copy(path, store.file("copy"))
    revoke(store, read_card(path))
    card = read_card(put(store, consent=replace(ANNA, date="2026-06-02T10:00:00Z")))
    assert refused(store) == (Ended, "consent-revoked")
    store.revocations.add([Entry("renewed", card.reference, "", "anna", "2026-06-02T10:00:00Z")])
    assert store.usable("anna", "live")
    assert refused(store, "copy") == (Ended, "consent-revoked")
    revoke(store, card)
    assert refused(store) == (Ended, "consent-revoked")


def test_a_list_that_was_lost_while_nothing_ran_is_missed(store):
    path = put(store)
    revoke(store, read_card(path))
    (store.home / "consent" / "revoked.json").unlink()
    later = AvatarStore(store.home)
    assert refused(later) == (NotAllowed, "consent-unknown")
    assert "is missing" in later.revocations.fault
    with pytest.raises(ConfigError, match="keys/revocations"):
        revoke(later, read_card(path))
    (store.home / "keys" / "revocations").unlink()
    revoke(later, read_card(path))
    assert refused(later) == (Ended, "consent-revoked")


def test_other_processes_see_it_at_their_next_look(store, tmp_path):
    card = read_card(put(store))
    others = Revocations(store.home, store.signatures)
    others.look()
    assert others.of(card) is None
    revoke(store, card, reason="she asked", by="a test")
    others.look()
    assert others.of(card).reason == "she asked"
    mode = (store.home / FOLDER / FILE).stat().st_mode & 0o777
    assert mode == 0o600


def test_a_shared_list_counts_for_machines_that_trust_who_wrote_it(store, tmp_path, wall):
    shared = tmp_path / "shared.json"
    there = AvatarStore(tmp_path / "there", shared, wall)
    there.folder.mkdir(parents=True)
    path = put(store)
    shutil.copy(path, there.file("anna"))
    there.signatures.trust(Installation.of(store.home).key, "here")
    assert refused(there) == (NotAllowed, "consent-unknown")  # the list should be there
    here = AvatarStore(store.home, shared, wall)
    here.revocations.add([])
    assert there.usable("anna", "live")
    revoke(here, read_card(path))
    assert refused(there) == (Ended, "consent-revoked")
    stranger = AvatarStore(tmp_path / "stranger", shared, wall)
    stranger.revocations.look()
    assert "avatar trust" in stranger.revocations.fault


# --- lists that cannot be believed --------------------------------------------------------------


def listed(store):
    return store.home / FOLDER / FILE


SPOILT = {
    "cut": lambda text: text[: len(text) // 2],
    "empty": lambda text: "",
    "no JSON": lambda text: "\x00nonsense",
    "a number": lambda text: "1",
    "other keys": lambda text: "{}",
    "no entries": lambda text: json.dumps({**json.loads(text), "entries": 5}),
    "an entry less": lambda text: json.dumps({**json.loads(text), "entries": []}),
    "a forged signature": lambda text: json.dumps(
        {**json.loads(text), "signature": "A" * 86 + "=="}
    ),
    "an odd key": lambda text: json.dumps({**json.loads(text), "key": "AAAA"}),
    "another entry": lambda text: text.replace("revoked", "renewed"),
    "huge": lambda text: text + " " * 5_000_000,
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_spoilt_list_lets_nobody_new_in_whose_face_is_a_persons(store, how):
    card = read_card(put(store))
    put(store, "other", photo_sha256="1" * 64)
    put(store, "synthetic", consent=CONSENT, photo_sha256="2" * 64)
    revoke(store, card)
    text = listed(store).read_text()
    listed(store).write_text(SPOILT[how](text))
    for each in (AvatarStore(store.home), store):  # one that starts, one that knew it before
        assert refused(each, "other") == (NotAllowed, "consent-unknown")
        assert each.usable("synthetic", "live")
    assert refused(store) == (Ended, "consent-revoked")  # what it said last holds
    with pytest.raises(ConfigError, match="backup"):
        revoke(store, card)
    listed(store).write_text(text)
    assert store.usable("other", "live")


def test_a_list_that_vanishes_or_goes_back_is_told(store):
    card = read_card(put(store))
    store.revocations.add([])
    older = listed(store).read_bytes()
    revoke(store, card)
    newer = listed(store).read_bytes()
    listed(store).unlink()
    store.revocations.look()
    assert "missing" in store.revocations.fault
    listed(store).write_bytes(older)
    store.revocations.look()
    assert "older list" in store.revocations.fault
    assert refused(store) == (Ended, "consent-revoked")
    listed(store).write_bytes(newer)
    store.revocations.look()
    assert store.revocations.fault == ""


def test_running_sessions_go_on_for_a_while_when_the_list_cannot_be_read(store):
    card = read_card(put(store))
    store.revocations.add([])
    now = [0.0]
    lists = Revocations(store.home, store.signatures, now=lambda: now[0])
    lists.look()
    permit = Permit(card, lists)
    listed(store).write_text("spoilt")
    lists.look()
    assert standing(card, lists, standings.utc()).code == "consent-unknown"
    assert permit.over() == ""
    now[0] = GRACE - 1
    assert permit.over() == ""
    now[0] = GRACE + 1
    assert permit.over()


def test_a_full_disk_is_told_and_nothing_is_half_written(store, monkeypatch):
    card = read_card(put(store))
    revoke(store, card)
    before = listed(store).read_bytes()
    full = OSError(28, "No space left on device")
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(full))
    with pytest.raises(ConfigError, match="No space left"):
        revoke(store, card, reason="again")
    assert listed(store).read_bytes() == before
    assert [p.name for p in listed(store).parent.iterdir() if p.suffix == ".part"] == []


# --- clocks -------------------------------------------------------------------------------------


def test_a_clock_that_is_set_back_lengthens_nothing_and_one_set_forward_ends_it(store, wall):
    card = read_card(put(store, consent=replace(ANNA, until="2026-06-01")))
    seconds = [100.0]
    permit = Permit(card, store.revocations, wall, lambda: seconds[0])
    assert permit.over() == ""
    wall.now -= datetime.timedelta(days=400)
    assert permit.over() == ""
    seconds[0] += 24 * 3600 - 1
    assert permit.over() == ""
    seconds[0] += 2
    assert permit.over()
    again = Permit(card, store.revocations, wall, lambda: seconds[0])
    wall.now += datetime.timedelta(days=402)
    assert again.over()


def test_signatures_of_a_home_without_any(tmp_path):
    counting = Signatures(tmp_path).counting()
    assert (counting.own, counting.keys, counting.adopted) == ("", frozenset(), None)


def test_a_key_that_cannot_be_read_opens_nothing(store):
    Installation.of(store.home)
    (store.home / "keys" / "installation.pem").write_text("damaged")
    store.file("new").write_bytes(BARE)
    assert refused(store, "new") == (NotAllowed, "avatar-unsigned")


def test_keys_of_the_settings_count(store, tmp_path):
    other = Installation.of(tmp_path / "other")
    put(store, signer=other)
    assert AvatarStore(store.home, keys=(other.key,)).usable("anna", "live")
    assert refused(store) == (NotAllowed, "avatar-untrusted")
