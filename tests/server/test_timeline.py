import numpy as np

from visavis.engines.base import Phoneme, Speech, Word
from visavis.server.playout.messages import FRAME, PACKET, Clause, Picture, Spoken, ms
from visavis.server.playout.timeline import FADE, Timeline


def speech(words=("one", "two"), level=1000):
    pcm = np.full(len(words) * 4800, level, np.int16)
    spans = [(w, i * 4800, (i + 1) * 4800) for i, w in enumerate(words)]
    return Speech(
        pcm,
        tuple(Phoneme("a", s, e) for _, s, e in spans),
        tuple(Word(*s) for s in spans),
        "espeak",
    )


def spoken(turn, at, words=("one", "two"), level=1000):
    return Spoken(turn, at, Clause(" ".join(words), speech(words, level)))


def picture(at):
    return Picture(at, np.zeros((6, 4), np.uint8))


def test_sound_plays_at_its_tick_and_silence_elsewhere():
    timeline = Timeline()
    timeline.put(spoken(0, 1000))
    out = timeline.audio(900, 200)
    assert (out[:100] == 0).all()
    assert (out[100:] == 1000).all()
    assert (timeline.audio(1000 + 9600, 50) == 0).all()


def test_reading_twice_gives_the_same():
    timeline = Timeline()
    timeline.put(spoken(0, 0))
    assert (timeline.audio(0) == timeline.audio(0)).all()


def test_speech_of_an_old_turn_is_dropped():
    timeline = Timeline()
    timeline.cut(0, turn=3)
    assert not timeline.put(spoken(2, 0))
    assert timeline.put(spoken(3, 0))
    assert timeline.dropped == 1


def test_a_cut_fades_within_30_ms_and_silences_what_follows():
    timeline = Timeline()
    timeline.put(spoken(0, 0))
    timeline.put(spoken(0, 9600))
    timeline.cut(2000, turn=1)
    faded = timeline.audio(2000, FADE)
    assert faded[0] == 1000
    assert faded[-1] < 5
    assert (np.diff(faded.astype(int)) <= 0).all()
    assert (timeline.audio(2000 + FADE, 20_000) == 0).all()
    assert timeline.end == 2000 + FADE
    assert (timeline.audio(0, 2000) == 1000).all()


def test_words_count_as_heard_from_their_middle():
    timeline = Timeline()
    timeline.put(spoken(0, 0, ("one", "two", "three")))
    assert timeline.heard_until(4800 + 2399, 0) == "one"
    assert timeline.heard_until(4800 + 2400, 0) == "one two"
    timeline.cut(5000, turn=1)
    assert timeline.heard_until(10**9, 0) == "one"


def test_a_picture_is_given_once_and_a_missing_one_is_none():
    timeline = Timeline()
    reader = timeline.reader()
    timeline.put(picture(FRAME))
    assert reader.picture(0) is None
    assert reader.picture(FRAME).at == FRAME
    assert reader.picture(2 * FRAME) is None


def test_a_late_picture_is_refused_not_shifted():
    timeline = Timeline()
    reader = timeline.reader()
    reader.picture(2 * FRAME)
    assert not timeline.put(picture(2 * FRAME))
    assert timeline.dropped == 1


def test_an_old_picture_makes_room_for_the_due_one():
    timeline = Timeline()
    reader = timeline.reader()
    for frame in range(5):
        timeline.put(picture(frame * FRAME))
    assert reader.picture(3 * FRAME).at == 3 * FRAME
    assert reader.picture(4 * FRAME).at == 4 * FRAME


def test_pictures_that_nobody_takes_are_bounded():
    timeline = Timeline()
    for frame in range(500):
        timeline.put(picture(frame * FRAME))
    assert len(timeline._pictures) < 60


def test_forgetting_keeps_what_is_still_wanted():
    timeline = Timeline()
    timeline.put(spoken(0, 0))
    timeline.put(spoken(0, ms(1000)))
    timeline.forget(ms(500))
    assert (timeline.audio(0) == 0).all()
    assert (timeline.audio(ms(1000)) == 1000).all()
    assert timeline.heard_until(10**9, 0) == "one two one two"


def test_what_is_scheduled_can_be_seen_until_it_is_cut():
    timeline = Timeline()
    first, second = spoken(0, 1000), spoken(0, 20_000)
    timeline.put(first)
    timeline.put(second)
    assert [each.at for each in timeline.scheduled] == [1000, 20_000]
    timeline.hold(5000)
    assert timeline.scheduled == ()
    timeline.put(spoken(0, 30_000))
    assert [each.at for each in timeline.scheduled] == [30_000]


class Doubled:
    """A SoundFinish that adds to each sample the one of two before."""

    reach = 2

    def finish(self, sound, at):
        return sound[2:] + sound[:-2]


def test_what_is_to_be_in_all_sound_is_the_same_for_everybody_who_reads():
    timeline = Timeline(Doubled())
    sound = np.arange(1, 3 * PACKET + 1, dtype=np.int16)
    spoken = Spoken(0, PACKET, Clause("", Speech(sound, (), (), "espeak")))
    timeline.put(spoken)

    whole = timeline.audio(0, 5 * PACKET)

    assert (timeline.sound_of(spoken) == whole[PACKET : 4 * PACKET]).all()
    pieces = [timeline.audio(at, 100) for at in range(50, 3050, 100)]
    assert (np.concatenate(pieces) == whole[50:3050]).all()
    assert whole[PACKET + 2] == 3 + 1


def test_what_is_put_into_sound_follows_what_is_put_held_and_cut():
    def scheduled(timeline, upto):
        for at, length in ((1000, 9000), (10_500, 9000), (20_000, 9000))[:upto]:
            sound = np.arange(1, length + 1, dtype=np.int16)
            timeline.put(Spoken(timeline.turn, at, Clause("", Speech(sound, (), (), "espeak"))))

    def read(timeline, step):
        return np.concatenate([timeline.audio(at, step) for at in range(0, 38_400, step)])

    steps = (
        lambda timeline: scheduled(timeline, 2),
        lambda timeline: timeline.hold(4850),
        lambda timeline: scheduled(timeline, 3),
        lambda timeline: timeline.cut(23_333, 1),
    )
    one = Timeline(Doubled())
    for number, step in enumerate(steps, 1):
        step(one)
        fresh = Timeline(Doubled())
        for earlier in steps[:number]:
            earlier(fresh)
        heard = read(one, 960)
        assert (heard == fresh.audio(0, 38_400)).all()
        assert (read(one, 400) == heard).all()
        one.audio(4800, 960)[:] = 0  # what is read is the reader's own
        assert (read(one, 960) == heard).all()
