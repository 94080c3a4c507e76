"""A film's sound: a voice at the loudness that is usual, and music that gives way to it."""

from __future__ import annotations
