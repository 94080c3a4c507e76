"""Somebody who is an avatar here: known again, asked for, and forgotten with the avatar."""

import os
import shutil
import stat
from dataclasses import replace

import numpy as np
import pytest

from visavis.models.avatar import seal
from visavis.models.avatar.file import SHIPPED, Consent, changed, read_card
from visavis.models.recognition import SAME, SIZE
from visavis.server.avatars import faces as reading
from visavis.server.avatars.baking import Bake, Order, Refused
from visavis.server.avatars.comparing import UNCHECKED, Comparing, Comparison, given_anew
from visavis.server.avatars.faces import Face, Faces, FacesUnread, packed, unpacked
from visavis.server.avatars.likeness import (
    SAME_MADE,
    Claim,
    Kept,
    Resemblance,
    alike,
    objection,
    same_subject,
)
from visavis.server.avatars.revocations import Entry
from visavis.server.avatars.store import AvatarStore
from visavis.server.system.installation import Installation

ANNA = Consent("Anna Example", "I agree", "Anna Example", "2026-11-01")
NOBODY = replace(ANNA, subject="nobody: synthetic")


def template(*first):
    numbers = np.zeros(SIZE, np.float32)
    numbers[: len(first)] = first
    return numbers / np.linalg.norm(numbers)


def leaning(cosine):
    return template(cosine, (1 - cosine**2) ** 0.5)


OWN = template(1)


def code(consent=ANNA, standing="given", **claim):
    claim = Claim(**({"subject": "Bob"} | claim))
    found = objection([Resemblance("anna", Kept(consent, standing), 0.7)], claim)
    return found.code if found else None


# --- the rules ------------------------------------------------------------------------------------


def test_another_name_for_a_face_that_is_here_is_asked_about():
    assert code() == "likeness-known"
    assert code(subject="  anna   EXAMPLE ") is None
    assert code(words="She has married, and is called Bob now.") is None
    assert code(present=True) == "likeness-known"  # there, and still under another name
    assert objection([], Claim("Bob")) is None


def test_a_consent_that_has_ended_is_given_again_in_words_or_in_person():
    same = {"standing": "expired", "subject": "Anna Example"}
    assert code(**same) == "likeness-expired"
    assert code(**same, words="Anna has signed for another year.") is None
    assert code(**same, present=True) is None


def test_a_consent_that_was_taken_back_is_given_again_by_that_person_alone():
    same = {"standing": "revoked", "subject": "Anna Example"}
    assert code(**same) == "likeness-revoked"
    assert code(**same, words="She agrees again.") == "likeness-revoked"
    assert code(**same, present=True) is None
    assert code(standing="revoked", present=True, subject="Bob") == "likeness-revoked"
    assert code(**same, operator=True) == "likeness-revoked"
    assert code(**same, operator=True, words="Signed on paper today.") is None


def test_the_worst_of_several_is_told_first():
    found = [
        Resemblance("anna", Kept(ANNA), 0.9),
        Resemblance("old", Kept(replace(ANNA, subject="Anna E."), "revoked"), 0.5),
    ]
    told = objection(found, Claim("Anna Example"))
    assert told.code == "likeness-revoked"
    assert "'old'" in told.message
    assert "Anna E." not in told.message  # whose record it is, is nobody's business


@pytest.mark.parametrize(
    ("cosine", "consent", "same"),
    [(SAME + 0.01, ANNA, True), (SAME - 0.01, ANNA, False),
     (SAME_MADE + 0.01, NOBODY, True), (SAME_MADE - 0.01, NOBODY, False)],
)  # fmt: skip
def test_people_are_known_sooner_than_faces_of_nobody(cosine, consent, same):
    found = alike(OWN, [Face("anna", leaning(cosine))], {"anna": Kept(consent)})
    assert bool(found) is same


def test_the_likest_comes_first_and_faceless_ones_are_like_nobody():
    faces = [Face("a", leaning(0.6)), Face("b", leaning(0.9)), Face("c", None)]
    found = alike(OWN, faces, dict.fromkeys("abc", Kept(ANNA)))
    assert [each.avatar for each in found] == ["b", "a"]


def test_nobody_is_nobody_however_it_is_said():
    assert same_subject("nobody: synthetic", "Nobody: drawn or generated")
    assert not same_subject("nobody", "Nobodyson")


# --- what is kept of a face -----------------------------------------------------------------------


def test_numbers_come_back_and_nothing_else_does():
    assert np.allclose(unpacked(packed(leaning(0.3))), leaning(0.3))
    assert unpacked(packed(None)) is None
    for bad in ("x", "AAAA", packed(leaning(0.3))[:-4], packed(2 * OWN), packed(np.nan * OWN), 7):
        with pytest.raises(ValueError):  # noqa: PT011 three libraries have their own words
            unpacked(bad)


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """A home whose faces were read once: those of mira, of a copy of hers, and of a broken file."""
    home = tmp_path_factory.mktemp("home")
    (home / "avatars").mkdir()
    copy = shutil.copy(SHIPPED / "mira.avatar", home / "avatars" / "copy.avatar")
    (home / "avatars" / "broken.avatar").write_bytes(b"no avatar")
    avatars = {
        "mira": SHIPPED / "mira.avatar",
        "copy": copy,
        "broken": home / "avatars" / "broken.avatar",
    }
    avatars = {name: home.__class__(path) for name, path in avatars.items()}
    first = Faces(home).read(avatars)
    try:
        return home, avatars, {face.avatar: face.template for face in first.all()}
    finally:
        first.close()


def test_faces_are_read_from_the_avatars_files(read):
    _, _, found = read
    assert found["mira"] @ found["copy"] > 0.999
    assert found["broken"] is None


def test_they_are_kept_for_the_owner_alone_and_read_once(read, monkeypatch):
    home, avatars, _ = read
    folder = home / reading.FOLDER
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    monkeypatch.setattr(reading.Reading, "_begin", lambda *_: pytest.fail("read again"))
    assert len(Faces(home).read(avatars).all()) == 3


def test_a_changed_file_is_read_again_and_a_gone_one_is_forgotten(read, tmp_path, monkeypatch):
    home = shutil.copytree(read[0], tmp_path / "home", copy_function=shutil.copy2)
    avatars = {"mira": read[1]["mira"], "copy": home / "avatars" / "copy.avatar"}
    os.utime(avatars["copy"])
    asked = []
    monkeypatch.setattr(reading.Reading, "_begin", lambda self, _: asked.extend(self._unread))
    pending = Faces(home).read(avatars)
    assert asked == ["copy"]
    with pytest.raises(FacesUnread, match="1 avatars"):
        pending.all()
    kept = {file.stem for file in (home / reading.FOLDER).iterdir()}
    assert kept == {"mira", "copy"}
    Faces(home).forget("mira")
    assert not (home / reading.FOLDER / "mira.face").exists()


def test_of_an_avatar_that_was_deleted_by_hand_nothing_stays(tmp_path):
    faces, store = Faces(tmp_path), AvatarStore(tmp_path)
    for name in ("mira", "gone"):
        faces.keep(Face(name, OWN), SHIPPED / "mira.avatar")
    Comparing(store, faces).tidy(store.find().cards)
    assert [file.stem for file in (tmp_path / reading.FOLDER).iterdir()] == ["mira"]


def test_reading_can_be_ended_at_any_moment(tmp_path):
    pending = Faces(tmp_path).read({"mira": SHIPPED / "mira.avatar"})
    pending.close()
    with pytest.raises(FacesUnread):
        pending.all()


def test_what_cannot_be_compared_is_no_leave(tmp_path):
    class Unread:
        def all(self):
            raise FacesUnread("Try again in a minute.")

    comparison = Comparison(tmp_path, Unread(), {})
    assert comparison.objection(OWN, Claim("Bob")).code == UNCHECKED
    assert comparison.objection(None, Claim("Bob")).code == UNCHECKED


# --- with a store ---------------------------------------------------------------------------------


@pytest.fixture
def anna(tmp_path):
    """A store with Anna's avatar, whose face is mira's."""
    store = AvatarStore(tmp_path)
    path = store.file("anna")
    path.parent.mkdir()
    shutil.copy(SHIPPED / "mira.avatar", path)
    path.write_bytes(changed(path, replace(read_card(path), name="anna", consent=ANNA)))
    path.write_bytes(seal.sealed(path.read_bytes(), Installation.of(tmp_path)))
    return store


def test_a_face_whose_consent_was_taken_back_is_known_again_until_its_file_goes(anna, tmp_path):
    faces, card = Faces(tmp_path), read_card(anna.file("anna"))
    for name, path in (("anna", anna.file("anna")), ("tomas", SHIPPED / "tomas.avatar")):
        faces.keep(Face(name, OWN if name == "anna" else leaning(0.1)), path)
    faces.keep(Face("mira", leaning(0.1)), SHIPPED / "mira.avatar")

    def told(claim):
        with Comparing(anna, faces).begin() as comparison:
            found = comparison.objection(leaning(0.7), claim)
            return found.code if found else None

    assert told(Claim("Anna Example")) is None
    at = "2026-11-02T00:00:00Z"
    anna.revocations.add([Entry("revoked", card.reference, card.photo_sha256, "anna", at)])
    assert told(Claim("Anna Example")) == "likeness-revoked"
    assert told(Claim("Anna Example", present=True)) is None
    anew = replace(card, name="anew", consent=replace(ANNA, proof="she was there"))
    assert anna.standing(anew).code == "consent-revoked"  # it is of the same photo
    given_anew(anna, anew)
    assert (anna.standing(anew).code, anna.standing(card).code) == ("", "consent-revoked")
    anna.file("anna").unlink()
    assert told(Claim("Anna Example")) is None
    assert not (tmp_path / reading.FOLDER / "anna.face").exists()


# --- a real bake ----------------------------------------------------------------------------------


@pytest.mark.slow  # the same rules as above, through the process that bakes
@pytest.mark.timeout(180)
def test_a_picture_of_a_persona_as_somebody_else_is_refused(tmp_path):
    store = AvatarStore(tmp_path)
    order = Order("me", store.file("me"), replace(ANNA, subject="Mira Example"), "x")
    comparing = Comparing(store, Faces(tmp_path))
    photo = (SHIPPED / "mira.webp").read_bytes()
    *_, end = Bake(order, photo, comparing=comparing).run()
    assert isinstance(end, Refused)
    assert end.code == "likeness-known"
    assert not order.path.exists()
