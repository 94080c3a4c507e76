"""A server of tools that goes wrong in the way that its argument says; without the SDK."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

SCHEMA: dict[str, Any] = {"type": "object", "properties": {}}


def say(message: Any) -> None:
    sys.stdout.write(f"{json.dumps(message)}\n")
    sys.stdout.flush()


def tool(name: str, schema: Any = SCHEMA) -> dict[str, Any]:
    return {"name": name, "description": "a tool", "inputSchema": schema}


def started(request: dict[str, Any]) -> dict[str, Any]:
    return {
        "protocolVersion": request["params"]["protocolVersion"],
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "bad", "version": "1"},
    }


def listed(way: str) -> list[dict[str, Any]]:
    if way == "wrong-schema":
        return [tool("act"), tool("texts", {"type": "string"})]
    if way == "odd":
        large = tool("large", {**SCHEMA, "description": "y" * 20_000})
        return [large, tool("n" * 80), tool("with spaces/and more")]
    if way == "many":
        return [tool(f"t{n}") for n in range(500)]
    return [tool("act")]


def act(way: str, number: Any) -> None:
    if way == "hang":
        time.sleep(600)
    elif way == "die":
        sys.exit(1)
    elif way == "flood":
        while True:
            sys.stdout.write("x" * 65536)
    elif way == "chatter":
        while True:
            say({"jsonrpc": "2.0", "method": "notifications/message",
                 "params": {"level": "info", "data": "tick"}})  # fmt: skip
    elif way == "garbage":
        sys.stdout.write('{"jsonrpc": "2.0", "id": 1, "result": {"content": [\n\xff\x00 {]}\n')
        sys.stdout.flush()
    elif way == "wrong-result":
        say({"jsonrpc": "2.0", "id": number, "result": {"content": "no list", "isError": 7}})
    else:
        text = {"content": [{"type": "text", "text": "done"}]}
        say({"jsonrpc": "2.0", "id": number, "result": text})


def serve(way: str) -> None:
    for line in sys.stdin:
        request = json.loads(line)
        number, method = request.get("id"), request.get("method")
        if method == "initialize":
            if way == "never-starts":
                time.sleep(600)
            say({"jsonrpc": "2.0", "id": number, "result": started(request)})
        elif method == "tools/list":
            say({"jsonrpc": "2.0", "id": number, "result": {"tools": listed(way)}})
        elif method == "tools/call":
            act(way, number)
        elif number is not None:
            error = {"code": -32601, "message": "unknown"}
            say({"jsonrpc": "2.0", "id": number, "error": error})


if __name__ == "__main__":
    serve(sys.argv[1])
