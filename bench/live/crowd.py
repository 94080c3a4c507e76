"""A crowd that finds no place: connects again and again, of several kinds; prints JSON.

    python -m bench.live.crowd --address http://127.0.0.1:8765/ --rate 500 --seconds 60 \\
        --secret-file SECRET

Offers come with good tokens of visitors, all different; beside them are tokens that are forged,
expired or none, bodies that are no offer, connections that say nothing and such that say nonsense.
It speaks HTTP by hand, so that the crowd costs the machine that it shares with the server little.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import secrets
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
from aiortc import RTCPeerConnection

from visavis.server.http import passes

# Of twenty that come: how many of each kind.
MIX: Final = {
    "offer": 10, "forged": 2, "expired": 2, "none": 1, "no offer": 1, "silent": 3, "nonsense": 1
}  # fmt: skip
_PATIENCE: Final = 15.0  # s for an answer; who says nothing is shown out after 10


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be set."""
    parser.add_argument("--address", required=True)
    parser.add_argument("--rate", type=float, default=500.0, help="connects a minute")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--secret-file", type=Path, required=True, help="signs visitors' tokens")


async def _an_offer() -> str:
    """As a viewer makes it; nobody is behind it."""
    pc = RTCPeerConnection()
    pc.addTransceiver("audio", direction="sendrecv")
    pc.addTransceiver("video", direction="recvonly")
    pc.createDataChannel("visavis")
    await pc.setLocalDescription(await pc.createOffer())
    offer = str(pc.localDescription.sdp)
    await pc.close()
    return offer


class Crowd:
    """All that come."""

    def __init__(self, options: argparse.Namespace, offer: str) -> None:
        parts = urlsplit(options.address)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._secret, self._offer = options.secret_file.read_text().strip(), offer
        self._rate, self._seconds = options.rate / 60, options.seconds
        self.answers: dict[str, Counter[str]] = defaultdict(Counter)
        self.took: dict[str, list[float]] = defaultdict(list)
        self.late: list[float] = []

    async def come(self) -> None:
        """At an even pace, whether or not those before were answered."""
        kinds = [kind for kind, count in MIX.items() for _ in range(count)]
        kinds = kinds[::3] + kinds[1::3] + kinds[2::3]  # not all offers one after another
        began, tasks = time.perf_counter(), []
        for number, kind in enumerate(itertools.cycle(kinds)):
            at = began + number / self._rate
            if at - began >= self._seconds:
                break
            await asyncio.sleep(max(0.0, at - time.perf_counter()))
            self.late.append(time.perf_counter() - at)
            tasks.append(asyncio.create_task(self._one(kind)))
        await asyncio.gather(*tasks)

    async def _one(self, kind: str) -> None:
        said, began = self._said(kind), time.perf_counter()
        try:
            async with asyncio.timeout(_PATIENCE):
                reader, writer = await asyncio.open_connection(self._host, self._port)
                writer.write(said)
                line = (await reader.readline()).decode("latin-1").split()
                writer.close()
            self.answers[kind][line[1] if len(line) > 1 else "closed"] += 1
        except TimeoutError:
            self.answers[kind]["nothing"] += 1
        except OSError:
            self.answers[kind]["cut off"] += 1
        self.took[kind].append(1000 * (time.perf_counter() - began))

    def _said(self, kind: str) -> bytes:
        if kind == "silent":
            return b""
        if kind == "nonsense":
            return os.urandom(200).replace(b"\n", b"?") + b"\r\n\r\n"
        now = time.time() - (7200 if kind == "expired" else 0)
        token = passes.sign(self._secret, now, 600, {"length": 60}, secrets.token_hex(8))
        token = token[:-6] + "AAAAAA" if kind == "forged" else token
        body = self._offer if kind != "no offer" else "v=0\r\nnonsense\r\n" * 500
        head = (
            f"POST /v1/sessions HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
        )
        head += f"Authorization: Bearer {token}\r\n" if kind != "none" else ""
        return f"{head}\r\n{body}".encode()

    def report(self) -> dict[str, Any]:
        """How many came, what they were told, and how soon."""
        kinds = {
            kind: {
                "answers": dict(self.answers[kind]),
                "ms": {f"p{p}": round(float(np.percentile(took, p)), 1) for p in (50, 95, 99, 100)},
            }
            for kind, took in self.took.items()
        }
        return {
            "connects": len(self.late),
            "a_minute": round(60 * len(self.late) / self._seconds, 1),
            "began_late_ms_p99": round(1000 * float(np.percentile(self.late, 99)), 1),
            "kinds": kinds,
        }


async def run(options: argparse.Namespace) -> dict[str, Any]:
    """Until all have come and gone."""
    crowd, spent = Crowd(options, await _an_offer()), time.process_time()
    await crowd.come()
    return {**crowd.report(), "processor_s": round(time.process_time() - spent, 1)}


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    arguments(parser)
    print(json.dumps(asyncio.run(run(parser.parse_args()))), flush=True)


if __name__ == "__main__":
    main()
