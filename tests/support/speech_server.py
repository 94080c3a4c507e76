"""A real HTTP server that speaks OpenAI's speech API with references, in a thread of its own."""

from __future__ import annotations

import io
import json
import threading
import wave
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np


def wav(
    seconds: float = 0.8, rate: int = 24_000, hertz: float = 180.0, *, streamed: bool = False
) -> bytes:
    """A hum as a WAV file; streamed: with lengths that nobody knew yet."""
    at = np.arange(int(seconds * rate)) / rate
    hum = np.sum([np.sin(2 * np.pi * hertz * n * at) / n for n in range(1, 9)], axis=0)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((4000 * hum).astype("<i2").tobytes())
    content = bytearray(file.getvalue())
    if streamed:
        content[4:8] = content[40:44] = b"\xff\xff\xff\xff"
    return bytes(content)


@dataclass
class Server:
    """answer: (status, headers, body) of the next speech; asked: what came, in order."""

    url: str = ""
    answer: tuple[int, Mapping[str, str], bytes] = (200, {}, wav())
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    voices: dict[str, bytes] = field(default_factory=dict)
    named: str = "voice_1"

    def speeches(self) -> list[Any]:
        return [json.loads(body) for method, path, _, body in self.asked if "speech" in path]


@contextmanager
def speech_server() -> Iterator[Server]:
    """Yields a Server at a port of its own."""
    it = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _take(self) -> bytes:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            it.asked.append((self.command, self.path, dict(self.headers), body))
            return body

        def _say(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            body = self._take()
            if self.path == "/v1/audio/voices":
                it.voices[it.named] = body
                self._say(200, {}, json.dumps({"id": it.named}).encode())
            else:
                self._say(*it.answer)

        def do_DELETE(self) -> None:
            self._take()
            there = it.voices.pop(self.path.rpartition("/")[2], None)
            self._say(204 if there is not None else 404, {}, b"")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    it.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield it
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
