"""Films signed and verified, by the SDK's own reader; and what is said of those that are odd."""

import datetime
import json
import os
import shutil
import threading
import zlib

import av
import pytest
from support import films, stamping
from support.films import NOW

from visavis.server.provenance import binding, keyring, sdk, verifying
from visavis.server.provenance import films as making
from visavis.server.provenance.certificates import CertificateFault, Pair
from visavis.server.provenance.claims import Film
from visavis.server.provenance.films import FilmSigning
from visavis.server.provenance.keyring import Keyring
from visavis.server.provenance.signing import OFF, Signatory
from visavis.server.system.errors import ConfigError, NotFound

ANNA = Film("anna", "recorded", consent="c0ffee", voice="heart", language="en", session="live")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Films as they are written, and a home with keys."""
    folder = tmp_path_factory.mktemp("films")
    films.film(folder / "live.mp4")
    films.fine(folder / "fine.mp4")
    films.fine(folder / "fine.mov")
    films.film(folder / "live.webm")
    (folder / "still.png").write_bytes(films.photo("PNG"))
    (folder / "still.webp").write_bytes(films.photo("WEBP"))
    sound(folder / "voice.wav")
    Keyring.of(folder / "home")
    return folder


def sound(path):
    with av.open(str(path), "w") as file:
        stream = file.add_stream("pcm_s16le", rate=16000, layout="mono")
        frame = av.AudioFrame(format="s16", layout="mono", samples=1600)
        frame.rate = 16000
        file.mux(stream.encode(frame))


@pytest.fixture
def home(made):
    return made / "home"


@pytest.fixture
def taken(made, tmp_path):
    """A copy of a film, to be signed."""

    def copy(name):
        return shutil.copy(made / name, tmp_path / name)

    return copy


def verdict(path, home, **options):
    return verifying.verdict(path, verifying.own_anchors(home), "own", **options)


EVERY = ["live.mp4", "fine.mp4", "fine.mov", "live.webm", "still.png", "still.webp", "voice.wav"]


@pytest.mark.parametrize("name", EVERY)
def test_a_signed_file_is_known_for_what_it_is(taken, home, name):
    path = taken(name)
    assert verdict(path, home).state == "unsigned"
    before = path.read_bytes()
    outcome = Signatory(home).sign(path, ANNA)
    assert outcome.why == ""
    found = verdict(path, home)
    assert (found.state, found.signer.trust, found.is_trusted) == ("valid", "own", True)
    assert found.claims["made_by"] == "compositeWithTrainedAlgorithmicMedia"
    assert found.claims["consent"] == "c0ffee"
    assert found.claims["actions"] == ["c2pa.created"]  # no mark is named that is not there
    assert "nobody but its signer says when it was made" in found.notes
    if name == "live.webm":
        assert path.read_bytes() == before
        assert outcome.beside == path.with_suffix(".c2pa")


@pytest.mark.parametrize("name", ["live.mp4", "fine.mp4"])
def test_a_signed_film_plays_as_before(taken, home, name):
    path = taken(name)
    Signatory(home).sign(path, ANNA)
    with av.open(str(path)) as file:
        assert sum(1 for _ in file.decode(video=0)) == 50
    with path.open("rb") as file:
        kinds = [box.kind for box in binding.boxes(file)]
    assert kinds[-1] == (b"mfra" if name == "live.mp4" else b"uuid")  # who seeks finds the index


@pytest.mark.parametrize("name", ["live.mp4", "fine.mp4", "live.webm", "still.png", "voice.wav"])
def test_one_changed_byte_is_told(taken, home, name):
    path = taken(name)
    Signatory(home).sign(path, ANNA)
    content = bytearray(path.read_bytes())
    at = content.rfind(b"mdat") + 200 if b"mdat" in content else len(content) * 2 // 3
    if name == "voice.wav":
        at = content.find(b"data") + 100
    if name == "still.png":
        at = content.find(b"IDAT") + 100
    content[at] ^= 1
    if name == "still.png":  # as whoever edits it would, with a checksum that is right
        begin = content.find(b"IDAT")
        size = int.from_bytes(content[begin - 4 : begin])
        checksum = zlib.crc32(content[begin : begin + 4 + size])
        content[begin + 4 + size : begin + 8 + size] = checksum.to_bytes(4)
    path.write_bytes(content)
    found = verdict(path, home)
    assert found.state == "changed"
    assert not found.is_trusted


def test_boxes_that_change_places_are_told(taken, home):
    path = taken("live.mp4")
    Signatory(home).sign(path, ANNA)
    with path.open("rb") as file:
        found = list(binding.boxes(file))
    content = path.read_bytes()
    parts = [content[b.at : b.at + b.size] for b in found]
    first = next(i for i, b in enumerate(found) if b.kind == b"moof")
    parts[first : first + 4] = [*parts[first + 2 : first + 4], *parts[first : first + 2]]
    path.write_bytes(b"".join(parts))
    assert verdict(path, home).state == "changed"


def test_a_truncated_film_is_told(taken, home):
    path = taken("live.mp4")
    Signatory(home).sign(path, ANNA)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    found = verdict(path, home)
    assert (found.state, found.why) == ("unreadable", "it is cut off, or no film")


def test_a_forged_claim_is_told(taken, home):
    path = taken("live.mp4")
    Signatory(home).sign(path, ANNA)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"c0ffee", b"c0ffed"))
    assert verdict(path, home).state == "forged"


def test_another_films_manifest_is_told(taken, home, made, tmp_path):
    path = taken("live.webm")
    Signatory(home).sign(path, ANNA)
    other = tmp_path / "other.webm"
    other.write_bytes((made / "live.webm").read_bytes() + b"\0")
    shutil.copy(binding.sidecar(path), binding.sidecar(other))
    assert verdict(other, home).state == "changed"
    for junk in (b"", b"junk", os.urandom(5000)):
        binding.sidecar(other).write_bytes(junk)
        assert verdict(other, home).state == "unreadable"


def test_a_strangers_signature_is_whole_and_trusted_by_nobody(taken, home, tmp_path):
    path = taken("live.mp4")
    stranger = Signatory(tmp_path / "elsewhere")
    assert stranger.sign(path, ANNA).why == ""
    found = verdict(path, home)
    assert (found.state, found.signer.trust, found.is_trusted) == ("valid", "nobody", False)
    anchors = verifying.given_anchors(tmp_path / "elsewhere" / "keys" / keyring.AUTHORITY)
    found = verifying.verdict(path, anchors, "given")
    assert (found.state, found.signer.trust) == ("valid", "given")


def test_a_signed_file_is_never_signed_over(taken, home):
    path = taken("live.mp4")
    Signatory(home).sign(path, ANNA)
    before = path.read_bytes()
    assert "has Content Credentials already" in Signatory(home).sign(path, ANNA).why
    picture = path.with_name("x.png")
    picture.write_bytes(films.credentialed("PNG"))
    assert "has Content Credentials already" in Signatory(home).sign(picture, ANNA).why
    assert path.read_bytes() == before


def test_marks_are_named_where_they_are(taken, home):
    path = taken("live.mp4")
    marked = Film("anna", "rendered", marks=("picture", "sound"), label="AI", person=False)
    Signatory(home).sign(path, marked)
    claims = verdict(path, home).claims
    assert claims["actions"] == ["c2pa.created", *["c2pa.watermarked.unbound"] * 2]
    assert (claims["marks"], claims["label"]) == (["picture", "sound"], "AI")
    assert claims["made_by"] == "trainedAlgorithmicMedia"  # a face that is nobody's


@pytest.mark.parametrize("name", ["live.mp4", "live.webm"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_photos_credentials_stay_in_the_chain(taken, home, name, kind):
    from visavis.models.pictures.credentials import credentials

    path = taken(name)
    kept = credentials(films.credentialed(kind))
    outcome = Signatory(home).sign(path, Film("anna", "recorded", photo=kept))
    assert outcome.notes == ()
    found = verdict(path, home)
    assert (found.state, found.came_with) == ("valid", 1)
    assert found.claims["actions"] == ["c2pa.created", "c2pa.placed"]


def test_credentials_of_a_photo_that_were_changed_in_the_film_are_told(taken, home):
    from visavis.models.pictures.credentials import credentials

    path = taken("live.mp4")
    kept = credentials(films.credentialed("JPEG"))
    Signatory(home).sign(path, Film("anna", "recorded", photo=kept))
    path.write_bytes(path.read_bytes().replace(b"digitalCapture", b"digitalCapturf"))
    found = verdict(path, home)
    assert (found.state, found.is_trusted) == ("forged", False)
    assert "made from" in found.why


def test_no_changed_byte_of_what_is_claimed_is_believed_or_breaks_anything(taken, home):
    path = taken("live.webm")
    Signatory(home).sign(path, ANNA)
    beside = binding.sidecar(path)
    good = beside.read_bytes()
    assertions = good.index(b"c2pa.assertions") + 20, good.index(b"c2pa.claim.v2") - 30
    claim = good.index(b"c2pa.claim.v2") + 20, good.index(b"c2pa.signature") - 40
    for at in (*range(*assertions, 7), *range(*claim, 7)):
        bad = bytearray(good)
        bad[at] ^= 0x5A
        beside.write_bytes(bad)
        assert verdict(path, home).state in {"changed", "forged", "unreadable"}


def test_forged_credentials_of_a_photo_are_left_out(taken, home):
    from visavis.models.pictures.credentials import credentials

    path, kept = taken("live.mp4"), credentials(films.credentialed("JPEG"))
    forged = kept.replace(b"digitalCapture", b"digitalCapturf")
    assert forged != kept
    outcome = Signatory(home).sign(path, Film("anna", "recorded", photo=forged))
    assert outcome.why == ""
    assert "left out" in outcome.notes[0]
    found = verdict(path, home)
    assert (found.state, found.came_with) == ("valid", 0)
    assert found.claims["actions"] == ["c2pa.created"]


def test_a_clock_that_jumped_signs_nothing(taken, home):
    path = taken("live.mp4")
    before = path.read_bytes()
    signatory = Signatory(home)
    signatory.now = lambda: datetime.datetime(1990, 1, 1, tzinfo=datetime.UTC)
    assert "set the clock" in signatory.sign(path, ANNA).why
    signatory.now = lambda: NOW + datetime.timedelta(days=5000)
    assert "keys renew" in signatory.sign(path, ANNA).why
    assert path.read_bytes() == before
    signatory.now = lambda: NOW + datetime.timedelta(days=40)
    assert signatory.sign(path, ANNA).why == ""
    assert any("in the future" in note for note in verdict(path, home).notes)


def test_an_expired_certificate_signs_nothing_and_is_told():
    """The SDK's own words for it, seen of a certificate that held for four seconds."""
    failures = ["signingCredential.untrusted", "signingCredential.expired"]
    checks = {"failure": [{"code": code} for code in failures]}
    report = {"active_manifest": "a", "manifests": {"a": {}}, "validation_state": "Invalid"}
    report["validation_results"] = {"activeManifest": checks}
    assert verifying._judged(report, "own", NOW).state == "expired"
    checks["failure"].append({"code": "assertion.bmffHash.mismatch"})
    assert verifying._judged(report, "own", NOW).state == "changed"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl stamps times")
def test_an_authoritys_time_stamp_is_told_with_who_vouches_for_it(taken, home, tmp_path):
    path = taken("live.mp4")
    with stamping.authority(tmp_path) as (address, anchor):
        assert Signatory(home, "auto", address).sign(path, ANNA).notes == ()
    found = verdict(path, home)
    assert (found.state, found.stamp_known) == ("valid", False)
    assert abs(datetime.datetime.fromisoformat(found.stamped) - NOW) < datetime.timedelta(hours=1)
    assert "authority of its time stamp" in found.notes[0]
    found = verifying.verdict(path, verifying.own_anchors(home) + anchor, "own")
    assert found.stamp_known


def test_without_the_package_films_are_kept_and_said(taken, home, monkeypatch):
    path = taken("live.mp4")
    monkeypatch.setattr(sdk.importlib.util, "find_spec", lambda name: None)
    assert "c2pa-python is not installed" in Signatory(home).sign(path, ANNA).why
    with pytest.raises(sdk.SdkFault, match="pip install"):
        verdict(path, home)
    with pytest.raises(ConfigError, match="sign is on, and"):
        Signatory(home, "on").required()
    Signatory(home).required()
    assert Signatory(home, "off").sign(path, ANNA).why == OFF


def test_a_film_that_cannot_be_written_to_stays_as_it_is(taken, home, monkeypatch):
    path = taken("live.mp4")
    before, write = path.read_bytes(), binding._write_at

    def full(file, at, content):
        if len(content) > 1000:  # a part of it, then the disk is full
            write(file, at, content[:1000])
            raise OSError(28, "No space left on device")
        write(file, at, content)

    monkeypatch.setattr(binding, "_write_at", full)
    assert "No space left" in Signatory(home).sign(path, ANNA).why
    assert path.read_bytes() == before


def test_no_key_can_be_made_where_nothing_can_be_written(taken, tmp_path):
    path = taken("live.mp4")
    (tmp_path / "file").write_text("")
    assert "keys" in Signatory(tmp_path / "file").sign(path, ANNA).why


def test_an_authority_that_does_not_answer_costs_the_time_stamp_alone(taken, home):
    path = taken("live.mp4")
    outcome = Signatory(home, "auto", "http://127.0.0.1:1/").sign(path, ANNA)
    assert outcome.why == ""
    assert "no time stamp" in outcome.notes[0]
    assert verdict(path, home).stamped == ""


def test_what_was_cut_off_is_signed_late_by_its_note_alone(taken, home):
    path = taken("live.mp4")
    with pytest.raises(ConfigError, match="not signed late"):
        making.noted(path)
    FilmSigning(Signatory(home), ANNA).begin(path)  # and then the program was killed
    film = making.noted(path)
    assert (film.avatar, film.consent, film.photo) == ("anna", "c0ffee", b"")
    later = Signatory(home)
    later.now = lambda: NOW + datetime.timedelta(hours=5)
    FilmSigning(later, film).finish(path)
    assert not making.note(path).exists()
    claims = verdict(path, home).claims
    assert claims["when"] == film.began < claims["signed"]
    for odd in (b"[]", b"{", b'{"avatar": 1, "kind": "recorded"}', b'{"avatar": "a", "k": "b"}'):
        making.note(path).write_bytes(odd)
        with pytest.raises(ConfigError, match="signs nothing"):
            making.noted(path)


@pytest.mark.parametrize("left", [9, 300, 3000])
def test_a_fragment_that_is_not_whole_is_taken_off(taken, home, left, capsys, monkeypatch):
    from visavis.server import cli

    path = taken("live.mp4")
    FilmSigning(Signatory(home), ANNA).begin(path)
    with path.open("rb") as file:
        begins = [box.at for box in binding.boxes(file) if box.kind == b"moof"]
    content = path.read_bytes()
    path.write_bytes(content[: begins[-1] + left])
    monkeypatch.setenv("VISAVIS_HOME", str(home))
    assert cli.main(["sign", str(path)]) == 0
    assert "was not whole" in capsys.readouterr().out
    found = verdict(path, home)
    assert (found.is_trusted, found.claims["late"]) == (True, True)
    assert "cut off" in found.notes[-1]
    with av.open(str(path)) as file:
        assert 20 <= sum(1 for _ in file.decode(video=0)) <= 30


def test_an_avatar_that_is_gone_leaves_a_film_with_less_said(taken, home):
    def gone():
        raise NotFound("There is no such avatar.")

    path = taken("live.mp4")
    signing = FilmSigning(Signatory(home), Film("anna", "recorded"), gone)
    signing.begin(path)
    assert signing.finish(path).why == ""
    claims = verdict(path, home).claims
    assert claims["installation"].startswith("visavis-")
    assert "consent" not in claims


def test_many_threads_sign_at_once(made, home, tmp_path):
    paths = [shutil.copy(made / "live.mp4", tmp_path / f"{n}.mp4") for n in range(6)]
    told = []
    threads = [
        threading.Thread(target=lambda p=p: told.append(Signatory(home).sign(p, ANNA).why))
        for p in paths
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert told == [""] * 6
    assert {verdict(path, home).state for path in paths} == {"valid"}


# --- keys ---------------------------------------------------------------------------------------


def test_keys_are_made_once_and_are_their_owners_alone(tmp_path):
    first = Keyring.of(tmp_path)
    assert Keyring.of(tmp_path).pair == first.pair
    assert first.is_own
    folder = tmp_path / "keys"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {p.stat().st_mode & 0o777 for p in folder.iterdir() if p.suffix == ".pem"} == {0o600}
    assert keyring.doubts(tmp_path) == []
    (folder / keyring.KEY).chmod(0o644)
    assert "chmod 600" in keyring.doubts(tmp_path)[0]


def test_two_processes_make_one_key(tmp_path):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(Keyring.of(tmp_path).pair)) for _ in range(4)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(set(found)) == 1


def test_what_was_signed_before_a_renewal_stays_trusted(taken, tmp_path):
    path, home = taken("live.mp4"), tmp_path / "home"
    before = Keyring.of(home)
    Signatory(home).sign(path, ANNA)
    after = keyring.renew(home)
    assert after.pair.key != before.pair.key
    assert verdict(path, home).is_trusted


def test_a_new_authority_trusts_nothing_of_the_old_one(taken, tmp_path):
    path, home = taken("live.mp4"), tmp_path / "home"
    Signatory(home).sign(path, ANNA)
    keyring.bring(home, films.pair()[0])
    assert keyring.renew(home, authority=True).is_own
    assert verdict(path, home).signer.trust == "nobody"


def test_ones_own_certificate_signs(taken, tmp_path):
    path, home = taken("live.mp4"), tmp_path / "home"
    pair, anchor = films.pair()
    brought = keyring.bring(home, pair)
    assert not brought.is_own
    Signatory(home).sign(path, ANNA)
    assert verifying.verdict(path, anchor, "given").is_trusted
    with pytest.raises(CertificateFault, match="brought along"):
        keyring.renew(home)


def test_certificates_that_cannot_sign_are_refused_with_the_fix(tmp_path):
    pair, anchor = films.pair()
    other, _ = films.pair()
    root = Keyring.of(tmp_path)
    cases = {
        "does not belong": Pair(other.key, pair.chain),
        "vouches for itself": Pair(
            (root.folder / keyring.AUTHORITY_KEY).read_bytes(), anchor_of(root)
        ),
        "order the chain": Pair(pair.key, pair.chain.replace(anchor, other.chain)),
        "no certificate": Pair(pair.key, b"junk"),
        "no private key": Pair(b"junk", pair.chain),
        "held until": films.pair(days=-5000)[0],
        "holds from": films.pair(days=50)[0],
    }
    for words, each in cases.items():
        with pytest.raises(CertificateFault, match=words):
            keyring.bring(tmp_path, each)
    assert Keyring.of(tmp_path).pair == root.pair


def anchor_of(found):
    return (found.folder / keyring.AUTHORITY).read_bytes()


def test_a_key_that_is_missing_or_anothers_is_told(tmp_path):
    found = Keyring.of(tmp_path)
    (found.folder / keyring.KEY).write_bytes(films.pair()[0].key)
    assert "does not belong" in Signatory(tmp_path).fault()
    (found.folder / keyring.KEY).unlink()
    assert "is missing" in Signatory(tmp_path).fault()
    keyring.renew(tmp_path)
    assert Signatory(tmp_path).fault() == ""


def test_a_report_says_what_scripts_need(taken, home, capsys, monkeypatch):
    from visavis.server import cli

    path = taken("live.mp4")
    monkeypatch.setenv("VISAVIS_HOME", str(home))
    assert cli.main(["verify", str(path)]) == 3
    Signatory(home).sign(path, ANNA)
    capsys.readouterr()
    assert cli.main(["verify", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["state"], told["trusted"], told["claims"]["avatar"]) == ("valid", True, "anna")
    assert cli.main(["verify", str(path)]) == 0
    assert "it was generated by AI, from a photograph" in capsys.readouterr().out
    strange = path.with_name("anchor.pem")
    strange.write_bytes(films.pair()[1])
    assert cli.main(["verify", str(path), "--trust", str(strange)]) == 4
    assert "nobody whom you trust vouches" in capsys.readouterr().out
    path.write_bytes(path.read_bytes().replace(b"c0ffee", b"c0ffed"))
    assert cli.main(["verify", str(path)]) == 1
    strange.write_text("junk")
    assert cli.main(["verify", str(path), "--trust", str(strange)]) == 2
    assert cli.main(["verify", str(path.with_name("none.mp4"))]) == 1
    assert cli.main(["keys", "show", "--json"]) == 0
    assert cli.main(["sign", str(path)]) == 2


def test_a_server_that_must_sign_and_cannot_does_not_begin(tmp_path, capsys, monkeypatch):
    from visavis.server import cli

    (tmp_path / "keys").write_text("a file, no folder")
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path))
    assert cli.main(["serve", "--port", "0", "--sign", "on"]) == 2
    assert "sign is on, and" in capsys.readouterr().err
    assert cli.main(["serve", "--port", "0", "--sign", "perhaps"]) == 2
    assert "choose auto, on or off" in capsys.readouterr().err
