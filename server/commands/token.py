"""`visavis token`: a secret for `visavis serve`."""

from __future__ import annotations

import argparse
import secrets

from visavis.server.commands.console import say_line
from visavis.server.system import secret_files


def token(options: argparse.Namespace) -> None:
    """`token`: to the standard output, or into a file. Raises ConfigError, OSError."""
    made = secrets.token_urlsafe(24)
    if options.file is None:
        say_line(made)
        return
    secret_files.write(options.file, made)
    say_line(f"{options.file} holds a new token that only you may read: name it in the setting")
    say_line("that wants one, such as token_file, or an option such as --whep-token-file")
