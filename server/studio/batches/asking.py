"""The child that prepares batches, from its owner's side: one at a time, and not for ever."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from visavis.server.studio.batches.preparing import Order
from visavis.server.system import confined, strict_json
from visavis.server.system.errors import Busy, NoSpace, Unprocessable
from visavis.server.system.flow import Worker

_MODULE: Final = "visavis.server.studio.batches.preparing"
_PATIENCE: Final = 300.0  # s; 10,000 rows of 300 words take one
_FAILED: Final = "The table could not be read: it takes too long, or breaks what reads it."


class Asking:
    """settings: of Config, for the child."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = dict(settings)
        self._worker = Worker("batch")
        self._child: subprocess.Popen[bytes] | None = None

    async def ask(self, order: Order, *, keep: bool, skip: bool, proof: int) -> dict[str, Any]:
        """What `preparing.told` tells; with "new", where a batch was kept that can begin.

        keep: whether one is to be. skip: though rows of the table cannot be made. Raises
        Unprocessable, NoSpace, Busy.
        """
        fields = asdict(order) | {
            "table": str(order.table), "folder": str(order.folder) if order.folder else "",
        }  # fmt: skip
        asked = {
            "settings": self._settings, "order": fields, "keep": keep, "skip": skip, "proof": proof,
        }  # fmt: skip
        return await self._worker.load(self._run, json.dumps(asked).encode())

    def close(self) -> None:
        """End what is under way."""
        if self._child is not None:
            confined.kill(self._child)
        self._worker.close()

    def _run(self, asked: bytes) -> dict[str, Any]:
        try:
            child = confined.start(_MODULE, subprocess.PIPE)
        except OSError as error:
            raise Busy("The server has no room to read a table now.") from error
        self._child = child
        try:
            output, _ = child.communicate(asked, _PATIENCE)
        except subprocess.TimeoutExpired:
            raise Unprocessable(_FAILED, "table-invalid") from None
        finally:
            confined.kill(child)
            child.communicate()
            self._child = None
        return _answer(output)


def _answer(output: bytes) -> dict[str, Any]:
    """Raises Unprocessable, NoSpace."""
    try:
        said = strict_json.parse(output.decode())
    except (strict_json.NotJson, UnicodeDecodeError):
        raise Unprocessable(_FAILED, "table-invalid") from None
    if fault := said.get("fault"):
        kind = NoSpace if fault["code"] == "not-kept" else Unprocessable
        raise kind(fault["detail"], fault["code"])
    answer: dict[str, Any] = said["answer"]
    return answer
