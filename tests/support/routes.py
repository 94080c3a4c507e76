"""The addresses of a server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from visavis.server.avatars.store import AvatarStore
from visavis.server.commands.composition import application
from visavis.server.services.configured import services
from visavis.server.system.config import Config
from visavis.server.system.metrics import Metrics


def routes(home: Path) -> Iterator[str]:
    """Method and address of all but the page's own files; an alternative is an address each."""
    config, store, metrics = Config(), AvatarStore(home), Metrics()
    app = application(config, services(config, store, metrics), store, metrics)
    for route in app.router.routes():
        assert route.resource is not None
        info = route.resource.get_info()
        address = info["pattern"].pattern if "pattern" in info else info["path"]
        address = re.sub(r"\(\?P<(\w+)>(?:\[[^]]*\]|\.)\+\)", r"{\1}", address).replace("\\", "")
        choice = re.search(r"\(\?P<\w+>([\w|]+)\)", address)
        for word in choice[1].split("|") if choice else [""]:
            whole = address.replace(choice[0], word) if choice else address
            if route.method != "HEAD" and (whole.startswith("/v1/") or "." not in whole):
                yield f"{route.method} {whole}"
