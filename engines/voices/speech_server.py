"""HTTP to a speech server, in a thread that may wait: bounded in time and size, no redirects."""

from __future__ import annotations

import secrets
import stat
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from pathlib import Path
from typing import IO, Final

from visavis.engines.base import EngineAway, EngineError

SECONDS: Final = 19.0  # a voice is given 20 s for a piece of speech (services/voices.py)
_SMALL: Final = 1024 * 1024  # bytes of an answer that is no sound


class SpeechServerError(EngineAway):
    """It did not do what was asked. status: HTTP's, 0: it cannot be had."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class _Stays(urllib.request.HTTPRedirectHandler):
    """A key and a person's sample go to the address that was set, and to no other."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str,
        headers: Message, newurl: str,
    ) -> None:  # fmt: skip
        """None: the redirect is an error."""
        return


class Endpoint:
    """One server. Raises EngineError for an address or a key's file that cannot be."""

    def __init__(self, url: str, key_file: str = "") -> None:
        if not url.startswith(("http://", "https://")):
            raise EngineError(f"speech_url is {url[:80]!r}: it begins with http:// or https://")
        self.url = url.rstrip("/")
        self._key = _key(key_file)
        self._opener = urllib.request.build_opener(_Stays)

    def post(self, path: str, body: bytes, kind: str, most: int = _SMALL) -> bytes:
        """What it answers. Raises SpeechServerError."""
        return self._sent("POST", path, body, kind, most)

    def post_form(
        self, path: str, fields: Mapping[str, str], file: tuple[str, str, bytes]
    ) -> bytes:
        """A form with a file (field, name, content). Raises SpeechServerError."""
        edge = secrets.token_hex(16)
        parts = [
            f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
            for name, text in fields.items()
        ]
        field, name, content = file
        head = (
            f'--{edge}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
            "Content-Type: audio/wav\r\n\r\n"
        )
        body = b"".join([*parts, head.encode(), content, f"\r\n--{edge}--\r\n".encode()])
        return self._sent("POST", path, body, f"multipart/form-data; boundary={edge}", _SMALL)

    def delete(self, path: str) -> None:
        """What is not there any more is deleted, too. Raises SpeechServerError."""
        try:
            self._sent("DELETE", path, None, "", _SMALL)
        except SpeechServerError as error:
            if error.status not in (404, 410):
                raise

    def _sent(self, method: str, path: str, body: bytes | None, kind: str, most: int) -> bytes:
        headers = {"Content-Type": kind} if kind else {}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = urllib.request.Request(self.url + path, body, headers, method=method)
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                content: bytes = answer.read(most + 1)
        except urllib.error.HTTPError as error:
            message = f"the speech server at {self.url} answered {error.code} to {method} {path}"
            raise SpeechServerError(message, error.code) from error
        except (OSError, ValueError) as error:
            raise SpeechServerError(f"the speech server at {self.url} cannot be had") from error
        if len(content) > most:
            raise SpeechServerError(f"the speech server at {self.url} gave more than can be")
        return content


def _key(file: str) -> str:
    """What the file holds. Raises EngineError."""
    if not file:
        return ""
    path = Path(file).expanduser()
    try:
        if path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
            raise EngineError(f"{path} holds a key and can be read by others: chmod 600 it")
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise EngineError(f"speech_key_file: {path} cannot be read") from error
