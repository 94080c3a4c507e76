"""`visavis token`: a secret for `visavis serve`."""

from __future__ import annotations

import argparse
import secrets

from visavis.server.commands.console import say_line


def token(_options: argparse.Namespace) -> None:
    """`token`: a secret for `visavis serve`."""
    say_line(secrets.token_urlsafe(24))
