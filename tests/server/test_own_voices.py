"""Leave to use a person's voice, `visavis voice`, and voices over HTTP."""

import asyncio
import datetime
import json
import wave
from dataclasses import replace

import numpy as np
import pytest
from aiohttp import FormData
from support.serving import problem, serving
from support.speech_server import speech_server

from visavis.engines import load
from visavis.engines.base import PLAY_RATE
from visavis.models import voice_file
from visavis.models.avatar.consent import Consent
from visavis.models.voice_file import OwnVoice, VoiceCard
from visavis.server.avatars.standing import first_of
from visavis.server.avatars.store import AvatarStore
from visavis.server.cli import main
from visavis.server.services.configured import services
from visavis.server.studio.document.project import Scene
from visavis.server.studio.film.casting import Cast
from visavis.server.studio.own_voices import FOLDER
from visavis.server.studio.translation.voices import Casting
from visavis.server.system.config import Config
from visavis.server.system.errors import Ended, NotAllowed, NotFound
from visavis.server.system.installation import Installation
from visavis.server.system.metrics import Metrics
from visavis.server.voices.store import OwnVoices

CONSENT = Consent(
    "Anna Example", "I agree", "Anna Example", "2026-01-01", "2026-12-31", ("live",), ("en",)
)
GIVEN = {"base": "heart", "semitones": "0", "formants": "1"}
RECORD = ("--subject", "Anna Example", "--consent", "I agree to it")


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
def voices(tmp_path, wall):
    return OwnVoices(AvatarStore(tmp_path / "home", wall=wall))


def put(voices, name="anna", signer=None, **record):
    card = VoiceCard(name, "tuned", "en-US", replace(CONSENT, **record), "ab" * 32, GIVEN)
    content = OwnVoice(card).content(signer or Installation.of(voices.home))
    voice_file.write(voices.file(name), content)
    return card


def hums(path, seconds=6.0):
    """A recording in which somebody seems to speak."""
    at = np.arange(int(seconds * PLAY_RATE)) / PLAY_RATE
    hum = sum(np.sin(2 * np.pi * 130 * n * at) / n for n in range(1, 20))
    hum *= np.sin(2 * np.pi * 1.5 * at) > -0.5
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(PLAY_RATE)
        out.writeframes((5000 * hum).astype("<i2").tobytes())
    return path


# --- leave ----------------------------------------------------------------------------------------


def test_it_is_used_as_its_consent_says_and_as_long(voices, wall):
    put(voices)
    voices.check("anna", "live")
    for use, language, code in (
        ("videos", "", "use-not-allowed"),
        ("live", "de", "language-not-allowed"),
    ):
        with pytest.raises(NotAllowed) as caught:
            voices.check("anna", use, language)
        assert caught.value.code == code
    permit = voices.permit("anna")
    assert permit.over() == ""
    wall.now = datetime.datetime(2027, 1, 1, 0, 1, tzinfo=datetime.UTC)
    with pytest.raises(Ended) as caught:
        voices.check("anna", "live")
    assert caught.value.code == "consent-expired"
    assert "whose voice this is" in permit.over()
    assert "anna" not in {voice.name for voice in voices.usable("live")}
    assert voices.allowed("anna", "live") == ""


def test_what_is_taken_back_ends_what_runs_and_every_copy(voices):
    put(voices)
    voice_file.write(voices.file("copy"), voices.file("anna").read_bytes())
    put(voices, "again", statement="another record of the same recording")
    permits = [voices.permit(name) for name in ("anna", "copy", "again")]
    over = first_of(None, *permits)
    assert over() == ""
    voices.revoke(voices.revocation("anna", "2026-06-01T00:00:00Z", "she asked", "me"))
    assert all(permit.over() for permit in permits)
    assert over()
    for name in ("anna", "copy", "again"):
        with pytest.raises(Ended) as caught:
            voices.check(name, "live")
        assert caught.value.code == "consent-revoked"


def test_voices_of_ours_are_nobodys(voices):
    voices.check("heart", "camera", "fr")
    assert voices.permit("heart") is None
    assert voices.checked("heart", ("live", "videos")) is None
    assert voices.allowed("heart", "live") == "heart"


def test_another_installations_voice_waits_for_trust(voices, tmp_path):
    stranger = Installation.of(tmp_path / "other")
    put(voices, signer=stranger)
    assert voices.allowed("anna", "live") == ""
    with pytest.raises(NotAllowed) as caught:
        voices.check("anna", "live")
    assert caught.value.code == "voice-untrusted"
    voices._avatars.signatures.trust(stranger.key, "theirs")
    voices.check("anna", "live")


def test_a_film_asks_too(voices, monkeypatch):
    put(voices, until="")
    cast = Cast(Config(home=str(voices.home)))
    scene = Scene("a", "Hello.", avatar="mira", voice="anna")
    with pytest.raises(NotAllowed) as caught:
        cast.role(scene)
    assert caught.value.code == "use-not-allowed"
    put(voices, until="", uses=("videos",))
    leave = cast.role(scene).leave
    voices.revoke(voices.revocation("anna", "2026-06-01T00:00:00Z", "", "me"))
    monkeypatch.setattr("visavis.server.avatars.leave._LOOK", 0.0)
    with pytest.raises(Ended, match="whose voice"):
        leave.check()


def test_the_same_person_speaks_other_languages_and_lends_their_voice_to_nobody(
    voices, monkeypatch
):
    from visavis.engines.voices import styles

    monkeypatch.setattr(styles, "available", lambda code: code in ("en", "es", "fr"))
    styled = {**GIVEN, "base": styles.NETWORK}
    for name, allowed in (("anna", ("en", "es")), ("bob", ())):
        record = replace(CONSENT, languages=allowed, uses=("videos",))
        numbers = {"style": np.zeros(256, np.float32)}
        card = VoiceCard(name, "tuned", "en-US", record, name * 8, styled)
        file = OwnVoice(card, numbers).content(Installation.of(voices.home))
        voice_file.write(voices.file(name), file)
    theirs = {v.name: v.language for v in load.voices(voices.home) if "person" in v.description}
    assert theirs == {
        "anna": "en-US", "anna-es": "es", "bob": "en-US", "bob-es": "es", "bob-fr": "fr",
    }  # fmt: skip
    assert list(voices.find()) == ["anna", "bob"]
    voices.check("anna-es", "videos")
    cast = Casting(voices.home, lambda _avatar: "")
    assert cast("anna", "", "es") == "anna-es"
    assert cast("anna", "", "fr") == ""  # and not bob's
    assert cast("heart", "", "fr") not in theirs
    voices.revoke(voices.revocation("anna", "2026-06-01T00:00:00Z", "", "me"))
    with pytest.raises(Ended):
        voices.check("anna-es", "videos")
    assert "anna-es" not in {voice.name for voice in voices.usable("videos")}
    assert voices.edition("bob-fr") == voices.edition("bob") != ""


async def test_no_session_begins_with_a_voice_that_was_taken_back(voices):
    store, config = AvatarStore(voices.home), Config(home=str(voices.home))
    it = await asyncio.to_thread(services, config, store, Metrics())
    await asyncio.to_thread(put, voices, until="")
    await it.check("mira", "anna")
    entry = await asyncio.to_thread(voices.revocation, "anna", "2026-06-01T00:00:00Z", "", "me")
    await asyncio.to_thread(voices.revoke, entry)
    with pytest.raises(Ended, match="taken back"):
        await it.check("mira", "anna")
    with pytest.raises(Ended, match="taken back"):
        await it.lend("mira", "anna", "dialogue")
    it.close()


# --- the command line -----------------------------------------------------------------------------


@pytest.fixture
def server():
    with speech_server() as it:
        yield it


@pytest.fixture
def run(tmp_path, monkeypatch, capsys, server):
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VISAVIS_SPEECH_URL", server.url)
    monkeypatch.setenv("VISAVIS_SPEECH_MODEL", "tts")
    monkeypatch.chdir(tmp_path)
    hums(tmp_path / "anna.wav")

    def run(*words):
        status = main(list(words))
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


def make(run, *words, name="anna", recording="anna.wav"):
    return run("voice", "make", name, recording, *RECORD, "--kind", "served", *words)


def test_made_shown_taken_back_and_deleted(run, server, tmp_path):
    status, said = make(run, "--uses", "live,videos")
    assert (status, "made the voice anna" in said) == (0, True)
    (row,) = json.loads(run("voice", "list", "--json")[1])
    assert (row["name"], row["state"], row["kind"]) == ("anna", "in force", "served")
    assert "anna" in run("voices")[1]
    status, said = run("voice", "show", "anna")
    assert (status, "Anna Example" in said) == (0, True)
    assert run("voice", "revoke", "anna", "--reason", "she asked")[0] == 0
    assert "taken back before" in run("voice", "revoke", "anna")[1]
    assert run("voice", "show", "anna")[0] == 1
    status, said = run("say", "Hello.", "-o", "a.mp4", "--avatar", "mira", "--voice", "anna")
    assert (status, "taken back" in said) == (1, True)
    assert run("voice", "delete", "anna")[0] == 0
    assert list((tmp_path / "home" / "voices").iterdir()) == []
    status, said = make(run)  # the same recording, after its consent was taken back
    assert (status, "record them anew" in said) == (1, True)
    deeds = [json.loads(line)["what"] for line in run("audit", "show", "--json")[1].splitlines()]
    assert [d for d in deeds if d != "key-made"] == [
        "voice-made", "consent-revoked", "voice-deleted",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "name", "fault"),
    [
        ((), "heart", "name of a voice of visavis"),
        ((), "An na", "lower-case"),
        (("--subject", "nobody"), "anna", "is somebody's"),
        (("--until", "yesterday"), "anna", "2027-01-31"),
        (("--uses", "anything"), "anna", "names uses"),
        (("--language", "tlh"), "anna", "no language"),
    ],
)
def test_what_cannot_be_made_is_refused_before_any_work(run, server, words, name, fault):
    status, said = make(run, *words, name=name)
    assert status
    assert fault in said
    assert server.asked == []


def test_a_recording_in_which_nobody_speaks_is_refused(run, server, tmp_path):
    with wave.open(str(tmp_path / "quiet.wav"), "wb") as out:
        out.setparams((1, 2, PLAY_RATE, 0, "NONE", ""))
        out.writeframes(bytes(4 * PLAY_RATE))
    status, said = make(run, recording="quiet.wav")
    assert (status, "nobody speaks" in said) == (1, True)
    assert make(run, recording="none.wav")[0] == 2
    assert server.asked == []


def test_without_a_server_the_setting_is_named(run, monkeypatch):
    monkeypatch.delenv("VISAVIS_SPEECH_URL")
    status, said = make(run)
    assert (status, "speech_url" in said) == (2, True)


# --- HTTP -----------------------------------------------------------------------------------------


def form(path, **fields):
    """As the page sends it."""
    sent = FormData()
    for key, value in {
        "name": "anna", "subject": "Anna Example", "consent": "I agree", "confirmed": "yes",
        "kind": "served", **fields,
    }.items():  # fmt: skip
        sent.add_field(key, value)
    if path is not None:
        sent.add_field("sample", path.read_bytes(), filename="anna.wav")
    return sent


async def over(client, at):
    """What a job comes to."""
    async with asyncio.timeout(50):
        while True:
            said = await (await client.get(at)).json()
            if said["status"] not in ("queued", "running"):
                return said
            await asyncio.sleep(0.1)


async def test_made_and_deleted_over_http(server, tmp_path):
    sample = hums(tmp_path / "anna.wav")
    home = tmp_path / "home"
    settings = {"home": str(home), "speech_url": server.url, "speech_model": "tts"}
    async with serving(**settings) as client:
        made = await client.post("/v1/voices", data=form(sample))
        assert (made.status, (await made.json())["name"]) == (202, "anna")
        said = await over(client, made.headers["Location"])
        assert (said["status"], said["fault"]) == ("done", "")
        assert list((home / FOLDER).iterdir()) == []  # the recording is not kept
        listed = await (await client.get("/v1/voices")).json()
        assert [own["name"] for own in listed["own"]] == ["anna"]
        assert "anna" in {voice["name"] for voice in listed["voices"]}
        status, told = await problem(await client.post("/v1/voices", data=form(sample)))
        assert (status, told["type"]) == (409, "urn:visavis:name-taken")
        assert (await client.delete("/v1/voices/anna")).status == 204
        assert (await client.delete("/v1/voices/anna")).status == 404
        assert (await (await client.get("/v1/voices")).json())["own"] == []
    assert "anna" not in {voice.name for voice in load.voices(home)}


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"confirmed": "no"}, 422, "consent-missing"),
        ({"consent": ""}, 422, "consent-missing"),
        ({"subject": "nobody"}, 422, "consent-invalid"),
        ({"kind": "cloned"}, 422, "voice-kind"),
        ({"name": "../x"}, 422, "name-invalid"),
        ({"name": "heart"}, 409, "name-taken"),
        ({"until": "soon"}, 422, "consent-invalid"),
        ({"file": "x"}, 400, "unknown-field"),
    ],
)
async def test_what_is_wrong_is_said_at_once(tmp_path, fields, status, code):
    sample = hums(tmp_path / "anna.wav", 0.5)
    settings = {"home": str(tmp_path / "home"), "speech_url": "http://127.0.0.1:9/v1",
                "speech_model": "tts"}  # fmt: skip
    async with serving(**settings) as client:
        found, told = await problem(await client.post("/v1/voices", data=form(sample, **fields)))
        assert (found, told["type"]) == (status, f"urn:visavis:{code}")
        assert not (tmp_path / "home" / FOLDER).exists()


async def test_nobody_makes_or_deletes_voices_where_that_is_off(tmp_path):
    sample = hums(tmp_path / "anna.wav", 0.5)
    async with serving(home=str(tmp_path / "home"), create_avatars="off") as client:
        assert (await client.post("/v1/voices", data=form(sample))).status == 403
        assert (await client.delete("/v1/voices/anna")).status == 403


def test_a_voice_that_is_none_is_not_found(voices):
    with pytest.raises(NotFound, match="voice list"):
        voices.card("nobody")
    with pytest.raises(NotFound):
        voices.delete("nobody")
