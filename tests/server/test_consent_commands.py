"""`visavis consent` and `visavis avatar sign, import, trust`, as an operator types them."""

import json
import shutil
from dataclasses import replace

import pytest
from support.rig_by_hand import CONSENT, avatar

from visavis.models.avatar.file import read_card
from visavis.server.avatars.store import AvatarStore
from visavis.server.cli import main
from visavis.server.system.installation import Installation

ANNA = replace(CONSENT, subject="Anna Example", given_by="Anna Example", date="2026-01-01")


@pytest.fixture
def home(tmp_path, monkeypatch):
    home = tmp_path / "home"
    monkeypatch.setenv("VISAVIS_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    put(AvatarStore(home))
    return home


def put(store, name="anna", consent=ANNA):
    store.folder.mkdir(parents=True, exist_ok=True)
    store.file(name).write_bytes(store.sealed(avatar(name, consent).content()))
    return store.file(name)


@pytest.fixture
def run(home, capsys):
    def run(*words):
        status = main(list(words))
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


def state(run, name="anna"):
    return json.loads(run("consent", "show", name, "--json")[1])["state"]


def test_a_consent_is_shown_taken_back_and_given_anew(run, home):
    shutil.copy(home / "avatars" / "anna.avatar", home / "avatars" / "copy.avatar")
    status, said = run("consent", "show", "anna")
    assert (status, "Anna Example" in said, "in force" in said) == (0, True, True)
    before = json.loads(run("consent", "show", "anna", "--json")[1])["reference"]
    status, said = run("consent", "revoke", "anna", "--reason", "she asked")
    assert (status, "and to copy" in said) == (0, True)
    assert run("consent", "show", "anna")[0] == 1
    assert (state(run), state(run, "copy")) == ("taken back", "taken back")
    rows = {row["avatar"]: row for row in json.loads(run("consent", "list", "--json")[1])}
    assert (rows["anna"]["reason"], rows["mira"]["state"]) == ("she asked", "in force")
    status, said = run("avatar", "list")
    assert "cannot be used: the consent to it was taken back" in said
    assert "taken back before" in run("consent", "revoke", "anna")[1]
    status, said = run(
        "consent", "renew", "anna", "--consent", "Yes, again", "--until", "2999-01-31",
        "--uses", "live,camera",
    )  # fmt: skip
    assert (status, "until 2999-01-31" in said) == (0, True)
    after = json.loads(run("consent", "show", "anna", "--json")[1])
    assert (after["state"], after["statement"]) == ("in force", "Yes, again")
    assert after["uses"] == ["live", "camera"]
    assert after["reference"] != before
    assert state(run, "copy") == "taken back"


def test_every_deed_is_in_the_audit_log(run, home):
    run("consent", "revoke", "anna")
    run("consent", "renew", "anna", "--consent", "Yes, again")
    said = run("audit", "show", "--json")[1]
    deeds = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert [each["what"] for each in deeds] == ["consent-revoked", "consent-changed"]
    assert "Yes, again" not in said


def test_a_consent_is_taken_back_by_its_reference(run, home, tmp_path):
    gone = put(AvatarStore(home), "gone", replace(ANNA, statement="another"))
    reference = read_card(gone).reference
    kept = shutil.move(gone, tmp_path / "kept.avatar")
    assert run("consent", "revoke", reference)[0] == 0
    shutil.move(kept, gone)
    assert state(run, "gone") == "taken back"
    assert state(run) == "in force"


@pytest.mark.parametrize(
    "words",
    [
        ("consent", "show", "nobody"), ("consent", "revoke", "nobody"),
        ("consent", "revoke", "../../etc/passwd"), ("avatar", "sign", "nobody"),
        ("consent", "renew", "mira", "--consent", "x"), ("avatar", "sign", "mira"),
        ("consent", "renew", "anna", "--consent", " "),
        ("consent", "renew", "anna", "--consent", "x", "--until", "2020-01-01"),
        ("avatar", "trust", "nonsense"), ("avatar", "import", "nothing.avatar"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_and_changes_nothing(run, home, words):
    content = (home / "avatars" / "anna.avatar").read_bytes()
    status, said = run(*words)
    assert status in (1, 2)
    assert said.startswith("visavis: ")
    assert (home / "avatars" / "anna.avatar").read_bytes() == content
    assert not (home / "consent").exists()


def test_an_unsigned_avatar_is_signed_once_its_record_was_shown(run, home):
    new = home / "avatars" / "new.avatar"
    new.write_bytes(avatar("new", ANNA).content())
    run("avatar", "list")  # from here on unsigned ones are known
    put(AvatarStore(home), "later").write_bytes(avatar("later", ANNA).content())
    assert "is not signed" in run("consent", "renew", "later", "--consent", "x")[1]
    status, said = run("avatar", "sign", "later")
    assert (status, "Anna Example" in said) == (0, True)
    assert state(run, "later") == "in force"
    assert state(run, "new") == "in force"


def test_an_avatar_of_another_installation_is_taken_in_when_it_is_trusted(run, home, tmp_path):
    there = AvatarStore(tmp_path / "there")
    made = put(there, "bert")
    key = Installation.of(tmp_path / "there").key
    status, said = run("avatar", "import", str(made))
    assert (status, "--trust" in said, "Anna Example" in said) == (1, True, True)
    assert not (home / "avatars" / "bert.avatar").exists()
    assert run("avatar", "import", str(made), "--trust")[0] == 0
    assert state(run, "bert") == "in force"
    assert key in run("avatar", "trust")[1]
    assert "exists" in run("avatar", "import", str(made))[1]
    assert run("avatar", "trust", "bert", "--remove")[0] == 0
    assert "cannot be used" in run("avatar", "list")[1]
    assert run("avatar", "trust", key, "--called", "the office")[0] == 0
    assert json.loads(run("avatar", "trust", "--json")[1])["trusted"] == {key: "the office"}
    unsigned = tmp_path / "unsigned.avatar"
    unsigned.write_bytes(avatar("carl", ANNA).content())
    assert "is not signed" in run("avatar", "import", str(unsigned), "--trust")[1]


def test_a_changed_file_is_refused_by_every_command(run, home):
    path = home / "avatars" / "anna.avatar"
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)
    for words in (
        ("avatar", "show", "anna"), ("avatar", "check", "anna"), ("avatar", "sign", "anna"),
        ("consent", "show", "anna"), ("consent", "renew", "anna", "--consent", "x"),
        ("say", "Hello", "--avatar", "anna", "-o", "x.mp4"),
    ):  # fmt: skip
        status, said = run(*words)
        assert (status, "changed after it was signed" in said) == (1, True), words


def test_a_film_needs_a_consent_for_videos_and_its_language(run, home, tmp_path):
    put(AvatarStore(home), "live-only", replace(ANNA, uses=("live",)))
    put(AvatarStore(home), "german", replace(ANNA, languages=("de",)))
    status, said = run("say", "Hello", "--avatar", "live-only", "-o", "x.mp4")
    assert (status, "not for videos" in said) == (1, True)
    status, said = run("say", "Hello", "--avatar", "german", "-o", "x.mp4")
    assert (status, "languages de only" in said) == (1, True)
    assert not (tmp_path / "x.mp4").exists()
