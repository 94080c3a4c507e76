import http.server
import json
import socket
import threading
from contextlib import contextmanager

import pytest

from visavis.server import cli


@contextmanager
def answering(status, body):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            assert self.path == "/readyz"
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "code", "said"),
    [
        (200, b'{"ready": true}', 0, "ready\n"),
        (503, json.dumps({"detail": "It is shutting down."}).encode(), 1, "It is shutting down."),
        (503, b"<html>", 1, "status 503"),
        (404, b"[]", 1, "status 404"),
    ],
)
def test_whether_the_server_takes_visitors(monkeypatch, capsys, status, body, code, said):
    with answering(status, body) as port:
        monkeypatch.setenv("VISAVIS_PORT", str(port))
        assert cli.main(["ready"]) == code
    assert said in capsys.readouterr().out


def test_nobody_there_is_not_ready(monkeypatch, capsys):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("VISAVIS_PORT", str(free.getsockname()[1]))
        assert cli.main(["ready"]) == 1
    assert "does not answer (ConnectionRefusedError)" in capsys.readouterr().out
