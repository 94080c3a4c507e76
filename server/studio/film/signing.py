"""What a film says of itself, and who signs it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from visavis.server.provenance.claims import Film
from visavis.server.provenance.films import FilmSigning
from visavis.server.provenance.signing import Mode, Outcome, Signatory
from visavis.server.studio.film.casting import Role
from visavis.server.system.config import Config


class Signing:
    """Of films with these roles. Raises ConfigError where films must be signed, and cannot be."""

    def __init__(self, config: Config, roles: Sequence[Role]) -> None:
        mode: Mode = config.sign  # type: ignore[assignment]  # checked with the settings
        self._signatory = Signatory(config.home_path, mode, config.sign_timestamp_url)
        self._signatory.required()
        self._roles = roles
        self._film = Film(
            _each(role.avatar.name for role in roles), "rendered",
            voice=_each(role.voice for role in roles),
            language=_each(role.language for role in roles),
            source="text" if any(role.voice for role in roles) else "recording",
            session="video",
            marks=("picture", "sound") if config.mark == "on" else (),
            label=config.disclosure_text if config.disclosure == "on" else "",
        )  # fmt: skip

    def sign(self, path: Path) -> Outcome:
        """A finished file. It is as it was where this fails; nothing is raised."""
        first, cards = self._roles[0], [role.avatar.card for role in self._roles]
        made = FilmSigning(self._signatory, self._film, lambda: first.path, notes=False)
        made.begin(path)
        made.film = replace(
            made.film,
            consent=_each(card.reference for card in cards),
            person=any(card.consent.of_a_person for card in cards),
        )
        return made.finish(path)


def _each(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(name for name in names if name))
