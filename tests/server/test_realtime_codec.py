"""What clients of OpenAI's Realtime send: read strictly, and their sound both ways."""

import base64
import json

import av
import numpy as np
import pytest

from visavis.server.system.errors import Malformed
from visavis.server.wires.realtime import forms, incoming, sound
from visavis.server.wires.realtime.incoming import Unread
from visavis.server.wires.realtime.refusals import Refused
from visavis.server.wires.realtime.settings import Settings, updated

SETTINGS = Settings("mira", "heart")


def tone(rate, seconds=0.5, frequency=440):
    time = np.arange(int(rate * seconds)) / rate
    return (12_000 * np.sin(2 * np.pi * frequency * time)).astype(np.int16)


@pytest.mark.parametrize("kind", sound.FORMATS)
def test_sound_goes_through_each_format_and_back(kind):
    format = sound.FORMATS[kind]
    pcm = tone(48_000)
    flow, back = sound.Outflow(format), sound.Inflow(format)
    sent = flow.give(pcm[:10_000]) + flow.give(pcm[10_000:], last=True)
    assert len(sent) == pytest.approx(format.bytes_a_second / 2, abs=2)
    heard = np.concatenate([back.take(sent[:777]), back.take(sent[777:]), back.rest()])
    assert len(heard) == pytest.approx(len(pcm), abs=20)
    error = (heard[2000:20_000].astype(int) - pcm[2000:20_000]).std()
    assert error < 500


@pytest.mark.parametrize(
    ("kind", "codec"), [("audio/pcmu", "pcm_mulaw"), ("audio/pcma", "pcm_alaw")]
)
def test_g711_is_what_others_make_of_it(kind, codec):
    law = sound.FORMATS[kind].law
    decoder = av.CodecContext.create(codec, "r")
    decoder.sample_rate, decoder.layout = 8_000, "mono"
    frames = [*decoder.decode(av.Packet(bytes(range(256)))), *decoder.decode(None)]
    steps = np.concatenate([frame.to_ndarray().ravel() for frame in frames])
    assert np.array_equal(steps, sound._decoded(law))
    pcm = np.arange(-32_768, 32_768, dtype=np.int32).astype(np.int16)
    encoder = av.CodecContext.create(codec, "w")
    encoder.sample_rate, encoder.layout, encoder.format = 8_000, "mono", "s16"
    frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
    frame.sample_rate = 8_000
    theirs = b"".join(bytes(p) for p in [*encoder.encode(frame), *encoder.encode(None)])
    ours = sound._encoded(law)[pcm.view(np.uint16)]
    theirs = np.frombuffer(theirs, np.uint8)
    assert (ours == theirs).mean() > 0.99
    wanted = pcm.astype(int)
    assert (abs(steps[ours] - wanted) <= abs(steps[theirs] - wanted)).all()  # never farther off


def test_odd_bytes_wait_for_their_other_half():
    data = tone(24_000).astype("<i2").tobytes()
    whole, odd = sound.Inflow(sound.PCM), sound.Inflow(sound.PCM)
    pieces = [odd.take(data[at : at + 333]) for at in range(0, len(data), 333)]
    assert np.array_equal(np.concatenate(pieces), whole.take(data))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "invalid_json"),
        ("[]", "invalid_json"),
        ("{" * 5000, "invalid_json"),
        ('{"type": 7}', "invalid_value"),
        ('{"type": "response.make"}', "invalid_value"),
        ('{"type": "session.update"}', "missing_required_parameter"),
        ('{"type": "input_audio_buffer.append", "audio": 5}', "missing_required_parameter"),
        ('{"type": "conversation.item.retrieve", "item_id": "no such/name"}', "invalid_value"),
        ('{"type": "conversation.item.truncate", "item_id": "a", "audio_end_ms": -1}',
         "invalid_value"),
        ('{"type": "conversation.item.truncate", "item_id": "a", "audio_end_ms": true}',
         "invalid_value"),
        ('{"type": "conversation.item.create", "item": {"type": "message", "role": "user", '
         '"content": [{"type": "input_image", "image_url": "x"}]}}', "unsupported"),
        ('{"type": "response.create", "response": {"conversation": "none"}}', "unsupported"),
        ('{"type": "response.create", "response": {"metadata": {"a": 1}}}', "invalid_value"),
    ],
)  # fmt: skip
def test_what_is_no_event_is_refused_with_its_id(text, code):
    text = text.replace('{"type"', '{"event_id": "mine", "type"', 1)
    with pytest.raises(Unread) as refused:
        incoming.read(text)
    assert refused.value.code == code
    assert refused.value.event_id == ("mine" if code != "invalid_json" else "")


@pytest.mark.parametrize("text", ["AAA", "A" * 5 + "===", "no base64!", "\ud800"])
def test_no_base64_is_refused(text):
    with pytest.raises(Refused):
        sound.unwritten(text)


def test_what_is_not_in_force_is_shown_as_ignored():
    asked = {
        "type": "realtime",
        "audio": {
            "input": {
                "noise_reduction": {"type": "near_field"},
                "turn_detection": {"type": "server_vad", "silence_duration_ms": 200},
            },
            "output": {"voice": "alloy", "speed": 1.2, "format": {"type": "audio/pcmu"}},
        },
        "tracing": "auto",
    }
    settings = updated(SETTINGS, asked)
    assert set(settings.ignored) == {
        "tracing",
        "audio.input.noise_reduction",
        "audio.input.turn_detection.silence_duration_ms",
        "audio.output.voice",
        "audio.output.speed",
    }
    shown = settings.shown()["audio"]
    assert shown["output"] == {"format": {"type": "audio/pcmu"}, "voice": "heart", "speed": 1.0}
    again = updated(settings, {"audio": {"input": {"turn_detection": None}}})
    assert again.detection is None
    assert again.spoken.kind == "audio/pcmu"  # only what is named is changed


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "transcription"},
        {"audio": "loud"},
        {"audio": {"input": {"format": {"type": "audio/opus"}}}},
        {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16_000}}}},
        {"audio": {"input": {"format": {"type": ["audio/pcm"]}}}},
        {"audio": {"input": {"turn_detection": {"type": "none"}}}},
        {"output_modalities": ["video"]},
        {"model": 5},
    ],
)
def test_settings_that_cannot_be_are_refused(fields):
    with pytest.raises(Refused):
        updated(SETTINGS, fields)


def test_an_event_is_read():
    request, event_id = incoming.read(json.dumps({
        "type": "response.create", "event_id": "e",
        "response": {"instructions": "Be brief.", "output_modalities": ["text"],
                     "metadata": {"topic": "x"}},
    }))  # fmt: skip
    assert request == incoming.Respond("Be brief.", "text", {"topic": "x"})
    assert event_id == "e"
    audio = base64.b64encode(b"12").decode()
    assert incoming.read(json.dumps({"type": "input_audio_buffer.append", "audio": audio})) == (
        incoming.Append(audio),
        "",
    )


def form(*parts, end=b"--x--\r\n"):
    return b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + end


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x--",
        b"--x\r\nno end",
        form(b"no name\r\n\r\nv"),
        form(b'Content-Disposition: form-data; name="a"\r\n\r\n\xff'),
        form(*[b'Content-Disposition: form-data; name="a"\r\n\r\nv'] * 20),
    ],
    ids=["empty", "nothing", "endless", "nameless", "bytes", "many"],
)
def test_what_is_no_form_is_refused(body):
    with pytest.raises(Malformed):
        forms.texts(body, "multipart/form-data; boundary=x")


def test_a_form_is_read_as_browsers_and_programs_write_it():
    body = form(
        b'Content-Disposition: form-data; name="sdp"\r\n\r\nv=0\r\no=-\r\n',
        b'content-type: application/json\r\ncontent-disposition: form-data; name="session"; '
        b'filename="x"\r\n\r\n{}',
    )
    assert forms.texts(body, 'multipart/form-data; boundary="x"') == {
        "sdp": "v=0\r\no=-\r\n",
        "session": "{}",
    }
    with pytest.raises(Malformed):
        forms.texts(body, "multipart/form-data")
