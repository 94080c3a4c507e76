"""A server of tools, made with the SDK: over its pipes, or over HTTP at the port that is named."""

from __future__ import annotations

import os
import sys

from mcp.server.mcpserver import MCPServer

server = MCPServer("desk")


@server.tool()
def free_rooms(night: str, kind: str = "double") -> str:
    """Which rooms are free."""
    return f"On {night} the {kind} rooms Lark and Finch are free."


@server.tool()
def price(nights: int) -> dict[str, int]:
    """What nights cost."""
    return {"euros": 90 * nights}


@server.tool()
def broken() -> str:
    """Does not work."""
    msg = "the till is closed"
    raise ValueError(msg)


@server.tool()
def long() -> str:
    """Says much."""
    return "word " * 2000


@server.tool()
def huge() -> str:
    """Says far too much."""
    return "x" * 2_000_000


@server.tool()
def leave() -> str:
    """Ends the server in the middle of a call."""
    os._exit(3)


@server.tool()
def environment() -> str:
    """The names of its variables."""
    return " ".join(sorted(os.environ))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run(transport="streamable-http", port=int(sys.argv[1]))
    else:
        server.run()
