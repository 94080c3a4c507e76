"""Microphone -> speech started, drafted and heard: voice activity and turns, over three parts.

`microphone` takes the avatar out of the sound, `transcribing` makes words of it, `turn_ending`
listens for how they end. A stage that fails is made anew and the session is told; without voice
activity the visitor is not heard for a minute.

A turn is told as over after as little as 160 ms of silence. A visitor who speaks on before a word
of the answer was heard goes on in the same turn. For who speaks over the first words of it the
sound is kept a little longer (`take_up`): it may be the rest of a sentence.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from visavis.engines.base import EchoCanceller, Pcm, Stt, Transcript, TurnEnd, Vad
from visavis.engines.ears.tone import Tone
from visavis.engines.language.phrases import words_of
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import (
    Drafted,
    Heard,
    SpeechResumed,
    SpeechStarted,
    Tick,
    ms,
)
from visavis.server.playout.timeline import Timeline
from visavis.server.session.endpointing import (
    FRAME_MS,
    Change,
    Endpointer,
    Endpointing,
    Evidence,
)
from visavis.server.session.events import Failure
from visavis.server.session.first_words import FirstWords
from visavis.server.session.gate import Gate
from visavis.server.session.laughter import Laughter
from visavis.server.session.microphone import Microphone
from visavis.server.session.nearness import Nearness
from visavis.server.session.renewing import Renewed, Strikes
from visavis.server.session.transcribing import Transcribing
from visavis.server.session.turn_ending import TurnEnding
from visavis.server.system.faults import fault, trace
from visavis.server.system.flow import Tasks
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import Served

log = logging.getLogger(__name__)

# For so long after a turn its sound is kept, should what is said next belong to it.
_CONTINUED: Final[Tick] = ms(5000)
_PRE_ROLL: Final = 300  # ms from before the onset that belong to a turn

Event = SpeechStarted | SpeechResumed | Drafted | Heard | Failure

RESTARTED: Final = Failure("hearing-restarted", "A word may be lost: my hearing was restarted.")
DEAF: Final = Failure("hearing-failed", "I cannot hear you for the moment. Please type instead.")
HALF_DEAF: Final = Failure("echo-failed", "I cannot hear you while I speak, for the moment.")
_FOREIGN: Final = 0.5  # probability from which speech is taken for another language
# What was not understood was surely said where whisper is not sure that it was not (of music and of
# noise it is, by 0.85 and more), and so many frames of it have a pitch.
_SPOKE: Final = 0.25
_SAID: Final = 600 // FRAME_MS
# Without words, and of no other language, that is too little: it may be a hum, or somebody afar.
_MUMBLED: Final = 0.5


@dataclass(frozen=True, slots=True)
class Ear:
    """What hears one visitor: echo cancellers and voice activity are made for the session.

    language: in which `stt` writes what it hears, unless it says otherwise. mood: whether it is
    told how raised the voice is; else nothing is made of that.
    """

    echo: Callable[[], EchoCanceller]
    vad: Callable[[], Vad]
    stt: Served[Stt]
    limits: Endpointing
    turn_end: Served[TurnEnd] | None = None  # None: words and silence alone
    language: str = "en"
    mood: bool = False


class Hearing:
    """One visitor's ear. `emit` is called in the event loop, in order, and must not block."""

    def __init__(
        self,
        clock: Clock,
        timeline: Timeline,
        ear: Ear,
        emit: Callable[[Event], None],
        tasks: Tasks,
        metrics: Metrics,
    ) -> None:
        self._clock, self._timeline, self._metrics = clock, timeline, metrics
        self._limits, self._emit = ear.limits, emit
        self._language = ear.language
        self._microphone = Microphone(clock, timeline, ear.echo, metrics, self._echo_failed)
        self._vad = Renewed("vad", ear.vad, clock, metrics, self._vad_failed)
        self._tone = Renewed("tone", Tone, clock, metrics)
        self.reads_mood = ear.mood
        self._strikes = Strikes(clock)  # of what is not an engine's fault
        self._turn = Endpointer(self._limits)
        self._words = Transcribing(ear.stt, clock, tasks, self._known)
        self._ending = TurnEnding(ear.turn_end, tasks, self._decide)
        self._sure: tuple[str, float] = ("", 0.0)  # of the answer to these words
        self._told: tuple[str, Tick] = ("", 0)  # the words of the last turn, and when it ended
        self._ended: Tick = 0  # the last tick of voice
        self._gate = Gate(clock)
        self._nearness = Nearness()
        self._laughter = Laughter()
        bare_vad = Renewed("vad", ear.vad, clock, metrics)
        self._first_words = FirstWords(bare_vad, self._nearness.as_loud)
        self._over_reply = False  # the turn began over one
        self._finishing = False
        self._lingering = False  # the turn was told as over, and its sound is kept
        self._unbroken = False  # the words are looked for in voice without a pause
        self._so_far: list[str] | None = None  # what they were before
        self._cutting = False  # the turn is too long, and ends while the visitor speaks
        self._wordless = False  # it goes on without more words: no voice, but noise
        self._soon = False  # the turn ends with a short silence

    async def run(self, mic: AsyncIterator[Pcm]) -> None:
        """Listen to 48 kHz mono packets until they end."""
        self._microphone.begin_anew()
        try:
            async for packet in mic:
                if not self._strikes.resting:
                    self._take(packet)
        finally:
            self._words.drop()
            self._break_off()

    def switch(self, on: bool) -> None:
        """Open or close the ear; closing it while the visitor speaks ends the turn at once.

        What was said before the button was released is still under way, and is heard.
        """
        self._gate.switch(on)

    def listen_with(self, stt: Served[Stt], language: str) -> None:
        """Another recogniser, of another language, for what is transcribed from now on."""
        self._language = language
        self._words.listen_with(stt)

    def end_soon(self) -> None:
        """The words so far leave the turn to the avatar: if no others follow, it goes on soon."""
        self._soon = True

    def disregard(self) -> None:
        """What was heard of the turn so far is no turn: listen for the next one."""
        self._reset()

    def take_up(self) -> None:
        """The turn that has begun may be the rest of the one before: hear both together."""
        self._words.take_up()

    def assure(self, text: str, sure: float) -> None:
        """How sure the mind is of its answer to these words; the turn may end at once."""
        self._sure = (text, sure)
        self._decide()

    def settle(self) -> None:
        """The turn that was told as over is over: what is said from here on is another one."""
        if self._lingering:
            self._reset()
        self._told = "", 0
        self._words.forget()

    def _take(self, packet: Pcm) -> None:
        now = self._clock.now()
        try:
            for frame, bare in self._microphone.take(packet, now):
                self._hear(frame, bare, now)
        except Exception as error:  # noqa: BLE001 (one frame must not deafen the session)
            self._begin_anew(error)

    def _echo_failed(self, resting: bool) -> None:
        self._tell(HALF_DEAF if resting else RESTARTED)

    def _vad_failed(self, resting: bool) -> None:
        self._tell(DEAF if resting else RESTARTED)

    def _begin_anew(self, error: Exception) -> None:
        """Something else than an engine failed: nothing of its state is kept."""
        self._strikes.add()
        resting = self._strikes.resting
        extra = {"fault": fault(error), "trace": trace(error), "resting": resting}
        log.error("hearing is begun anew", extra=extra)
        self._metrics.engine_errors.labels("hearing").inc()
        self._microphone.begin_anew()
        self._tell(DEAF if resting else RESTARTED)
        self._break_off()

    def _break_off(self) -> None:
        """What the visitor was saying is not heard to its end."""
        talking = self._turn.talking and not self._lingering
        self._turn = Endpointer(self._limits)
        self._reset()
        if talking:
            self._tell(Heard("", self._ended, self._clock.now()))

    def _tell(self, event: Event) -> None:
        """`emit` where a failure of it has no further consequence."""
        try:
            self._emit(event)
        except Exception as error:  # noqa: BLE001
            log.error("hearing could not tell", extra={"fault": fault(error)})  # noqa: TRY400

    def _hear(self, frame: Pcm, bare: Pcm, now: Tick) -> None:
        closed = self._gate.closed(now)
        if self._lingering and (closed or self._is_settled(now)):
            self._words.set_aside(self._told[0])
            self._reset()
        if self._told[0] and now - self._told[1] >= _CONTINUED:
            self._told = "", 0
            self._words.forget()
        if closed and not self._turn.talking:
            return
        if closed and not self._finishing:
            self._finish()
        voice = not closed and self._vad.call(lambda vad: bool(vad.is_speech(frame)), False)
        over_reply = not self._turn.talking and self._timeline.audible(now)
        voice = self._nearness.feed(frame, voice=voice, over_reply=over_reply)
        self._words.keep(frame, bare, voice=voice)
        self._ending.keep(frame)
        if voice:
            self._tone.call(lambda tone: tone.feed(frame), None)
        self._laughter.feed(frame)
        missed = self._first_words.missed(bare, self._microphone.verdict, over_reply=over_reply)
        change = self._turn.push(voice, over_reply, near=not over_reply or self._nearness.near)
        if missed and change is None and not closed and self._turn.begin():
            change, voice = "started", True
        if voice and not self._lingering:
            self._ended = now
        self._follow(change, now, over_reply)
        if self._turn.talking and voice and self._nearness.far():
            self._break_off()
        if self._turn.talking:
            self._look_again()
            self._maybe_finish()

    def _draft(self) -> None:
        self._words.draft(self._ended, bare=self._microphone.hears_no_echo)

    def _look_again(self) -> None:
        """At a longer pause how it sounds; in voice that goes on and on, whether it has words."""
        if self._lingering or self._finishing:
            return
        if self._turn.silence in self._limits.listens:
            self._ending.ask()
        elif not self._turn.silence and self._turn.voice >= self._limits.unbroken:
            self._turn.voice = 0
            self._unbroken = True
            self._draft()

    def _follow(self, change: Change | None, now: Tick, over_reply: bool) -> None:
        if change == "started":
            self._nearness.begin(over_reply=over_reply)
            self._words.begin(reach=over_reply)
            self._laughter.begin()
            self._over_reply = over_reply
            self._ending.begin(_PRE_ROLL // FRAME_MS)
            self._tone.call(Tone.begin, None)
            self._emit(SpeechStarted(now - ms(2 * self._limits.onset)))
        elif change == "resumed" and not self._finishing:
            self._unbroken, self._so_far, self._soon = False, None, False
            self._words.drop()
            self._ending.drop()
            if self._lingering:
                self._lingering, self._ended = False, now
                self._emit(SpeechResumed(now))
        elif change == "paused" and not self._finishing:
            self._unbroken, self._so_far = False, None
            if self._over_reply and self._laughter.heard():  # whisper would write and write
                self._words.nothing(self._ended)
                return
            self._draft()
            self._cutting = self._finishing = self._words.length >= self._limits.longest

    def _is_settled(self, now: Tick) -> bool:
        """Whether a turn that was told as over is so for good."""
        return self._turn.silence >= self._limits.settled or self._timeline.spoke(now)

    def _finish(self) -> None:
        """End the turn as soon as its words are known; at a pause they are under way already."""
        self._finishing = True
        if self._cutting or not self._words.under_way:
            self._draft()

    def _known(self, ended: Tick) -> None:
        """The words up to `ended` have come."""
        words = self._words.words
        text = "" if words is None else words.text
        foreign = words is not None and self._is_foreign(words)
        if self._unbroken:
            self._wordless = words_of(text) == self._so_far
            self._so_far = words_of(text)
        language = self._of(words)
        self._decide(Drafted(text, ended, self._arousal(), foreign, language, self._words.one))

    def _decide(self, drafted: Drafted | None = None) -> None:
        """Something more is known of the turn, between two frames."""
        try:
            if drafted is not None:
                self._emit(drafted)
            if self._turn.talking:
                self._maybe_finish()
        except Exception as error:  # noqa: BLE001 (a turn whose words are never known never ends)
            self._begin_anew(error)

    def _of(self, words: Transcript | None) -> str:
        """The language of these words."""
        return (words.language if words is not None else "") or self._language

    def _is_foreign(self, words: Transcript) -> bool:
        return words.foreign >= _FOREIGN and self._was_said(words, _SPOKE)

    def _was_said(self, words: Transcript, least: float) -> bool:
        """Whether somebody surely spoke, whatever was understood of it."""
        pitched = self._tone.call(lambda tone: tone.pitched, 0)
        return words.speech >= least and pitched >= _SAID

    def _arousal(self) -> float:
        """0 unless the operator has it told: what a voice gives away of emotions."""
        if not self.reads_mood:
            return 0.0
        return self._tone.call(Tone.arousal, 0.0)

    def _maybe_finish(self) -> None:
        """End the turn once its words are known and the silence is long enough for them."""
        if self._lingering:
            return
        most = self._limits.longest + self._limits.pauseless
        if self._words.length >= most and not self._finishing:
            self._cutting = True
            self._finish()
        words = self._words.words
        if words is None:
            if self._turn.silence >= self._limits.unheard:
                self._tell(RESTARTED)
                self._break_off()
            return
        found = self._found(words)
        limit = self._limits.held if self._soon else self._limits.silence_for(found)
        if self._finishing or self._wordless or self._turn.silence >= limit:
            self._end(words)

    def _found(self, words: Transcript) -> Evidence:
        text, sure = self._sure
        return Evidence(
            self._words.one or words.text,
            self._ending.finished,
            sure if text == words.text else None,
            self._of(words),
        )

    def _end(self, words: Transcript) -> None:
        heard = Heard(
            words.text, self._ended, self._words.known_at, self._arousal(),
            foreign=self._is_foreign(words),
            unclear=not words.text and self._was_said(words, _MUMBLED),
            language=self._of(words), one=self._words.one, cut=self._cutting,
        )  # fmt: skip
        if heard.text:
            self._told = heard.one or heard.text, self._clock.now()
            self._tone.call(Tone.learn, None)
            self._nearness.learn()
        if heard.text and not self._finishing and not self._wordless:
            self._lingering = True
            self._turn.linger()
        else:
            self._words.forget()
            self._reset()
        self._emit(heard)

    def _reset(self) -> None:
        self._words.reset(silent=self._turn.silence >= _PRE_ROLL, cut=self._cutting)
        self._turn.reset(wordless=self._wordless)
        self._ending.drop()
        self._sure, self._so_far = ("", 0.0), None
        self._finishing = self._lingering = self._unbroken = False
        self._soon = self._wordless = self._cutting = False
