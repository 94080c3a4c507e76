"""Names that pages give to their sessions, by which whoever runs them commands them."""

from __future__ import annotations

import re
import secrets
from typing import Final

from visavis.server.system.errors import Forbidden, Malformed

PREFIX: Final = "scene-"  # of the session's own name: so none is taken for another's
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


def named(wanted: str) -> str:
    """The session's own name; "" where none was asked for. Raises Malformed."""
    if wanted and not _NAME.fullmatch(wanted):
        message = (
            "A session's name has 1 to 32 lower-case letters from a to z, digits and hyphens, and "
            "does not begin with a hyphen."
        )
        raise Malformed(message, "name-invalid")
    return wanted and PREFIX + wanted


def given(wanted: str, *, may: bool) -> str:
    """The same, or a name that nobody guesses. may: whether callers may choose one at all.

    Raises Malformed, Forbidden.
    """
    name = named(wanted)
    if name and not may:
        message = (
            "Sessions cannot be given names here: leave `name` out, or have the operator set "
            "scene_names to on."
        )
        raise Forbidden(message, "names-off")
    return name or secrets.token_urlsafe(12)
